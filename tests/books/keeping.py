"""Small companies whose files are loaded one after the other, with a clock that moves."""

from __future__ import annotations

import copy
import datetime as dt
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from staycurve.sources.files import FileReport, load_files
from staycurve.tables.conformed import CONFORMED
from staycurve.workspace import Company
from tests.company import create, rows_of, write_csv
from tests.invariants.test_loading import ledger

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Bookkeeper:
    """A company and the files that it is given, one hour after the other."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        create(folder / "project", **settings).close()
        self.now = START
        self.folder = folder
        self.company = Company(folder / "project", clock=lambda: self.now)

    def copy(self, folder: Path) -> Bookkeeper:
        """The same company in another folder, to go another way."""
        shutil.copytree(self.folder / "project", folder / "project")
        found = copy.copy(self)
        found.folder = folder
        found.company = Company(folder / "project", clock=lambda: found.now)
        return found

    def load(self, is_complete: bool = False, **files: str) -> list[FileReport]:
        """Load files given as text, in one command."""
        self.now += dt.timedelta(hours=1)
        paths = [
            write_csv(self.folder / f"{name}.csv", rows_of(text)) for name, text in files.items()
        ]
        reports = load_files(
            self.company.lake, self.company.config, paths, now=self.now, is_complete=is_complete
        )
        self.company.refresh()
        return reports

    def undo(self, load: int | None = None, *, is_restating: bool = False) -> list[Any]:
        """Take a load back, an hour later."""
        self.now += dt.timedelta(hours=1)
        return self.company.books.undo(load, is_restating=is_restating)

    def state(self) -> Mapping[str, Any]:
        """Every row of every table, conformed and derived, and what was set aside."""
        company = self.company
        with company.reading() as engine:
            rows = {
                table: sorted(str(row) for row in engine.rows(f"SELECT * FROM {table}"))
                for table in CONFORMED
            }
        return {"rows": rows, "ledger": ledger(company), "rejects": company.rejects()}

    def spans(self) -> list[str]:
        """Every span: `s1 2024-01-01 10`."""
        with self.company.reading() as engine:
            return [
                row[0]
                for row in engine.rows(
                    "SELECT subscription_id || ' ' || starts_on || ' ' || (amount // 1000000) "
                    "FROM subscriptions ORDER BY 1"
                )
            ]

    def mrr(self, month: str, **asked: Any) -> float | None:
        """MRR at the close of a month."""
        value: float | None = self.company.show("mrr", start=month, end=month, **asked).rows[0][
            "value"
        ]
        return value
