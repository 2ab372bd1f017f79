"""Commands that read cohorts for their meaning: cohorts history, churn, riskiest, …"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from staycurve.errors import UsageError
from staycurve.interfaces.cli.app import group, known_company_of
from staycurve.interfaces.cli.options import AsOf, By, KnownAt, Output, Where
from staycurve.interfaces.cli.output import (
    SHOWN,
    Format,
    between,
    chance,
    gap_between,
    money,
    percent,
    points,
    print_data,
    print_table,
    say,
    say_rest,
    segment_of,
    size_of,
)
from staycurve.metrics.dimensions import dims_of

if TYPE_CHECKING:
    from staycurve.insights.cohorts.cohort_churn import Churn
    from staycurve.insights.cohorts.cohort_retention import Retention
    from staycurve.insights.cohorts.history_forecast import Forecast
    from staycurve.workspace import Company

cohorts = group("cohorts", "Cohorts read for their meaning, with intervals and tests.")

Per = Annotated[
    str, typer.Option("--per", help="Activation months in a row: month, quarter, year or all.")
]


@cohorts.command()
def history(
    context: typer.Context,
    by: By = "", where: Where = "", as_of: AsOf = None, known_at: KnownAt = None,
    output: Output = Format.table,
) -> None:
    """Share from history by quarter, year over year, and forecast for the open one."""
    with known_company_of(context, known_at) as company:
        found = company.cohorts.history(by=by, where=where, as_of=as_of)
        answer = found.as_dict() | _noted(company)
    if print_data(answer, output):
        return
    dims = dims_of(by)
    print_table(
        f"Share from history, as of {found.as_of}, {found.currency}",
        ["quarter", *dims, "share", "year over year", "from history", "MRR"],
        [
            [row["period"], *segment_of(row), "open" if row["open"] else percent(row["value"]),
             points(row["year_over_year"]), money(row["history_mrr"]), money(row["mrr"])]
            for row in answer["rows"]
        ],
    )
    say(found.why, *answer.get("notes", ()))
    for forecast in found.forecasts:
        typer.echo(_forecast(forecast))
        say(forecast.note)


def _forecast(found: Forecast) -> str:
    from staycurve.insights.cohorts.history_forecast import INTERVAL

    named = f"{found.period}{_named(found.segment)}"
    if found.value is None:
        return f"–  no forecast for {named}: {found.why}"
    if found.low is None or found.high is None:
        return (
            f"Forecast for {named}: {found.value * 100:.1f}%, without an interval: "
            f"{found.why_no_interval}"
        )
    error, plain = (found.error or 0) * 100, (found.plain_error or 0) * 100
    return (
        f"Forecast for {named}: {found.value * 100:.1f}%, {INTERVAL * 100:.0f}% interval "
        f"{found.low * 100:.1f} to {found.high * 100:.1f}%. Made so for {len(found.record)} "
        f"earlier quarters it was off by {error:.1f} points on average, the last quarter's share "
        f"by {plain:.1f}."
    )


@cohorts.command()
def churn(
    context: typer.Context,
    over: Annotated[str, typer.Option(help="activation, or 12m for twelve months.")] = "activation",
    per: Per = "month",
    accounts: Annotated[
        bool, typer.Option("--accounts", help="List the accounts behind it.")
    ] = False,
    cohort: Annotated[
        str | None, typer.Option(metavar="P", help="With --accounts: one activation month.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="With --accounts: left, shrank, stayed or grew.")
    ] = None,
    by: By = "", where: Where = "", as_of: AsOf = None, known_at: KnownAt = None,
    output: Output = Format.table,
) -> None:
    """Sales churn against customer churn: which of the four cases holds, and who is behind it."""
    if accounts and by:
        raise UsageError(
            "--accounts goes without --by.", hint="Choose a segment: --where 'plan=Pro'"
        )
    if (cohort or group) and not accounts:
        raise UsageError(
            "--cohort and --group choose among accounts.",
            hint="Add --accounts, or choose cohorts: --where cohort=2024-01",
        )
    with known_company_of(context, known_at) as company:
        if accounts:
            listed = company.cohorts.churn_accounts(
                over=over, cohort=cohort, group=group, where=where, as_of=as_of
            )
            seen = company.as_of(as_of).at.isoformat()
            currency = company.config.company.currency
            fared = [one.as_dict() for one in listed]
            head = {"as_of": seen, "currency": currency, "over": over}
            _print_accounts(head | {"rows": fared} | _noted(company), output)
            return
        found = company.cohorts.churn(over=over, per=per, by=by, where=where, as_of=as_of)
        answer = found.as_dict() | _noted(company)
    if not print_data(answer, output):
        _print_churn(found, answer, dims_of(by))


def _print_churn(found: Churn, answer: Mapping[str, Any], dims: Sequence[str]) -> None:
    over = "since activation" if found.over == "activation" else "over twelve months"
    print_table(
        f"Customers and MRR lost {over}, at the close of {found.close}, {found.currency}",
        ["cohort", *dims, "size", "left", "usual", "MRR lost", "opening MRR", "closing MRR",
         "case"],
        [
            [_cohort(row), *segment_of(row), size_of(row), percent(row["customers_left"]),
             percent(row["usual_left"]), percent(row["mrr_lost"]), money(row["opening_mrr"]),
             money(row["closing_mrr"]), row["label"] or row["why"]]
            for row in answer["rows"]
        ],
    )
    say(found.why, found.note, *answer.get("notes", ()))
    if not found.groups:
        return
    print_table(
        "Who left or shrank, beside who stayed or grew",
        [*dims, "group", "plan", "accounts", "opening MRR", "peak MRR", "closing MRR",
         "mean tenure"],
        [
            [*segment_of(row), row["group"],
             "all" if one.is_total else str(row["plan"] or "(none)"),
             f"{row['accounts']:,}", money(row["opening_mrr"]), money(row["peak_mrr"]),
             money(row["closing_mrr"]), f"{row['mean_tenure_months']:.1f}"]
            for one, row in ((one, one.as_dict()) for one in found.groups)
        ],
    )
    typer.echo("Tenure in months. The accounts: --accounts --group left")


def _print_accounts(answer: Mapping[str, Any], output: Format) -> None:
    if print_data(answer, output):
        return
    rows = answer["rows"]
    print_table(
        f"Accounts behind it, as of {answer['as_of']}, {answer['currency']}",
        ["account", "cohort", "group", "plan", "opening MRR", "peak MRR", "closing MRR", "left on",
         "tenure"],
        [
            [row["account_id"], row["cohort"][:7], row["group"], str(row["plan"] or "(none)"),
             money(row["opening_mrr"]), money(row["peak_mrr"]), money(row["closing_mrr"]),
             row["left_on"] or "", str(row["tenure_months"])]
            for row in rows[:SHOWN]
        ],
    )
    say_rest(rows)
    say(*answer.get("notes", ()))


EndClass = Annotated[
    str | None,
    typer.Option("--class", help="Count voluntary, involuntary, paused or unknown ends alone."),
]


@cohorts.command()
def riskiest(
    context: typer.Context,
    end_class: EndClass = None,
    by: By = "", where: Where = "", as_of: AsOf = None, known_at: KnownAt = None,
    output: Output = Format.table,
) -> None:
    """In which month of their subscription accounts leave more than in the others."""
    with known_company_of(context, known_at) as company:
        found = company.cohorts.riskiest_months(
            end_class=end_class, by=by, where=where, as_of=as_of
        )
        answer = found.as_dict() | _noted(company)
    flat = [{**row, **row["classes"], "classes": None} for row in answer["rows"]]
    if print_data(answer, output, rows=flat):
        return
    dims = dims_of(by)
    print_table(
        f"Hazard by subscription month, {end_class or 'any'} end, as of {found.as_of}",
        [*dims, "month", "at risk", "left", "hazard", "95% interval", "others", "p", ""],
        [
            [*segment_of(row), str(row["month"]), f"{row['at_risk']:,}", f"{row['left']:,}",
             percent(row["hazard"]), between(row), percent(row["base_rate"]),
             chance(row["p_value"]), "above the others" if row["is_named"] else ""]
            for row in answer["rows"]
        ],
    )
    say(found.why, *answer.get("notes", ()))
    for month in found.named:
        typer.echo(
            f"Month {month.month}{_named(month.segment)}: {(month.hazard.value or 0) * 100:.1f}% "
            f"leave, {(month.others or 0) * 100:.1f}% in the other months."
        )
    if found.months and not found.named:
        is_tested = any(month.p_value is not None for month in found.months)
        typer.echo(
            "No month is above the others beyond chance."
            if is_tested
            else f"No month could be tested: {found.months[0].why}"
        )
    if found.returned:
        typer.echo(f"{found.returned} of those who left paid again later.")
    if found.months:
        typer.echo("Who left in a month: staycurve cohorts leavers --month 4")


@cohorts.command()
def leavers(
    context: typer.Context,
    month: Annotated[int, typer.Option(help="The subscription month, from 1.")],
    is_at_risk: Annotated[
        bool, typer.Option("--at-risk", help="All who were at risk in it, leavers or not.")
    ] = False,
    end_class: EndClass = None,
    where: Where = "", as_of: AsOf = None, known_at: KnownAt = None,
    output: Output = Format.table,
) -> None:
    """The accounts behind a month of `cohorts riskiest`, those with the most MRR first."""
    if is_at_risk and end_class:
        raise UsageError("--class chooses among those who left.", hint="Leave out --at-risk.")
    with known_company_of(context, known_at) as company:
        found = company.cohorts.riskiest_accounts(
            month=month, is_leaver=not is_at_risk, end_class=end_class, where=where, as_of=as_of
        )
        answer = {
            "as_of": company.as_of(as_of).at.isoformat(),
            "currency": company.config.company.currency, "month": month,
            "rows": [one.as_dict() for one in found], **_noted(company),
        }
    if print_data(answer, output):
        return
    rows = answer["rows"]
    print_table(
        f"{'At risk' if is_at_risk else 'Left'} in month {month} of their subscription, "
        f"as of {answer['as_of']}, {answer['currency']}",
        ["account", "first paid", "MRR", "left in month", "left on", "why", "came back"],
        [
            [row["account_id"], row["first_paid_on"], money(row["mrr"]),
             str(row["left_month"] or ""), row["left_on"] or "", row["end_class"] or "",
             "yes" if row["has_returned"] else ""]
            for row in rows[:SHOWN]
        ],
    )
    say_rest(rows)
    say(*answer.get("notes", ()))


@cohorts.command()
def retention(
    context: typer.Context,
    age: Annotated[
        list[int] | None,
        typer.Option("--age", help="Months after the activation month; again for more."),
    ] = None,
    per: Per = "month",
    by: By = "", where: Where = "", as_of: AsOf = None, known_at: KnownAt = None,
    output: Output = Format.table,
) -> None:
    """Second-month and annual retention: newer cohorts against older, trait against trait."""
    with known_company_of(context, known_at) as company:
        found = company.cohorts.retention(
            ages=age or (1, 12), per=per, by=by, where=where, as_of=as_of
        )
        answer = found.as_dict() | _noted(company)
    if not print_data(answer, output):
        _print_retention(found, answer, dims_of(by))


def _print_retention(found: Retention, answer: Mapping[str, Any], dims: Sequence[str]) -> None:
    print_table(
        f"Retention over cohorts, as of {found.as_of}",
        [*dims, "age", "cohorts", "size", "retained", "older", "newer", "difference",
         "95% interval", "change"],
        [
            [*segment_of(row), str(row["age"]), str(row["cohorts"]), f"{row['size']:,}",
             percent(row["value"]), _half(row["older"]), _half(row["newer"]),
             points(row["difference"]), gap_between(row), _change(row)]
            for row in answer["trends"]
        ],
    )
    say(found.why, *answer.get("notes", ()))
    if answer["comparisons"]:
        print_table(
            "Each segment against all others; a difference is not a cause",
            [*dims, "age", "size", "retained", "others", "difference", "95% interval", "p", ""],
            [
                [*segment_of(row), str(row["age"]), f"{row['size']:,}", percent(row["value"]),
                 percent(row["others"]["value"]), points(row["difference"]), gap_between(row),
                 chance(row["p_value"]),
                 "beyond chance" if row["is_named"] else row.get("why", "")]
                for row in answer["comparisons"]
            ],
        )
    if answer["rows"]:
        print_table(
            "By cohort",
            [*dims, "cohort", "age", "size", "retained", "95% interval"],
            [
                [*segment_of(row), _cohort(row), str(row["age"]), size_of(row),
                 percent(row["value"]), between(row)]
                for row in answer["rows"]
            ],
        )


def _noted(company: Company) -> dict[str, Any]:
    """What a reader of an earlier state must know, as a part of the answer."""
    notes = company.notes()
    return {"notes": list(notes)} if notes else {}


def _change(row: Mapping[str, Any]) -> str:
    change = row["changepoint"]
    if change is None:
        return str(row.get("why", ""))
    first, last = (day[:7] for day in change["between"])
    likely = "" if first == last else f" ({first} to {last})"
    return (
        f"from {change['cohort'][:7]}{likely}: {percent(change['before']['value'])} → "
        f"{percent(change['after']['value'])}"
    )


def _half(half: Mapping[str, Any] | None) -> str:
    if half is None:
        return "–"
    return f"{percent(half['value'])} ({half['from'][:7]} to {half['to'][:7]})"


def _named(segment: Mapping[str, str | None]) -> str:
    words = ", ".join(f"{dim}={value or '(none)'}" for dim, value in segment.items())
    return f" ({words})" if words else ""


def _cohort(row: Mapping[str, Any]) -> str:
    return "all" if row["cohort"] is None else str(row["cohort"])[:7]
