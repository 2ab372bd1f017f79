"""Periods as people read them, and as addresses name them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache

from babel.dates import format_date, format_skeleton

from staycurve.interfaces.web.numbers import LOCALE
from staycurve.interfaces.web.texts import _
from staycurve.period import Period, month_index


@lru_cache(maxsize=5_000)
def _written(skeleton: str, day: dt.date) -> str:
    return str(format_skeleton(skeleton, dt.datetime.combine(day, dt.time()), locale=LOCALE))


def _fiscal(period: Period, fiscal_start: int) -> tuple[int, int]:
    """The year in which the fiscal year of a period begins, and its quarter."""
    year, month = divmod(month_index(period.start) - (fiscal_start - 1), 12)
    return year, month // 3 + 1


def day(on: dt.date) -> str:
    """Such as 29 Dec 2025."""
    return str(format_date(on, format="d MMM y", locale=LOCALE))


def label(period: Period, fiscal_start: int = 1) -> str:
    """Such as Dec 2025, Q4 2025, FY 2025 or 29 Dec 2025."""
    year, quarter = _fiscal(period, fiscal_start)
    prefix = _("FY") + " " if fiscal_start != 1 else ""
    if period.grain == "year":
        return f"{prefix}{year}"
    if period.grain == "quarter":
        return f"Q{quarter} {prefix}{year}"
    if period.grain == "month":
        return _written("yMMM", period.start)
    written = day(period.start)
    return _("week of %s") % written if period.grain == "week" else written


def name(period: Period, fiscal_start: int = 1) -> str:
    """As an address names it: 2025-12, 2025-Q4, 2025 or 2025-12-29."""
    return period.name(fiscal_start)


def axis(periods: Sequence[Period], room: int, fiscal_start: int = 1) -> dict[str, list[str]]:
    """First day → lines under an axis, thinned so that at most `room` stand side by side.

    The year stands under the first label and wherever it changes.
    """
    step = -(-len(periods) // max(room, 1))
    found: dict[str, list[str]] = {}
    shown = None
    # Counted from the end, so that the latest period has its label.
    for period in [p for i, p in enumerate(periods) if (len(periods) - 1 - i) % step == 0]:
        year, quarter = _fiscal(period, fiscal_start)
        if period.grain == "year":
            lines = [str(year)]
        elif period.grain == "quarter":
            lines = [f"Q{quarter}", "" if year == shown else str(year)]
        else:
            year = period.start.year
            lines = [
                _written("MMM" if period.grain == "month" else "MMMd", period.start),
                "" if year == shown else str(year),
            ]
        shown = year
        found[str(period.start)] = lines
    return found
