"""Dismissals: doubts about what is loaded that somebody has looked at, within a session."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from staycurve.state import audit
from staycurve.state.cleaning import NAME, WHO, line
from staycurve.state.models import DismissalRow
from staycurve.state.records import Dismissal


def listed(session: Session) -> tuple[Dismissal, ...]:
    """Every dismissal, by the name of its doubt."""
    rows = session.scalars(select(DismissalRow).order_by(DismissalRow.doubt))
    return tuple(Dismissal(row.doubt, row.rows, row.created_at, row.created_by) for row in rows)


def dismiss(session: Session, doubt: str, rows: int, *, who: str, now: dt.datetime) -> None:
    """Keep that a doubt about so many rows needs no word; about more rows it has one again."""
    name = line(doubt, what="The doubt", most=NAME)
    row = session.scalar(select(DismissalRow).where(DismissalRow.doubt == name))
    if row is None:
        row = DismissalRow(doubt=name)
        session.add(row)
    row.rows, row.created_at = rows, now
    row.created_by = line(who, what="The author", most=WHO, is_required=False)
    session.flush()
    audit.add(
        session, at=now, who=row.created_by, what="doubt.dismissed", subject=f"doubt {name}",
        detail={"rows": rows},
    )


def restore(session: Session, doubt: str, *, who: str, now: dt.datetime) -> None:
    """Let a doubt be shown again; one that was not dismissed stays as it is."""
    row = session.scalar(select(DismissalRow).where(DismissalRow.doubt == doubt))
    if row is None:
        return
    session.delete(row)
    audit.add(
        session, at=now, who=who, what="doubt.restored", subject=f"doubt {row.doubt}",
        detail={"rows": row.rows},
    )
