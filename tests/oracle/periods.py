"""Local days, instants and the periods that a number can be asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Period:
    """A half-open stretch of local days, `[start, end)`, at one grain."""

    grain: str
    start: date
    end: date

    def months(self) -> list[Period]:
        """The calendar months inside a month, quarter or year, in order."""
        first, found = self.start, []
        while first < self.end:
            found.append(containing(first, "month"))
            first = found[-1].end
        return found


def add_months(day: date, count: int) -> date:
    """The same day `count` months later; the month's last day where there is no such day."""
    index = day.year * 12 + day.month - 1 + count
    for number in range(day.day, 27, -1):
        try:
            return date(index // 12, index % 12 + 1, number)
        except ValueError:
            continue
    return date(index // 12, index % 12 + 1, day.day)


def containing(day: date, grain: str, fiscal_year_start: int = 1) -> Period:
    """The period of `grain` that holds `day`; quarters and years follow the fiscal year."""
    if grain == "day":
        return Period(grain, day, day + ONE_DAY)
    if grain == "week":
        monday = day - timedelta(days=day.weekday())
        return Period(grain, monday, monday + timedelta(days=7))
    size = MONTHS[grain]
    offset = fiscal_year_start - 1
    index = day.year * 12 + day.month - 1 - offset
    first = index - index % size + offset
    start = date(first // 12, first % 12 + 1, 1)
    return Period(grain, start, add_months(start, size))


def named(name: str | date, grain: str, fiscal_year_start: int = 1) -> Period:
    """The period called 2024, 2024-Q1, 2024-01 or 2024-01-31, widened or narrowed to `grain`.

    A fiscal year carries the calendar year in which it starts.
    """
    if isinstance(name, date):
        return containing(name, grain, fiscal_year_start)
    if match := re.fullmatch(r"(\d{4})(?:-Q([1-4]))?", name):
        year, quarter = int(match[1]), int(match[2] or 1)
        day = add_months(date(year, fiscal_year_start, 1), 3 * (quarter - 1))
    elif re.fullmatch(r"\d{4}-\d{2}", name):
        day = date.fromisoformat(name + "-01")
    else:
        day = date.fromisoformat(name)
    return containing(day, grain, fiscal_year_start)


@cache
def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which a local day begins."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The local date of an instant."""
    return instant.astimezone(zone).date()


def instant(value: str | date | datetime, zone: ZoneInfo) -> datetime:
    """An ISO 8601 text as an instant in UTC.

    A date alone is the start of that local day; a time without an offset is local.
    """
    if isinstance(value, str):
        value = value.strip()
        value = (
            date.fromisoformat(value)
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)
            else datetime.fromisoformat(value)
        )
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    return day_start(value, zone)
