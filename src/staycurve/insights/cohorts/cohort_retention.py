"""Retention over cohorts: second-month and annual retention as trends, and trait against trait.

Retention at age k is the share of a cohort's accounts that pay at the close of the k-th month after
the activation month: the matrix's column k. Second-month retention is age 1, annual is age 12.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AdditiveField,
    AlphaField,
    Answer,
    AsOfField,
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    Said,
    Segment,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.cohorts import changepoint
from staycurve.insights.cohorts.cohort_standing import PerCohort
from staycurve.insights.cohorts.cohort_traits import Comparison, Kept, compared, kept_of
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.asking import first_paid_on, question_of, seeing
from staycurve.insights.shared.members import (
    NO_CLOSED_MONTH,
    NOBODY,
    Question,
    Segment as Values,
    members_sql,
    spells_sql,
)
from staycurve.insights.shared.params import AsOfText, By, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.saying import of_segment
from staycurve.insights.statistics.proportions import ALPHA, Share, adjusted, difference, share
from staycurve.metrics.base import Unit
from staycurve.metrics.cohorts import SMALL
from staycurve.period import month_index, month_start, period_of
from staycurve.tables.engine import month_number

SECOND_MONTH, ANNUAL = 1, 12

TOO_YOUNG = N_("no cohort has closed the month of this age yet")
TOO_FEW_COHORTS = N_(
    "too few: a change needs {cohorts} cohorts and {accounts} accounts on either side"
)
NO_CHANGE = N_("no statistically significant change")
ONE_COHORT = N_("there is one cohort: nothing to compare it with")


@dataclass(frozen=True, kw_only=True)
class CohortPoint(Row):
    """The accounts of a cohort that pay at an age, of those whose month of that age has closed."""

    segment: Segment
    cohort: Annotated[
        dt.date | None,
        col(N_("Cohort"), Kind.MONTH, N_("The first day of its period; empty for all together."),
            named_by={"": N_("all")}),
    ]
    age: Annotated[int, col(N_("Age"), Unit.COUNT, N_("Months after the activation month."))]
    size: Annotated[int, col(N_("Size"), Unit.COUNT)]
    retained: Annotated[int, Key(N_("Accounts that still pay."))]
    value: Annotated[
        float | None, col(N_("Retained"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    is_small: Annotated[
        bool, Key(N_("Small sample: one account moves the share by five points or more."))
    ]


@dataclass(frozen=True)
class Change(Row):
    """A changepoint that is statistically significant."""

    cohort: Annotated[
        dt.date, col(N_("From"), Kind.MONTH, N_("The first cohort after the change."))
    ]
    between: Annotated[
        tuple[dt.date, dt.date],
        Key(N_("The first and the last cohort at which it may have begun nearly as well.")),
    ]
    before: Annotated[Kept, Key(N_("The cohorts before it."))]
    after: Annotated[Kept, Key(N_("The cohorts from it on."))]
    p_value: Annotated[
        float, col(N_("p"), Kind.CHANCE, N_("With the Holm correction over all trends."))
    ]

    def brief(self) -> Said:
        first, last = self.between
        values: dict[str, str | Value | Said] = {
            "cohort": (self.cohort, Kind.MONTH), "first": (first, Kind.MONTH),
            "last": (last, Kind.MONTH), "before": (self.before.value, Unit.PERCENT),
            "after": (self.after.value, Unit.PERCENT),
        }
        if first == last:
            return Said(N_("from %(cohort)s: %(before)s → %(after)s"), values)
        return Said(
            N_("from %(cohort)s (%(first)s to %(last)s): %(before)s → %(after)s"), values
        )


@dataclass(frozen=True)
class Half(Row):
    """The older or the newer half of the cohorts."""

    start: Annotated[dt.date, Key(N_("The first cohort."), name="from")]
    to: Annotated[dt.date, Key(N_("The last cohort."))]
    size: Annotated[int, Key(N_("Accounts."))]
    retained: Annotated[int, Key(N_("Accounts that still pay."))]
    value: Annotated[
        float | None, col(N_("Retained"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: LowField
    high: HighField

    def brief(self) -> Said:
        return Said(
            N_("%(value)s (%(first)s to %(last)s)"),
            {"value": (self.value, Unit.PERCENT), "first": (self.start, Kind.MONTH),
             "last": (self.to, Kind.MONTH)},
        )


@dataclass(frozen=True, kw_only=True)
class Trend(Row):
    """Retention at one age over the cohorts of one segment, the newer half against the older.

    With an odd number of cohorts the middle one is among the older.
    """

    segment: Segment
    age: Annotated[int, col(N_("Age"), Unit.COUNT, N_("Months after the activation month."))]
    cohorts: Annotated[int, col(N_("Cohorts"), Unit.COUNT)]
    size: Annotated[int, col(N_("Size"), Unit.COUNT)]
    retained: Annotated[int, Key(N_("Accounts that still pay."))]
    value: Annotated[
        float | None, col(N_("Retained"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    older: Annotated[Half | None, col(N_("Older half"))] = None
    newer: Annotated[Half | None, col(N_("Newer half"))] = None
    difference: Annotated[
        float | None,
        col(N_("Difference"), Kind.POINTS, N_("Newer less older."),
            ends=("difference_low", "difference_high")),
    ] = None
    difference_low: LowField = None
    difference_high: HighField = None
    changepoint: Annotated[Change | None, col(N_("Change"))] = None
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Retention(Answer):
    """Retention at some ages: cohort by cohort, as a trend, and segment against segment."""

    as_of: AsOfField
    per: Annotated[str, Key(N_("How activation months are grouped into cohorts."))]
    ages: Annotated[tuple[int, ...], Key(N_("Months after the activation month."))]
    alpha: AlphaField
    additive: AdditiveField = None
    why: WhyField = None
    trends: Annotated[tuple[Trend, ...], Table(N_("Newer cohorts against older ones"))]
    comparisons: Annotated[
        tuple[Comparison, ...],
        Table(N_("Each segment against all others; a difference is not a cause")),
    ]
    rows: Annotated[tuple[CohortPoint, ...], Table(N_("Retention by cohort"))]

    def title(self) -> Said:
        return Said(N_("Retention over cohorts, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        return tuple(_told(one) for one in self.trends if one.changepoint)


def _told(trend: Trend) -> Said:
    change = trend.changepoint
    assert change is not None
    values: dict[str, str | Value | Said] = {
        "age": (trend.age, Unit.COUNT), "segment": of_segment(trend.segment),
        "first": (change.between[0], Kind.MONTH), "then": (change.between[1], Kind.MONTH),
        "before": (change.before.value, Unit.PERCENT),
        "after": (change.after.value, Unit.PERCENT),
    }
    return Said(
        N_("Retention at age %(age)s%(segment)s changed between the cohorts of %(first)s and "
           "%(then)s: from %(before)s to %(after)s, statistically significant."),
        values,
    )


@insight("cohorts retention", comes_from="/cohorts#retention")
def retention(
    company: Reader, *,
    ages: Annotated[
        Sequence[int],
        Param(N_("Months after the activation month: 1 is second-month, 12 annual retention."),
              name="age", least=1, most=1200),
    ] = (SECOND_MONTH, ANNUAL),
    per: PerCohort = "month", by: By = "", where: Where = "", as_of: AsOfText = None,
) -> Retention:
    """Do newer cohorts stay longer than older ones, and which segments stay longest?

    Second-month and annual retention as trends over cohorts, and segment against segment.
    """
    ages = tuple(dict.fromkeys(ages)) or (SECOND_MONTH, ANNUAL)
    asked = question_of(company, by, where, as_of)
    with seeing(company, asked) as engine:
        first = first_paid_on(engine, asked)
        found = cells(asked, first, ages) if first else []
        if not found:
            return nothing_read(asked, ages=ages, per=per, has_paid=first is not None)
        sql = statement(asked, found)
        answer = engine.rows(sql)
    return read(asked, answer, ages=ages, per=per, sql=sql)


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
        f"(DATE '{cohort}', {age}, {_close(cohort, age)})" for cohort, age in found
    )
    segs, places = segs_of(question, "z."), range(len(question.by))
    own = "".join(f", m.seg{place}" for place in places)
    same = "".join(f"\n     AND p.seg{place} IS NOT DISTINCT FROM z.seg{place}" for place in places)
    order = "".join(f"seg{place} NULLS FIRST, " for place in places)
    # Cells close with a month, so that of a spell the months of its ends are all that counts: by
    # them there are few, where accounts and cells are many.
    return f"""WITH {members_sql(question)},
{spells_sql(question)},
cells AS (SELECT * FROM (VALUES {rows}) AS v(cohort_on, age, closes_in)),
sizes AS (
    SELECT m.cohort_on{own}, CAST(COUNT(*) AS BIGINT) AS size FROM members m
    GROUP BY m.cohort_on{own}
),
paid AS (
    SELECT m.cohort_on{own}, {month_number("s.starts_on")} AS starts_in,
           {month_number("s.ends_on")} AS ends_in, COUNT(*) AS many
    FROM members m JOIN spells s ON s.account_id = m.account_id AND s.is_paying = 1
    GROUP BY m.cohort_on{own}, {month_number("s.starts_on")}, {month_number("s.ends_on")}
)
SELECT z.cohort_on, CAST(c.age AS BIGINT) AS age{segs}, z.size,
       CAST(SUM(coalesce(p.many, 0)) AS BIGINT) AS kept
