"""Lagged rank correlations of monthly series: which go together, now or some months later.

Series are taken as differences from month to month: two that both grow correlate as levels,
whatever they have to do with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from staycurve.insights.statistics.proportions import adjusted

LEAST_MONTHS = 12
"""Differences of both series below which a correlation is shown and not tested: of fewer, one
month decides."""

MOST_LAGS = 12
"""Lags of its own at which a series is looked at for how much its months repeat one another."""

Series = Sequence[float | None]
"""A value a month, in order; None where there is none."""


@dataclass(frozen=True)
class Lagged:
    """How two series go together where the second comes `lag` months later.

    Attributes
    ----------
    correlation : float, optional
        Spearman's, of the differences; None where one of them never changes.
    months : int
        Pairs of differences that it rests on.
    chance : float, optional
        Two-sided p-value of this one alone; None where it is not tested.
    """

    lag: int
    correlation: float | None
    months: int
    chance: float | None


def differences(series: Series) -> list[float | None]:
    """From month to month; None where either month has no value."""
    return [
        None if before is None or after is None else after - before
        for before, after in pairwise(series)
    ]


def lagged(first: Series, second: Series, lag: int) -> Lagged:
    """The correlation of what `first` did with what `second` did `lag` months later.

    The p-value comes from Student's t with as many months as are worth it: where both series
    repeat or take back what they did the month before, `n` months say less than `n` independent
    ones would.

    Parameters
    ----------
    first, second : Series, same length
        Differences.
    lag : int
        0 or more.

    References
    ----------
    Bartlett (1935), J. R. Stat. Soc. 98:536-543, for the variance of a correlation of
    autocorrelated series; Pyper and Peterman (1998), Can. J. Fish. Aquat. Sci. 55:2127-2140, for
    its use as a number of months.
    """
    import numpy as np
    from scipy.stats import rankdata

    pairs = np.array([first[: max(0, len(first) - lag)], second[lag:]], dtype=float)
    pairs = pairs[:, ~np.isnan(pairs).any(axis=0)]
    count = pairs.shape[1]
    if count < 3:
        return Lagged(lag, None, count, None)
    one, two = rankdata(pairs, axis=1) - (count + 1) / 2
    spread = float(np.sqrt((one @ one) * (two @ two)))
    if not spread:
        return Lagged(lag, None, count, None)
    found = float(np.clip(one @ two / spread, -1.0, 1.0))
    chance = None
    if count >= LEAST_MONTHS:
        chance = _chance(found, _worth(one, two))
    return Lagged(lag, found, count, chance)


def _worth(one: Any, two: Any) -> float:
    """How many independent months say as much: never more than there are."""
    import numpy as np

    count = len(one)
    lags = slice(count, count + min(MOST_LAGS, count // 4))
    own = np.correlate(one, one, "full")[lags] / (one @ one)
    other = np.correlate(two, two, "full")[lags] / (two @ two)
    return float(count / max(1.0, 1 + 2 * float(own @ other)))


def _chance(correlation: float, months: float) -> float:
    from scipy.stats import t

    free = max(months - 2, 1.0)
    if abs(correlation) >= 1:
        return 0.0
    return float(2 * t.sf(abs(correlation) * (free / (1 - correlation**2)) ** 0.5, free))


def corrected(found: Sequence[Sequence[Lagged]]) -> list[list[float | None]]:
    """The p-values of many pairs at many lags, with the Holm correction over all of them."""
    raised = iter(adjusted([
        one.chance for pair in found for one in pair if one.chance is not None
    ]))
    return [
        [None if one.chance is None else next(raised) for one in pair] for pair in found
    ]
