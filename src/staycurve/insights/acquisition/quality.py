"""What becomes of the accounts of each channel: activation, retention, what they pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.acquisition.asked import AGES, question_of
from staycurve.insights.acquisition.leads import CHANNEL
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    HighField,
    Key,
    LowField,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.cohorts.cohort_retention import retention
from staycurve.insights.lifecycle.lifecycle import SMALL
from staycurve.insights.shared.known_use import knows_use
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import share
from staycurve.metrics.base import Unit
from staycurve.metrics.query import Query, plan
from staycurve.period import period_of, periods_between

NO_CAUSE = N_(
    "Channels bring different customers: what an account does afterwards is associated with its "
    "channel, not caused by it. Channels are those of the accounts, as they are today."
)
NO_ACTIVATION = N_("no events are loaded, or no account's window has passed yet")
NO_CUSTOMERS: Mapping[str, float | None] = {"customers": 0, "mrr": 0.0, "arpa": None}
"""What is paid where accounts of a channel are known and none of them pays."""


@dataclass(frozen=True)
class Begun(Row):
    """Accounts that reached first value, of those whose window has passed."""

    value: Annotated[float | None, Key()]
    low: LowField
    high: HighField
    activated: Annotated[int, Key()]
    size: Annotated[int, Key()]
    is_small: Annotated[bool, Key()]
    why: WhyField = None

    def brief(self) -> Said:
        return _brief(self.value, self.low, self.high, is_small=self.is_small)


@dataclass(frozen=True)
class Kept(Row):
    """Accounts that pay so many months on, of those of closed cohorts."""

    age: Annotated[int, Key(N_("Months after the activation month."))]
    value: Annotated[float | None, Key()]
    low: LowField
    high: HighField
    retained: Annotated[int, Key()]
    size: Annotated[int, Key()]
    is_small: Annotated[bool, Key()]

    def brief(self) -> Said:
        return Said(N_("after %(age)s months %(share)s"), {
            "age": (self.age, Unit.COUNT),
            "share": _brief(self.value, self.low, self.high, is_small=self.is_small),
        })


def _brief(
    value: float | None, low: float | None, high: float | None, *, is_small: bool
) -> Said:
    if value is None or low is None or high is None:
        return Said("–")
    text = N_("%(value)s (%(low)s to %(high)s)")
    if is_small:
        text = N_("%(value)s (%(low)s to %(high)s, small)")
    return Said(text, {
        "value": (value, Unit.PERCENT), "low": (low, Unit.PERCENT), "high": (high, Unit.PERCENT),
    })


@dataclass(frozen=True)
class ChannelQuality(Row):
    """How the accounts of a channel fare."""

    channel: Annotated[
        str | None,
        col(N_("Channel"), about=N_("Empty where none is known."), named_by={"": N_("(none)")}),
    ]
    activation: Annotated[Begun, col(N_("Activated"))]
    retention: Annotated[tuple[Kept, ...], col(N_("Pay"))]
    customers: Annotated[float | None, col(N_("Customers"), Unit.COUNT)]
    mrr: Annotated[float | None, col(N_("MRR"), Unit.MONEY)]
    arpa: Annotated[float | None, col(N_("ARPA"), Unit.MONEY)]


@dataclass(frozen=True, kw_only=True)
class Quality(Answer):
    """How the accounts of each channel fare, all so far."""

    as_of: AsOfField
    currency: CurrencyField
    why: WhyField = None
    rows: Annotated[tuple[ChannelQuality, ...], Table(N_("Accounts by channel"))]

    def title(self) -> Said:
        return Said(
            N_("Accounts by channel, as of %(as_of)s, %(currency)s"),
            {"as_of": self.as_of, "currency": self.currency},
        )


@insight("acquisition quality", comes_from="/acquisition#quality")
def quality(company: Reader, *, where: Where = "", as_of: AsOfText = None) -> Quality:
    """How do the accounts of each channel do afterwards: activation, retention, what they pay?

    Activation of all sign-ups whose window has passed; retention at 3 and 12 months, of the
    accounts of closed cohorts; customers, MRR and ARPA at the last day.
    """
    asked = question_of(company, where, as_of)
    seen = asked.as_of
    activated, sql = _activation(company, asked)
    kept = retention(
        company, ages=AGES, per="all", by=CHANNEL, where=asked.filters, as_of=as_of
    )
    retained = {
        (point.segment[CHANNEL], point.age): (point.retained, point.size) for point in kept.rows
    }
    day = period_of(seen.last_day, "day")
    shown = company.answer(
        Query(("customers", "mrr", "arpa"), "day", (day,), seen, (CHANNEL,), asked.filters)
    )
    values: dict[str | None, dict[str, float | None]] = {}
    for row in shown.rows:
        values.setdefault(row["segment"][CHANNEL], {})[row["metric"]] = row["value"]
    return Quality(
        as_of=seen.at.isoformat(),
        currency=asked.config.company.currency,
        rows=tuple(quality_rows(activated, retained, values, ages=AGES)),
        notes=(NO_CAUSE,),
        sql=";\n\n".join((sql, kept.sql, shown.sql)),
    )


def _activation(
    company: Reader, asked: Question
) -> tuple[dict[str | None, tuple[int, int]], str]:
    """Channel → (activated, accounts whose window has passed) over all sign-ups."""
    seen = asked.as_of
    first = company.first_day(("activation_rate",))
    if first is None or first > seen.last_day:
        return {}, ""
    months = tuple(periods_between(first, seen.last_day, "month"))
    made = plan(
        Query(("activation_rate",), "month", months, seen, (CHANNEL,), asked.filters),
        company.config,
        attributes=company.attributes(),
    )
    names = [measure.name for measure in made.measures]
    found: dict[str | None, tuple[int, int]] = {}
    with company.seeing(seen) as engine:
        # Without any event nobody knows who reached first value; that is not nobody.
        is_known = knows_use(company)
        for row in engine.rows(made.sql) if is_known else ():
            own = dict(zip(names, row[2:], strict=False))
            got, size = found.get(row[1], (0, 0))
            found[row[1]] = (
                got + int(own["activated_in_window"] or 0),
                size + int(own["mature_signups"] or 0),
            )
    return {channel: pair for channel, pair in found.items() if pair[1]}, made.sql


def quality_rows(
    activated: Mapping[str | None, tuple[int, int]],
    retained: Mapping[tuple[str | None, int], tuple[int, int]],
    values: Mapping[str | None, Mapping[str, float | None]],
    *,
    ages: Sequence[int],
) -> list[ChannelQuality]:
    """One row a channel.

    Parameters
    ----------
    activated : mapping
        Channel → (activated within their window, accounts whose window has passed).
    retained : mapping
        (channel, age in months) → (still paying, accounts of closed cohorts).
    values : mapping
        Channel → metric → value at the last close.
    """
    channels = {*activated, *values, *(channel for channel, _ in retained)}
    rows = []
    for channel in sorted(channels, key=lambda name: name or ""):
        begun = share(*activated.get(channel, (0, 0)))
        kept = [(age, share(*retained.get((channel, age), (0, 0)))) for age in ages]
        own = {**NO_CUSTOMERS, **values.get(channel, {})}
        rows.append(ChannelQuality(
            channel,
            Begun(begun.value, begun.low, begun.high, begun.count, begun.size, begun.size < SMALL,
                  None if begun.size else NO_ACTIVATION),
            tuple(
                Kept(age, part.value, part.low, part.high, part.count, part.size,
                     part.size < SMALL)
                for age, part in kept
            ),
            own["customers"], own["mrr"], own["arpa"],
        ))
    return rows
