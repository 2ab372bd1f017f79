"""Lift over rows of which several are of one account: its interval and test, by accounts.

An account stands on many days, and what happens to it on one says something of the others. So the
unit of chance is the account, with all its rows: what it adds to the two shares, and to the score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.insights.statistics.proportions import LEVEL

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Lift:
    """The share of rows with an outcome among the exposed, over that among the others.

    Attributes
    ----------
    exposed, others : int
        Distinct accounts with rows on each side; one may be on both.
    share, rest : float, optional
        0-1; None where a side has no rows.
    value, low, high : float, optional
        None where a share is not known, or the rest's is 0; the ends also where an account more or
        less decides.
    p_value : float, optional
        Two-sided, of a share as far from the rest's by chance; None where nothing varies.
    expected : float
        Rows with the outcome that the smaller side would have if there were no association.
    """

    exposed: int
    others: int
    share: float | None = None
    rest: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    expected: float = 0.0


def clustered_lift(outcome: np.ndarray, exposed: np.ndarray, accounts: np.ndarray) -> Lift:
    """The lift of an outcome with something, against without it.

    The interval is that of the logarithm by the delta method, the test a score test of no
    association; both take their variance from sums over whole accounts, and Student's distribution
    with as many degrees of freedom as the smaller side has accounts, less one.

    Parameters
    ----------
    outcome, exposed : array of bool, shape (n,)
    accounts : array of int, shape (n,)
        Which account each row is of, from 0.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73:13-22, for sums over clusters.
    """
    import numpy as np
    from scipy.stats import t

    size = len(outcome)
    own = len(np.unique(accounts[exposed]))
    others = len(np.unique(accounts[~exposed]))
    rows = int(exposed.sum())
    if not rows or rows == size:
        return Lift(own, others)
    hits, misses = int((outcome & exposed).sum()), int((outcome & ~exposed).sum())
    share, rest = hits / rows, misses / (size - rows)

    def spread(parts: np.ndarray) -> float:
        sums = np.bincount(accounts, weights=parts)
        count = len(np.unique(accounts))
        return float((sums ** 2).sum()) * count / max(1, count - 1)

    free = min(own, others) - 1
    low = high = None
    if hits and misses and free > 0:
        parts = np.where(
            exposed, (outcome - share) / hits, -(outcome - rest) / misses
        )
        half = float(t.ppf((1 + LEVEL) / 2, free)) * math.sqrt(spread(parts))
        middle = math.log(share / rest)
        low, high = math.exp(middle - half), math.exp(middle + half)
    scores = (exposed - rows / size) * (outcome - (hits + misses) / size)
    variance = spread(scores)
    chance = None
    if variance > 0 and free > 0:
        chance = float(2 * t.sf(abs(float(scores.sum())) / math.sqrt(variance), free))
    return Lift(
        own, others, share, rest, share / rest if rest else None, low, high, chance,
        min(rows, size - rows) * (hits + misses) / size,
    )
