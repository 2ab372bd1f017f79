"""Ranges: the periods that `--from` and `--to` name, or the last few that are seen."""

from __future__ import annotations

from staycurve.company import Company
from staycurve.errors import NotAnsweredError
from staycurve.insights.shared.asked import Asked
from staycurve.period import (
    AsOf,
    Period,
    align,
    check_count,
    is_after_all,
    period_of,
    periods_between,
)

SHOWN = 12
"""Periods without a range: a year of months, and as many of any other grain."""


def ends_of(
    seen: AsOf, grain: str, start: str | None, end: str | None, *, shown: int, company: Company
) -> tuple[Period, Period]:
    """The first and the last period of a range, of which none begins after the as-of.

    Parameters
    ----------
    shown : int
        How many periods there are without `start`.
    company : Company
        [company] of the configuration: when years and weeks begin.
    """
    fiscal, week = company.fiscal_year_start, company.week_start
    last = period_of(seen.last_day, grain, fiscal, week_start=week)
    if end and not is_after_all(end):
        named = align(end, grain, is_last=True, fiscal_start=fiscal, week_start=week)
        last = min(last, named, key=lambda period: period.start)
    if start:
        first = align(start, grain, is_last=False, fiscal_start=fiscal, week_start=week)
        return first, last
    first = last
    for _ in range(shown - 1):
        first = first.previous(fiscal)
    return first, last


def periods_of(
    seen: AsOf, grain: str, start: str | None, end: str | None, *, shown: int, company: Company
) -> list[Period]:
    """The periods of a range; see `ends_of`.

    Raises
    ------
    NotAnsweredError
        If there are none.
    """
    first, last = ends_of(seen, grain, start, end, shown=shown, company=company)
    found = list(periods_between(
        first.start, last.start, grain, company.fiscal_year_start, week_start=company.week_start
    ))
    check_count(len(found), grain)
    if not found:
        raise NotAnsweredError(
            f"The range from {first.start} to {last.start} is empty.",
            hint="--from must not lie after --to (or after the as-of).",
        )
    return found


def range_of(asked: Asked, grain: str, start: str | None, end: str | None) -> list[Period]:
    """The periods of a range, or the last `SHOWN`."""
    return periods_of(asked.as_of, grain, start, end, shown=SHOWN, company=asked.config.company)
