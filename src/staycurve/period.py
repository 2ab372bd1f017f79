"""Days, weeks, months, quarters and years as the company counts them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from staycurve.errors import UnknownNameError, UsageError

GRAINS = ("day", "week", "month", "quarter", "year")
WEEK_STARTS = ("monday", "sunday")
"""The days on which a company's weeks may begin."""
UTC = dt.UTC
FIRST_YEAR, LAST_YEAR = 1900, 2199
"""Days outside these years are slips of the pen; no table takes them."""
MOST_PERIODS = 5_000
"""In one answer: thirteen years by day. Nobody reads more, and each costs time."""


def month_index(day: dt.date) -> int:
    """year × 12 + month − 1."""
    return day.year * 12 + day.month - 1


def month_start(index: int) -> dt.date:
    """First day of the month with this index."""
    return dt.date(index // 12, index % 12 + 1, 1)


def check_grain(grain: str) -> str:
    """`grain` if it is one of GRAINS, else an error with the nearest."""
    if grain not in GRAINS:
        raise UnknownNameError("grain", grain, GRAINS)
    return grain


_WEEK = dt.timedelta(days=7)


COMPARISONS = ("previous", "year")
"""With what a period is compared: the one before it, or the same a year earlier."""
A_YEAR = {"day": 364, "week": 52, "month": 12, "quarter": 4, "year": 1}
"""Periods in a year; of days as many as bring the same day of the week."""


@dataclass(frozen=True)
class Period:
    """One local period `[start, end)` at a grain."""

    grain: str
    start: dt.date
    end: dt.date

    def name(self, fiscal_start: int = 1) -> str:
        """As questions name it: 2025-12, 2025-Q4, 2025 or 2025-12-29."""
        year, month = divmod(month_index(self.start) - (fiscal_start - 1), 12)
        if self.grain == "year":
            return str(year)
        if self.grain == "quarter":
            return f"{year}-Q{month // 3 + 1}"
        return f"{self.start:%Y-%m}" if self.grain == "month" else str(self.start)

    def next(self, fiscal_start: int = 1) -> Period:
        """The period that begins where this one ends."""
        if self.grain == "week":
            return Period("week", self.end, self.end + _WEEK)
        return period_of(self.end, self.grain, fiscal_start)

    def previous(self, fiscal_start: int = 1) -> Period:
        """The period that ends where this one begins."""
        if self.grain == "week":
            return Period("week", self.start - _WEEK, self.start)
        return period_of(self.start - dt.timedelta(days=1), self.grain, fiscal_start)

    def before(self, compare: str, fiscal_start: int = 1) -> Period:
        """The period that this one is compared with: one of COMPARISONS."""
        found = self
        for _step in range(A_YEAR[self.grain] if compare == "year" else 1):
            found = found.previous(fiscal_start)
        return found


def period_of(
    day: dt.date, grain: str, fiscal_start: int = 1, *, week_start: str = "monday"
) -> Period:
    """The period of `grain` that contains `day`.

    Parameters
    ----------
    day : date
        A local day.
    grain : str
        One of GRAINS.
    fiscal_start : int
        The month, 1 to 12, in which the fiscal year begins; it moves quarters and years.
    week_start : str
        One of WEEK_STARTS: the day on which weeks begin.
    """
    if grain == "day":
        return Period(grain, day, day + dt.timedelta(days=1))
    if grain == "week":
        passed = day.weekday() if week_start == "monday" else day.isoweekday() % 7
        start = day - dt.timedelta(days=passed)
        return Period(grain, start, start + _WEEK)
    months = {"month": 1, "quarter": 3, "year": 12}[check_grain(grain)]
    shift = fiscal_start - 1
    first = (month_index(day) - shift) // months * months + shift
    return Period(grain, month_start(first), month_start(first + months))


def periods_between(
    first: dt.date, last: dt.date, grain: str, fiscal_start: int = 1, *,
    week_start: str = "monday",
) -> list[Period]:
    """Every period from the one that holds `first` to the one that holds `last`."""
    found = []
    period = period_of(first, grain, fiscal_start, week_start=week_start)
    while period.start <= last:
        found.append(period)
        period = period.next(fiscal_start)
    return found


_PATTERNS = (
    ("year", re.compile(r"(\d{4})")),
    ("quarter", re.compile(r"(\d{4})-?[Qq]([1-4])")),
    ("month", re.compile(r"(\d{4})-(\d{2})")),
    ("day", re.compile(r"(\d{4})-(\d{2})-(\d{2})")),
)


_PERIOD_HINT = "Write 2024, 2024-Q1, 2024-01 or 2024-01-31."
_INSTANT_HINT = "Write ISO 8601, such as 2024-03-01 or 2024-03-01T12:00:00Z."


def _check_year(year: int, text: str, hint: str) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise UsageError(
            f"'{text}' lies outside the years {FIRST_YEAR} to {LAST_YEAR}.", hint=hint
        )


def parse_period(text: str, fiscal_start: int = 1) -> Period:
    """The period that `text` names: 2024, 2024-Q1, 2024-01 or 2024-01-31.

    With a fiscal year, 2024 and 2024-Q1 are the fiscal ones that begin in calendar year 2024.
    """
    for grain, pattern in _PATTERNS:
        found = pattern.fullmatch(text.strip())
        if not found:
            continue
        parts = [int(part) for part in found.groups()]
        _check_year(parts[0], text, _PERIOD_HINT)
        try:
            if grain == "year":
                return period_of(dt.date(parts[0], fiscal_start, 1), grain, fiscal_start)
            if grain == "quarter":
                first = parts[0] * 12 + fiscal_start - 1 + 3 * (parts[1] - 1)
                return period_of(month_start(first), grain, fiscal_start)
            return period_of(dt.date(*parts, *([1] if grain == "month" else [])), grain)
        except ValueError:
            break
    raise UsageError(
        f"'{text}' is not a period.", hint=_PERIOD_HINT
    )


def align(
    text: str, grain: str, *, is_last: bool, fiscal_start: int = 1, week_start: str = "monday"
) -> Period:
    """The period of `grain` that `text` means as the first or the last of a range.

    A finer text means the period that contains it; a coarser one its first or last.
    """
    named = parse_period(text, fiscal_start)
    day = named.end - dt.timedelta(days=1) if is_last else named.start
    return period_of(day, check_grain(grain), fiscal_start, week_start=week_start)


def _year_of(text: str | None) -> int | None:
    """The year that a period's text begins with."""
    found = re.match(r"\s*([0-9]{4})", text or "")
    return int(found[1]) if found else None


def is_before_all(text: str | None) -> bool:
    """Whether a range's first period is so early that it means: from the beginning."""
    year = _year_of(text)
    return year is not None and year < FIRST_YEAR


def is_after_all(text: str | None) -> bool:
    """Whether a range's last period is so late that it means: to the end."""
    year = _year_of(text)
    return year is not None and year > LAST_YEAR


def check_count(count: int, grain: str) -> None:
    """Raise for more periods than one answer holds.

    Raises
    ------
    UsageError
        Naming the next coarser grain.
    """
    if count > MOST_PERIODS:
        coarser = GRAINS[min(GRAINS.index(check_grain(grain)) + 1, len(GRAINS) - 1)]
        raise UsageError(
            f"{count:,} periods are more than the {MOST_PERIODS:,} that one answer holds.",
            hint=f"Ask by {coarser} (--grain {coarser}), or for a shorter range.",
            parameter="from",
        )


def parse_instant(text: str, zone: ZoneInfo) -> dt.datetime:
    """The UTC instant that `text` names; without an offset it is local, a date its first moment."""
    try:
        instant = dt.datetime.fromisoformat(text.strip())
        _check_year(instant.year, text, _INSTANT_HINT)
    except ValueError:
        raise UsageError(
            f"'{text}' is not an instant.",
            hint=_INSTANT_HINT,
        ) from None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=zone)
    return instant.astimezone(UTC)


