"""DuckDB as an engine: it loads files, and computes unless another engine is chosen."""

from __future__ import annotations

import copy
import os
import shutil
import uuid
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from staycurve.errors import MemoryLimitError, StaycurveError, system_error
from staycurve.tables.engine import AnyEngine, Columns, Row, Written, mounted, name, quoted

FILE_BYTES = 256 * 1024 * 1024
"""Files of the lake are cut near this size: a row's change rewrites one file, not the table."""

Failure = duckdb.Error
"""What DuckDB raises for a statement that it cannot run, such as one over a broken file."""


class Engine(AnyEngine):
    """DuckDB in this process, with bounded memory and its spill files in `spill`.

    It loads files, whichever engine computes, and computes unless another one is chosen.

    Parameters
    ----------
    spill : Path
        A folder for what does not fit in memory; removed on close.
    memory : str
        The most that the engine itself takes, such as '1200MB'.
    threads : int, optional
        At most; each holds a group of rows of a file that it writes.
    rows_at_once : int, optional
        Rows in a group of the files that it writes: what is written is held group by group, so
        that fewer take less memory. By default DuckDB's own, 122,880.
    """

    def __init__(
        self, spill: Path, *, memory: str = "1200MB", threads: int | None = None,
        rows_at_once: int | None = None,
    ) -> None:
        self.spill = spill / f"spill-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._later = {}
        self._stopped: StaycurveError | None = None
        self._is_beside = False
        self._groups = f"ROW_GROUP_SIZE {rows_at_once}, " if rows_at_once else ""
        self.connection = duckdb.connect(
            config={
                "memory_limit": memory,
                "threads": threads or min(os.cpu_count() or 1, 8),
                "temp_directory": str(self.spill),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        self._set_up()
        for files in mounted.values():
            self.connection.register_filesystem(files)

    def _set_up(self) -> None:
        # Not in the config above: DuckDB 2 knows this setting only once the connection stands.
        self.connection.execute("SET TimeZone = 'UTC'")
        # The engine's own bar would be written into what a command prints.
        self.connection.execute("SET enable_progress_bar = false")

    def beside(self) -> Engine:
        """Another connection to the same database: it shares memory and threads, no relation.

        Close it before this one.
        """
        other = copy.copy(self)
        other._later, other._stopped, other._is_beside = {}, None, True
        other.connection = self.connection.cursor()
        other._set_up()
        return other

    def stop(self, reason: StaycurveError) -> None:
        """Interrupt what runs, from another thread; `reason` is raised until `resume`."""
        self._stopped = reason
        self.connection.interrupt()

    def resume(self) -> None:
        """Let statements run again after `stop`."""
        self._stopped = None

    def close(self) -> None:
        self.connection.close()
        if not self._is_beside:
            shutil.rmtree(self.spill, ignore_errors=True)

    def execute(self, sql: str) -> None:
        """Run a statement in DuckDB's own dialect, for its effect."""
        self._run(sql)

    def keep(self, relation: str, sql: str) -> None:
        self._run(f"CREATE OR REPLACE TEMP TABLE {name(relation)} AS {sql}")

    def put(self, relation: str, columns: Columns, rows: Iterable[Sequence[object]]) -> None:
        # Bound, not written out: the parser takes ten times as long over literals.
        cells: list[list[object]] = [[] for _ in columns]
        for row in rows:
            for column, cell in zip(cells, row, strict=True):
                column.append(cell)
        listed = ", ".join(
            f"unnest(CAST(? AS {kind}[])) AS {name(column)}" for column, kind in columns
        )
        self._run(f"CREATE OR REPLACE TEMP TABLE {name(relation)} AS SELECT {listed}", cells)

    def view(self, relation: str, sql: str) -> None:
        self._run(f"CREATE OR REPLACE TEMP VIEW {name(relation)} AS {sql}")

    def drop(self, relation: str) -> None:
        self._run(f"DROP TABLE IF EXISTS {name(relation)}")

    def rows(self, sql: str) -> list[Row]:
        return self.table(sql)[1]

    def batches(self, sql: str, size: int = 50_000) -> Iterator[list[Row]]:
        answer = self._run(sql)
        while True:
            with self._telling():
                found = answer.fetchmany(size)
            if not found:
                return
            yield found

    def table(self, sql: str) -> tuple[list[str], list[Row]]:
        answer = self._run(sql)
        with self._telling():
            return [column[0] for column in answer.description or []], answer.fetchall()

    def value(self, sql: str, values: Sequence[object] = ()) -> Any:
        answer = self._run(sql, values)
        with self._telling():
            row = answer.fetchone()
        return row[0] if row else None

    def arrow(self, sql: str) -> Any:
        answer = self._run(sql)
        # The copy costs less than a second connection that a question could not be stopped on.
        warnings.filterwarnings("ignore", message="Arrow output on a DB-API result")
        with self._telling():
            return answer.to_arrow_table()

    def json_keys(self, table: str, column: str) -> list[str]:
        return [
            row[0]
            for row in self.rows(
                f"SELECT DISTINCT unnest(json_keys({name(column)})) AS key FROM {name(table)} "
                f"WHERE {name(column)} IS NOT NULL ORDER BY key"
            )
        ]

    def latest(self, paths: Sequence[str], columns: Sequence[str]) -> list[Any]:
        # The files' own statistics tell; a column is read only where they do not.
        if not paths or not columns:
            return []
        files = ", ".join(quoted(path) for path in paths)
        listed = ", ".join(quoted(column) for column in columns)
        known = {
            row[0]: row[1]
            for row in self.rows(
                "SELECT path_in_schema, CAST(MAX(CAST(stats_max_value AS TIMESTAMP)) AS TIMESTAMP) "
                f"FROM parquet_metadata([{files}]) WHERE path_in_schema IN ({listed}) "
                "GROUP BY path_in_schema HAVING COUNT(*) = "
                "SUM(CASE WHEN stats_max_value IS NOT NULL OR stats_null_count = num_values "
                "THEN 1 ELSE 0 END)"
            )
        }
        unknown = [column for column in columns if column not in known]
        found = list(known.values())
        if unknown:
            asked = ", ".join(f"CAST(MAX({name(column)}) AS TIMESTAMP)" for column in unknown)
            found += self.rows(f"SELECT {asked} FROM read_parquet([{files}])")[0]
        return [at for at in found if at]

    def _run(self, sql: str, values: Sequence[object] = ()) -> duckdb.DuckDBPyConnection:
        self._prepare(sql)
        with self._telling():
            return self.connection.execute(sql, values or None)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say in our own words what ends a statement: it runs on while its rows are fetched."""
        if self._stopped is not None:
            raise self._stopped
        try:
            yield
        except duckdb.Error as error:
            if self._stopped is not None:
                raise self._stopped from error
            raise translated(error) from error

    def write(
        self, sql: str, folder: Path, *, order: str = "", partition: str = ""
    ) -> list[Written]:
        folder.mkdir(parents=True, exist_ok=True)
        stem = uuid.uuid4().hex
        target = folder / f"{stem}.parts"
        # Sorted by it, one partition after the other is written: few files are open at a time.
        order = ", ".join(filter(None, (name(partition) if partition else "", order)))
        sorted_sql = f"SELECT * FROM ({sql}) ORDER BY {order}" if order else sql
        options = f"FORMAT parquet, COMPRESSION zstd, {self._groups}RETURN_STATS, "
        options += (
            f"PARTITION_BY ({name(partition)}), WRITE_PARTITION_COLUMNS true"
            if partition
            else f"FILE_SIZE_BYTES {FILE_BYTES}"
        )
        try:
            answer = self._run(f"COPY ({sorted_sql}) TO {quoted(str(target))} ({options})")
            found = []
            for number, (path, rows, size, *_, parts, _) in enumerate(answer.fetchall()):
                final = folder / f"{stem}-{number}.parquet"
                if rows:
                    os.replace(path, final)
                    part = str(parts[partition]) if partition else None
                    found.append(Written(final, int(rows), int(size), part))
        finally:
            shutil.rmtree(target, ignore_errors=True)
        return found


def remove_leftovers(spill: Path) -> None:
    """Remove what processes that are no longer alive left below `spill`."""
    for folder in spill.glob("spill-*"):
        process = folder.name.split("-")[1]
        if not process.isdigit() or _is_alive(int(process)):
            continue
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def translated(error: duckdb.Error) -> Exception:
    """The engine's error as one of ours where the user can fix it, else itself."""
    text = str(error)
    for files in mounted.values():
        if files.failed is not None and files.failed.message in text:
            return files.failed  # type: ignore[no-any-return]
    refused = system_error(error)
    if refused is not None:
        return refused
    if isinstance(error, duckdb.OutOfMemoryException):
        return MemoryLimitError(
            "The memory that staycurve may use was not enough. Nothing was changed.",
            hint="Free disk space for spilling, or load the files one by one.",
        )
    return error
