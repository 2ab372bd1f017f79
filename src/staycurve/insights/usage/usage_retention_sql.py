"""Statements of retention of use; what they answer is said in `usage_retention`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from staycurve.insights.usage.usage_acts import (
    Stretch,
    acts_sql,
    day_places_sql,
    days_sql,
    is_same,
    month_places_sql,
    month_table,
    months_between_sql,
    own_sql,
    owned,
    stretches,
)
from staycurve.insights.usage.usage_question import Doing
from staycurve.insights.usage.usage_retention_asked import PER, RetentionQuestion
from staycurve.insights.usage.usage_segments import Cut, cut, listed_sql, order_of


def statement(asked: RetentionQuestion) -> str:
    """SQL of rows (start_on, seg…, size, r1 … of who was back in period 1, 2, …)."""
    if asked.windows == "calendar" and asked.returns == "on" and not asked.use.dims:
        return _patterns_sql(asked)
    ctes, rows = _begun(asked)
    kept = ["entity", "account_id", "start_on", *_KEPT[asked.windows, asked.returns]]
    if asked.windows == "rolling":
        kept = [*kept, *_names(asked)]
    cutting = _cut(asked, rows, kept)
    sums = "".join(
        f", CAST(SUM(CASE WHEN {_is_back(asked, age)} THEN 1 ELSE 0 END) AS BIGINT) AS r{age}"
        for age in range(1, asked.ages + 1)
    )
    return f"""WITH {_joined(ctes, cutting.ctes)}
SELECT start_on{cutting.segs}, CAST(COUNT(*) AS BIGINT) AS size{sums}
FROM {cutting.name} b
GROUP BY start_on{cutting.segs}
ORDER BY {order_of(asked.use, "start_on")}"""


def counted_statement(asked: RetentionQuestion) -> str:
    """SQL of rows (start_on, month_on, number): the same by counting rows of a month table.

    Right where nobody has two rows in a month; see `RetentionQuestion.is_counted`.
    """
    seen, last = asked.use.as_of.last_day, asked.periods[-1]
    month = seen.replace(day=1)
    shown = (1 << seen.day) - 1
    return f"""SELECT CAST(date_trunc('month', m.first_on) AS DATE) AS start_on, m.month_on,
       CAST(COUNT(*) AS BIGINT) AS number
FROM {month_table(asked.use)} m
WHERE {months_between_sql(asked.cohorts[0].start, min(last.start, seen))}
  AND m.first_on >= DATE '{asked.cohorts[0].start}' AND m.first_on < DATE '{asked.cohorts[-1].end}'
  AND (m.month_on < DATE '{month}' OR (m.days & {shown}) <> 0)
GROUP BY CAST(date_trunc('month', m.first_on) AS DATE), m.month_on
ORDER BY start_on, month_on"""


def twice_statement() -> str:
    """SQL that is 1 where some user has rows in several accounts, so that rows are not users."""
    return """SELECT
    CAST(coalesce(MAX(CASE WHEN first_id <> last_id THEN 1 ELSE 0 END), 0) AS BIGINT) AS is_twice
FROM (SELECT user_id, MIN(account_id) AS first_id, MAX(account_id) AS last_id
      FROM user_months GROUP BY user_id) u"""


def as_counted(asked: RetentionQuestion, answer: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The answer of `counted_statement` in the shape of that of `statement`."""
    found: dict[dt.date, list[int]] = {}
    places = {period.start: place for place, period in enumerate(asked.periods)}
    for start, month, number in answer:
        age = places[month] - places[start]
        if 0 <= age <= asked.ages:
            found.setdefault(start, [0] * (asked.ages + 1))[age] = number
    return [(start, *numbers) for start, numbers in sorted(found.items())]


