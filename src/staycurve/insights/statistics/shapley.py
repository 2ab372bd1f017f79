"""Contributions that sum to a change: Shapley values, and their shares of printed digits.

References
----------
Shapley (1953), "A value for n-person games", for the values; Shorrocks (2013), J. Econ. Inequal.
11:99-126, for taking them as contributions of the factors of any formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import comb, floor

MOST = 12
"""Factors that are told apart: each more doubles the work, and 2^12 formulas take a tenth of a
second."""

Mixed = Callable[[int], Fraction | None]
"""The value where the factors whose bits are set have changed; None where it has none."""


def contributions(value: Mixed, count: int) -> list[Fraction] | None:
    """What each of `count` factors adds to value(all changed) − value(none changed).

    A factor's part is the mean, over every order in which the factors could change one after
    another, of what its own change adds. The parts sum to the change exactly.

    Returns
    -------
    list of Fraction, optional
        None where the value is empty for any mix of changed and unchanged factors.

    Raises
    ------
    ValueError
        If there are more than `MOST`.
    """
    if count > MOST:
        raise ValueError(f"{count} factors are more than {MOST}")
    values = []
    for mix in range(1 << count):
        found = value(mix)
        if found is None:
            return None
        values.append(found)
    weights = [Fraction(1, count * comb(count - 1, size)) for size in range(count)]
    parts = []
    for place in range(count):
        bit = 1 << place
        parts.append(sum(
            (weights[mix.bit_count()] * (values[mix | bit] - values[mix])
             for mix in range(1 << count) if not mix & bit),
            Fraction(0),
        ))
    return parts


def units_of(value: Fraction, places: int) -> int:
    """A value in units of its last decimal place, rounded half up."""
    scaled: Fraction = value * 10**places + Fraction(1, 2)
    return floor(scaled)


def shared_out(parts: Sequence[Fraction], whole: int, places: int) -> list[int]:
    """Parts in units of the last decimal place that sum to `whole` units.

    Each is rounded down or up; those that lose most by rounding down are rounded up (largest
    remainders).

    Parameters
    ----------
    whole : int
        The sum of the parts in the same units, off by rounding alone.
    """
    exact = [part * 10**places for part in parts]
    found = [floor(part) for part in exact]
    left = whole - sum(found)
    order = sorted(range(len(parts)), key=lambda place: (found[place] - exact[place], place))
    for turn in range(abs(left) if parts else 0):
        found[order[turn % len(order)]] += 1 if left > 0 else -1
    return found
