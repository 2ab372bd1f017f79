"""What a forecast of one month is made of: each cohort, and the new business until then."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.members import NO_CLOSED_MONTH
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.projecting import LEAST_MONTHS, projected_cohorts
from staycurve.insights.value.cohort_series import closed_months
from staycurve.insights.value.forecast import TOO_YOUNG, What
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.period import align, month_index, month_start


@dataclass(frozen=True, kw_only=True)
class CohortAhead(Row):
    """One cohort in the month that is forecast."""

    cohort: Annotated[dt.date, col(N_("Cohort"), Kind.MONTH)]
    is_new: Annotated[
        bool, col(N_("New business"), Kind.FLAG, N_("It begins after the last closed month."))
    ]
    last: Annotated[
        float,
        col(N_("Last month"), Unit.RATIO, unit_from="unit", is_summed=True,
            about=N_("In the last month that has closed.")),
    ]
    value: Annotated[
        float, col(N_("Forecast"), Unit.RATIO, unit_from="unit", is_summed=True)
    ]
    unit: Annotated[str, Hidden()]


@dataclass(frozen=True, kw_only=True)
class Ahead(Answer):
    """The cohorts of a forecast, which sum to it."""

    as_of: AsOfField
    currency: CurrencyField
    metric: Annotated[str, Key(N_("mrr or customers."))]
    period: Annotated[dt.date, Key(N_("The month that is forecast."))]
    why: WhyField = None
    rows: Annotated[
        tuple[CohortAhead, ...], Table(N_("Cohorts"), is_list=True, number="value")
    ]

    def title(self) -> Said:
        return Said(N_("Forecast of %(metric)s for %(month)s: the cohorts behind it"), {
            "metric": Said(METRICS[self.metric].label), "month": (self.period, Kind.MONTH),
        })


@insight("value ahead", comes_from="/value#forecast")
def ahead(
    company: Reader, *,
    metric: What = "mrr",
    period: Annotated[str, Param(N_("A month that is forecast, such as 2027-03."), metavar="P")],
    where: Where = "", as_of: AsOfText = None,
) -> Ahead:
    """Which cohorts is a forecast made of?

    What each cohort is expected to bring in the month, and what comes new until then; together they
    are the number of `value forecast`.
    """
    asked = question_on_day(company, (), where, as_of)
    closed = closed_months(company, asked, metric)
    month = align(period, "month", is_last=False)
    count = len(closed.months)
    why, rows = None, []
    if count < LEAST_MONTHS:
        why = TOO_YOUNG.format(least=LEAST_MONTHS, count=count) if count else NO_CLOSED_MONTH
    else:
        last = month_index(closed.months[-1].start)
        steps = month_index(month.start) - last
        if not 1 <= steps <= 60:
            raise NotAnsweredError(
                f"{month.name()} is not among the 60 months after {closed.months[-1].name()}.",
                hint="Ask for a month that value forecast lists.", period=period,
            )
        found = projected_cohorts(
            closed.values, closed.accounts, steps, is_money=metric == "mrr"
        )[-1]
        now = [row[-1] for row in closed.values]
        begins = month_index(closed.months[0].start)
        rows = [
            CohortAhead(
                cohort=month_start(begins + place), is_new=place >= count,
                last=now[place] if place < count else 0.0, value=value,
                unit=METRICS[metric].unit.value,
            )
            for place, value in found.items()
        ]
    return Ahead(
        as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency, metric=metric,
        period=month.start, why=why, rows=tuple(rows), sql=closed.sql,
    )
