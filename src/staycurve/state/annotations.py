"""Annotations: dated notes, kept, listed and deleted within a session."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError
from staycurve.metrics.catalogue import METRICS
from staycurve.state import audit, cleaning
from staycurve.state.cleaning import TEXT, WHO, line
from staycurve.state.models import AnnotationRow
from staycurve.state.records import Annotation


def listed(session: Session) -> tuple[Annotation, ...]:
    """Every annotation, by day."""
    order = (AnnotationRow.day, AnnotationRow.id)
    return tuple(map(_record, session.scalars(select(AnnotationRow).order_by(*order))))


def add(
    session: Session,
    *,
    day: str,
    text: str,
    metric: str | None,
    author: str,
    now: dt.datetime,
) -> Annotation:
    """Keep a note about a day.

    Parameters
    ----------
    day : str
        Such as 2024-05-01.
    metric : str, optional
        The metric that it speaks of; every one without it.

    Raises
    ------
    UsageError
        If the day cannot be read, or the text is empty or too long.
    UnknownNameError
        If there is no such metric.
    """
    if metric:
        _known = METRICS[metric]
    row = AnnotationRow(
        day=cleaning.day(day),
        text=line(text, what="The text", most=TEXT),
        author=line(author, what="The author", most=WHO, is_required=False),
        metric=metric or None,
        created_at=now,
    )
    session.add(row)
    session.flush()
    made = _record(row)
    _note(session, made, "annotation.added", who=row.author, now=now)
    return made


def delete(session: Session, annotation: int, *, who: str, now: dt.datetime) -> Annotation:
    """Remove an annotation, and give what it was."""
    # Locked, so that whoever deletes it at the same time finds it gone.
    known = annotation in cleaning.NUMBERS
    row = session.get(AnnotationRow, annotation, with_for_update=True) if known else None
    if row is None:
        raise UnknownNameError(
            "annotation", str(annotation), (), hint="All annotations: staycurve annotations list"
        )
    gone = _record(row)
    session.delete(row)
    _note(session, gone, "annotation.deleted", who=who, now=now)
    return gone


def _note(
    session: Session, annotation: Annotation, what: str, *, who: str, now: dt.datetime
) -> None:
    detail = {
        "day": annotation.day.isoformat(), "text": annotation.text, "metric": annotation.metric,
        "author": annotation.author,
    }
    subject = f"annotation {annotation.id}"
    audit.add(session, at=now, who=who, what=what, subject=subject, detail=detail)


def _record(row: AnnotationRow) -> Annotation:
    return Annotation(row.id, row.day, row.text, row.author, row.metric, row.created_at)
