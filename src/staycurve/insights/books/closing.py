"""Closing a month: what it keeps, and how it differs from what the month is now.

A month is asked again with the as-of of its closing, so that a difference comes from rows or
conventions, never from the time that has passed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from staycurve.config import Config
from staycurve.errors import NotAnsweredError
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import Query
from staycurve.metrics.result import AccountRows, Result
from staycurve.money import MICRO
from staycurve.period import AsOf, Period, as_of, parse_period, period_of
from staycurve.tables import books
from staycurve.tables.books import ClosedMonth
from staycurve.tables.engine import AnyEngine
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import Snapshot

MOVED = (
    "mrr", "opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr",
    "churned_mrr", "voluntary_churned_mrr", "involuntary_churned_mrr", "paused_churned_mrr",
    "unknown_churned_mrr", "fx_impact",
)
"""Of these a closed month keeps every account's value."""


class Answering(Protocol):
    """What can be asked of a company."""

    config: Config
    lake: Lake

    @property
    def snapshot(self) -> Snapshot:
        """What readers see now."""

    def reading(self) -> AbstractContextManager[AnyEngine]:
        """The engine for one reader at a time."""

    def answer(self, query: Query) -> Result:
        """The Result of a query."""

    def account_rows(self, query: Query) -> AccountRows:
        """The rows behind a query of one metric and one period."""


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


def figures(company: Answering, period: Period, seen: AsOf) -> dict[str, float | None]:
    """Every metric's value in a month."""
    names = tuple(name for name, metric in METRICS.items() if period.grain in metric.grains)
    rows = company.answer(Query(names, period.grain, (period,), seen)).rows
    return {row["metric"]: row["value"] for row in rows}


def account_figures(
    company: Answering, period: Period, seen: AsOf
) -> dict[tuple[str, str], int]:
    """(metric, account) → micro-units, for MRR at the close and the month's movements."""
    return {
        (name, row["account_id"]): round(row["value"] * MICRO)
        for name in MOVED
        for row in company.account_rows(Query((name,), period.grain, (period,), seen)).rows
    }


def restated(company: Answering, closed: ClosedMonth) -> dict[str, Any] | None:
    """How a closed month differs from what it is now; None when it does not.

    Returns
    -------
    dict
        month, closed_at, as_of; `figures`: metric, closed, now; `accounts`: account_id, `changes`
        (metric → closed, now, difference) and `causes`; `conventions` that changed since.
    """
    seen = as_of(dt.datetime.fromisoformat(closed.as_of), company.config.company.zone)
    period = period_of(closed.month, "month")
    with company.reading() as engine:
        was = books.closed_figures(company.lake, company.snapshot, engine, closed.month)
        had = books.closed_accounts(company.lake, company.snapshot, engine, closed.month)
    now, have = figures(company, period, seen), account_figures(company, period, seen)
    moved: dict[str, dict[str, Mapping[str, float]]] = {}
    for metric, account in sorted({*had, *have}, key=lambda key: (key[1], MOVED.index(key[0]))):
        then, since = had.get((metric, account), 0), have.get((metric, account), 0)
        if then != since:
            moved.setdefault(account, {})[metric] = {
                "closed": then / MICRO, "now": since / MICRO, "difference": (since - then) / MICRO,
            }
    changed = [
        {"metric": metric, "closed": was[metric], "now": value}
        for metric, value in now.items()
        if metric in was and was[metric] != value
    ]
    if not (moved or changed):
        return None
    causes: Mapping[str, Sequence[books.Cause]] = {}
    if moved:
        with company.reading() as engine:
            causes = books.causes(
                company.lake, engine, closed, company.snapshot, config=company.config
            )
    conventions = books.changed_conventions(
        closed.conventions, books.conventions_of(company.config)
    )
    return {
        "month": f"{closed.month:%Y-%m}",
        "closed_at": closed.closed_at,
        "as_of": closed.as_of,
        "conventions": list(conventions),
        "figures": changed,
        "accounts": [
            {
                "account_id": account,
                "changes": changes,
                "causes": [cause.as_dict() for cause in causes.get(account, ())],
            }
            for account, changes in moved.items()
        ],
    }
