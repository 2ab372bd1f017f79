"""What a trend of events is asked for, and its SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from staycurve.errors import NotAnsweredError, UsageError
from staycurve.i18n import N_
from staycurve.insights.usage.usage_acts import acts_sql, own_sql
from staycurve.insights.usage.usage_question import Doing, UseQuestion
from staycurve.insights.usage.usage_segments import Cut, cut, listed_sql, order_of
from staycurve.metrics.dimensions import PROPERTY
from staycurve.period import Period
from staycurve.tables.usage_days import property_sql

MEASURES = {
    "count": N_("times it was done"),
    "users": N_("users who did it"),
    "accounts": N_("accounts of which somebody did it"),
    "sum": N_("sum of a property"),
    "mean": N_("mean of a property"),
    "percentile": N_("percentile of a property"),
    "least": N_("smallest value of a property"),
    "most": N_("largest value of a property"),
}
COUNTED = ("count", "users", "accounts", "sum")
"""Measures that are 0 where nothing was done, and of which two events have a ratio."""
OF_PROPERTY = ("sum", "mean", "percentile", "least", "most")
ADDED = ("count", "users", "accounts", "sum", "mean")
"""Measures that can be summed up from the start of the range."""

PER = ("day", "week", "month", "quarter", "year")
_ONE = dt.timedelta(days=1)


@dataclass(frozen=True)
class TrendQuestion:
    """The trend that is asked for.

    Attributes
    ----------
    use : UseQuestion
        Of accounts where they are counted, else of users.
    doing : Doing
        What is done.
    over : Doing, optional
        What else is done: the value is a ratio of the two.
    measure : str
        A key of MEASURES.
    key : str
        The property that is measured.
    percent : int
        Which percentile, 0 to 100.
    """

    use: UseQuestion
    doing: Doing
    periods: tuple[Period, ...]
    measure: str = "count"
    over: Doing | None = None
    key: str = ""
    percent: int = 50
    is_cumulative: bool = False

    @property
    def days(self) -> tuple[dt.date, dt.date]:
        """The first and the last day of the range that are seen."""
        return self.periods[0].start, min(
            self.periods[-1].end - _ONE, self.use.as_of.last_day
        )

    @property
    def doings(self) -> tuple[Doing, ...]:
        """Everything that is looked for."""
        return (self.doing, self.over) if self.over else (self.doing,)


def check(asked: TrendQuestion) -> None:
    """Raise for a trend that cannot be asked."""
    if not asked.periods:
        raise NotAnsweredError(
            "The range is empty.", hint="--from must not lie after --to (or after the as-of)."
        )
    if asked.measure in OF_PROPERTY and not asked.key:
        raise UsageError(
            f"'{asked.measure}' is that of a property.", hint="Name it: --property amount",
            parameter="property",
        )
    if asked.key and asked.measure not in OF_PROPERTY:
        raise UsageError(
            f"'{asked.measure}' takes no property.",
            hint=f"Ask for one of its: --measure {', '.join(OF_PROPERTY)}", parameter="property",
        )
    if asked.over and asked.measure not in COUNTED:
        raise UsageError(
            f"There is no ratio of two of '{asked.measure}'.",
            hint=f"Ask for one of {', '.join(COUNTED)}.", parameter="over",
        )
    if asked.is_cumulative and asked.measure not in ADDED:
        raise UsageError(
            f"'{asked.measure}' does not add up over time.",
            hint=f"Ask for one of {', '.join(ADDED)}.", parameter="cumulative",
        )


def statement(asked: TrendQuestion, *, is_whole: bool = False) -> str:
    """SQL of rows (place, seg…, times, numerator, denominator).

    `place` is that of the period among those asked for, or 0 for the whole range with `is_whole`.
    The value is the numerator, by the denominator where there is one. With `is_cumulative`, users
    and accounts are counted in the first period in which they did it, so that sums count them once.
    """
    ctes, cutting = _cut(asked)
    segs = cutting.segs
    place, periods = "CAST(0 AS BIGINT)", ""
    if not is_whole:
        place, periods = "p.place", "\nJOIN places p ON p.day = b.day"
        ctes = [f"places AS ({_places(asked)})", *ctes]
    all_ctes = [*ctes, *cutting.ctes]
    named = f"""SELECT {place} AS place{segs}, b.entity, b.is_event, b.is_over, b.number
    FROM {cutting.name} b{periods}"""
    all_ctes.append(f"placed AS ({named})")
    rows = "placed"
    if asked.is_cumulative and asked.measure in ("users", "accounts"):
        all_ctes.append(f"""begun AS (
    SELECT entity{segs}, MIN(CASE WHEN is_event = 1 THEN place END) AS event_place,
           MIN(CASE WHEN is_over = 1 THEN place END) AS over_place
    FROM placed WHERE entity IS NOT NULL GROUP BY entity{segs}
)""")
        numbers = f"""SELECT place{segs}, SUM(times) AS times, SUM(event_firsts) AS numerator,
       {"SUM(over_firsts)" if asked.over else "NULL"} AS denominator
