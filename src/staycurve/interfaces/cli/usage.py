"""Commands about use: usage retention, lifecycle, funnel, paths, activity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from staycurve.interfaces.cli.answers import AsOfOption, ByOption, FormatOption, WhereOption
from staycurve.interfaces.cli.app import app, fresh_company_of
from staycurve.interfaces.cli.output import Format, print_csv, print_json, print_table

if TYPE_CHECKING:
    from staycurve.insights.usage.usage_segments import Members

usage = typer.Typer(
    help="What users do: who comes back, in which order, how often.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(usage, name="usage")

FromOption = Annotated[
    str | None, typer.Option("--from", metavar="P", help="First period, such as 2024-01.")
]
ToOption = Annotated[str | None, typer.Option("--to", metavar="P", help="Last period.")]
WhoseOption = Annotated[str, typer.Option(help="Count each user or each account.")]
SHOWN = 40
"""How many users or accounts a table lists; --format csv lists them all."""


@usage.command()
def retention(
    context: typer.Context,
    per: Annotated[str, typer.Option(help="day, week or month.")] = "month",
    start: Annotated[
        str, typer.Option(metavar="EVENT", help="What begins; any activity without it.")
    ] = "",
    back: Annotated[
        str | None, typer.Option(metavar="EVENT", help="What counts as back; '' is any activity.")
    ] = None,
    starts: Annotated[str, typer.Option(help="The first ever, or every start.")] = "first",
    returns: Annotated[str, typer.Option(help="Back on a period, or on it or after.")] = "on",
    windows: Annotated[
        str, typer.Option(help="calendar, or rolling from each start.")
    ] = "calendar",
    ages: Annotated[int | None, typer.Option(help="Periods to follow.")] = None,
    members: Annotated[
        str | None, typer.Option(metavar="COHORT:AGE", help="Who is behind one cell: 2024-01:3.")
    ] = None,
    first: FromOption = None,
    last: ToOption = None,
    whose: WhoseOption = "user",
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Who is back k days, weeks or months after starting."""
    with fresh_company_of(context) as company:
        found = company.usage.retention(
            per=per, start=start, back=back, starts=starts, returns=returns, windows=windows,
            ages=ages, first=first, last=last, whose=whose, by=by, where=where, as_of=as_of,
        )
        if members is not None:
            cohort, _, age = members.partition(":")
            _print_members(found.users(cohort, _number(age)), output)
            return
    if output is not Format.table:
        _print(found.to_json(), output)
        return
    oldest = max((row["age"] for row in found.rows), default=0)
    lines: dict[tuple[str, ...], list[str]] = {}
    for row in found.rows:
        size = f"{row['size']:,}{' (small)' if row['is_small'] else ''}"
        key = (*_segment(row), row["cohort"], size)
        lines.setdefault(key, []).append(_percent(row["value"], blank=""))
    for row in found.totals:
        key = (*_segment(row), "all", "")
        lines.setdefault(key, []).append(_percent(row["value"]))
    print_table(
        f"Retention of use: {found.start}, back with {found.back}, {_many(whose)}, "
        f"as of {found.as_of}",
        [*_dims(by), per, "size", *(str(age) for age in range(oldest + 1))],
        [[*key, *cells, *[""] * (oldest + 1 - len(cells))] for key, cells in lines.items()],
    )
    _say(found.why, *found.notes)


