"""How long customers stay: the Kaplan-Meier curve of paying accounts by subscription month.

Months are those of `cohorts riskiest`: month 1 begins on the first paid day, an account leaves in
the month that holds its last paid day, and counts until it first stops paying.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AdditiveField,
    Answer,
    AsOfField,
    Key,
    Kind,
    Opens,
    Row,
    Said,
    Segment,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.asking import question_of, seeing
from staycurve.insights.shared.lived import AtRiskField, MonthField
from staycurve.insights.shared.members import NOBODY, Question
from staycurve.insights.shared.params import AsOfText, By, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.saying import of_segment
from staycurve.insights.statistics import sbg
from staycurve.insights.statistics.lifetimes import LifeTable
from staycurve.insights.statistics.survival import LogRank, log_rank
from staycurve.insights.value.lives import Lives, lives_of, statement, tables_of
from staycurve.metrics.base import Unit

PROJECTED = 60
"""Months of a projection without a horizon, or as many as were seen where these are more.

Five years. A longer one rests on the model more and on what was seen less; without any end the
mean can be infinite.
"""

MORE_THAN_HALF = N_("more than half still pay after the last month that is seen")
NO_MONTH = N_("no account has a whole month behind it yet")
NOT_FOLLOWED = N_("nobody was followed for {horizon} months, only for {followed}")
TOO_FEW_LEFT = N_("a projection needs {least} accounts that left and {months} months; there are "
                  "{left} and {followed}")
OVERLAP = N_("an account counts in several segments, so the test does not hold")
NOTHING_TO_TELL = N_("there are no two segments with anybody at risk, or nobody left")
UNEQUAL = N_(
    "Segments were followed for different times, and each mean counts only as many months as "
    "its horizon: --horizon {least} compares them all over the same months."
)

Horizon = Annotated[
    int | None,
    Param(N_("Count this many months of a lifetime; without it as many as were seen, and at "
             "least 60 for a projection."), least=1, most=1200, metavar="N"),
]


@dataclass(frozen=True)
class Month(Row):
    """One subscription month of one segment."""

    segment: Segment
    month: MonthField
    at_risk: AtRiskField
    left: Annotated[
        int, col(N_("Left"), Unit.COUNT, opens=Opens("cohorts leavers", {"month": "month"}))
    ]
    survival: Annotated[
        float,
        col(N_("Still paying"), Unit.PERCENT,
            N_("After the month: the Kaplan–Meier estimate (censored accounts included)."),
            ends=("low", "high")),
    ]
    low: Annotated[float, Key(N_("The lower end of its 95% interval (log-log, Greenwood)."))]
    high: Annotated[float, Key(N_("The upper end of its 95% interval."))]


@dataclass(frozen=True, kw_only=True)
class SegmentLifetime(Row):
    """How long the accounts of one segment stay."""

    segment: Segment
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, N_("All that ever paid."))]
    median: Annotated[
        int | None,
        col(N_("Median months"), Unit.COUNT, N_("Half have churned by then."), why="median_why"),
    ]
    restricted_mean: Annotated[
        float | None,
        col(N_("Mean months"), Unit.MONTHS, N_("Months paid, of which only those up to the "
            "horizon count: the area under the curve."), why="restricted_mean_why"),
    ]
    horizon: Annotated[
        int, col(N_("Up to month"), Unit.COUNT, N_("The horizon of the mean."))
    ]
    projected_mean: Annotated[
        float | None,
        col(N_("Projected months"), Unit.MONTHS, N_("Expected months paid up to the projection's "
            "horizon, by the shifted-beta-geometric model."), why="projected_mean_why"),
    ]
    projected_horizon: Annotated[
        int, col(N_("Projected to month"), Unit.COUNT, N_("The horizon of the projection."))
    ]
    alpha: Annotated[float | None, Key(N_("Of the model."))]
    beta: Annotated[float | None, Key(N_("Of the model."))]
    largest_gap: Annotated[
        float | None,
        col(N_("Largest gap"), Kind.POINTS, N_("Between the curve and the model, in any month "
            "that is seen."), is_folded=True),
    ]
    median_why: WhyField = None
    restricted_mean_why: WhyField = None
    projected_mean_why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Lifetime(Answer):
    """How long accounts stay, by month and as a whole."""

    as_of: AsOfField
    horizon: Annotated[
        int | None, Key(N_("The horizon that was asked for; empty where each segment has its own."))
    ]
    additive: AdditiveField = None
    why: WhyField = None
    logrank: Annotated[
        LogRank | None,
        Key(N_("Whether the segments' curves differ; where the answer is split."),
            is_omitted=True),
    ] = None
    logrank_why: WhyField = None
    segments: Annotated[tuple[SegmentLifetime, ...], Table(N_("Lifetime"))]
    rows: Annotated[tuple[Month, ...], Table(N_("Still paying by subscription month"))]

    def title(self) -> Said:
        return Said(N_("How long accounts stay, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        found = [_told(one) for one in self.segments]
        if self.logrank is not None:
            chance: Value = (self.logrank.p_value, Kind.CHANCE)
            found.append(Said(
                N_("Do the segments differ? Log-rank test: p = %(p)s."), {"p": chance}
            ))
        return tuple(found)


def _told(one: SegmentLifetime) -> Said:
    values: dict[str, str | Value | Said] = {
        "segment": of_segment(one.segment), "horizon": (one.horizon, Unit.COUNT),
        "mean": (one.restricted_mean, Unit.MONTHS), "median": (one.median, Unit.COUNT),
    }
    if one.restricted_mean is None:
        return Said(N_("No mean lifetime%(segment)s: %(why)s."),
                    values | {"why": one.restricted_mean_why or ""})
    if one.median is None:
        return Said(N_("Accounts pay for %(mean)s of the first %(horizon)s months on average"
                       "%(segment)s; more than half still pay at the end."), values)
    return Said(N_("Accounts pay for %(mean)s of the first %(horizon)s months on average"
                   "%(segment)s; half have churned after %(median)s months."), values)


@insight("value lifetime")
def lifetime(
    company: Reader, *, by: By = "", where: Where = "", horizon: Horizon = None,
    as_of: AsOfText = None,
) -> Lifetime:
    """How long do customers stay?

    The Kaplan–Meier estimate of the share still paying by subscription month, its median and its
    mean up to a horizon; and the mean that a model projects, which goes beyond what was seen.
    """
    asked = question_of(company, by, where, as_of)
    sql = statement(asked)
    with seeing(company, asked) as engine:
        lives = lives_of(asked, engine.rows(sql))
        is_overlapping = not asked.is_additive and _accounts(lives) > _accounts(
            lives_of(asked.undivided(), engine.rows(statement(asked.undivided())))
        )
    return lifetimes(asked, lives, horizon=horizon, is_overlapping=is_overlapping, sql=sql)


def _accounts(lives: Lives) -> int:
    return sum(sum(pair) for counts in lives.values() for pair in counts.values())


def lifetimes(
    question: Question, lives: Lives, *, horizon: int | None, is_overlapping: bool = False,
    sql: str = "",
) -> Lifetime:
    """What counts by segment and month say.

    Parameters
    ----------
    is_overlapping : bool
        Whether any account is in several segments.
    """
    tables = tables_of(question, lives)
    segments = tuple(
        segment_lifetime(question.segment(values), table, horizon)
        for values, table in tables.items()
    )
    test, why = None, None
    if question.by:
        test = None if is_overlapping else log_rank(list(lives.values()))
        why = OVERLAP if is_overlapping else NOTHING_TO_TELL if test is None else None
        test = test or LogRank(None, None)
    horizons = {one.horizon for one in segments if one.restricted_mean is not None}
    notes = (UNEQUAL.format(least=min(horizons)),) if len(horizons) > 1 else ()
    has_months = any(table.followed for table in tables.values())
    return Lifetime(
        as_of=question.as_of.at.isoformat(),
        horizon=horizon,
        additive=None if question.is_additive else False,
        why=NOBODY if not lives else None if has_months else NO_MONTH,
        logrank=test,
        logrank_why=why,
        segments=segments,
        rows=tuple(
            Month(question.segment(values), m.month, m.at_risk, m.left, m.survival, m.low, m.high)
            for values, table in tables.items() for m in table.months
        ),
        notes=notes,
        sql=sql,
    )


def segment_lifetime(
    segment: Mapping[str, str | None], table: LifeTable, horizon: int | None
) -> SegmentLifetime:
    """The lifetime of one segment.

    Parameters
    ----------
    horizon : int, optional
        Without it the mean counts every month that was seen.
    """
    upto = horizon or table.followed
    beyond = horizon or max(PROJECTED, table.followed)
    mean, why = None, None
    if not table.followed:
        why = NO_MONTH
    elif table.reaches(upto):
        mean = table.restricted_mean(upto)
    else:
        why = NOT_FOLLOWED.format(horizon=upto, followed=table.followed)
    model = model_of(table)
    return SegmentLifetime(
        segment=segment,
        accounts=table.accounts,
        median=table.median,
        restricted_mean=mean,
        horizon=upto,
        projected_mean=model.mean(beyond) if model else None,
        projected_horizon=beyond,
        alpha=model.alpha if model else None,
        beta=model.beta if model else None,
        largest_gap=_gap(table, model) if model else None,
        median_why=None if table.median else MORE_THAN_HALF if table.followed else NO_MONTH,
        restricted_mean_why=why,
        projected_mean_why=None if model else why_no_model(table),
    )


def model_of(table: LifeTable) -> sbg.ShiftedBetaGeometric | None:
    """The model fitted to a life table; None where there is too little to fit."""
    return sbg.fit(
        [month.at_risk for month in table.months], [month.left for month in table.months]
    )


def why_no_model(table: LifeTable) -> str:
    """Why nothing is projected."""
    return TOO_FEW_LEFT.format(
        least=sbg.MIN_LEAVERS, months=sbg.MIN_MONTHS, left=table.left, followed=table.followed
    )


def _gap(table: LifeTable, model: sbg.ShiftedBetaGeometric) -> float:
    expected = model.survival(table.followed)
    return max(
        abs(float(own) - float(fitted))
        for own, fitted in zip(table.survival, expected, strict=True)
    )
