"""Retention over cohorts: second-month and annual retention as trends, and trait against trait.

Retention at age k is the share of a cohort's accounts that pay at the close of the k-th month after
the activation month: the matrix's column k. Second-month retention is age 1, annual is age 12.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from staycurve.errors import UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.cohorts import changepoint
from staycurve.insights.cohorts.cohort_traits import Comparison, compared, gap_shown, shown
from staycurve.insights.shared.members import (
    NO_CLOSED_MONTH,
    NOBODY,
    Question,
    Segment,
    members_sql,
    segs_of,
    spells_sql,
)
from staycurve.insights.statistics.proportions import ALPHA, Share, adjusted, difference, share
from staycurve.metrics.cohorts import SMALL
from staycurve.period import month_index, month_start, period_of

SECOND_MONTH, ANNUAL = 1, 12
PERS = ("month", "quarter", "year", "all")

TOO_YOUNG = N_("no cohort has closed the month of this age yet")
TOO_FEW_COHORTS = N_(
    "too few: a change needs {cohorts} cohorts and {accounts} accounts on either side"
)
NO_CHANGE = N_("no change beyond chance")
ONE_COHORT = N_("there is one cohort: nothing to compare it with")


@dataclass(frozen=True)
class Point:
    """The accounts of a cohort that pay at an age, of those whose month of that age has closed.

    Attributes
    ----------
    cohort : date, optional
        The first day of the cohort's period; None where all are taken together.
    """

    segment: Mapping[str, str | None]
    cohort: dt.date | None
    age: int
    kept: Share

    def as_dict(self) -> dict[str, Any]:
        """One row as `--format json` prints it."""
        return {
            "segment": dict(self.segment),
            "cohort": self.cohort and str(self.cohort),
            "age": self.age,
            **shown(self.kept),
            "is_small": self.kept.size < SMALL,
        }


@dataclass(frozen=True)
class Change:
    """A changepoint beyond chance.

    Attributes
    ----------
    cohort : date
        The first cohort after the change.
    between : tuple of date
        The first and the last cohort at which it may have begun nearly as well.
    p_value : float
        Raised for the number of trends of the answer (Holm).
    """

    cohort: dt.date
    between: tuple[dt.date, dt.date]
    before: Share
    after: Share
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """As `--format json` prints it."""
        return {
            "cohort": str(self.cohort),
            "between": [str(day) for day in self.between],
            "before": shown(self.before),
            "after": shown(self.after),
            "p_value": self.p_value,
        }


@dataclass(frozen=True)
class Trend:
    """Retention at one age over the cohorts of one segment, the newer half against the older.

    Attributes
    ----------
    older, newer : tuple of (first cohort, last cohort, Share), optional
        With an odd number of cohorts the middle one is among the older.
    difference : tuple of float, optional
        Newer less older, and its 95% interval.
    why : str, optional
        Why something of it is empty, or that nothing changed beyond chance.
    """

    segment: Mapping[str, str | None]
    age: int
    cohorts: int
    whole: Share
    older: tuple[dt.date, dt.date, Share] | None = None
    newer: tuple[dt.date, dt.date, Share] | None = None
    difference: tuple[float, float, float] | None = None
    change: Change | None = None
    why: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """One row as `--format json` prints it."""
        return {
            "segment": dict(self.segment),
            "age": self.age,
            "cohorts": self.cohorts,
            **shown(self.whole),
            "older": self.older and _half(*self.older),
            "newer": self.newer and _half(*self.newer),
            **gap_shown(self.difference),
            "changepoint": self.change and self.change.as_dict(),
            **({"why": self.why} if self.why else {}),
        }


def _half(first: dt.date, last: dt.date, kept: Share) -> dict[str, Any]:
    return {"from": str(first), "to": str(last), **shown(kept)}


@dataclass(frozen=True)
class Retention:
    """Retention at some ages: cohort by cohort, as a trend, and segment against segment."""

    as_of: str
    per: str
    ages: tuple[int, ...]
    points: tuple[Point, ...]
    trends: tuple[Trend, ...]
    comparisons: tuple[Comparison, ...]
    is_additive: bool
    sql: str = field(repr=False, default="")
    why: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "per": self.per,
            "ages": list(self.ages),
            "alpha": ALPHA,
            **({} if self.is_additive else {"additive": False}),
            **({"why": self.why} if self.why else {}),
            "trends": [trend.as_dict() for trend in self.trends],
            "comparisons": [comparison.as_dict() for comparison in self.comparisons],
            "rows": [point.as_dict() for point in self.points],
        }


def check(ages: Sequence[int], per: str) -> None:
    """Raise for an age below 1 or a way to form cohorts that is not known."""
    if not ages or any(age < 1 for age in ages):
        raise UsageError(
            "An age is a number of months from 1 on.",
            hint="1 is second-month retention, 12 is annual retention.",
        )
    if per not in PERS:
        raise UnknownNameError("span of cohorts", per, PERS)


def months_to(question: Question, first: dt.date) -> int:
    """Months from the activation month of `first` to the last closed month; below 0 if none."""
    return month_index(question.last_month.start) - month_index(first)


def cells(question: Question, first: dt.date, ages: Sequence[int]) -> list[tuple[dt.date, int]]:
    """Every (activation month, age) whose month has closed, from the month of `first` on."""
    last = months_to(question, first)
    return [
        (month_start(month_index(first) + place), age)
        for place in range(last + 1)
        for age in ages
        if place + age <= last
    ]


def statement(question: Question, found: Sequence[tuple[dt.date, int]]) -> str:
    """SQL of rows (cohort_on, age, seg…, size, kept) for the cells that have accounts.

    Parameters
    ----------
    found : sequence of (date, int)
        The cells; at least one.
    """
    rows = ", ".join(
        f"(DATE '{cohort}', {age}, DATE '{_close(cohort, age)}')" for cohort, age in found
    )
    segs = segs_of(question, "m.")
    order = "".join(f"seg{place} NULLS FIRST, " for place in range(len(question.by)))
    return f"""WITH {members_sql(question)},
{spells_sql(question)},
cells AS (SELECT * FROM (VALUES {rows}) AS v(cohort_on, age, close_on))
SELECT m.cohort_on, CAST(c.age AS BIGINT) AS age{segs}, CAST(COUNT(*) AS BIGINT) AS size,
       CAST(SUM(coalesce(s.is_paying, 0)) AS BIGINT) AS kept
