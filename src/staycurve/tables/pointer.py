"""The pointer: one row names the version of every table that belong together.

It is the last thing that a writer moves, so a reader never sees half a load or half a refresh.
It lives in the project's state database. Every earlier row is kept: it answers what was known when.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from staycurve.errors import LakeError, ProjectError

FILE_NAME = "state.db"
FORMAT = 1
"""The form of the lake that this version writes; a greater one in a lake is refused."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pointer (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    format INTEGER NOT NULL,
    tables TEXT NOT NULL,
    meta TEXT NOT NULL,
    moved_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS loads (
    load INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL REFERENCES pointer (seq),
    loaded_at TEXT NOT NULL,
    file TEXT NOT NULL,
    "table" TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    replaced INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    details TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class Snapshot:
    """The versions that belong together.

    Attributes
    ----------
    seq : int
        Grows with every move; 0 before the first.
    tables : mapping
        Table → Delta version.
    meta : mapping
        What the derived tables were made with, the company's currency and time zone, …
    moved_at : str
        ISO 8601, UTC.
    """

    seq: int = 0
    tables: Mapping[str, int] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)
    moved_at: str = ""


@dataclass(frozen=True)
class LoadRecord:
    """One file's load, as `staycurve loads` lists it.

    Attributes
    ----------
    details : mapping
        `kind` (load, replace, undo or adjust), `removed`, `versions` (table → its version before,
        None when there was none, and after), `undoes` (the load that this one took back), …
    seq : int
        The move of the pointer that made it visible; 0 until then.
    """

    load: int
    loaded_at: str
    file: str
    table: str
    accepted: int
    replaced: int
    rejected: int
    details: Mapping[str, Any] = field(default_factory=dict)
    seq: int = 0

    @property
    def kind(self) -> str:
        """load, replace, undo or adjust."""
        return str(self.details.get("kind", "load"))

    @property
    def removed(self) -> int:
        """How many rows it took out."""
        return int(self.details.get("removed", 0))

    @property
    def versions(self) -> Mapping[str, tuple[int | None, int]]:
        """Table → its version before and after, for each that it changed."""
        found = self.details.get("versions", {})
        return {table: (before, after) for table, (before, after) in found.items()}


def changed_versions(
    before: Mapping[str, int], after: Mapping[str, int]
) -> dict[str, list[int | None]]:
    """Table → [version before, version after], for each table that changed."""
    return {
        table: [before.get(table), version]
        for table, version in after.items()
        if before.get(table) != version
    }


def undone_by(records: Sequence[LoadRecord]) -> dict[int, int]:
    """Load → the load that took it back, and was not taken back itself."""
    found: dict[int, int] = {}
    for record in sorted(records, key=lambda record: -record.load):
        undoes = record.details.get("undoes")
        if undoes is not None and record.load not in found:
            found.setdefault(int(undoes), record.load)
    return found


class Pointer:
    """The state database of one project, as far as the lake needs it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if not self.path.exists():
            raise ProjectError(
                f"{self.path} is missing: the project has no state database.",
                hint="Make one in this directory: staycurve init",
            )
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            connection.execute("PRAGMA synchronous=FULL")
            with connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise LakeError(
                f"{self.path} cannot be used: {error}.",
                hint="Is the disk full, or the file not writable? Nothing was changed.",
            ) from error
        finally:
            connection.close()

    def create(self) -> None:
        """Make the tables where they are not there yet."""
        self.path.touch()
        with self._open() as connection:
            connection.executescript(_SCHEMA)

    def latest(self) -> Snapshot:
        """The snapshot that readers see now."""
        return self._snapshot("SELECT * FROM pointer ORDER BY seq DESC LIMIT 1")

    def known_at(self, instant: dt.datetime) -> Snapshot:
        """The snapshot that readers saw at an instant."""
        return self._snapshot(
            "SELECT * FROM pointer WHERE moved_at <= ? ORDER BY seq DESC LIMIT 1",
            instant.astimezone(dt.UTC).isoformat(),
        )

    def snapshot(self, seq: int) -> Snapshot:
        """The snapshot that the move `seq` made."""
        return self._snapshot("SELECT * FROM pointer WHERE seq = ?", seq)

    def before(self, seq: int) -> Snapshot:
        """The snapshot that readers saw before the move `seq`."""
        return self._snapshot("SELECT * FROM pointer WHERE seq < ? ORDER BY seq DESC LIMIT 1", seq)

    def _snapshot(self, sql: str, *values: object) -> Snapshot:
        with self._open() as connection:
            row = connection.execute(sql, values).fetchone()
        if row is None:
            return Snapshot()
        seq, form, tables, meta, moved_at = row
        if form > FORMAT:
            raise ProjectError(
                f"{self.path.parent} was written by a newer staycurve "
                f"(lake format {form}; this one reads {FORMAT}).",
                hint="Upgrade: pip install --upgrade staycurve",
            )
        return Snapshot(seq, json.loads(tables), json.loads(meta), moved_at)

    def move(
        self,
        *,
        tables: Mapping[str, int],
        meta: Mapping[str, Any],
        loads: list[LoadRecord],
        now: dt.datetime,
    ) -> Snapshot:
        """Make `tables` what readers see from now on, together with the loads that led there."""
        moved_at = now.astimezone(dt.UTC).isoformat()
        with self._open() as connection:
            cursor = connection.execute(
                "INSERT INTO pointer (format, tables, meta, moved_at) VALUES (?, ?, ?, ?)",
                (FORMAT, json.dumps(dict(tables)), json.dumps(dict(meta)), moved_at),
            )
            seq = cursor.lastrowid or 0
            connection.executemany(
                "INSERT INTO loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        r.load, seq, r.loaded_at, r.file, r.table,
                        r.accepted, r.replaced, r.rejected, json.dumps(dict(r.details)),
                    )
                    for r in loads
                ],
            )
        return Snapshot(seq, dict(tables), dict(meta), moved_at)

    def loads(self) -> list[LoadRecord]:
        """Every load, oldest first."""
        with self._open() as connection:
            rows = connection.execute(
                'SELECT load, loaded_at, file, "table", accepted, replaced, rejected, details, '
                "seq FROM loads ORDER BY load"
            ).fetchall()
        return [
            LoadRecord(load, at, file, table, new, old, bad, json.loads(details), seq)
            for load, at, file, table, new, old, bad, details, seq in rows
        ]

    def next_load(self) -> int:
        """The number of the next load."""
        with self._open() as connection:
            row = connection.execute("SELECT coalesce(max(load), 0) + 1 FROM loads").fetchone()
        return int(row[0])
