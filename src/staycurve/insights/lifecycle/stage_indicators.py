"""The indicators of each lifecycle stage: metrics of the catalogue, by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

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
from staycurve.insights.lifecycle.lifecycle import StageLabel, question_of
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.lifecycle_rules import LABELS
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.filters import filters_of
from staycurve.period import align, parse_period

INDICATORS: Mapping[str, tuple[str, ...]] = {
    "awareness": ("visits", "social_engagements", "mentions"),
    "consideration": ("lead_rate", "trial_starts", "demo_requests"),
    "purchase": ("trial_conversion_rate", "cac"),
    "activation": ("time_to_first_value", "activation_rate"),
    "adoption": ("stickiness", "csat"),
    "retention": ("customer_churn_rate", "clv_simple", "nps"),
    "expansion": ("upgrade_rate", "arpa"),
}
"""What says how a stage fares; feature_adoption, being one number a feature, stands apart."""

NAMES = tuple(name for names in INDICATORS.values() for name in names)

BETTER_NAMES = {"higher": N_("higher"), "lower": N_("lower"), "neutral": N_("neutral")}


@dataclass(frozen=True)
class Indicator(Row):
    """A metric that says how a stage fares: its value, and that of the month before."""

    stage: Annotated[str, Key()]
    label: StageLabel
    metric: Annotated[str, col(N_("Metric"))]
    metric_label: Annotated[str, Key(N_("Its name in words."))]
    about: Annotated[str, Key(N_("What it measures."))]
    unit: Annotated[str, Key(N_("What its values are counted in."))]
    better: Annotated[
        str,
        col(N_("Better"), Kind.NAME, N_("Which way is better."), named_by=BETTER_NAMES,
            is_folded=True),
    ]
    period: Annotated[dt.date, Key(N_("The first day of the month."))]
    open: Annotated[bool, Key(N_("Whether the month has not closed yet."))]
    value: Annotated[float | None, col(N_("Value"), Unit.COUNT, unit_from="unit")]
    previous: Annotated[float | None, col(N_("The month before"), Unit.COUNT, unit_from="unit")]
    previous_period: Annotated[dt.date, Key(N_("The first day of the month before."))]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Indicators(Answer):
    """The indicators of every stage."""

    as_of: AsOfField
    currency: CurrencyField
    rows: Annotated[tuple[Indicator, ...], Table(N_("Indicators by stage"))]
    month: Annotated[str, Hidden()]

    def title(self) -> Said:
        return Said(
            N_("Indicators in %(month)s, as of %(as_of)s, %(currency)s"),
            {"month": (self.month, Kind.MONTH), "as_of": self.as_of, "currency": self.currency},
        )


@insight("lifecycle indicators", comes_from="/lifecycle#indicators", needs="accounts")
def indicators(
    company: Reader, *,
    period: Annotated[
        str | None,
        Param(N_("A month; the last one that has closed without it."), metavar="P",
              examples="2024-01"),
    ] = None,
    where: Where = "", as_of: AsOfText = None,
) -> Indicators:
    """How is each stage doing, by its own indicators, compared with the month before?

    Indicators are metrics as the catalogue defines them. One that a filter cannot cut is left
    empty, with the reason.
    """
    asked = question_of(company, (), (), as_of)
    fiscal = company.config.company.fiscal_year_start
    filters = filters_of(where)
    named = (
        align(period, "month", is_last=True, fiscal_start=fiscal) if period else asked.last_month
    )
    first, last = f"{named.previous().start:%Y-%m}", f"{named.start:%Y-%m}"
    values: dict[str, list[Mapping[str, Any]]] = {}
    sql = []
    for name in NAMES:
        try:
            query = company.query(name, start=first, end=last, at=as_of)
            found = company.answer(replace(query, filters=filters))
        except NotAnsweredError as error:
            values[name] = unanswered(first, last, error.message)
            continue
        values[name] = list(found.rows)
        sql.append(found.sql)
    return Indicators(
        as_of=asked.as_of.at.isoformat(),
        currency=company.config.company.currency,
        rows=tuple(
            _shown(stage, name, *values[name][-2:])
            for stage, names in INDICATORS.items()
            for name in names
        ),
        month=last,
        sql=";\n\n".join(sql),
    )


def unanswered(first: str, last: str, why: str) -> list[Mapping[str, Any]]:
    """Rows of a metric that the question's filters cannot cut."""
    return [
        {"period": str(parse_period(month).start), "open": False, "value": None, "why": why}
        for month in (first, last)
    ]


def _shown(
    stage: str, name: str, before: Mapping[str, Any], now: Mapping[str, Any]
) -> Indicator:
    metric = METRICS[name]
    return Indicator(
        stage, LABELS[stage], name, metric.label, metric.about, metric.unit.value, metric.better,
        dt.date.fromisoformat(now["period"]), now["open"], now["value"], before["value"],
        dt.date.fromisoformat(before["period"]), now.get("why") or None,
    )
