"""The lake: Delta tables in a folder or an object store, and the one writer that may change them.

With pointer.py the only file that knows how tables are stored; store.py knows where. The engine
writes Parquet files, the lake commits them; readers take the files that the pinned version lists,
never a glob, because a killed writer leaves orphans.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import json
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from staycurve.config import lake_place
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
from staycurve.tables.store import Store, open_store

SMALL_FILES = 16
"""With more files than this, the small ones of a table are rewritten into one."""
SMALL_BYTES = 32 * 1024 * 1024
LOGS_AT_ONCE = 8
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


@dataclass(frozen=True)
class _Listing:
    """What the log says of one version of a table.

    Attributes
    ----------
    parts : mapping
        File → the day that all its rows have; empty for a table that is not partitioned.
    sizes : mapping
        File → its bytes.
    """

    files: list[str]
    parts: dict[str, str | None]
    sizes: dict[str, int]
    rows: int


class Lake:
    """The tables of one project.

    Parameters
    ----------
    folder : Path
        The project's directory. Tables lie in `lake/` or where its staycurve.toml says, the
        pointer in `state.db`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Store = open_store(folder, lake_place(folder))
        self.pointer = Pointer(folder)
        self._listings: dict[tuple[str, int], _Listing] = {}

    def create(self) -> None:
        """Make the folder and the pointer where they are not there yet."""
        check_root(self.folder.resolve())
        self.store.create()
        self.pointer.create()

    def files(self, snapshot: Snapshot, table: str) -> list[str]:
        """Paths of the Parquet files that hold `table` in this snapshot."""
        found = self._listing(snapshot, table)
        return found.files if found else []

    def rows(self, snapshot: Snapshot, table: str) -> int:
        """Number of rows of `table` in this snapshot, from the log alone."""
        found = self._listing(snapshot, table)
        return found.rows if found else 0

    def sizes(self, snapshot: Snapshot, table: str) -> Mapping[str, int]:
        """File → its bytes, from the log alone."""
        found = self._listing(snapshot, table)
        return found.sizes if found else {}

    def _listing(self, snapshot: Snapshot, table: str) -> _Listing | None:
        version = snapshot.tables.get(table)
        if version is None:
            return None
        key = (table, version)
        if key not in self._listings and self.store.is_far:
            # Each log takes a few requests, so those of a snapshot are asked for together.
            wanted = [k for k in snapshot.tables.items() if k not in self._listings]
            with ThreadPoolExecutor(LOGS_AT_ONCE) as pool:
                self._listings |= zip(wanted, pool.map(self._read, wanted), strict=True)
        elif key not in self._listings:
            self._listings[key] = self._read(key)
        return self._listings[key]

    def _read(self, key: tuple[str, int]) -> _Listing:
        table, version = key
        try:
            delta = self.open(table, version)
            actions = delta.get_add_actions(flatten=True)
            keys = delta.metadata().partition_columns
            parts: list[Any] = list(actions[f"partition.{keys[0]}"].to_pylist()) if keys else []
        except (DeltaError, OSError) as error:
            raise self.store.explained(error) or LakeError(
                f"Table {table} cannot be read at version {version}: {error}.",
                hint="Was a folder below lake/ removed by hand? Restore it from a backup.",
            ) from error
        files = [self.store.file(table, path) for path in actions["path"].to_pylist()]
        sizes = dict(zip(files, actions["size_bytes"].to_pylist(), strict=True))
        self.store.learn(sizes)
        return _Listing(
            files,
            dict(zip(files, map(_part, parts), strict=False)),
            sizes,
            sum(actions["num_records"].to_pylist() or [0]),
        )

    def open(self, table: str, version: int | None = None) -> DeltaTable:
        """A table's log, at a version or as it is now."""
        options = self.store.options
        return DeltaTable(self.store.table(table), version=version, storage_options=options)

    def parts(self, snapshot: Snapshot, table: str) -> Mapping[str, str | None]:
        """File → the day that all its rows have; empty for a table that is not partitioned."""
        found = self._listing(snapshot, table)
        return found.parts if found else {}

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
        self.store.check()
        with _store_errors(self.store), open(self.store.lock, "a+", encoding="utf-8") as lock:
            _take(lock, wait)
            self.store.claim()
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
def _store_errors(store: Store) -> Iterator[None]:
    try:
        yield
    except (OSError, DeltaError) as error:
        is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if is_full or (isinstance(error, DeltaError) and "space left" in str(error)):
            raise LakeError(
                "The disk is full. Nothing was changed.", hint="Free some space and run it again."
            ) from error
        told = store.explained(error)
        if told is None:
            raise
        raise told from error