def members_statement(asked: RetentionQuestion, cohorts: Sequence[int], age: int) -> str:
    """SQL of rows (entity, customer, start_on, is_counted): who began, and whether they were back.

    Parameters
    ----------
    asked : RetentionQuestion
        Without `by`.
    cohorts : sequence of int
        The places of their periods among `asked.cohorts`.
    age : int
        Periods since.
    """
    ctes, rows = _begun(asked)
    kept = ["entity", "account_id", "start_on", *_KEPT[asked.windows, asked.returns]]
    if asked.windows == "rolling":
        kept = [*kept, *_names(asked)]
    cutting = _cut(asked, rows, kept)
    test = _is_back(asked, age) if age else "1 = 1"
    days = ", ".join(f"DATE '{asked.cohorts[place].start}'" for place in cohorts)
    named = f"""named AS (
    SELECT DISTINCT b.entity, b.account_id, b.start_on,
           CASE WHEN {test} THEN 1 ELSE 0 END AS is_counted
    FROM {cutting.name} b WHERE b.start_on IN ({days})
)"""
    return (
        f"WITH {_joined(ctes, cutting.ctes, (named,))}\n"
        + listed_sql(
            asked.use, "named", ", b.start_on, b.is_counted = 1 AS is_counted", "start_on"
        )
    )


def _cut(asked: RetentionQuestion, rows: str, kept: Sequence[str]) -> Cut:
    return cut(
        asked.use.by_account(), rows, kept, day="b.start_on", fallback_day="b.close_on",
        own=own_sql(asked.use),
    )


_KEPT = {
    ("calendar", "on"): ("bit", "returns"),
    ("calendar", "after"): ("place", "last_place"),
    ("rolling", "on"): (),
    ("rolling", "after"): (),
}


def _names(asked: RetentionQuestion) -> list[str]:
    return [f"is_back{age}" for age in range(1, asked.ages + 1)]


def _is_back(asked: RetentionQuestion, age: int) -> str:
    if asked.windows == "rolling":
        return f"b.is_back{age} = 1"
    if asked.returns == "on":
        return f"(b.returns & (b.bit << {age})) <> 0"
    return f"b.last_place - b.place >= {age}"


def _joined(*groups: Iterable[str]) -> str:
    return ",\n".join(one for group in groups for one in group)


def _runs(asked: RetentionQuestion) -> list[Stretch]:
    return stretches(asked.periods, len(asked.cohorts), asked.ages)


def _cohorts_cte(asked: RetentionQuestion, runs: Sequence[Stretch]) -> str:
    rows = ", ".join(
        f"({run.number}, {run.first + own}, CAST({1 << own} AS BIGINT), "
        f"DATE '{run.periods[own].start}', DATE '{run.periods[own].end - dt.timedelta(days=1)}')"
        for run in runs
        for own in range(run.own)
    )
    return (
        f"cohorts AS (SELECT * FROM (VALUES {rows}) AS v(run, place, bit, start_on, close_on))"
    )


def _patterns_sql(asked: RetentionQuestion) -> str:
    """Without segments: everybody with the same history is counted once, then spread."""
    runs = _runs(asked)
    sums = "".join(
        f", CAST(SUM(CASE WHEN (p.returns & (c.bit << {age})) <> 0 THEN p.number ELSE 0 END) "
        f"AS BIGINT) AS r{age}"
        for age in range(1, asked.ages + 1)
    )
    return f"""WITH {_joined(_masks(asked, runs))},
{_cohorts_cte(asked, runs)},
patterns AS (
    SELECT run, starts, returns, COUNT(*) AS number FROM masks
    GROUP BY run, starts, returns
)
SELECT c.start_on, CAST(SUM(p.number) AS BIGINT) AS size{sums}
FROM patterns p
JOIN cohorts c ON c.run = p.run AND (p.starts & c.bit) <> 0
GROUP BY c.start_on
ORDER BY start_on"""


