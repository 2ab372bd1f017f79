"""Goals: kept, listed, dropped and reviewed within a session; at most two are active."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError, UsageError
from staycurve.state import audit
from staycurve.state.cleaning import NUMBERS, SOURCE, TEXT, WHO, line
from staycurve.state.models import GoalRow
from staycurve.state.records import Goal


class TooManyGoalsError(UsageError):
    """Two goals are active, and one of them has to be dropped first."""

    code = "too_many_goals"
    exit_status = 1


PLACES = (1, 2)
"""Places for active goals. The database gives each out once, whoever asks at the same time."""
OUTCOMES = ("reached", "missed")


def listed(session: Session, *, has_past: bool = False) -> tuple[Goal, ...]:
    """Active goals by their dates; with `has_past` those that have ended too, newest first."""
    rows = session.scalars(select(GoalRow).order_by(GoalRow.until_on, GoalRow.id))
    every = [_record(row) for row in rows]
    active = [one for one in every if one.is_active]
    past = sorted((one for one in every if not one.is_active), key=lambda one: -one.id)
    return tuple(active + past) if has_past else tuple(active)


def add(
    session: Session,
    *,
    metric: str,
    target: float,
    until_on: dt.date,
    owner: str,
    source: str,
    start_on: dt.date,
    start_value: float,
    drop: int | None,
    who: str,
    now: dt.datetime,
) -> Goal:
    """Keep a goal.

    Parameters
    ----------
    until_on, start_on : date
        Last days of the month that it is to be reached in, and of the one that it starts from.
    drop : int, optional
        An active goal that makes room for it, in the same transaction.

    Raises
    ------
    UsageError
        If two are active already; the hint says which.
    """
    if not (math.isfinite(target) and math.isfinite(start_value)):
        raise UsageError("A goal's numbers must be finite.", hint="Write a number.")
    kept = GoalRow(
        metric=metric, target=target, until_on=until_on, start_on=start_on,
        start_value=start_value, started_at=now, status="active", note="",
        owner=line(owner, what="The owner", most=WHO),
        source=line(source, what="The data source", most=SOURCE),
    )
    if drop is not None:
        end(session, drop, status="dropped", note="", value=None, who=who, now=now)
    for place in PLACES:
        if session.scalar(select(GoalRow.id).where(GoalRow.place == place)) is not None:
            continue
        try:
            # Another who takes the same place at the same moment is waited for, and keeps it.
            with session.begin_nested():
                kept.place = place
                session.add(kept)
                session.flush()
        except IntegrityError:
            kept = _again(kept)
            continue
        made = _record(kept)
        _note(session, made, "goal.added", who=who, now=now)
        return made
    raise too_many(listed(session))


def _again(row: GoalRow) -> GoalRow:
    names = [column.key for column in GoalRow.__table__.columns if column.key not in ("id",)]
    return GoalRow(**{name: getattr(row, name) for name in names})


def end(
    session: Session, goal: int, *, status: str, note: str, value: float | None, who: str,
    now: dt.datetime,
) -> Goal:
    """End an active goal: dropped, or reviewed as reached or missed; it stays in the history.

    Raises
    ------
    UnknownNameError
        If there is no such goal.
    UsageError
        If it has ended already.
    """
    # Locked, so that whoever ends it at the same time finds it ended.
    row = session.get(GoalRow, goal, with_for_update=True) if goal in NUMBERS else None
    if row is None:
        raise UnknownNameError("goal", str(goal), (), hint="All goals: staycurve goals list --all")
    if row.status != "active":
        raise UsageError(
            f"Goal {goal} has ended already: {row.status}.", hint="See: staycurve goals list --all"
        )
    row.status, row.place, row.ended_at, row.end_value = status, None, now, value
    row.note = line(note, what="The note", most=TEXT, is_required=False)
    session.flush()
    ended = _record(row)
    what = "goal.dropped" if status == "dropped" else "goal.reviewed"
    _note(session, ended, what, who=who, now=now)
    return ended


def get(session: Session, goal: int) -> Goal:
    """One goal, whether it has ended or not."""
    row = session.get(GoalRow, goal) if goal in NUMBERS else None
    if row is None:
        raise UnknownNameError("goal", str(goal), (), hint="All goals: staycurve goals list --all")
    return _record(row)


def too_many(active: Sequence[Goal]) -> TooManyGoalsError:
    """That no further goal can be set, and which are active."""
    named = " or ".join(f"{one.id} ({one.metric})" for one in active)
    return TooManyGoalsError(
        f"Two goals are active: {named}. Which one is to be dropped?",
        hint="Drop it: staycurve goals drop ID   (or add the new one with --drop ID)",
        goals=[one.id for one in active],
    )


def _note(session: Session, goal: Goal, what: str, *, who: str, now: dt.datetime) -> None:
    detail: Mapping[str, Any] = {
        "metric": goal.metric, "target": goal.target, "until": goal.until_on.isoformat(),
        "owner": goal.owner, "start_value": goal.start_value, "status": goal.status,
        "note": goal.note, "value": goal.end_value,
    }
    whose = line(who, what="The author", most=WHO, is_required=False)
    audit.add(session, at=now, who=whose, what=what, subject=f"goal {goal.id}", detail=detail)


def _record(row: GoalRow) -> Goal:
    return Goal(
        row.id, row.metric, row.target, row.until_on, row.owner, row.source, row.start_on,
        row.start_value, row.started_at, row.status, row.note, row.ended_at, row.end_value,
    )
