"""Held: what is held of one person, found wherever it lies, and what forgetting did to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import StaycurveError
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import quoted
from staycurve.tables.person.files import FileHits
from staycurve.tables.person.finding import Person
from staycurve.tables.person.searching import Hit, Hits
from staycurve.tables.person.terms import Terms


class UnknownPersonError(StaycurveError):
    """Nothing is held of whoever was named."""

    code = "unknown_person"


@dataclass(frozen=True)
class Held:
    """What is held of a person.

    Attributes
    ----------
    lake : Hits
        Rows of tables, in every version.
    files : FileHits
        What else lies in the project's directory.
    state : mapping
        Table of app state → its rows.
    seq : int
        The move of the pointer at which the lake was searched. Whatever writes files anew moves it.
    """

    person: Person
    terms: Terms
    lake: Hits
    files: FileHits
    state: Mapping[str, Sequence[Mapping[str, Any]]]
    seq: int = -1

    @property
    def is_anything(self) -> bool:
        """Whether there is anything."""
        return bool(self.lake.files or self.files.found or self.state)

    def counts(self) -> dict[str, Any]:
        """How many rows of which table, in all versions, and which files."""
        return {
            "tables": self.lake.by_table(),
            "state": {table: len(rows) for table, rows in self.state.items()},
            "files": {path: len(found) for path, found in self.files.found.items()},
        }


@dataclass(frozen=True)
class Forgotten:
    """What forgetting did.

    Attributes
    ----------
    key : str
        The random key that took the person's place.
    is_new : bool
        Whether the person was known until now.
    forgotten_at : str
        ISO 8601, UTC.
    left : tuple of str
        Files with something of the person that staycurve does not write.
    backups : tuple of str
        Backups that hold the person; restoring them forgets the person again.
    """

    key: str
    is_new: bool
    forgotten_at: str
    tables: Mapping[str, int] = field(default_factory=dict)
    state: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    rewritten: int = 0
    left: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "key": self.key, "forgotten_at": self.forgotten_at, "is_new": self.is_new,
            "tables": dict(self.tables), "state": dict(self.state), "files": dict(self.files),
            "rewritten": self.rewritten, "left": list(self.left), "backups": list(self.backups),
        }


def whole_rows(engine: Engine, file: str, hits: Sequence[Hit]) -> dict[str, list[dict[str, Any]]]:
    """Whole rows of a file, by table, as JSON."""
    places = ", ".join(str(hit.number) for hit in hits)
    names, rows = engine.table(
        f"SELECT * EXCLUDE (file_row_number) FROM read_parquet([{quoted(file)}], "
        f"file_row_number=true, hive_partitioning=false) WHERE file_row_number IN ({places}) "
        "ORDER BY file_row_number"
    )
    return {hits[0].table: [dict(zip(names, map(_shown, row), strict=True)) for row in rows]}


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if isinstance(value, dt.date) else str(value)
