"""rejects: every row that was not loaded, with the reason, and what may still join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from staycurve.i18n import N_
from staycurve.tables.base import Table
from staycurve.tables.conform import BROKEN, Conforming, rules, texts_sql
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import name, quoted
from staycurve.tables.staging import LINE, ROW
from staycurve.tables.writing import Writing

REJECTS_TABLE = "rejects"

REJECTED = "set aside"
"""The row breaks a rule: a fixed row has to be loaded. Stored so in every lake; shown as below."""
WAITING = "waiting"
"""The row is good, but its account or its exchange rate is not known yet; it joins by itself."""
OVERLAP = "overlap"
"""The span overlaps an earlier one of its item; it joins by itself when that one makes room."""

STATE_LABELS = {REJECTED: N_("rejected"), WAITING: N_("waiting"), OVERLAP: N_("overlap")}
"""State → what people read."""

REJECTS_COLUMNS = (
    ("load", "BIGINT"),
    ("table", "VARCHAR"),
    ("file", "VARCHAR"),
    ("line", "BIGINT"),
    ("column", "VARCHAR"),
    ("value", "VARCHAR"),
    ("rule", "VARCHAR"),
    ("state", "VARCHAR"),
    ("account_id", "VARCHAR"),
    ("payload", "VARCHAR"),
    ("path", "VARCHAR"),
    ("row_key", "VARCHAR"),
)
"""`payload` is the row as JSON: as the file had it when rejected, as it would be stored when it
may still join. `path` tells files of one name apart, `row_key` is the row's key as text."""


@dataclass(frozen=True)
class Origin:
    """Where rows come from: the load's number, the file's name, and its whole path."""

    load: int
    file: str
    path: str


def complaint(file: str, line: int, column: str, value: str, rule: str) -> str:
    """What is wrong and where: `subscriptions.csv:812 ends_at 2026-01-03 is before …`."""
    said = " ".join(part for part in (column, value, rule) if part)
    return f"{file}:{line} {said}"


def row_key_sql(table: Table, alias: str) -> str:
    """SQL for a row's key as text; NULL while a required part of it is missing."""
    parts = ", ".join(f"CAST({alias}.{name(column)} AS VARCHAR)" for column in table.key)
    needed = [column for column in table.key if table.column(column).is_required]
    known = " AND ".join(f"{alias}.{name(column)} IS NOT NULL" for column in needed)
    return f"CASE WHEN {known} THEN CAST(json_array({parts}) AS VARCHAR) END"


def stored_payload_sql(table: Table, alias: str) -> str:
    """SQL for a row as JSON, as it would be stored."""
    pairs = ", ".join(
        f"{quoted(column)}, CAST({alias}.{name(column)} AS VARCHAR)" for column, _ in table.stored
    )
    return f"CAST(json_object({pairs}) AS VARCHAR)"


def from_payload_sql(table: Table, alias: str) -> str:
    """SQL for the stored columns of the row that a payload holds."""
    return ", ".join(
        f"CAST(json_extract_string({alias}.payload, {quoted('$.' + column)}) AS {kind}) "
        f"AS {name(column)}"
        for column, kind in table.stored
    )


def pending_sql(table: Table, rejects: str) -> str:
    """SQL for the stored columns of a table's rows that wait or overlap, out of `rejects`."""
    return (
        f"SELECT {from_payload_sql(table, 'w')} FROM ({rejects}) w "
        f'WHERE "table" = {quoted(table.name)} AND state <> {quoted(REJECTED)}'
    )


