"""The time the example company lives in: fixed, so that no result depends on today.

Every instant is a count of seconds since 1970-01-01 UTC (int). The history begins and ends at
midnight in New York, the company's timezone.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Final

DAY: Final = 86_400
START: Final = int(datetime(2022, 1, 1, 5, tzinfo=UTC).timestamp())
END: Final = int(datetime(2026, 1, 1, 5, tzinfo=UTC).timestamp())
MONTHS: Final = 48
DAYS: Final = (END - START) // DAY

_MONTHS = [(year, month) for year in range(2021, 2034) for month in range(1, 13)]
_FIRSTS = [int(datetime(y, m, 1, tzinfo=UTC).timestamp()) for y, m in _MONTHS]
_LENGTHS = [monthrange(y, m)[1] for y, m in _MONTHS]


def instant(year: int, month: int, day: int = 1) -> int:
    """The second at which a New York winter day begins."""
    return int(datetime(year, month, day, 5, tzinfo=UTC).timestamp())


def shift_months(at: int, count: int) -> int:
    """The same day and time of day `count` months on; the last day where the month is shorter."""
    here = bisect_right(_FIRSTS, at) - 1
    day, second = divmod(at - _FIRSTS[here], DAY)
    there = here + count
    return _FIRSTS[there] + min(day, _LENGTHS[there] - 1) * DAY + second


def month_of(at: int) -> int:
    """Months since January 2022 (UTC calendar)."""
    return bisect_right(_FIRSTS, at) - 13


def month_first(month: int) -> date:
    """The first day of the month that lies `month` months after January 2022."""
    year, index = divmod(month, 12)
    return date(2022 + year, index + 1, 1)


def month_start(month: int) -> int:
    """The second at which month `month` after January 2022 begins (UTC)."""
    return _FIRSTS[month + 12]


def day_of(index: int) -> date:
    """The local day that lies `index` days after 2022-01-01."""
    return date(2022, 1, 1) + timedelta(days=index)
