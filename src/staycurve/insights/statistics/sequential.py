"""Looks planned in advance: bounds by which a running experiment may be judged several times.

The chance of error is spent as information accrues, by the function of Lan and DeMets (1983) that
comes near the bounds of O'Brien and Fleming (1979): hardly any at early looks. Bounds are two-sided
and symmetric; the chance to cross one is integrated from look to look, as Armitage, McPherson and
Rowe (1969) do.

References
----------
Lan & DeMets (1983), Biometrika 70:659-663. O'Brien & Fleming (1979), Biometrics 35:549-556.
Armitage, McPherson & Rowe (1969), J. R. Stat. Soc. A 132:235-244.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import Any

_NORMAL = NormalDist()
POINTS = 601
"""Of the grid between two bounds: twice as many move no bound in its fourth digit."""
FARTHEST = 8.0
"""A bound beyond it is never crossed: its chance is below 10⁻¹⁴."""


def spent(information: float, alpha: float) -> float:
    """The chance of error, of both sides, that may be used up to a share of the information."""
    if information <= 0:
        return 0.0
    z = _NORMAL.inv_cdf(1 - alpha / 4)
    return 2 * alpha_tail(z / math.sqrt(min(1.0, information)))


def alpha_tail(z: float) -> float:
    """The chance of both tails of a standard normal beyond z."""
    return math.erfc(z / math.sqrt(2))


@lru_cache(maxsize=64)
def bounds(information: tuple[float, ...], alpha: float = 0.05) -> tuple[float, ...]:
    """The |z| that ends an experiment, at each look.

    Parameters
    ----------
    information : tuple of float, shape (k,)
        The share (0-1) of all information that each look has, rising.
    alpha : float
        The chance that any look crosses its bound where there is no effect.
    """
    from scipy.optimize import brentq

    found: list[float] = []
    before = 0.0
    walk = _Walk(0.0)
    for share in information:
        allowed = spent(share, alpha) - before
        before += allowed
        crossing = walk.crossing(share)

        def left(z: float, share: float = share, crossing: Any = crossing,
                 allowed: float = allowed) -> float:
            return float(sum(crossing(z * math.sqrt(share)))) - allowed

        bound = FARTHEST if left(FARTHEST) > 0 else float(brentq(left, 0.0, FARTHEST, xtol=1e-9))
        found.append(bound)
        walk.step(share, bound * math.sqrt(share))
    return tuple(found)


def chances(
    information: Sequence[float], limits: Sequence[float], drift: float = 0.0
) -> list[tuple[float, float]]:
    """The chance to cross the lower and the upper bound first at each look, shape (k, 2).

    Parameters
    ----------
    drift : float
        The mean of z once all information is there; 0 is no effect.
    """
    walk = _Walk(drift)
    found = []
    for share, limit in zip(information, limits, strict=True):
        edge = limit * math.sqrt(share)
        found.append(walk.crossing(share)(edge))
        walk.step(share, edge)
    return found


def power(information: Sequence[float], limits: Sequence[float], drift: float) -> float:
    """The chance that some look crosses the bound on the effect's side."""
    side = 1 if drift >= 0 else 0
    return sum(one[side] for one in chances(information, limits, drift))


@lru_cache(maxsize=64)
def inflation(looks: int, alpha: float = 0.05, beta: float = 0.2) -> float:
    """How many times as many accounts it takes, with equally spaced looks, for the same power."""
    from scipy.optimize import brentq

    if looks == 1:
        return 1.0
    information = equal(looks)
    limits = bounds(information, alpha)
    plain = _NORMAL.inv_cdf(1 - alpha / 2) + _NORMAL.inv_cdf(1 - beta)
    drift = brentq(
        lambda one: power(information, limits, one) - (1 - beta), plain * 0.9, plain * 1.4
    )
    return float((drift / plain) ** 2)


def equal(looks: int) -> tuple[float, ...]:
    """Equally spaced looks, the last with all information."""
    return tuple((place + 1) / looks for place in range(looks))


class _Walk:
    """A Brownian motion with drift that has not crossed a bound yet, from look to look."""

    def __init__(self, drift: float) -> None:
        self.drift = drift
        self.at = 0.0
        self.points: Any = None
        self.weights: Any = None
        """The density at each point times the width that it stands for."""

    def crossing(self, share: float) -> Callable[[float], tuple[float, float]]:
        """Edge → the chance to be below -edge, and above edge, at a look."""
        from scipy.special import ndtr

        spread = math.sqrt(share - self.at)
        ahead = self.drift * (share - self.at)
        if self.points is None:
            return lambda edge: (
                float(ndtr((-edge - ahead) / spread)), float(ndtr((ahead - edge) / spread))
            )
        points, weights = self.points, self.weights
        return lambda edge: (
            float(ndtr((-edge - points - ahead) / spread) @ weights),
            float(ndtr((points + ahead - edge) / spread) @ weights),
        )

    def step(self, share: float, edge: float) -> None:
        """Go on from between the bounds of a look."""
        import numpy as np

        spread = math.sqrt(share - self.at)
        ahead = self.drift * (share - self.at)
        # Beyond some nine standard deviations there is nothing to add up.
        low = max(-edge, self.drift * share - 9 * math.sqrt(share))
        high = min(edge, self.drift * share + 9 * math.sqrt(share))
        to = np.linspace(low, high, POINTS)
        if self.points is None:
            density = np.exp(-0.5 * ((to - ahead) / spread) ** 2)
        else:
            gaps = (to[:, None] - self.points[None, :] - ahead) / spread
            density = np.exp(-0.5 * gaps**2) @ self.weights
        density /= spread * math.sqrt(2 * math.pi)
        simpson = np.ones(POINTS)
        simpson[1:-1:2], simpson[2:-1:2] = 4.0, 2.0
        self.weights = density * simpson * (to[1] - to[0]) / 3
        self.points, self.at = to, share
