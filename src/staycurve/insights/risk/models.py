"""Models of churn: points that a person can read, boosted trees, and the plain baseline.

Each is fitted to frames of past days and gives for any frame the probability of churn within the
horizon, with what each factor adds to it. The same rows give the same model: nothing is drawn, and
rows come in the order of day and account.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from staycurve.i18n import N_
from staycurve.insights.risk.feature_table import features
from staycurve.insights.risk.frames import Frame

if TYPE_CHECKING:
    import numpy as np

BINS = 5
"""Bins of a factor: a table of points stays readable, and fifths of the accounts are enough."""
PLANS = 12
"""Plans that are told apart, the most frequent ones; the others are one."""
DOUBLING = 10
"""Points that double the odds of churn."""
PENALTIES = (0.003, 0.01, 0.03, 0.1)
"""Inverse strengths of the ridge that are tried: few leavers bear few points."""
FOLDS = 3
TRIED_ON = 60_000
"""Rows above which the weakest ridge is taken untried: the data then speaks for itself."""

UNKNOWN = N_("unknown")
OTHER = N_("another plan")
PLAN = "plan"
PLAN_LABEL = N_("Plan")
RECENCY_LABEL = N_("Days since last activity")


class Model(Protocol):
    """What every form of model gives."""

    def probability(self, frame: Frame) -> np.ndarray:
        """Probability of churn within the horizon, shape (n,)."""

    def effects(self, frame: Frame) -> Mapping[str, np.ndarray]:
        """Factor → what it adds to the probability, against the average account; shape (n,)."""


@dataclass(frozen=True)
class Factor:
    """One factor of the points: a feature in bins, the last of which is 'unknown'.

    Attributes
    ----------
    edges : tuple of float
        Ascending; bin k holds values in [edges[k-1], edges[k]).
    points : tuple of int
        One a bin, and one for unknown values.
    mean : float
        The points of the average account.
    """

    name: str
    label: str
    edges: tuple[float, ...]
    points: tuple[int, ...]
    shares: tuple[float, ...]
    mean: float
    plans: tuple[str, ...] = ()

    def bins(self, frame: Frame) -> np.ndarray:
        """The bin of each row."""
        if self.name == PLAN:
            return _plan_bins(frame.plans, self.plans)
        return bins_of(frame.values[self.name], self.edges)

    def said(self, place: int) -> str:
        """A bin in words."""
        if self.plans or self.name == PLAN:
            return (*self.plans, OTHER)[place]
        if place == len(self.edges) + 1:
            return UNKNOWN
        if not self.edges:
            return "any"
        if place == 0:
            return f"below {self.edges[0]:,.4g}"
        if place == len(self.edges):
            return f"{self.edges[-1]:,.4g} or more"
        return f"{self.edges[place - 1]:,.4g} to below {self.edges[place]:,.4g}"


@dataclass(frozen=True)
class Points:
    """Points per factor, their sum calibrated to a probability.

    Attributes
    ----------
    by_hand : mapping
        Feature → points for each unit of it, from `[risk.points]`.
    intercept, slope : float
        Log-odds of churn = intercept + slope × points.
    """

    factors: tuple[Factor, ...]
    by_hand: Mapping[str, float]
    intercept: float
    slope: float

    def score(self, frame: Frame) -> np.ndarray:
        """The sum of an account's points, shape (n,)."""
        return sum(self._parts(frame).values(), start=_zeros(len(frame)))

    def probability(self, frame: Frame) -> np.ndarray:
        """Probability of churn within the horizon, shape (n,)."""
        return _sigmoid(self.intercept + self.slope * self.score(frame))

    def effects(self, frame: Frame) -> Mapping[str, np.ndarray]:
        """Factor → what it adds to the probability, against the average account."""
        parts = self._parts(frame)
        means = {factor.name: factor.mean for factor in self.factors}
        score = sum(parts.values(), start=_zeros(len(frame)))
        whole = _sigmoid(self.intercept + self.slope * score)
        return {
            name: whole - _sigmoid(
                self.intercept + self.slope * (score - own + means.get(name, 0.0))
            )
            for name, own in parts.items()
        }

    def _parts(self, frame: Frame) -> dict[str, np.ndarray]:
        import numpy as np

        found = {
            one.name: np.asarray(one.points, dtype=float)[one.bins(frame)] for one in self.factors
        }
        for name, weight in self.by_hand.items():
            found[name] = weight * np.nan_to_num(frame.values[name]).astype(float)
        return found


