"""What a customer is worth, in three ways side by side.

Simple: ARPA over the monthly churn rate. Margin: ARPA × gross margin × the mean of the
Kaplan-Meier curve up to a horizon. Projected: the same with the mean that the
shifted-beta-geometric model expects, up to a horizon or discounted. All are of the last month that
has closed, with lifetimes as of its close, as `clv_simple` and `clv_margin` are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AdditiveField,
    Answer,
    AsOfField,
    CurrencyField,
    Key,
    Kind,
    Row,
    Said,
    Segment,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.asking import question_on_day, seeing
from staycurve.insights.shared.members import NO_CLOSED_MONTH, NOBODY, Question
from staycurve.insights.shared.params import AsOfText, By, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.saying import of_segment
from staycurve.insights.statistics.lifetimes import LifeTable, life_table
from staycurve.insights.value.lifetime import (
    NO_MONTH,
    NOT_FOLLOWED,
    PROJECTED,
    Horizon,
    model_of,
    why_no_model,
)
from staycurve.insights.value.lives import lives_of, statement, tables_of
from staycurve.metrics.base import Unit
from staycurve.metrics.dimensions import ITEM_TRAITS, moving_dims
from staycurve.metrics.query import Query
from staycurve.metrics.relations import RELATIONS
from staycurve.period import Period, as_of as as_of_instant, day_start

METHODS = {
    "simple": N_("Simple"), "margin": N_("Margin"), "projected": N_("Projected"),
}
NO_CUSTOMERS = N_("no account of the segment pays at the close")
WHOLE_MARGIN = N_(
    "Delivery cost is not known for each segment: the gross margin is the company's throughout."
)
THEN_AND_NOW = N_(
    "Lifetimes go by what an account was on its first paid day, ARPA by what it is at the close."
)
MONTHS_A_YEAR = 12

Discount = Annotated[
    float | None,
    Param(N_("Discount rate of the projection, a year: 0.1 is 10%. Without a horizon the "
             "projection then has no end."), least=0, most=10, metavar="RATE"),
]


@dataclass(frozen=True, kw_only=True)
class Worth(Row):
    """What an account of one segment is worth by one method."""

    segment: Segment
    method: Annotated[str, col(N_("Method"), Kind.NAME, named_by=METHODS)]
    value: Annotated[float | None, col(N_("Lifetime value"), Unit.MONEY)]
    arpa: Annotated[float | None, col(N_("ARPA"), Unit.MONEY, why="")]
    gross_margin: Annotated[
        float | None,
        col(N_("Gross margin"), Unit.PERCENT, N_("Empty where the method takes none."), why=""),
    ]
    months: Annotated[
        float | None,
        col(N_("Months"), Unit.MONTHS, N_("The lifetime that the method takes."), why=""),
    ]
    horizon: Annotated[
        int | None,
        col(N_("Up to month"), Unit.COUNT, N_("Months beyond it do not count; empty where there "
            "is no end."), why=""),
    ]
    discount: Annotated[
        float | None, col(N_("Discount"), Unit.PERCENT, N_("A year."), why="", is_folded=True)
    ]
    why: Annotated[str | None, Key(N_("Why the value is empty."))]


@dataclass(frozen=True, kw_only=True)
class LifetimeValue(Answer):
    """What an account is worth, by segment and method."""

    as_of: AsOfField
    currency: CurrencyField
    period: Annotated[
        dt.date | None, Key(N_("The month whose ARPA, churn and gross margin are taken."))
    ]
    additive: AdditiveField = None
    why: WhyField = None
    rows: Annotated[tuple[Worth, ...], Table(N_("Customer lifetime value"))]

    def title(self) -> Said:
        if self.period is None:
            return Said(N_("Customer lifetime value"))
        month: Value = (self.period, Kind.MONTH)
        return Said(
            N_("Customer lifetime value, %(month)s, %(currency)s"),
            {"month": month, "currency": self.currency},
        )

    def said(self) -> tuple[Said, ...]:
        return tuple(_told(row) for row in self.rows if row.method == "margin")


def _told(row: Worth) -> Said:
    values: dict[str, str | Value | Said] = {
        "segment": of_segment(row.segment), "value": (row.value, Unit.MONEY),
        "arpa": (row.arpa, Unit.MONEY), "margin": (row.gross_margin, Unit.PERCENT),
        "months": (row.months, Unit.MONTHS), "horizon": (row.horizon, Unit.COUNT),
        "why": row.why or "",
    }
    if row.value is None:
        return Said(N_("No lifetime value by margin%(segment)s: %(why)s."), values)
    return Said(
        N_("An account is worth %(value)s%(segment)s: ARPA of %(arpa)s × %(margin)s gross margin × "
           "%(months)s of the first %(horizon)s months."), values,
    )


@insight("value ltv")
def ltv(
    company: Reader, *, by: By = "", where: Where = "", horizon: Horizon = None,
    discount: Discount = None, as_of: AsOfText = None,
) -> LifetimeValue:
    """What is a customer worth?

    Customer lifetime value by three methods: simple (ARPA ÷ churn rate), margin (ARPA × gross
    margin × mean lifetime up to a horizon) and projected (the same with the lifetime that a model
    expects, up to a horizon or discounted). An empty one says why.
    """
    if discount == 0 and horizon is None:
        raise UsageError(
            "A projection without a discount and without a horizon can be infinite.",
            hint="Give a discount above 0, or a horizon.", parameter="discount",
        )
    asked = question_on_day(company, by, where, as_of)
    month = asked.last_month
    zone = asked.config.company.zone
    closed = replace(asked, as_of=as_of_instant(day_start(month.end, zone), zone))
    sql = statement(closed)
    with seeing(company, closed) as engine:
        lives = lives_of(closed, engine.rows(sql))
    tables = tables_of(closed, lives)
    if not tables:
        is_young = bool(asked.as_of.is_open(month.next()))
        return _nothing(asked, NO_CLOSED_MONTH if is_young else NOBODY)
    arpa, simple, queried = _measured(company, asked, month)
    margins, notes = _margins(company, asked, month, tables)
    if any(dim in (*ITEM_TRAITS, *moving_dims()) for dim in asked.by):
        notes += (THEN_AND_NOW,)
    segments = sorted({*tables, *arpa}, key=asked.order)
    rows = [
        row
        for values in segments
        for row in _worths(
            asked.segment(values), tables.get(values) or life_table({}),
            arpa.get(values, (None, NO_CUSTOMERS)), simple.get(values, (None, NO_CUSTOMERS)),
            margins[values] if values in margins else margins[()], horizon, discount,
        )
    ]
    return LifetimeValue(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        period=month.start,
        additive=None if asked.is_additive else False,
        rows=tuple(rows),
        notes=notes,
        sql=f"{sql};\n\n{queried}",
    )


def _nothing(asked: Question, why: str) -> LifetimeValue:
    return LifetimeValue(
        as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency, period=None,
        why=why, rows=(),
    )


Found = tuple[float | None, str | None]
"""A value, or why there is none."""
ByValues = dict[tuple[str | None, ...], Found]


def _values(
    company: Reader, asked: Question, month: Period, *metrics: str
) -> tuple[list[ByValues], str]:
    shown = company.answer(
        Query(metrics, "month", (month,), asked.as_of, asked.by, asked.filters)
    )
    found: dict[str, ByValues] = {name: {} for name in metrics}
    for row in shown.rows:
        found[row["metric"]][tuple(row["segment"].values())] = (row["value"], row.get("why"))
    return list(found.values()), shown.sql


def _measured(
    company: Reader, asked: Question, month: Period
) -> tuple[ByValues, ByValues, str]:
    (arpa, simple), sql = _values(company, asked, month, "arpa", "clv_simple")
    return arpa, simple, sql


def _margins(
    company: Reader, asked: Question, month: Period, tables: Mapping[tuple[str | None, ...], object]
) -> tuple[ByValues, tuple[str, ...]]:
    """The gross margin of each segment, or the company's alone, by ()."""
    is_known = all(dim in RELATIONS["spend"].own for dim in asked.dims)
    if is_known and asked.dims:
        (own,), _ = _values(company, asked, month, "gross_margin")
        if all(own.get(values, (None, None))[0] is not None for values in tables):
            return own, ()
    (whole,), _ = _values(
        company, replace(asked, by=(), filters=()), month, "gross_margin"
    )
    return whole, (WHOLE_MARGIN,) if asked.dims else ()


