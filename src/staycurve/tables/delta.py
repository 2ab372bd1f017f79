"""Delta tables: which files hold each version of a table, and how one version becomes the next.

With pointer.py the only file that knows how tables are stored; store.py knows where. The engine
writes Parquet files, a log entry takes them in; readers take the files that the pinned version
lists, never a glob, because a killed writer leaves orphans.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staycurve.config import lake_place
from staycurve.errors import DamagedError, LakeError, StaycurveError, system_error
from staycurve.tables import listings
from staycurve.tables.engine import Columns, Written, scan_sql
from staycurve.tables.folder_store import check_root
from staycurve.tables.listings import Listing
from staycurve.tables.pointer import Pointer, Snapshot
from staycurve.tables.store import LOG, Store
from staycurve.tables.stores import open_store

if TYPE_CHECKING:
    # Importing it takes as long as a small question: what only reads a kept listing does without.
    from deltalake import DeltaTable, Schema

LOGS_AT_ONCE = 8
VERSIONS_AT_HAND = 8
"""Of each table; a table of a thousand files takes half a megabyte of memory a version."""
KEPT = Path(".tmp") / "listings"

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
    from deltalake import Schema

    fields = [
        {"name": column, "type": _DELTA_TYPES[kind], "nullable": True, "metadata": {}}
        for column, kind in columns
    ]
    return Schema.from_json(json.dumps({"type": "struct", "fields": fields}))


class DeltaTables:
    """The tables of one project, as their logs tell of them.

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
        self._listings: dict[tuple[str, int], Listing] = {}
        self._whole: set[tuple[str, int | None]] = set()
        self._lock = threading.Lock()

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

    def held(self, snapshot: Snapshot, table: str) -> frozenset[str] | None:
        """The columns that every file of `table` has; None where there is no such table."""
        found = self._listing(snapshot, table)
        return found.columns if found else None

    def sizes(self, snapshot: Snapshot, table: str) -> Mapping[str, int]:
        """File → its bytes, from the log alone."""
        found = self._listing(snapshot, table)
        return found.sizes if found else {}

    def _listing(self, snapshot: Snapshot, table: str) -> Listing | None:
        version = snapshot.tables.get(table)
        if version is None:
            return None
        key = (table, version)
        found = self._listings.get(key)
        if found is None and self.store.is_far:
            # Each log takes a few requests, so those of a snapshot are asked for together.
            wanted = [k for k in snapshot.tables.items() if k not in self._listings]
            with ThreadPoolExecutor(LOGS_AT_ONCE) as pool:
                read = dict(zip(wanted, pool.map(self._read, wanted), strict=True))
            for one, listing in read.items():
                self._remember(one, listing)
            found = read.get(key) or self._read(key)
        elif found is None:
            found = self._read(key)
            self._remember(key, found)
        return found

    def _remember(self, key: tuple[str, int], listing: Listing) -> None:
        """Keep a listing at hand; of one table the last few versions, for a server sees many."""
        with self._lock:
            self._listings[key] = listing
            older = [one for one in self._listings if one[0] == key[0]][:-VERSIONS_AT_HAND]
            for one in older:
                del self._listings[one]
            self._whole -= set(older)

    def publish(self, snapshot: Snapshot) -> None:
        """Keep the listing of every table for other processes, which need not read its log.

        What this process wrote it knows without having read it.
        """
        if self.store.is_far:
            return
        for table, version in snapshot.tables.items():
            root, place = self.store.table(table), self.folder / KEPT / f"{table}.json"
            marks = listings.marks_of(Path(root) / LOG)
            found = self._listing(snapshot, table)
            if found and marks and listings.kept(place, root, version, marks) is None:
                listings.keep(place, root, version, marks, found)

    def _read(self, key: tuple[str, int]) -> Listing:
        """The listing that another process kept, or else what the log says."""
        table, version = key
        root, place = self.store.table(table), self.folder / KEPT / f"{table}.json"
        # Far away there is nothing to look at that costs less than the log.
        marks = None if self.store.is_far else listings.marks_of(Path(root) / LOG)
        found = listings.kept(place, root, version, marks) if marks else None
        if found is not None:
            self.store.learn(found.sizes)
            return found
        found = self._logged(table, version)
        # Where the pointer is lost, nobody knows which version is the newest.
        with contextlib.suppress(StaycurveError):
            if marks and version == self.pointer.latest().tables.get(table):
                listings.keep(place, root, version, marks, found)
        return found

    def _logged(self, table: str, version: int) -> Listing:
        from deltalake.exceptions import DeltaError

        try:
            delta = self.open(table, version)
            actions = delta.get_add_actions(flatten=True)
            keys = delta.metadata().partition_columns
            columns = frozenset(field.name for field in delta.schema().fields)
            parts: list[Any] = list(actions[f"partition.{keys[0]}"].to_pylist()) if keys else []
        except (DeltaError, OSError) as error:
            self.store.check()
            if (self.newest(table) or 0) > version:
                raise LakeError(
                    f"What table {table} held at version {version} is lost; its rows of today "
                    "are there.",
                    hint="An earlier state, or a load from then, cannot be reached any more.",
                ) from error
            raise (
                self.store.explained(error) or system_error(error)
                or DamagedError(
                    table, f"{self.store.table(table)}/{LOG}",
                    f"cannot be read at version {version} ({_first_line(error)})",
                )
            ) from error
        root = self.store.table(table)
        files = [f"{root}/{path}" for path in actions["path"].to_pylist()]
        sizes = dict(zip(files, actions["size_bytes"].to_pylist(), strict=True))
        self.store.learn(sizes)
        return Listing(
            files,
            dict(zip(files, map(_part, parts), strict=False)),
            sizes,
            sum(actions["num_records"].to_pylist() or [0]),
            columns,
        )

    def forget_listings(self) -> None:
        """Read the logs again: files were written anew under their names."""
        with self._lock:
            self._listings.clear()

    def damage(self, snapshot: Snapshot, table: str) -> DamagedError | None:
        """What is wrong with the log or the files of a table, as far as names and bytes tell."""
        try:
            found = self.store.damaged(self.sizes(snapshot, table))
            if found:
                # Another process may have written files anew since the log was read.
                with self._lock:
                    self._listings.pop((table, snapshot.tables.get(table, -1)), None)
                found = self.store.damaged(self.sizes(snapshot, table))
        except DamagedError as error:
            return error
        return DamagedError(table, *found) if found else None

    def check(self, snapshot: Snapshot, table: str) -> None:
        """Raise when `damage` finds something; what was whole once is not looked at again."""
        key = (table, snapshot.tables.get(table))
        if key in self._whole:
            return
        found = self.damage(snapshot, table)
        if found is not None:
            raise found
        self._whole.add(key)

    def newest(self, table: str) -> int | None:
        """The last version of a table that can be read; None when none can."""
        from deltalake.exceptions import DeltaError

        try:
            return self.open(table).version()
        except (DeltaError, OSError):
            return None

    def open(self, table: str, version: int | None = None) -> DeltaTable:
        """A table's log, at a version or as it is now."""
        from deltalake import DeltaTable

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
        return scan_sql(held, columns, self.held(snapshot, table))

    def scan(self, snapshot: Snapshot, table: str, columns: Columns) -> str:
        """SQL that reads `table` in this snapshot."""
        return scan_sql(self.files(snapshot, table), columns, self.held(snapshot, table))

    def difference(
        self, before: int | None, after: int | None, table: str, columns: Columns
    ) -> tuple[str, str]:
        """SQL for the rows of files that only the version `before` has, and only `after`.

        A row that both versions have may be in both; None is the time before the first version.
        """
        then = Snapshot(tables={} if before is None else {table: before})
        now = Snapshot(tables={} if after is None else {table: after})
        older, newer = self.files(then, table), self.files(now, table)
        return (
            scan_sql([p for p in older if p not in set(newer)], columns, self.held(then, table)),
            scan_sql([p for p in newer if p not in set(older)], columns, self.held(now, table)),
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
        told: Mapping[str, str] | None = None,
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
        told : mapping, optional
            What the log's entry says beside: the move of the pointer that it belongs to.
        """
        from deltalake import CommitProperties
        from deltalake.transaction import (
            AddAction,
            RemoveAction,
            create_table_with_add_actions,
        )

        about = CommitProperties(custom_metadata=dict(told or {}))
        now = int(time.time() * 1000)
        schema = _schema(columns)
        delta = self._open_newest(table, before.tables[table]) if table in before.tables else None
        if delta is not None and delta.version() != before.tables[table]:
            # Commits after the pinned version were left by a killed writer: step back first.
            delta.restore(before.tables[table], commit_properties=about)
            delta = self.open(table)
        sizes = self.sizes(before, table) if delta else {}
        # Of a table that is written whole, nothing of how it was laid out need stay.
        is_other = bool(
            delta and partition and set(sizes) <= set(removed)
            and delta.metadata().partition_columns != [partition]
        )
        if is_other:
            self._lay_out(table, schema, partition, about)
            delta, removed, sizes = self.open(table), (), {}
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
                storage_options=self.store.options, commit_properties=about,
            )
            return self._numbered(table)
        old = [
            RemoveAction(
                Path(path).name, True, now, size=sizes[path],
                partition_values={key: parts.get(path) for key in keys},
            )
            for path in removed
        ]
        if not (new or old):
            return delta.version() if is_other else before.tables[table]
        if set(names := [column for column, _ in columns]) - (self.held(before, table) or set()):
            # The files of a table have all of its columns: with a new one all are written anew.
            left = sorted(set(sizes) - set(removed))
            if left:
                raise LakeError(
                    f"Table {table} gets columns that {len(left)} of its files lack: "
                    f"{', '.join(names)}.",
                    hint="Compute it in full: staycurve refresh --full",
                )
            delta.create_write_transaction(
                [*new], mode="overwrite", schema=schema, partition_by=keys or None,
                commit_properties=about,
            )
        else:
            delta.create_write_transaction(
                [*new, *old], mode="append", schema=schema, partition_by=keys or None,
                commit_properties=about,
            )
        return self.open(table).version()

    def _lay_out(self, table: str, schema: Schema, partition: str, about: Any) -> None:
        """Let a table be empty, and partitioned by another column; its versions before stay."""
        from arro3.core import Table
        from deltalake import write_deltalake

        write_deltalake(
            self.store.table(table), Table.from_batches([], schema=schema.to_arrow()),
            mode="overwrite", schema_mode="overwrite", partition_by=[partition],
            storage_options=self.store.options, commit_properties=about,
        )

    def _open_newest(self, table: str, pinned: int) -> DeltaTable:
        from deltalake.exceptions import DeltaError

        try:
            return self.open(table)
        except DeltaError:
            # An entry that a power cut left half written belongs to no snapshot.
            self.store.cut(table, pinned)
            return self.open(table)

    def _numbered(self, table: str) -> int:
        """The version of a table that was made: one that no row of the pointer has named.

        An earlier snapshot may name versions of a table that was lost since: what is known of
        then must stay an error, and never be today's rows.
        """
        used = self.pointer.highest(table)
        if used is None:
            return 0
        self.open(table).create_checkpoint()
        self.store.renumber(table, used + 1)
        with self._lock:
            self._listings = {k: v for k, v in self._listings.items() if k[0] != table}
        return used + 1

    @contextlib.contextmanager
    def store_errors(self) -> Iterator[None]:
        """Say what is wrong when the store, or a log in it, fails."""
        try:
            yield
        except StaycurveError:
            raise
        except Exception as error:
            from deltalake.exceptions import DeltaError

            if not isinstance(error, OSError | DeltaError):
                raise
            told = system_error(error) or self.store.explained(error)
            if told is None and isinstance(error, DeltaError):
                told = LakeError(
                    f"The lake could not be changed: {_first_line(error)}. Nothing was changed.",
                    hint="See what is damaged: staycurve recover",
                )
            if told is None:
                raise
            raise told from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip().rstrip(".")


def _part(value: object) -> str | None:
    return None if value is None else str(value)