class Rejects:
    """The rejects of one unit of work, in the engine's table `rejected` until they are saved."""

    def __init__(
        self, engine: Engine, writing: Writing, files: Mapping[int, tuple[str, str]]
    ) -> None:
        self.engine = engine
        self.writing = writing
        self.files = files
        self._is_changed = False
        scan = writing.scan(REJECTS_TABLE, REJECTS_COLUMNS)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE rejected AS {scan}")

    def save(self) -> None:
        """Write them to the lake, if anything changed."""
        if self._is_changed:
            self.writing.write(
                self.engine, REJECTS_TABLE, REJECTS_COLUMNS, "SELECT * FROM rejected",
                order='"table", load, line, "column"',
            )
            self._is_changed = False

    def count(self, table: Table, state: str) -> int:
        """How many rows of a table are in this state."""
        return int(
            self.engine.value(
                'SELECT COUNT(*) FROM rejected WHERE "table" = ? AND state = ?',
                [table.name, state],
            )
        )

    def _delete(self, where: str) -> int:
        found = int(self.engine.value(f"SELECT COUNT(*) FROM rejected WHERE {where}"))
        if found:
            self.engine.execute(f"DELETE FROM rejected WHERE {where}")
            self._is_changed = True
        return found

    def forget(self, table: Table, rows: str, origin: Origin) -> None:
        """Drop what the file said when it was last loaded, and what newer rows of a key replace."""
        own = f'"table" = {quoted(table.name)}'
        self._delete(
            f"{own} AND state = {quoted(REJECTED)} AND path = {quoted(origin.path)} "
            f"AND load <> {origin.load}"
        )
        if self.engine.value(f"SELECT 1 FROM rejected WHERE {own} LIMIT 1"):
            self._delete(
                f"{own} AND load <> {origin.load} AND row_key IN "
                f"(SELECT {row_key_sql(table, 'g')} FROM {rows} g)"
            )

    def forget_joined(self, table: Table, rows: str) -> None:
        """Drop the waiting rows that are among `rows`."""
        self._delete(
            f'"table" = {quoted(table.name)} AND state = {quoted(WAITING)} AND row_key IN '
            f"(SELECT {row_key_sql(table, 'g')} FROM {rows} g)"
        )

    def reject(self, job: Conforming, typed: str, bad: str | None, origin: Origin) -> None:
        """Add the rows that break a rule, and the lines that are no rows."""
        self.engine.execute(
            f"CREATE OR REPLACE TEMP TABLE fresh AS {_rejected_sql(job, typed, bad, origin)}"
        )
        # The same bad row out of another file, such as a copy of this one, is listed once.
        self._delete(
            f'"table" = {quoted(job.table.name)} AND state = {quoted(REJECTED)} '
            f"AND load <> {origin.load} AND payload IN (SELECT payload FROM fresh)"
        )
        # What a stream says of a row takes the place of what it said in an earlier batch.
        self._delete(
            f'"table" = {quoted(job.table.name)} AND state = {quoted(REJECTED)} '
            f"AND load <> {origin.load} AND starts_with(path, {quoted(origin.file + '#')}) "
            "AND row_key IN (SELECT row_key FROM fresh)"
        )
        self._insert("SELECT * FROM fresh")

    def first_complaint(
        self, job: Conforming, typed: str, bad: str | None, origin: Origin
    ) -> str:
        """What is wrong with the first row that breaks a rule."""
        listed = _rejected_sql(job, typed, bad, origin)
        found = self.engine.rows(
            f'SELECT file, line, "column", value, rule FROM ({listed}) ORDER BY line LIMIT 1'
        )
        return complaint(*found[0]) if found else ""

    def wait(self, table: Table, rows: str, origin: Origin) -> None:
        """Add the rows of `rows` that table `waits` lists, with what they wait for."""
        self._insert(
            f"SELECT {origin.load}, {quoted(table.name)}, {quoted(origin.file)}, g.{LINE}, w.what, "
            f"w.value, w.rule, {quoted(WAITING)}, {_account(table, 'g.account_id')}, "
            f"{stored_payload_sql(table, 'g')}, {quoted(origin.path)}, {row_key_sql(table, 'g')} "
            f"FROM {rows} g JOIN waits w ON w.{ROW} = g.{ROW}"
        )

    def wait_again(self, table: Table, rows: str) -> None:
        """Add rows that were loaded before and wait now; `rows` and `waits` as for `wait`."""
        self._insert(
            f"SELECT g._load, {quoted(table.name)}, f.file, g.{LINE}, w.what, w.value, w.rule, "
            f"{quoted(WAITING)}, {_account(table, 'g.account_id')}, "
            f"{stored_payload_sql(table, 'g')}, f.path, {row_key_sql(table, 'g')} "
            f"FROM {rows} g JOIN waits w ON w.{ROW} = g.{ROW} {self._files_join()}"
        )

    def go_on_waiting(self, table: Table, rows: str) -> None:
        """Say what the rows that waited and still do wait for by now; as for `wait`."""
        self.engine.execute(
            f"CREATE OR REPLACE TEMP TABLE still AS SELECT {row_key_sql(table, 'g')} AS row_key, "
            f"w.what, w.value, w.rule FROM {rows} g JOIN waits w ON w.{ROW} = g.{ROW}"
        )
        other = (
            f'rejected."table" = {quoted(table.name)} AND rejected.state = {quoted(WAITING)} '
            "AND rejected.row_key = s.row_key AND rejected.rule <> s.rule"
        )
        if self.engine.value(f"SELECT 1 FROM rejected, still s WHERE {other} LIMIT 1"):
            self.engine.execute(
                'UPDATE rejected SET "column" = s.what, value = s.value, rule = s.rule '
                f"FROM still s WHERE {other}"
            )
            self._is_changed = True

    def _files_join(self) -> str:
        files = ", ".join(
            f"({load}, {quoted(file)}, {quoted(path)})" for load, (file, path) in self.files.items()
        )
        return f"LEFT JOIN (VALUES {files}) f (load, file, path) ON f.load = g._load"

    def forget_missing(self, table: Table, *, loads: str, keys: str) -> int:
        """Drop what the listed loads brought and `keys` (row_key) does not have; how many waited.

        A row that waits or overlaps is still meant for the table; one that breaks a rule is not.
        """
        own = f'"table" = {quoted(table.name)} AND load IN ({loads})'
        self._delete(f"{own} AND state = {quoted(REJECTED)}")
        return self._delete(
            f"{own} AND row_key IS NOT NULL AND row_key NOT IN (SELECT row_key FROM {keys})"
        )

    def forget_whole(
        self, table: Table, column: str, values: str, *, keys: str, load: int
    ) -> None:
        """Drop what earlier loads said of rows that have one of `values` in a column.

        Rows that may still join and are among `keys` (row_key) go by their own way.
        """
        own = f'"table" = {quoted(table.name)} AND load <> {load}'
        if not self.engine.value(f"SELECT 1 FROM rejected WHERE {own} LIMIT 1"):
            return
        held = (
            f"json_extract_string(payload, {quoted('$.' + column)}) IN (SELECT value FROM {values})"
            f" OR json_extract_string(payload, '$.line') IN (SELECT value FROM {values})"
        )
        self._delete(
            f"{own} AND ({held}) AND (row_key IS NULL OR state = {quoted(REJECTED)} "
            f"OR row_key NOT IN (SELECT row_key FROM {keys}))"
        )

    def forget_pending(self, table: Table, rows: str) -> int:
        """Drop the waiting and the overlapping rows whose key is among `rows`; how many."""
        return self._delete(
            f'"table" = {quoted(table.name)} AND state <> {quoted(REJECTED)} AND row_key IN '
            f"(SELECT {row_key_sql(table, 'g')} FROM {rows} g)"
        )

    def take_back(self, table: Table, *, went: str, came: str) -> None:
        """Let the rows that broke a rule be what they were: without `came`, with `went`."""
        own = f'"table" = {quoted(table.name)} AND state = {quoted(REJECTED)}'
        same = (
            "c.load = rejected.load AND c.line IS NOT DISTINCT FROM rejected.line "
            'AND c."table" = rejected."table" AND c.state = rejected.state'
        )
        self._delete(f"{own} AND EXISTS (SELECT 1 FROM {came} c WHERE {same})")
        self._insert(
            f"SELECT c.* FROM {went} c WHERE {own} AND NOT EXISTS ("
            f"SELECT 1 FROM rejected WHERE {same})"
        )

    def waiting_sql(self, table: Table) -> str:
        """SQL for the stored columns of the waiting rows of a table, and ROW."""
        return (
            f"SELECT {from_payload_sql(table, 'w')}, row_number() OVER (ORDER BY row_key) AS {ROW} "
            f'FROM rejected w WHERE "table" = {quoted(table.name)} '
            f"AND state = {quoted(WAITING)}"
        )

    def overlapping_sql(self, table: Table) -> str:
        """SQL for the stored columns of the spans that were rejected for their overlap."""
        return (
            f"SELECT {from_payload_sql(table, 'w')} FROM rejected w "
            f'WHERE "table" = {quoted(table.name)} AND state = {quoted(OVERLAP)}'
        )

    def overlap(self, table: Table, rows: str) -> None:
        """Replace what is known of the spans of `rows`, which has stored columns and `rule`.

        Spans with a rule are rejected by it; those without one are no longer.
        """
        self._delete(
            f'"table" = {quoted(table.name)} AND state = {quoted(OVERLAP)} AND row_key IN '
            f"(SELECT {row_key_sql(table, 'g')} FROM {rows} g)"
        )
        self._insert(
            f"SELECT g._load, {quoted(table.name)}, f.file, g._line, 'starts_at', "
            f"strftime(g.starts_at, '%Y-%m-%dT%H:%M:%SZ'), g.rule, {quoted(OVERLAP)}, "
            f"g.account_id, {stored_payload_sql(table, 'g')}, f.path, {row_key_sql(table, 'g')} "
            f"FROM {rows} g {self._files_join()} WHERE g.rule IS NOT NULL"
        )

    def _insert(self, sql: str) -> None:
        self.engine.execute(f"INSERT INTO rejected {sql}")
        self._is_changed = True


