"""A changepoint in a row of shares: where it would lie, and whether it is there at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.insights.statistics.proportions import Share, share

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SHUFFLES, BATCH = 4999, 250
"""Orders that the rows are shuffled into; the smallest chance that can come out is 1 / 5,000."""

ENOUGH = 50
"""Shuffling stops with so many orders as far apart as the cohorts' own: it is chance then."""

SEED = 20_240_101

MIN_COHORTS, MIN_ACCOUNTS = 3, 50
"""On either side of a split: less is a stray month, not a change that lasts."""

NEARLY = 1.92
"""Splits whose log-likelihood is this near to the best one's are nearly as likely.

Half of the 95th percentile of chi-squared with one degree of freedom: a profile likelihood
interval, which for a split is approximate.
"""


@dataclass(frozen=True)
class Split:
    """The split of a row of cohorts at which the shares on both sides differ most.

    Attributes
    ----------
    place : int
        Index of the first cohort after the change.
    between : tuple of int
        Places of the first and the last split that are nearly as likely.
    p_value : float
        Chance of so large a difference at its best split if the cohorts' order meant nothing.
    """

    place: int
    between: tuple[int, int]
    before: Share
    after: Share
    p_value: float


def best_split(kept: Sequence[int], sizes: Sequence[int]) -> Split | None:
    """The likeliest changepoint and its p-value; None where no split leaves enough on both sides.

    A binomial likelihood-ratio scan over the splits. Its p-value comes from shuffling the cohorts:
    so it holds too where cohorts scatter more than accounts that decide one by one would. The
    shuffles are seeded by the numbers themselves: the same cohorts give the same answer.

    Parameters
    ----------
    kept, sizes : sequence of int, shape (n,)
        In the order of the cohorts; `kept` of `sizes` accounts.
    """
    import numpy as np

    k, n = np.asarray(kept, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    allowed = _allowed(n)
    if not allowed.any():
        return None
    ratios = np.where(allowed, _ratios(k[None, :], n[None, :])[0], -np.inf)
    place = int(np.argmax(ratios)) + 1
    near = np.flatnonzero(ratios >= ratios.max() - 2 * NEARLY)
    return Split(
        place=place,
        between=(int(near[0]) + 1, int(near[-1]) + 1),
        before=share(int(k[:place].sum()), int(n[:place].sum())),
        after=share(int(k[place:].sum()), int(n[place:].sum())),
        p_value=_chance(k, n, float(ratios.max())),
    )


def _chance(
    kept: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64], largest: float
) -> float:
    """Chance of a ratio as large as `largest` if the cohorts came in any order.

    References
    ----------
    Besag & Clifford (1991), Biometrika 78:301-304: stopping early.
    """
    import numpy as np

    rng = np.random.default_rng([SEED, len(kept), int(kept.sum()), int(sizes.sum())])
    places = np.tile(np.arange(len(kept)), (BATCH, 1))
    shuffled = as_large = 0
    while shuffled < SHUFFLES:
        orders = rng.permuted(places, axis=1)[: SHUFFLES - shuffled]
        found = np.where(_allowed(sizes[orders]), _ratios(kept[orders], sizes[orders]), -np.inf)
        # Sums in another order differ in their last digits.
        reached = np.flatnonzero(found.max(axis=1) >= largest - 1e-9)
        if as_large + len(reached) >= ENOUGH:
            return ENOUGH / (shuffled + int(reached[ENOUGH - as_large - 1]) + 1)
        as_large += len(reached)
        shuffled += len(orders)
    return (as_large + 1) / (SHUFFLES + 1)


def _allowed(sizes: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which splits leave enough cohorts and accounts on both sides; shape (…, n − 1)."""
    import numpy as np

    count = sizes.shape[-1]
    places = np.arange(1, count)
    before = np.cumsum(sizes, axis=-1)[..., :-1]
    after = sizes.sum(axis=-1, keepdims=True) - before
    enough = (places >= MIN_COHORTS) & (count - places >= MIN_COHORTS)
    return np.asarray(enough & (before >= MIN_ACCOUNTS) & (after >= MIN_ACCOUNTS))


def _ratios(
    kept: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Likelihood ratio, as a difference of deviances, of every split; shape (rows, n − 1)."""
    import numpy as np

    before_k, before_n = np.cumsum(kept, axis=1)[:, :-1], np.cumsum(sizes, axis=1)[:, :-1]
    all_k, all_n = kept.sum(axis=1, keepdims=True), sizes.sum(axis=1, keepdims=True)
    apart = _likelihood(before_k, before_n) + _likelihood(all_k - before_k, all_n - before_n)
    return np.asarray(2 * (apart - _likelihood(all_k, all_n)))


def _likelihood(
    kept: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Largest binomial log-likelihood, without the part that no split changes."""
    import numpy as np
    from scipy.special import xlogy

    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(sizes > 0, kept / sizes, 0.0)
    return np.asarray(xlogy(kept, p) + xlogy(sizes - kept, 1 - p))
