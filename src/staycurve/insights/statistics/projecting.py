"""Projections of cohorts: how much of each stays and grows, and how well that did in the past.

A cohort's MRR is followed from age to age. What all cohorts of the last year did on average from
age k − 1 to k (who stayed × what those pay) is expected of every cohort that comes to age k: the
chain ladder. Few accounts say little: their factor is drawn towards that of the ages around and
above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, sqrt
from typing import Any

from staycurve.insights.statistics.proportions import LEVEL

Triangle = Sequence[Sequence[float]]
"""Cohort → age → number, in order of months; the last cohort has one age."""

WINDOW = 12
"""Months whose factors count: a year has every season once, and what was different before it is
not expected to come back."""

PRIOR = 30
"""Accounts that the factor of the ages around stands for beside those of one age."""

NEW_MONTHS = 6
"""Months whose new business is expected to go on: fewer follow chance, more lag behind growth."""

TRAILING = 3
LEAST_MONTHS = 6
"""Months that are closed before the first origin: before them there is no cohort to learn from."""

LEAST_ERRORS = 4
"""Past errors at a horizon before an interval is given."""


@dataclass(frozen=True)
class Changed:
    """What is supposed to be otherwise from the first projected month on.

    Attributes
    ----------
    churn : float
        Added to the monthly customer churn rate of every age: −0.01 is a point less.
    price, new : float
        Share by which amounts, or new business, are higher.
    expansion : float
        Added to the monthly growth of those who stay.
    """

    churn: float = 0.0
    price: float = 0.0
    new: float = 0.0
    expansion: float = 0.0


AS_IT_IS = Changed()


def projected(
    values: Triangle, accounts: Triangle, months: int, *, changed: Changed = AS_IT_IS,
    is_money: bool = True,
) -> list[float]:
    """The whole in each of the next months; see `projected_cohorts`."""
    every = projected_cohorts(values, accounts, months, changed=changed, is_money=is_money)
    return [float(sum(month.values())) for month in every]


def projected_cohorts(
    values: Triangle, accounts: Triangle, months: int, *, changed: Changed = AS_IT_IS,
    is_money: bool = True,
) -> list[dict[int, float]]:
    """Cohort → its part, in each of the next months; cohorts that begin in them come last.

    Parameters
    ----------
    values, accounts : Triangle
        What is projected, and the accounts behind it.
    is_money : bool
        Whether prices and expansion move it.
    """
    import numpy as np

    count = len(values)
    last = count - 1
    kept, stayed = _factors(values, accounts, count + months), _factors(
        accounts, accounts, count + months
    )
    grown = changed.expansion if is_money else 0.0
    # Less churn keeps more accounts at each age, and with them their share of what is kept.
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.maximum(stayed, 1.0)
        scaled = np.where(stayed > 0, np.clip(stayed - changed.churn, 0, most) / stayed, 1.0)
    if changed.churn:
        kept = kept * scaled
    kept = kept * (1 + grown)
    price = 1 + (changed.price if is_money else 0.0)
    begun = [row[0] for row in values[-NEW_MONTHS:]]
    new = sum(begun) / len(begun) * (1 + changed.new)
    current = {place: row[last - place] for place, row in enumerate(values)}
    found = []
    for month in range(1, months + 1):
        for place in current:
            current[place] *= kept[last + month - place]
        current[last + month] = new
        found.append({place: float(price * own) for place, own in current.items()})
    return found


def _factors(values: Triangle, accounts: Triangle, ages: int) -> Any:
    """What is left at each age of what there was at the age before, as expected of a cohort."""
    import numpy as np

    count = len(values)
    after, before, sizes = np.zeros(ages), np.zeros(ages), np.zeros(ages)
    for place, row in enumerate(values):
        for age in range(max(1, count - WINDOW - place), len(row)):
            after[age] += row[age]
            before[age] += row[age - 1]
            sizes[age] += accounts[place][age - 1]
    # Of age k the ages from k / 2 on are the kin: who is old stays better than who is new.
    kin = np.maximum(np.arange(ages) // 2, 1)
    later, earlier = after[::-1].cumsum()[::-1][kin], before[::-1].cumsum()[::-1][kin]
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.where(earlier > 0, later / earlier, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(sizes > 0, before / sizes, 0.0)
    prior = PRIOR * each
    total = before + prior
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(total > 0, (after + pooled * prior) / total, pooled)


def until(triangle: Triangle, count: int) -> list[Sequence[float]]:
    """The triangle as it was when `count` months had closed."""
    return [row[: count - place] for place, row in enumerate(triangle[:count])]


def trailing(series: Sequence[float], months: int) -> list[float]:
    """The last value, growing on as in the last three months on average."""
    recent = series[-TRAILING - 1:]
    steps = [after / before - 1 for before, after in pairwise(recent) if before]
    growth = sum(steps) / len(steps) if steps else 0.0
    return [series[-1] * (1 + growth) ** month for month in range(1, months + 1)]


@dataclass(frozen=True)
class Step:
    """One month ahead of one past month.

    Attributes
    ----------
    origin : int
        The place in the series of the last month that had closed.
    horizon : int
        Months from there on.
    guesses : mapping
        'model', 'trailing', 'last' → what was projected.
    actual : float
    half : float, optional
        Half the width, on the log scale, of the interval that was known at the origin.
    """

    origin: int
    horizon: int
    guesses: Mapping[str, float]
    actual: float
    half: float | None

    @property
    def error(self) -> float:
        """log(actual / projected)."""
        return log(self.actual / self.guesses["model"])

    @property
    def is_inside(self) -> bool | None:
        """Whether the value lay in the interval; None where there was none."""
        return None if self.half is None else abs(self.error) <= self.half

    def miss(self, name: str) -> float:
        """How far a guess was off, as a share of what came."""
        return abs(self.guesses[name] - self.actual) / self.actual


@dataclass(frozen=True)
class Track:
    """What projections from past months came to.

    Attributes
    ----------
    steps : tuple of Step
        By origin, the oldest first, and horizon: those that are judged.
    origins : int
        Past months from which at least one month ahead is known by now.
    errors : mapping
        Horizon → log(actual / projected) of each origin, oldest first.
    misses : dict of str
        'model', 'trailing', 'last' → mean absolute percentage error.
    coverage : float, optional
        Share of values that lay in the interval which was known at their origin.
    """

    steps: tuple[Step, ...]
    origins: int
    errors: dict[int, list[float]]
    misses: dict[str, float]
    coverage: float | None


def tracked(
    values: Triangle, accounts: Triangle, series: Sequence[float], months: int, *,
    is_money: bool = True,
) -> Track:
    """Projections from every past month, with what was known then, beside what came.

    Parameters
    ----------
    series : sequence of float
        The actual whole of each month.
    """
    known: dict[int, list[tuple[int, float]]] = {}
    steps: list[Step] = []
    for count in range(LEAST_MONTHS, len(series)):
        ahead = min(months, len(series) - count)
        own = projected(until(values, count), until(accounts, count), ahead, is_money=is_money)
        past = series[:count]
        plain = {"model": own, "trailing": trailing(past, ahead), "last": [past[-1]] * ahead}
        # Only what had come by this origin was known at it.
        halves = widths({
            horizon: [one for at, one in found if at + horizon <= count]
            for horizon, found in known.items()
        }, ahead)
        for horizon in range(1, ahead + 1):
            actual = series[count + horizon - 1]
            if actual <= 0 or own[horizon - 1] <= 0:
                continue
            guesses = {name: guess[horizon - 1] for name, guess in plain.items()}
            step = Step(count - 1, horizon, guesses, actual, halves[horizon - 1])
            steps.append(step)
            known.setdefault(horizon, []).append((count, step.error))
    judged = [step.is_inside for step in steps if step.is_inside is not None]
    names = ("model", "trailing", "last")
    return Track(
        steps=tuple(steps),
        origins=max(len(series) - LEAST_MONTHS, 0),
        errors={horizon: [one for _, one in found] for horizon, found in known.items()},
        misses={
            name: float(sum(step.miss(name) for step in steps) / len(steps)) for name in names
        } if steps else {},
        coverage=sum(judged) / len(judged) if judged else None,
    )


def widths(errors: Mapping[int, Sequence[float]], months: int) -> list[float | None]:
    """Half the width of the interval at each horizon, on the log scale; it never narrows.

    Parameters
    ----------
    errors : mapping
        Horizon → past errors.
    """
    found: list[float | None] = []
    widest = 0.0
    for horizon in range(1, months + 1):
        half = _width(errors.get(horizon, ()))
        widest = max(widest, half or 0.0)
        found.append(None if half is None else widest)
    return found


def _width(errors: Sequence[float]) -> float | None:
    if len(errors) < LEAST_ERRORS:
        return None
    from scipy.stats import t

    # About 0, not about their mean: a model that was off one way may be off so again.
    spread = sqrt(sum(one * one for one in errors) / len(errors))
    return float(t.ppf((1 + LEVEL) / 2, len(errors))) * spread


def around(value: float, half: float) -> tuple[float, float]:
    """An interval around a value, of a half width on the log scale."""
    return value * exp(-half), value * exp(half)
