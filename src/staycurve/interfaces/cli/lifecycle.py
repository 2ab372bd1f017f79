"""Commands about the lifecycle: stages, transitions, times, stuck, indicators, accounts, …"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from staycurve.interfaces.cli.answers import AsOfOption, ByOption, FormatOption, WhereOption
from staycurve.interfaces.cli.app import app, fresh_company_of
from staycurve.interfaces.cli.output import Format, number, print_csv, print_json, print_table

if TYPE_CHECKING:
    from staycurve.insights.lifecycle.lifecycle import Reading

lifecycle = typer.Typer(
    help="The stage of each account: how many are where, who moved, and who is stuck.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(lifecycle, name="lifecycle")

GrainOption = Annotated[str, typer.Option(help="day, week, month, quarter or year.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="P", help="First period.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="P", help="Last period.")]
PeriodOption = Annotated[
    str | None, typer.Option("--period", metavar="P", help="At its close; now without it.")
]

Row = Mapping[str, Any]
SHOWN = 40
"""How many accounts a table lists; --format csv lists them all."""


@lifecycle.command()
def rules(context: typer.Context, output: FormatOption = Format.table) -> None:
    """The rules in force: the first that holds names an account's stage."""
    with fresh_company_of(context) as company:
        answer = company.lifecycle.rules()
    if output is Format.json:
        print_json(answer)
    elif output is Format.csv:
        print_csv([{**row, "when": "; ".join(row["when"])} for row in answer["rows"]])
    else:
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
    grain: GrainOption = "month",
    start: FromOption = None,
    end: ToOption = None,
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """How many accounts are in each stage at the close of each period, with their MRR."""
    with fresh_company_of(context) as company:
        found = company.lifecycle.stages(
            grain=grain, start=start, end=end, by=by, where=where, as_of=as_of
        )
    if _is_printed(found, output):
        return
    print_table(
        f"Accounts by stage, as of {found.as_of}, {found.currency}",
        ["period", *_dims(by), "stage", "accounts", "share", "MRR"],
        [
            [_period(row), *_segment(row), row["label"], f"{row['accounts']:,}",
             _percent(row["share"]), f"{row['mrr']:,.2f}"]
            for row in found.rows
        ],
    )
    _say(found)


