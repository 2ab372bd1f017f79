"""The outbox: what is to be sent is kept with what it tells of, and sent once afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError
from staycurve.state.cleaning import NUMBERS, TEXT
from staycurve.state.work_models import OutboxRow

FIRST, LONGEST = dt.timedelta(minutes=1), dt.timedelta(hours=6)
"""The wait after a first failure, doubled each time, and the longest."""
GIVE_UP = 40
"""Tries; with these waits a channel may be away for over a week."""
LEASE = dt.timedelta(minutes=10)
"""How long one who took a message has to send it before another may."""


def put(
    session: Session, *, key: str, channel: str, kind: str, body: Mapping[str, Any],
    now: dt.datetime, next_at: dt.datetime | None = None,
) -> bool:
    """Keep a message to send; whether it is new. What has the same key is the same message."""
    if session.scalar(select(OutboxRow.id).where(OutboxRow.key == key)) is not None:
        return False
    session.add(OutboxRow(
        key=key, channel=channel, kind=kind, body=dict(body), status="waiting", tries=0,
        created_at=now, next_at=next_at or now, sent_at=None, error="", holder="",
    ))
    session.flush()
    return True


def take(session: Session, *, holder: str, now: dt.datetime) -> OutboxRow | None:
    """The next message that is due, held for LEASE by `holder`; None without any.

    Two who ask at the same moment never hold the same.
    """
    for _try in range(5):
        found = session.execute(
            select(OutboxRow.id, OutboxRow.next_at)
            .where(OutboxRow.status == "waiting", OutboxRow.next_at <= now)
            .order_by(OutboxRow.next_at, OutboxRow.id).limit(1)
        ).first()
        if found is None:
            return None
        taken = session.execute(
            update(OutboxRow)
            .where(OutboxRow.id == found.id, OutboxRow.status == "waiting",
                   OutboxRow.next_at == found.next_at)
            .values(next_at=now + LEASE, holder=holder, tries=OutboxRow.tries + 1)
            .execution_options(synchronize_session=False)
        )
        if taken.rowcount:  # type: ignore[attr-defined]
            return session.get(OutboxRow, found.id, populate_existing=True)
    return None


def sent(session: Session, message: int, *, holder: str, now: dt.datetime) -> None:
    """Note that a message has arrived."""
    row = session.get(OutboxRow, message, with_for_update=True)
    if row is not None and row.holder == holder:
        row.status, row.sent_at, row.error, row.holder = "sent", now, "", ""


def failed(
    session: Session, message: int, *, holder: str, error: str, now: dt.datetime,
    is_final: bool = False,
) -> None:
    """Note that a message did not arrive; it is tried again later, unless that is hopeless."""
    row = session.get(OutboxRow, message, with_for_update=True)
    if row is None or row.holder != holder:
        return
    row.error, row.holder = error[:TEXT], ""
    if is_final or row.tries >= GIVE_UP:
        row.status = "failed"
        return
    row.next_at = now + min(LONGEST, FIRST * 2 ** min(row.tries - 1, 20))


def replay(session: Session, message: int, *, now: dt.datetime) -> OutboxRow:
    """Send a message again, under the same key: who has it already leaves it aside."""
    row = session.get(OutboxRow, message, with_for_update=True) if message in NUMBERS else None
    if row is None:
        raise UnknownNameError("message", str(message), (),
                               hint="All messages: staycurve channels log")
    row.status, row.tries, row.next_at, row.error, row.holder = "waiting", 0, now, "", ""
    return row


def listed(session: Session, *, most: int) -> tuple[OutboxRow, ...]:
    """The last messages, newest first."""
    return tuple(session.scalars(select(OutboxRow).order_by(OutboxRow.id.desc()).limit(most)))