def _masks(asked: RetentionQuestion, runs: Sequence[Stretch]) -> list[str]:
    """Up to `masks`: (entity, own…, account_id, run, starts, returns), periods as bits.

    Of those alone who started.
    """
    own = owned(asked.use)
    return [*_acts(asked, runs), f"""masks AS (
    SELECT entity{own}, account_id, run, starts, returns
    FROM (
        SELECT entity{own}, MIN(account_id) AS account_id, run,
               CAST(bit_or(CASE WHEN is_start = 1 THEN bit ELSE 0 END) AS BIGINT) AS starts,
               CAST(bit_or(CASE WHEN is_return = 1 THEN bit ELSE 0 END) AS BIGINT) AS returns
        FROM acts GROUP BY entity{own}, run
    ) whole WHERE starts <> 0
)"""]


def _acts(asked: RetentionQuestion, runs: Sequence[Stretch]) -> list[str]:
    """Up to `acts`: (entity, own…, account_id, run, bit, is_start, is_return)."""
    own = owned(asked.use, "d")
    use, first = asked.use, asked.cohorts[0].start
    last = min(asked.periods[-1].end - dt.timedelta(days=1), use.as_of.last_day)
    if asked.is_from_months:
        is_start = "1"
        if asked.starts == "first":
            is_start = (
                "CASE WHEN m.first_on >= p.start_on AND m.first_on < p.end_on THEN 1 ELSE 0 END"
            )
        return [f"places AS ({month_places_sql(use, runs)})", f"""acts AS (
    SELECT m.{use.who} AS entity, m.account_id, p.run, p.bit, {is_start} AS is_start,
           1 AS is_return
    FROM {month_table(use)} m
    JOIN places p ON p.month_on = m.month_on AND (m.days & p.mask) <> 0
    WHERE {months_between_sql(first, last)}
)"""]
    found = [f"places AS ({day_places_sql(use, runs)})"]
    is_once = asked.start_times == asked.back_times == 1
    if not is_once:
        return [*found, _often(asked, first, last)]
    back = days_sql(use, asked.back, first=first, last=last)
    if asked.starts == "every" and asked.start == asked.back:
        return [*found, f"""acts AS (
    SELECT d.entity{own}, d.account_id, p.run, p.bit, 1 AS is_start, 1 AS is_return
    FROM ({back}) d JOIN places p ON p.day = d.day
)"""]
    begun = days_sql(use, asked.start, first=first, last=last)
    if asked.starts == "first":
        begun = (
            f"SELECT entity{owned(use)}, MIN(account_id) AS account_id, MIN(day) AS day "
            f"FROM ({days_sql(use, asked.start)}) f GROUP BY entity{owned(use)}"
        )
    return [*found, f"""acts AS (
    SELECT d.entity{own}, d.account_id, p.run, p.bit, 1 AS is_start, 0 AS is_return
    FROM ({begun}) d JOIN places p ON p.day = d.day
    UNION ALL
    SELECT d.entity{own}, d.account_id, p.run, p.bit, 0 AS is_start, 1 AS is_return
    FROM ({back}) d JOIN places p ON p.day = d.day
)"""]


def _often(asked: RetentionQuestion, first: dt.date, last: dt.date) -> str:
    """The relation acts, where a start or a return is what is done several times.

    The first start is then the last of so many times; of every start, the periods with so many.
    """
    use = asked.use
    back = _events_sql(asked, asked.back, first, last)
    if asked.starts == "first":
        starts = f"SELECT s.*, 1 AS times FROM ({_nth_sql(asked, last)}) s"
        began = "1 = 1"
    else:
        starts = f"SELECT s.*, 1 AS times FROM ({_events_sql(asked, asked.start, first, last)}) s"
        began = f"SUM(times) >= {asked.start_times}"
    own = owned(use, "d")
    parts = [
        f"""SELECT d.entity{own}, MIN(d.account_id) AS account_id, p.run, p.bit, {flags}
    FROM ({rows}) d JOIN places p ON p.day = d.day
    GROUP BY d.entity{own}, p.run, p.bit HAVING {test}"""
        for rows, flags, test in (
            (starts, "1 AS is_start, 0 AS is_return", began),
            (back, "0 AS is_start, 1 AS is_return", f"COUNT(*) >= {asked.back_times}"),
        )
    ]
    return f"acts AS (\n    {' UNION ALL '.join(parts)}\n)"


