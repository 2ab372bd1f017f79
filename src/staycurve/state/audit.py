"""The audit trail: rows are added in the transaction of the change they tell of, never changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from staycurve.state.models import AuditRow
from staycurve.state.records import AuditEntry

ACTING: ContextVar[str] = ContextVar("acting", default="")
"""Who has logged in and acts now: what the audit log says, whatever a form says of its author."""


def add(
    session: Session,
    *,
    at: dt.datetime,
    who: str,
    what: str,
    subject: str,
    detail: Mapping[str, Any],
) -> None:
    """Note one change."""
    acting = ACTING.get() or who
    session.add(AuditRow(at=at, who=acting, what=what, subject=subject, detail=dict(detail)))


def listed(
    session: Session, *, most: int, who: str = "", what: str = "", before: int | None = None
) -> tuple[AuditEntry, ...]:
    """The last entries, newest first.

    Parameters
    ----------
    who, what : str
        Only those of this person, and of this kind.
    before : int, optional
        Only those with a smaller number.
    """
    asked = select(AuditRow).order_by(AuditRow.id.desc()).limit(most)
    if who:
        asked = asked.where(AuditRow.who == who)
    if what:
        asked = asked.where(AuditRow.what == what)
    if before is not None:
        asked = asked.where(AuditRow.id < before)
    rows = session.scalars(asked)
    return tuple(
        AuditEntry(row.id, row.at, row.who, row.what, row.subject, row.detail) for row in rows
    )
