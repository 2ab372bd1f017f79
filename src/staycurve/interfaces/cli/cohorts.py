"""Commands that read cohorts for their meaning: cohorts history, churn, riskiest, retention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from staycurve.errors import UsageError
from staycurve.interfaces.cli.answers import AsOfOption, ByOption, FormatOption, WhereOption
from staycurve.interfaces.cli.app import app, fresh_company_of
from staycurve.interfaces.cli.output import Format, print_csv, print_json, print_table

if TYPE_CHECKING:
    from staycurve.insights.cohorts.cohort_churn import Churn
    from staycurve.insights.cohorts.cohort_retention import Retention
    from staycurve.insights.cohorts.history_forecast import Forecast

cohorts = typer.Typer(
    help="Cohorts read for their meaning, with intervals and tests.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(cohorts, name="cohorts")

PerOption = Annotated[
    str, typer.Option("--per", help="Activation months in a row: month, quarter, year or all.")
]
SHOWN = 40
"""How many accounts a table lists; --format csv lists them all."""


@cohorts.command()
def history(
    context: typer.Context,
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Share from history by quarter, year over year, and forecast for the open one."""
    with fresh_company_of(context) as company:
        found = company.cohorts.history(by=by, where=where, as_of=as_of)
    answer = found.as_dict()
    if output is Format.json:
        print_json(answer)
        return
    if output is Format.csv:
        print_csv(answer["rows"])
        return
    dims = _dims(by)
    print_table(
        f"Share from history, as of {found.as_of}, {found.currency}",
        ["quarter", *dims, "share", "year over year", "from history", "MRR"],
        [
            [row["period"], *_segment(row), "open" if row["open"] else _percent(row["value"]),
             _points(row["year_over_year"]), _money(row["history_mrr"]), _money(row["mrr"])]
            for row in answer["rows"]
        ],
    )
    _say(found.why)
    for forecast in found.forecasts:
        typer.echo(_forecast(forecast))
        _say(forecast.note)


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
    per: PerOption = "month",
    accounts: Annotated[
        bool, typer.Option("--accounts", help="List the accounts behind it.")
    ] = False,
    cohort: Annotated[
        str | None, typer.Option(metavar="P", help="With --accounts: one activation month.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="With --accounts: left, shrank, stayed or grew.")
    ] = None,
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
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
    with fresh_company_of(context) as company:
        if accounts:
            listed = company.cohorts.churn_accounts(
                over=over, cohort=cohort, group=group, where=where, as_of=as_of
            )
            seen = company.as_of(as_of).at.isoformat()
            currency = company.config.company.currency
        else:
            found = company.cohorts.churn(over=over, per=per, by=by, where=where, as_of=as_of)
    if accounts:
        head = {"as_of": seen, "currency": currency, "over": over}
        _print_accounts([one.as_dict() for one in listed], head, output)
        return
    answer = found.as_dict()
    if output is Format.json:
        print_json(answer)
    elif output is Format.csv:
        print_csv(answer["rows"])
    else:
        _print_churn(found, answer, _dims(by))


def _print_churn(found: Churn, answer: Mapping[str, Any], dims: list[str]) -> None:
    over = "since activation" if found.over == "activation" else "over twelve months"
    print_table(
        f"Customers and MRR lost {over}, at the close of {found.close}, {found.currency}",
        ["cohort", *dims, "size", "left", "usual", "MRR lost", "opening MRR", "closing MRR",
         "case"],
        [
            [_cohort(row), *_segment(row), _size(row), _percent(row["customers_left"]),
             _percent(row["usual_left"]), _percent(row["mrr_lost"]), _money(row["opening_mrr"]),
             _money(row["closing_mrr"]), row["label"] or row["why"]]
            for row in answer["rows"]
        ],
    )
    _say(found.why)
    _say(found.note)
    if not found.groups:
        return
    print_table(
        "Who left or shrank, beside who stayed or grew",
        [*dims, "group", "plan", "accounts", "opening MRR", "peak MRR", "closing MRR",
         "mean tenure"],
        [
            [*_segment(row), row["group"], "all" if one.is_total else str(row["plan"] or "(none)"),
             f"{row['accounts']:,}", _money(row["opening_mrr"]), _money(row["peak_mrr"]),
             _money(row["closing_mrr"]), f"{row['mean_tenure_months']:.1f}"]
            for one, row in ((one, one.as_dict()) for one in found.groups)
        ],
    )
    typer.echo("Tenure in months. The accounts: --accounts --group left")


def _print_accounts(
    rows: list[dict[str, Any]], head: Mapping[str, Any], output: Format
) -> None:
    if output is Format.json:
        print_json({**head, "rows": rows})
        return
    if output is Format.csv:
        print_csv(rows)
        return
    print_table(
        f"Accounts behind it, as of {head['as_of']}, {head['currency']}",
        ["account", "cohort", "group", "plan", "opening MRR", "peak MRR", "closing MRR", "left on",
         "tenure"],
        [
            [row["account_id"], row["cohort"][:7], row["group"], str(row["plan"] or "(none)"),
             _money(row["opening_mrr"]), _money(row["peak_mrr"]), _money(row["closing_mrr"]),
             row["left_on"] or "", str(row["tenure_months"])]
            for row in rows[:SHOWN]
        ],
    )
    if len(rows) > SHOWN:
        typer.echo(f"The first {SHOWN} of {len(rows)}; all: --format csv")


@cohorts.command()
def riskiest(
    context: typer.Context,
    end_class: Annotated[
        str | None,
        typer.Option("--class", help="Count voluntary, involuntary, paused or unknown ends alone."),
    ] = None,
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """In which month of their subscription accounts leave more than in the others."""
    with fresh_company_of(context) as company:
        found = company.cohorts.riskiest_months(
            end_class=end_class, by=by, where=where, as_of=as_of
        )
    answer = found.as_dict()
    if output is Format.json:
        print_json(answer)
        return
    if output is Format.csv:
        print_csv([{**row, **row["classes"], "classes": None} for row in answer["rows"]])
        return
    dims = _dims(by)
    print_table(
        f"Hazard by subscription month, {end_class or 'any'} end, as of {found.as_of}",
        [*dims, "month", "at risk", "left", "hazard", "95% interval", "others", "p", ""],
        [
            [*_segment(row), str(row["month"]), f"{row['at_risk']:,}", f"{row['left']:,}",
             _percent(row["hazard"]), _between(row), _percent(row["base_rate"]),
             _chance(row["p_value"]), "above the others" if row["is_named"] else ""]
            for row in answer["rows"]
        ],
    )
    _say(found.why)
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


@cohorts.command()
def retention(
    context: typer.Context,
    age: Annotated[
        list[int] | None,
        typer.Option("--age", help="Months after the activation month; again for more."),
    ] = None,
    per: PerOption = "month",
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Second-month and annual retention: newer cohorts against older, trait against trait."""
    with fresh_company_of(context) as company:
        found = company.cohorts.retention(
            ages=age or (1, 12), per=per, by=by, where=where, as_of=as_of
        )
    answer = found.as_dict()
    if output is Format.json:
        print_json(answer)
    elif output is Format.csv:
        print_csv(answer["rows"])
    else:
        _print_retention(found, answer, _dims(by))


def _print_retention(found: Retention, answer: Mapping[str, Any], dims: list[str]) -> None:
    print_table(
        f"Retention over cohorts, as of {found.as_of}",
        [*dims, "age", "cohorts", "size", "retained", "older", "newer", "difference",
         "95% interval", "change"],
        [
            [*_segment(row), str(row["age"]), str(row["cohorts"]), f"{row['size']:,}",
             _percent(row["value"]), _half(row["older"]), _half(row["newer"]),
             _points(row["difference"]), _gap_between(row), _change(row)]
            for row in answer["trends"]
        ],
    )
    _say(found.why)
    if answer["comparisons"]:
        print_table(
            "Each segment against all others; a difference is not a cause",
            [*dims, "age", "size", "retained", "others", "difference", "95% interval", "p", ""],
            [
                [*_segment(row), str(row["age"]), f"{row['size']:,}", _percent(row["value"]),
                 _percent(row["others"]["value"]), _points(row["difference"]), _gap_between(row),
                 _chance(row["p_value"]),
                 "beyond chance" if row["is_named"] else row.get("why", "")]
                for row in answer["comparisons"]
            ],
        )
    if answer["rows"]:
        print_table(
            "By cohort",
            [*dims, "cohort", "age", "size", "retained", "95% interval"],
            [
                [*_segment(row), _cohort(row), str(row["age"]), _size(row),
                 _percent(row["value"]), _between(row)]
                for row in answer["rows"]
            ],
        )


def _change(row: Mapping[str, Any]) -> str:
    change = row["changepoint"]
    if change is None:
        return str(row.get("why", ""))
    first, last = (day[:7] for day in change["between"])
    likely = "" if first == last else f" ({first} to {last})"
    return (
        f"from {change['cohort'][:7]}{likely}: {_percent(change['before']['value'])} → "
        f"{_percent(change['after']['value'])}"
    )


def _half(half: Mapping[str, Any] | None) -> str:
    if half is None:
        return "–"
    return f"{_percent(half['value'])} ({half['from'][:7]} to {half['to'][:7]})"


def _dims(by: str) -> list[str]:
    return [dim for dim in by.split(",") if dim]


def _segment(row: Mapping[str, Any]) -> list[str]:
    return ["(none)" if value is None else str(value) for value in row["segment"].values()]


def _named(segment: Mapping[str, str | None]) -> str:
    words = ", ".join(f"{dim}={value or '(none)'}" for dim, value in segment.items())
    return f" ({words})" if words else ""


def _cohort(row: Mapping[str, Any]) -> str:
    return "all" if row["cohort"] is None else str(row["cohort"])[:7]


def _size(row: Mapping[str, Any]) -> str:
    return f"{row['size']:,}{' (small)' if row['is_small'] else ''}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f}%"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:+.1f} pp"


def _money(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _chance(value: float | None) -> str:
    if value is None:
        return "–"
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _between(row: Mapping[str, Any]) -> str:
    return "–" if row["low"] is None else f"{_percent(row['low'])} to {_percent(row['high'])}"


def _gap_between(row: Mapping[str, Any]) -> str:
    if row["difference_low"] is None:
        return "–"
    return f"{_points(row['difference_low'])} to {_points(row['difference_high'])}"


def _say(words: str | None) -> None:
    if words:
        typer.echo(f"–  {words}")
