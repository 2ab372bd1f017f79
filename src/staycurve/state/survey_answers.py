"""Answers to surveys, kept and listed within a session: given here, or sent by another tool."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from staycurve.errors import UsageError
from staycurve.state.survey_invitations import changed, next_change, response_of
from staycurve.state.survey_models import ReceivedAnswerRow, ResponseRow
from staycurve.state.survey_records import Asked, Invitation, Received, Response


class AnsweredError(UsageError):
    """The link is spent: what was answered first stands."""

    code = "answered"
    exit_status = 1


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


def changed_responses(session: Session, *, after: int, most: int) -> list[Asked]:
    """Invitations whose response changed since, oldest change first."""
    return changed(session, ResponseRow.change, after, most)


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
