"""Kaplan-Meier: the share that is not there yet, with those still on their way censored.

The curve is written here: statsmodels has Greenwood's variance for one row an account alone (for
counts, which come from the engine, it takes Tsiatis'), and no interval of a share on the log-log
scale. lifelines 0.30 asks for pandas below 3, which the project is past.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import Key, Kind, Row, col
from staycurve.insights.statistics.proportions import LEVEL
from staycurve.metrics.base import Unit

Counts = Mapping[int, tuple[int, int]]
"""Time → (how many got there then, how many were last seen then without it)."""


@dataclass(frozen=True)
class CurvePoint(Row):
    """The curve right after a time at which somebody got there.

    Attributes
    ----------
    share, low, high : float
        The share that has got there, and its 95% interval.
    """

    time: Annotated[int, Key(N_("Time since the start."))]
    at_risk: Annotated[int, Key(N_("Those without it so far, and still observed."))]
    events: Annotated[int, Key(N_("Who reached it at this time."))]
    share: Annotated[
        float, col(N_("Share"), Unit.PERCENT, N_("There by then."), ends=("low", "high"))
    ]
    low: Annotated[float, Key(N_("The lower end of its 95% interval."))]
    high: Annotated[float, Key(N_("The upper end of its 95% interval."))]


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier curve.

    Attributes
    ----------
    points : tuple of CurvePoint
        In order of time.
    size : int
        All who were followed.
    last : int
        The longest time that anybody was followed.
    """

    points: tuple[CurvePoint, ...]
    size: int
    last: int

    def at(self, time: int) -> CurvePoint | None:
        """The curve at a time; None where nobody was followed that long."""
        if not self.size or time > self.last:
            return None
        before = [point for point in self.points if point.time <= time]
        return before[-1] if before else CurvePoint(time, self.size, 0, 0.0, 0.0, 0.0)

    def quantile(self, share: float) -> tuple[int | None, int | None, int | None]:
        """The first time by which `share` has got there, and its 95% interval.

        An end is None where the curve, or its bound, never gets that far. The interval holds the
        times at which the pointwise interval of the curve holds `share` (Brookmeyer & Crowley
        1982, Biometrics 38:29-41, on the log-log scale).
        """
        return (
            self._first(share, "share"), self._first(share, "high"), self._first(share, "low")
        )

    def _first(self, share: float, side: str) -> int | None:
        # A hair below: 0.5 reached in floating point must count as 0.5.
        return next(
            (p.time for p in self.points if getattr(p, side) >= share - 1e-12), None
        )


def kaplan_meier(counts: Counts) -> Curve:
    """The curve of times that are whole numbers.

    Censored at the same time as somebody got there counts as still at risk then. The interval is
    Greenwood's variance on the log-log scale, as in Kalbfleisch & Prentice (1980), "The
    Statistical Analysis of Failure Time Data"; lifelines has the same.
    """
    from math import exp, log, sqrt

    from scipy.stats import norm

    z = float(norm.ppf((1 + LEVEL) / 2))
    at_risk = size = sum(events + censored for events, censored in counts.values())
    survival, greenwood = 1.0, 0.0
    points = []
    for time in sorted(counts):
        events, censored = counts[time]
        if events:
            survival *= 1 - events / at_risk
            if events < at_risk:
                greenwood += events / (at_risk * (at_risk - events))
                width = z * sqrt(greenwood) / log(survival)
                # The exponent's sign: log(survival) is below 0.
                low, high = survival ** exp(-width), survival ** exp(width)
            else:
                # All have got there: the log-log interval has no width left to state.
                low = high = survival = 0.0
            low, high = min(low, high), max(low, high)
            points.append(CurvePoint(time, at_risk, events, 1 - survival, 1 - high, 1 - low))
        at_risk -= events + censored
    return Curve(tuple(points), size, max(counts, default=0))


def counted(rows: Iterable[tuple[int, bool, int]]) -> dict[int, tuple[int, int]]:
    """Counts from rows of (time, whether they got there, how many)."""
    found: dict[int, tuple[int, int]] = {}
    for time, is_event, size in rows:
        events, censored = found.get(time, (0, 0))
        found[time] = (events + size, censored) if is_event else (events, censored + size)
    return found


@dataclass(frozen=True)
class LogRank(Row):
    """The log-rank test of several curves."""

    statistic: Annotated[
        float | None, col(N_("Chi-squared"), Unit.RATIO, N_("Of the log-rank test."))
    ]
    p_value: Annotated[
        float | None,
        col(N_("p"), Kind.CHANCE, N_("p-value: how likely such differences are by chance.")),
    ]


def log_rank(groups: Sequence[Counts]) -> LogRank | None:
    """Whether curves differ: the log-rank test.

    None for less than two groups with anybody, or where nobody got there. A group that was gone
    before anything could tell groups apart counts as none.

    References
    ----------
    Peto & Peto (1972), J. R. Stat. Soc. A 135:185-207; statsmodels' `survdiff`.
    """
    filled = [group for group in groups if any(e + c for e, c in group.values())]
    times = {time for group in filled for time, (events, _) in group.items() if events}
    if len(filled) < 2 or not times:
        return None
    # Where all who are left get there at once, nothing tells one group from another.
    first = next(
        (at for at in sorted(times) if _at_risk(filled, at) > _events(filled, at)), None
    )
    known = [group for group in filled if first is not None and _at_risk([group], first)]
    if len(known) < 2:
        return LogRank(0.0, 1.0)

    import numpy as np
    from scipy.stats import chi2
    from statsmodels.duration.survfunc import survdiff

    rows = np.array(
        [
            (time, is_event, place, size)
            for place, group in enumerate(known)
            for time, sizes in group.items()
            for is_event, size in zip((1, 0), sizes, strict=True)
        ]
    )
    # It knows no counts: one row an account, which takes 0.1 s for 200,000 of them.
    time, is_event, place = np.repeat(rows[:, :3], rows[:, 3], axis=0).T
    statistic, _ = survdiff(time, is_event, place)
    # Not its own chance, which is 1 − cdf: below 1e-16 that is 0.
    return LogRank(float(statistic), float(chi2.sf(statistic, len(known) - 1)))


def differ_by_chance(groups: Sequence[Counts]) -> float | None:
    """Chance of curves as far apart if all groups have the same; see `log_rank`."""
    found = log_rank(groups)
    return found.p_value if found else None


def _at_risk(groups: Sequence[Counts], at: int) -> int:
    return sum(e + c for group in groups for time, (e, c) in group.items() if time >= at)


def _events(groups: Sequence[Counts], at: int) -> int:
    return sum(group.get(at, (0, 0))[0] for group in groups)
