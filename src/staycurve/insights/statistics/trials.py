"""Two arms: how many accounts it takes to see a difference, and what was seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()
MISMATCH = 0.001
"""Below this chance the arms are not of the sizes that were drawn: something filtered accounts
after they were assigned, and the difference means nothing. A check on every look must be strict."""


def accounts_an_arm(
    base: float, effect: float, *, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Accounts in each arm to see one share change into another.

    Normal approximation, two-sided, each arm with its own variance, without a continuity
    correction: (z₁₋α⸝₂ + z_power)² (p₁(1−p₁) + p₂(1−p₂)) / (p₁−p₂)², rounded up.

    Parameters
    ----------
    base, effect : float
        Shares (0-1) without and with what is tried; they differ.
    """
    z = _NORMAL.inv_cdf(1 - alpha / 2) + _NORMAL.inv_cdf(power)
    spread = base * (1 - base) + effect * (1 - effect)
    # A hair below: a whole number reached in floating point needs no account more.
    return math.ceil(z * z * spread / (base - effect) ** 2 - 1e-9)


def accounts_for_means(
    spread: float, gap: float, *, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Accounts in each arm to see two means apart: 2 σ² (z₁₋α⸝₂ + z_power)² / gap², rounded up.

    Parameters
    ----------
    spread : float
        The standard deviation σ between accounts, the same in both arms.
    """
    z = _NORMAL.inv_cdf(1 - alpha / 2) + _NORMAL.inv_cdf(power)
    return max(2, math.ceil(2 * (z * spread / gap) ** 2 - 1e-9))


def smallest_gap(spread: float, arm: int, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest distance of two means that so many accounts in each arm show."""
    z = _NORMAL.inv_cdf(1 - alpha / 2) + _NORMAL.inv_cdf(power)
    return z * spread * math.sqrt(2 / arm)


def power_of(base: float, effect: float, arm: int, *, alpha: float = 0.05) -> float:
    """The chance (0-1) to see a change with so many accounts in each arm."""
    spread = base * (1 - base) + effect * (1 - effect)
    drift = abs(base - effect) * math.sqrt(arm / spread)
    return _NORMAL.cdf(drift - _NORMAL.inv_cdf(1 - alpha / 2))


def smallest_seen(
    base: float, arm: int, *, is_rise: bool, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """The share nearest to `base` that so many accounts in each arm tell from it; None if none."""
    from scipy.optimize import brentq

    edge = 1.0 if is_rise else 0.0

    def lacking(share: float) -> float:
        return power - power_of(base, share, arm, alpha=alpha)

    near = base + (edge - base) * 1e-6
    far = base + (edge - base) * (1 - 1e-9)
    if lacking(far) > 0 or lacking(near) < 0:
        return None
    return float(brentq(lacking, near, far, xtol=1e-10))


def mismatch(sizes: Sequence[int], shares: Sequence[float]) -> float:
    """Chance of arms of these sizes, or odder ones, under the shares they were drawn with: the
    chi-squared test of a sample-ratio mismatch.

    References
    ----------
    Fabijan et al. (2019), KDD '19:2156-2164.
    """
    from scipy.stats import chisquare

    whole = sum(sizes)
    if not whole:
        return 1.0
    return float(chisquare(sizes, [whole * share for share in shares]).pvalue)


@dataclass(frozen=True)
class Estimate:
    """A difference of means between arms, and its standard error.

    Attributes
    ----------
    reduction : float
        The share (0-1) of the variance that what was known before took away.
    """

    difference: float
    error: float
    reduction: float = 0.0

    @property
    def z(self) -> float:
        """In standard errors; 0 where nothing varies."""
        return self.difference / self.error if self.error else 0.0

    def interval(self, z: float) -> tuple[float, float]:
        """So many standard errors to both sides."""
        return self.difference - z * self.error, self.difference + z * self.error


def estimated(
    treated: Sequence[float], control: Sequence[float],
    before: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Estimate | None:
    """Treated less control; with what each account's value was before, adjusted for it (CUPED).

    The adjustment takes away what could be foretold: value − θ (before − its mean), with θ =
    cov(value, before) / var(before) over both arms. It moves no expected difference, as arms are
    drawn at random. None with fewer than two accounts in an arm.

    References
    ----------
    Deng, Xu, Kohavi & Walker (2013), WSDM '13:123-132.
    """
    import numpy as np

    one, other = np.asarray(treated, dtype=float), np.asarray(control, dtype=float)
    if min(len(one), len(other)) < 2:
        return None
    plain = float(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    variance = plain
    if before is not None:
        x_one, x_other = (np.asarray(arm, dtype=float) for arm in before)
        # Centred within arms, so that an effect does not pass for a relation.
        x = np.concatenate([x_one - x_one.mean(), x_other - x_other.mean()])
        y = np.concatenate([one - one.mean(), other - other.mean()])
        spread = float(x @ x)
        if spread > 0:
            theta = float(x @ y) / spread
            middle = float(np.concatenate([x_one, x_other]).mean())
            one, other = one - theta * (x_one - middle), other - theta * (x_other - middle)
            variance = float(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    return Estimate(
        float(one.mean() - other.mean()), math.sqrt(variance),
        max(0.0, 1 - variance / plain) if plain else 0.0,
    )


def always_valid(estimate: Estimate, sizes: tuple[int, int], *, planned: int,
                 alpha: float = 0.05) -> tuple[float, float]:
    """A confidence sequence: an interval that holds at every look at once, however many there are.

    Parameters
    ----------
    planned : int
        Accounts at which it is to be narrowest; it holds with any other number too.

    References
    ----------
    Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Ann. Stat. 52:2613-2640.
    """
    count = sum(sizes)
    # The width at `planned` is least for this ρ² (their appendix on tuning).
    rho = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha)) + 1) / planned
    inside = count * rho + 1
    radius = math.sqrt(inside / (count * rho) * math.log(inside / alpha**2))
    return estimate.interval(radius)
