"""The engine: the one file that knows which engine computes.

Statements are written in DuckDB's dialect, in the portable subset that docs/explanation/engines.md
lists, so that another engine can run their translation.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from staycurve.errors import LakeError

Row = tuple[Any, ...]
FILE_BYTES = 256 * 1024 * 1024
"""Files of the lake are cut near this size: a row's change rewrites one file, not the table."""


@dataclass(frozen=True)
class Written:
    """One Parquet file that a statement was written to: its path, rows and bytes."""

    path: Path
    rows: int
    size: int


def quoted(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """`identifier` as a quoted SQL name."""
    return '"' + identifier.replace('"', '""') + '"'


class Engine:
    """DuckDB in this process, with bounded memory and its spill files in `spill`.

    Parameters
    ----------
    spill : Path
        A folder for what does not fit in memory; removed on close.
    memory : str
        The most that the engine itself takes, such as '1200MB'.
    """

    def __init__(self, spill: Path, *, memory: str = "1200MB", threads: int | None = None) -> None:
        self.spill = spill / f"spill-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.connection = duckdb.connect(
            config={
                "memory_limit": memory,
                "threads": threads or min(os.cpu_count() or 1, 8),
                "temp_directory": str(self.spill),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        # Not in the config above: DuckDB 2 knows this setting only once the connection stands.
        self.connection.execute("SET TimeZone = 'UTC'")
        # The engine's own bar would be written into what a command prints.
        self.connection.execute("SET enable_progress_bar = false")

    def close(self) -> None:
        """Give back memory and spill files."""
        self.connection.close()
        shutil.rmtree(self.spill, ignore_errors=True)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute(self, sql: str, values: Sequence[object] = ()) -> None:
        """Run a statement for its effect."""
        self._run(sql, values)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Every row of the answer."""
        return self._run(sql, values).fetchall()

    def batches(self, sql: str, size: int = 50_000) -> Iterator[list[Row]]:
        """The answer, `size` rows at a time; run nothing else until it is used up."""
        answer = self._run(sql, ())
        while found := answer.fetchmany(size):
            yield found

    def table(self, sql: str) -> tuple[list[str], list[Row]]:
        """Column names and every row of the answer."""
        answer = self._run(sql, ())
        return [column[0] for column in answer.description or []], answer.fetchall()

    def value(self, sql: str, values: Sequence[object] = ()) -> Any:
        """The first column of the first row."""
        row = self._run(sql, values).fetchone()
        return row[0] if row else None

    def arrow(self, sql: str) -> Any:
        """The answer as a pyarrow Table."""
        return self._run(sql, ()).to_arrow_table()

    def json_keys(self, table: str, column: str) -> list[str]:
        """Every key of the JSON objects in a column, sorted."""
        return [
            row[0]
            for row in self.rows(
                f"SELECT DISTINCT unnest(json_keys({name(column)})) AS key FROM {name(table)} "
                f"WHERE {name(column)} IS NOT NULL ORDER BY key"
            )
        ]

    def latest(self, paths: Sequence[str], columns: Sequence[str]) -> list[Any]:
        """The latest value of each of `columns` that has one, all days or instants.

        The files' own statistics tell; a column is read only where they do not.
        """
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

    def _run(self, sql: str, values: Sequence[object]) -> duckdb.DuckDBPyConnection:
        try:
            return self.connection.execute(sql, values or None)
        except duckdb.Error as error:
            raise translated(error) from error

    def write(self, sql: str, folder: Path, *, order: str = "") -> list[Written]:
        """Write the answer of `sql` to Parquet files in `folder`.

        Returns
        -------
        list of Written
            Files under names that no other writer uses; none for an empty answer.
        """
        folder.mkdir(parents=True, exist_ok=True)
        stem = uuid.uuid4().hex
        target = folder / f"{stem}.parts"
        sorted_sql = f"SELECT * FROM ({sql}) ORDER BY {order}" if order else sql
        options = (
            f"FORMAT parquet, COMPRESSION zstd, RETURN_STATS, FILE_SIZE_BYTES {FILE_BYTES}"
        )
        try:
            answer = self._run(f"COPY ({sorted_sql}) TO {quoted(str(target))} ({options})", ())
            found = []
            for number, (path, rows, size, *_) in enumerate(answer.fetchall()):
                final = folder / f"{stem}-{number}.parquet"
                if rows:
                    os.replace(path, final)
                    found.append(Written(final, int(rows), int(size)))
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
    """The engine's error as one of ours where the user can mend it, else itself."""
    text = str(error)
    if "No space left" in text or ("could not write" in text.lower() and "space" in text.lower()):
        return LakeError(
            "The disk is full. Nothing was changed.", hint="Free some space and run it again."
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return LakeError(
            "The memory that staycurve may use did not suffice. Nothing was changed.",
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


def scan_sql(paths: Sequence[str], columns: Sequence[tuple[str, str]]) -> str:
    """A relation over Parquet files, cast to `columns`; without files an empty one."""
    if not paths:
        return empty_sql(columns)
    files = ", ".join(quoted(path) for path in paths)
    return f"SELECT {cast_sql(columns)} FROM read_parquet([{files}])"
