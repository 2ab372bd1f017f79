"""A company in a temporary directory, loaded from rows that the test shows."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from staycurve.config import parse
from staycurve.sources.files import FileReport, load_files
from staycurve.sources.mapping import parse_mapping
from staycurve.sources.options import ReadOptions
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.lake import Lake
from staycurve.tables.rejects import REJECTS_COLUMNS, REJECTS_TABLE, complaint
from staycurve.tables.stale import STALE_COLUMNS, STALE_TABLE

NOW = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def utc(text: str) -> dt.datetime:
    """The naive UTC instant that the lake stores."""
    return dt.datetime.fromisoformat(text)


class Company:
    """Files go in by `load`, what the lake then holds comes out by `rows`."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder = folder
        self.config = parse(settings)
        self.project = folder / "project"
        self.project.mkdir(parents=True)
        self.lake = Lake(self.project)
        self.lake.create()

    def write(self, name: str, text: str | bytes) -> Path:
        """A file of this name with this content, its indentation taken off."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8", newline="")
        return path

    def load(
        self, name: str, text: str | bytes | None = None, *, mapping: str = "", **more: Any
    ) -> FileReport:
        """Write and load one file; its (first) report."""
        path = self.folder / name if text is None else self.write(name, text)
        return self.load_all([path], mapping=mapping, **more)[0]

    def load_all(
        self, paths: Sequence[Path], *, mapping: str = "", options: ReadOptions | None = None,
        **more: Any,
    ) -> list[FileReport]:
        """Load files; their reports."""
        return load_files(
            self.lake, self.config, paths,
            mapping=parse_mapping(mapping, "map.toml") if mapping else None,
            options=options, now=NOW, **more,
        )

    def rows(self, table: str, columns: str = "*", where: str = "TRUE") -> list[tuple[Any, ...]]:
        """What a table holds, sorted."""
        stored = CONFORMED[table].stored
        return self._ask(f"SELECT {columns} FROM ({{}}) WHERE {where} ORDER BY ALL", table, stored)

    def rejects(self, columns: str = 'file, line, "column", value, rule') -> list[tuple[Any, ...]]:
        """What was set aside, by line."""
        return self._ask(
            f"SELECT {columns} FROM ({{}}) ORDER BY file, line", REJECTS_TABLE, REJECTS_COLUMNS
        )

    def complaints(self) -> list[str]:
        """What was set aside, as people read it."""
        return [complaint(*row) for row in self.rejects()]

    def stale(self) -> set[str]:
        """The accounts that a refresh has to look at."""
        found = self._ask("SELECT account_id FROM ({})", STALE_TABLE, STALE_COLUMNS)
        return {row[0] for row in found}

    def forget_stale(self) -> None:
        """What a refresh does when it has seen them."""
        with self.lake.writing() as writing, Engine(self.project / ".tmp") as engine:
            none = writing.scan(STALE_TABLE, STALE_COLUMNS) + " WHERE 1 = 0"
            writing.write(engine, STALE_TABLE, STALE_COLUMNS, none)
            writing.commit(now=NOW)

    def _ask(self, sql: str, table: str, columns: Any) -> list[tuple[Any, ...]]:
        scan = self.lake.scan(self.lake.pointer.latest(), table, columns)
        with Engine(self.project / ".tmp") as engine:
            return engine.rows(sql.format(scan))


def counts(report: FileReport) -> tuple[int, int, int]:
    """accepted, replaced, rejected."""
    return report.accepted, report.replaced, report.rejected
