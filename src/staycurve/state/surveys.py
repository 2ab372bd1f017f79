"""Surveys, their versions, invitations and responses, kept and listed within a session."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid as uuids
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError, UsageError
from staycurve.state import audit
from staycurve.state.cleaning import NAME, WHO, line
from staycurve.state.survey_models import (
    InvitationRow,
    ReceivedAnswerRow,
    ResponseRow,
    SigningKeyRow,
    SurveyRow,
    SurveyVersionRow,
)
from staycurve.state.survey_records import Asked, Invitation, Received, Response, Survey

_LOCK = int.from_bytes(b"surveys!", "big", signed=True)
_AT_ONCE = 400
LINKS = "survey links"
"""What the key of links is for."""
Changing = type[InvitationRow] | type[ResponseRow] | type[ReceivedAnswerRow]


class AnsweredError(UsageError):
    """The link is spent: what was answered first stands."""

    code = "answered"
    exit_status = 1


def signing_key(session: Session, purpose: str, now: dt.datetime) -> str:
    """The key of a purpose; made when it is first asked for, and never shown."""
    found = session.scalar(select(SigningKeyRow).where(SigningKeyRow.purpose == purpose))
    if found is None:
        found = SigningKeyRow(purpose=purpose, secret=secrets.token_hex(32), created_at=now)
        session.add(found)
        session.flush()
    return found.secret


def known_signing_key(session: Session, purpose: str) -> str | None:
    """The key of a purpose; None before the first link was signed."""
    found: str | None = session.scalar(
        select(SigningKeyRow.secret).where(SigningKeyRow.purpose == purpose)
    )
    return found


def listed(session: Session) -> tuple[Survey, ...]:
    """Every survey with its newest version, by name."""
    rows = session.execute(_newest().order_by(SurveyRow.name, SurveyRow.id))
    return tuple(_survey(*row) for row in rows)


def get(session: Session, name: str) -> Survey:
    """The survey of a name.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    row = session.execute(_newest().where(SurveyRow.name == name)).first()
    if row is None:
        known = list(session.scalars(select(SurveyRow.name).order_by(SurveyRow.name)))
        raise UnknownNameError(
            "survey", name[:NAME], known, hint="All surveys: staycurve surveys list"
        )
    return _survey(*row)


def save(
    session: Session, *, name: str, kind: str, body: Mapping[str, Any], who: str,
    now: dt.datetime,
) -> tuple[Survey, bool]:
    """Keep a survey, or a version of one; with it, whether anything changed.

    Raises
    ------
    UsageError
        If a survey of the name has another kind: scores of two kinds are never one survey's.
    """
    who = line(who, what="The author", most=WHO, is_required=False)
    row = session.scalar(select(SurveyRow).where(SurveyRow.name == name))
    before = None if row is None else get(session, name)
    if before is not None and before.kind != kind:
        raise UsageError(
            f"The survey '{name}' is of the kind {before.kind}, not {kind}.",
            hint="Give the new survey another name: answers of two kinds cannot be counted as one.",
        )
    if before is not None and dict(before.body) == dict(body) and before.is_active:
        return before, False
    if row is None:
        row = SurveyRow(name=name, kind=kind, is_active=True, created_at=now, created_by=who)
        session.add(row)
        session.flush()
        signing_key(session, LINKS, now)
    row.is_active = True
    number = 1 if before is None else before.version
    if before is None or dict(before.body) != dict(body):
        number = 1 if before is None else before.version + 1
        session.add(SurveyVersionRow(
            survey_id=row.id, number=number, body=dict(body), created_at=now, created_by=who
        ))
    try:
        session.flush()
    except IntegrityError:
        raise UsageError(
            f"Somebody else has just changed the survey '{name}'.",
            hint="Look at it: staycurve surveys list; then create it again.",
        ) from None
    detail = {"name": name, "kind": kind, "version": number}
    audit.add(session, at=now, who=who, what="survey.saved", subject=f"survey {row.id}",
              detail=detail)
    return get(session, name), True


def set_active(session: Session, name: str, *, is_active: bool, who: str, now: dt.datetime) -> None:
    """Let a survey ask, or ask nobody any more; links that are out still take answers."""
    found = get(session, name)
    session.execute(
        update(SurveyRow).where(SurveyRow.id == found.id).values(is_active=is_active)
    )
    audit.add(session, at=now, who=who, what="survey.resumed" if is_active else "survey.paused",
              subject=f"survey {found.id}", detail={"name": name})


