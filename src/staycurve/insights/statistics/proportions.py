"""Shares of accounts with their intervals, and tests that say what is beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    HighField,
    Key,
    LowField,
    Measure,
    WhyField,
    col,
)
from staycurve.metrics.base import Unit

ALPHA = 0.01
"""Chance that an answer names anything where there is nothing.

Named is what people act on, and a company asks often: at 0.05 one answer in twenty would name
something by chance. A larger value names more, and more of it wrongly.
"""

LEVEL = 0.95
"""Of every interval of a share or of a difference of shares."""


@dataclass(frozen=True)
class Share(Measure):
    """`count` of `size` accounts, with the Wilson interval of the chance behind it.

    `value`, `low` and `high` are None where there are no accounts.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22:209-212.
    """

    count: Annotated[int, Key(N_("How many of them."))]
    size: Annotated[int, Key(N_("Of how many."))]
    value: Annotated[
        float | None, col(N_("Share"), Unit.PERCENT, N_("count / size"), ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    why: WhyField = None

    def because(self, why: str) -> Share:
        """The same; where there are no accounts, with the reason."""
        return self if self.value is not None else replace(self, why=why)

    def hidden(self, why: str) -> Share:
        """What it counts, without a value, and why there is none."""
        return replace(self, value=None, low=None, high=None, why=why)


@lru_cache(maxsize=8192)
def share(count: int, size: int) -> Share:
    """The share of `count` in `size`."""
    if size == 0:
        return Share(count, size, None, None, None)
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(count, size, alpha=1 - LEVEL, method="wilson")
    # At 0 and at `size` rounding leaves the bound a hair outside.
    return Share(count, size, count / size, max(0.0, float(low)), min(1.0, float(high)))


def difference(one: Share, other: Share) -> tuple[float, float, float] | None:
    """One share less another, and its interval by Newcombe's hybrid score method.

    None where either has no accounts.

    References
    ----------
    Newcombe (1998), Stat. Med. 17:873-890, method 10.
    """
    if one.value is None or other.value is None:
        return None
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        one.count, one.size, other.count, other.size, method="newcomb", compare="diff",
        alpha=1 - LEVEL, correction=False,
    )
    return one.value - other.value, float(low), float(high)


def larger_by_chance(one: Share, other: Share) -> float:
    """Chance of a share as large as `one`'s if both have the same: Fisher's exact test.

    Both sides are estimates; taking the other for known would name too much.
    """
    from scipy.stats import hypergeom

    whole, left = one.size + other.size, one.count + other.count
    return float(hypergeom.sf(one.count - 1, whole, left, one.size))


def different_by_chance(one: Share, other: Share) -> float:
    """Chance of shares as far apart if both are the same: Fisher's exact test, two-sided."""
    from scipy.stats import fisher_exact

    table = [[one.count, one.size - one.count], [other.count, other.size - other.count]]
    return float(fisher_exact(table).pvalue)


def adjusted(chances: Sequence[float]) -> list[float]:
    """Chances raised by Holm's method, so that one of them below ALPHA is rare where all are 0.

    References
    ----------
    Holm (1979), Scand. J. Stat. 6:65-70.
    """
    # Not statsmodels' multipletests, which gives the same: it collects garbage on each call.
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    raised = [0.0] * len(chances)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, chances[place] * (len(chances) - rank)))
        raised[place] = largest
    return raised