def fit_points(frame: Frame, by_hand: Mapping[str, float]) -> Points:
    """Points by a ridge logistic regression over bins, rounded and calibrated again.

    A feature that has points by hand is not fitted.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    left = frame.has_left.astype(int)
    drafts = [one for name, values in frame.values.items() if name not in by_hand
              if (one := _draft(name, label_of(name), values))]
    plans = _frequent(frame.plans)
    if len(plans) > 1:
        drafts.append((PLAN, PLAN_LABEL, (), plans, _plan_bins(frame.plans, plans)))
    sizes = [len(plans or edges) + (1 if plans else 2) for _n, _l, edges, plans, _b in drafts]
    matrix = np.zeros((len(frame), sum(sizes)), dtype=np.float32)
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    for start, draft in zip(starts, drafts, strict=True):
        matrix[np.arange(len(frame)), start + draft[4]] = 1
    unit = np.log(2) / DOUBLING
    factors: list[Factor] = []
    if drafts:
        with warnings.catch_warnings():
            # Of several hundred thousand rows single precision does not invert the Hessian; the
            # solver then goes on by L-BFGS, to within a thirtieth of a point of the exact solution.
            warnings.filterwarnings("ignore", "The inner solver of NewtonCholeskySolver")
            fitted = LogisticRegression(
                C=_penalty(matrix, left, frame.account_ids), max_iter=1000, tol=1e-6,
                solver="newton-cholesky",
            ).fit(matrix, left)
        weights = fitted.coef_[0]
        for start, size, (name, label, edges, plans, bins) in zip(
            starts, sizes, drafts, strict=True
        ):
            shares = np.bincount(bins, minlength=size) / len(bins)
            own = weights[start:start + size] / unit
            # A bin that nobody was in has no say; the average account has none either.
            points = np.where(shares > 0, np.round(own - (own * shares).sum()), 0).astype(int)
            factors.append(Factor(
                name, label, tuple(map(float, edges)), tuple(map(int, points)),
                tuple(map(float, shares)), float((points * shares).sum()), plans,
            ))
    drawn = Points(tuple(factors), dict(by_hand), 0.0, unit)
    intercept, slope = _calibrated(drawn.score(frame), left, unit)
    return Points(drawn.factors, drawn.by_hand, intercept, slope)


def fit_by_hand(frame: Frame, by_hand: Mapping[str, float]) -> Points:
    """Points by hand and nothing else, their sum calibrated by two numbers."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    drawn = Points((), dict(by_hand), 0.0, 1.0)
    score = drawn.score(frame)
    spread = float(score.std()) or 1.0
    fitted = LogisticRegression(C=1.0, max_iter=1000, tol=1e-6).fit(
        (score / spread)[:, np.newaxis], frame.has_left.astype(int)
    )
    return Points(
        (), drawn.by_hand, float(fitted.intercept_[0]), float(fitted.coef_[0][0]) / spread
    )


