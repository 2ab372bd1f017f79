"""The pointer: one row names the version of every table that belong together.

It is the last thing that a writer moves, so a reader never sees half a load or half a refresh.
It lives in the project's state database. Every earlier row is kept: it answers what was known when.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from staycurve.errors import BusyError, LakeError, ProjectError, StaycurveError

FILE_NAME = "state.db"
FORMAT = 1
"""The form of the lake that this version writes; a greater one in a lake is refused."""

KEEP = "keep"
"""The kind of a load that keeps objects as they came, and brings no row."""

WAIT = 30.0
"""Seconds to wait for another program that holds the state database."""

RECOVER = "Build it again from the lake: staycurve recover"

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


def copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite database while others read and write it."""
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as of,
        closing(sqlite3.connect(target)) as to,
    ):
        of.backup(to)


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
                hint=f"{RECOVER}   (a new project: staycurve init)",
            )
        try:
            with closing(sqlite3.connect(self.path, timeout=WAIT)) as connection:
                connection.execute("PRAGMA synchronous=FULL")
                with connection:
                    yield connection
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error

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
        return self._snapshot_of(row)

    def _snapshot_of(self, row: tuple[Any, ...]) -> Snapshot:
        seq, form, tables, meta, moved_at = row
        if isinstance(form, int) and form > FORMAT:
            raise newer(self.path.parent, form)
        with self._readable(f"row {seq} of the pointer"):
            return Snapshot(seq, versions_of(json.loads(tables)), _object(meta), str(moved_at))

    @contextmanager
    def _readable(self, what: str) -> Iterator[None]:
        try:
            yield
        except (ValueError, TypeError) as error:
            raise LakeError(
                f"{self.path} is damaged: {what} cannot be read.", hint=RECOVER
            ) from error

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
            _insert_loads(connection, [replace(record, seq=seq) for record in loads])
        return Snapshot(seq, dict(tables), dict(meta), moved_at)

    def loads(self) -> list[LoadRecord]:
        """Every load, oldest first."""
        with self._open() as connection:
            rows = connection.execute(
                'SELECT load, loaded_at, file, "table", accepted, replaced, rejected, details, '
                "seq FROM loads ORDER BY load"
            ).fetchall()
        return [self._load_of(row) for row in rows]

    def _load_of(self, row: tuple[Any, ...]) -> LoadRecord:
        load, at, file, table, new, old, bad, details, seq = row
        with self._readable(f"load {load}"):
            return LoadRecord(load, at, file, table, new, old, bad, _object(details), seq)

    def next_load(self) -> int:
        """The number of the next load."""
        with self._open() as connection:
            row = connection.execute("SELECT coalesce(max(load), 0) + 1 FROM loads").fetchone()
        return int(row[0])

    def highest(self, table: str) -> int | None:
        """The greatest version of a table that any row has named; None when none has."""
        with self._open() as connection:
            rows = connection.execute("SELECT tables FROM pointer").fetchall()
        found = []
        for (text,) in rows:
            try:
                version = json.loads(text).get(table)
            except (ValueError, TypeError, AttributeError):
                continue
            if isinstance(version, int):
                found.append(version)
        return max(found, default=None)

    def salvage(self) -> tuple[list[Snapshot], list[LoadRecord]]:
        """Every row and load that can still be read."""
        snapshots: list[Snapshot] = []
        loads: list[LoadRecord] = []
        try:
            with self._open() as connection:
                rows = connection.execute("SELECT * FROM pointer ORDER BY seq").fetchall()
                told = connection.execute(
                    'SELECT load, loaded_at, file, "table", accepted, replaced, rejected, '
                    "details, seq FROM loads ORDER BY load"
                ).fetchall()
        except BusyError:
            raise
        except StaycurveError:
            return [], []
        for row in rows:
            try:
                snapshots.append(self._snapshot_of(row))
            except ProjectError:
                raise
            except LakeError:
                continue
        for row in told:
            try:
                loads.append(self._load_of(row))
            except LakeError:
                continue
        return snapshots, loads

    def rebuild(
        self, snapshots: Sequence[Snapshot], loads: Sequence[LoadRecord], *, stamp: str
    ) -> Path | None:
        """Hold these rows and no others; the path under which the file before is kept.

        What else the state database holds stays, where it can still be opened.
        """
        kept = None
        if self.path.exists():
            kept = self.path.with_name(f"{FILE_NAME}.damaged-{stamp}")
            shutil.copyfile(self.path, kept)
        made = self.path.with_name(f"{FILE_NAME}.recovering")
        made.unlink(missing_ok=True)
        if self._is_sound():
            shutil.copyfile(self.path, made)
        else:
            made.touch()
        try:
            with closing(sqlite3.connect(made, timeout=WAIT)) as connection, connection:
                connection.execute("PRAGMA synchronous=FULL")
                connection.executescript(_SCHEMA)
                connection.execute("DELETE FROM loads")
                connection.execute("DELETE FROM pointer")
                connection.executemany(
                    "INSERT INTO pointer VALUES (?, ?, ?, ?, ?)",
                    [
                        (s.seq, FORMAT, json.dumps(dict(s.tables)), json.dumps(dict(s.meta)),
                         s.moved_at)
                        for s in snapshots
                    ],
                )
                _insert_loads(connection, loads)
        except sqlite3.Error as error:
            raise _explained(made, error) from error
        # A journal of the file before would be applied to the one that takes its place.
        for suffix in ("-journal", "-wal", "-shm"):
            self.path.with_name(FILE_NAME + suffix).unlink(missing_ok=True)
        os.replace(made, self.path)
        return kept

    def _is_sound(self) -> bool:
        """Whether other tables of the file can be kept."""
        try:
            with self._open() as connection:
                # Rows of these two alone may be what is wrong.
                found = connection.execute("PRAGMA integrity_check").fetchall()
                connection.execute("SELECT seq, format, tables, meta, moved_at FROM pointer")
        except StaycurveError:
            return False
        return found == [("ok",)]


