"""The forecast beside itself under a change: fewer leave, prices rise, more come."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import UsageError
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
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.projecting import Changed, projected
from staycurve.insights.value.cohort_series import closed_months
from staycurve.insights.value.forecast import Backtest, Months, What, forecast_of
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS

_TEXT = re.compile(r"([+\-−]?)(\d+(?:\.\d+)?)(pt|pp|%)")
POINTS, SHARE = "pt", "%"

GOES_ON = N_("Everything else goes on as in the forecast, and nobody reacts to the change.")
CHURN = N_("From the next month on the monthly churn rate of every cohort differs by {text}; who "
           "stays pays what others of its age pay.")
PRICE = N_("From the next month on all amounts differ by {text}, and nobody leaves because of it.")
NEW = N_("From the next month on new business differs by {text}.")
EXPANSION = N_("From the next month on the MRR of those who stay grows by {text} more each month.")
NO_MONEY = N_("Prices and expansion do not move the number of customers.")


@dataclass(frozen=True, kw_only=True)
class Beside(Row):
    """One month ahead, as it is and under the change."""

    period: Annotated[dt.date, col(N_("Month"), Kind.MONTH)]
    value: Annotated[
        float, col(N_("Forecast"), Unit.RATIO, unit_from="unit", ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    changed: Annotated[float, col(N_("Under the change"), Unit.RATIO, unit_from="unit")]
    difference: Annotated[float, col(N_("Difference"), Unit.RATIO, unit_from="unit")]
    why: WhyField = None
    unit: Annotated[str, Hidden()]


@dataclass(frozen=True, kw_only=True)
class WhatIf(Answer):
    """The forecast beside itself under a change."""

    as_of: AsOfField
    currency: CurrencyField
    metric: Annotated[str, Key(N_("mrr or customers."))]
    assumptions: Annotated[tuple[str, ...], Key(N_("The assumptions."))]
    why: WhyField = None
    backtest: Annotated[Backtest, Key(N_("How good the forecast was from past months."))]
    rows: Annotated[tuple[Beside, ...], Table(N_("The months ahead"))]

    def title(self) -> Said:
        return Said(N_("What if: %(metric)s, %(currency)s"), {
            "metric": Said(METRICS[self.metric].label), "currency": self.currency,
        })

    def said(self) -> tuple[Said, ...]:
        found = []
        if self.rows:
            end = self.rows[-1]
            unit = Unit(end.unit)
            values: dict[str, str | Value | Said] = {
                "month": (end.period, Kind.MONTH), "changed": (end.changed, unit),
                "value": (end.value, unit),
            }
            found.append(Said(N_("%(month)s: %(changed)s instead of %(value)s."), values))
        return (*found, *(Said(one) for one in self.assumptions))


def _text(about: str, example: str) -> Param:
    return Param(about, metavar=example, examples=example)


@insight("value whatif")
def whatif(
    company: Reader, *,
    metric: What = "mrr",
    churn: Annotated[
        str | None, _text(N_("Points on the monthly churn rate, such as -1pt."), "-1pt")
    ] = None,
    price: Annotated[str | None, _text(N_("Change of all amounts, such as +5%."), "+5%")] = None,
    new: Annotated[
        str | None, _text(N_("Change of new business, such as +10%."), "+10%")
    ] = None,
    expansion: Annotated[
        str | None, _text(N_("Points on the monthly growth of those who stay."), "+0.5pt")
    ] = None,
    months: Months = 12, where: Where = "", as_of: AsOfText = None,
) -> WhatIf:
    """What if fewer leave, prices rise, or more come?

    The forecast beside itself under the change, with what is supposed. Without a change it is the
    forecast.
    """
    changed = Changed(
        churn=_number("churn", churn, POINTS), price=_number("price", price, SHARE),
        new=_number("new", new, SHARE), expansion=_number("expansion", expansion, POINTS),
    )
    asked = question_on_day(company, (), where, as_of)
    closed = closed_months(company, asked, metric)
    plain = forecast_of(asked, closed, metric, months)
    is_money = metric == "mrr"
    other = projected(
        closed.values, closed.accounts, len(plain.rows), changed=changed, is_money=is_money
    ) if plain.rows else []
    said = [
        text.format(text=given)
        for text, given in ((CHURN, churn), (PRICE, price), (NEW, new), (EXPANSION, expansion))
        if given
    ]
    if not is_money and (price or expansion):
        said.append(NO_MONEY)
    return WhatIf(
        as_of=plain.as_of,
        currency=plain.currency,
        metric=metric,
        assumptions=(*said, GOES_ON),
        why=plain.why,
        backtest=plain.backtest,
        rows=tuple(
            Beside(
                period=row.period, value=row.value, low=row.low, high=row.high, changed=own,
                difference=own - row.value, why=row.why, unit=row.unit,
            )
            for row, own in zip(plain.rows, other, strict=True)
        ),
        sql=plain.sql,
    )


def _number(name: str, text: str | None, sign: str) -> float:
    """A change as a fraction: '-1pt' and '-1%' are −0.01."""
    if not text:
        return 0.0
    found = _TEXT.fullmatch(text.strip())
    is_points = found is not None and found[3] != "%"
    if found is None or is_points != (sign == POINTS):
        example = "-1pt" if sign == POINTS else "+5%"
        raise UsageError(
            f"'{text}' is no value of '{name}'.", hint=f"Write it as {example}.", parameter=name
        )
    number = float(found[2]) / 100
    if sign == SHARE and found[1] in ("-", "−") and number > 1:
        raise UsageError(
            f"'{text}' is no value of '{name}'.", hint="It is at least -100%.", parameter=name
        )
    return -number if found[1] in ("-", "−") else number