def _worths(
    segment: Mapping[str, str | None], table: LifeTable, arpa: Found, simple: Found,
    margin: Found, horizon: int | None, discount: float | None,
) -> Iterator[Worth]:
    rate = simple[0]
    yield Worth(
        segment=segment, method="simple", value=rate, arpa=arpa[0], gross_margin=None,
        months=rate / arpa[0] if rate is not None and arpa[0] else None, horizon=None,
        discount=None, why=simple[1],
    )
    upto = horizon or table.followed
    months: Found = (None, NO_MONTH)
    if table.followed and table.reaches(upto):
        months = (table.restricted_mean(upto), None)
    elif table.followed:
        months = (None, NOT_FOLLOWED.format(horizon=upto, followed=table.followed))
    yield _margin_worth(segment, "margin", (arpa, margin, months), upto, None)
    beyond = horizon
    if horizon is None and discount is None:
        beyond = max(PROJECTED, table.followed)
    yield _margin_worth(
        segment, "projected", (arpa, margin, _projected(table, beyond, discount)), beyond, discount
    )


def _projected(table: LifeTable, horizon: int | None, discount: float | None) -> Found:
    model = model_of(table)
    if model is None:
        return None, why_no_model(table)
    monthly = (1 + (discount or 0)) ** (1 / MONTHS_A_YEAR) - 1
    if horizon is None:
        return model.discounted_mean(monthly), None
    return model.mean(horizon, discount=monthly), None


def _margin_worth(
    segment: Mapping[str, str | None], method: str, factors: tuple[Found, Found, Found],
    horizon: int | None, discount: float | None,
) -> Worth:
    (arpa, _), (margin, _), (months, _) = factors
    why = next((reason for value, reason in factors if value is None), None)
    value = None
    if arpa is not None and margin is not None and months is not None:
        value = arpa * margin * months
    return Worth(
        segment=segment, method=method, value=value, arpa=arpa, gross_margin=margin,
        months=months, horizon=horizon, discount=discount, why=why,
    )
