"""Commands about acquisition: channels, funnel, leads, quality, referrals, referred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from staycurve.interfaces.cli.answers import AsOfOption, ByOption, FormatOption
from staycurve.interfaces.cli.app import app, fresh_company_of
from staycurve.interfaces.cli.output import Format, print_csv, print_json, print_table

if TYPE_CHECKING:
    from staycurve.insights.lifecycle.lifecycle import Reading

acquisition = typer.Typer(
    help="How customers are won: channels, how far leads come, and who brought whom.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(acquisition, name="acquisition")

GrainOption = Annotated[str, typer.Option(help="month, quarter or year.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="P", help="First period.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="P", help="Last period.")]
ChannelsOption = Annotated[str, typer.Option("--where", help="Such as 'channel=ads|organic'.")]
LeadsOption = Annotated[
    str, typer.Option("--where", help="Channel, or what leads carry: 'channel=ads,region=EU'.")
]
HorizonOption = Annotated[int, typer.Option(help="Days that a lead is given.")]

Row = Mapping[str, Any]
SHOWN = 40
"""How many rows a table lists; --format csv lists them all."""


@acquisition.command()
def channels(
    context: typer.Context,
    grain: GrainOption = "month",
    start: FromOption = None,
    end: ToOption = None,
    where: ChannelsOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """What every channel brought in each period, and what it cost."""
    with fresh_company_of(context) as company:
        found = company.acquisition.channels(
            grain=grain, start=start, end=end, where=where, as_of=as_of
        )
    if output is Format.json:
        print_json(found.as_dict())
        return
    if output is Format.csv:
        print_csv([{k: v for k, v in row.items() if k != "why"} for row in found.rows])
        return
    every = [*found.rows, *({**row, "channel": "all"} for row in found.totals)]
    every.sort(key=lambda row: row["period"])
    print_table(
        f"Channels, as of {found.as_of}, {found.currency}",
        ["period", "channel", "visits", "social", "mentions", "leads", "lead rate", "qualified",
         "demos", "trials", "won", "new customers", "new MRR", "spend", "CAC"],
        [
            [_period(row), row["channel"] or "(none)", _count(row["visits"]),
             _count(row["social_engagements"]), _count(row["mentions"]), _count(row["leads"]),
             _percent(row["lead_rate"]), _count(row["qualified"]), _count(row["demo_requests"]),
             _count(row["trial_starts"]), _count(row["won"]), _count(row["new_customers"]),
             _money(row["new_mrr"]), _money(row["spend"]), _money(row["cac"])]
            for row in every
        ],
    )
    typer.echo("An empty rate has no denominator in that period, or the period is still open.")
    _say(found)


@acquisition.command()
def funnel(
    context: typer.Context,
    grain: GrainOption = "month",
    start: FromOption = None,
    end: ToOption = None,
    by: ByOption = "",
    where: LeadsOption = "",
    horizon: HorizonOption = 90,
    together: Annotated[
        bool, typer.Option("--together", help="All cohorts of the range as one.")
    ] = False,
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """How far the leads of each period came within a horizon; younger leads do not count."""
    with fresh_company_of(context) as company:
        found = company.acquisition.funnel(
            grain=grain, start=start, end=end, by=by, where=where, horizon=horizon,
            together=together, as_of=as_of,
        )
    if _is_printed(found, output):
        return
    dims = [dim for dim in by.split(",") if dim]
    print_table(
        f"Leads by their first {found.horizon_days} days, as of {found.as_of}",
        ["cohort", *dims, "leads", "old enough", "step", "reached", "share", "95% interval",
         "of the step before"],
        [
            [row["cohort"] or "all", *(str(v or "(none)") for v in row["segment"].values()),
             f"{row['leads']:,}", f"{row['mature']:,}",
             row["label"], f"{row['reached']:,}", _percent(row["value"]), _between(row),
             _percent(row["from_previous"])]
            for row in found.rows
        ],
    )
    typer.echo("The leads: staycurve acquisition leads --cohort P --step STEP")
    _say(found)


@acquisition.command()
def leads(
    context: typer.Context,
    cohort: Annotated[str, typer.Option(metavar="P", help="When they were created: 2024-01, …")],
    step: Annotated[
        str | None,
        typer.Option(help="qualified, demo, trial, tried, won or paying; all without it."),
    ] = None,
    where: LeadsOption = "",
    horizon: HorizonOption = 90,
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """The leads of a cohort, with the day of each step."""
    with fresh_company_of(context) as company:
        rows = company.acquisition.leads(
            cohort=cohort, step=step, where=where, horizon=horizon, as_of=as_of
        )
        seen = company.as_of(as_of).at.isoformat()
    _print_rows(rows, output, f"Leads of {cohort}, as of {seen}",
                {"as_of": seen, "cohort": cohort, "horizon_days": horizon})


@acquisition.command()
def quality(
    context: typer.Context, as_of: AsOfOption = None, output: FormatOption = Format.table
) -> None:
    """How the accounts of each channel fare afterwards: activation, retention, what they pay."""
    with fresh_company_of(context) as company:
        found = company.acquisition.quality(as_of=as_of)
    if _is_printed(found, output):
        return
    ages = [one["age"] for one in found.rows[0]["retention"]] if found.rows else []
    print_table(
        f"Accounts by channel, as of {found.as_of}, {found.currency}",
        ["channel", "activated", "95% interval",
         *(text for age in ages for text in (f"kept {age} months", "95% interval")),
         "customers", "MRR", "ARPA"],
        [
            [row["channel"] or "(none)", _percent(row["activation"]["value"]),
             _between(row["activation"]),
             *(text for one in row["retention"]
               for text in (_percent(one["value"]), _between(one))),
             _count(row.get("customers")), _money(row.get("mrr")), _money(row.get("arpa"))]
            for row in found.rows
        ],
    )
    _say(found)


@acquisition.command()
def referrals(
    context: typer.Context, as_of: AsOfOption = None, output: FormatOption = Format.table
) -> None:
    """Who brought whom, what the referred are worth, and whether they stay longer."""
    with fresh_company_of(context) as company:
        found = company.acquisition.referrals(as_of=as_of)
    if _is_printed(found, output):
        return
    every = found.summary
    typer.echo(
        f"{every['referred']:,} of {every['accounts']:,} accounts were referred, by "
        f"{every['referrers']:,} others. {every['paying']:,} of them pay "
        f"{_money(every['mrr'])} {found.currency} now."
    )
    print_table(
        f"Who brought whom, as of {found.as_of}, {found.currency}",
        ["account", "name", "referred", "ever paid", "pay now", "MRR now", "lifetime MRR"],
        [
            [row["account_id"], row["name"] or "(not known)", _count(row["referred"]),
             _count(row["ever_paid"]), _count(row["paying"]), _money(row["mrr"]),
             _money(row["lifetime_mrr"])]
            for row in found.rows[:SHOWN]
        ],
    )
    _rest(found.rows)
    print_table(
        "Retention of the referred beside the others",
        ["months", "referred", "of", "others", "of", "difference", "95% interval"],
        [
            [str(row["age"]), _percent(row["referred"]["value"]), _count(row["referred"]["size"]),
             _percent(row["others"]["value"]), _count(row["others"]["size"]),
             _points(row["difference"]),
             f"{_points(row['difference_low'])} to {_points(row['difference_high'])}"
             + (" (small)" if row["is_small"] else "")]
            for row in found.retention
        ],
    )
    _say(found)


@acquisition.command()
def referred(
    context: typer.Context,
    referrer: Annotated[
        str | None, typer.Argument(help="The account that brought them; all without it.")
    ] = None,
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """The accounts that others brought, with what they pay and have paid."""
    with fresh_company_of(context) as company:
        rows = company.acquisition.referred(referrer, as_of=as_of)
        seen = company.as_of(as_of).at.isoformat()
        currency = company.config.company.currency
    _print_rows(rows, output, f"Referred accounts, as of {seen}, {currency}",
                {"as_of": seen, "currency": currency})


def _is_printed(found: Reading, output: Format) -> bool:
    """Whether the answer was printed for programs."""
    if output is Format.json:
        print_json(found.as_dict())
    elif output is Format.csv:
        print_csv([_flat(row) for row in found.rows])
    return output is not Format.table


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


def _print_rows(rows: Sequence[Row], output: Format, title: str, head: Row) -> None:
    if output is Format.json:
        print_json({**head, "rows": list(rows)})
    elif output is Format.csv:
        print_csv(rows)
    else:
        columns = list(rows[0]) if rows else ["account_id"]
        print_table(title, columns, [[_cell(v) for v in row.values()] for row in rows[:SHOWN]])
        _rest(rows)


def _rest(rows: Sequence[Row]) -> None:
    if len(rows) > SHOWN:
        typer.echo(f"The first {SHOWN} of {len(rows)}; all: --format csv")


def _say(found: Reading) -> None:
    for text in (*found.notes, found.why):
        if text:
            typer.echo(text)


def _period(row: Row) -> str:
    return f"{row['period']}{'*' if row['open'] else ''}"


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _money(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f}%"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:+.1f} pp"


def _between(row: Row) -> str:
    if row["low"] is None:
        return "–"
    small = " (small)" if row["is_small"] else ""
    return f"{_percent(row['low'])} to {_percent(row['high'])}{small}"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
