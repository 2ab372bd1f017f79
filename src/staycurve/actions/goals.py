"""Goals paced: where a metric stands beside the straight way from a goal's start to its target.

Months count. The plan rises, or falls, by the same amount in each month from the one that the goal
starts from to the one that it is to be reached in; a month is judged once it has closed.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.errors import NotAnsweredError, UsageError
from staycurve.i18n import N_
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Metric, Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.describe import bound_text, tables_of
from staycurve.metrics.query import Query
from staycurve.metrics.typed_values import value_of
from staycurve.period import AsOf, Period, month_index, month_start, parse_period, period_of
from staycurve.state.records import Goal

STATUSES = {
    "on_track": N_("on track"), "behind": N_("behind"), "reached": N_("reached"),
    "missed": N_("missed"), "unknown": N_("unknown"), "dropped": N_("dropped"),
}
LONGEST = 120
"""Months that a goal may take: what lies further is no goal that anybody follows."""

GONE = N_("there is no metric of this name any more")
BEFORE = N_("the month that it starts from has not closed as of then")


@dataclass(frozen=True)
class Pace:
    """A goal and where its metric stands.

    Attributes
    ----------
    value : float, optional
        The metric in the last closed month, at most the goal's own; in the metric's unit.
    value_on : date, optional
        The last day of that month.
    expected : float, optional
        What the plan has for that month.
    status : str
        One of STATUSES. Before the goal's month has closed `reached` means already.
    months_left : int
        Months from that one to the goal's.
    needed : float, optional
        What is missing, for each month that is left; None where nothing is, or no month is left.
    is_due : bool
        Whether the goal's month has closed and nobody has reviewed it.
    why : str
        Why the value is unknown.
    playbooks : tuple of str
        Those that serve it, by [goals]; of a goal that has ended none.
    """

    goal: Goal
    value: float | None
    value_on: dt.date | None
    expected: float | None
    status: str
    months_left: int = 0
    needed: float | None = None
    is_due: bool = False
    why: str = ""
    playbooks: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        goal = self.goal
        return {
            "id": goal.id, "metric": goal.metric, "target": goal.target,
            "until": goal.until_on.isoformat(), "owner": goal.owner, "source": goal.source,
            "started_at": goal.started_at.isoformat(), "start_on": goal.start_on.isoformat(),
            "start_value": goal.start_value, "value": self.value,
            "value_on": self.value_on and self.value_on.isoformat(), "expected": self.expected,
            "status": self.status, "months_left": self.months_left,
            "needed_per_month": self.needed, "is_active": goal.is_active, "is_due": self.is_due,
            "note": goal.note,
            "ended_at": goal.ended_at and goal.ended_at.isoformat(), "why": self.why or None,
            "playbooks": list(self.playbooks),
        }


def expected_at(goal: Goal, month: int) -> float:
    """What the plan has for a month, by its index; before and after the goal its ends."""
    first, last = month_index(goal.start_on), month_index(goal.until_on)
    if month >= last:
        return goal.target
    gone = max(0, month - first)
    return goal.start_value + (goal.target - goal.start_value) * gone / (last - first)


def plan_of(goal: Goal) -> list[tuple[dt.date, float]]:
    """First day of each month of a goal, and what the plan has for it."""
    first, last = month_index(goal.start_on), month_index(goal.until_on)
    return [(month_start(month), expected_at(goal, month)) for month in range(first, last + 1)]


def paced(goal: Goal, value: float | None, closed_on: dt.date, *, why: str = "") -> Pace:
    """A goal's pace.

    Parameters
    ----------
    value : float, optional
        The metric in the last month that has closed, or in the goal's where that has.
    closed_on : date
        The last day of the last month that has closed.
    """
    if not goal.is_active:
        return Pace(goal, goal.end_value, goal.until_on if goal.end_value is not None else None,
                    None, goal.status)
    first, last = month_index(goal.start_on), month_index(goal.until_on)
    month = min(month_index(closed_on), last)
    is_due, left = month_index(closed_on) >= last, last - max(month, first)
    if month < first:
        return Pace(goal, None, None, None, "unknown", left, why=BEFORE)
    on, expected = period_of(month_start(month), "month").end - dt.timedelta(1), expected_at(
        goal, month
    )
    if value is None:
        return Pace(goal, None, on, expected, "unknown", left, is_due=is_due, why=why)
    is_up = goal.target > goal.start_value
    if _is_there(value, goal.target, is_up=is_up):
        status = "reached"
    elif is_due:
        status = "missed"
    else:
        status = "on_track" if _is_there(value, expected, is_up=is_up) else "behind"
    is_short = status in ("on_track", "behind")
    needed = (goal.target - value) / left if is_short and left else None
    return Pace(goal, value, on, expected, status, left, needed, is_due)


def _is_there(value: float, mark: float, *, is_up: bool) -> bool:
    # A fraction of doubles may lie a hair beside what it equals.
    if math.isclose(value, mark, rel_tol=1e-9, abs_tol=1e-12):
        return True
    return value > mark if is_up else value < mark


def last_closed(seen: AsOf) -> Period:
    """The last month that has closed as of an instant."""
    month = period_of(seen.last_day, "month")
    return month.previous() if seen.is_open(month) else month


def read(company: Reader, metric: str, month: Period, seen: AsOf) -> tuple[float | None, str]:
    """A metric in one month, or None and the reason."""
    (row,) = company.answer(Query((metric,), "month", (month,), seen)).rows
    return row["value"], row.get("why") or ""


def paces(company: Reader, goals: Sequence[Goal], seen: AsOf) -> tuple[Pace, ...]:
    """The pace of each goal as of an instant."""
    return tuple(_pace(company, goal, seen) for goal in goals)


def _pace(company: Reader, goal: Goal, seen: AsOf) -> Pace:
    closed = last_closed(seen)
    closed_on = closed.end - dt.timedelta(1)
    if not goal.is_active or closed_on < goal.start_on:
        return paced(goal, None, closed_on)
    if goal.metric not in METRICS:
        return paced(goal, None, closed_on, why=GONE)
    month = min(closed, period_of(goal.until_on, "month"), key=lambda one: one.start)
    value, why = read(company, goal.metric, month, seen)
    return paced(goal, value, closed_on, why=why)


@dataclass(frozen=True)
class Wanted:
    """A goal as it is to be kept: read, checked, and with the value that it starts from."""

    metric: str
    target: float
    until_on: dt.date
    source: str
    start_on: dt.date
    start_value: float


def wanted(
    company: Reader, metric: str, target: str, *, until: str, source: str, seen: AsOf
) -> Wanted:
    """What a new goal says.

    Parameters
    ----------
    target : str
        In the metric's unit: 95%, 0.95, 120K.
    until : str
        2026, 2026-Q2, 2026-06 or 2026-06-30; the month in which that ends.
    source : str
        Where the numbers come from; the tables that the metric stands on without it.

    Raises
    ------
    UnknownNameError
        If there is no such metric.
    UsageError
        If the target is no value of its unit or is reached already, or the date has passed.
    NotAnsweredError
        If the metric is empty now.
    """
    known = METRICS[metric]
    if "month" not in known.grains:
        raise UsageError(
            f"{metric} is not known by month, and goals are followed by month.",
            hint="Choose another metric: staycurve metrics",
        )
    settings = company.config.company
    number = value_of(target, metric, known.unit, currency=settings.currency)
    closed = last_closed(seen)
    until_on = _until(until, closed, settings.fiscal_year_start)
    value, why = read(company, metric, closed, seen)
    if value is None:
        raise NotAnsweredError(
            f"{metric} is empty in {closed.name()}: {why}. A goal needs a value to start from.",
            hint=f"See: staycurve show {metric}",
        )
    _check_target(metric, known, number, value, closed)
    return Wanted(
        metric, number, until_on, source.strip() or ", ".join(tables_of(known)),
        closed.end - dt.timedelta(1), value,
    )


def _until(text: str, closed: Period, fiscal_start: int) -> dt.date:
    asked = parse_period(text, fiscal_start)
    found = period_of(asked.end - dt.timedelta(1), "month")
    months = month_index(found.start) - month_index(closed.start)
    if months <= 0:
        raise UsageError(
            f"'{text}' has passed: {closed.name()} is the last month that has closed.",
            hint=f"Choose a later month, such as {closed.next().next().next().name()}.",
        )
    if months > LONGEST:
        raise UsageError(
            f"'{text}' is {months} months away.", hint=f"A goal takes {LONGEST} months at most."
        )
    return found.end - dt.timedelta(1)


def _check_target(
    metric: str, known: Metric, target: float, value: float, closed: Period
) -> None:
    if known.better == "neutral":
        is_beyond = target != value
    else:
        is_beyond = target > value if known.better == "higher" else target < value
    if is_beyond and not math.isclose(target, value, rel_tol=1e-9, abs_tol=1e-12):
        return
    way = {"higher": "above", "lower": "below"}.get(known.better, "other than")
    raise UsageError(
        f"{metric} was {shown(known, value)} in {closed.name()}, so the target of "
        f"{shown(known, target)} is reached already.",
        hint=f"Choose a target {way} {shown(known, value)}.",
    )


def shown(metric: Metric, value: float) -> str:
    """A value in the metric's unit, as messages show it."""
    digits = 4 if metric.unit is Unit.PERCENT else 2
    return bound_text(metric, round(value, digits))
