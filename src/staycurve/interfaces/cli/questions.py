"""The list of insights, and one of them whole: insights."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.asking import help_of
from staycurve.interfaces.cli.options import Output, option_of
from staycurve.interfaces.cli.output import Format, print_data, print_table


@app.command()
def insights(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Show one in full, such as cohorts riskiest."),
    ] = None,
    output: Output = Format.table,
) -> None:
    """The questions that insights answer; with a name, everything about one of them."""
    from staycurve.insights.catalogue import INSIGHTS

    if words:
        _show(" ".join(words), output)
        return
    rows = [{"name": name, "question": one.question} for name, one in INSIGHTS.items()]
    rows.sort(key=lambda row: row["name"])
    if not print_data({"rows": rows}, output):
        print_table("Insights", ["name", "question"], [list(row.values()) for row in rows])
        typer.echo("One whole: staycurve insights cohorts riskiest")


def _show(name: str, output: Format) -> None:
    from staycurve.insights.catalogue import INSIGHTS
    from staycurve.insights.describe import described

    insight: Any = INSIGHTS[name]
    found = described(insight)
    if print_data(found, output, rows=found["fields"]):
        return
    typer.echo(f"{insight.name}: {insight.question}")
    if insight.about:
        typer.echo(f"\n{insight.about}")
    typer.echo(f"\nCommand  {found['command']}\nAddress  {found['address']}")
    for alias in found["aliases"]:
        typer.echo(f"         {alias}")
    typer.echo(f"Page     {found['page']}\nPython   {found['python']}\n")
    print_table(
        "What may be asked",
        ["option", "", "about"],
        [[option_of(one), "required" if one.is_required else "", help_of(one)]
         for one in insight.arguments],
        are_numbers=(False,) * 3,
    )
    print_table(
        "What comes back",
        ["key", "label", "unit", "meaning"],
        [list(line.values()) for line in found["fields"]],
        are_numbers=(False,) * 4,
    )