@lifecycle.command()
def transitions(
    context: typer.Context,
    grain: GrainOption = "month",
    start: FromOption = None,
    end: ToOption = None,
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Moves from stage to stage in each period, and their share of all moves out of a stage."""
    with fresh_company_of(context) as company:
        found = company.lifecycle.transitions(
            grain=grain, start=start, end=end, by=by, where=where, as_of=as_of
        )
    if _is_printed(found, output):
        return
    print_table(
        f"Moves between stages, as of {found.as_of}",
        ["period", *_dims(by), "from", "to", "moves", "share", "95% interval"],
        [
            [_period(row), *_segment(row), row["from"] or "(became known)", row["to"],
             f"{row['count']:,}{' (small)' if row['is_small'] else ''}", _percent(row["share"]),
             f"{_percent(row['low'])} to {_percent(row['high'])}"]
            for row in found.rows
        ],
    )
    print_table(
        "What each stage opened and closed with",
        ["period", *_dims(by), "stage", "opening", "entered", "left", "closing"],
        [
            [_period(row), *_segment(row), row["label"],
             *(f"{row[key]:,}" for key in ("opening", "entered", "left", "closing"))]
            for row in found.stages
        ],
    )
    typer.echo("Who moved: staycurve lifecycle moved --period P --before STAGE --after STAGE")
    _say(found)


@lifecycle.command()
def times(
    context: typer.Context,
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Days that accounts stay in each stage: the median, those still in it censored."""
    with fresh_company_of(context) as company:
        found = company.lifecycle.times(by=by, where=where, as_of=as_of)
    if _is_printed(found, output):
        return
    print_table(
        f"Time in stage, as of {found.as_of}",
        [*_dims(by), "stage", "visits", "ended", "still in it", "median days", "95% interval", ""],
        [
            [*_segment(row), row["label"], f"{row['visits']:,}", f"{row['left']:,}",
             f"{row['still']:,}", _days(row["median_days"]),
             f"{_days(row['low'])} to {_days(row['high'])}",
             row.get("why") or ("small" if row["is_small"] else "")]
            for row in found.rows
        ],
    )
    _say(found)


@lifecycle.command()
def stuck(
    context: typer.Context,
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Accounts in their stage for longer than most who left it, with MRR and owner."""
    with fresh_company_of(context) as company:
        found = company.lifecycle.stuck(where=where, as_of=as_of)
    if _is_printed(found, output):
        return
    print_table(
        f"What is long, as of {found.as_of}, {found.currency}",
        ["stage", "visits ended", "days", "stuck", "their MRR", ""],
        [
            [row["label"], f"{row['left']:,}", _days(row["threshold_days"]), f"{row['stuck']:,}",
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
    _rest(found.rows)
    typer.echo(found.rule)
    _say(found)


@lifecycle.command()
def indicators(
    context: typer.Context,
    period: Annotated[
        str | None, typer.Option(metavar="P", help="A month; the last closed one without it.")
    ] = None,
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Each stage's own indicators, as the catalogue defines them, beside the month before."""
    from staycurve.metrics.base import Unit

    with fresh_company_of(context) as company:
        found = company.lifecycle.indicators(period=period, where=where, as_of=as_of)
    if _is_printed(found, output):
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
    period: PeriodOption = None,
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """The accounts in a stage, with MRR and owner, since when and why."""
    with fresh_company_of(context) as company:
        rows = company.lifecycle.accounts(stage, period=period, where=where, as_of=as_of)
        seen = company.as_of(as_of).at.isoformat()
        currency = company.config.company.currency
    _print_accounts(
        rows, output, f"Accounts, as of {seen}, {currency}", {"as_of": seen, "currency": currency},
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
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """The accounts that moved from stage to stage in a period."""
    with fresh_company_of(context) as company:
        rows = company.lifecycle.movers(
            period=period, before=before, after=after, where=where, as_of=as_of
        )
        seen = company.as_of(as_of).at.isoformat()
    _print_accounts(
        rows, output, f"Moves in {period}, as of {seen}", {"as_of": seen, "period": period},
        ("account_id", "name", "owner", "day", "from", "to", "days"),
    )


@lifecycle.command()
def history(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="Its account_id.")],
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Every stage that one account has been in, each visit with its days and its reason."""
    with fresh_company_of(context) as company:
        rows = company.lifecycle.history(account, as_of=as_of)
        seen = company.as_of(as_of).at.isoformat()
    _print_accounts(
        rows, output, f"{account}, as of {seen}", {"as_of": seen, "account_id": account},
        ("label", "starts_on", "ends_on", "days", "visit", "reason"), shown=None,
    )


def _is_printed(found: Reading, output: Format) -> bool:
    """Whether the answer was printed for programs."""
    if output is Format.json:
        print_json(found.as_dict())
    elif output is Format.csv:
        print_csv(found.rows)
    return output is not Format.table


def _print_accounts(
    rows: Sequence[Row], output: Format, title: str, head: Row, columns: Sequence[str], *,
    shown: int | None = SHOWN,
) -> None:
    if output is Format.json:
        print_json({**head, "rows": list(rows)})
    elif output is Format.csv:
        print_csv(rows)
    else:
        print_table(
            title,
            [name.removesuffix("_id").replace("label", "stage") for name in columns],
            [[_cell(row[name]) for name in columns] for row in rows[:shown]],
        )
        if shown is not None:
            _rest(rows)


def _rest(rows: Sequence[Row]) -> None:
    if len(rows) > SHOWN:
        typer.echo(f"The first {SHOWN} of {len(rows)}; all: --format csv")


def _say(found: Reading) -> None:
    for text in (*found.notes, found.why):
        if text:
            typer.echo(text)


def _dims(by: str) -> list[str]:
    return [dim for dim in by.split(",") if dim]


def _segment(row: Row) -> list[str]:
    return ["(none)" if value is None else str(value) for value in row["segment"].values()]


def _period(row: Row) -> str:
    return f"{row['period']}{'*' if row['open'] else ''}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f}%"


def _days(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