def versions_of(given: object) -> dict[str, int]:
    """Table → version, of parsed JSON; a ValueError when it is something else."""
    if not isinstance(given, dict) or not all(
        isinstance(version, int) and version >= 0 for version in given.values()
    ):
        raise ValueError("not a mapping of versions")
    return given


def note_of(snapshot: Snapshot, loads: Sequence[LoadRecord]) -> str:
    """A row and its loads as JSON, from which `noted` reads them."""
    records = [asdict(replace(record, seq=snapshot.seq)) for record in loads]
    return json.dumps({"format": FORMAT, **asdict(snapshot), "loads": records})


def noted(text: str, folder: Path) -> tuple[Snapshot, list[LoadRecord]] | None:
    """A row and its loads, from a note; None when it cannot be read."""
    try:
        given = json.loads(text)
        form, seq, moved_at = given["format"], given["seq"], given["moved_at"]
        if isinstance(form, int) and form > FORMAT:
            raise newer(folder, form)
        tables, meta = versions_of(given["tables"]), given["meta"]
        if not (isinstance(seq, int) and isinstance(meta, dict) and isinstance(moved_at, str)):
            return None
        return Snapshot(seq, tables, meta, moved_at), [LoadRecord(**r) for r in given["loads"]]
    except (ValueError, TypeError, KeyError):
        return None


def newer(folder: Path, form: int) -> ProjectError:
    """What is said of a lake that a later version of staycurve wrote."""
    return ProjectError(
        f"{folder} was written by a newer staycurve (lake format {form}; this one reads {FORMAT}).",
        hint="Upgrade: pip install --upgrade staycurve",
    )


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _insert_loads(connection: sqlite3.Connection, loads: Sequence[LoadRecord]) -> None:
    connection.executemany(
        "INSERT INTO loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                r.load, r.seq, r.loaded_at, r.file, r.table, r.accepted, r.replaced, r.rejected,
                json.dumps(dict(r.details)),
            )
            for r in loads
        ],
    )


def _explained(path: Path, error: sqlite3.Error) -> StaycurveError:
    """What kept SQLite from doing its work."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(
            f"{path} is locked by another program.",
            hint="Close what has it open, then run this again; nothing was changed.",
        )
    if code == sqlite3.SQLITE_FULL:
        return LakeError(
            "The disk is full. Nothing was changed.", hint="Free some space and run it again."
        )
    if code in (
        sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR
    ):
        return LakeError(
            f"{path} cannot be used: {error}. Nothing was changed.",
            hint="May this user read and write the file and its directory?",
        )
    return LakeError(f"{path} is damaged: {error}.", hint=RECOVER)
