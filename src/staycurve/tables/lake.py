"""The lake: Delta tables in a folder, and the one writer that may change them.

With pointer.py the only file that knows how tables are stored. The engine writes Parquet files,
the lake commits them; readers take the files that the pinned version lists, never a glob, because
a killed writer leaves orphans.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from staycurve.errors import BusyError, LakeError, ProjectError
from staycurve.tables.engine import (
    AnyEngine,
    Columns,
    Written,
    cast_sql,
    empty_sql,
    name,
    quoted,
    scan_sql,
)
from staycurve.tables.pointer import LoadRecord, Pointer, Snapshot

SMALL_FILES = 16
"""With more files than this, the small ones of a table are rewritten into one."""
SMALL_BYTES = 32 * 1024 * 1024
REWRITTEN_BYTES = 512 * 1024 * 1024
"""At most this much at a time: a table of thousands of files is tidied up over many changes."""

_DELTA_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "long",
    "INTEGER": "integer",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp_ntz",
    "DECIMAL(18,6)": "decimal(18,6)",
}


def _schema(columns: Columns) -> Schema:
    fields = [
        {"name": column, "type": _DELTA_TYPES[kind], "nullable": True, "metadata": {}}
        for column, kind in columns
    ]
    return Schema.from_json(json.dumps({"type": "struct", "fields": fields}))


def check_root(folder: Path) -> None:
    """Refuse a path that the Delta library cannot address."""
    for sign in "[]%*?":
        if sign in str(folder):
            raise ProjectError(
                f"{folder} cannot hold a project: its path contains '{sign}'.",
                hint="Choose a directory whose path has none of [ ] % * ?",
            )


class Lake:
    """The tables of one project.

    Parameters
    ----------
    folder : Path
        The project's directory; tables lie in `lake/`, the pointer in `state.db`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "lake"
        self.pointer = Pointer(folder)
        self._files: dict[tuple[str, int], list[str]] = {}
        self._parts: dict[tuple[str, int], dict[str, str | None]] = {}
        self._rows: dict[tuple[str, int], int] = {}

    def create(self) -> None:
        """Make the folder and the pointer where they are not there yet."""
        check_root(self.folder.resolve())
        self.root.mkdir(parents=True, exist_ok=True)
        self.pointer.create()

    def files(self, snapshot: Snapshot, table: str) -> list[str]:
        """Paths of the Parquet files that hold `table` in this snapshot."""
        version = snapshot.tables.get(table)
        if version is None:
            return []
        if (table, version) not in self._files:
            try:
                delta = DeltaTable(str(self.root / table), version=version)
                actions = delta.get_add_actions(flatten=True)
                added = actions["path"].to_pylist()
                keys = delta.metadata().partition_columns
                parts: list[Any] = list(actions[f"partition.{keys[0]}"].to_pylist()) if keys else []
            except (DeltaError, OSError) as error:
                raise LakeError(
                    f"Table {table} cannot be read at version {version}: {error}.",
                    hint="Was a folder below lake/ removed by hand? Restore it from a backup.",
                ) from error
            files = [str(self.root / table / path) for path in added]
            self._files[table, version] = files
            self._parts[table, version] = dict(zip(files, map(_part, parts), strict=False))
        return self._files[table, version]

    def rows(self, snapshot: Snapshot, table: str) -> int:
        """Number of rows of `table` in this snapshot, from the log alone."""
        version = snapshot.tables.get(table)
        if version is None:
            return 0
        if (table, version) not in self._rows:
            delta = DeltaTable(str(self.root / table), version=version)
            counts = delta.get_add_actions(flatten=True)["num_records"].to_pylist()
            self._rows[table, version] = sum(counts or [0])
        return self._rows[table, version]

    def parts(self, snapshot: Snapshot, table: str) -> Mapping[str, str | None]:
        """File → the day that all its rows have; empty for a table that is not partitioned."""
        self.files(snapshot, table)
        version = snapshot.tables.get(table)
        return {} if version is None else self._parts[table, version]

    def scan_parts(
        self, snapshot: Snapshot, table: str, columns: Columns, days: Collection[str]
    ) -> str:
        """SQL that reads the files of `table` that may hold rows of these days."""
        parts = self.parts(snapshot, table)
        wanted = {"", *days}
        files = self.files(snapshot, table)
        held = [path for path in files if (parts.get(path) or "") in wanted]
        return scan_sql(held, columns)

    def scan(self, snapshot: Snapshot, table: str, columns: Columns) -> str:
        """SQL that reads `table` in this snapshot."""
        return scan_sql(self.files(snapshot, table), columns)

    def difference(
        self, before: int | None, after: int | None, table: str, columns: Columns
    ) -> tuple[str, str]:
        """SQL for the rows of files that only the version `before` has, and only `after`.

        A row that both versions have may be in both; None is the time before the first version.
        """
        older = self.files(Snapshot(tables={} if before is None else {table: before}), table)
        newer = self.files(Snapshot(tables={} if after is None else {table: after}), table)
        return (
            scan_sql([path for path in older if path not in set(newer)], columns),
            scan_sql([path for path in newer if path not in set(older)], columns),
        )

    @contextlib.contextmanager
    def writing(self, *, wait: float = 600.0) -> Iterator[Writing]:
        """Be the one writer; whatever is not committed is as if it had never happened.

        Parameters
        ----------
        wait : float
            Seconds to wait for another writer.

        Raises
        ------
        BusyError
            If the other writer is still at work by then.
        """
        if not self.root.is_dir():
            raise ProjectError(
                f"{self.folder} has no lake.", hint="Make one in this directory: staycurve init"
            )
        with _disk_errors(), open(self.root / ".lock", "a+", encoding="utf-8") as lock:
            _take(lock, wait)
            writing = Writing(self, self.pointer.latest())
            try:
                yield writing
            finally:
                writing.discard()


