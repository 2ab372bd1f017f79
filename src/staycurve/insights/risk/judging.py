"""Judging: how good probabilities were against what happened, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 400
MANY = 200_000
"""Rows above which fewer resamples do: the interval is narrow then."""
GROUPS = 10


@dataclass(frozen=True)
class Figures:
    """How probabilities did on one set of rows.

    Attributes
    ----------
    auc : float
        Chance that a random leaver had a higher probability than a random stayer; ties count half.
    pr_auc : float
        Average precision.
    brier : float
        Mean squared error.
    calibration_error : float
        Mean distance of probability and outcome over tenths of the rows.
    lift_top_decile : float
        Churn rate of the tenth with the highest probability / of all.
    """

    auc: float
    pr_auc: float
    brier: float
    calibration_error: float
    lift_top_decile: float


def figures(probability: np.ndarray, left: np.ndarray) -> Figures:
    """Every figure; both outcomes must occur.

    Parameters
    ----------
    probability : array, shape (n,)
    left : array of bool, shape (n,)
    """
    import numpy as np
    from sklearn.metrics import average_precision_score, roc_auc_score

    groups = tenths(probability, left)
    error = sum(size * abs(mean - share) for size, mean, share in groups) / len(left)
    return Figures(
        float(roc_auc_score(left, probability)),
        float(average_precision_score(left, probability)),
        float(np.mean((probability - left) ** 2)), float(error), top_lift(probability, left),
    )


def top_lift(probability: np.ndarray, left: np.ndarray) -> float:
    """Churn rate in the top tenth / of all; of rows with equal probability each counts its part."""
    import numpy as np

    size = max(1, -(-len(left) // 10))
    edge = np.sort(probability)[::-1][size - 1]
    above, at = probability > edge, probability == edge
    rest = size - int(above.sum())
    found = float(left[above].sum()) + rest * float(left[at].mean())
    return found / size / float(left.mean())


def tenths(probability: np.ndarray, left: np.ndarray) -> list[tuple[int, float, float]]:
    """(rows, mean probability, share that left) of tenths by probability, lowest first."""
    import numpy as np

    order = np.argsort(probability, kind="stable")
    return [
        (len(part), float(probability[part].mean()), float(left[part].mean()))
        for part in np.array_split(order, GROUPS) if len(part)
    ]


@dataclass(frozen=True)
class Tenth:
    """A tenth of the test rows by probability, lowest first.

    Attributes
    ----------
    places : array of int
        Which rows.
    mean, share : float
        Mean probability, and the share that had the outcome.
    low, high : float
        The 95% interval of the share (Wilson), by accounts: an account stands on several days.
    """

    places: np.ndarray
    mean: float
    share: float
    low: float
    high: float


def reliability(
    probability: np.ndarray, left: np.ndarray, accounts: np.ndarray
) -> tuple[Tenth, ...]:
    """Tenths of the rows by probability, with what happened to them."""
    import numpy as np

    order = np.argsort(probability, kind="stable")
    found = []
    for part in np.array_split(order, GROUPS):
        if not len(part):
            continue
        share = float(left[part].mean())
        low, high = _wilson(np.array([share]), np.array([len(set(accounts[part]))]))
        found.append(Tenth(
            part, float(probability[part].mean()), share, float(low[0]), float(high[0])
        ))
    return tuple(found)


def local_rates(
    asked: np.ndarray, probability: np.ndarray, left: np.ndarray, accounts: int
) -> tuple[np.ndarray, np.ndarray]:
    """What happened to the test rows with the most similar probabilities: (low, high), shape (m,).

    The tenth of the rows around each asked probability, and the 95% interval of the share of them
    that had the outcome (Wilson), by accounts. Towards the ends it is fewer, down to a fiftieth:
    as many on either side, so that the highest probabilities do not stand beside far lower ones.

    Parameters
    ----------
    asked : array, shape (m,)
    probability, left : array, shape (n,)
        Of the test rows.
    accounts : int
        Accounts that the test rows are of.
    """
    import numpy as np

    order = np.argsort(probability, kind="stable")
    size = len(order)
    place = np.searchsorted(probability[order], asked)
    half = np.clip(np.minimum(place, size - place), 1 + size // 100, 1 + size // (2 * GROUPS))
    first = np.clip(place - half, 0, np.maximum(0, size - 2 * half))
    last = np.minimum(first + 2 * half, size)
    sums = np.concatenate([[0], np.cumsum(left[order])])
    rows = last - first
    return _wilson((sums[last] - sums[first]) / rows, np.maximum(1, rows * accounts / size))


def _wilson(share: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(share * size, size, alpha=0.05, method="wilson")
    # At 0 and 1 rounding leaves the bound a hair outside.
    return low.clip(0, 1), high.clip(0, 1)


def auc_difference(
    one: np.ndarray, other: np.ndarray, left: np.ndarray, accounts: np.ndarray
) -> tuple[float, float, float]:
    """AUC of `one` less that of `other`, with a 95% interval by resampling whole accounts.

    An account stands on several days, and those are no independent rows.
    """
    import numpy as np

    ready = (_Ranked(one, left), _Ranked(other, left))
    found = []
    for weights in drawn_again(accounts, RESAMPLES if len(left) < MANY else RESAMPLES // 4):
        values = [ranked.auc(weights) for ranked in ready]
        if None not in values:
            found.append((values[0] or 0.0) - (values[1] or 0.0))
    plain = np.ones(len(left))
    gap = (ready[0].auc(plain) or 0.0) - (ready[1].auc(plain) or 0.0)
    low, high = np.quantile(found, [0.025, 0.975])
    return gap, float(low), float(high)


def drawn_again(accounts: np.ndarray, times: int) -> Iterator[np.ndarray]:
    """How often each row is there when whole accounts are drawn again, shape (n,) as floats.

    The draws are the same every time.

    Parameters
    ----------
    accounts : array of object, shape (n,)
        The account of each row; at least one.
    """
    import numpy as np

    _names, places = np.unique(accounts.astype(str), return_inverse=True)
    size = int(places.max()) + 1
    draw = np.random.default_rng(0)
    for _ in range(times):
        yield draw.multinomial(size, np.full(size, 1 / size))[places].astype(float)


class _Ranked:
    """Probabilities in order, so that each resample costs one pass."""

    def __init__(self, probability: np.ndarray, left: np.ndarray) -> None:
        import numpy as np

        self.order = np.argsort(probability, kind="stable")
        ordered = probability[self.order]
        self.starts = np.concatenate([[0], np.nonzero(np.diff(ordered))[0] + 1])
        self.left = left[self.order].astype(float)

    def auc(self, weights: np.ndarray) -> float | None:
        """AUC of weighted rows; None where one outcome is missing."""
        import numpy as np

        own = weights[self.order]
        leavers = np.add.reduceat(own * self.left, self.starts)
        stayers = np.add.reduceat(own * (1 - self.left), self.starts)
        all_left, all_stayed = leavers.sum(), stayers.sum()
        if not all_left or not all_stayed:
            return None
        below = np.cumsum(stayers) - stayers
        return float((leavers * (below + stayers / 2)).sum() / (all_left * all_stayed))
