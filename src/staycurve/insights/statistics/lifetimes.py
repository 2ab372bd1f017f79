"""How long accounts stay, in whole months: the table of a life, its mean and its median.

A month counts who paid into it. So the mean of months paid, up to a horizon of N, is
S(0) + S(1) + … + S(N − 1), where S(k) is the share still paying after k months and S(0) is 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from staycurve.errors import UsageError
from staycurve.insights.statistics.survival import Counts, kaplan_meier


@dataclass(frozen=True)
class LifeMonth:
    """One month of a life table.

    Attributes
    ----------
    month : int
        From 1.
    at_risk, left : int
        Who paid into the month, and who of them left in it.
    survival, low, high : float
        The share still paying after it (Kaplan-Meier), and its 95% interval.
    """

    month: int
    at_risk: int
    left: int
    survival: float
    low: float
    high: float


@dataclass(frozen=True)
class LifeTable:
    """Every month in which anybody was followed, in order and without gaps.

    Attributes
    ----------
    accounts : int
        All accounts, those included of which no whole month is seen yet.
    """

    months: tuple[LifeMonth, ...]
    accounts: int

    @property
    def followed(self) -> int:
        """The longest time that anybody was followed, in months."""
        return len(self.months)

    @property
    def left(self) -> int:
        """All who left."""
        return sum(month.left for month in self.months)

    @property
    def median(self) -> int | None:
        """The first month after which half or fewer still pay; None where more do to the end."""
        # A hair above: one half reached in floating point must count as one half.
        return next((m.month for m in self.months if m.survival <= 0.5 + 1e-12), None)

    def reaches(self, horizon: int) -> bool:
        """Whether the curve is known up to a horizon: followed so far, or nobody is left."""
        return horizon <= self.followed or bool(self.months and self.months[-1].survival == 0)

    def restricted_mean(self, horizon: int) -> float:
        """Mean months paid, of which only the first `horizon` count.

        Raises
        ------
        UsageError
            If the curve is not known that far: it is not extended beyond what was seen.

        References
        ----------
        Royston & Parmar (2013), BMC Med. Res. Methodol. 13:152.
        """
        if not self.reaches(horizon):
            raise UsageError(
                f"Nobody was followed for {horizon} months, only for {self.followed}.",
                hint="Ask for a horizon within what was seen.",
            )
        return sum(self.survival[:horizon])

    @property
    def survival(self) -> Sequence[float]:
        """S(0), S(1), …: one more value than months."""
        return (1.0, *(month.survival for month in self.months))


def life_table(counts: Counts) -> LifeTable:
    """The life table of counts by month: who left in it, and who was last seen after it.

    Month 0 holds who is followed for no whole month yet.
    """
    curve = kaplan_meier({month: counts[month] for month in sorted(counts)})
    points = {point.time: point for point in curve.points}
    at_risk = sum(left + censored for left, censored in counts.values())
    at_risk -= sum(counts.get(0, (0, 0)))
    survival, low, high = 1.0, 1.0, 1.0
    months = []
    for month in range(1, curve.last + 1):
        left, censored = counts.get(month, (0, 0))
        if month in points:
            point = points[month]
            survival, low, high = 1 - point.share, 1 - point.high, 1 - point.low
        months.append(LifeMonth(month, at_risk, left, survival, low, high))
        at_risk -= left + censored
    return LifeTable(tuple(months), curve.size)
