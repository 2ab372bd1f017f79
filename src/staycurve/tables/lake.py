"""The lake: Delta tables in a folder or an object store, and the one writer that may change them.

With pointer.py the only file that knows how tables are stored; store.py knows where. The engine
writes Parquet files, the lake commits them; readers take the files that the pinned version lists,
never a glob, because a killed writer leaves orphans.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from staycurve.config import lake_place
from staycurve.errors import BusyError, LakeError, ProjectError
from staycurve.tables.engine import Columns, Written, scan_sql
from staycurve.tables.pointer import Pointer, Snapshot
from staycurve.tables.store import Store, open_store
from staycurve.tables.writing import Writing

LOGS_AT_ONCE = 8

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

    def change(
        self,
        before: Snapshot,
        table: str,
        columns: Columns,
        *,
        removed: Sequence[str],
        added: Sequence[Written],
        partition: str = "",
    ) -> int:
        """Let the log of a table leave files out and take others in; the table's new version.

        Parameters
        ----------
        before : Snapshot
            The version that is changed; one without the table makes it.
        removed : sequence of str
            Paths that the table is left without.
        added : sequence of Written
            Files that lie where the table's files do.
        """
        now = int(time.time() * 1000)
        schema = _schema(columns)
        delta = self.open(table) if table in before.tables else None
        if delta is not None and delta.version() != before.tables[table]:
            # Commits after the pinned version were left by a killed writer: step back first.
            delta.restore(before.tables[table])
            delta = self.open(table)
        # A table that was not partitioned when it was made stays so.
        keys = delta.metadata().partition_columns if delta else [partition] if partition else []
        parts = self.parts(before, table) if keys else {}
        new = [
            AddAction(
                file.path.name, file.size, {key: file.part for key in keys}, now, True,
                json.dumps({"numRecords": file.rows}),
            )
            for file in added
        ]
        if delta is None:
            # A folder that no snapshot names was left by a writer that was killed.
            self.store.forget(table)
            create_table_with_add_actions(
                self.store.table(table), schema, new, name=table, partition_by=keys or None,
                storage_options=self.store.options,
            )
            return 0
        sizes = self.sizes(before, table)
        old = [
            RemoveAction(
                Path(path).name, True, now, size=sizes[path],
                partition_values={key: parts.get(path) for key in keys},
            )
            for path in removed
        ]
        if not (new or old):
            return before.tables[table]
        delta.create_write_transaction(
            [*new, *old], mode="append", schema=schema, partition_by=keys or None
        )
        return self.open(table).version()

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


def _part(value: object) -> str | None:
    return None if value is None else str(value)
