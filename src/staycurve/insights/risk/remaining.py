"""Expected lifetime: how many of the months to come an account is expected to stay.

The area under a curve of survival, up to a horizon that is stated (a restricted mean). Its first
three months are what the models of churn within 30 and 90 days say of the account itself; from
there on it is the Kaplan-Meier curve of all accounts, from the account's own subscription month.
Nothing is extended beyond what was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from staycurve.i18n import N_
from staycurve.insights.shared.asking import question_of
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.lifetimes import LifeMonth, life_table
from staycurve.insights.value.lives import lives_of, statement
from staycurve.period import AsOf
from staycurve.tables.engine import AnyEngine

if TYPE_CHECKING:
    import numpy as np

AHEAD = 24
"""Months that are looked ahead, at most: two years, in which a contract of a year renews twice. A
longer time rests on fewer accounts, and one without an end can have an infinite mean."""
LEAST_AT_RISK = 10
"""Accounts that must have been followed into a month for it to count. Few more give a wide
interval, which says so; fewer give one that hangs on a single account."""
MODELLED = 3
"""Months that the models speak for: 90 days."""
Z = 1.959963984540054

BEFORE = N_("it churned before and came back; lives are followed until the first churn")
UNFOLLOWED = N_("fewer than {least} accounts were followed for longer than it has paid")
OTHER_HORIZON = N_("an expected lifetime rests on the models of churn within 30 and 90 days")


@dataclass(frozen=True)
class Ahead:
    """Expected months to come, one row an account; NaN where they are not known.

    Attributes
    ----------
    months, low, high : array, shape (n,)
        The mean and its 95% interval: of the mean of such accounts, not of one life.
    upto : array of int, shape (n,)
        The months that were counted; 0 where nothing is known.
    """

    months: np.ndarray
    low: np.ndarray
    high: np.ndarray
    upto: np.ndarray


def months_of(company: Reader, engine: AnyEngine, seen: AsOf) -> tuple[LifeMonth, ...]:
    """The life table of all accounts, as far as enough were at risk."""
    asked = question_of(company, "", "", seen.at.isoformat())

    def find() -> tuple[LifeMonth, ...]:
        lives = lives_of(asked, engine.rows(statement(asked)))
        return followed(life_table(lives[()]).months) if lives else ()

    return company.kept("risk lives", seen.at, find, most=4)


def followed(months: Sequence[LifeMonth]) -> tuple[LifeMonth, ...]:
    """The first months of a life table, up to where fewer than LEAST_AT_RISK are left."""
    found = []
    for month in months:
        if month.at_risk < LEAST_AT_RISK:
            break
        found.append(month)
    return tuple(found)


def ages(first: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Whole months paid, from the first paid day to a day; the 31st turns on a month's last day.

    Parameters
    ----------
    first, day : array of datetime64[D], shape (n,)
    """
    import numpy as np

    one, other = first.astype("datetime64[M]"), day.astype("datetime64[M]")
    whole = (other - one).astype(int)
    last = ((other + 1).astype("datetime64[D]") - other.astype("datetime64[D]")).astype(int)
    started = (first - one.astype("datetime64[D]")).astype(int) + 1
    reached = (day - other.astype("datetime64[D]")).astype(int) + 1
    found: np.ndarray = np.maximum(whole - (reached < np.minimum(started, last)), 0)
    return found


def ahead(
    months: Sequence[LifeMonth], age: np.ndarray, near: Sequence[np.ndarray],
    far: Sequence[np.ndarray], *, most: int = AHEAD,
) -> Ahead:
    """Expected months to come.

    The interval adds the squared distances to the ends of its two parts, the models' and the
    curve's, as Newcombe's interval of a difference does.

    Parameters
    ----------
    months : sequence of LifeMonth
        The life table, as far as it may be relied on.
    age : array of int, shape (n,)
        Whole months that each has paid.
    near, far : (probability, low, high), arrays of shape (n,)
        Of churn within a month, and within MODELLED months; NaN where it is not known.
    most : int
        Months that are looked ahead.
    """
    import numpy as np

    size = len(age)
    upto = np.clip(len(months) - age, 0, most)
    upto[upto <= MODELLED] = 0
    rest, spread = np.full(size, np.nan), np.full(size, np.nan)
    area = cache(lambda start, end: _area(months, start, end))
    for place in upto.nonzero()[0]:
        own = int(age[place])
        rest[place], spread[place] = area(own + MODELLED, own + int(upto[place]))

    def mean(month: np.ndarray, quarter: np.ndarray) -> np.ndarray:
        # Who left within a month has left within three.
        month = np.minimum(month, quarter)
        first, last = 1 - month, 1 - quarter
        between = [first * (last / np.maximum(first, 1e-12)) ** (k / (MODELLED - 1))
                   for k in range(1, MODELLED - 1)]
        curve = [np.ones(size), first, *between, last]
        started = sum((a + b) / 2 for a, b in pairwise(curve))
        found: np.ndarray = started + last * rest
        return found

    found = mean(near[0], far[0])
    own = Z * (1 - far[0]) * spread
    below = np.maximum(found - mean(near[2], far[2]), 0)
    above = np.maximum(mean(near[1], far[1]) - found, 0)
    return Ahead(
        found, np.maximum(found - np.hypot(below, own), 0),
        np.minimum(found + np.hypot(above, own), upto), np.where(np.isnan(found), 0, upto),
    )


def _area(months: Sequence[LifeMonth], start: int, end: int) -> tuple[float, float]:
    """Mean months from month `start` to `end` of who is there at the start, and its deviation.

    The variance is Greenwood's for an area, with half a leaver more: none in a month of few does
    not mean that there can be none.
    """
    share, curve = 1.0, [1.0]
    for month in months[start:end]:
        share *= 1 - month.left / month.at_risk
        curve.append(share)
    # Leavers of a month are spread over it.
    steps = [(a + b) / 2 for a, b in pairwise(curve)]
    variance = 0.0
    for place, month in enumerate(months[start:end]):
        hazard = (month.left + 0.5) / (month.at_risk + 1)
        after = sum(steps[place + 1:]) + steps[place] / 2
        variance += after ** 2 * hazard / (month.at_risk * (1 - hazard))
    return float(sum(steps)), variance ** 0.5

