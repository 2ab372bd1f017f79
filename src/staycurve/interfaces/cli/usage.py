"""Commands about use: usage retention, lifecycle, funnel, paths, activity."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from staycurve.interfaces.api import use_members
from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import fresh_company_of
from staycurve.interfaces.cli.options import AsOf, By, Output, To, Where
from staycurve.interfaces.cli.output import (
    Format,
    Row,
    between,
    count,
    percent,
    print_data,
    print_opened,
    print_table,
    say,
    segment_of,
    size_of,
)
from staycurve.interfaces.cli.usage_members import print_members, step_named
from staycurve.metrics.dimensions import dims_of

usage = group("usage", "What users do: who comes back, in which order, how often.")

First = Annotated[
    str | None, typer.Option("--from", metavar="P", help="First period, such as 2024-01.")
]
Whose = Annotated[str, typer.Option(help="Count each user or each account.")]
Day = Annotated[str | None, typer.Option(metavar="P", help="The last of the 28 days.")]


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
        str | None,
        typer.Option(metavar="COHORT:AGE", help="Who is behind a cell: 2024-01:3, or all:3."),
    ] = None,
    first: First = None, last: To = None, whose: Whose = "user",
    by: By = "", where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """Who is back k days, weeks or months after starting."""
    with fresh_company_of(context) as company:
        found = company.usage.retention(
            per=per, start=start, back=back, starts=starts, returns=returns, windows=windows,
            ages=ages, first=first, last=last, whose=whose, by=by, where=where, as_of=as_of,
        )
        if members is not None:
            print_members(use_members.of_cell(found, members), output)
            return
    if print_data(found.to_json(), output, rows=[_flat(row) for row in found.rows]):
        return
    oldest = max((row["age"] for row in found.rows), default=0)
    lines: dict[tuple[str, ...], list[str]] = {}
    for row in found.rows:
        key = (*segment_of(row), row["cohort"], size_of(row))
        lines.setdefault(key, []).append(percent(row["value"], blank=""))
    for row in found.totals:
        key = (*segment_of(row), "all", "")
        lines.setdefault(key, []).append(percent(row["value"]))
    print_table(
        f"Retention of use: {found.start}, back with {found.back}, {_many(whose)}, "
        f"as of {found.as_of}",
        [*dims_of(by), per, "size", *(str(age) for age in range(oldest + 1))],
        [[*key, *cells, *[""] * (oldest + 1 - len(cells))] for key, cells in lines.items()],
    )
    say(found.why, *found.notes)


@usage.command()
def lifecycle(
    context: typer.Context,
    per: Annotated[str, typer.Option(help="day, week, month, quarter or year.")] = "month",
    event: Annotated[
        str, typer.Option(metavar="EVENT", help="What is activity; anything without it.")
    ] = "",
    members: Annotated[
        str | None,
        typer.Option(
            metavar="PERIOD:KIND",
            help="Who is behind, such as 2024-01:dormant; new, returning, resurrecting, active.",
        ),
    ] = None,
    first: First = None, last: To = None, whose: Whose = "user",
    by: By = "", where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """New, returning, resurrecting and dormant users of each period."""
    with fresh_company_of(context) as company:
        found = company.usage.lifecycle(
            per=per, event=event, first=first, last=last, whose=whose, by=by, where=where,
            as_of=as_of,
        )
        if members is not None:
            print_members(use_members.of_kind(found, members), output)
            return
    if print_data(found.to_json(), output, rows=[_flat(row) for row in found.rows]):
        return
    columns = ("active_before", "new", "resurrecting", "returning", "dormant", "active")
    print_table(
        f"Lifecycle of use: {found.doing}, {_many(whose)}, as of {found.as_of}",
        [per, *dims_of(by), "active before", *columns[1:], "quick ratio"],
        [
            [row["period"], *segment_of(row), *(count(row[name]) for name in columns),
             "–" if row["quick_ratio"] is None else f"{row['quick_ratio']:.2f}"]
            for row in found.rows
        ],
    )
    if any(row["open"] for row in found.rows):
        say("the last period is still open: who has gone dormant is not known yet")
    say(found.why)


@usage.command()
def funnel(
    context: typer.Context,
    steps: Annotated[list[str], typer.Argument(metavar="EVENT…", help="What is done, in order.")],
    window: Annotated[
        str, typer.Option(help="From the first step to the last: 30m, 24h, 14d.")
    ] = "14d",
    order: Annotated[str, typer.Option(help="any, or strict: nothing between.")] = "any",
    entry: Annotated[str, typer.Option(help="deepest chain, or the first start.")] = "deepest",
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="EVENT[@I-J]", help="Not to be done between two steps."),
    ] = None,
    members: Annotated[int | None, typer.Option(metavar="STEP", help="Who took a step.")] = None,
    dropped: Annotated[
        int | None, typer.Option(metavar="STEP", help="Who took the one before, not this one.")
    ] = None,
    pending: Annotated[
        int | None, typer.Option(metavar="STEP", help="Who took it last, and is still in time.")
    ] = None,
    first: First = None, last: To = None, whose: Whose = "user",
    by: By = "", where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """How many get from step to step, how long it takes, and who drops out."""
    step = step_named(members=members, dropped=dropped, pending=pending)
    with fresh_company_of(context) as company:
        found = company.usage.funnel(
            *steps, window=window, order=order, entry=entry, exclude=exclude or (), first=first,
            last=last, whose=whose, by=by, where=where, as_of=as_of,
        )
        if step is not None:
            print_members(use_members.of_step(found, step), output)
            return
    if print_data(found.to_json(), output, rows=[_flat(row) for row in found.rows]):
        return
    print_table(
        f"Funnel within {window}, {_many(whose)} who began {found.first} to {found.last}, "
        f"as of {found.as_of}",
        [*dims_of(by), "step", "doing", "count", "share", "95% interval", "of the one before",
         "dropped", "median time"],
        [
            [*segment_of(row), str(row["step"]), row["doing"], count(row["count"]),
             percent(row["value"]), between(row),
             percent((row["from_previous"] or {}).get("value"), blank=""),
             count(row["dropped"], blank=""), _time(row["median_seconds"])]
            for row in found.rows
        ],
    )
    for total in found.totals:
        if total["excluded"]:
            say(f"{total['excluded']:,} are left out: they did what is excluded.")
        if total["pending"]:
            say(f"{total['pending']:,} are still in time; who: --pending STEP")
    say(found.why, *found.notes)


@usage.command()
def paths(
    context: typer.Context,
    anchor: Annotated[str, typer.Argument(metavar="EVENT", help="What paths begin with.")],
    size: Annotated[int, typer.Option("--next", help="How many things follow.")] = 3,
    way: Annotated[str, typer.Option(help="after or before.")] = "after",
    within: Annotated[str, typer.Option(help="30m, 24h, … or session.")] = "",
    top: Annotated[int, typer.Option(help="How many paths are listed.")] = 20,
    repeats: Annotated[str, typer.Option(help="keep, or drop: runs count once.")] = "keep",
    members: Annotated[
        str | None, typer.Option(metavar="N", help="Whose path N was; or all, or others.")
    ] = None,
    first: First = None, last: To = None, whose: Whose = "user",
    by: By = "", where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The most common things that are done after an event, or before it."""
    with fresh_company_of(context) as company:
        found = company.usage.paths(
            anchor, size=size, way=way, within=within, listed=top, repeats=repeats, first=first,
            last=last, whose=whose, by=by, where=where, as_of=as_of,
        )
        if members is not None:
            print_members(use_members.of_path(found, members), output)
            return
    if print_data(found.to_json(), output, rows=[_flat(row) for row in found.rows]):
        return
    print_table(
        f"{way.capitalize()} {found.anchor}, within {found.within}, {found.first} to {found.last}, "
        f"as of {found.as_of}",
        ["n", *dims_of(by), "path", "count", "share", _many(whose)],
        [
            [str(place), *segment_of(row), _path(row), count(row["count"]),
             percent(row["value"]), count(row["people"])]
            for place, row in enumerate(found.rows, 1)
        ],
    )
    say(found.why)