def _events_sql(
    asked: RetentionQuestion, one: Doing, first: dt.date | None, last: dt.date
) -> str:
    """Rows (entity, account_id, event_id, done_at, day, own…), one an event."""
    within = f"e.occurred_on <= DATE '{last}'"
    if first:
        within += f" AND e.occurred_on >= DATE '{first}'"
    return acts_sql(
        asked.use, columns="e.event_id, e.occurred_at AS done_at, e.occurred_on AS day",
        where=f"{one.test(asked.use.config)} AND {within}", is_told=True,
    )


def _nth_sql(asked: RetentionQuestion, last: dt.date) -> str:
    """Rows (entity, account_id, done_at, day, own…): when each did it for the n-th time ever."""
    keys = f"entity{owned(asked.use)}"
    return f"""SELECT entity{owned(asked.use)}, account_id, done_at, day FROM (
        SELECT f.*, row_number() OVER (PARTITION BY {keys} ORDER BY done_at, event_id) AS place
        FROM ({_events_sql(asked, asked.start, None, last)}) f
    ) counted WHERE place = {asked.start_times}"""


def _begun(asked: RetentionQuestion) -> tuple[list[str], str]:
    """Up to a relation of one row for each of a cohort, and that relation's name."""
    runs = _runs(asked)
    if asked.windows == "rolling":
        return _rolling(asked), "begun"
    ctes = [*_masks(asked, runs), _cohorts_cte(asked, runs)]
    own = owned(asked.use, "m")
    if asked.returns == "on":
        return [*ctes, f"""begun AS (
    SELECT m.entity{own}, m.account_id, c.start_on, c.close_on, c.bit, m.returns
    FROM masks m
    JOIN cohorts c ON c.run = m.run AND (m.starts & c.bit) <> 0
)"""], "begun"
    return [*ctes, *_reach(asked), f"""begun AS (
    SELECT m.entity{own}, m.account_id, c.start_on, c.close_on, c.place,
           coalesce(r.last_place, -1) AS last_place
    FROM masks m
    JOIN cohorts c ON c.run = m.run AND (m.starts & c.bit) <> 0
    LEFT JOIN reach r ON {is_same(asked.use, "r", "m")}
)"""], "begun"


def _reach(asked: RetentionQuestion) -> list[str]:
    """Up to `reach`: (entity, own…, last_place), the last period in which each was back."""
    use, first, last = asked.use, asked.cohorts[0], asked.use.as_of.last_day
    every = [first]
    while every[-1].end <= last:
        every.append(every[-1].next())
    # Their places are read, not their bits: any number of periods will do.
    whole = [
        Stretch(place, place, 1, (period,)) for place, period in enumerate(every)
    ]
    if asked.is_from_months:
        return [f"every_place AS ({month_places_sql(use, whole)})", f"""reach AS (
    SELECT m.{use.who} AS entity, MAX(p.run) AS last_place
    FROM {month_table(use)} m
    JOIN every_place p ON p.month_on = m.month_on AND (m.days & p.mask) <> 0
    WHERE {months_between_sql(first.start, last)}
    GROUP BY m.{use.who}
)"""]
    if asked.back_times > 1:
        own = owned(use, "d")
        return [f"every_place AS ({day_places_sql(use, whole)})", f"""reach AS (
    SELECT entity{owned(use)}, MAX(run) AS last_place FROM (
        SELECT d.entity{own}, p.run
        FROM ({_events_sql(asked, asked.back, first.start, last)}) d
        JOIN every_place p ON p.day = d.day
        GROUP BY d.entity{own}, p.run HAVING COUNT(*) >= {asked.back_times}
    ) often GROUP BY entity{owned(use)}
)"""]
    return [f"every_place AS ({day_places_sql(use, whole)})", f"""reach AS (
    SELECT d.entity{owned(use, "d")}, MAX(p.run) AS last_place
    FROM ({days_sql(use, asked.back, first=first.start)}) d
    JOIN every_place p ON p.day = d.day
    GROUP BY d.entity{owned(use, "d")}
)"""]


