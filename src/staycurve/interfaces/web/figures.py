"""The six figures on top of the overview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.statistics.proportions import difference, share
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.benchmarked import on_card
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import reason
from staycurve.interfaces.web.texts import _
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.result import Result
from staycurve.period import Period

SHOWN = ("mrr", "net_new_mrr", "customers", "nrr", "customer_churn_rate", "arpa")
BEFORE = 12
"""Closed periods in the small line of each figure: a year of months."""

_HINTS = {"lower": N_("lower is better")}
"""Said only where people would take a rise for good news."""


@dataclass(frozen=True)
class Figure:
    """One number with what it is compared with."""

    metric: str
    label: str
    value: str
    full: str
    why: str
    delta: numbers.Delta | None
    before: str
    before_label: str
    href: str
    defined_at: str
    better: str
    line: str
    benchmark: str = ""


def _periods(ask: Ask) -> list[Period]:
    """The last closed period that is asked for and those before it, oldest first."""
    period = (ask.closed or ask.periods)[-1]
    day = ask.company.first_day(["mrr"])
    found = [period]
    while len(found) <= BEFORE:
        period = period.previous(ask.fiscal)
        if day is not None and period.end <= day:
            break
        found.append(period)
    return found[::-1]


def compared_to(ask: Ask, last: Period) -> Period | None:
    """The period that the last one is compared with; None where there was nothing yet."""
    before = ask.before(last)
    day = ask.company.first_day(["mrr"])
    return None if day is not None and before.end <= day else before


def _show(ask: Ask) -> Shown:
    periods = _periods(ask)
    last = periods[-1]
    before = compared_to(ask, last)
    # A year of weeks is more than the small line shows.
    asked = [before, *periods] if before is not None and before not in periods else periods
    answer = ask.answer(*SHOWN, periods=asked)
    values = {(row["metric"], row["period"]): row for row in answer.rows}
    figures, rows = [], []
    for name in SHOWN:
        metric = METRICS[name]
        row = values[name, str(last.start)]
        old = values[name, str(before.start)]["value"] if before else None
        change = numbers.delta(
            row["value"], old, metric.unit, metric.better,
            is_significant=is_significant(answer, name, last, before) if before else None,
        )
        figures.append(
            Figure(
                name,
                _(metric.label),
                numbers.compact(row["value"], metric.unit),
                numbers.full(row["value"], metric.unit, ask.currency),
                reason(row),
                change,
                numbers.compact(old, metric.unit, like=row["value"]),
                ask.label(before) if before else "",
                ask.opens(name, last),
                ask.defines(name),
                _(_HINTS[metric.better]) if metric.better in _HINTS else "",
                numbers.sparkline([values[name, str(p.start)]["value"] for p in periods]),
                on_card(ask, name),
            )
        )
        rows.append(_row(row, old, before, change, figures[-1].href))
    return Shown(rows, {
        "figures": figures,
        "period": ask.label(last),
        "is_open": ask.seen.is_open(last),
        "count": len(periods),
    })


def is_significant(answer: Result, name: str, now: Period, before: Period) -> bool | None:
    """Whether a share of accounts differs between two periods by more than chance explains.

    Newcombe's 95% interval of the difference leaves out 0; None where the rate is no such share.
    """
    counts = [answer.counts.get((name, str(period.start))) for period in (now, before)]
    if None in counts:
        return None
    gap = difference(*(share(*pair) for pair in counts if pair is not None))
    return None if gap is None else not gap[1] <= 0 <= gap[2]


def _row(
    row: dict[str, Any], old: float | None, before: Period | None, change: numbers.Delta | None,
    href: str,
) -> dict[str, Any]:
    return row | {
        "before": old,
        "before_period": str(before.start) if before else None,
        "tone": change.tone if change else None,
        "rows_at": href,
    }


FIGURES = Panel(
    "figures",
    N_("Where we stand"),
    N_("How much recurring revenue is there, and is it growing?"),
    "figures.html",
    _show,
)
