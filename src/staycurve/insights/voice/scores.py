"""Scores with honest intervals: NPS by adjusted Wald, shares of content answers by Wilson."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from staycurve.i18n import N_
from staycurve.insights.statistics.proportions import (
    LEVEL,
    difference as share_difference,
    different_by_chance,
    share,
)

KINDS = {"nps": N_("NPS"), "csat": N_("CSAT"), "ces": N_("CES")}
"""The scores that are read, in the order in which answers list them."""

SCALES = {"nps": 10, "csat": 5, "ces": 7}
"""The best score of a kind where an answer does not say it."""

UNITS = {"nps": "score", "csat": "percent", "ces": "percent"}

NO_ANSWERS = N_("nobody answered in the range")


@dataclass(frozen=True)
class Score:
    """Answers of one kind: how many are high and low, and the score with its 95% interval.

    Attributes
    ----------
    high, low_count, size : int
        Promoters and detractors of an NPS; of CSAT and CES content answers and the others.
    value, low, high_end : float, optional
        From -100 to 100 for NPS, from 0 to 1 otherwise; None without answers.
    """

    kind: str
    high: int
    low_count: int
    size: int

    @property
    def value(self) -> float | None:
        """The score itself, as the metric of its name has it."""
        if not self.size:
            return None
        if self.kind == "nps":
            return (self.high - self.low_count) * 100 / self.size
        return self.high / self.size

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Its 95% interval."""
        if not self.size:
            return None, None
        if self.kind == "nps":
            middle, error = _nps(self.high, self.low_count, self.size)
            width = _z() * error
            return max(-100.0, 100 * (middle - width)), min(100.0, 100 * (middle + width))
        found = share(self.high, self.size)
        return found.low, found.high


def _z() -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + LEVEL) / 2))


def _nps(promoters: int, detractors: int, size: int) -> tuple[float, float]:
    """NPS as a fraction and its standard error, with three answers added.

    Three quarters of an answer go to either side, one and a half to the middle: the plain variance
    is 0 where all answer alike, and covers as little as 55% at five answers. This one covers 91%
    or more at 5 to 50 answers where a tenth or more of people stand on either side, and 93% from
    ten on where a twentieth does; with 2% on one side it covers 84% at five answers, 89% at ten.

    References
    ----------
    Rocks (2016), "Interval Estimation for the 'Net Promoter Score'", Am. Stat. 70:365-372.
    """
    whole = size + 3
    up, down = (promoters + 0.75) / whole, (detractors + 0.75) / whole
    return up - down, sqrt((up + down - (up - down) ** 2) / whole)


@dataclass(frozen=True)
class Change:
    """One score less another, with its 95% interval and the chance of one so large."""

    value: float
    low: float
    high: float
    p_value: float


def change(one: Score, other: Score) -> Change | None:
    """The difference of two scores of people that were asked independently; None without answers.

    NPS by the adjusted variances of both sides, CSAT and CES by Newcombe's interval and Fisher's
    exact test.
    """
    if one.value is None or other.value is None:
        return None
    if one.kind == "nps":
        from scipy.stats import norm

        (own, own_error), (rest, rest_error) = (
            _nps(side.high, side.low_count, side.size) for side in (one, other)
        )
        error = sqrt(own_error ** 2 + rest_error ** 2)
        gap, width = own - rest, _z() * error
        return Change(
            one.value - other.value, max(-200.0, 100 * (gap - width)),
            min(200.0, 100 * (gap + width)), float(2 * norm.sf(abs(gap) / error)),
        )
    first, second = share(one.high, one.size), share(other.high, other.size)
    found = share_difference(first, second)
    assert found is not None
    return Change(*found, different_by_chance(first, second))


def merged(scores: Sequence[Score]) -> Score:
    """The score of all their answers together."""
    return Score(
        scores[0].kind, sum(one.high for one in scores), sum(one.low_count for one in scores),
        sum(one.size for one in scores),
    )


def is_high_sql(row: str) -> str:
    """SQL: whether an answer is a promoter's, or content.

    CSAT: 4–5 of 5 and 7–10 of 10, as the metric counts them; CES: 5–7 of 7, where a high score
    says that it was easy. Other scales take the same upper part, from 0.7 of the best score on.
    """
    return (
        f"CASE WHEN {row}.kind = 'nps' THEN {row}.score >= 9 "
        f"WHEN coalesce({row}.scale_max, {SCALES['csat']}) = 5 AND {row}.kind = 'csat' "
        f"THEN {row}.score >= 4 "
        f"WHEN {row}.kind = 'csat' THEN {row}.score >= 0.7 * {row}.scale_max "
        f"ELSE {row}.score >= 0.7 * coalesce({row}.scale_max, {SCALES['ces']}) END"
    )


def is_low_sql(row: str) -> str:
    """SQL: whether an answer is a detractor's, or not content."""
    return (
        f"CASE WHEN {row}.kind = 'nps' THEN {row}.score <= 6 ELSE NOT ({is_high_sql(row)}) END"
    )
