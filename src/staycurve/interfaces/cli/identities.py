"""Commands about who a person is: list, undo."""

from __future__ import annotations

from typing import Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of, fresh_company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data, print_table
from staycurve.interfaces.cli.views import user

identities = group("identities", "Which ids are one person, and parting those that are not.")


@identities.command("list")
def listed(context: typer.Context, output: Output = Format.table) -> None:
    """Every anonymous and former id, and the user that it counts for."""
    with fresh_company_of(context) as company:
        rows = [one.as_dict() for one in company.identities.listed()]
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo("No identity is known: no SDK has identified anybody, and none was loaded.")
        return
    print_table(
        "Identities", ["alias", "source", "user", "counts for", "since", "undone"],
        [[row["alias"], row["source"], row["user_id"], row["person"], row["since"] or "",
          "yes" if row["is_undone"] else ""] for row in rows],
    )


@identities.command()
def undo(
    context: typer.Context,
    alias: Annotated[str, typer.Argument(help="The id in: staycurve identities list.")],
    source: Annotated[
        str, typer.Option("--source", help="Only what this source told; without it, every one.")
    ] = "",
    author: Annotated[str, typer.Option(help="Who decided it. Default: the user's name.")] = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "not the same person",
    output: Output = Format.table,
) -> None:
    """Part an id from the user that it was said to be; the past is counted anew."""
    with company_of(context) as company:
        loads = company.identities.undo(
            alias, source=source, author=author or user() or "command line", reason=reason
        )
    if not print_data({"rows": [{"alias": alias, "load": load} for load in loads]}, output):
        for load in loads:
            typer.echo(f"Parted {alias}, as load {load}. To take it back: staycurve undo {load}")