@usage.command()
def lifecycle(
    context: typer.Context,
    per: Annotated[str, typer.Option(help="day, week, month, quarter or year.")] = "month",
    event: Annotated[
        str, typer.Option(metavar="EVENT", help="What is activity; anything without it.")
    ] = "",
    members: Annotated[
        str | None, typer.Option(metavar="PERIOD:KIND", help="Who is behind: 2024-01:dormant.")
    ] = None,
    first: FromOption = None,
    last: ToOption = None,
    whose: WhoseOption = "user",
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """New, returning, resurrecting and dormant users of each period."""
    with fresh_company_of(context) as company:
        found = company.usage.lifecycle(
            per=per, event=event, first=first, last=last, whose=whose, by=by, where=where,
            as_of=as_of,
        )
        if members is not None:
            period, _, kind = members.partition(":")
            _print_members(found.users(period, kind), output)
            return
    if output is not Format.table:
        _print(found.to_json(), output)
        return
    columns = ("active_before", "new", "resurrecting", "returning", "dormant", "active")
    print_table(
        f"Lifecycle of use: {found.doing}, {_many(whose)}, as of {found.as_of}",
        [per, *_dims(by), "active before", *columns[1:], "quick ratio"],
        [
            [row["period"], *_segment(row), *(_count(row[name]) for name in columns),
             "–" if row["quick_ratio"] is None else f"{row['quick_ratio']:.2f}"]
            for row in found.rows
        ],
    )
    if any(row["open"] for row in found.rows):
        typer.echo("–  the last period is still open: who has gone dormant is not known yet")
    _say(found.why)


@usage.command()
def funnel(
    context: typer.Context,
    steps: Annotated[
        list[str], typer.Argument(metavar="EVENT…", help="What is done, in order.")
    ],
    window: Annotated[
        str, typer.Option(help="From the first step to the last: 30m, 24h, 14d.")
    ] = "14d",
    order: Annotated[str, typer.Option(help="any, or strict: nothing between.")] = "any",
    entry: Annotated[str, typer.Option(help="deepest chain, or the first start.")] = "deepest",
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="EVENT[@I-J]", help="Not to be done between two steps."),
    ] = None,
    members: Annotated[
        int | None, typer.Option(metavar="STEP", help="Who took a step.")
    ] = None,
    dropped: Annotated[
        int | None, typer.Option(metavar="STEP", help="Who took the one before, not this one.")
    ] = None,
    first: FromOption = None,
    last: ToOption = None,
    whose: WhoseOption = "user",
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """How many get from step to step, how long it takes, and who drops out."""
    with fresh_company_of(context) as company:
        found = company.usage.funnel(
            *steps, window=window, order=order, entry=entry, exclude=exclude or (), first=first,
            last=last, whose=whose, by=by, where=where, as_of=as_of,
        )
        step = members if members is not None else dropped
        if step is not None:
            _print_members(found.users(step, dropped=members is None), output)
            return
    if output is not Format.table:
        _print(found.to_json(), output)
        return
    print_table(
        f"Funnel within {window}, {_many(whose)} who began {found.first} to {found.last}, "
        f"as of {found.as_of}",
        [*_dims(by), "step", "doing", "count", "share", "95% interval", "of the one before",
         "dropped", "median time"],
        [
            [*_segment(row), str(row["step"]), row["doing"], _count(row["count"]),
             _percent(row["value"]), _between(row),
             _percent((row["from_previous"] or {}).get("value"), blank=""),
             _count(row["dropped"], blank=""), _time(row["median_seconds"])]
            for row in found.rows
        ],
    )
    for total in found.totals:
        words = f"–  {total['excluded']:,} are left out: they did what is excluded."
        if total["excluded"]:
            typer.echo(words)
    _say(found.why, *found.notes)


