"""Staging: the statements that read a source's file as text, and their place on disk.

A file is staged once as Parquet whose columns are all text, with two more: ROW, the number of the
record from 0, and LINE, the line of the file on which it begins. Everything after that is SQL.
The staged columns are called c0, c1, …: a file's own names may differ in case alone, or be empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import name, quoted

ROW = "_row"
LINE = "_line"


def staged_name(place: int) -> str:
    """The staged name of the file's column at `place`, from 0."""
    return f"c{place}"


@dataclass(frozen=True)
class Staged:
    """A file as text, on disk.

    Attributes
    ----------
    columns : tuple of str
        As the file names them.
    parts : tuple of Path
        Parquet files that hold the rows.
    rows : int
        Records that could be read.
    first_line : int, optional
        The line of record 0 where every record takes one line; None where LINE is a column.
    """

    columns: tuple[str, ...]
    parts: tuple[Path, ...]
    rows: int
    first_line: int | None = None

    @property
    def width(self) -> int:
        """How many of the columns are staged."""
        return len(self.columns)

    def read(self, column: str) -> str:
        """SQL for what the file has in `column`, in the relation `r`."""
        return f"r.{staged_name(self._places[column])}"

    @cached_property
    def _places(self) -> dict[str, int]:
        # Of two columns with one name the first is meant.
        return {column: place for place, column in reversed(list(enumerate(self.columns)))}

    @property
    def sql(self) -> str:
        """A relation of the staged columns, ROW and LINE."""
        names = [staged_name(place) for place in range(self.width)]
        if not self.parts:
            texts = "".join(f"CAST(NULL AS VARCHAR) AS {c}, " for c in names)
            return f"SELECT {texts}0 AS {ROW}, 0 AS {LINE} WHERE 1 = 0"
        listed = "".join(f"{c}, " for c in names)
        files = ", ".join(quoted(str(part)) for part in self.parts)
        if self.first_line is None:
            return f"SELECT {listed}{ROW}, {LINE} FROM read_parquet([{files}], union_by_name=true)"
        return (
            f"SELECT {listed}file_row_number AS {ROW}, "
            f"file_row_number + {self.first_line} AS {LINE} "
            f"FROM read_parquet([{files}], file_row_number=true)"
        )


def stage_csv(engine: Engine, path: Path, target: Path, *, columns: int, delimiter: str) -> int:
    """Write a clean CSV file to `target` as text, in its order.

    Parameters
    ----------
    path : Path
        UTF-8, RFC 4180, with a header line; gzipped if its name ends in .gz. Its name holds no
        pattern signs.
    columns : int
        How many columns its header has.

    Returns
    -------
    int
        The records read. Any irregular line is an engine error, and nothing is written.
    """
    kinds = ", ".join(f"'{staged_name(place)}': 'VARCHAR'" for place in range(columns))
    compression = "gzip" if path.suffix == ".gz" else "none"
    engine.execute(
        f"COPY (SELECT * FROM read_csv({quoted(str(path))}, auto_detect=false, header=true, "
        f"columns={{{kinds}}}, delim={quoted(delimiter)}, quote='\"', escape='\"', "
        f"strict_mode=true, null_padding=false, compression='{compression}')) "
        f"TO {quoted(str(target))} (FORMAT parquet, COMPRESSION snappy)"
    )
    return _rows(engine, target)


def stage_parquet(engine: Engine, path: Path, target: Path) -> tuple[tuple[str, ...], int]:
    """Write a Parquet file to `target` with every column as text; its columns and rows."""
    source = f"read_parquet({quoted(str(path))})"
    found = engine.rows(f"DESCRIBE SELECT * FROM {source}")
    texts = []
    for place, (column, kind, *_) in enumerate(found):
        read = name(column)
        if any(sign in str(kind) for sign in ("STRUCT", "MAP", "[", "JSON")):
            read = f"to_json({read})"
        elif str(kind) in ("DOUBLE", "FLOAT"):
            # A column of whole numbers with gaps is often written as floats: 7, not 7.0.
            is_whole = f"{read} = trunc({read}) AND abs({read}) < 1e15"
            read = f"CASE WHEN {is_whole} THEN CAST(CAST({read} AS BIGINT) AS VARCHAR) " \
                f"ELSE CAST({read} AS VARCHAR) END"
        texts.append(f"CAST({read} AS VARCHAR) AS {staged_name(place)}")
    engine.execute(
        f"COPY (SELECT {', '.join(texts)} FROM {source}) "
        f"TO {quoted(str(target))} (FORMAT parquet, COMPRESSION snappy)"
    )
    return tuple(str(row[0]) for row in found), _rows(engine, target)


def _rows(engine: Engine, target: Path) -> int:
    return int(
        engine.value(f"SELECT sum(num_rows) FROM parquet_file_metadata({quoted(str(target))})") or 0
    )


def parquet_sql(path: Path) -> str:
    """A relation of everything in one Parquet file that staycurve wrote."""
    return f"(SELECT * FROM read_parquet({quoted(str(path))}))"


def store(engine: Engine, sql: str, target: Path) -> None:
    """Write the answer of `sql` to one Parquet file."""
    engine.execute(f"COPY ({sql}) TO {quoted(str(target))} (FORMAT parquet, COMPRESSION snappy)")
