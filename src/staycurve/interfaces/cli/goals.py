"""Commands that keep goals: add, list, drop, review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of, fresh_company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, number, print_data, print_table
from staycurve.interfaces.cli.views import By, user

if TYPE_CHECKING:
    from staycurve.actions.goals import Pace

goals = group("goals", "What a metric is to reach by when; at most two goals are active.")

Number = Annotated[int, typer.Argument(metavar="ID", help="Its number in: staycurve goals list.")]


@goals.command()
def add(
    context: typer.Context,
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="From: staycurve metrics")],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="In its unit: 95%, 0.95 or 120K.")
    ],
    until: Annotated[
        str, typer.Option("--until", metavar="P", help="The month to reach it in, as 2026-06.")
    ],
    owner: Annotated[str, typer.Option("--owner", metavar="WHO", help="Who answers for it.")],
    source: Annotated[
        str,
        typer.Option("--source", help="Where the numbers come from. Default: the metric's tables."),
    ] = "",
    drop: Annotated[
        int | None, typer.Option("--drop", metavar="ID", help="An active goal that makes room.")
    ] = None,
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Set a goal, from the last closed month's value."""
    with fresh_company_of(context) as company:
        made = company.goals.add(
            metric, target, until=until, owner=owner, source=source, drop=drop, by=by or user()
        )
    if not print_data({"rows": [made.as_dict()]}, output):
        typer.echo(f"Set goal {made.goal.id}: {_said(made)}")


@goals.command("list")
def listed(
    context: typer.Context,
    every: Annotated[
        bool, typer.Option("--all", help="Those that have ended too, the newest first.")
    ] = False,
    output: Output = Format.table,
) -> None:
    """The active goals, with their pace."""
    with fresh_company_of(context) as company:
        company.goals.check()
        found = company.goals.every() if every else company.goals.active()
    if print_data({"rows": [one.as_dict() for one in found]}, output):
        return
    if not found:
        typer.echo("No goal yet: staycurve goals add nrr 102% --until 2026-12 --owner Ana")
        return
    _print(found)


def _print(found: Sequence[Pace]) -> None:
    print_table(
        "Goals",
        ["id", "metric", "target", "until", "owner", "start", "value", "expected", "status"],
        [
            [
                str(one.goal.id), one.goal.metric, _value(one, one.goal.target),
                str(one.goal.until_on), one.goal.owner, _value(one, one.goal.start_value),
                _value(one, one.value), _value(one, one.expected), _status(one),
            ]
            for one in found
        ],
    )
    for one in found:
        if one.playbooks:
            typer.echo(f"Goal {one.goal.id} is served by: {', '.join(one.playbooks)}")
        if one.is_due:
            typer.echo(f"Goal {one.goal.id} is past its date: staycurve goals review {one.goal.id}")
        elif one.needed is not None:
            typer.echo(f"Goal {one.goal.id} needs {_step(one)} a month, for {_months(one)}.")
        elif one.why:
            typer.echo(f"Goal {one.goal.id}: {one.why}")


@goals.command("drop")
def dropped(
    context: typer.Context, goal: Number, by: By = "", output: Output = Format.table
) -> None:
    """Give a goal up; it stays in the history."""
    with company_of(context) as company:
        gone = company.goals.drop(goal, by=by or user())
    row = {"id": gone.id, "metric": gone.metric, "status": gone.status}
    if not print_data({"rows": [row]}, output):
        typer.echo(f"Dropped goal {gone.id}: {gone.metric}")


@goals.command()
def review(
    context: typer.Context,
    goal: Number,
    outcome: Annotated[
        str, typer.Option("--outcome", help="reached or missed. Default: what the numbers say.")
    ] = "",
    note: Annotated[str, typer.Option("--note", help="Why, and what follows.")] = "",
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Close a goal whose month is over, as reached or missed; it stays in the history."""
    with fresh_company_of(context) as company:
        kept = company.goals.review(goal, outcome=outcome, note=note, by=by or user())
    row = {"id": kept.id, "metric": kept.metric, "status": kept.status, "note": kept.note}
    if not print_data({"rows": [row]}, output):
        typer.echo(f"Reviewed goal {kept.id}: {kept.metric} was {kept.status}.")


def _said(one: Pace) -> str:
    text = (
        f"{one.goal.metric} from {_value(one, one.goal.start_value)} to "
        f"{_value(one, one.goal.target)} until {one.goal.until_on}, {one.goal.owner}"
    )
    return text + (f"; {_step(one)} a month" if one.needed is not None else "")


def _step(one: Pace) -> str:
    from staycurve.metrics.base import Unit
    from staycurve.metrics.catalogue import METRICS

    assert one.needed is not None
    if METRICS[one.goal.metric].unit is Unit.PERCENT:
        return f"{one.needed * 100:+.2f} points"
    return f"{one.needed:+,.2f}"


def _months(one: Pace) -> str:
    return "1 month" if one.months_left == 1 else f"{one.months_left} months"


def _status(one: Pace) -> str:
    from staycurve.actions.goals import STATUSES

    return STATUSES[one.status]


def _value(one: Pace, value: float | None) -> str:
    from staycurve.metrics.catalogue import METRICS

    name = one.goal.metric
    if name not in METRICS:
        return "–" if value is None else f"{value:g}"
    return number(value, METRICS[name].unit)
