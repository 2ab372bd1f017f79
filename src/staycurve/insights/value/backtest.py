"""A forecast's track record: what was projected from each past month, and what came."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.members import NO_CLOSED_MONTH
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.projecting import LEAST_MONTHS, Step, around, tracked
from staycurve.insights.value.cohort_series import Closed, closed_months
from staycurve.insights.value.forecast import TOO_YOUNG, Backtest, Months, What, record_of
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS

NONE_JUDGED = N_("no past month has a later one to be judged by")


@dataclass(frozen=True, kw_only=True)
class Judged(Row):
    """One month ahead of one origin: the three forecasts, and what happened."""

    origin: Annotated[
        dt.date, col(N_("Origin"), Kind.MONTH, N_("The last month that had closed."))
    ]
    horizon: Annotated[int, col(N_("Months ahead"), Unit.COUNT)]
    period: Annotated[dt.date, col(N_("Month"), Kind.MONTH)]
    value: Annotated[
        float, col(N_("Forecast"), Unit.RATIO, unit_from="unit", ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    trailing: Annotated[float, col(N_("Trailing growth"), Unit.RATIO, unit_from="unit")]
    last: Annotated[float, col(N_("Last value"), Unit.RATIO, unit_from="unit")]
    happened: Annotated[float, col(N_("Happened"), Unit.RATIO, unit_from="unit")]
    error: Annotated[
        float, col(N_("Error"), Unit.PERCENT, N_("How far the forecast was off, as a share of "
                                                 "what happened."))
    ]
    trailing_error: Annotated[float, col(N_("Error, trailing growth"), Unit.PERCENT)]
    last_error: Annotated[float, col(N_("Error, last value"), Unit.PERCENT)]
    is_inside: Annotated[
        bool | None,
        col(N_("In the interval"), Kind.FLAG, N_("As the interval was known at the origin; empty "
                                                 "where too few errors were.")),
    ]
    unit: Annotated[str, Hidden()]


@dataclass(frozen=True, kw_only=True)
class Judging(Answer):
    """Every past forecast that can be judged by now, the oldest origin first."""

    as_of: AsOfField
    currency: CurrencyField
    metric: Annotated[str, Key(N_("mrr or customers."))]
    total: Annotated[Backtest, Key(N_("What the rows come to."))]
    why: WhyField = None
    rows: Annotated[tuple[Judged, ...], Table(N_("Past forecasts"), is_list=True)]

    def title(self) -> Said:
        return Said(N_("Forecasts of %(metric)s from past months, and what happened"), {
            "metric": Said(METRICS[self.metric].label),
        })


@insight("value backtest", comes_from="/value#forecast")
def backtest(
    company: Reader, *, metric: What = "mrr", months: Months = 12, where: Where = "",
    as_of: AsOfText = None,
) -> Judging:
    """How far off were past forecasts?

    What was projected from each past month for each of the next, with what was known then, beside
    what happened. The mean of the errors is the mean error of `value forecast`, and the share of
    rows in their interval its coverage.
    """
    asked = question_on_day(company, (), where, as_of)
    closed = closed_months(company, asked, metric)
    count = len(closed.months)
    why: str | None = None
    steps: tuple[Step, ...] = ()
    total = record_of(None)
    if count < LEAST_MONTHS:
        why = TOO_YOUNG.format(least=LEAST_MONTHS, count=count) if count else NO_CLOSED_MONTH
    else:
        track = tracked(
            closed.values, closed.accounts, closed.series, months, is_money=metric == "mrr"
        )
        steps, total = track.steps, record_of(track)
        why = None if steps else NONE_JUDGED
    return Judging(
        as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency, metric=metric,
        total=total, why=why, rows=tuple(_judged(closed, step, metric) for step in steps),
        sql=closed.sql,
    )


def _judged(closed: Closed, step: Step, metric: str) -> Judged:
    value = step.guesses["model"]
    low, high = (None, None) if step.half is None else around(value, step.half)
    return Judged(
        origin=closed.months[step.origin].start, horizon=step.horizon,
        period=closed.months[step.origin + step.horizon].start,
        value=value, low=low, high=high, trailing=step.guesses["trailing"],
        last=step.guesses["last"], happened=step.actual, error=step.miss("model"),
        trailing_error=step.miss("trailing"), last_error=step.miss("last"),
        is_inside=step.is_inside, unit=METRICS[metric].unit.value,
    )
