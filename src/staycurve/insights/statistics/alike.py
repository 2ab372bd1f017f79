"""Lift among rows that are alike: an outcome with something against without it, in strata."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.insights.statistics.proportions import LEVEL

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class AlikeLift:
    """The lift of an outcome within strata.

    Attributes
    ----------
    exposed : int
        Distinct accounts with exposed rows that have others to stand beside in their stratum.
    expected : float
        Outcomes that the exposed rows would have if they were as the others of their strata.
    value, low, high : float, optional
        The Mantel–Haenszel risk ratio and its interval; None where no stratum has both sides, or
        the others have no outcome.
    p_value : float, optional
        One-sided: the chance of outcomes as frequent among the exposed if there is no association.
    """

    exposed: int
    expected: float
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


def lift_alike(
    outcome: np.ndarray, exposed: np.ndarray, accounts: np.ndarray, strata: np.ndarray
) -> AlikeLift:
    """The lift of an outcome with something against without it, among rows of the same stratum.

    Test and interval take their variance from sums over whole accounts, since an account's rows are
    no independent ones, and Student's distribution with as many degrees of freedom as there are
    exposed accounts, less one.

    Parameters
    ----------
    outcome, exposed : array of bool, shape (n,)
    accounts, strata : array of int, shape (n,)
        Which account and which stratum each row is of, from 0.

    References
    ----------
    Mantel and Haenszel (1959), J. Natl. Cancer Inst. 22:719-748; the ratio of risks: Greenland and
    Robins (1985), Biometrics 41:55-68. Sums over clusters: Liang and Zeger (1986), Biometrika
    73:13-22.
    """
    import numpy as np
    from scipy.stats import t

    if not len(outcome):
        return AlikeLift(0, 0.0)
    count = int(strata.max()) + 1

    def sums(values: np.ndarray) -> np.ndarray:
        return np.bincount(strata, weights=values, minlength=count)

    size, with_it = sums(np.ones(len(strata))), sums(exposed)
    has_both = (with_it > 0) & (with_it < size)
    used = has_both[strata]
    own = len(np.unique(accounts[used & exposed]))
    if not own:
        return AlikeLift(0, 0.0)
    hits, hits_with = sums(outcome), sums(outcome & exposed)
    # Strata without rows divide by nothing; they carry no weight.
    whole = np.maximum(size, 1)
    weight_with, weight_without = (size - with_it) / whole, with_it / whole
    above = float((hits_with * weight_with)[has_both].sum())
    below = float(((hits - hits_with) * weight_without)[has_both].sum())

    def spread(parts: np.ndarray) -> float:
        by_account = np.bincount(accounts[used], weights=parts[used])
        return float((by_account ** 2).sum()) * own / max(1, own - 1)

    scores = (exposed - (with_it / whole)[strata]) * (outcome - (hits / whole)[strata])
    variance, chance = spread(scores), None
    if variance > 0 and own > 1:
        chance = float(t.sf(float(scores[used].sum()) / math.sqrt(variance), own - 1))
    expected = float((with_it * hits / whole)[has_both].sum())
    if not below:
        return AlikeLift(own, expected, p_value=chance)
    value, low, high = above / below, None, None
    if above and own > 1:
        # The risk without it in each stratum, if the ratio is the same in all.
        risk = hits / np.maximum(size - with_it + value * with_it, 1e-12)
        parts = np.where(
            exposed, weight_with[strata] * (outcome - value * risk[strata]),
            -value * weight_without[strata] * (outcome - risk[strata]),
        )
        half = float(t.ppf((1 + LEVEL) / 2, own - 1)) * math.sqrt(spread(parts)) / above
        low, high = value * math.exp(-half), value * math.exp(half)
    return AlikeLift(own, expected, value, low, high, chance)
