"""Undo: take a load back, by the versions of the lake before and after it.

A row that the load brought goes, a row that it replaced or removed comes back. What a later load
made of the same key stays: the later word counts.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from staycurve.config import Config
from staycurve.errors import LoadError, UnknownNameError
from staycurve.tables import adjustments, overlaps
from staycurve.tables.arrivals import Arrivals
from staycurve.tables.base import Table, local_day_name
from staycurve.tables.books import ClosedMonth, closed_months
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.corrections import ADJUSTED_COLUMNS, ADJUSTED_TABLE
from staycurve.tables.duckdb_engine import Engine, remove_leftovers
from staycurve.tables.engine import name, quoted
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import KEEP, LoadRecord, Snapshot, changed_versions, undone_by
from staycurve.tables.rejects import REJECTED, REJECTS_COLUMNS, REJECTS_TABLE, pending_sql
from staycurve.tables.staging import ROW, parquet_sql, store
from staycurve.tables.writing import Writing


@dataclass(frozen=True)
class UndoReport:
    """What taking one load back did.

    Attributes
    ----------
    load : int
        The load that was taken back.
    removed, restored : int
        Rows that went, and rows that came back; bare accounts are not counted.
    kept : int
        Rows that stay because a later load brought, changed or removed them.
    """

    load: int
    file: str
    table: str
    removed: int
    restored: int
    kept: int


def undo(
    lake: Lake,
    config: Config,
    load: int | None = None,
    *,
    now: dt.datetime,
    is_restating: bool = False,
    wait: float = 600.0,
) -> list[UndoReport]:
    """Take loads back in one unit of work.

    Parameters
    ----------
    load : int, optional
        As `staycurve loads` numbers them; that of an undo brings back what it took. Without it,
        everything that the last command loaded and that still stands.
    is_restating : bool
        Whether the figures of a closed month may change by it.

    Returns
    -------
    list of UndoReport
        One for each load, the last one first.

    Raises
    ------
    UnknownNameError, LoadError
        If there is no such load, it was taken back before, there is nothing to take back, or a
        closed month rests on it.
    """
    with lake.writing(wait=wait) as writing, Engine(lake.folder / ".tmp") as engine:
        remove_leftovers(lake.folder / ".tmp")
        records = lake.pointer.loads()
        chosen = _chosen(records, load)
        closed = [] if is_restating else closed_months(lake, writing.start, engine)
        folder = engine.spill.with_name(engine.spill.name + "-undone")
        folder.mkdir(parents=True)
        files = {r.load: (r.file, str(r.details.get("path", r.file))) for r in records}
        made: list[LoadRecord] = []
        reports = []
        try:
            arrivals = Arrivals(engine, writing, config, folder, files)
            for number, record in enumerate(chosen, lake.pointer.next_load()):
                before = dict(writing.tables)
                taking = _Taking(lake, writing, engine, arrivals, record, number, records)
                report = taking.back([month for month in closed if month.seq >= record.seq])
                arrivals.settle(number)
                arrivals.rejects.save()
                reports.append(report)
                made.append(
                    _record(report, number, now, changed_versions(before, writing.tables))
                )
            arrivals.save()
            writing.commit(loads=made, now=now)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return reports


def _chosen(records: Sequence[LoadRecord], load: int | None) -> list[LoadRecord]:
    """The loads to take back, the last one first."""
    undone = undone_by(records)
    if load is None:
        standing = [
            r for r in records if r.kind not in ("undo", KEEP) and r.load not in undone
        ]
        if not standing:
            raise LoadError(
                "There is nothing to undo: no load stands.",
                hint="What was loaded and taken back: staycurve loads",
            )
        chosen = [record for record in standing if record.seq == standing[-1].seq]
    else:
        chosen = [record for record in records if record.load == load]
        if not chosen:
            raise UnknownNameError(
                "load", str(load), [str(r.load) for r in records], hint="Known: staycurve loads"
            )
        if load in undone:
            raise LoadError(
                f"Load {load} was taken back before, by load {undone[load]}.",
                hint=f"To bring it back: staycurve undo {undone[load]}",
            )
    for record in chosen:
        if record.kind == KEEP:
            raise LoadError(
                f"Load {record.load} ({record.file}) keeps objects as they came: no row rests on "
                "it alone.",
                hint="Take back the load that brought the rows: staycurve loads",
            )
        if "versions" not in record.details:
            raise LoadError(
                f"Load {record.load} ({record.file}) cannot be taken back: an earlier version of "
                "staycurve made it and did not note what it changed.",
                hint="Load a corrected file instead: staycurve load --replace FILE",
            )
    return chosen[::-1]


def _record(
    report: UndoReport, number: int, now: dt.datetime, versions: dict[str, list[int | None]]
) -> LoadRecord:
    return LoadRecord(
        load=number,
        loaded_at=now.astimezone(dt.UTC).isoformat(),
        file=report.file,
        table=report.table,
        accepted=0,
        replaced=report.restored,
        rejected=0,
        details={
            "kind": "undo",
            "undoes": report.load,
            "removed": report.removed,
            "kept": report.kept,
            "versions": versions,
        },
    )


class _Taking:
    """One load on its way back."""

    def __init__(
        self, lake: Lake, writing: Writing, engine: Engine, arrivals: Arrivals,
        record: LoadRecord, number: int, records: Sequence[LoadRecord],
    ) -> None:
        self.lake = lake
        self.writing = writing
        self.engine = engine
        self.arrivals = arrivals
        self.record = record
        self.number = number
        self.loads = {r.load: r for r in records}
        # Taking an undo back makes the load that it took back stand again.
        others = {load for load, by in undone_by(records).items() if by != record.load}
        self.undone = {*others, record.load}

    def back(self, closed: Sequence[ClosedMonth]) -> UndoReport:
        """Take it back; `closed` are the months that were closed with it."""
        before, after = self.record.versions.get(REJECTS_TABLE, (None, None))
        gone, come = self.lake.difference(before, after, REJECTS_TABLE, REJECTS_COLUMNS)
        self._temp("rejects_went", f"{gone} EXCEPT {come}")
        self._temp("rejects_came", f"{come} EXCEPT {gone}")
        spoken = self.engine.rows(
            'SELECT "table" FROM rejects_went UNION SELECT "table" FROM rejects_came'
        )
        tables = {str(row[0]) for row in spoken} | {*self.record.versions}
        removed = restored = kept = 0
        if self.record.kind == "adjust":
            table = CONFORMED[self.record.table]
            versions = self.record.versions.get(table.name, (None, None))
            self._changes(table, versions, "rejects_went", "rejects_came", ("went", "came"))
            for month in closed:
                self._check_closed(table, month)
            restored = adjustments.take_back(
                self.arrivals, self.engine, self.record, self.undone, self.number
            )
            return UndoReport(
                self.record.load, self.record.file, self.record.table, 0, restored, 0
            )
        for table in CONFORMED.values():
            if table.name in tables:
                counts = self._table(table, closed)
                removed, restored, kept = (
                    removed + counts[0], restored + counts[1], kept + counts[2],
                )
                self._rejected_again(table)
        self._sources()
        return UndoReport(
            self.record.load, self.record.file, self.record.table, removed, restored, kept
        )

    def _temp(self, relation: str, sql: str) -> None:
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE {relation} AS {sql}")

    def _known(self, snapshot: Snapshot, table: Table) -> str:
        """SQL: a table's rows in a snapshot, those that wait or overlap too."""
        scan = self.lake.scan(snapshot, table.name, table.stored)
        rejects = self.lake.scan(snapshot, REJECTS_TABLE, REJECTS_COLUMNS)
        return f"SELECT *, FALSE AS is_pending FROM ({scan}) UNION ALL " \
            f"SELECT *, TRUE FROM ({pending_sql(table, rejects)})"

    def _at(self, *, is_after: bool) -> Snapshot:
        """The versions that belonged together before or after the load."""
        found = dict(self.lake.pointer.before(self.record.seq).tables)
        last = self.record.load if is_after else self.record.load - 1
        for number in sorted(self.loads):
            if self.loads[number].seq == self.record.seq and number <= last:
                found |= {table: v for table, (_, v) in self.loads[number].versions.items()}
        return Snapshot(tables=found)

    def _table(self, table: Table, closed: Sequence[ClosedMonth]) -> tuple[int, int, int]:
        """How many rows of a table went, came back, and stayed because of a later load."""
        engine = self.engine
        stored = ", ".join(name(column) for column, _ in table.stored)
        key = ", ".join(name(column) for column in table.key)
        versions = self.record.versions.get(table.name, (None, None))
        self._changes(table, versions, "rejects_went", "rejects_came", ("went", "came"))
        for month in closed:
            self._check_closed(table, month)
        self._temp("changed", f"SELECT {key} FROM went UNION SELECT {key} FROM came")
        # What later loads made of the same keys.
        now, then = self.writing.now_seen, self._at(is_after=True)
        rejects = self.lake.scan(then, REJECTS_TABLE, REJECTS_COLUMNS)
        self._temp("rejects_then", f"{rejects} EXCEPT SELECT * FROM rejected")
        self._temp("rejects_now", f"SELECT * FROM rejected EXCEPT {rejects}")
        self._changes(
            table, (then.tables.get(table.name), now.tables.get(table.name)),
            "rejects_then", "rejects_now", ("left_since", "came_since"),
        )
        self._temp(
            "later",
            f"SELECT {key} FROM changed INTERSECT "
            f"(SELECT {key} FROM left_since UNION SELECT {key} FROM came_since)",
        )
        self._temp("free", f"SELECT {key} FROM changed EXCEPT SELECT {key} FROM later")
        kept = int(engine.value("SELECT COUNT(*) FROM later"))
        match = overlaps.same("t", "k", [name(column) for column in table.key])
        is_free = f"EXISTS (SELECT 1 FROM free k WHERE {match})"
        before = self._known(self._at(is_after=False), table)
        self._temp("back", f"SELECT {stored}, is_pending FROM ({before}) t WHERE {is_free}")
        self._skip_undone(table)
        # A bare account has no line: it is no row of a file.
        restored = int(engine.value("SELECT COUNT(*) FROM back WHERE _line IS NOT NULL"))
        again = overlaps.same("t", "b", [name(column) for column in table.key])
        removed = int(
            engine.value(
                f"SELECT COUNT(*) FROM (SELECT DISTINCT {key} FROM came t WHERE _line IS NOT NULL "
                f"AND {is_free} AND NOT EXISTS (SELECT 1 FROM back b WHERE {again}))"
            )
        )
        self.arrivals.rejects.forget_pending(table, "free")
        self.arrivals.take_out(table, "free", self.number)
        self._put_back(table, key)
        return removed, restored, kept

    def _changes(
        self, table: Table, versions: tuple[int | None, int | None], rejects_went: str,
        rejects_came: str, names: tuple[str, str],
    ) -> None:
        """Two temporary tables: the rows that went and that came between two versions.

        A row that only began or ceased to wait is in neither.
        """
        gone, come = self.lake.difference(*versions, table.name, table.stored)
        before = f"{gone} UNION ALL {pending_sql(table, f'SELECT * FROM {rejects_went}')}"
        after = f"{come} UNION ALL {pending_sql(table, f'SELECT * FROM {rejects_came}')}"
        self._temp(names[0], f"SELECT * FROM ({before}) EXCEPT SELECT * FROM ({after})")
        self._temp(names[1], f"SELECT * FROM ({after}) EXCEPT SELECT * FROM ({before})")

    def _skip_undone(self, table: Table) -> None:
        """Where a row comes back that an undone load had brought, take the one before it."""
        match = overlaps.same("t", "b", [name(column) for column in table.key])
        while True:
            found = self.engine.rows("SELECT DISTINCT _load FROM back ORDER BY 1 DESC")
            undone = [int(row[0]) for row in found if row[0] in self.undone]
            if not undone or undone[0] not in self.loads:
                return
            own = _Taking(
                self.lake, self.writing, self.engine, self.arrivals, self.loads[undone[0]],
                self.number, list(self.loads.values()),
            )
            earlier = own._known(own._at(is_after=False), table)
            self._temp(
                "earlier",
                f"SELECT t.* FROM ({earlier}) t WHERE EXISTS ("
                f"SELECT 1 FROM back b WHERE b._load = {undone[0]} AND {match})",
            )
            self.engine.execute(f"DELETE FROM back WHERE _load = {undone[0]}")
            self.engine.execute("INSERT INTO back SELECT * FROM earlier")

    def _sources(self) -> None:
        """Let the rows that were adjusted be kept as their source had them before."""
        if ADJUSTED_TABLE not in self.record.versions:
            return
        before, after = self.record.versions[ADJUSTED_TABLE]
        gone, come = self.lake.difference(before, after, ADJUSTED_TABLE, ADJUSTED_COLUMNS)
        kept = self.writing.scan(ADJUSTED_TABLE, ADJUSTED_COLUMNS)
        self._temp(
            "sources",
            f"SELECT g.* FROM ({gone} EXCEPT {come}) g JOIN (({come} EXCEPT {gone}) "
            f'INTERSECT {kept}) c ON c."table" = g."table" AND c.row_key = g.row_key',
        )
        self.writing.replace(
            self.engine, ADJUSTED_TABLE, ADJUSTED_COLUMNS,
            new="SELECT * FROM sources", keys="sources", key=("table", "row_key"),
        )

    def _put_back(self, table: Table, key: str) -> None:
        # A row that waited is newer than the loaded one of its key.
        for step, is_pending in enumerate(("NOT is_pending", "is_pending")):
            if not self.engine.value(f"SELECT COUNT(*) FROM back WHERE {is_pending}"):
                continue
            target = self.arrivals.folder / f"back-{self.number}-{table.name}-{step}.parquet"
            store(
                self.engine,
                f"SELECT * EXCLUDE (is_pending), row_number() OVER (ORDER BY {key}) AS {ROW} "
                f"FROM back WHERE {is_pending}",
                target,
            )
            self.arrivals.put_back(table, parquet_sql(target), self.number)

    def _rejected_again(self, table: Table) -> None:
        """Let the rows that broke a rule be listed as before, where no later load spoke of them."""
        later = [
            record
            for record in self.loads.values()
            if record.load > self.record.load
            and record.table == table.name
            and record.kind in ("load", "replace")
            and record.load not in self.undone
        ]
        paths = ", ".join(quoted(str(record.details.get("path", ""))) for record in later) or "NULL"
        loads = ", ".join(str(load) for load in sorted(self.undone))
        newer = f"state = {quoted(REJECTED)} AND load NOT IN ({loads})"
        self._temp(
            "aside_went",
            f"SELECT * FROM rejects_went WHERE {newer} AND coalesce(path NOT IN ({paths}), TRUE)",
        )
        self.arrivals.rejects.take_back(table, went="aside_went", came="rejects_came")

    def _check_closed(self, table: Table, month: ClosedMonth) -> None:
        day = next((c for c in table.columns if c.is_required and c.kind in _TIMES), None)
        when = "TRUE"
        if day is not None:
            column = local_day_name(day.name) if day.kind == "instant" else day.name
            when = f"{name(column)} < DATE '{month.end}'"
        rows = int(
            self.engine.value(
                f"SELECT COUNT(*) FROM (SELECT * FROM went UNION ALL SELECT * FROM came) "
                f"WHERE _line IS NOT NULL AND {when}"
            )
        )
        if rows:
            raise LoadError(
                f"The closed month {month.month:%Y-%m} rests on load {self.record.load} "
                f"({self.record.file}): {rows} of its rows of {table.name} begin before that "
                "month's end.",
                hint="To take it back all the same, and list what changes: "
                f"staycurve undo {self.record.load} --restate",
            )


_TIMES = ("instant", "day", "month")