def _penalty(matrix: np.ndarray, left: np.ndarray, accounts: np.ndarray) -> float:
    """The ridge that does best on accounts that were left out, by log loss."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    if len(left) > TRIED_ON:
        return PENALTIES[-1]
    # Whole accounts: the same one a month later is no new one. By their order, not by a hash.
    _names, places = np.unique(accounts.astype(str), return_inverse=True)
    folds = places % FOLDS
    if any(len(np.unique(left[folds != fold])) < 2 for fold in range(FOLDS)):
        return PENALTIES[0]
    said = np.zeros((len(PENALTIES), len(left)))
    for fold in range(FOLDS):
        own = folds == fold
        rest, outcome = matrix[~own], left[~own]
        # Each ridge begins where the one before it ended, which is near.
        model = LogisticRegression(max_iter=300, solver="newton-cholesky", warm_start=True)
        for place, penalty in enumerate(PENALTIES):
            model.set_params(C=penalty).fit(rest, outcome)
            said[place, own] = model.predict_proba(matrix[own])[:, 1]
    losses = [log_loss(left, one, labels=[0, 1]) for one in said]
    return PENALTIES[int(np.argmin(losses))]


Draft = tuple[str, str, tuple[float, ...], tuple[str, ...], Any]


def _draft(name: str, label: str, values: np.ndarray) -> Draft | None:
    """A feature in bins; None where it is the same for everybody."""
    import numpy as np

    known = values[~np.isnan(values)]
    if not len(known):
        return None
    edges = edges_of(known)
    if not edges and len(known) == len(values):
        return None
    return name, label, edges, (), bins_of(values, edges)


def edges_of(known: np.ndarray) -> tuple[float, ...]:
    """Where the bins of a feature begin, by fifths of its known values; none where all are alike.

    Parameters
    ----------
    known : array, shape (n,)
        Without NaN.
    """
    import numpy as np

    if not len(known):
        return ()
    cuts = np.unique(np.quantile(known, np.arange(1, BINS) / BINS))
    # A cut at the least value would leave a bin that nobody is in.
    cuts = cuts[cuts > known.min()]
    if not len(cuts) and known.max() > known.min():
        # Most are alike, and the few others are what matters.
        cuts = np.array([known[known > known.min()].min()])
    return tuple(float(cut) for cut in cuts)


def bins_of(values: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    """The bin of each value, shape (n,); the last one is of those that are not known."""
    import numpy as np

    found = np.digitize(values, np.asarray(edges, dtype=np.float32))
    return np.where(np.isnan(values), len(edges) + 1, found)


def _frequent(plans: np.ndarray) -> tuple[str, ...]:
    from collections import Counter

    counts = Counter(str(plan) for plan in plans if plan is not None)
    return tuple(sorted(counts, key=lambda plan: (-counts[plan], plan))[:PLANS])


def _plan_bins(plans: np.ndarray, known: Sequence[str]) -> np.ndarray:
    import numpy as np

    places = {plan: place for place, plan in enumerate(known)}
    return np.array([places.get(plan, len(known)) for plan in plans], dtype=int)


def _calibrated(score: np.ndarray, left: np.ndarray, unit: float) -> tuple[float, float]:
    """Intercept and slope of the log-odds over the points: the mean is what happened."""
    from scipy.optimize import brentq

    # The slope stays: a steeper one, fitted on the same rows, would undo the ridge.
    share, logits = float(left.mean()), score * unit
    bound = float(abs(logits).max()) + 30
    found = brentq(lambda level: float(_sigmoid(logits + level).mean()) - share, -bound, bound)
    return float(found), float(unit)


@dataclass(frozen=True)
class Baseline:
    """The plain model to beat: recency, tenure and plan in a logistic regression."""

    plans: tuple[str, ...]
    center: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercept: float

    def probability(self, frame: Frame) -> np.ndarray:
        """Probability of churn within the horizon, shape (n,)."""
        return _sigmoid(self._matrix(frame) @ self.weights + self.intercept)

    def effects(self, frame: Frame) -> Mapping[str, np.ndarray]:
        """Factor → what it adds to the probability, against the average account."""
        matrix = self._matrix(frame)
        score = matrix @ self.weights + self.intercept
        whole = _sigmoid(score)
        groups = {"days_inactive": slice(0, 2), "tenure_days": slice(2, 3), PLAN: slice(3, None)}
        return {
            name: whole - _sigmoid(score - matrix[:, own] @ self.weights[own])
            for name, own in groups.items()
        }

    def _matrix(self, frame: Frame) -> np.ndarray:
        found: np.ndarray = (_plain(frame, self.plans) - self.center) / self.scale
        return found


def _plain(frame: Frame, plans: Sequence[str]) -> np.ndarray:
    """Recency, whether it is unknown, tenure, and a column a plan."""
    import numpy as np

    # Without usage the last payment is what is known of when it was last there.
    recency = np.where(
        np.isnan(frame.values["days_inactive"]), frame.days_unpaid, frame.values["days_inactive"]
    )
    known = ~np.isnan(recency)
    columns = [
        np.log1p(np.clip(np.nan_to_num(recency), 0, None)), ~known,
        np.log1p(frame.values["tenure_days"]),
    ]
    bins = _plan_bins(frame.plans, plans)
    columns += [bins == place for place in range(len(plans))]
    return np.stack(columns, axis=1).astype(float)


def fit_baseline(frame: Frame) -> Baseline:
    """The baseline, fitted by the same rows as the others."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    plans = _frequent(frame.plans)
    raw = _plain(frame, plans)
    center, scale = raw.mean(axis=0), raw.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    fitted = LogisticRegression(C=1.0, max_iter=1000, tol=1e-6).fit(
        (raw - center) / scale, frame.has_left.astype(int)
    )
    return Baseline(plans, center, scale, fitted.coef_[0], float(fitted.intercept_[0]))


