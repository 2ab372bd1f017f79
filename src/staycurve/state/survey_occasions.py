"""Occasions that surveys asked about, kept and listed within a session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from staycurve.state.occasion_models import OccasionRow

_AT_ONCE = 400


def done(session: Session, survey: int, users: Collection[str]) -> set[tuple[str, str, str]]:
    """(user_id, kind, subject) of what a survey asked these people about."""
    found: set[tuple[str, str, str]] = set()
    every = sorted(users)
    for start in range(0, len(every), _AT_ONCE):
        rows = session.execute(
            select(OccasionRow.user_id, OccasionRow.kind, OccasionRow.subject).where(
                OccasionRow.survey_id == survey,
                OccasionRow.user_id.in_(every[start : start + _AT_ONCE]),
            )
        )
        found |= {(user, kind, subject) for user, kind, subject in rows}
    return found


def is_noted(session: Session, invitation: int) -> bool:
    """Whether it is known what an invitation asks about."""
    found = select(OccasionRow.id).where(OccasionRow.invitation_id == invitation)
    return session.scalar(found) is not None


def add(
    session: Session, *, survey: int, invitation: int, user_id: str, kind: str, subject: str,
    occurred_at: dt.datetime,
) -> None:
    """Note what an invitation asks about."""
    session.add(OccasionRow(
        survey_id=survey, invitation_id=invitation, user_id=user_id, kind=kind, subject=subject,
        occurred_at=occurred_at,
    ))
    session.flush()
