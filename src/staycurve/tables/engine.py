"""Engine: what every engine does, and the words of SQL that all of them read alike.

Statements are written in DuckDB's dialect, in the portable subset that docs/explanation/engines.md
lists, so that another engine can run their translation.
"""

from __future__ import annotations

import datetime as dt
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

Row = tuple[Any, ...]
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


def month_number(day: str) -> str:
    """SQL of a day's month as a number: to group by it costs an engine far less than by a day."""
    return f"year({day}) * 12 + month({day})"


def json_text(column: str, key: str) -> str:
    """SQL for what a JSON object has under a key, as text; NULL where it has nothing.

    Parameters
    ----------
    column : str
        SQL of the object's text.
    key : str
        Any text: what means something in a path means itself here.
    """
    if not key or set(key) & set('"*'):
        # A path takes * for every key, and not every engine reads one that holds a quote.
        return f"json_extract_string({column}, {quoted('/' + pointed(key))})"
    path = '$."' + key.replace("\\", "\\\\") + '"'
    return f"json_extract_string({column}, {quoted(path)})"


def pointed(key: str) -> str:
    """A key as a JSON pointer names it (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


FAR = "DATE '9999-12-31'"
"""SQL for the end, as a day, of what has none."""


def timestamp(instant: dt.datetime) -> str:
    """An instant of UTC as an SQL timestamp."""
    return f"TIMESTAMP '{instant:%Y-%m-%d %H:%M:%S.%f}'"


def name(identifier: str) -> str:
    """`identifier` as a quoted SQL name."""
    return '"' + identifier.replace('"', '""') + '"'


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


def empty_sql(columns: Iterable[tuple[str, str]]) -> str:
    """A relation of these columns without rows."""
    listed = ", ".join(f"CAST(NULL AS {kind}) AS {name(column)}" for column, kind in columns)
    return f"SELECT {listed} WHERE 1 = 0"


def cast_sql(columns: Iterable[tuple[str, str]], held: Collection[str] | None = None) -> str:
    """What a SELECT lists to give `columns` in their types; those not in `held` are NULL."""
    return ", ".join(
        f"CAST({name(c) if held is None or c in held else 'NULL'} AS {kind}) AS {name(c)}"
        for c, kind in columns
    )


def scan_sql(
    paths: Sequence[str], columns: Columns, held: Collection[str] | None = None
) -> str:
    """A relation over Parquet files, cast to `columns`; without files an empty one.

    `held` are the columns that the files have, where they may lack some.
    """
    if not paths:
        return empty_sql(columns)
    files = ", ".join(quoted(path) for path in paths)
    return f"SELECT {cast_sql(columns, held)} FROM read_parquet([{files}])"
