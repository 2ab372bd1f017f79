"""The engines: what each of them does, DuckDB, and which one computes.

Statements are written in DuckDB's dialect, in the portable subset that docs/explanation/engines.md
lists, so that another engine can run their translation.
"""

from __future__ import annotations

import copy
import os
import re
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import duckdb

from staycurve.config import Config
from staycurve.errors import MemoryLimitError, StaycurveError, system_error

Row = tuple[Any, ...]
FILE_BYTES = 256 * 1024 * 1024
"""Files of the lake are cut near this size: a row's change rewrites one file, not the table."""

Columns = Sequence[tuple[str, str]]
"""(name, SQL type) of a relation's columns."""

mounted: dict[str, Any] = {}
"""Scheme of a URL → the fsspec file system by which engines in this process read what lies there.

A lake on an object store puts its own here, before engines are opened; store.py knows how.
"""


@dataclass(frozen=True)
class Written:
    """One Parquet file that a statement was written to: its path, rows and bytes.

    `part` is the value that all its rows have in the column that the table is partitioned by.
    """

    path: Path
    rows: int
    size: int
    part: str | None = None


def quoted(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """`identifier` as a quoted SQL name."""
    return '"' + identifier.replace('"', '""') + '"'


Failure = duckdb.Error
"""What DuckDB raises for a statement that it cannot run, such as one over a broken file."""


class AnyEngine(ABC):
    """What every engine does: name relations, answer statements, write their answers to files.

    A statement may name the relations that `keep`, `put` and `view` made, and `read_parquet` with
    a list of paths; never a file pattern.

    Attributes
    ----------
    spill : Path
        A folder for what does not fit in memory; removed on close. It need not be there yet.
    """

    spill: Path
    _later: dict[str, Callable[[], None]]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Give back memory and spill files."""

    @abstractmethod
    def keep(self, relation: str, sql: str) -> None:
        """Compute the answer of `sql` once, and let `relation` be it.

        `sql` may name what `relation` was before.
        """

    @abstractmethod
    def put(self, relation: str, columns: Columns, rows: Iterable[Sequence[object]]) -> None:
        """Let `relation` be `rows`: texts, whole numbers and days that Python has."""

    @abstractmethod
    def view(self, relation: str, sql: str) -> None:
        """Let `relation` be the answer of `sql`, computed whenever it is named."""

    @abstractmethod
    def drop(self, relation: str) -> None:
        """Forget what was kept, if it was."""

    @abstractmethod
    def batches(self, sql: str, size: int = 50_000) -> Iterator[list[Row]]:
        """The answer, `size` rows at a time; run nothing else until it is used up."""

    @abstractmethod
    def table(self, sql: str) -> tuple[list[str], list[Row]]:
        """Column names and every row of the answer."""

    @abstractmethod
    def arrow(self, sql: str) -> Any:
        """The answer as a pyarrow Table."""

    @abstractmethod
    def json_keys(self, table: str, column: str) -> list[str]:
        """Every key of the JSON objects in a column, sorted."""

    @abstractmethod
    def latest(self, paths: Sequence[str], columns: Sequence[str]) -> list[Any]:
        """The latest value of each of `columns` that has one, all days or instants."""

    @abstractmethod
    def write(
        self, sql: str, folder: Path, *, order: str = "", partition: str = ""
    ) -> list[Written]:
        """Write the answer of `sql` to Parquet files in `folder`.

        Parameters
        ----------
        partition : str
            A column of days: no file holds rows of two of them.

        Returns
        -------
        list of Written
            Files under names that no other writer uses; none for an empty answer.
        """

    def later(self, relation: str, make: Callable[[], None]) -> None:
        """Let `make` keep `relation` when a statement first names it.

        For what is dear to compute and seldom asked for.
        """
        self._later[relation] = make

    def _prepare(self, sql: str) -> None:
        """Make what `sql` names and was put off; engines call it before they run anything."""
        for relation, make in list(self._later.items()):
            # What one of them names may have made another.
            is_named = relation in sql and re.search(rf"\b{relation}\b", sql)
            if is_named and self._later.get(relation) is make:
                del self._later[relation]
                try:
                    make()
                except BaseException:
                    self._later[relation] = make
                    raise

    def rows(self, sql: str) -> list[Row]:
        """Every row of the answer."""
        return self.table(sql)[1]

    def value(self, sql: str) -> Any:
        """The first column of the first row."""
        found = self.rows(sql)
        return found[0][0] if found else None


class Engine(AnyEngine):
    """DuckDB in this process, with bounded memory and its spill files in `spill`.

    It loads files, whichever engine computes, and computes unless another one is chosen.

    Parameters
    ----------
    spill : Path
        A folder for what does not fit in memory; removed on close.
    memory : str
        The most that the engine itself takes, such as '1200MB'.
    """

    def __init__(self, spill: Path, *, memory: str = "1200MB", threads: int | None = None) -> None:
        self.spill = spill / f"spill-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._later = {}
        self._stopped: StaycurveError | None = None
        self._is_beside = False
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
        return self._run(sql).fetchall()

    def batches(self, sql: str, size: int = 50_000) -> Iterator[list[Row]]:
        answer = self._run(sql)
        while found := answer.fetchmany(size):
            if self._stopped is not None:
                raise self._stopped
            yield found

    def table(self, sql: str) -> tuple[list[str], list[Row]]:
        answer = self._run(sql)
        return [column[0] for column in answer.description or []], answer.fetchall()

    def value(self, sql: str, values: Sequence[object] = ()) -> Any:
        row = self._run(sql, values).fetchone()
        return row[0] if row else None

    def arrow(self, sql: str) -> Any:
        return self._run(sql).to_arrow_table()

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
        if self._stopped is not None:
            raise self._stopped
        try:
            return self.connection.execute(sql, values or None)
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
        options = "FORMAT parquet, COMPRESSION zstd, RETURN_STATS, "
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


def open_engine(config: Config, spill: Path, *, memory: str = "2GB") -> AnyEngine:
    """The engine that the configuration names, for computing.

    Parameters
    ----------
    memory : str
        What DuckDB may take; Spark's memory stands in the table [spark] of staycurve.toml.

    Raises
    ------
    EngineError
        If it cannot be had: a package or Java is missing, or the cluster is away.
    """
    if config.engine == "duckdb":
        return Engine(spill, memory=memory)
    # Importing Spark's client takes a second, so only those who chose it pay.
    from staycurve.tables.spark import SparkEngine

    return SparkEngine(config.engine, spill, options=config.spark)


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
    """The engine's error as one of ours where the user can mend it, else itself."""
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


def empty_sql(columns: Iterable[tuple[str, str]]) -> str:
    """A relation of these columns without rows."""
    listed = ", ".join(f"CAST(NULL AS {kind}) AS {name(column)}" for column, kind in columns)
    return f"SELECT {listed} WHERE 1 = 0"


def cast_sql(columns: Iterable[tuple[str, str]]) -> str:
    """What a SELECT lists to give `columns` in their types."""
    return ", ".join(f"CAST({name(c)} AS {kind}) AS {name(c)}" for c, kind in columns)


def scan_sql(paths: Sequence[str], columns: Columns) -> str:
    """A relation over Parquet files, cast to `columns`; without files an empty one."""
    if not paths:
        return empty_sql(columns)
    files = ", ".join(quoted(path) for path in paths)
    return f"SELECT {cast_sql(columns)} FROM read_parquet([{files}])"
