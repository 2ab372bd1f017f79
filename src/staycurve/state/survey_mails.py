"""Mails of surveys: which wait, who sends them, what became of them; and whom nobody writes to.

A mail is claimed before a server is asked to take it. What a process was sending when it died
stays claimed: nobody knows whether the server took it, so that it is never sent a second time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from staycurve.state import audit
from staycurve.state.survey_invitations import asked_of
from staycurve.state.survey_models import (
    InvitationRow,
    ResponseRow,
    SuppressionRow,
    SurveyMailRow,
    SurveyRow,
    SurveyVersionRow,
)
from staycurve.state.survey_records import Mail, Suppression

WAITING, SENDING, SENT, FAILED, UNSURE, DROPPED = (
    "waiting", "sending", "sent", "failed", "unsure", "dropped"
)
ASK, REMINDER = "ask", "reminder"
STALE = dt.timedelta(minutes=15)
"""After so long nobody is sending a claimed mail any more."""


def add(
    session: Session, invitation: int, kind: str, *, due_at: dt.datetime, zone: str
) -> None:
    """Let a mail wait."""
    session.add(SurveyMailRow(
        invitation_id=invitation, kind=kind, state=WAITING, due_at=due_at, zone=zone, attempts=0,
        said="",
    ))
    session.flush()


def due(session: Session, now: dt.datetime, *, most: int, is_any: bool = False) -> list[Mail]:
    """Mails that wait and are due, or any that wait, the longest first."""
    tests = [SurveyMailRow.state == WAITING]
    if not is_any:
        tests.append(SurveyMailRow.due_at <= now)
    return _mails(session, tests, most)


def stale(session: Session, now: dt.datetime) -> list[Mail]:
    """Mails that a process died over: whether they went out is not known."""
    tests = [SurveyMailRow.state == SENDING, SurveyMailRow.claimed_at < now - STALE]
    return _mails(session, tests, None)


def _mails(
    session: Session, tests: Sequence[ColumnElement[bool]], most: int | None
) -> list[Mail]:
    rows = session.execute(
        select(SurveyMailRow, InvitationRow, SurveyRow, SurveyVersionRow, ResponseRow)
        .join(InvitationRow, InvitationRow.id == SurveyMailRow.invitation_id)
        .join(SurveyRow, SurveyRow.id == InvitationRow.survey_id)
        .join(SurveyVersionRow, SurveyVersionRow.id == InvitationRow.version_id)
        .outerjoin(ResponseRow, ResponseRow.invitation_id == InvitationRow.id)
        .where(*tests)
        .order_by(SurveyMailRow.due_at, SurveyMailRow.id).limit(most)
    )
    return [
        Mail(mail.id, mail.kind, mail.due_at, mail.zone, mail.attempts,
             asked_of(invitation, survey, version, response))
        for mail, invitation, survey, version, response in rows
    ]


def claim(session: Session, mail: int, now: dt.datetime) -> bool:
    """Take a mail to send it; whether nobody else has."""
    done = session.execute(
        update(SurveyMailRow)
        .where(SurveyMailRow.id == mail, SurveyMailRow.state == WAITING)
        .values(state=SENDING, claimed_at=now, attempts=SurveyMailRow.attempts + 1)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def settle(
    session: Session, mail: int, state: str, *, now: dt.datetime, said: str = "",
    due_at: dt.datetime | None = None,
) -> None:
    """Keep what became of a mail; one that waits again is due at `due_at`."""
    values = {"state": state, "said": said[:200]}
    session.execute(
        update(SurveyMailRow).where(SurveyMailRow.id == mail).values(
            **values, done_at=None if state == WAITING else now,
            **({} if due_at is None else {"due_at": due_at}),
        )
    )


def put_off(session: Session, invitation: int, kind: str, due_at: dt.datetime) -> None:
    """Let a mail that waits wait longer."""
    session.execute(
        update(SurveyMailRow).where(
            SurveyMailRow.invitation_id == invitation, SurveyMailRow.kind == kind,
            SurveyMailRow.state == WAITING, SurveyMailRow.due_at < due_at,
        ).values(due_at=due_at)
    )


def counts(session: Session, survey: int) -> Mapping[str, int]:
    """State → how many first mails of a survey have it."""
    rows = session.execute(
        select(SurveyMailRow.state, func.count())
        .join(InvitationRow, InvitationRow.id == SurveyMailRow.invitation_id)
        .where(InvitationRow.survey_id == survey, SurveyMailRow.kind == ASK)
        .group_by(SurveyMailRow.state)
    )
    return {state: count for state, count in rows}


def next_due(session: Session) -> dt.datetime | None:
    """When the next mail that waits is due."""
    found: dt.datetime | None = session.scalar(
        select(SurveyMailRow.due_at).where(SurveyMailRow.state == WAITING)
        .order_by(SurveyMailRow.due_at).limit(1)
    )
    return found


def suppress(
    session: Session, email: str, reason: str, *, who: str, now: dt.datetime
) -> bool:
    """Write to an address no more; whether that is new."""
    address = email.strip().lower()
    known = session.scalar(select(SuppressionRow).where(SuppressionRow.email == address))
    if known is not None:
        return False
    row = SuppressionRow(email=address, reason=reason, created_at=now, created_by=who)
    session.add(row)
    session.flush()
    # The trail is never changed: it names the row, and not the person.
    audit.add(session, at=now, who=who, what="email.suppressed", subject=f"suppression {row.id}",
              detail={"reason": reason})
    return True


def release(session: Session, email: str, *, who: str, now: dt.datetime) -> bool:
    """Let an address be written to again; whether it was not."""
    row = session.scalar(
        select(SuppressionRow).where(SuppressionRow.email == email.strip().lower())
    )
    if row is None:
        return False
    audit.add(session, at=now, who=who, what="email.released", subject=f"suppression {row.id}",
              detail={"reason": row.reason})
    session.delete(row)
    return True


def suppressions(session: Session) -> tuple[Suppression, ...]:
    """Every address that is not written to, newest first."""
    rows = session.scalars(select(SuppressionRow).order_by(SuppressionRow.id.desc()))
    return tuple(
        Suppression(row.email, row.reason, row.created_at, row.created_by) for row in rows
    )


def suppressed(session: Session, emails: Sequence[str]) -> frozenset[str]:
    """Those of these addresses, in lower case, that are not written to."""
    asked = sorted({one.strip().lower() for one in emails if one})
    found: set[str] = set()
    for start in range(0, len(asked), 400):
        found |= set(session.scalars(
            select(SuppressionRow.email)
            .where(SuppressionRow.email.in_(asked[start : start + 400]))
        ))
    return frozenset(found)
