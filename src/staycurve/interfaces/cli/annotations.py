"""Commands that keep annotations: add, list, delete."""

from __future__ import annotations

from typing import Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data, print_table
from staycurve.interfaces.cli.views import By, user

notes = group("annotations", "Dated notes, which charts show.")

Metric = Annotated[
    str,
    typer.Option("--metric", metavar="METRIC", help="Its metric; every metric without it."),
]


@notes.command()
def add(
    context: typer.Context,
    day: Annotated[str, typer.Argument(help="Such as 2024-05-01.")],
    text: Annotated[str, typer.Argument(help="What happened.")],
    metric: Metric = "",
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Add a note about a day."""
    with company_of(context) as company:
        made = company.state.annotate(day, text, metric=metric or None, author=by or user())
    if not print_data({"rows": [made.as_dict()]}, output):
        typer.echo(f"Added annotation {made.id}: {made.day} {made.text}")


@notes.command("list")
def listed(
    context: typer.Context, metric: Metric = "", output: Output = Format.table
) -> None:
    """Every note, by day; with a metric, those that its charts show."""
    from staycurve.metrics.catalogue import METRICS

    if metric:
        _known = METRICS[metric]
    with company_of(context) as company:
        rows = [one.as_dict() for one in company.state.annotations(*([metric] if metric else []))]
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo("No note yet: staycurve annotations add 2024-05-01 'Price change'")
        return
    print_table(
        "Annotations", ["id", "day", "text", "metric", "author"],
        [[str(row["id"]), row["day"], row["text"], row["metric"] or "", row["author"]]
         for row in rows],
    )


@notes.command()
def delete(
    context: typer.Context,
    annotation: Annotated[int, typer.Argument(help="Its number in: staycurve annotations list.")],
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Delete a note."""
    with company_of(context) as company:
        gone = company.state.delete_annotation(annotation, by=by or user())
    if not print_data({"rows": [gone.as_dict()]}, output):
        typer.echo(f"Deleted annotation {gone.id}: {gone.day} {gone.text}")