def _take(lock: Any, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                lock.seek(0)
                raise BusyError(
                    f"Another staycurve (process {lock.read().strip() or 'unknown'}) is writing.",
                    hint="Wait until it has finished, then run this again; nothing was changed.",
                ) from None
            time.sleep(0.1)
        else:
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            return


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LakeError(
                "The disk is full. Nothing was changed.", hint="Free some space and run it again."
            ) from error
        raise
    except DeltaError as error:
        if "space left" in str(error):
            raise LakeError(
                "The disk is full. Nothing was changed.", hint="Free some space and run it again."
            ) from error
        raise


class Writing:
    """One unit of work: tables change one by one, readers see all of it at `commit` or nothing."""

    def __init__(self, lake: Lake, start: Snapshot) -> None:
        self.lake = lake
        self.start = start
        self.tables = dict(start.tables)
        self.meta: dict[str, Any] = dict(start.meta)
        self._written: list[Path] = []
        self._is_done = False

    @property
    def now_seen(self) -> Snapshot:
        """The tables as this writer has left them so far."""
        return Snapshot(self.start.seq, dict(self.tables), dict(self.meta))

    def files(self, table: str) -> list[str]:
        """Paths of the files that hold `table` as this writer has left it."""
        return self.lake.files(self.now_seen, table)

    def scan(self, table: str, columns: Columns) -> str:
        """SQL that reads `table` as this writer has left it."""
        return self.lake.scan(self.now_seen, table, columns)

    def write(
        self, engine: AnyEngine, table: str, columns: Columns, sql: str, *, order: str = "",
        apart: str = "", partition: str = "",
    ) -> None:
        """Make `table` hold the answer of `sql` and nothing else.

        With `partition`, a column of days, each file holds rows of one day. Rows that meet the
        condition `apart`, which is never null, lie in files of their own;
        `sql` is run once for them and once for the others.
        """
        new = self._copy(engine, table, columns, sql, order, apart, partition)
        self._commit(table, columns, removed=self.files(table), added=new, partition=partition)

    def append(self, engine: AnyEngine, table: str, columns: Columns, sql: str) -> None:
        """Add the answer of `sql` to `table`."""
        new = self._copy(engine, table, columns, sql, "")
        if new or table not in self.tables:
            self._commit(table, columns, removed=[], added=new)

    def write_parts(
        self,
        engine: AnyEngine,
        table: str,
        columns: Columns,
        sql: str,
        *,
        partition: str,
        days: Collection[str],
        order: str = "",
    ) -> None:
        """Make the rows of these days those of `sql`, which has no others; the rest stays."""
        parts = self.lake.parts(self.now_seen, table)
        gone = [path for path in self.files(table) if parts.get(path) in set(days)]
        new = self._copy(engine, table, columns, sql, order, "", partition)
        self._commit(table, columns, removed=gone, added=new, partition=partition)

    def replace(
        self,
        engine: AnyEngine,
        table: str,
        columns: Columns,
        *,
        new: str,
        keys: str,
        key: Sequence[str],
        order: str = "",
        partition: str = "",
        held: Set[str] | None = None,
    ) -> None:
        """Take the rows whose `key` is in relation `keys` out, and put the rows of `new` in.

        Only files that hold such a row are rewritten (and small ones, when there are many; of a
        partitioned table, all of a day that has many). `held` are the files that hold such a row,
        where they are known.
        """
        files = self.files(table)
        same = " AND ".join(f"t.{name(k)} IS NOT DISTINCT FROM k.{name(k)}" for k in key)
        touched: list[str] = []
        if files:
            if held is None:
                listed = ", ".join(quoted(path) for path in files)
                found = engine.rows(
                    f"SELECT DISTINCT t.filename FROM read_parquet([{listed}], filename=true) t "
                    f"WHERE EXISTS (SELECT 1 FROM {keys} k WHERE {same})"
                )
                held = {row[0] for row in found}
            if partition:
                days = {str(row[0]) for row in engine.rows(
                    f"SELECT DISTINCT {name(partition)} FROM ({new})"
                )}
                held = held | self._crowded(table, days)
            touched = sorted(held) if partition else _rewritten(files, held)
        kept = scan_sql(touched, columns)
        names = ", ".join(name(column) for column, _ in columns)
        sql = f"SELECT {names} FROM ({new})"
        if touched:
            sql += (
                f" UNION ALL SELECT {names} FROM ({kept}) t "
                f"WHERE NOT EXISTS (SELECT 1 FROM {keys} k WHERE {same})"
            )
        new_files = self._copy(engine, table, columns, sql, order, "", partition)
        self._commit(table, columns, removed=touched, added=new_files, partition=partition)

    def _crowded(self, table: str, days: Set[str]) -> set[str]:
        """The files of those days that have many."""
        by_day: dict[str, list[str]] = {}
        for path, day in self.lake.parts(self.now_seen, table).items():
            if day in days:
                by_day.setdefault(str(day), []).append(path)
        return {path for paths in by_day.values() if len(paths) >= SMALL_FILES for path in paths}

    def update(
        self,
        engine: AnyEngine,
        table: str,
        columns: Columns,
        *,
        new: str,
        keys: str = "",
        key: str = "account_id",
        apart: str = "",
    ) -> None:
        """Make the rows whose `key` is in relation `keys` those of `new`, writing what differs.

        Without `keys` all rows are meant. Of rows that come out as they were, nothing is written:
        history stays in its files, and only those that hold a row that goes are rewritten (and
        small ones, when there are many). No two rows of the table may be equal. For `apart` see
        `write`.
        """
        files = self.files(table)
        names = ", ".join(name(column) for column, _ in columns)
        same = " AND ".join(f"a.{name(c)} IS NOT DISTINCT FROM b.{name(c)}" for c, _ in columns)
        which = f"WHERE {name(key)} IN (SELECT {name(key)} FROM {keys})" if keys else ""
        place = "filename, file_row_number"
        held = _places_sql(files) if files else empty_sql(
            [*columns, ("filename", "VARCHAR"), ("file_row_number", "BIGINT")]
        )
        for relation, sql in (
            ("arrived", f"SELECT {cast_sql(columns)} FROM ({new})"),
            ("stood", f"SELECT {cast_sql(columns)}, {place} FROM ({held}) {which}"),
            ("gone", f"SELECT {place} FROM stood a WHERE NOT EXISTS "
                f"(SELECT 1 FROM arrived b WHERE {same})"),
            ("added", "SELECT * FROM arrived a WHERE NOT EXISTS "
                f"(SELECT 1 FROM stood b WHERE {same})"),
        ):
            engine.keep(relation, sql)
        found = engine.rows("SELECT DISTINCT filename FROM gone")
        touched = _rewritten(files, {row[0] for row in found})
        sql = f"SELECT {names} FROM added"
        if touched:
            sql += (
                f" UNION ALL SELECT {names} FROM ({_places_sql(touched)}) t WHERE NOT "
                "EXISTS (SELECT 1 FROM gone g WHERE g.filename = t.filename "
                "AND g.file_row_number = t.file_row_number)"
            )
        elif not engine.value("SELECT COUNT(*) FROM added"):
            return
        new_files = self._copy(engine, table, columns, sql, "", apart)
        self._commit(table, columns, removed=touched, added=new_files)

    def _copy(
        self, engine: AnyEngine, table: str, columns: Columns, sql: str, order: str,
        apart: str = "", partition: str = "",
    ) -> list[Written]:
        written: list[Written] = []
        for rows in [f"WHERE {apart}", f"WHERE NOT ({apart})"] if apart else [""]:
            part = f"SELECT {cast_sql(columns)} FROM ({sql}) {rows}"
            files = engine.write(part, self.lake.root / table, order=order, partition=partition)
            self._written += [file.path for file in files]
            written += files
        return written

    def _commit(
        self, table: str, columns: Columns, *, removed: Sequence[str], added: Sequence[Written],
        partition: str = "",
    ) -> None:
        folder = self.lake.root / table
        now = int(time.time() * 1000)
        schema = _schema(columns)
        delta = DeltaTable(str(folder)) if table in self.tables else None
        if delta is not None and delta.version() != self.tables[table]:
            # Commits after the pinned version were left by a killed writer: step back first.
            delta.restore(self.tables[table])
            delta = DeltaTable(str(folder))
        # A table that was not partitioned when it was made stays so.
        keys = delta.metadata().partition_columns if delta else [partition] if partition else []
        parts = self.lake.parts(self.now_seen, table) if keys else {}
        new = [
            AddAction(
                file.path.name, file.size, {key: file.part for key in keys}, now, True,
                json.dumps({"numRecords": file.rows}),
            )
            for file in added
        ]
        if delta is None:
            # A folder that no snapshot names was left by a writer that was killed.
            shutil.rmtree(folder / "_delta_log", ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            create_table_with_add_actions(
                str(folder), schema, new, name=table, partition_by=keys or None
            )
            self.tables[table] = 0
            return
        old = [
            RemoveAction(
                Path(path).name, True, now, size=os.path.getsize(path),
                partition_values={key: parts.get(path) for key in keys},
            )
            for path in removed
        ]
        if not (new or old):
            return
        delta.create_write_transaction(
            [*new, *old], mode="append", schema=schema, partition_by=keys or None
        )
        self.tables[table] = DeltaTable(str(folder)).version()

    def commit(
        self, *, loads: Sequence[LoadRecord] = (), meta: Mapping[str, Any] | None = None,
        now: dt.datetime,
    ) -> Snapshot:
        """Make everything durable, then move the pointer: the last step, and the only visible one.

        deltalake issues no fsync of its own, so the files, the log entries and their folders are
        synced here first.
        """
        folders = {self.lake.root}
        for path in self._written:
            _sync(path)
            folders.add(path.parent)
        for table, version in self.tables.items():
            if self.start.tables.get(table) != version:
                log = self.lake.root / table / "_delta_log"
                for entry in log.iterdir():
                    if entry.suffix == ".json":
                        _sync(entry)
                folders |= {log, log.parent}
        for folder in folders:
            _sync(folder)
        self.meta |= dict(meta or {})
        moved = self.lake.pointer.move(
            tables=self.tables, meta=self.meta, loads=list(loads), now=now
        )
        self._is_done = True
        return moved

    def discard(self) -> None:
        """Remove the files of a unit of work that did not come to its commit."""
        if self._is_done:
            return
        for path in self._written:
            with contextlib.suppress(OSError):
                path.unlink()


def _part(value: object) -> str | None:
    return None if value is None else str(value)


def _rewritten(files: Sequence[str], held: Set[str]) -> list[str]:
    """Which files are written anew: those that hold a change, and small ones when there are many.

    An engine gives the file of a row as a path or as its name; names occur once in a table.
    """
    names = {Path(file).name for file in held}
    found = {path for path in files if Path(path).name in names}
    if len(files) > SMALL_FILES:
        left = REWRITTEN_BYTES
        for size, path in sorted((os.path.getsize(path), path) for path in files):
            left -= size
            if size >= SMALL_BYTES or left < 0:
                break
            found.add(path)
    return sorted(found)


def _places_sql(files: Sequence[str]) -> str:
    """SQL for the rows of files, each with its file and its place in it."""
    listed = ", ".join(quoted(path) for path in files)
    return f"SELECT * FROM read_parquet([{listed}], filename=true, file_row_number=true)"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
