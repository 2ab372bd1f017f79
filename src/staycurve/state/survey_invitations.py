"""Invitations of surveys, kept and listed within a session: who was asked, and what came back."""

from __future__ import annotations

import datetime as dt
import uuid as uuids
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from staycurve.state.survey_models import (
    InvitationRow,
    ReceivedAnswerRow,
    ResponseRow,
    SurveyRow,
    SurveyVersionRow,
)
from staycurve.state.survey_records import Asked, Invitation, Response, Survey

_LOCK = int.from_bytes(b"surveys!", "big", signed=True)
_AT_ONCE = 400
Changing = type[InvitationRow] | type[ResponseRow] | type[ReceivedAnswerRow]


def add_invitation(
    session: Session, survey: Survey, *, user_id: str, account_id: str, email: str, name: str,
    channel: str, planned_at: dt.datetime, asked_at: dt.datetime | None,
    expires_at: dt.datetime, now: dt.datetime,
) -> Invitation | None:
    """Keep an invitation for the person's next round; None if somebody else has just done so.

    What the survey asked the person before, and was not answered, takes no answer any more.
    """
    own = (InvitationRow.survey_id == survey.id) & (InvitationRow.user_id == user_id)
    round = next_round(session, survey.id, user_id)
    change = next_change(session, InvitationRow)
    answered = select(ResponseRow.invitation_id)
    session.execute(
        update(InvitationRow)
        .where(own, InvitationRow.is_dropped.is_(False), InvitationRow.id.not_in(answered))
        .values(is_dropped=True, change=change)
    )
    row = InvitationRow(
        uuid=uuids.uuid4().hex, survey_id=survey.id, version_id=survey.version_id,
        user_id=user_id, account_id=account_id, email=email, person_name=name,
        round=round, channel=channel, planned_at=planned_at,
        asked_at=asked_at, expires_at=expires_at, is_dropped=False, change=change, created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return None
    return invitation_of(row)


def next_round(session: Session, survey: int, user_id: str) -> int:
    """The how-manieth time a survey would ask a person next, from 0."""
    last = session.scalar(select(func.max(InvitationRow.round)).where(
        InvitationRow.survey_id == survey, InvitationRow.user_id == user_id
    ))
    return 0 if last is None else last + 1


def ensure_invitation(
    session: Session, *, survey: int, version: int, user_id: str, account_id: str, round: int,
    now: dt.datetime,
) -> Invitation:
    """The invitation of one round, of a person who was asked now inside the product."""
    change = next_change(session, InvitationRow)
    row = session.scalar(select(InvitationRow).where(
        InvitationRow.survey_id == survey, InvitationRow.user_id == user_id,
        InvitationRow.round == round,
    ))
    if row is None:
        row = InvitationRow(
            uuid=uuids.uuid4().hex, survey_id=survey, version_id=version, user_id=user_id,
            account_id=account_id, email="", person_name="", round=round, channel="product",
            planned_at=now, asked_at=now, expires_at=now + dt.timedelta(days=1), is_dropped=False,
            change=change, created_at=now,
        )
        session.add(row)
        session.flush()
    elif row.asked_at is None:
        # A mail for this round waits: who has been asked here needs it no more.
        row.asked_at, row.change, row.is_dropped = now, change, True
        session.flush()
    return invitation_of(row)


def uuids_of(session: Session, email: str) -> list[str]:
    """The invitations that were sent to an address, newest first."""
    return list(session.scalars(
        select(InvitationRow.uuid).where(func.lower(InvitationRow.email) == email.lower())
        .order_by(InvitationRow.id.desc())
    ))


def set_asked(session: Session, invitation: int, at: dt.datetime) -> None:
    """Note that the person was asked now; the first time stands."""
    session.execute(
        update(InvitationRow)
        .where(InvitationRow.id == invitation, InvitationRow.asked_at.is_(None))
        .values(asked_at=at, change=next_change(session, InvitationRow))
    )


def drop(session: Session, invitation: int) -> None:
    """Give an invitation up: its person is not asked, or not any more."""
    session.execute(
        update(InvitationRow).where(InvitationRow.id == invitation)
        .values(is_dropped=True, change=next_change(session, InvitationRow))
    )


def asked_by(session: Session, uuid: str) -> Asked | None:
    """The invitation that a link names."""
    row = session.execute(_asked().where(InvitationRow.uuid == uuid)).first()
    return None if row is None else asked_of(*row)


def asked_in(
    session: Session, *, survey: int | None = None, users: Collection[str] | None = None,
) -> list[Asked]:
    """Invitations of a survey, or of some users, oldest first."""
    tests: list[ColumnElement[bool]] = []
    if survey is not None:
        tests.append(InvitationRow.survey_id == survey)
    if users is None:
        return [asked_of(*row) for row in session.execute(
            _asked().where(*tests).order_by(InvitationRow.id)
        )]
    found: list[Asked] = []
    every = sorted(users)
    for start in range(0, len(every), _AT_ONCE):
        part = InvitationRow.user_id.in_(every[start : start + _AT_ONCE])
        found += [asked_of(*row) for row in session.execute(_asked().where(*tests, part))]
    return sorted(found, key=lambda one: one.invitation.id)


def changed_invitations(session: Session, *, after: int, most: int) -> list[Asked]:
    """Invitations that changed since, oldest change first; those that share one all together."""
    return changed(session, InvitationRow.change, after, most, InvitationRow.asked_at.is_not(None))


def changed(
    session: Session, column: Any, after: int, most: int, *tests: ColumnElement[bool]
) -> list[Asked]:
    """Invitations of which a column of changes is greater, oldest change first."""
    rows = list(session.execute(
        _asked().where(column > after, *tests).order_by(column, InvitationRow.id).limit(most)
    ))
    found = [asked_of(*row) for row in rows]
    if len(found) == most:
        last = found[-1]
        change = (
            last.response.change if last.response and column is ResponseRow.change
            else last.invitation.change
        )
        found += [asked_of(*row) for row in session.execute(
            _asked().where(column == change, InvitationRow.id > last.invitation.id, *tests)
            .order_by(InvitationRow.id)
        )]
    return found


def next_change(session: Session, rows: Changing) -> int:
    """A number that is greater than that of every change before."""
    # A change that becomes visible after a greater one would never be drained.
    lock(session)
    return int(session.scalar(select(func.max(rows.change))) or 0) + 1


def lock(session: Session) -> None:
    """Let nobody else change invitations or responses until the transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _asked() -> Select[InvitationRow, SurveyRow, SurveyVersionRow, ResponseRow]:
    return select(InvitationRow, SurveyRow, SurveyVersionRow, ResponseRow).join(
        SurveyRow, SurveyRow.id == InvitationRow.survey_id
    ).join(
        SurveyVersionRow, SurveyVersionRow.id == InvitationRow.version_id
    ).outerjoin(ResponseRow, ResponseRow.invitation_id == InvitationRow.id)


def asked_of(
    row: InvitationRow, survey: SurveyRow, version: SurveyVersionRow, response: ResponseRow | None
) -> Asked:
    """The records of four rows."""
    return Asked(
        invitation_of(row), survey.name, version.number, version.body,
        None if response is None else response_of(response),
    )


def invitation_of(row: InvitationRow) -> Invitation:
    """The record of a row."""
    return Invitation(
        row.id, row.uuid, row.survey_id, row.version_id, row.user_id, row.account_id, row.email,
        row.person_name, row.round, row.channel, row.planned_at, row.asked_at, row.expires_at,
        row.is_dropped, row.change,
    )


def response_of(row: ResponseRow) -> Response:
    """The record of a row."""
    return Response(
        row.invitation_id, row.answered_at, row.finished_at, row.score, row.comment,
        tuple(row.further), row.change,
    )