@usage.command()
def activity(
    context: typer.Context,
    day: Day = None,
    top: Annotated[int, typer.Option(help="How many power users are listed.")] = 20,
    members: Annotated[
        str | None,
        typer.Option(metavar="N[-M]", help="Active on so many days: 21-28; or dau, wau, mau."),
    ] = None,
    whose: Whose = "user",
    by: By = "", where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """Who is active, on how many of 28 days, who most, and how long a session takes."""
    with fresh_company_of(context) as company:
        found = company.usage.activity(
            day=day, top=top, whose=whose, by=by, where=where, as_of=as_of
        )
        if members is not None:
            print_members(use_members.of_days(found, members), output)
            return
    if print_data(found.to_json(), output, rows=[_flat(row) for row in found.rows]):
        return
    mark = "*" if found.is_open else ""
    print_table(
        f"Active {_many(whose)} up to {found.day}, as of {found.as_of}",
        [*dims_of(by), "figure", "days", "value", "before"],
        [
            [*segment_of(row), row["figure"], str(row["days"]), f"{row['value']:,}{mark}",
             count(row["before"])]
            for row in found.figures
        ],
    )
    print_table(
        "Days of the 28 on which they were active",
        [*dims_of(by), "days", "count", "share"],
        [
            [*segment_of(row), str(row["active_days"]), count(row["count"]), percent(row["value"])]
            for row in found.rows if row["count"]
        ],
    )
    print_table(
        "The most active",
        [whose, *(["account"] if whose == "user" else []), "days", "uses", "features", "last on"],
        [
            [*(str(row[name] or "") for name in ("user_id", "account_id") if name in row),
             str(row["active_days"]), count(row["uses"]), str(row["features"]), row["last_on"]]
            for row in found.power
        ],
    )
    if found.sessions:
        print_table(
            "Sessions",
            [*dims_of(by), "sessions", _many(whose), "events each", "median length"],
            [
                [*segment_of(row), count(row["sessions"]), count(row["people"]),
                 f"{row['mean_events']:.1f}", _time(row["median_seconds"])]
                for row in found.sessions
            ],
        )
    if mark:
        typer.echo("*  to date: the day is not over")
    say(found.why, found.why_no_sessions)


@usage.command()
def uses(
    context: typer.Context,
    who: Annotated[str, typer.Argument(help="The user's id, or the account's.")],
    day: Day = None, whose: Whose = "user",
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """What one user or account did on the 28 days of `usage activity`, by day and feature."""
    with fresh_company_of(context) as company:
        found = company.usage.uses(who, day=day, whose=whose, where=where, as_of=as_of)
    print_opened(found.to_json(), output)


def _flat(row: Row) -> dict[str, Any]:
    found = dict(row)
    if "path" in found:
        found["path"] = " → ".join(found["path"])
    before = found.pop("from_previous", None)
    if before is not None:
        found |= {f"from_previous_{key}": value for key, value in before.items()}
    return found


def _many(whose: str) -> str:
    return f"{whose}s"


def _path(row: Row) -> str:
    if row["is_other"]:
        return f"({row['paths']:,} others)"
    return " → ".join(row["path"]) or "(nothing)"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"