def _rejected_sql(job: Conforming, typed: str, bad: str | None, origin: Origin) -> str:
    """SQL: REJECTS_COLUMNS of the rows that break a rule and the lines that are no rows."""
    broken = f"(SELECT {ROW} FROM {typed} WHERE {BROKEN} IS NOT NULL)"
    texts = texts_sql(replace(job, where=f"({job.where}) AND r.{ROW} IN {broken}"))
    column = value = rule = f"CASE t.{BROKEN}"
    for number, check in enumerate(rules(job), 1):
        column += f" WHEN {number} THEN {quoted(check.column)}"
        value += f" WHEN {number} THEN coalesce(o_{check.column}, t_{check.column}, '')"
        rule += f" WHEN {number} THEN {_filled(job.table, check.rule)}"
    table, file, path = (quoted(text) for text in (job.table.name, origin.file, origin.path))
    account = _account(job.table, "x.t_account_id")
    sql = (
        f'SELECT CAST({origin.load} AS BIGINT) AS load, {table} AS "table", {file} AS file, '
        f't.{LINE} AS line, {column} END AS "column", {value} END AS value, {rule} END AS rule, '
        f"{quoted(REJECTED)} AS state, {account} AS account_id, x.x_payload AS payload, "
        f"{path} AS path, {row_key_sql(job.table, 't')} AS row_key "
        f"FROM ({texts}) x JOIN {typed} t ON t.{ROW} = x.{ROW}"
    )
    if bad:
        sql += (
            f" UNION ALL SELECT {origin.load}, {table}, {file}, line, '', value, rule, "
            f"{quoted(REJECTED)}, NULL, CAST(json_object('line', value) AS VARCHAR), {path}, NULL "
            f"FROM {bad}"
        )
    return sql


def _account(table: Table, sql: str) -> str:
    has = any(column.name == "account_id" for column in table.columns)
    return sql if has else "CAST(NULL AS VARCHAR)"


def _filled(table: Table, rule: str) -> str:
    """SQL for a rule's words, with what the row has in the columns named in braces."""
    sql = quoted(rule)
    for column in table.columns:
        mark = "{" + column.name + "}"
        if mark in rule:
            found = f"coalesce(o_{column.name}, t_{column.name}, '')"
            sql = f"replace({sql}, {quoted(mark)}, {found})"
    return sql
