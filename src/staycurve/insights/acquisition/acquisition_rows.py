"""The loaded rows behind visits and acquisition cost; they sum to what the channel report says."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.acquisition.acquisition_report import (
    Channels,
    in_channels,
    spent_sql,
)
from staycurve.insights.acquisition.leads import CHANNEL, NO_CHANNEL, LeadQuestion, periods_sql
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    PeriodField,
    Row,
    Said,
    Table,
    Value,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.metrics.context import Context
from staycurve.metrics.relations import RELATIONS
from staycurve.money import major
from staycurve.period import Period, parse_period
from staycurve.tables.engine import quoted

KINDS = {
    "visits": N_("visits by day and channel"),
    "social_engagements": N_("social engagements by day and channel"),
    "mentions": N_("mentions by day and channel"),
}
COST = N_("acquisition cost by month, kind and channel")

InPeriod = Annotated[str, Param(N_("When."), metavar="P", examples="2024-01, 2024-Q1")]
ChannelName = Annotated[str | None, col(N_("Channel"), named_by={"": NO_CHANNEL})]


@dataclass(frozen=True)
class Reached(Row):
    """How many a channel reached on a day."""

    day: Annotated[dt.date, col(N_("Day"), Kind.DAY)]
    channel: ChannelName
    count: Annotated[int, col(N_("Count"), Unit.COUNT, is_summed=True)]


@dataclass(frozen=True)
class CountTotal(Row):
    """The sum of all rows."""

    count: Annotated[int, col(N_("Count"), Unit.COUNT)]

    def brief(self) -> Said:
        return Said(N_("In all %(count)s"), {"count": (self.count, Unit.COUNT)})


@dataclass(frozen=True, kw_only=True)
class Reach(Answer):
    """The rows of reach in a period."""

    as_of: AsOfField
    about: Annotated[str, Key(N_("Which number, in words."))]
    rows: Annotated[tuple[Reached, ...], Table(N_("Reach"), is_list=True, number="count")]
    total: Annotated[CountTotal, Key(N_("The sum of the rows."))]
    period: Annotated[str, Hidden()]

    def title(self) -> Said:
        return _heading(self.about, self.period, self.as_of)


def _heading(about: str, period: str, as_of: str) -> Said:
    values: dict[str, str | Value | Said] = {
        "about": Said(about), "period": (period, Kind.TEXT), "as_of": as_of,
    }
    return Said(N_("%(about)s, %(period)s, as of %(as_of)s"), values)


@insight("acquisition reach", comes_from="/acquisition?period#channels", needs="reach")
def reach(
    company: Reader, *, period: InPeriod,
    kind: Annotated[
        str, Param(N_("What is counted."), choices=tuple(KINDS))
    ] = "visits",
    where: Channels = "", as_of: AsOfText = None,
) -> Reach:
    """Which rows are behind the visits, social engagements or mentions of a period?"""
    asked = in_channels(company, where, as_of)
    span = parse_period(period, asked.config.company.fiscal_year_start)
    sql = reach_statement(asked, span, kind)
    with company.seeing(asked.as_of) as engine:
        rows = tuple(Reached(*row) for row in engine.rows(sql))
    return Reach(
        as_of=asked.as_of.at.isoformat(),
        about=KINDS[kind],
        rows=rows,
        total=CountTotal(sum(row.count for row in rows)),
        period=period,
        sql=sql,
    )


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


@dataclass(frozen=True)
class Spent(Row):
    """A cost that was booked for a channel."""

    period: PeriodField
    channel: ChannelName
    kind: Annotated[str | None, col(N_("Kind"))]
    amount: Annotated[float, col(N_("Amount"), Unit.MONEY, is_summed=True)]


@dataclass(frozen=True)
class AmountTotal(Row):
    """The sum of all rows."""

    amount: Annotated[float, col(N_("Amount"), Unit.MONEY)]

    def brief(self) -> Said:
        return Said(N_("In all %(amount)s"), {"amount": (self.amount, Unit.MONEY)})


@dataclass(frozen=True, kw_only=True)
class Spending(Answer):
    """The rows of acquisition cost in a period, the largest first."""

    as_of: AsOfField
    currency: CurrencyField
    about: Annotated[str, Key(N_("Which number, in words."))]
    rows: Annotated[tuple[Spent, ...], Table(N_("Cost"), is_list=True, number="amount")]
    total: Annotated[AmountTotal, Key(N_("The sum of the rows."))]
    period: Annotated[str, Hidden()]

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "what": _heading(self.about, self.period, self.as_of), "currency": self.currency,
        }
        return Said(N_("%(what)s, %(currency)s"), values)


@insight("acquisition spend", comes_from="/acquisition?period#channels", needs="spend")
def spend(
    company: Reader, *, period: InPeriod, where: Channels = "", as_of: AsOfText = None
) -> Spending:
    """Which rows are behind the acquisition cost of a period, in the company's currency?"""
    asked = in_channels(company, where, as_of)
    span = parse_period(period, asked.config.company.fiscal_year_start)
    sql = spend_statement(asked, span)
    with company.seeing(asked.as_of) as engine:
        found = [(channel, kind, int(amount)) for channel, kind, amount in engine.rows(sql)]
    return Spending(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        about=COST,
        rows=tuple(
            Spent(span.start, channel, kind, major(amount)) for channel, kind, amount in found
        ),
        total=AmountTotal(major(sum(amount for *_, amount in found))),
        period=period,
        sql=sql,
    )


def spend_statement(question: LeadQuestion, period: Period) -> str:
    """SQL of rows (channel, kind, amount in micro-units), as the channel report sums them."""
    one = replace(question, by=(CHANNEL,))
    return f"""WITH periods AS ({periods_sql(question, [period])})
SELECT seg0 AS channel, kind, CAST(amount AS BIGINT) AS amount
FROM ({spent_sql(one, [period], period.grain)}) spent
ORDER BY amount DESC, channel, kind"""
