"""Ratios of sums over accounts: their intervals and tests, with accounts as what was drawn.

An account counts in many months, and in each by its own size: months are not independent, and a
large account weighs more than a small one. So the unit of chance is the account, with all that it
adds above and below the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.insights.statistics.proportions import LEVEL

SHUFFLES = 9_999
MOST_SHUFFLED = 50_000_000
"""Accounts × shuffles: beyond it, which takes seconds, the normal distribution stands for them."""

LEAST_SHUFFLES = 1_999
CHUNK = 2_000_000
SEED = 20_070_101
"""Fixed: the same question has the same answer."""


@dataclass(frozen=True)
class Ratio:
    """A ratio of sums with its standard error.

    Attributes
    ----------
    value, error : float
    size : int
        Accounts.
    """

    value: float
    error: float
    size: int

    def interval(self) -> tuple[float, float]:
        """Its interval at LEVEL."""
        half = _quantile() * self.error
        return self.value - half, self.value + half


def _quantile() -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + LEVEL) / 2))


def ratio(tops: Any, bottoms: Any) -> Ratio | None:
    """The ratio of two sums over accounts; None for fewer than two, or with nothing below.

    Parameters
    ----------
    tops, bottoms : array, shape (n,)
        Of each account.

    References
    ----------
    Cochran (1977), Sampling Techniques, 3rd ed., section 6.3: the variance by linearisation.
    """
    import numpy as np

    size, below = len(bottoms), float(np.sum(bottoms))
    if size < 2 or below == 0:
        return None
    value = float(np.sum(tops)) / below
    residuals = tops - value * bottoms
    error = float(np.sqrt(size / (size - 1) * np.sum(residuals**2))) / abs(below)
    return Ratio(value, error, size)


def difference(one: Ratio, other: Ratio) -> tuple[float, float, float]:
    """One ratio less another of other accounts, and its interval at LEVEL."""
    gap = one.value - other.value
    half = _quantile() * float((one.error**2 + other.error**2) ** 0.5)
    return gap, gap - half, gap + half


def chances(tops: Any, bottoms: Any, sizes: Sequence[int]) -> list[float]:
    """Of each segment: the chance of a ratio as far from all others' if segments were drawn by lot.

    A two-sided permutation test of the studentised difference; for very many accounts its normal
    limit.

    Parameters
    ----------
    tops, bottoms : array, shape (n,)
        Of each account, segment after segment.
    sizes : sequence of int
        Accounts of each segment, in the same order; none is 0.

    References
    ----------
    Janssen (1997), Stat. Probab. Lett. 36:9-21: studentised, it holds for segments whose accounts
    are spread differently too.
    """
    import numpy as np
    from scipy.stats import norm

    whole = float(np.sum(bottoms))
    pooled = float(np.sum(tops)) / whole if whole else 0.0
    columns = np.stack([tops - pooled * bottoms, bottoms]).astype(float)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
    own = _studentised(columns[:, None, :], starts)[0]
    count = len(bottoms)
    turns = min(SHUFFLES, MOST_SHUFFLED // max(count, 1))
    if turns < LEAST_SHUFFLES:
        return [float(2 * norm.sf(one)) for one in own]
    rng = np.random.default_rng(SEED)
    beyond = np.zeros(len(sizes))
    done = 0
    while done < turns:
        rows = min(turns - done, max(1, CHUNK // count))
        order = rng.permuted(np.tile(np.arange(count), (rows, 1)), axis=1)
        # A hair below: a shuffle that gives the same segments must count as as far.
        beyond += (_studentised(columns[:, order], starts) >= own - 1e-9).sum(axis=0)
        done += rows
    return [float(one) for one in (beyond + 1) / (turns + 1)]


def _studentised(columns: Any, starts: Any) -> Any:
    """|difference| / its error for each shuffle and segment; 0 where there is no error."""
    import numpy as np

    residuals, bottoms = columns
    sums = np.add.reduceat(residuals, starts, axis=1)
    squares = np.add.reduceat(residuals**2, starts, axis=1)
    below = np.add.reduceat(bottoms, starts, axis=1)
    rest = below.sum(axis=1, keepdims=True) - below
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums / below - (sums.sum(axis=1, keepdims=True) - sums) / rest
        variance = squares / below**2 + (
            squares.sum(axis=1, keepdims=True) - squares
        ) / rest**2
        return np.nan_to_num(np.abs(gap) / np.sqrt(variance), nan=0.0, posinf=0.0)
