"""Commands about acquisition: channels and their rows, leads, quality, who stayed, referrals."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import fresh_company_of
from staycurve.interfaces.cli.options import AsOf, By, From, Output, To, Where
from staycurve.interfaces.cli.output import (
    SHOWN,
    Format,
    Row,
    between,
    count,
    money,
    percent,
    period_of,
    points,
    print_data,
    print_opened,
    print_rows,
    print_table,
    say,
    say_rest,
    segment_of,
)
from staycurve.metrics.dimensions import dims_of

acquisition = group(
    "acquisition", "How customers are won: channels, how far leads come, and who brought whom."
)

Months = Annotated[str, typer.Option("--grain", help="month, quarter or year.")]
Channels = Annotated[str, typer.Option("--where", help="Such as 'channel=ads|organic'.")]
Leads = Annotated[
    str, typer.Option("--where", help="Channel, or what leads carry: 'channel=ads,region=EU'.")
]
Horizon = Annotated[int, typer.Option(help="Days that a lead is given.")]
In = Annotated[str, typer.Option("--period", metavar="P", help="2024-01, 2024-Q1, …")]


@acquisition.command()
def channels(
    context: typer.Context,
    grain: Months = "month", start: From = None, end: To = None,
    where: Channels = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """What every channel brought in each period, and what it cost."""
    with fresh_company_of(context) as company:
        found = company.acquisition.channels(
            grain=grain, start=start, end=end, where=where, as_of=as_of
        )
    lines = [{k: v for k, v in row.items() if k != "why"} for row in found.rows]
    if print_data(found.as_dict(), output, rows=lines):
        return
    every = [*found.rows, *({**row, "channel": "all"} for row in found.totals)]
    every.sort(key=lambda row: row["period"])
    print_table(
        f"Channels, as of {found.as_of}, {found.currency}",
        ["period", "channel", "visits", "social", "mentions", "leads", "lead rate", "qualified",
         "demos", "trials", "won", "new customers", "new MRR", "spend", "CAC"],
        [
            [period_of(row), row["channel"] or "(none)", count(row["visits"]),
             count(row["social_engagements"]), count(row["mentions"]), count(row["leads"]),
             percent(row["lead_rate"]), count(row["qualified"]), count(row["demo_requests"]),
             count(row["trial_starts"]), count(row["won"]), count(row["new_customers"]),
             money(row["new_mrr"]), money(row["spend"]), money(row["cac"])]
            for row in every
        ],
    )
    typer.echo("An empty rate has no denominator in that period, or the period is still open.")
    say(*found.notes, found.why, mark="")


@acquisition.command()
def funnel(
    context: typer.Context,
    grain: Months = "month", start: From = None, end: To = None,
    by: By = "", where: Leads = "", horizon: Horizon = 90,
    together: Annotated[
        bool, typer.Option("--together", help="All cohorts of the range as one.")
    ] = False,
    as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """How far the leads of each period came within a horizon; younger leads do not count."""
    with fresh_company_of(context) as company:
        found = company.acquisition.funnel(
            grain=grain, start=start, end=end, by=by, where=where, horizon=horizon,
            together=together, as_of=as_of,
        )
    if print_data(found.as_dict(), output, rows=[_flat(row) for row in found.rows]):
        return
    print_table(
        f"Leads by their first {found.horizon_days} days, as of {found.as_of}",
        ["cohort", *dims_of(by), "leads", "old enough", "step", "reached", "share", "95% interval",
         "of the step before"],
        [
            [row["cohort"] or "all", *segment_of(row),
             f"{row['leads']:,}", f"{row['mature']:,}",
             row["label"], f"{row['reached']:,}", percent(row["value"]), _interval(row),
             percent(row["from_previous"])]
            for row in found.rows
        ],
    )
    typer.echo("The leads: staycurve acquisition leads --cohort P --step STEP")
    say(*found.notes, found.why, mark="")


@acquisition.command()
def leads(
    context: typer.Context,
    cohort: Annotated[str, typer.Option(metavar="P", help="When they were created: 2024-01, …")],
    step: Annotated[
        str | None,
        typer.Option(
            help="mature (old enough to tell), or of these qualified, demo, trial, tried, won or "
            "paying; all without it."
        ),
    ] = None,
    where: Leads = "", horizon: Horizon = 90,
    as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The leads of a cohort, with the day of each step."""
    with fresh_company_of(context) as company:
        rows = company.acquisition.leads(
            cohort=cohort, step=step, where=where, horizon=horizon, as_of=as_of
        )
        seen = company.as_of(as_of).at.isoformat()
    answer = {"as_of": seen, "cohort": cohort, "horizon_days": horizon, "rows": rows}
    if not print_data(answer, output):
        print_rows(f"Leads of {cohort}, as of {seen}", rows)


