"""The loaded rows behind visits and acquisition cost; they sum to what the channel report says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.acquisition.acquisition_report import spent_sql
from staycurve.insights.acquisition.lead_funnel import CHANNEL, LeadQuestion, periods_sql
from staycurve.insights.shared.account_facts import Opened
from staycurve.metrics.context import Context
from staycurve.metrics.relations import RELATIONS
from staycurve.money import MICRO
from staycurve.period import Period
from staycurve.tables.engine import quoted

KINDS = {
    "visits": N_("visits by day and channel"),
    "social_engagements": N_("social engagements by day and channel"),
    "mentions": N_("mentions by day and channel"),
}
COST = N_("acquisition cost by month, kind and channel")


def check_kind(kind: str) -> None:
    """Raise for a kind of reach that is not known."""
    if kind not in KINDS:
        raise UnknownNameError("kind", kind, KINDS)


def reach_statement(question: LeadQuestion, period: Period, kind: str) -> str:
    """SQL of rows (day, channel, count), as the metric of that name sums them."""
    context = Context(
        question.config, period.grain, (period,), question.as_of, (CHANNEL,), 1, question.filters
    )
    return f"""WITH periods AS ({periods_sql(question, [period])})
SELECT day, seg0 AS channel, CAST(count AS BIGINT) AS count
FROM ({RELATIONS["reach"].rows(context)}) reached
WHERE kind = {quoted(kind)} AND {context.where()}
ORDER BY day, channel"""


def reached(
    question: LeadQuestion, kind: str, answer: Iterable[Sequence[Any]], sql: str
) -> Opened:
    """The rows of `reach_statement`, with their sum."""
    rows = [
        {"day": str(day), CHANNEL: channel, "count": count} for day, channel, count in answer
    ]
    total = {"count": sum(row["count"] for row in rows)}
    return Opened(KINDS[kind], question.as_of.at.isoformat(), rows, total, sql)


def spend_statement(question: LeadQuestion, period: Period) -> str:
    """SQL of rows (channel, kind, amount in micro-units), as the channel report sums them."""
    one = replace(question, by=(CHANNEL,))
    return f"""WITH periods AS ({periods_sql(question, [period])})
SELECT seg0 AS channel, kind, CAST(amount AS BIGINT) AS amount
FROM ({spent_sql(one, [period], period.grain)}) spent
ORDER BY amount DESC, channel, kind"""


def spent(
    question: LeadQuestion, period: Period, answer: Iterable[Sequence[Any]], sql: str
) -> Opened:
    """The rows of `spend_statement` in major units, with their sum."""
    found = [(channel, kind, int(amount)) for channel, kind, amount in answer]
    rows = [
        {"period": str(period.start), CHANNEL: channel, "kind": kind, "amount": amount / MICRO}
        for channel, kind, amount in found
    ]
    total = {"amount": sum(amount for *_, amount in found) / MICRO}
    currency = question.config.company.currency
    return Opened(COST, question.as_of.at.isoformat(), rows, total, sql, currency)
