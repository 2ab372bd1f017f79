"""The codebook's changes and notes on accounts: kept, listed and deleted within a session."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError, UsageError
from staycurve.insights.voice.codebook import CodebookChange
from staycurve.insights.voice.kept import NOTE_KINDS, Note
from staycurve.insights.voice.languages import folded
from staycurve.state import audit, cleaning, mentions as telling
from staycurve.state.cleaning import NUMBERS, PAGE, WHO, line
from staycurve.state.models import AuditRow
from staycurve.state.voice_models import NOTE, CodebookChangeRow, NoteRow

MOST_LINES = 400


class CodebookChangedError(UsageError):
    """Somebody else has changed the codebook meanwhile."""

    code = "codebook_changed"
    exit_status = 1


def changes(session: Session) -> tuple[CodebookChange, ...]:
    """Every change of the codebook, in order."""
    rows = session.scalars(select(CodebookChangeRow).order_by(CodebookChangeRow.version))
    return tuple(
        CodebookChange(row.version, row.at, row.who, row.what, row.theme, row.detail)
        for row in rows
    )


def mark(session: Session) -> tuple[int, int]:
    """The codebook's version, and a number that grows with each note kept or deleted."""
    version = session.scalar(select(func.max(CodebookChangeRow.version))) or 0
    noted = select(func.count()).where(AuditRow.what.in_(("note.added", "note.deleted")))
    return version, session.scalar(noted) or 0


def change(
    session: Session, *, what: str, theme: str, detail: Mapping[str, Any], seen: int | None,
    who: str, now: dt.datetime, check: Callable[[Sequence[CodebookChange], CodebookChange], None],
) -> CodebookChange:
    """Keep a change of the codebook.

    Parameters
    ----------
    seen : int, optional
        The version that whoever changes it has looked at; the newest without it.
    check : callable
        Raises where the change cannot follow those before it.

    Raises
    ------
    CodebookChangedError
        If the codebook has another version than `seen`, or gets one at the same moment.
    """
    newest = session.scalar(select(func.max(CodebookChangeRow.version))) or 0
    if seen is not None and seen != newest:
        raise _changed(session, newest, seen)
    made = CodebookChange(
        newest + 1, now, line(who, what="The author", most=WHO, is_required=False), what,
        line(theme, what="The theme", most=PAGE, is_required=False), dict(detail),
    )
    check(changes(session), made)
    row = CodebookChangeRow(version=made.version, at=now, who=made.who, what=what,
                            theme=made.theme, detail=dict(detail))
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        raise _changed(session, made.version, newest) from None
    audit.add(session, at=now, who=made.who, what=f"codebook.{what}",
              subject=f"codebook version {made.version}", detail={"theme": made.theme, **detail})
    return made


def _changed(session: Session, newest: int, seen: int) -> CodebookChangedError:
    last = session.scalars(
        select(CodebookChangeRow).where(CodebookChangeRow.version > seen)
        .order_by(CodebookChangeRow.version.desc()).limit(1)
    ).first()
    told = f": {last.what} by {last.who or 'somebody'}" if last is not None else ""
    return CodebookChangedError(
        f"The codebook has been changed meanwhile; it is at version {newest}, not {seen}{told}.",
        hint="Look at it again, then make your change: staycurve feedback codebook",
        version=newest,
    )


def add_note(
    session: Session, *, account: str, day: dt.date, kind: str, author: str, text: str,
    mentions: Sequence[str], who: str, now: dt.datetime,
) -> Note:
    """Keep a note on an account.

    Raises
    ------
    UsageError
        If the text is empty or too long, or the kind is none.
    """
    if kind not in NOTE_KINDS:
        raise UnknownNameError("kind of note", kind, tuple(NOTE_KINDS))
    kept = paragraphs(text)
    named = tuple(dict.fromkeys((*mentions, *telling.MENTION.findall(kept))))
    row = NoteRow(
        account_id=line(account, what="The account", most=PAGE), day=day, kind=kind,
        author=line(author, what="The author", most=WHO, is_required=False), text=kept,
        folded=folded(kept), mentions=[line(one, what="A mention", most=WHO) for one in named],
        created_at=now, created_by=line(who, what="The author", most=WHO, is_required=False),
    )
    session.add(row)
    session.flush()
    made = _note(row)
    _audit(session, made, "note.added", who=row.created_by, now=now)
    return made


def notes(session: Session, *, account: str = "", text: str = "") -> tuple[Note, ...]:
    """Every note, oldest first: of one account, or with every word of a text in it."""
    asked = select(NoteRow).order_by(NoteRow.day, NoteRow.id)
    if account:
        asked = asked.where(NoteRow.account_id == account)
    for word in folded(text).split():
        asked = asked.where(NoteRow.folded.contains(word, autoescape=True))
    return tuple(map(_note, session.scalars(asked)))


def delete_note(session: Session, note: int, *, who: str, now: dt.datetime) -> Note:
    """Remove a note, and give what it was; the audit trail keeps no word of it."""
    row = session.get(NoteRow, note, with_for_update=True) if note in NUMBERS else None
    if row is None:
        raise UnknownNameError("note", str(note), (), hint="All notes: staycurve notes list")
    gone = _note(row)
    session.delete(row)
    telling.forget_of(session, note)
    _audit(session, gone, "note.deleted", who=who, now=now)
    return gone


def paragraphs(text: str) -> str:
    """A text of several lines, made fit to be kept; empty lines stand once.

    Raises
    ------
    UsageError
        If it is empty or too long.
    """
    if len(text) > 4 * NOTE:
        raise UsageError(
            f"The note has {len(text):,} letters; {NOTE:,} are kept at most.", hint="Shorten it."
        )
    lines = [
        cleaning.line(one, what="A line", most=4 * NOTE, is_required=False)
        for one in text.splitlines()[:MOST_LINES]
    ]
    kept = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not kept:
        raise UsageError("The note is empty.", hint="Write what was said.")
    if len(kept) > NOTE:
        raise UsageError(
            f"The note has {len(kept):,} letters; {NOTE:,} are kept at most.", hint="Shorten it."
        )
    return kept


def _audit(session: Session, note: Note, what: str, *, who: str, now: dt.datetime) -> None:
    # Its text may name people: it stands in one place alone, where it can be deleted.
    detail = {"account": note.account_id, "day": note.day.isoformat(), "kind": note.kind}
    audit.add(session, at=now, who=who, what=what, subject=f"note {note.id}", detail=detail)


def _note(row: NoteRow) -> Note:
    return Note(row.id, row.account_id, row.day, row.kind, row.author, row.text,
                tuple(row.mentions), row.created_at, row.created_by)
