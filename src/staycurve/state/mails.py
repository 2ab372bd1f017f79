"""Mails that are no survey's within a session: which wait, who sends them, what became of them.

As with those of surveys a mail is claimed before a server is asked to take it. What a process was
sending when it died is never sent a second time: nobody knows whether the server took it.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from staycurve.state.cleaning import PAGE
from staycurve.state.mail_models import SUBJECT, MailRow
from staycurve.state.survey_mails import (
    DROPPED,
    FAILED,
    SENDING,
    SENT,
    STALE,
    UNSURE,
    WAITING,
)
from staycurve.tables.person.terms import EXPIRED

__all__ = [
    "DROPPED", "FAILED", "SENDING", "SENT", "UNSURE", "WAITING", "MailRow", "claim",
    "due", "expire", "expired_count", "known", "listed", "put", "replace", "settle", "stale",
]

DIGEST, RECAP, TICKET = "digest", "recap", "ticket"
KINDS = (DIGEST, RECAP, TICKET)


def put(
    session: Session, *, key: str, kind: str, email: str, subject: str, text: str, html: str,
    now: dt.datetime, name: str = "", account: str = "", by: str = "",
    due_at: dt.datetime | None = None,
) -> MailRow | None:
    """Let a mail wait; None where one of this key waits or went out already.

    Of two who put it in at the same moment the database lets one.
    """
    if known(session, key):
        return None
    row = MailRow(
        key=key, kind=kind, email=email, person_name=name[:PAGE], account_id=account,
        subject=subject[:SUBJECT], text=text, html=html, state=WAITING, due_at=due_at or now,
        attempts=0, claimed_at=None, done_at=None, said="", created_at=now, created_by=by,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return None
    return row


def known(session: Session, key: str) -> bool:
    """Whether a mail of this key was ever put in."""
    return session.scalar(select(MailRow.id).where(MailRow.key == key)) is not None


def due(session: Session, now: dt.datetime, *, most: int, kind: str = "") -> list[int]:
    """The mails that wait and are due, the longest first."""
    query = select(MailRow.id).where(MailRow.state == WAITING, MailRow.due_at <= now)
    if kind:
        query = query.where(MailRow.kind == kind)
    return list(session.scalars(query.order_by(MailRow.due_at, MailRow.id).limit(most)))


def stale(session: Session, now: dt.datetime) -> list[int]:
    """Mails that a process died over: whether they went out is not known."""
    return list(session.scalars(
        select(MailRow.id).where(MailRow.state == SENDING, MailRow.claimed_at < now - STALE)
        .order_by(MailRow.id)
    ))


def claim(session: Session, mail: int, now: dt.datetime) -> bool:
    """Take a mail to send it; whether nobody else has."""
    done = session.execute(
        update(MailRow).where(MailRow.id == mail, MailRow.state == WAITING)
        .values(state=SENDING, claimed_at=now, attempts=MailRow.attempts + 1)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def settle(
    session: Session, mail: int, state: str, *, now: dt.datetime, said: str = "",
    due_at: dt.datetime | None = None,
) -> None:
    """Keep what became of a mail; one that waits again is due at `due_at`."""
    row = session.get(MailRow, mail, with_for_update=True)
    if row is None:
        return
    row.state, row.said = state, said[:PAGE]
    row.done_at = None if state == WAITING else now
    if due_at is not None:
        row.due_at = due_at


def replace(session: Session, by: MailRow, prefix: str, *, now: dt.datetime, said: str) -> None:
    """Let the others that wait, and whose keys begin so, wait no longer."""
    session.execute(
        update(MailRow)
        .where(MailRow.state == WAITING, MailRow.id != by.id,
               MailRow.key.startswith(prefix, autoescape=True))
        .values(state=DROPPED, done_at=now, said=said[:PAGE])
    )


def listed(
    session: Session, *, kind: str = "", account: str = "", most: int
) -> tuple[MailRow, ...]:
    """The last mails, newest first."""
    query = select(MailRow).order_by(MailRow.id.desc()).limit(most)
    if kind:
        query = query.where(MailRow.kind == kind)
    if account:
        query = query.where(MailRow.account_id == account)
    return tuple(session.scalars(query))


def expired_count(session: Session, before: dt.datetime) -> int:
    """How many mails that ended before an instant still say something."""
    return session.scalar(select(func.count()).where(*_ended(before))) or 0


def expire(session: Session, before: dt.datetime) -> int:
    """Blank to whom mails went and what they said that ended before an instant; how many.

    The rows stay, and none is sent again. A recap keeps its address: the link in it by which
    its reader unsubscribes is signed with that.
    """
    done = session.execute(
        update(MailRow).where(*_ended(before)).values(
            email=case((MailRow.kind == RECAP, MailRow.email), else_=EXPIRED), person_name="",
            subject=EXPIRED, text=EXPIRED, html=EXPIRED, said="",
        ).execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _ended(before: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    # What waits is still to be sent, as it is.
    return (MailRow.state.not_in((WAITING, SENDING)), MailRow.done_at < before,
            MailRow.text != EXPIRED)
