"""Commands about the lifecycle: stages, transitions, times, stuck, indicators, accounts, …"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import fresh_company_of
from staycurve.interfaces.cli.options import AsOf, By, From, Grain, Output, To, Where
from staycurve.interfaces.cli.output import (
    SHOWN,
    Format,
    Row,
    between,
    cell,
    count,
    number,
    percent,
    period_of,
    print_data,
    print_table,
    say,
    say_rest,
    segment_of,
)
from staycurve.metrics.dimensions import dims_of

lifecycle = group(
    "lifecycle", "The stage of each account: how many are where, who moved, and who is stuck."
)

AtClose = Annotated[
    str | None, typer.Option("--period", metavar="P", help="At its close; now without it.")
]


@lifecycle.command()
def rules(context: typer.Context, output: Output = Format.table) -> None:
    """The rules in force: the first that holds names an account's stage."""
    with fresh_company_of(context) as company:
        answer = company.lifecycle.rules()
    flat = [{**row, "when": "; ".join(row["when"])} for row in answer["rows"]]
    if print_data(answer, output, rows=flat):
        return
    print_table(
        "Rules, in their order",
        ["rule", "stage", "the account …"],
        [[str(row["rule"] + 1), row["label"], row["words"]] for row in answer["rows"]],
    )
    print_table(
        "Numbers in them, keys of the section lifecycle in staycurve.toml",
        ["key", "value", "default", "what it is", "why the default"],
        [
            [one["key"], str(one["value"]), str(one["default"]), one["about"], one["why"]]
            for one in answer["thresholds"]
        ],
    )


