"""Commands that read onboarding: onboarding time, checklist, accounts, steps."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from staycurve.interfaces.cli.answers import AsOfOption, ByOption, FormatOption, WhereOption
from staycurve.interfaces.cli.app import app, fresh_company_of
from staycurve.interfaces.cli.features import percent, print_associations, print_opened, say
from staycurve.interfaces.cli.output import Format, print_csv, print_json, print_table

onboarding = typer.Typer(
    help="How new accounts reach first value: how fast, how many, and along which steps.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(onboarding, name="onboarding")


@onboarding.command("time")
def time_to_value(
    context: typer.Context,
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Time to first value and activation rate, by month of sign-up."""
    with fresh_company_of(context) as company:
        found = company.onboarding.time_to_value(by=by, where=where, as_of=as_of)
    answer = found.to_json()
    if output is Format.json:
        print_json(answer)
        return
    if output is Format.csv:
        print_csv([_flat(row) for row in answer["rows"]])
        return
    dims = [dim for dim in by.split(",") if dim]
    events = ", ".join(found.events) or "the first active event"
    print_table(
        f"Time to first value ({events}), window {found.window_days} days, as of {found.as_of}",
        [*dims, "signed up in", "accounts", "there", "rate", "95% interval", "a quarter", "median",
         "three quarters"],
        [
            [*(str(row["segment"][dim] or "(none)") for dim in dims), (row["cohort"] or "all")[:7],
             f"{row['size']:,}", f"{row['activated']:,}", percent(row["rate"]["value"]),
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
    for note in found.notes:
        say(note)
    say(found.why)


def _days(found: dict[str, Any]) -> str:
    return "–" if found["value"] is None else f"{found['value']} d"


def _flat(row: dict[str, Any]) -> dict[str, Any]:
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
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """How far accounts get along the steps, where they stop, and who stays."""
    with fresh_company_of(context) as company:
        found = company.onboarding.checklist(by=by, where=where, as_of=as_of)
    answer = found.to_json()
    if output is Format.json:
        print_json(answer)
        return
    if output is Format.csv:
        print_csv([
            {"segment": row["segment"], "step": row["step"], "accounts": row["in_order"]["size"],
             **{key: row[key]["count"] for key in ("in_order", "any_order", "in_window")},
             "stopped": row["stopped"], "median_hours": row["median_hours"]}
            for row in answer["rows"]
        ])
        return
    dims = [dim for dim in by.split(",") if dim]
    print_table(
        f"Onboarding checklist, window {found.window_days} days, as of {found.as_of}",
        [*dims, "step", "accounts", "in order", "any order", "in the window", "went no further",
         "median hours"],
        [
            [*(str(row["segment"][dim] or "(none)") for dim in dims), row["step"],
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
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
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
        str, typer.Option(help="members, reached, any_order, in_window or stopped.")
    ] = "reached",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """The accounts behind a step of the checklist, each with the steps that it did."""
    with fresh_company_of(context) as company:
        found = company.onboarding.step_accounts(step, state=state, where=where, as_of=as_of)
    print_opened(found.to_json(), output)