@dataclass(frozen=True)
class Boosting:
    """Gradient boosting over the same features."""

    model: Any
    names: tuple[str, ...]
    plans: tuple[str, ...]
    medians: np.ndarray

    def probability(self, frame: Frame) -> np.ndarray:
        """Probability of churn within the horizon, shape (n,)."""
        found: np.ndarray = self.model.predict_proba(self._matrix(frame))[:, 1]
        return found

    def effects(self, frame: Frame) -> Mapping[str, np.ndarray]:
        """Factor → what it adds to the probability, against its median in training."""
        matrix = self._matrix(frame)
        whole = self.model.predict_proba(matrix)[:, 1]
        found = {}
        for place, name in enumerate((*self.names, PLAN)):
            kept = matrix[:, place].copy()
            matrix[:, place] = self.medians[place]
            found[name] = whole - self.model.predict_proba(matrix)[:, 1]
            matrix[:, place] = kept
        return found

    def trees(self) -> str:
        """A fingerprint of every split and leaf."""
        import hashlib

        found = hashlib.sha256()
        for step in self.model._predictors:
            for tree in step:
                for name in ("feature_idx", "num_threshold", "left", "right", "value"):
                    found.update(tree.nodes[name].tobytes())
        return found.hexdigest()

    def _matrix(self, frame: Frame) -> np.ndarray:
        return _wide(frame, self.names, self.plans)


def _wide(frame: Frame, names: Sequence[str], plans: Sequence[str]) -> np.ndarray:
    import numpy as np

    columns = [frame.values[name] for name in names]
    columns.append(_plan_bins(frame.plans, plans).astype(np.float32))
    return np.stack(columns, axis=1)


def fit_boosting(frame: Frame) -> Boosting:
    """Shallow trees, all settings fixed: nothing is tuned on what they are judged by."""
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingClassifier

    # The library cannot bin a column without any value.
    names = tuple(
        name for name, values in frame.values.items() if not bool(np.isnan(values).all())
    )
    plans = _frequent(frame.plans)
    matrix = _wide(frame, names, plans)
    model = HistGradientBoostingClassifier(
        max_iter=120, max_depth=3, learning_rate=0.05, min_samples_leaf=40, l2_regularization=5.0,
        early_stopping=False, random_state=0, categorical_features=[matrix.shape[1] - 1],
    ).fit(matrix, frame.has_left.astype(int))
    known = ~np.isnan(matrix)
    medians = np.array([
        np.median(column[own]) if own.any() else np.nan
        for column, own in zip(matrix.T, known.T, strict=True)
    ])
    return Boosting(model, names, plans, medians)


def label_of(name: str) -> str:
    """What a factor is called; one that is no feature says so by its name."""
    if name == PLAN:
        return PLAN_LABEL
    known = features().get(name)
    return known.label if known else name


def value_of(frame: Frame, name: str, place: int) -> str:
    """A row's value of a factor, in words."""
    if name == PLAN:
        return str(frame.plans[place])
    value = float(frame.values[name][place])
    return f"{value:,.4g}" if value == value else UNKNOWN


def _zeros(size: int) -> np.ndarray:
    import numpy as np

    return np.zeros(size)


def _sigmoid(score: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    found: np.ndarray = expit(score)
    return found
