"""Logistic regression with a ridge, and how well a score ranks and is calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

RIDGE = 1.0
"""A normal prior of variance 1 on each coefficient but the intercept: a value that few have moves a
score little. Weaker, and rare values of the training data speak louder than they know."""


@dataclass(frozen=True)
class Logistic:
    """A fitted model: `intercept` and coefficients in log-odds, and the mean of each column."""

    intercept: float
    coefficients: tuple[float, ...]
    means: tuple[float, ...]

    def log_odds(self, rows: Any) -> Any:
        """Of each row, shape (n,)."""
        import numpy as np

        matrix = np.asarray(rows, dtype=float).reshape(-1, len(self.coefficients))
        return self.intercept + (matrix - np.array(self.means)) @ np.array(self.coefficients)

    def chances(self, rows: Any) -> Any:
        """Of each row, shape (n,), from 0 to 1."""
        from scipy.special import expit

        return expit(self.log_odds(rows))


def fitted(rows: Any, outcomes: Sequence[bool], *, ridge: float = RIDGE) -> Logistic:
    """The most likely model under the prior, by Newton's method: the same on every machine.

    Parameters
    ----------
    rows : array, shape (n, k)
    outcomes : sequence of bool, shape (n,)
        At least one of each.
    """
    import numpy as np
    from scipy.special import expit, logit

    y = np.asarray(outcomes, dtype=float)
    matrix = np.asarray(rows, dtype=float).reshape(len(y), -1)
    means = matrix.mean(axis=0)
    x = np.column_stack([np.ones(len(y)), matrix - means])
    prior = np.full(x.shape[1], ridge)
    prior[0] = 0.0
    beta = np.zeros(x.shape[1])
    beta[0] = logit(y.mean())
    for _ in range(100):
        p = expit(x @ beta)
        gradient = x.T @ (y - p) - prior * beta
        curvature = (x.T * (p * (1 - p))) @ x + np.diag(prior)
        step = np.linalg.solve(curvature, gradient)
        # A long step could overshoot where chances are close to 0 or 1.
        step *= min(1.0, 5.0 / max(1e-12, float(np.abs(step).max())))
        beta += step
        if float(np.abs(step).max()) < 1e-10:
            break
    return Logistic(float(beta[0]), tuple(map(float, beta[1:])), tuple(map(float, means)))


def auc(scores: Sequence[float], outcomes: Sequence[bool]) -> float | None:
    """Area under the ROC curve; None without outcomes of both kinds.

    The chance that one that happened is scored above one that did not; ties count one half.

    References
    ----------
    Hanley & McNeil (1982), Radiology 143:29-36.
    """
    import numpy as np
    from scipy.stats import rankdata

    y = np.asarray(outcomes, dtype=bool)
    yes, no = int(y.sum()), int((~y).sum())
    if not yes or not no:
        return None
    ranks = rankdata(np.asarray(scores, dtype=float))
    return float((ranks[y].sum() - yes * (yes + 1) / 2) / (yes * no))


def bootstrapped_auc(
    scores: Sequence[float], others: Sequence[float], outcomes: Sequence[bool], *,
    samples: int = 200, seed: int = 17,
) -> tuple[tuple[float, float], tuple[float, float]]:
    """95% intervals of the AUC of `scores`, and of how far it is above that of `others`.

    Percentiles over samples in which both kinds of outcome keep their number.
    """
    import numpy as np

    y = np.asarray(outcomes, dtype=bool)
    yes, no = np.flatnonzero(y), np.flatnonzero(~y)
    one, other = np.asarray(scores, dtype=float), np.asarray(others, dtype=float)
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(samples):
        chosen = np.concatenate([rng.choice(yes, len(yes)), rng.choice(no, len(no))])
        area = auc(one[chosen], y[chosen]) or 0.0
        found.append((area, area - (auc(other[chosen], y[chosen]) or 0.0)))
    low, high = np.percentile(np.array(found), [2.5, 97.5], axis=0)
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def brier(scores: Sequence[float], outcomes: Sequence[bool]) -> float:
    """Mean squared distance of a chance from what happened (Brier 1950)."""
    return sum(
        (score - bool(outcome)) ** 2 for score, outcome in zip(scores, outcomes, strict=True)
    ) / len(scores)


def binned(scores: Sequence[float], *, bins: int) -> list[list[int]]:
    """Places of scores in bins of about as many each, from the lowest; equal ones stay together."""
    order = sorted(range(len(scores)), key=lambda place: (scores[place], place))
    found: list[list[int]] = []
    for rank, place in enumerate(order):
        # A bin that is due waits until equal scores are over.
        is_due = rank * bins // len(order) >= len(found)
        if not found or (is_due and scores[place] != scores[order[rank - 1]]):
            found.append([])
        found[-1].append(place)
    return found
