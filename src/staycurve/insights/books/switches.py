"""What every switch would do to a company's figures, before anybody changes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.conventions import SWITCHES, definition
from staycurve.errors import UnknownNameError
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
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.books.asked import ClosedPeriod, kept, period_named
from staycurve.insights.books.ledgers import Ledgers
from staycurve.insights.books.reconcile import profile_named
from staycurve.insights.books.reconciliation import valued
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import Query

HEADLINES = (
    "mrr", "customers", "nrr", "grr", "customer_churn_rate", "churned_mrr", "new_mrr",
)


@dataclass(frozen=True)
class Effect(Row):
    """One figure under one other value of one switch."""

    switch: Annotated[str, col(N_("Switch"))]
    value: Annotated[str, col(N_("Value"))]
    meaning: Annotated[str, col(N_("Meaning"))]
    metric: Annotated[str, col(N_("Metric"))]
    period: Annotated[str, Key(N_("Its first day."))]
    ours: Annotated[float | None, Key(N_("The figure as it is."))]
    with_it: Annotated[
        float | None,
        col(N_("With it"), Unit.RATIO, N_("The figure as it would be."), name="with",
            shown_as="would_be"),
    ]
    difference: Annotated[float | None, Key(N_("What the switch would change."))]
    why: WhyField = None

    @property
    def would_be(self) -> Said:
        """The figure as it would be; = where it stays as it is."""
        if self.with_it == self.ours:
            return Said("=")
        return valued(self.with_it, METRICS[self.metric].unit)


@dataclass(frozen=True, kw_only=True)
class Effects(Answer):
    """Every headline figure under every other value of every switch, each switched alone."""

    as_of: AsOfField
    currency: CurrencyField
    rows: Annotated[
        tuple[Effect, ...], Table(N_("Every switch alone"), across=("metric", "with_it"))
    ]
    period: Annotated[str, Hidden()]

    def title(self) -> Said:
        return Said(N_("Every switch alone, %(period)s, %(currency)s"), {
            "period": (self.period, Kind.DAY), "currency": (self.currency, Kind.TEXT),
        })

    def said(self) -> tuple[Said, ...]:
        ours = {row.metric: row.ours for row in self.rows}
        figures = ", ".join(f"{name} %({name})s" for name in ours)
        values: dict[str, str | Value | Said] = {
            name: (value, METRICS[name].unit) for name, value in ours.items()
        }
        return (
            Said(N_("As it is: %(figures)s"), {"figures": Said(figures, values)}),
            Said(N_("=  stays as it is")),
        )


@insight("switches")
def switches(company: Reader, *, period: ClosedPeriod = None, as_of: AsOfText = None) -> Effects:
    """What would our own figures be under another convention?

    Each switch is given each of its other values alone. It takes some seconds.
    """
    seen = company.as_of(as_of)
    named = period_named(company, period, seen)
    query = Query(HEADLINES, named.grain, (named,), seen)

    def make(ledgers: Ledgers) -> Effects:
        return Effects(
            as_of=seen.at.isoformat(),
            currency=company.config.company.currency,
            rows=tuple(effects_of(ledgers, query)),
            period=str(named.start),
        )

    return kept(company, "switches", named, seen, make)


def conventions_of(own: Mapping[str, str], text: str) -> dict[str, str]:
    """A value for every switch: those of a profile, or the company's own with one changed.

    Parameters
    ----------
    own : mapping
        The conventions in force.
    text : str
        A profile, such as 'stripe', or a switch with a value, such as 'discounts=all'.

    Raises
    ------
    UnknownNameError
        For a profile, a switch or a value that is not known.
    """
    switch, sign, value = (part.strip() for part in text.partition("="))
    if not sign:
        return dict(profile_named(switch))
    if switch not in SWITCHES:
        raise UnknownNameError("switch", switch, SWITCHES)
    if not SWITCHES[switch].check(value):
        raise UnknownNameError(f"value of {switch}", value, SWITCHES[switch].values)
    return dict(own) | {switch: value}


def others(conventions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every (switch, value) that is not in force."""
    for name, switch in SWITCHES.items():
        for value in switch.values:
            if value != conventions[name]:
                yield name, value


Cells = dict[tuple[str, str], tuple[float | None, str | None]]


def cells(ledgers: Ledgers, query: Query, conventions: Mapping[str, str]) -> Cells:
    """(metric, period) → value and the reason why it is empty, under some conventions."""
    return {
        (row["metric"], row["period"]): (row["value"], row.get("why"))
        for row in ledgers.values(query, conventions)
    }


def look_at(ledgers: Ledgers, query: Query) -> None:
    """Keep the accounts that any figure of `query` can count, under any conventions."""
    formulas = [
        METRICS[name].resolve(dict(ledgers.config.conventions) | {switch: value})
        for name in query.metrics
        for switch, value in others(ledgers.config.conventions)
    ]
    ledgers.focus_on(query, formulas)


def effects_of(ledgers: Ledgers, query: Query) -> list[Effect]:
    """Every figure of `query` under every other value of every switch, each switched alone."""
    own = dict(ledgers.config.conventions)
    look_at(ledgers, query)
    ours = cells(ledgers, query, own)
    found = []
    for switch, value in others(own):
        changed = cells(ledgers, query, own | {switch: value})
        for (metric, period), (before, why) in ours.items():
            after, why_after = changed[metric, period]
            change = None if before is None or after is None else after - before
            found.append(Effect(
                switch, value, definition(switch, value), metric, period, before, after, change,
                why or why_after,
            ))
    return found


def summary(found: Sequence[Effect]) -> list[tuple[str, str, dict[str, Effect]]]:
    """(switch, value, metric → effect), for one period."""
    lines: dict[tuple[str, str], dict[str, Effect]] = {}
    for effect in found:
        lines.setdefault((effect.switch, effect.value), {})[effect.metric] = effect
    return [(*key, by_metric) for key, by_metric in lines.items()]
