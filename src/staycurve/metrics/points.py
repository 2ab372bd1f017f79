"""Points: the days at which a statement looks, as rows that it joins to what stands or moves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from staycurve.metrics.context import Context
from staycurve.period import month_index, month_start, periods_between

Point = tuple[dt.date, dt.date, dt.date, dt.date]
"""(start_on, month_on, open_on, close_on); start_on is the asked period's."""

_DAY = dt.timedelta(days=1)


def listed_sql(points: Sequence[Point]) -> str:
    """Rows of (start_on, month_on, open_on, close_on); start_on is the asked period's."""
    rows = ", ".join(
        f"(DATE '{start}', DATE '{month}', DATE '{opened}', DATE '{closed}')"
        for start, month, opened, closed in points
    )
    return f"SELECT * FROM (VALUES {rows}) AS v(start_on, month_on, open_on, close_on)"


def points_sql(context: Context) -> str:
    """SQL of the context's own periods."""
    return listed_sql(period_points(context))


def period_points(context: Context) -> list[Point]:
    """The periods themselves."""
    return [(p.start, p.start, p.start - _DAY, context.close_on(p)) for p in context.periods]


def month_points(context: Context) -> list[Point]:
    """The closed months of each period."""
    points = []
    for period in context.periods:
        for month in periods_between(period.start, period.end - _DAY, "month"):
            if not context.as_of.is_open(month):
                closes = context.close_on(month)
                points.append((period.start, month.start, month.start - _DAY, closes))
    return points or [_nothing(context)]


def year_points(context: Context) -> list[Point]:
    """From twelve months before each period's end to its close."""
    points = []
    for period in context.periods:
        index = month_index(period.end) - 12
        start = month_start(index)
        last = month_start(index + 1) - _DAY
        opened = min(start + dt.timedelta(days=period.end.day - 1), last) - _DAY
        points.append((period.start, period.start, opened, context.close_on(period)))
    return points


def rolling_points(context: Context) -> list[Point]:
    """From 30 days before each period's close to it."""
    return [
        (p.start, p.start, context.close_on(p) - dt.timedelta(days=30), context.close_on(p))
        for p in context.periods
    ]


def month_rolling_points(context: Context) -> list[Point]:
    """From 30 days before the close of each closed month to it."""
    return [
        (start, month, closed - dt.timedelta(days=30) if closed.year > 1 else opened, closed)
        for start, month, opened, closed in month_points(context)
    ]


def _nothing(context: Context) -> Point:
    """A point at which no item can stand."""
    start = context.periods[0].start
    return start, start, dt.date(1, 1, 1), dt.date(1, 1, 1)


POINTS: Mapping[str, Callable[[Context], list[Point]]] = {
    "periods": period_points, "months": month_points, "years": year_points,
    "rolling": rolling_points, "month_rolling": month_rolling_points,
}
"""The relations of points that others read, by name."""
