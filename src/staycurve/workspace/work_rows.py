"""Alerts, tasks, milestones and messages as they are answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from staycurve import personal
from staycurve.state.mail_models import AlertTicketRow, MailRow
from staycurve.state.work_models import AlertRow, MilestoneRow, OutboxRow, TaskRow
from staycurve.workspace.state import State


@contextmanager
def read(state: State) -> Iterator[Any]:
    """A session to read in; None where nothing has been kept yet."""
    if not state.database.is_there:
        yield None
        return
    with state.database.reading() as session:
        yield session


def alert_dict(row: AlertRow, reasons: Sequence[str]) -> dict[str, Any]:
    """An alert as JSON; money is in major units."""
    return {
        "id": row.id, "account_id": row.account_id, "name": row.account_name or None,
        "type": row.type, "status": row.status, "playbook": row.playbook, "owner": row.owner,
        "opened_at": row.opened_at.isoformat(), "opened_on": row.opened_on.isoformat(),
        "due_on": row.due_on.isoformat(), "mrr": row.mrr, "chance": row.chance,
        "can_do": row.can_do, "rank": row.rank, "evidence": _evidence(row),
        "reasons": list(reasons), "version": row.version,
        "snoozed_until": row.snoozed_until.isoformat() if row.snoozed_until else None,
        "snooze_reason": _written(row.snooze_reason),
        "escalated_at": row.escalated_at.isoformat() if row.escalated_at else None,
        "acted_at": row.acted_at.isoformat() if row.acted_at else None,
        "resolved_at": row.resolved_at.isoformat() if row.resolved_at else None,
        "resolved_by": row.resolved_by or None, "reason": row.reason or None,
        "note": _written(row.note),
    }


def _written(text: str) -> str | None:
    """What somebody wrote, which may name anybody, as the one who asks may see it."""
    if text and personal.is_shown():
        personal.note()
        return text
    return personal.HIDDEN if text else None


def _evidence(row: AlertRow) -> list[dict[str, Any]]:
    if personal.is_shown():
        return list(row.evidence)
    return [
        one | {"facts": {
            name: personal.HIDDEN if personal.is_named_so(name.partition(".")[2]) else value
            for name, value in one["facts"].items()
        }} for one in row.evidence
    ]


def task_dict(row: TaskRow) -> dict[str, Any]:
    """A task as JSON."""
    return {
        "id": row.id, "alert_id": row.alert_id, "account_id": row.account_id, "title": row.title,
        "owner": row.owner, "due_on": row.due_on.isoformat(), "status": row.status,
        "message": _written(row.message), "version": row.version,
        "done_at": row.done_at.isoformat() if row.done_at else None,
        "done_by": row.done_by or None, "note": _written(row.note),
    }


def message_dict(row: OutboxRow) -> dict[str, Any]:
    """A message of the outbox as JSON."""
    return {
        "id": row.id, "key": row.key, "channel": row.channel, "kind": row.kind,
        "status": row.status, "tries": row.tries, "created_at": row.created_at.isoformat(),
        "next_at": row.next_at.isoformat() if row.status == "waiting" else None,
        "sent_at": row.sent_at.isoformat() if row.sent_at else None, "error": row.error or None,
    }


def ticket_dict(row: AlertTicketRow) -> dict[str, Any]:
    """The ticket of an alert at a help desk as JSON."""
    return {
        "alert_id": row.alert_id, "desk": row.desk, "state": row.state,
        "reference": row.reference or None, "asked_at": row.asked_at.isoformat(),
        "opened_at": row.opened_at.isoformat() if row.opened_at else None,
        "solved_at": row.solved_at.isoformat() if row.solved_at else None,
        "solved_by": row.solved_by or None,
    }


def mail_dict(row: MailRow) -> dict[str, Any]:
    """A mail that is no survey's as JSON, without what it says."""
    is_shown = personal.is_shown()
    if is_shown:
        personal.note()
    return {
        "id": row.id, "kind": row.kind, "account_id": row.account_id or None,
        "email": row.email if is_shown else personal.HIDDEN,
        "subject": row.subject if is_shown else personal.HIDDEN, "state": row.state,
        "due_at": row.due_at.isoformat() if row.state == "waiting" else None,
        "attempts": row.attempts, "done_at": row.done_at.isoformat() if row.done_at else None,
        "said": _written(row.said), "created_at": row.created_at.isoformat(),
        "created_by": row.created_by or None,
    }


def milestone_dict(row: MilestoneRow, today: dt.date) -> dict[str, Any]:
    """A milestone as JSON."""
    return {
        "id": row.id, "account_id": row.account_id, "title": _written(row.title) or "",
        "owner": row.owner, "due_on": row.due_on.isoformat(),
        "is_overdue": row.done_at is None and row.due_on < today,
        "done_at": row.done_at.isoformat() if row.done_at else None,
        "done_by": row.done_by or None,
    }