def versions(session: Session, survey: int) -> list[tuple[int, dt.datetime, Mapping[str, Any]]]:
    """Number, day and definition of every version, newest first."""
    rows = session.scalars(
        select(SurveyVersionRow).where(SurveyVersionRow.survey_id == survey)
        .order_by(SurveyVersionRow.number.desc())
    )
    return [(row.number, row.created_at, row.body) for row in rows]


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


def answer(
    session: Session, invitation: Invitation, *, score: int | None, comment: str,
    further: Sequence[str], is_finished: bool, now: dt.datetime,
) -> Response:
    """Keep what a person said; until it is finished it can be said anew.

    Raises
    ------
    AnsweredError
        If the link is spent.
    """
    change = next_change(session, ResponseRow)
    row = session.scalar(
        select(ResponseRow).where(ResponseRow.invitation_id == invitation.id)
    )
    spent = AnsweredError("This survey is answered already.", hint="The first answer stands.")
    if row is None:
        row = ResponseRow(
            invitation_id=invitation.id, user_id=invitation.user_id, answered_at=now, score=None,
            comment="", further=[], change=change,
        )
        session.add(row)
    elif row.finished_at is not None:
        raise spent
    row.score, row.comment, row.further = score, comment, list(further)
    row.answered_at, row.change = now, change
    row.finished_at = now if is_finished else None
    try:
        session.flush()
    except IntegrityError:
        raise spent from None
    return response_of(row)


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
    return _changed(session, InvitationRow.change, after, most, InvitationRow.asked_at.is_not(None))


def changed_responses(session: Session, *, after: int, most: int) -> list[Asked]:
    """Invitations whose response changed since, oldest change first."""
    return _changed(session, ResponseRow.change, after, most)


def changed_received(session: Session, *, after: int, most: int) -> list[Received]:
    """Answers of other tools that came since, oldest first."""
    rows = session.scalars(
        select(ReceivedAnswerRow).where(ReceivedAnswerRow.change > after)
        .order_by(ReceivedAnswerRow.change, ReceivedAnswerRow.id).limit(most)
    )
    return [
        Received(row.source, row.external_id, row.account_id, row.user_id, row.email,
                 row.comment, row.body, row.change)
        for row in rows
    ]


def receive(session: Session, found: Sequence[Received], now: dt.datetime) -> int:
    """Keep answers of another tool, each once by its id; how many were new or different."""
    count = 0
    for one in found:
        change = next_change(session, ReceivedAnswerRow)
        row = session.scalar(select(ReceivedAnswerRow).where(
            ReceivedAnswerRow.source == one.source,
            ReceivedAnswerRow.external_id == one.external_id,
        ))
        said = (one.account_id, one.user_id, one.email, one.comment, dict(one.body))
        if row is None:
            row = ReceivedAnswerRow(
                source=one.source, external_id=one.external_id, received_at=now,
            )
        elif said == (row.account_id, row.user_id, row.email, row.comment, dict(row.body)):
            continue
        row.account_id, row.user_id, row.email, row.comment, row.body = said
        row.change = change
        session.add(row)
        session.flush()
        count += 1
    return count


def next_change(session: Session, rows: Changing) -> int:
    """A number that is greater than that of every change before."""
    # A change that becomes visible after a greater one would never be drained.
    lock(session)
    return int(session.scalar(select(func.max(rows.change))) or 0) + 1


def lock(session: Session) -> None:
    """Let nobody else change invitations or responses until the transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _changed(
    session: Session, column: Any, after: int, most: int, *tests: ColumnElement[bool]
) -> list[Asked]:
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


def _newest() -> Select[SurveyRow, SurveyVersionRow]:
    newest = select(
        SurveyVersionRow.survey_id, func.max(SurveyVersionRow.number).label("number")
    ).group_by(SurveyVersionRow.survey_id).subquery()
    return select(SurveyRow, SurveyVersionRow).join(
        newest, newest.c.survey_id == SurveyRow.id
    ).join(
        SurveyVersionRow,
        (SurveyVersionRow.survey_id == SurveyRow.id)
        & (SurveyVersionRow.number == newest.c.number),
    )


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


def _survey(row: SurveyRow, version: SurveyVersionRow) -> Survey:
    return Survey(
        row.id, row.name, row.kind, row.is_active, version.number, version.id, version.body,
        row.created_at, row.created_by,
    )
