"""What insights that compare conventions have in common: their period, and one at a time.

Each answer takes an engine of its own and up to some seconds, so it is kept by snapshot.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Hashable
from typing import Annotated, TypeVar

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.base import Param
from staycurve.insights.books.ledgers import Ledgers, closed_period
from staycurve.insights.shared.reader import Reader
from staycurve.period import AsOf, Period

T = TypeVar("T")

ClosedPeriod = Annotated[
    str | None,
    Param(N_("Without it the last month that has closed."), metavar="P", examples="2024-06"),
]

_ONE = threading.Lock()


def period_named(company: Reader, text: str | None, seen: AsOf) -> Period:
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


def alone(company: Reader, make: Callable[[Ledgers], T]) -> T:
    """What `make` finds under other conventions; one is made at a time."""
    with _ONE, company.ledgers() as ledgers:
        return make(ledgers)


def kept(
    company: Reader, name: str, period: Period, seen: AsOf, make: Callable[[Ledgers], T],
    *chosen: Hashable,
) -> T:
    """What `make` finds of a period under other conventions, found once a snapshot.

    Parameters
    ----------
    name : str
        Of what is found.
    *chosen
        What else it hangs on.
    """
    # Data of today has an as-of that moves with the clock: an answer is kept for a minute, that
    # of a period which has closed for the day.
    at: dt.datetime | dt.date = seen.at.replace(second=0, microsecond=0)
    if not seen.is_open(period):
        at = seen.last_day
    return company.kept(name, (at, period, *chosen), lambda: alone(company, make))
