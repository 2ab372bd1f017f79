"""Saved views: kept, listed, renamed and deleted within a session."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError, UsageError
from staycurve.state import audit
from staycurve.state.cleaning import NAME, NUMBERS, PAGE, QUERY, WHO, line
from staycurve.state.models import ViewRow
from staycurve.state.records import SavedView


def listed(session: Session) -> tuple[SavedView, ...]:
    """Every view, by name."""
    rows = session.scalars(select(ViewRow).order_by(ViewRow.id))
    return tuple(sorted(map(_record, rows), key=lambda view: (view.name.casefold(), view.id)))


def save(
    session: Session, *, name: str, page: str, query: str, who: str, now: dt.datetime
) -> SavedView:
    """Keep a page with its filters and range under a name.

    Parameters
    ----------
    page, query : str
        A path on this server, and what stands after its `?`.

    Raises
    ------
    UsageError
        If the name is taken, or something is too long.
    """
    row = ViewRow(
        name=_name(name),
        page=line(page, what="The page", most=PAGE),
        query=line(query, what="The address", most=QUERY, is_required=False),
        created_at=now,
        created_by=line(who, what="The author", most=WHO, is_required=False),
    )
    session.add(row)
    _flush(session, row.name)
    made = _record(row)
    _note(session, made, "view.saved", who=row.created_by, now=now)
    return made


def rename(session: Session, view: int, *, name: str, who: str, now: dt.datetime) -> SavedView:
    """Give a view another name.

    Raises
    ------
    UsageError
        If the name is taken, or there is no such view.
    """
    row = _row(session, view)
    before, row.name = row.name, _name(name)
    _flush(session, row.name)
    made = _record(row)
    _note(session, made, "view.renamed", who=who, now=now, before=before)
    return made


def delete(session: Session, view: int, *, who: str, now: dt.datetime) -> SavedView:
    """Remove a view, and give what it was."""
    row = _row(session, view)
    gone = _record(row)
    session.delete(row)
    _note(session, gone, "view.deleted", who=who, now=now)
    return gone


def _name(text: str) -> str:
    return line(text, what="The name", most=NAME)


def _row(session: Session, view: int) -> ViewRow:
    # Locked, so that whoever deletes it at the same time finds it gone.
    row = session.get(ViewRow, view, with_for_update=True) if view in NUMBERS else None
    if row is None:
        raise UnknownNameError("view", str(view), (), hint="All views: staycurve views list")
    return row


def _flush(session: Session, name: str) -> None:
    try:
        session.flush()
    except IntegrityError:
        raise UsageError(
            f"Another view is named '{name}'.", hint="Choose another name, or rename that view."
        ) from None


def _note(
    session: Session, view: SavedView, what: str, *, who: str, now: dt.datetime, before: str = ""
) -> None:
    detail = {"name": view.name, "url": view.url} | ({"before": before} if before else {})
    audit.add(session, at=now, who=who, what=what, subject=f"view {view.id}", detail=detail)


def _record(row: ViewRow) -> SavedView:
    return SavedView(row.id, row.name, row.page, row.query, row.created_at, row.created_by)