@acquisition.command()
def reach(
    context: typer.Context,
    period: In,
    kind: Annotated[str, typer.Option(help="visits, social_engagements or mentions.")] = "visits",
    where: Channels = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The rows behind the visits, social engagements or mentions of a period."""
    with fresh_company_of(context) as company:
        found = company.acquisition.reach(period, kind=kind, where=where, as_of=as_of)
    print_opened(found.to_json(), output)


@acquisition.command()
def spend(
    context: typer.Context,
    period: In,
    where: Channels = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The rows behind the acquisition cost of a period, in the company's currency."""
    with fresh_company_of(context) as company:
        found = company.acquisition.spend(period, where=where, as_of=as_of)
        currency = company.config.company.currency
    print_opened(found.to_json(), output)
    if output is Format.table:
        say(f"amounts in {currency}")


@acquisition.command()
def quality(
    context: typer.Context,
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """How the accounts of each channel fare afterwards: activation, retention, what they pay."""
    with fresh_company_of(context) as company:
        found = company.acquisition.quality(where=where, as_of=as_of)
    if print_data(found.as_dict(), output, rows=[_flat(row) for row in found.rows]):
        return
    ages = [one["age"] for one in found.rows[0]["retention"]] if found.rows else []
    print_table(
        f"Accounts by channel, as of {found.as_of}, {found.currency}",
        ["channel", "activated", "95% interval",
         *(text for age in ages for text in (f"kept {age} months", "95% interval")),
         "customers", "MRR", "ARPA"],
        [
            [row["channel"] or "(none)", percent(row["activation"]["value"]),
             _interval(row["activation"]),
             *(text for one in row["retention"]
               for text in (percent(one["value"]), _interval(one))),
             count(row.get("customers")), money(row.get("mrr")), money(row.get("arpa"))]
            for row in found.rows
        ],
    )
    say(*found.notes, found.why, mark="")


@acquisition.command()
def stayed(
    context: typer.Context,
    age: Annotated[int, typer.Option(help="Months after the activation month, from 1.")],
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The accounts behind a retention of `quality` or `referrals`: who still paid, and who not."""
    with fresh_company_of(context) as company:
        found = company.acquisition.stayed(age, where=where, as_of=as_of)
    print_opened(found.to_json(), output)


@acquisition.command()
def referrals(
    context: typer.Context,
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """Who brought whom, what the referred are worth, and whether they stay longer."""
    with fresh_company_of(context) as company:
        found = company.acquisition.referrals(where=where, as_of=as_of)
    if print_data(found.as_dict(), output, rows=[_flat(row) for row in found.rows]):
        return
    every = found.summary
    typer.echo(
        f"{every['referred']:,} of {every['accounts']:,} accounts were referred, by "
        f"{every['referrers']:,} others. {every['paying']:,} of them pay "
        f"{money(every['mrr'])} {found.currency} now."
    )
    print_table(
        f"Who brought whom, as of {found.as_of}, {found.currency}",
        ["account", "name", "referred", "ever paid", "pay now", "MRR now", "lifetime MRR"],
        [
            [row["account_id"], row["name"] or "(not known)", count(row["referred"]),
             count(row["ever_paid"]), count(row["paying"]), money(row["mrr"]),
             money(row["lifetime_mrr"])]
            for row in found.rows[:SHOWN]
        ],
    )
    say_rest(found.rows)
    print_table(
        "Retention of the referred beside the others",
        ["months", "referred", "of", "others", "of", "difference", "95% interval"],
        [
            [str(row["age"]), percent(row["referred"]["value"]), count(row["referred"]["size"]),
             percent(row["others"]["value"]), count(row["others"]["size"]),
             points(row["difference"]),
             f"{points(row['difference_low'])} to {points(row['difference_high'])}{_small(row)}"]
            for row in found.retention
        ],
    )
    say(*found.notes, found.why, mark="")


@acquisition.command()
def referred(
    context: typer.Context,
    referrer: Annotated[
        str | None, typer.Argument(help="The account that brought them; all without it.")
    ] = None,
    state: Annotated[str, typer.Option(help="referred, ever_paid or paying.")] = "referred",
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The accounts that others brought, with what they pay and have paid."""
    with fresh_company_of(context) as company:
        rows = company.acquisition.referred(referrer, state=state, where=where, as_of=as_of)
        seen = company.as_of(as_of).at.isoformat()
        currency = company.config.company.currency
    if not print_data({"as_of": seen, "currency": currency, "rows": rows}, output):
        print_rows(f"Referred accounts, as of {seen}, {currency}", rows)


def _flat(row: Row) -> dict[str, Any]:
    """A row without rows in it."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if key == "segment" or not isinstance(value, dict | list):
            flat[key] = value
        elif isinstance(value, dict):
            flat |= {f"{key}_{name}": part for name, part in value.items()}
        else:
            for one in value:
                flat |= {f"{key}_{one['age']}_{name}": part for name, part in one.items()
                         if name != "age"}
    return flat


def _interval(row: Row) -> str:
    return between(row) if row["low"] is None else between(row) + _small(row)


def _small(row: Row) -> str:
    return " (small)" if row["is_small"] else ""