FROM members m
JOIN cells c ON c.cohort_on = m.cohort_on
LEFT JOIN spells s ON s.account_id = m.account_id AND s.starts_on <= c.close_on
     AND s.ends_on > c.close_on
GROUP BY m.cohort_on, c.age{segs}
ORDER BY {order}m.cohort_on, c.age"""


def _close(cohort: dt.date, age: int) -> dt.date:
    return month_start(month_index(cohort) + age + 1) - dt.timedelta(days=1)


_Counts = dict[dt.date, tuple[int, int]]


def retention(
    question: Question,
    answer: Iterable[Sequence[Any]],
    *,
    ages: Sequence[int],
    per: str = "month",
    sql: str = "",
) -> Retention:
    """What the statement's answer says: points, trends and comparisons.

    Trends and changepoints look at activation months, however the points are taken together.
    """
    places = len(question.by)
    # (segment, age) → activation month → (kept, size)
    counts: dict[tuple[Segment, int], _Counts] = {}
    for cohort, age, *rest in answer:
        values, size, kept = tuple(rest[:places]), rest[places], rest[places + 1]
        counts.setdefault((values, age), {})[cohort] = (kept, size)
    keys = sorted(counts, key=lambda key: (question.order(key[0]), key[1]))
    fiscal = question.config.company.fiscal_year_start
    points = [
        Point(question.segment(values), cohort, age, share(kept, size))
        for values, age in keys
        for cohort, (kept, size) in _together(counts[values, age], per, fiscal).items()
    ]
    trends = _trends(question, {key: counts[key] for key in keys})
    missing = [age for age in ages if all(age != own for _, own in keys)]
    nothing = Share(0, 0, None, None, None)
    trends += [Trend({}, age, 0, nothing, why=TOO_YOUNG) for age in missing]
    return Retention(
        as_of=question.as_of.at.isoformat(),
        per=per,
        ages=tuple(ages),
        points=tuple(points),
        trends=tuple(trends),
        comparisons=tuple(compared(question, _totals(counts, keys))) if question.by else (),
        is_additive=question.is_additive,
        sql=sql,
    )


def nothing_read(question: Question, *, ages: Sequence[int], per: str, has_paid: bool) -> Retention:
    """The answer where no cell has closed."""
    return Retention(
        question.as_of.at.isoformat(), per, tuple(ages), (), (), (), question.is_additive,
        why=NO_CLOSED_MONTH if has_paid else NOBODY,
    )


def _together(found: _Counts, per: str, fiscal: int) -> dict[dt.date | None, tuple[int, int]]:
    """Activation months summed into the asked spans, in order."""
    summed: dict[dt.date | None, tuple[int, int]] = {}
    for cohort in sorted(found):
        key = None if per == "all" else period_of(cohort, per, fiscal).start
        kept, size = summed.get(key, (0, 0))
        summed[key] = (kept + found[cohort][0], size + found[cohort][1])
    return summed


def _totals(
    counts: Mapping[tuple[Segment, int], _Counts], keys: Sequence[tuple[Segment, int]]
) -> dict[tuple[Segment, int], tuple[int, int]]:
    """(kept, size) of each segment and age, all cohorts together."""
    return {
        key: (sum(k for k, _ in counts[key].values()), sum(n for _, n in counts[key].values()))
        for key in keys
    }


def _trends(question: Question, counts: Mapping[tuple[Segment, int], _Counts]) -> list[Trend]:
    trends, splits = [], []
    for (values, age), found in counts.items():
        cohorts = sorted(found)
        kept, sizes = [found[c][0] for c in cohorts], [found[c][1] for c in cohorts]
        trend = Trend(
            question.segment(values), age, len(cohorts), share(sum(kept), sum(sizes))
        )
        if len(cohorts) > 1:
            middle = (len(cohorts) + 1) // 2
            older = share(sum(kept[:middle]), sum(sizes[:middle]))
            newer = share(sum(kept[middle:]), sum(sizes[middle:]))
            trend = replace(
                trend,
                older=(cohorts[0], cohorts[middle - 1], older),
                newer=(cohorts[middle], cohorts[-1], newer),
                difference=difference(newer, older),
            )
        trends.append(trend)
        splits.append((cohorts, changepoint.best_split(kept, sizes)))
    raised = iter(adjusted([split.p_value for _, split in splits if split is not None]))
    return [
        _named(trend, cohorts, split, next(raised) if split is not None else 1.0)
        for trend, (cohorts, split) in zip(trends, splits, strict=True)
    ]


def _named(
    trend: Trend, cohorts: Sequence[dt.date], split: changepoint.Split | None, p_value: float
) -> Trend:
    if split is None:
        few = TOO_FEW_COHORTS.format(
            cohorts=changepoint.MIN_COHORTS, accounts=changepoint.MIN_ACCOUNTS
        )
        return replace(trend, why=ONE_COHORT if len(cohorts) == 1 else few)
    if p_value > ALPHA:
        return replace(trend, why=NO_CHANGE)
    first, last = split.between
    return replace(
        trend,
        change=Change(
            cohorts[split.place], (cohorts[first], cohorts[last]), split.before, split.after,
            p_value,
        ),
    )
