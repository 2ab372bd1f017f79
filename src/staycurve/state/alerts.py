"""Alerts within a session: listed, and moved by legal transitions, of which each is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError, UsageError
from staycurve.state import audit
from staycurve.state.cleaning import NUMBERS, TEXT, WHO, line
from staycurve.state.work_models import AlertEventRow, AlertRow, TaskRow

STATUSES = ("open", "waiting", "snoozed", "resolved")
LEGAL: Mapping[str, tuple[str, ...]] = {
    "open": ("snoozed", "resolved"), "waiting": ("open", "resolved"),
    "snoozed": ("open", "resolved"), "resolved": (),
}
"""From which status to which an alert may move."""
LONGEST_SNOOZE = 366


class ConflictError(UsageError):
    """Somebody else has changed it since it was read."""

    code = "conflict"
    exit_status = 1


class TransitionError(UsageError):
    """What is in this state cannot be moved so."""

    code = "illegal_transition"
    exit_status = 1


def get(session: Session, alert: int, *, is_locked: bool = False) -> AlertRow:
    """One alert.

    Raises
    ------
    UnknownNameError
        If there is none of this number.
    """
    row = session.get(AlertRow, alert, with_for_update=is_locked) if alert in NUMBERS else None
    if row is None:
        raise UnknownNameError("alert", str(alert), (), hint="All alerts: staycurve alerts list")
    return row


def moving(session: Session, alert: int, to: str, *, version: int | None) -> AlertRow:
    """An alert, locked, that may move to a status.

    Raises
    ------
    ConflictError
        If it is no longer what was read, or somebody has resolved it already.
    TransitionError
        If that move is not legal.
    """
    row = get(session, alert, is_locked=True)
    if row.status == "resolved":
        raise ConflictError(
            f"Alert {alert} was resolved already: {row.reason}"
            f"{f', by {row.resolved_by}' if row.resolved_by else ''}.",
            hint=f"See: staycurve alerts show {alert}", version=row.version,
        )
    if version is not None and version != row.version:
        raise ConflictError(
            f"Alert {alert} has changed since you read it (version {row.version}, not {version}).",
            hint="Look at it again, then decide.", version=row.version,
        )
    if to not in LEGAL[row.status]:
        raise TransitionError(
            f"Alert {alert} is {row.status}, and cannot become {to}.",
            hint=f"It can become: {', '.join(LEGAL[row.status])}",
        )
    return row


def resolve(
    session: Session, alert: int, *, reason: str, allowed: tuple[str, ...], who: str, note: str,
    version: int | None, now: dt.datetime,
) -> AlertRow:
    """End an alert for a reason; its open tasks are dropped.

    Raises
    ------
    UsageError
        If the reason is none of the alert's, or nobody is named.
    """
    row = moving(session, alert, "resolved", version=version)
    if reason not in allowed:
        raise UsageError(
            f"'{reason}' is no reason of alert {alert}.", hint=f"One of: {', '.join(allowed)}"
        )
    end(session, row, reason=reason, who=line(who, what="Who resolves it", most=WHO), now=now,
        note=line(note, what="The note", most=TEXT, is_required=False))
    audit.add(session, at=now, who=row.resolved_by, what="alert.resolved",
              subject=f"alert {row.id}", detail={"account_id": row.account_id, "reason": reason})
    return row


def end(
    session: Session, row: AlertRow, *, reason: str, who: str, now: dt.datetime, note: str = "",
    is_of_person: bool = True,
) -> None:
    """Close an alert that may be closed."""
    row.status, row.is_open, row.reason = "resolved", None, reason
    row.resolved_at, row.resolved_by, row.note = now, who, note
    if is_of_person and row.acted_at is None:
        row.acted_at = now
    row.version += 1
    session.flush()
    happened(session, row.id, "resolved", who=who, now=now, reason=reason)
    for task in session.scalars(
        select(TaskRow).where(TaskRow.alert_id == row.id, TaskRow.status == "open")
        .order_by(TaskRow.id)
    ):
        task.status, task.version = "dropped", task.version + 1


def snooze(
    session: Session, alert: int, *, until: dt.date, today: dt.date, reason: str, who: str,
    version: int | None, now: dt.datetime,
) -> AlertRow:
    """Put an alert off until a day; nothing new of its type opens for the account meanwhile.

    Raises
    ------
    UsageError
        If the day has passed, lies over a year away, or no reason is given.
    """
    row = moving(session, alert, "snoozed", version=version)
    if not today < until <= today + dt.timedelta(days=LONGEST_SNOOZE):
        raise UsageError(
            f"{until} is no day to snooze until.",
            hint=f"A day after {today}, at most a year away.",
        )
    row.status, row.snoozed_until = "snoozed", until
    row.snooze_reason = line(reason, what="The reason", most=TEXT)
    row.acted_at = row.acted_at or now
    row.version += 1
    session.flush()
    happened(session, row.id, "snoozed", who=line(who, what="Who snoozes it", most=WHO), now=now,
             until=until.isoformat(), reason=row.snooze_reason)
    return row


def assign(
    session: Session, alert: int, *, owner: str, who: str, version: int | None, now: dt.datetime
) -> AlertRow:
    """Give an alert and its open tasks to another."""
    row = get(session, alert, is_locked=True)
    if row.status == "resolved" or (version is not None and version != row.version):
        moving(session, alert, "resolved", version=version)
    before, row.owner = row.owner, line(owner, what="The owner", most=WHO)
    row.version += 1
    for task in session.scalars(
        select(TaskRow).where(TaskRow.alert_id == row.id, TaskRow.status == "open")
        .order_by(TaskRow.id)
    ):
        task.owner, task.version = row.owner, task.version + 1
    happened(session, row.id, "assigned", who=who, now=now, before=before, owner=row.owner)
    return row


def happened(
    session: Session, alert: int, what: str, *, who: str, now: dt.datetime, **detail: Any
) -> None:
    """Keep what happened to an alert."""
    session.add(AlertEventRow(alert_id=alert, at=now, who=who, what=what, detail=detail))


def history(session: Session, alert: int) -> tuple[AlertEventRow, ...]:
    """What happened to an alert, oldest first."""
    return tuple(session.scalars(
        select(AlertEventRow).where(AlertEventRow.alert_id == alert).order_by(AlertEventRow.id)
    ))


def complete(
    session: Session, task: int, *, who: str, note: str, version: int | None, now: dt.datetime
) -> TaskRow:
    """Say that a task is done.

    Raises
    ------
    ConflictError
        If it is done already, or has changed since it was read.
    """
    row = session.get(TaskRow, task) if task in NUMBERS else None
    # The alert first, as everybody locks them: two who lock crosswise would wait for each other.
    alert = None if row is None or row.alert_id is None else get(
        session, row.alert_id, is_locked=True
    )
    row = session.get(TaskRow, task, with_for_update=True) if row is not None else None
    if row is None:
        raise UnknownNameError("task", str(task), (), hint="All tasks: staycurve tasks list")
    if row.status != "open":
        by = f" by {row.done_by}" if row.done_by else ""
        raise ConflictError(f"Task {task} is {row.status} already{by}.",
                            hint="See: staycurve tasks list --all")
    if version is not None and version != row.version:
        raise ConflictError(f"Task {task} has changed since you read it.",
                            hint="Look at it again, then decide.")
    row.status, row.done_at = "done", now
    row.done_by = line(who, what="Who did it", most=WHO)
    row.note = line(note, what="The note", most=TEXT, is_required=False)
    row.version += 1
    if alert is not None:
        alert.acted_at = alert.acted_at or now
        happened(session, alert.id, "task_done", who=row.done_by, now=now, task=row.title)
    audit.add(session, at=now, who=row.done_by, what="task.done", subject=f"task {row.id}",
              detail={"account_id": row.account_id})
    return row
