"""Goals as pages tell them: their pace in words, and the plan on a metric's chart."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.actions.goals import STATUSES, Pace, plan_of
from staycurve.i18n import N_
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.annotated import metric_label
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.period import Period, period_of

if TYPE_CHECKING:
    from staycurve.metrics.charts import Point

AHEAD = 3
"""Months to come that a chart shows of a plan: more would leave little room for what was."""

_EARLY = N_("reached already")
_TONES = {"on_track": "neutral", "behind": "neutral", "reached": "good", "missed": "bad"}


@dataclass(frozen=True)
class Told:
    """A goal in words, each number in the metric's unit."""

    pace: Pace
    label: str
    target: str
    start: str
    start_on: str
    until: str
    value: str
    value_on: str
    expected: str
    status: str
    tone: str
    needed: str


def paces(ask: Ask) -> tuple[Pace, ...]:
    """Every goal with its pace as of the page's instant, the active ones first."""
    return ask.company.goals.paced(ask.beside.goals, ask.seen)


def told(ask: Ask, pace: Pace) -> Told:
    """A goal in words."""
    goal = pace.goal
    status = _(STATUSES[pace.status])
    if goal.is_active and pace.status == "reached" and not pace.is_due:
        status = _(_EARLY)
    return Told(
        pace, metric_label(goal.metric), _full(ask, goal.metric, goal.target),
        _full(ask, goal.metric, goal.start_value), _month(goal.start_on), _month(goal.until_on),
        _full(ask, goal.metric, pace.value), _month(pace.value_on) if pace.value_on else "",
        _full(ask, goal.metric, pace.expected), status, _TONES.get(pace.status, "neutral"),
        _needed(ask, pace),
    )


def on_metric(ask: Ask, name: str) -> list[Told]:
    """The active goals of a metric, as its page tells them."""
    own = tuple(one for one in ask.beside.goals if one.is_active and one.metric == name)
    return [told(ask, pace) for pace in ask.company.goals.paced(own, ask.seen)]


def plan(ask: Ask, goals: list[Told]) -> tuple[tuple[Point, ...], tuple[Period, ...]]:
    """Points of the plans on a metric's chart, and the months to come that it shows for them.

    Goals run by month, of all accounts: other periods and segments have no plan.
    """
    from staycurve.metrics.charts import Point

    if ask.grain != "month" or ask.filters or not goals:
        return (), ()
    last = ask.periods[-1]
    ahead: list[Period] = []
    latest = max(one.pace.goal.until_on for one in goals)
    while len(ahead) < AHEAD and (ahead[-1] if ahead else last).end <= latest:
        ahead.append((ahead[-1] if ahead else last).next())
    points = [
        Point(
            str(start), f"goal {one.pace.goal.id}", value,
            _("Plan for %(metric)s, %(period)s: %(value)s") % {
                "metric": one.label, "period": naming.label(period_of(start, "month")),
                "value": _full(ask, one.pace.goal.metric, value),
            },
        )
        for one in goals
        for start, value in plan_of(one.pace.goal)
    ]
    return tuple(points), tuple(ahead)


def _month(on: dt.date) -> str:
    return naming.label(period_of(on, "month"))


def _full(ask: Ask, name: str, value: float | None) -> str:
    if name not in METRICS:
        return numbers.UNKNOWN if value is None else f"{value:g}"
    unit = METRICS[name].unit
    text = numbers.full(value, unit, ask.currency)
    return f"{text} {ask.currency}" if unit is Unit.MONEY and value is not None else text


def _needed(ask: Ask, pace: Pace) -> str:
    if pace.needed is None:
        return ""
    unit = METRICS[pace.goal.metric].unit
    if unit is Unit.PERCENT:
        size = _("%s points") % numbers.full(abs(pace.needed) * 100, Unit.RATIO)
    else:
        size = _full(ask, pace.goal.metric, abs(pace.needed)).removeprefix("+")
    return f"{'+' if pace.needed > 0 else '−'}{size}"