def local_day(instant: dt.datetime, zone: ZoneInfo) -> dt.date:
    """The local date of an instant."""
    return instant.astimezone(zone).date()


def day_start(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The UTC instant at which a local day begins."""
    return dt.datetime.combine(day, dt.time(), zone).astimezone(UTC)


@dataclass(frozen=True)
class AsOf:
    """The instant up to which facts are seen, and what it means in local days.

    Attributes
    ----------
    at : datetime
        UTC.
    last_day : date
        The last local day of which anything is seen.
    is_whole : bool
        Whether `last_day` is seen to its end.
    """

    at: dt.datetime
    last_day: dt.date
    is_whole: bool

    def is_open(self, period: Period) -> bool:
        """Whether the period ends after what is seen."""
        seen_to = self.last_day + dt.timedelta(days=1) if self.is_whole else self.last_day
        return period.end > seen_to


def as_of_latest(latest: str | None, now: dt.datetime, zone: ZoneInfo) -> AsOf:
    """The as-of of a question without one: the end of the last observed local day, or now.

    Parameters
    ----------
    latest : str, optional
        The latest instant that was observed, in ISO 8601.
    """
    if latest is None:
        return as_of(now, zone)
    day = local_day(min(dt.datetime.fromisoformat(latest), now), zone)
    return as_of(min(day_start(day + dt.timedelta(days=1), zone), now), zone)


def as_of(instant: dt.datetime, zone: ZoneInfo) -> AsOf:
    """The as-of of an instant; midnight belongs to the day before."""
    day = local_day(instant, zone)
    if day_start(day, zone) == instant:
        return AsOf(instant, day - dt.timedelta(days=1), True)
    return AsOf(instant, day, False)