@usage.command()
def paths(
    context: typer.Context,
    anchor: Annotated[str, typer.Argument(metavar="EVENT", help="What paths begin with.")],
    size: Annotated[int, typer.Option("--next", help="How many things follow.")] = 3,
    way: Annotated[str, typer.Option(help="after or before.")] = "after",
    within: Annotated[
        str, typer.Option(help="30m, 24h, … or session.")
    ] = "",
    top: Annotated[int, typer.Option(help="How many paths are listed.")] = 20,
    repeats: Annotated[str, typer.Option(help="keep, or drop: runs count once.")] = "keep",
    first: FromOption = None,
    last: ToOption = None,
    whose: WhoseOption = "user",
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """The most common things that are done after an event, or before it."""
    with fresh_company_of(context) as company:
        found = company.usage.paths(
            anchor, size=size, way=way, within=within, listed=top, repeats=repeats, first=first,
            last=last, whose=whose, by=by, where=where, as_of=as_of,
        )
    if output is not Format.table:
        _print(found.to_json(), output)
        return
    print_table(
        f"{way.capitalize()} {found.anchor}, within {found.within}, {found.first} to {found.last}, "
        f"as of {found.as_of}",
        [*_dims(by), "path", "count", "share", _many(whose)],
        [
            [*_segment(row), _path(row), _count(row["count"]), _percent(row["value"]),
             _count(row["people"])]
            for row in found.rows
        ],
    )
    _say(found.why)


@usage.command()
def activity(
    context: typer.Context,
    day: Annotated[
        str | None, typer.Option(metavar="P", help="The last of the 28 days.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many power users are listed.")] = 20,
    members: Annotated[
        str | None, typer.Option(metavar="N[-M]", help="Who was active on so many days: 21-28.")
    ] = None,
    whose: WhoseOption = "user",
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Who is active, on how many of 28 days, who most, and how long a session takes."""
    with fresh_company_of(context) as company:
        found = company.usage.activity(
            day=day, top=top, whose=whose, by=by, where=where, as_of=as_of
        )
        if members is not None:
            least, _, most = members.partition("-")
            _print_members(found.users(_number(least), _number(most or least)), output)
            return
    if output is not Format.table:
        _print(found.to_json(), output)
        return
    mark = "*" if found.is_open else ""
    print_table(
        f"Active {_many(whose)} up to {found.day}, as of {found.as_of}",
        [*_dims(by), "figure", "days", "value", "before"],
        [
            [*_segment(row), row["figure"], str(row["days"]), f"{row['value']:,}{mark}",
             _count(row["before"])]
            for row in found.figures
        ],
    )
    print_table(
        "Days of the 28 on which they were active",
        [*_dims(by), "days", "count", "share"],
        [
            [*_segment(row), str(row["active_days"]), _count(row["count"]), _percent(row["value"])]
            for row in found.rows if row["count"]
        ],
    )
    print_table(
        "The most active",
        [whose, *(["account"] if whose == "user" else []), "days", "uses", "features", "last on"],
        [
            [*(str(row[name] or "") for name in ("user_id", "account_id") if name in row),
             str(row["active_days"]), _count(row["uses"]), str(row["features"]), row["last_on"]]
            for row in found.power
        ],
    )
    if found.sessions:
        print_table(
            "Sessions",
            [*_dims(by), "sessions", _many(whose), "events each", "median length"],
            [
                [*_segment(row), _count(row["sessions"]), _count(row["people"]),
                 f"{row['mean_events']:.1f}", _time(row["median_seconds"])]
                for row in found.sessions
            ],
        )
    if mark:
        typer.echo("*  to date: the day is not over")
    _say(found.why, found.why_no_sessions)


def _print(answer: Mapping[str, Any], output: Format) -> None:
    if output is Format.json:
        print_json(answer)
    else:
        print_csv([_flat(row) for row in answer["rows"]])


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(row)
    if "path" in found:
        found["path"] = " → ".join(found["path"])
    before = found.pop("from_previous", None)
    if before is not None:
        found |= {f"from_previous_{key}": value for key, value in before.items()}
    return found


def _print_members(found: Members, output: Format) -> None:
    answer = found.to_json()
    if output is Format.json:
        print_json(answer)
        return
    if output is Format.csv:
        print_csv(found.rows)
        return
    columns = list(found.rows[0]) if found.rows else ["account_id"]
    print_table(
        f"{len(found.rows):,} behind it, as of {found.as_of}",
        columns,
        [[_text(row[name]) for name in columns] for row in found.rows[:SHOWN]],
    )
    if len(found.rows) > SHOWN:
        typer.echo(f"The first {SHOWN} of {len(found.rows):,}; all: --format csv")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _number(text: str) -> int:
    if not text.isdigit():
        raise typer.BadParameter(f"'{text}' is not a whole number")
    return int(text)


def _many(whose: str) -> str:
    return f"{whose}s"


def _dims(by: str) -> list[str]:
    return [dim for dim in by.split(",") if dim]


def _segment(row: Mapping[str, Any]) -> list[str]:
    return ["(none)" if value is None else str(value) for value in row["segment"].values()]


def _path(row: Mapping[str, Any]) -> str:
    if row["is_other"]:
        return f"({row['paths']:,} others)"
    return " → ".join(row["path"]) or "(nothing)"


def _count(value: int | None, *, blank: str = "–") -> str:
    return blank if value is None else f"{value:,}"


def _percent(value: float | None, *, blank: str = "–") -> str:
    return blank if value is None else f"{value * 100:.1f}%"


def _between(row: Mapping[str, Any]) -> str:
    return "–" if row["low"] is None else f"{_percent(row['low'])} to {_percent(row['high'])}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"


def _say(*words: str | None) -> None:
    for one in words:
        if one:
            typer.echo(f"–  {one}")