class Writing:
    """One unit of work: tables change one by one, readers see all of it at `commit` or nothing."""

    def __init__(self, lake: Lake, start: Snapshot) -> None:
        self.lake = lake
        self.start = start
        self.tables = dict(start.tables)
        self.meta: dict[str, Any] = dict(start.meta)
        self._written: list[str] = []
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
            touched = sorted(held) if partition else self._rewritten(table, held)
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
        touched = self._rewritten(table, {row[0] for row in found})
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

    def _rewritten(self, table: str, held: Set[str]) -> list[str]:
        """Which files are written anew: those that hold a change, and small ones when many.

        An engine gives the file of a row as a path or as its name; names occur once in a table.
        """
        sizes = self.lake.sizes(self.now_seen, table)
        names = {Path(file).name for file in held}
        found = {path for path in sizes if Path(path).name in names}
        if len(sizes) > SMALL_FILES:
            left = REWRITTEN_BYTES
            for size, path in sorted((size, path) for path, size in sizes.items()):
                left -= size
                if size >= SMALL_BYTES or left < 0:
                    break
                found.add(path)
        return sorted(found)

    def _copy(
        self, engine: AnyEngine, table: str, columns: Columns, sql: str, order: str,
        apart: str = "", partition: str = "",
    ) -> list[Written]:
        written: list[Written] = []
        target = self.lake.store.target(table, engine.spill)
        for rows in [f"WHERE {apart}", f"WHERE NOT ({apart})"] if apart else [""]:
            part = f"SELECT {cast_sql(columns)} FROM ({sql}) {rows}"
            files = engine.write(part, target, order=order, partition=partition)
            self._written += self.lake.store.take(table, files)
            written += files
        return written

    def _commit(
        self, table: str, columns: Columns, *, removed: Sequence[str], added: Sequence[Written],
        partition: str = "",
    ) -> None:
        store = self.lake.store
        now = int(time.time() * 1000)
        schema = _schema(columns)
        delta = self.lake.open(table) if table in self.tables else None
        if delta is not None and delta.version() != self.tables[table]:
            # Commits after the pinned version were left by a killed writer: step back first.
            delta.restore(self.tables[table])
            delta = self.lake.open(table)
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
            store.forget(table)
            create_table_with_add_actions(
                store.table(table), schema, new, name=table, partition_by=keys or None,
                storage_options=store.options,
            )
            self.tables[table] = 0
            return
        sizes = self.lake.sizes(self.now_seen, table)
        old = [
            RemoveAction(
                Path(path).name, True, now, size=sizes[path],
                partition_values={key: parts.get(path) for key in keys},
            )
            for path in removed
        ]
        if not (new or old):
            return
        delta.create_write_transaction(
            [*new, *old], mode="append", schema=schema, partition_by=keys or None
        )
        self.tables[table] = self.lake.open(table).version()

    def commit(
        self, *, loads: Sequence[LoadRecord] = (), meta: Mapping[str, Any] | None = None,
        now: dt.datetime,
    ) -> Snapshot:
        """Make all durable, then move the pointer: the last step, and the only visible one."""
        changed = [t for t, version in self.tables.items() if self.start.tables.get(t) != version]
        self.lake.store.make_durable(self._written, changed)
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
        self.lake.store.remove(self._written)


def _part(value: object) -> str | None:
    return None if value is None else str(value)


def _places_sql(files: Sequence[str]) -> str:
    """SQL for the rows of files, each with its file and its place in it."""
    listed = ", ".join(quoted(path) for path in files)
    return f"SELECT * FROM read_parquet([{listed}], filename=true, file_row_number=true)"
