"""One number under two definitions, for the pages and the HTTP interface; kept by snapshot.

Each answer takes an engine of its own and up to some seconds, so one is made at a time.
"""

from __future__ import annotations

import datetime as dt
import io
import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from staycurve.errors import UsageError
from staycurve.insights.books import figures
from staycurve.insights.books.figures import Explained
from staycurve.insights.books.ledgers import closed_period
from staycurve.insights.books.reconcile import Reconciliation, reconcile
from staycurve.insights.books.switches import HEADLINES, Effect, effects_of
from staycurve.interfaces.web.cache import Cache
from staycurve.metrics.query import Query
from staycurve.period import AsOf, Period
from staycurve.workspace import Company, asking

FIGURES = 240
"""Figures of another tool that one request may lay beside ours: ten years of two metrics."""

T = TypeVar("T")

_COMPARED: Cache[Reconciliation] = Cache(16)
_EFFECTS: Cache[list[Effect]] = Cache(16)
_ONE = threading.Lock()


def period_named(company: Company, text: str, seen: AsOf) -> Period:
    """The period that `text` names; without one, the last month that has closed.

    Raises
    ------
    UsageError
        If it begins after what is seen.
    """
    period = closed_period(text or None, seen, company.config.company.fiscal_year_start)
    if period.start > seen.last_day:
        raise UsageError(
            f"{text} begins after {seen.last_day}, the last day with data.",
            hint="Choose an earlier period.",
        )
    return period


def compared(
    company: Company, against: str, *, metric: str, period: Period, seen: AsOf
) -> Reconciliation:
    """How one number differs under another tool's profile; see `insights.books.reconcile`."""

    def make() -> Reconciliation:
        with company.ledgers() as ledgers:
            return reconcile(ledgers, Query((metric,), period.grain, (period,), seen), against)

    return _kept(_COMPARED, company, seen, (against, metric, period), make)


def effects(company: Company, *, period: Period, seen: AsOf) -> list[Effect]:
    """What every switch would do to every headline figure of a period."""

    def make() -> list[Effect]:
        with company.ledgers() as ledgers:
            return effects_of(ledgers, Query(HEADLINES, period.grain, (period,), seen))

    return _kept(_EFFECTS, company, seen, (period,), make)


def explained(company: Company, text: str, *, against: str | None, seen: AsOf) -> list[Explained]:
    """Figures of another tool, as CSV text, each with what explains its difference best.

    Raises
    ------
    UsageError
        Naming the lines that are not figures; or if there are more than FIGURES.
    """
    given = figures.figures_in(io.StringIO(text, newline=""), "figures.csv", seen)
    if len(given) > FIGURES:
        raise UsageError(
            f"These are {len(given)} figures; at most {FIGURES} are compared at once.",
            hint="Send some of them, or run: staycurve reconcile --figures FILE",
        )
    with asking.holding(_ONE), company.ledgers() as ledgers:
        return figures.explain(ledgers, given, seen, against)


def as_rows(company: Company, seen: AsOf, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The object that `reconcile --format json` prints around rows."""
    return {
        "as_of": seen.at.isoformat(), "currency": company.config.company.currency, "rows": rows,
    }


def _kept(
    cache: Cache[T], company: Company, seen: AsOf, asked: tuple[Hashable, ...],
    make: Callable[[], T],
) -> T:
    def make_alone() -> T:
        with asking.holding(_ONE):
            return make()

    # Data of today has an as-of that moves with the clock: an answer is kept for a minute, that
    # of a period which has closed for the day.
    is_closed = not any(seen.is_open(one) for one in asked if isinstance(one, Period))
    at: dt.datetime | dt.date = seen.at.replace(second=0, microsecond=0)
    if is_closed:
        at = seen.last_day
    own = (company.folder, company.snapshot.seq, company.config.ledger_hash, at)
    return cache.get((*own, *asked), make_alone)
