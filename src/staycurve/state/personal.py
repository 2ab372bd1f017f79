"""Personal data in app state: found and made nobody's by walking every table's columns.

A column that holds personal data says what: `info={"person": KIND}`. Every other text is searched
for what is long enough to be looked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import JSON, Column, Connection, String, Table, inspect, select
from sqlalchemy.orm import Session

from staycurve.state import audit
from staycurve.state.database import Database
from staycurve.state.metadata import metadata
from staycurve.state.personal_models import LONGEST_PATH, BackupRow, ForgottenRow
from staycurve.tables.person.terms import Terms

__all__ = [
    "KINDS", "LONGEST_PATH", "Erased", "backups", "clean", "erased", "note", "note_backup",
    "note_expired", "note_exported",
]

KINDS = ("user_id", "email", "name", "text")
_AT_ONCE = 2_000
"""Rows of a table that are read at once."""
NOBODY = "(forgotten)"
"""What stands where a text was and none may be missing."""


def clean(database: Database, terms: Terms, *, is_kept: bool) -> dict[str, list[dict[str, Any]]]:
    """Rows with something of the person, table by table, made nobody's unless `is_kept`."""
    if not database.is_there:
        return {}
    if is_kept:
        with database.reading() as session:
            return _walk(session.connection(), terms, is_kept=True)
    with database.writing() as session:
        return _walk(session.connection(), terms, is_kept=False)


def _walk(
    connection: Connection, terms: Terms, *, is_kept: bool
) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    there = set(inspect(connection).get_table_names())
    for table in metadata().sorted_tables:
        if table.name not in there:
            continue
        columns = [one for one in table.columns if isinstance(one.type, String | JSON)]
        keys = list(table.primary_key.columns)
        if not columns:
            continue
        updates = []
        # A table may have a million rows: those alone are kept that change.
        asked = select(table).order_by(*keys).execution_options(yield_per=_AT_ONCE)
        for row in connection.execute(asked).mappings():
            changes = _changes(terms, table, row)
            if not changes:
                continue
            found.setdefault(table.name, []).append(
                {
                    name: _shown(value) for name, value in row.items()
                    if not table.columns[name].info.get("is_secret")
                }
            )
            updates.append(
                table.update().values(changes).where(*(key == row[key.name] for key in keys))
            )
        for statement in () if is_kept else updates:
            connection.execute(statement)
    return found


def _shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value


def _changes(terms: Terms, table: Table, row: Mapping[Any, Any]) -> dict[str, Any]:
    is_own = any(
        _is_theirs(terms, column, row[column.name]) for column in table.columns
    )
    found: dict[str, Any] = {}
    for column in table.columns:
        value = row[column.name]
        if not value or not isinstance(column.type, String | JSON):
            continue
        new = _value(terms, column, value, is_own)
        if new != value:
            found[column.name] = _fitting(column, new)
    return found


def _is_theirs(terms: Terms, column: Column[Any], value: Any) -> bool:
    kind = column.info.get("person")
    if not isinstance(value, str):
        return False
    return (kind == "user_id" and value in terms.ids) or (
        kind == "email" and value.lower() in terms.emails
    )


def _value(terms: Terms, column: Column[Any], value: Any, is_own: bool) -> Any:
    kind = column.info.get("person")
    if not isinstance(value, str):
        return terms.value(value, is_own=is_own and kind is not None)
    if kind in ("user_id", "email"):
        return terms.id(value)
    if kind == "name" and (is_own or value in terms.full_names):
        return terms.key
    if kind == "text" and is_own:
        return None if column.nullable else NOBODY
    return terms.text(value)


def _fitting(column: Column[Any], value: Any) -> Any:
    longest = getattr(column.type, "length", None)
    return value[:longest] if isinstance(value, str) and longest else value


def note(
    session: Session, *, key: str, who: str, counts: Mapping[str, Any], now: dt.datetime
) -> None:
    """Keep that a person was forgotten, once.

    `who` did it, whoever has logged in: it may be the person.
    """
    if session.scalar(select(ForgottenRow.id).where(ForgottenRow.key == key)) is not None:
        return
    session.add(ForgottenRow(key=key, forgotten_at=now, created_by=who, counts=dict(counts)))
    acting = audit.ACTING.set(who)
    try:
        audit.add(session, at=now, who=who, what="person.forget", subject=key, detail=counts)
    finally:
        audit.ACTING.reset(acting)


@dataclass(frozen=True)
class Erased:
    """What was erased of one person, who is known by a random key alone.

    Attributes
    ----------
    at : str
        ISO 8601, UTC.
    counts : mapping
        `tables`, `state` and `files`: place → rows.
    """

    key: str
    at: str
    by: str = ""
    counts: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        own = {
            kind: sum((self.counts.get(kind) or {}).values())
            for kind in ("tables", "state", "files")
        }
        return {"key": self.key, "forgotten_at": self.at, "by": self.by, **own}


def erased(session: Session) -> tuple[Erased, ...]:
    """Everybody who was forgotten, the last first."""
    rows = session.scalars(
        select(ForgottenRow).order_by(ForgottenRow.forgotten_at.desc(), ForgottenRow.id.desc())
    )
    return tuple(
        Erased(row.key, row.forgotten_at.isoformat(), row.created_by, row.counts) for row in rows
    )


def note_exported(session: Session, subject: str, *, who: str, now: dt.datetime) -> None:
    """Keep that somebody's data were exported."""
    audit.add(session, at=now, who=who, what="person.exported", subject=subject, detail={})


def note_expired(session: Session, *, counts: Mapping[str, int], now: dt.datetime) -> None:
    """Keep that what was too old was blanked."""
    audit.add(
        session, at=now, who="retention", what="person.expire", subject="[retention]",
        detail=dict(counts),
    )


def note_backup(session: Session, path: str, *, now: dt.datetime) -> None:
    """Keep that a backup was written."""
    row = session.scalar(select(BackupRow).where(BackupRow.path == path))
    if row is None:
        session.add(BackupRow(path=path, made_at=now))
    else:
        row.made_at = now


def backups(session: Session) -> tuple[str, ...]:
    """The paths of the backups that were written, oldest first."""
    return tuple(session.scalars(select(BackupRow.path).order_by(BackupRow.made_at, BackupRow.id)))
