"""Windows of days: a month, a quarter, a year or 28 days, and their bits in the month tables."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import Hidden, Key, Row
from staycurve.period import AsOf, Period, month_index, month_start, parse_period, period_of

TRAILING = "28d"
"""Asks for the 28 local days before the first that is not seen whole."""

TRAILING_DAYS = 28
"""Four weeks: each weekday counts as often as every other."""

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Window(Row):
    """Local days `[start, end)`.

    Attributes
    ----------
    name : str
        What asks for it again: 2024-05, 2024-Q2, 2024 or 28d.
    grain : str
        month, quarter, year, …, or 28d.
    is_open : bool
        Whether it ends after what is seen; then it is to date.
    last_seen : date
        The last of its days of which anything is seen.
    """

    name: Annotated[str, Key(N_("What asks for it again: 2024-05, 2024-Q2, 2024 or 28d."))]
    grain: Annotated[str, Key(N_("month, quarter, year, or 28d."))]
    start: Annotated[dt.date, Key(N_("The first day."))]
    end: Annotated[dt.date, Key(N_("The day after the last."))]
    is_open: Annotated[bool, Key(N_("Whether it ends after what is seen."), name="open")]
    last_seen: Annotated[dt.date, Hidden()]

    @property
    def close(self) -> dt.date:
        """The last day."""
        return self.end - _DAY

    @property
    def is_one_month(self) -> bool:
        """Whether a row of a month table holds exactly this."""
        return self.grain == "month" and not self.is_open

    def days_sql(self, day: str) -> str:
        """SQL that is true for a day that lies in it and is seen."""
        return f"{day} >= DATE '{self.start}' AND {day} <= DATE '{self.last_seen}'"


def window_of(text: str | None, seen: AsOf, fiscal_start: int = 1) -> Window:
    """The window that `text` names; without it the last month that has closed.

    Parameters
    ----------
    text : str, optional
        2024, 2024-Q2, 2024-05, 2024-05-31, or 28d.

    Raises
    ------
    UsageError
        If it is none, or begins after what is seen.
    """
    if text == TRAILING:
        end = seen.last_day + _DAY if seen.is_whole else seen.last_day
        return trailing(end, seen)
    if text is None:
        month = period_of(seen.last_day, "month")
        return _named(month.previous() if seen.is_open(month) else month, seen)
    period = parse_period(text, fiscal_start)
    if period.start > seen.last_day:
        raise UsageError(
            f"{text} begins after {seen.last_day}, the last day with data.",
            hint="Choose an earlier period.",
        )
    return replace(_named(period, seen), name=text)


def trailing(end: dt.date, seen: AsOf) -> Window:
    """The 28 days before `end`."""
    start = end - dt.timedelta(days=TRAILING_DAYS)
    return Window(TRAILING, TRAILING, start, end, False, min(end - _DAY, seen.last_day))


def earlier(window: Window, seen: AsOf, fiscal_start: int = 1) -> Window:
    """The window of the same kind right before."""
    if window.grain == TRAILING:
        return trailing(window.start, seen)
    before = Period(window.grain, window.start, window.end).previous(fiscal_start)
    return _named(before, seen)


def three_months_before(window: Window, seen: AsOf) -> Window | None:
    """The month, or the 28 days (12 weeks), three months before; None for longer windows."""
    if window.grain == TRAILING:
        return trailing(window.end - 3 * dt.timedelta(days=TRAILING_DAYS), seen)
    if window.grain != "month":
        return None
    return _named(period_of(month_start(month_index(window.start) - 3), "month"), seen)


def months_back(day: dt.date, months: int) -> dt.date:
    """The day some months before; the last of its month where it is the last of its own.

    So a month's close looks back to a month's close.
    """
    first = month_start(month_index(day) - months)
    last = month_start(month_index(first) + 1) - _DAY
    is_last = (day + _DAY).day == 1
    return last if is_last else first.replace(day=min(day.day, last.day))


def days_between_sql(start: dt.date, end: dt.date, *, bits: str, month: str) -> str:
    """SQL that is true for a row of a month table with a day in `[start, end)`.

    Parameters
    ----------
    bits, month : str
        SQL of the row's days and of the month's first day.
    """
    tests = [
        f"({month} = DATE '{first}' AND ({bits} & {mask}) <> 0)"
        for first, mask in masks(start, end)
    ]
    return f"({' OR '.join(tests)})"


def months_sql(start: dt.date, end: dt.date) -> str:
    """The months that `[start, end)` touches, as SQL for IN."""
    return ", ".join(f"DATE '{first}'" for first, _ in masks(start, end))


def masks(start: dt.date, end: dt.date) -> list[tuple[dt.date, int]]:
    """Each month that `[start, end)` touches, with the bits of its days there."""
    found = []
    for index in range(month_index(start), month_index(end - _DAY) + 1):
        first, after = month_start(index), month_start(index + 1)
        low, high = max(start, first), min(end, after)
        size = (high - low).days
        found.append((first, ((1 << size) - 1) << (low - first).days))
    return found


def _named(period: Period, seen: AsOf) -> Window:
    name = {
        "day": str(period.start),
        "week": str(period.start),
        "month": f"{period.start:%Y-%m}",
        "quarter": f"{period.start:%Y}-Q{(period.start.month + 2) // 3}",
        "year": f"{period.start:%Y}",
    }[period.grain]
    close = period.end - _DAY
    return Window(
        name, period.grain, period.start, period.end, seen.is_open(period),
        min(close, seen.last_day),
    )
