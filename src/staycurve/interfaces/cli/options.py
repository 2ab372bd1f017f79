"""Options that several commands take, each with its one help text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from staycurve.interfaces.cli.output import Format

if TYPE_CHECKING:
    from staycurve.insights.base import Argument

Output = Annotated[Format, typer.Option("--format", help="table, json or csv.")]
By = Annotated[str, typer.Option("--by", metavar="DIM,…", help="Split by dimensions.")]
Where = Annotated[str, typer.Option("--where", help="Such as 'industry=EdTech,country=US'.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="INSTANT", help="Ignore data after this time.")
]
KnownAt = Annotated[
    str | None,
    typer.Option(
        "--known-at", metavar="INSTANT", help="Use the data as it was loaded at this time."
    ),
]
Grain = Annotated[str, typer.Option(help="day, week, month, quarter or year.")]
From = Annotated[str | None, typer.Option("--from", metavar="P", help="First period.")]
To = Annotated[str | None, typer.Option("--to", metavar="P", help="Last period.")]

Encoding = Annotated[str | None, typer.Option(help="Such as latin-1.")]
Decimal = Annotated[str | None, typer.Option(help="The decimal separator: '.' or ','.")]
Thousands = Annotated[
    str | None, typer.Option(help="The thousands separator.")
]
Dates = Annotated[
    str | None, typer.Option(help="iso, dmy, mdy, spreadsheet (day numbers), epoch or auto.")
]
Delimiter = Annotated[str | None, typer.Option(help="The column separator.")]


def option_of(one: Argument) -> str:
    """What the command line calls a parameter."""
    if one.param.is_argument:
        return one.param.metavar or one.outward.upper()
    return "--" + one.outward.replace("_", "-")