@lifecycle.command()
def stages(
    context: typer.Context,
    grain: Grain = "month", start: From = None, end: To = None,
    by: By = "", where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """How many accounts are in each stage at the close of each period, with their MRR."""
    with fresh_company_of(context) as company:
        found = company.lifecycle.stages(
            grain=grain, start=start, end=end, by=by, where=where, as_of=as_of
        )
    if print_data(found.as_dict(), output):
        return
    print_table(
        f"Accounts by stage, as of {found.as_of}, {found.currency}",
        ["period", *dims_of(by), "stage", "accounts", "share", "MRR"],
        [
            [period_of(row), *segment_of(row), row["label"], f"{row['accounts']:,}",
             percent(row["share"]), f"{row['mrr']:,.2f}"]
            for row in found.rows
        ],
    )
    say(*found.notes, found.why, mark="")


@lifecycle.command()
def transitions(
    context: typer.Context,
    grain: Grain = "month", start: From = None, end: To = None,
    by: By = "", where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """Moves from stage to stage in each period, and their share of all moves out of a stage."""
    with fresh_company_of(context) as company:
        found = company.lifecycle.transitions(
            grain=grain, start=start, end=end, by=by, where=where, as_of=as_of
        )
    if print_data(found.as_dict(), output):
        return
    print_table(
        f"Moves between stages, as of {found.as_of}",
        ["period", *dims_of(by), "from", "to", "moves", "share", "95% interval"],
        [
            [period_of(row), *segment_of(row), row["from"] or "(became known)", row["to"],
             f"{row['count']:,}{' (small)' if row['is_small'] else ''}", percent(row["share"]),
             between(row)]
            for row in found.rows
        ],
    )
    print_table(
        "What each stage opened and closed with",
        ["period", *dims_of(by), "stage", "opening", "entered", "left", "closing"],
        [
            [period_of(row), *segment_of(row), row["label"],
             *(f"{row[key]:,}" for key in ("opening", "entered", "left", "closing"))]
            for row in found.stages
        ],
    )
    typer.echo("Who moved: staycurve lifecycle moved --period P --before STAGE --after STAGE")
    say(*found.notes, found.why, mark="")


@lifecycle.command()
def times(
    context: typer.Context,
    by: By = "", where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """Days that accounts stay in each stage: the median, those still in it censored."""
    with fresh_company_of(context) as company:
        found = company.lifecycle.times(by=by, where=where, as_of=as_of)
    if print_data(found.as_dict(), output):
        return
    print_table(
        f"Time in stage, as of {found.as_of}",
        [*dims_of(by), "stage", "visits", "ended", "still in it", "median days", "95% interval",
         ""],
        [
            [*segment_of(row), row["label"], f"{row['visits']:,}", f"{row['left']:,}",
             f"{row['still']:,}", count(row["median_days"]),
             f"{count(row['low'])} to {count(row['high'])}",
             row.get("why") or ("small" if row["is_small"] else "")]
            for row in found.rows
        ],
    )
    say(*found.notes, found.why, mark="")


@lifecycle.command()
def stuck(
    context: typer.Context, where: Where = "", as_of: AsOf = None, output: Output = Format.table
) -> None:
    """Accounts in their stage for longer than most who left it, with MRR and owner."""
    with fresh_company_of(context) as company:
        found = company.lifecycle.stuck(where=where, as_of=as_of)
    if print_data(found.as_dict(), output):
        return
    print_table(
        f"What is long, as of {found.as_of}, {found.currency}",
        ["stage", "visits ended", "days", "stuck", "their MRR", ""],
        [
            [row["label"], f"{row['left']:,}", count(row["threshold_days"]), f"{row['stuck']:,}",
             f"{row['mrr']:,.2f}", row.get("why", "")]
            for row in found.thresholds
        ],
    )
    print_table(
        "Stuck accounts",
        ["account", "name", "owner", "stage", "since", "days", "long is", "MRR"],
        [
            [row["account_id"], row["name"] or "", row["owner"] or "", row["label"], row["since"],
             str(row["days"]), str(row["threshold_days"]), f"{row['mrr']:,.2f}"]
            for row in found.rows[:SHOWN]
        ],
    )
    say_rest(found.rows)
    typer.echo(found.rule)
    say(*found.notes, found.why, mark="")


@lifecycle.command()
def indicators(
    context: typer.Context,
    period: Annotated[
        str | None, typer.Option(metavar="P", help="A month; the last closed one without it.")
    ] = None,
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """Each stage's own indicators, as the catalogue defines them, beside the month before."""
    from staycurve.metrics.base import Unit

    with fresh_company_of(context) as company:
        found = company.lifecycle.indicators(period=period, where=where, as_of=as_of)
    if print_data(found.as_dict(), output):
        return
    print_table(
        f"Indicators in {found.rows[0]['period'][:7]}, as of {found.as_of}, {found.currency}",
        ["stage", "metric", "value", "the month before", "better", ""],
        [
            [row["label"], row["metric"], number(row["value"], Unit(row["unit"])),
             number(row["previous"], Unit(row["unit"])), row["better"], row.get("why", "")]
            for row in found.rows
        ],
    )


@lifecycle.command()
def accounts(
    context: typer.Context,
    stage: Annotated[str | None, typer.Option(help="One stage; all without it.")] = None,
    period: AtClose = None,
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The accounts in a stage, with MRR and owner, since when and why."""
    with fresh_company_of(context) as company:
        rows = company.lifecycle.accounts(stage, period=period, where=where, as_of=as_of)
        seen = company.as_of(as_of).at.isoformat()
        currency = company.config.company.currency
    _print_accounts(
        f"Accounts, as of {seen}, {currency}",
        {"as_of": seen, "currency": currency, "rows": rows}, output,
        ("account_id", "name", "owner", "label", "since", "days", "visit", "mrr", "reason"),
    )


@lifecycle.command()
def moved(
    context: typer.Context,
    period: Annotated[str, typer.Option(metavar="P", help="2024-01, 2024-Q1, …")],
    before: Annotated[
        str | None, typer.Option(help="The stage that they left; any without it.")
    ] = None,
    after: Annotated[
        str | None, typer.Option(help="The stage that they came to; any without it.")
    ] = None,
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The accounts that moved from stage to stage in a period."""
    with fresh_company_of(context) as company:
        rows = company.lifecycle.movers(
            period=period, before=before, after=after, where=where, as_of=as_of
        )
        seen = company.as_of(as_of).at.isoformat()
    _print_accounts(
        f"Moves in {period}, as of {seen}",
        {"as_of": seen, "period": period, "rows": rows}, output,
        ("account_id", "name", "owner", "day", "from", "to", "days"),
    )


@lifecycle.command()
def visits(
    context: typer.Context,
    stage: Annotated[str, typer.Argument(help="One of the eight stages.")],
    has_ended: Annotated[
        bool | None,
        typer.Option("--ended/--running", help="Those that ended, or still run; both without it."),
    ] = None,
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The visits behind `lifecycle times`: every one of a stage, and what came after it."""
    with fresh_company_of(context) as company:
        rows = company.lifecycle.visits(stage, has_ended=has_ended, where=where, as_of=as_of)
        seen = company.as_of(as_of).at.isoformat()
    _print_accounts(
        f"Visits of {stage}, as of {seen}",
        {"as_of": seen, "stage": stage, "rows": rows}, output,
        ("account_id", "name", "owner", "starts_on", "ends_on", "days", "to"),
    )


@lifecycle.command()
def history(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="Its account_id.")],
    as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """Every stage that one account has been in, each visit with its days and its reason."""
    with fresh_company_of(context) as company:
        rows = company.lifecycle.history(account, as_of=as_of)
        seen = company.as_of(as_of).at.isoformat()
    _print_accounts(
        f"{account}, as of {seen}",
        {"as_of": seen, "account_id": account, "rows": rows}, output,
        ("label", "starts_on", "ends_on", "days", "visit", "reason"), shown=len(rows),
    )


def _print_accounts(
    title: str, answer: Row, output: Format, columns: Sequence[str], *, shown: int = SHOWN
) -> None:
    if print_data(answer, output):
        return
    rows = answer["rows"]
    print_table(
        title,
        [name.removesuffix("_id").replace("label", "stage") for name in columns],
        [[cell(row[name]) for name in columns] for row in rows[:shown]],
    )
    say_rest(rows, shown=shown)