FROM sizes z
JOIN cells c ON c.cohort_on = z.cohort_on
LEFT JOIN paid p ON p.cohort_on = z.cohort_on AND p.starts_in <= c.closes_in
     AND p.ends_in > c.closes_in{same}
GROUP BY z.cohort_on, c.age{segs}, z.size
ORDER BY {order}z.cohort_on, c.age"""


def _close(cohort: dt.date, age: int) -> int:
    """The month with which a cell closes, as `month_number` counts."""
    end = month_start(month_index(cohort) + age)
    return end.year * 12 + end.month


_Counts = dict[dt.date, tuple[int, int]]


def read(
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
    counts: dict[tuple[Values, int], _Counts] = {}
    for cohort, age, *rest in answer:
        values, size, kept = tuple(rest[:places]), rest[places], rest[places + 1]
        counts.setdefault((values, age), {})[cohort] = (kept, size)
    keys = sorted(counts, key=lambda key: (question.order(key[0]), key[1]))
    fiscal = question.config.company.fiscal_year_start
    points = [
        CohortPoint(
            segment=question.segment(values), cohort=cohort, age=age, size=own.size,
            retained=own.count, value=own.value, low=own.low, high=own.high,
            is_small=own.size < SMALL,
        )
        for values, age in keys
        for cohort, (kept, size) in _together(counts[values, age], per, fiscal).items()
        for own in (share(kept, size),)
    ]
    trends = _trends(question, {key: counts[key] for key in keys})
    missing = [age for age in ages if all(age != own for _, own in keys)]
    trends += [_trend({}, age, 0, Share(0, 0, None, None, None), TOO_YOUNG) for age in missing]
    return Retention(
        as_of=question.as_of.at.isoformat(),
        per=per,
        ages=tuple(ages),
        alpha=ALPHA,
        additive=None if question.is_additive else False,
        trends=tuple(trends),
        comparisons=tuple(compared(question, _totals(counts, keys))) if question.by else (),
        rows=tuple(points),
        sql=sql,
    )


def _trend(
    segment: Mapping[str, str | None], age: int, cohorts: int, whole: Share, why: str | None = None
) -> Trend:
    return Trend(
        segment=segment, age=age, cohorts=cohorts, size=whole.size, retained=whole.count,
        value=whole.value, low=whole.low, high=whole.high, why=why,
    )


def nothing_read(question: Question, *, ages: Sequence[int], per: str, has_paid: bool) -> Retention:
    """The answer where no cell has closed."""
    return Retention(
        as_of=question.as_of.at.isoformat(),
        per=per,
        ages=tuple(ages),
        alpha=ALPHA,
        additive=None if question.is_additive else False,
        why=NO_CLOSED_MONTH if has_paid else NOBODY,
        trends=(),
        comparisons=(),
        rows=(),
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
    counts: Mapping[tuple[Values, int], _Counts], keys: Sequence[tuple[Values, int]]
) -> dict[tuple[Values, int], tuple[int, int]]:
    """(kept, size) of each segment and age, all cohorts together."""
    return {
        key: (sum(k for k, _ in counts[key].values()), sum(n for _, n in counts[key].values()))
        for key in keys
    }


def _trends(question: Question, counts: Mapping[tuple[Values, int], _Counts]) -> list[Trend]:
    trends, splits = [], []
    for (values, age), found in counts.items():
        cohorts = sorted(found)
        kept, sizes = [found[c][0] for c in cohorts], [found[c][1] for c in cohorts]
        trend = _trend(
            question.segment(values), age, len(cohorts), share(sum(kept), sum(sizes))
        )
        if len(cohorts) > 1:
            middle = (len(cohorts) + 1) // 2
            older = share(sum(kept[:middle]), sum(sizes[:middle]))
            newer = share(sum(kept[middle:]), sum(sizes[middle:]))
            gap, low, high = difference(newer, older) or (None, None, None)
            trend = replace(
                trend,
                older=_half(cohorts[0], cohorts[middle - 1], older),
                newer=_half(cohorts[middle], cohorts[-1], newer),
                difference=gap,
                difference_low=low,
                difference_high=high,
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
        changepoint=Change(
            cohorts[split.place], (cohorts[first], cohorts[last]), kept_of(split.before),
            kept_of(split.after), p_value,
        ),
    )


def _half(first: dt.date, last: dt.date, kept: Share) -> Half:
    return Half(first, last, kept.size, kept.count, kept.value, kept.low, kept.high)