FROM (
    SELECT place{segs}, SUM(is_event) AS times, 0 AS event_firsts, 0 AS over_firsts
    FROM placed GROUP BY place{segs}
    UNION ALL
    SELECT event_place AS place{segs}, 0, COUNT(*), 0 FROM begun
    WHERE event_place IS NOT NULL GROUP BY event_place{segs}
    UNION ALL
    SELECT over_place AS place{segs}, 0, 0, COUNT(*) FROM begun
    WHERE over_place IS NOT NULL GROUP BY over_place{segs}
) parts GROUP BY place{segs}"""
    else:
        if asked.measure == "percentile":
            rows = "ranked"
            own = f"PARTITION BY place{segs}"
            counted = "CASE WHEN is_event = 1 AND number IS NOT NULL THEN 1 END"
            all_ctes.append(f"""ranked AS (
    SELECT r.*, row_number() OVER ({own} ORDER BY CASE WHEN {counted} = 1 THEN number END
               NULLS LAST, entity) AS rank,
           COUNT({counted}) OVER ({own}) AS size
    FROM placed r
)""")
        numerator, denominator = _measured(asked)
        numbers = f"""SELECT place{segs}, SUM(is_event) AS times, {numerator} AS numerator,
       {denominator} AS denominator
FROM {rows} GROUP BY place{segs}"""
    return f"""WITH {_joined(all_ctes)},
numbers AS ({numbers})
SELECT CAST(place AS BIGINT) AS place{segs}, CAST(times AS BIGINT) AS times,
       CAST(numerator AS DOUBLE) AS numerator, CAST(denominator AS DOUBLE) AS denominator
FROM numbers
ORDER BY {order_of(asked.use, "place")}"""


def members_statement(asked: TrendQuestion, places: Sequence[int]) -> str:
    """SQL of rows (entity, customer, times, sum) of who did it in the periods at `places`.

    Parameters
    ----------
    asked : TrendQuestion
        Without `by`.
    """
    ctes, cutting = _cut(asked)
    spans = " OR ".join(
        f"(b.day >= DATE '{period.start}' AND b.day < DATE '{period.end}')"
        for period in (asked.periods[place] for place in places)
    )
    named = f"""named AS (
    SELECT b.entity, b.account_id, CAST(COUNT(DISTINCT b.event_id) AS BIGINT) AS times,
           CAST(SUM(b.number) AS DOUBLE) AS amount
    FROM (SELECT DISTINCT event_id, entity, account_id, day, is_event, number
          FROM {cutting.name}) b
    WHERE b.is_event = 1 AND ({spans})
    GROUP BY b.entity, b.account_id
)"""
    return f"WITH {_joined((*ctes, *cutting.ctes, named))}\n" + listed_sql(
        asked.use, "named", ", b.times, b.amount", "times DESC, customer"
    )


def _joined(parts: Iterable[str]) -> str:
    return ",\n".join(parts)


def _measured(asked: TrendQuestion) -> tuple[str, str]:
    """SQL of numerator and denominator over rows of one period and segment."""
    def of(flag: str) -> str:
        if asked.measure == "count":
            return f"SUM({flag})"
        if asked.measure == "sum":
            return f"coalesce(SUM(CASE WHEN {flag} = 1 THEN number END), 0)"
        return f"COUNT(DISTINCT CASE WHEN {flag} = 1 THEN entity END)"

    ours = "CASE WHEN is_event = 1 THEN number END"
    if asked.measure == "mean":
        return f"SUM({ours})", f"COUNT({ours})"
    if asked.measure in ("least", "most"):
        return f"{'MIN' if asked.measure == 'least' else 'MAX'}({ours})", "NULL"
    if asked.measure == "percentile":
        # Linear between the two nearest, in whole hundredths of the distance.
        place = f"{asked.percent} * (size - 1)"
        low, part = f"CAST(floor(({place}) / 100) AS BIGINT)", f"(({place}) % 100)"
        value = "CAST(number AS DOUBLE)"
        return (
            f"SUM(CASE WHEN size = 0 THEN NULL WHEN rank = {low} + 1 "
            f"THEN {value} * (100 - {part}) / 100.0 WHEN rank = {low} + 2 AND {part} > 0 "
            f"THEN {value} * {part} / 100.0 END)"
        ), "NULL"
    return of("is_event"), of("is_over") if asked.over else "NULL"


def _places(asked: TrendQuestion) -> str:
    rows = [
        f"(DATE '{period.start + number * _ONE}', {place})"
        for place, period in enumerate(asked.periods)
        for number in range((period.end - period.start).days)
        if period.start + number * _ONE <= asked.use.as_of.last_day
    ]
    return f"SELECT * FROM (VALUES {', '.join(rows)}) AS v(day, place)"


def _cut(asked: TrendQuestion) -> tuple[list[str], Cut]:
    """Up to one row an event: event_id, entity, account_id, day, is_event, is_over, number."""
    use, (first, last) = asked.use, asked.days
    tests = [one.test(use.config) for one in asked.doings]
    over = f"CASE WHEN {tests[1]} THEN 1 ELSE 0 END" if asked.over else "0"
    number = "NULL"
    if asked.key:
        text = property_sql("e.properties", asked.key.removeprefix(PROPERTY))
        # Decimals add up to the same in any order, and what is no number is none.
        number = f"TRY_CAST({text} AS DECIMAL(18, 6))"
    acts = acts_sql(
        use, is_told=True, has_nobody=True, columns=(
            f"e.event_id, e.occurred_on AS day, CASE WHEN {tests[0]} THEN 1 ELSE 0 END "
            f"AS is_event, {over} AS is_over, CAST({number} AS DECIMAL(18, 6)) AS number"
        ),
        where=(
            f"({' OR '.join(tests)}) AND e.occurred_on >= DATE '{first}' "
            f"AND e.occurred_on <= DATE '{last}'"
        ),
    )
    columns = ("event_id", "entity", "account_id", "day", "is_event", "is_over", "number")
    cutting = cut(use.by_account(), "acts", columns, day="b.day", own=own_sql(use))
    return [f"acts AS ({acts})"], cutting
