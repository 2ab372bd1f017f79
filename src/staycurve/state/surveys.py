"""Surveys and their versions, kept and listed within a session."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError, UsageError
from staycurve.state import audit
from staycurve.state.cleaning import NAME, WHO, line
from staycurve.state.survey_models import SigningKeyRow, SurveyRow, SurveyVersionRow
from staycurve.state.survey_records import Survey

LINKS = "survey links"
"""What the key of links is for."""


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


def _survey(row: SurveyRow, version: SurveyVersionRow) -> Survey:
    return Survey(
        row.id, row.name, row.kind, row.is_active, version.number, version.id, version.body,
        row.created_at, row.created_by,
    )
