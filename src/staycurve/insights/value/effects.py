"""Size and rate effects: how much of a change each segment brought, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

Pair = tuple[Fraction, Fraction]
"""Before and after."""


@dataclass(frozen=True)
class Effect:
    """What a segment added to a change.

    Attributes
    ----------
    size : Fraction
        By being larger or smaller.
    rate : Fraction
        By being otherwise.
    """

    size: Fraction
    rate: Fraction

    @property
    def whole(self) -> Fraction:
        """Both."""
        return self.size + self.rate


def ratio_effects(tops: list[Pair], bottoms: list[Pair], whole: tuple[Pair, Pair]) -> list[Effect]:
    """The effects of segments on a ratio of sums.

    The ratio is the mean of the segments' rates, each weighted by its share of what is below the
    line. A segment's size effect is the change of its share × how far its mean rate lies from the
    whole's mean rate: growth of a segment that is better than the whole makes the whole better.
    Its rate effect is the change of its rate × its mean share. Where segments sum to the whole, the
    effects sum to its change.

    Parameters
    ----------
    tops, bottoms : list of (before, after)
        Of each segment, above and below the line.
    whole : (top, bottom)
        Of all together; nothing below the line may be 0.
    """
    top, bottom = whole
    middle = (top[0] / bottom[0] + top[1] / bottom[1]) / 2
    found = []
    for own, below in zip(tops, bottoms, strict=True):
        added = own[1] / bottom[1] - own[0] / bottom[0]
        grown = below[1] / bottom[1] - below[0] / bottom[0]
        # A segment that was not there, or is no more, has the rate of when it was.
        rates = [n / d for n, d in zip(own, below, strict=True) if d]
        mean = sum(rates, Fraction(0)) / len(rates) if rates else Fraction(0)
        size = grown * (mean - middle) if rates else Fraction(0)
        # The middle rate times all changes of share is 0 in sum, so it may be taken off here.
        found.append(Effect(size, added - grown * middle - size))
    return found


def sum_effects(values: list[Pair], sizes: list[Pair] | None) -> list[Effect]:
    """The effects of segments on a sum.

    Parameters
    ----------
    values : list of (before, after)
        Of each segment.
    sizes : list of (before, after), optional
        How many each value is of; without them all is size.
    """
    if sizes is None:
        return [Effect(after - before, Fraction(0)) for before, after in values]
    found = []
    for value, size in zip(values, sizes, strict=True):
        means = [v / n for v, n in zip(value, size, strict=True) if n]
        mean = sum(means, Fraction(0)) / len(means) if means else Fraction(0)
        grown = (size[1] - size[0]) * mean
        found.append(Effect(grown, value[1] - value[0] - grown))
    return found
