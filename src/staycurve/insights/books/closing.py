"""Closing a month: what it keeps, and how it differs from what the month is now.

A month is asked again with the as-of of its closing, so that a difference comes from rows or
conventions, never from the time that has passed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from staycurve.errors import NotAnsweredError
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import Query
from staycurve.money import MICRO
from staycurve.period import AsOf, Period, parse_period
from staycurve.tables import books
from staycurve.tables.books import ClosedMonth

MOVED = (
    "mrr", "opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr",
    "churned_mrr", "voluntary_churned_mrr", "involuntary_churned_mrr", "paused_churned_mrr",
    "unknown_churned_mrr", "fx_impact",
)
"""Of these a closed month keeps every account's value."""


def closed_months(company: Reader) -> list[ClosedMonth]:
    """Every closed month, the earliest first."""
    with company.reading() as engine:
        return books.closed_months(company.lake, company.snapshot, engine)


def month_named(text: str) -> Period:
    """The month that `text` names."""
    period = parse_period(text)
    if period.grain != "month":
        raise NotAnsweredError(f"'{text}' is not a month.", hint="Write: staycurve close 2024-12")
    return period


def check(
    period: Period, seen: AsOf, before: Sequence[ClosedMonth], first_day: dt.date | None
) -> None:
    """Refuse a month that is open, closed already, out of order, or without data."""
    named = f"{period.start:%Y-%m}"
    if first_day is None or first_day >= period.end:
        raise NotAnsweredError(
            f"{named} cannot be closed: no subscription had begun by its end.",
            hint="Load the data first: staycurve load FILE",
        )
    if any(closed.month == period.start for closed in before):
        raise NotAnsweredError(
            f"{named} is closed already.", hint="What changed since: staycurve restatements"
        )
    if before and period.start != before[-1].end:
        following = f"{before[-1].end:%Y-%m}"
        raise NotAnsweredError(
            f"{named} is not the next month to close: that is {following}.",
            hint=f"Months close in order: staycurve close {following}",
        )
    if seen.is_open(period):
        raise NotAnsweredError(
            f"{named} is still open as of {seen.at.isoformat()}.",
            hint="Load what came after it, or state the instant: --as-of INSTANT",
        )


def figures(company: Reader, period: Period, seen: AsOf) -> dict[str, float | None]:
    """Every metric's value in a month."""
    names = tuple(name for name, metric in METRICS.items() if period.grain in metric.grains)
    rows = company.answer(Query(names, period.grain, (period,), seen)).rows
    return {row["metric"]: row["value"] for row in rows}


def account_figures(
    company: Reader, period: Period, seen: AsOf
) -> dict[tuple[str, str], int]:
    """(metric, account) → micro-units, for MRR at the close and the month's movements."""
    return {
        (name, row["account_id"]): round(row["value"] * MICRO)
        for name in MOVED
        for row in company.account_rows(Query((name,), period.grain, (period,), seen)).rows
    }
