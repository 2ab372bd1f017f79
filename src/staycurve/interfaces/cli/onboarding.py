"""Commands that read onboarding: onboarding time, checklist, accounts, steps."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.association import print_associations
from staycurve.interfaces.cli.opening import fresh_company_of
from staycurve.interfaces.cli.options import AsOf, By, Output, Where
from staycurve.interfaces.cli.output import (
    Format,
    Row,
    percent,
    print_data,
    print_opened,
    print_table,
    say,
    segment_of,
)
from staycurve.metrics.dimensions import dims_of

onboarding = group(
    "onboarding", "How new accounts reach first value: how fast, how many, and along which steps."
)


@onboarding.command("time")
def time_to_value(
    context: typer.Context,
    by: By = "", where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """Time to first value and activation rate, by month of sign-up."""
    with fresh_company_of(context) as company:
        found = company.onboarding.time_to_value(by=by, where=where, as_of=as_of)
    answer = found.to_json()
    if print_data(answer, output, rows=[_flat(row) for row in answer["rows"]]):
        return
    events = ", ".join(found.events) or "the first active event"
    print_table(
        f"Time to first value ({events}), window {found.window_days} days, as of {found.as_of}",
        [*dims_of(by), "signed up in", "accounts", "there", "rate", "95% interval", "a quarter",
         "median", "three quarters"],
        [
            [*segment_of(row), (row["cohort"] or "all")[:7], f"{row['size']:,}",
             f"{row['activated']:,}", percent(row["rate"]["value"]),
             f"{percent(row['rate']['low'])} to {percent(row['rate']['high'])}",
             *(_days(row[name]) for name in ("q25", "median", "q75"))]
            for row in [*answer["whole"], *answer["rows"]]
        ],
    )
    if found.p_value is not None:
        typer.echo(f"Chance of segments as far apart if all were alike: {found.p_value:.3g}")
    if found.unknown:
        typer.echo(f"{found.unknown:,} accounts have no known sign-up.")
    if found.before:
        typer.echo(f"{found.before:,} accounts were there before they signed up: day 0.")
    say(*found.notes, found.why)


def _days(found: Row) -> str:
    return "–" if found["value"] is None else f"{found['value']} d"


def _flat(row: Row) -> dict[str, Any]:
    return {
        "segment": row["segment"], "cohort": row["cohort"], "size": row["size"],
        "activated": row["activated"], "mature": row["rate"]["size"],
        "in_window": row["rate"]["count"], "rate": row["rate"]["value"],
        "rate_low": row["rate"]["low"], "rate_high": row["rate"]["high"],
        **{name: row[name]["value"] for name in ("q25", "median", "q75")},
    }


@onboarding.command()
def checklist(
    context: typer.Context,
    by: By = "", where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """How far accounts get along the steps, where they stop, and who stays."""
    with fresh_company_of(context) as company:
        found = company.onboarding.checklist(by=by, where=where, as_of=as_of)
    answer = found.to_json()
    lines = [
        {"segment": row["segment"], "step": row["step"], "accounts": row["in_order"]["size"],
         **{key: row[key]["count"] for key in ("in_order", "any_order", "in_window")},
         "stopped": row["stopped"], "median_hours": row["median_hours"]}
        for row in answer["rows"]
    ]
    if print_data(answer, output, rows=lines):
        return
    print_table(
        f"Onboarding checklist, window {found.window_days} days, as of {found.as_of}",
        [*dims_of(by), "step", "accounts", "in order", "any order", "in the window",
         "went no further", "median hours"],
        [
            [*segment_of(row), row["step"],
             f"{row['in_order']['size']:,}", percent(row["in_order"]["value"]),
             percent(row["any_order"]["value"]), percent(row["in_window"]["value"]),
             f"{row['stopped']:,}{' <' if row['is_largest_loss'] else ''}",
             "–" if row["median_hours"] is None else f"{row['median_hours']:.1f}"]
            for row in answer["rows"]
        ],
    )
    for name, title in (("paying", "Pays three months after sign-up"),
                        ("active", "Active three months after sign-up")):
        print_associations(title, [(row["step"], row[name]) for row in answer["rows"]])
    say(found.why)


@onboarding.command()
def accounts(
    context: typer.Context,
    part: Annotated[
        str, typer.Option(help="signed_up, activated, waiting, in_window, late, unknown, …")
    ] = "signed_up",
    cohort: Annotated[
        str | None, typer.Option(metavar="P", help="A month of sign-up, such as 2024-05.")
    ] = None,
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The accounts behind a number of `onboarding time`."""
    with fresh_company_of(context) as company:
        found = company.onboarding.accounts(part, cohort=cohort, where=where, as_of=as_of)
    print_opened(found.to_json(), output)


@onboarding.command()
def progress(
    context: typer.Context,
    step: Annotated[str, typer.Argument(help="A step of the checklist.")],
    state: Annotated[
        str,
        typer.Option(
            help="members, reached, any_order, in_window or stopped; of those that signed up "
            "three months ago did or did_not, each also with _paying or _active."
        ),
    ] = "reached",
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The accounts behind a step of the checklist, each with the steps that it did."""
    with fresh_company_of(context) as company:
        found = company.onboarding.step_accounts(step, state=state, where=where, as_of=as_of)
    print_opened(found.to_json(), output)