def _rolling(asked: RetentionQuestion) -> list[str]:
    """Up to `begun`, with is_back1, … of windows that begin with everybody's own start."""
    use, hours = asked.use, PER[asked.per]
    first, last = asked.cohorts[0].start, asked.cohorts[-1].end - dt.timedelta(days=1)
    whole = [Stretch(place, place, 1, (period,)) for place, period in enumerate(asked.cohorts)]
    is_first = asked.starts == "first"
    within = f"e.occurred_on <= DATE '{last}'"
    if not is_first:
        within += f" AND e.occurred_on >= DATE '{first}'"
    starts = acts_sql(
        use, columns="e.occurred_at AS done_at, e.occurred_on AS day",
        where=f"{asked.start.test(use.config)} AND {within}", is_told=True,
    )
    if is_first and asked.start_times > 1:
        starts = _nth_sql(asked, last)
    elif is_first:
        # The first day is that of the first instant: days follow instants.
        starts = (
            f"SELECT entity{owned(use)}, MIN(account_id) AS account_id, "
            f"MIN(done_at) AS done_at, MIN(day) AS day FROM ({starts}) f "
            f"GROUP BY entity{owned(use)}"
        )
    backs = acts_sql(
        use, columns="e.occurred_at AS done_at",
        where=f"{asked.back.test(use.config)} AND e.occurred_on >= DATE '{first}'",
        is_told=True,
    )
    tests, bound = [], ""
    for age in range(1, asked.ages + 1):
        low = f"a.done_at >= b.done_at + INTERVAL {age * hours} HOUR"
        high = f" AND a.done_at < b.done_at + INTERVAL {(age + 1) * hours} HOUR"
        test = low + ("" if asked.returns == "after" else high)
        often = f"SUM(CASE WHEN {test} THEN 1 ELSE 0 END) >= {asked.back_times}"
        tests.append(f", CASE WHEN {often} THEN 1 ELSE 0 END AS is_back{age}")
    if asked.returns == "on":
        bound = f" AND a.done_at < b.done_at + INTERVAL {(asked.ages + 1) * hours} HOUR"
    often_started = ""
    if not is_first and asked.start_times > 1:
        often_started = f" HAVING COUNT(*) >= {asked.start_times}"
    backed = "".join(f", coalesce(k.is_back{age}, 0) AS is_back{age}"
                     for age in range(1, asked.ages + 1))
    return [
        f"places AS ({day_places_sql(use, whole)})",
        f"""started AS (
    SELECT s.entity{owned(use, "s")}, MIN(s.account_id) AS account_id, p.start_on,
           MAX(p.end_on) AS end_on, MIN(s.done_at) AS done_at
    FROM ({starts}) s JOIN places p ON p.day = s.day
    GROUP BY s.entity{owned(use, "s")}, p.start_on{often_started}
)""",
        f"""backs AS (
    SELECT b.entity{owned(use, "b")}, b.start_on{"".join(tests)}
    FROM started b
    JOIN ({backs}) a ON {is_same(use, "a", "b")}
         AND a.done_at >= b.done_at + INTERVAL {hours} HOUR{bound}
    GROUP BY b.entity{owned(use, "b")}, b.start_on
)""",
        f"""begun AS (
    SELECT s.entity{owned(use, "s")}, s.account_id, s.start_on,
           CAST(s.end_on - INTERVAL 1 DAY AS DATE) AS close_on{backed}
    FROM started s
    LEFT JOIN backs k ON {is_same(use, "k", "s")} AND k.start_on = s.start_on
)""",
    ]
