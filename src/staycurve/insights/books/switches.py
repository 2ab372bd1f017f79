"""What every switch would do to a company's figures, before anybody changes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.conventions import SWITCHES, definition
from staycurve.errors import UnknownNameError
from staycurve.insights.books.ledgers import Ledgers
from staycurve.insights.books.reconcile import profile_named
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import Query

HEADLINES = (
    "mrr", "customers", "nrr", "grr", "customer_churn_rate", "churned_mrr", "new_mrr",
)


@dataclass(frozen=True)
class Effect:
    """One figure under one other value of one switch.

    Attributes
    ----------
    ours, with_it : float, optional
        The figure as it is, and as it would be; None where it is empty, and `why` says why.
    """

    switch: str
    value: str
    metric: str
    period: str
    ours: float | None
    with_it: float | None
    why: str | None = None

    @property
    def difference(self) -> float | None:
        """What the switch would change."""
        return None if self.ours is None or self.with_it is None else self.with_it - self.ours

    def as_dict(self) -> dict[str, Any]:
        """One row of `--format json`."""
        return {
            "switch": self.switch, "value": self.value, "metric": self.metric,
            "period": self.period, "ours": self.ours, "with": self.with_it,
            "difference": self.difference, **({"why": self.why} if self.why else {}),
        }


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
            found.append(
                Effect(switch, value, metric, period, before, after, why or why_after)
            )
    return found


def summary(found: Sequence[Effect]) -> list[tuple[str, str, str, dict[str, Effect]]]:
    """(switch, value, its words, metric → effect), for one period."""
    lines: dict[tuple[str, str], dict[str, Effect]] = {}
    for effect in found:
        lines.setdefault((effect.switch, effect.value), {})[effect.metric] = effect
    return [
        (switch, value, definition(switch, value), by_metric)
        for (switch, value), by_metric in lines.items()
    ]
