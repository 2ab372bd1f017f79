"""Writing: one unit of work on the lake, of which readers see all or nothing.

The engine writes Parquet files, and the Delta log of a table lists which of them hold it; a file is
never changed, only left out and put in anew.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from staycurve.tables.delta import DeltaTables
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
from staycurve.tables.pointer import LoadRecord, Snapshot, note_of

SMALL_FILES = 16
"""With more files than this, the small ones of a table are rewritten into one."""
SMALL_BYTES = 32 * 1024 * 1024
REWRITTEN_BYTES = 512 * 1024 * 1024
"""At most this much at a time: a table of thousands of files is tidied up over many changes."""


class Writing:
    """One unit of work: tables change one by one, readers see all of it at `commit` or nothing."""

    def __init__(self, lake: DeltaTables, start: Snapshot) -> None:
        self.lake = lake
        self.start = start
        self.tables = dict(start.tables)
        self.meta: dict[str, Any] = dict(start.meta)
        self._written: list[str] = []
        self._is_done = False

    @property
    def is_done(self) -> bool:
        """Whether it was committed."""
        return self._is_done

    @property
    def now_seen(self) -> Snapshot:
        """The tables as this writer has left them so far."""
        return Snapshot(self.start.seq, dict(self.tables), dict(self.meta))

    def files(self, table: str) -> list[str]:
        """Paths of the files that hold `table` as this writer has left it."""
        return self.lake.files(self.now_seen, table)

    def largest_first(self, table: str) -> list[str]:
        """The same paths in an order in which few rows are looked up in many at little cost.

        DuckDB takes every file for as long as the first. Where that was a small one, it took all
        of history for less than the keys that were looked up, and held history's in memory.
        """
        sizes = self.lake.sizes(self.now_seen, table)
        return sorted(self.files(table), key=lambda path: -sizes[path])

    def scan(self, table: str, columns: Columns) -> str:
        """SQL that reads `table` as this writer has left it."""
        return self.lake.scan(self.now_seen, table, columns)

    def scan_history(self, table: str, columns: Columns) -> str:
        """The same for a table of which few rows are looked up; see `largest_first`."""
        held = self.lake.held(self.now_seen, table)
        return scan_sql(self.largest_first(table), columns, held)

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
        if self._lacks(table, columns):
            names = ", ".join(name(column) for column, _ in columns)
            both = f"SELECT {names} FROM ({self.scan(table, columns)}) UNION ALL " \
                   f"SELECT {names} FROM ({sql})"
            self.write(engine, table, columns, both)
            return
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
        if self._lacks(table, columns):
            names = ", ".join(name(column) for column, _ in columns)
            listed = ", ".join(quoted(day) for day in days) or "NULL"
            sql = f"SELECT {names} FROM ({sql}) UNION ALL SELECT {names} FROM " \
                  f"({self.scan(table, columns)}) WHERE NOT coalesce(" \
                  f"CAST({name(partition)} AS VARCHAR) IN ({listed}), FALSE)"
            gone = self.files(table)
        new = self._copy(engine, table, columns, sql, order, "", partition)
        self._commit(table, columns, removed=gone, added=new, partition=partition)

    def write_days(
        self, engine: AnyEngine, table: str, columns: Columns, sql: str, *, partition: str,
        days: Collection[str],
    ) -> None:
        """Make the rows of these days, in a column `day`, those of `sql`, which has no others.

        The table is partitioned by month. What these days get lies in files of its own, so that
        today's rows, which change all day, are few; files that held them are left without them,
        and of a month with many small ones all are written into one.
        """
        months = {f"{day[:7]}-01" for day in days}
        parts, sizes = (
            self.lake.parts(self.now_seen, table), self.lake.sizes(self.now_seen, table)
        )
        by_month: dict[str, list[str]] = {}
        for path in self.files(table):
            if parts.get(path) in months:
                by_month.setdefault(str(parts[path]), []).append(path)
        listed = ", ".join(f"DATE {quoted(day)}" for day in days)
        touched: list[str] = []
        for paths in by_month.values():
            named = ", ".join(quoted(path) for path in paths)
            found = {Path(row[0]).name for row in engine.rows(
                f"SELECT DISTINCT t.filename FROM read_parquet([{named}], filename=true) t "
                f"WHERE t.day IN ({listed})"
            )}
            small = [path for path in paths if sizes[path] < SMALL_BYTES]
            touched += [
                path for path in paths if Path(path).name in found
                or (len(small) >= SMALL_FILES and path in small)
            ]
        new = self._copy(engine, table, columns, sql, "day", "", partition)
        if touched:
            kept = scan_sql(touched, columns, self.lake.held(self.now_seen, table))
            kept = f"SELECT * FROM ({kept}) t WHERE day NOT IN ({listed})"
            new += self._copy(engine, table, columns, kept, "day", "", partition)
        self._commit(table, columns, removed=touched, added=new, partition=partition)

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
        partitioned table, those of a day that has many). `held` are the files that hold such a row,
        where they are known.
        """
        files = self.files(table)
        same = " AND ".join(f"t.{name(k)} IS NOT DISTINCT FROM k.{name(k)}" for k in key)
        touched: list[str] = []
        small: dict[str, list[str]] = {}
        if files:
            if held is None:
                listed = ", ".join(quoted(path) for path in files)
                found = engine.rows(
                    f"SELECT DISTINCT t.filename FROM read_parquet([{listed}], filename=true) t "
                    f"WHERE EXISTS (SELECT 1 FROM {keys} k WHERE {same})"
                )
                held = {row[0] for row in found}
            if self._lacks(table, columns):
                held = frozenset(files)
            elif partition:
                days = {str(row[0]) for row in engine.rows(
                    f"SELECT DISTINCT {name(partition)} FROM ({new})"
                )}
                small = self._crowded(table, days, held)
            touched = sorted(held) if partition else self._rewritten(table, held)
        kept = scan_sql(touched, columns, self.lake.held(self.now_seen, table))
        names = ", ".join(name(column) for column, _ in columns)
        sql = f"SELECT {names} FROM ({new})"
        if touched:
            sql += (
                f" UNION ALL SELECT {names} FROM ({kept}) t "
                f"WHERE NOT EXISTS (SELECT 1 FROM {keys} k WHERE {same})"
            )
        new_files = self._copy(engine, table, columns, sql, order, "", partition)
        for day, paths in small.items():
            # Copied as they lie: sorted with the others, all of them would stand in memory.
            rows = scan_sql(paths, columns, self.lake.held(self.now_seen, table))
            made = self._copy(engine, table, columns, rows, "")
            new_files += [dataclasses.replace(file, part=day) for file in made]
            touched += paths
        self._commit(table, columns, removed=touched, added=new_files, partition=partition)

    def _crowded(self, table: str, days: Set[str], held: Set[str]) -> dict[str, list[str]]:
        """Day → its small files, of those days that have many; what has grown large stays.

        Parameters
        ----------
        held : set of str
            Files that are written anew in any case.
        """
        sizes = self.lake.sizes(self.now_seen, table)
        by_day: dict[str, list[str]] = {}
        for path, day in self.lake.parts(self.now_seen, table).items():
            if day in days and path not in held and sizes[path] < SMALL_BYTES:
                by_day.setdefault(str(day), []).append(path)
        return {day: paths for day, paths in by_day.items() if len(paths) >= SMALL_FILES}

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
        if self._lacks(table, columns):
            left = f"SELECT {names} FROM ({self.scan(table, columns)}) WHERE {name(key)} NOT IN " \
                   f"(SELECT {name(key)} FROM {keys}) UNION ALL " if keys else ""
            self.write(
                engine, table, columns, f"{left}SELECT {names} FROM ({new})", apart=apart
            )
            return
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

    def _lacks(self, table: str, columns: Columns) -> bool:
        """Whether a version before made the table, without a column that was added since."""
        held = self.lake.held(self.now_seen, table)
        return held is not None and not held.issuperset(column for column, _ in columns)

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
        self.tables[table] = self.lake.change(
            self.now_seen, table, columns, removed=removed, added=added, partition=partition,
            told={"staycurve_move": str(self.start.seq + 1)},
        )

    def leave(self, table: str) -> None:
        """Let the table be made anew when it is written next."""
        self.tables.pop(table, None)

    def commit(
        self, *, loads: Sequence[LoadRecord] = (), meta: Mapping[str, Any] | None = None,
        now: dt.datetime,
    ) -> Snapshot:
        """Make all durable, then move the pointer: the last step, and the only visible one."""
        changed = [t for t, version in self.tables.items() if self.start.tables.get(t) != version]
        self.lake.store.make_durable(self._written, changed)
        self.meta |= dict(meta or {})
        at = now.astimezone(dt.UTC).isoformat()
        coming = Snapshot(self.start.seq + 1, self.tables, self.meta, at)
        # What it names is durable by now, so a state database that is lost after can be rebuilt.
        self.lake.store.keep_note(coming.seq, note_of(coming, loads))
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


def _places_sql(files: Sequence[str]) -> str:
    """SQL for the rows of files, each with its file and its place in it."""
    listed = ", ".join(quoted(path) for path in files)
    return f"SELECT * FROM read_parquet([{listed}], filename=true, file_row_number=true)"
