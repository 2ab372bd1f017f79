"""Small companies for tests: conformed rows in, a refreshed project out."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from staycurve.sources.files import load_files
from staycurve.tables.refresh import RefreshReport
from staycurve.workspace import Company

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def rows_of(text: str) -> list[dict[str, str]]:
    """Rows of a table written as text: cells between blanks, `-` is empty, `_` a blank."""
    lines = [line.split() for line in text.strip().splitlines()]
    return [
        {
            name: "" if cell == "-" else cell.replace("_", " ")
            for name, cell in zip(lines[0], line, strict=True)
        }
        for line in lines[1:]
    ]


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A CSV file with every column that any row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: "" if v is None else v for k, v in row.items()})
    return path


def create(
    folder: Path,
    *,
    currency: str = "USD",
    timezone: str = "UTC",
    conventions: Mapping[str, str] | None = None,
    company: str = "",
    end_reasons: str = "",
) -> Company:
    """An empty project."""
    Company.create(folder, name="Test", currency=currency, timezone=timezone)
    switches = "".join(f'{key} = "{value}"\n' for key, value in (conventions or {}).items())
    (folder / "staycurve.toml").write_text(
        f'[company]\nname = "Test"\ncurrency = "{currency}"\ntimezone = "{timezone}"\n{company}\n'
        f"[conventions]\n{switches}\n{end_reasons}",
        encoding="utf-8",
    )
    return Company(folder, clock=lambda: NOW)


def load(
    company: Company, tables: Mapping[str, Sequence[Mapping[str, Any]] | str]
) -> RefreshReport:
    """Load rows, given as dicts or as text, through CSV files, and refresh."""
    source = company.folder / "files"
    source.mkdir(exist_ok=True)
    paths = []
    for table, given in tables.items():
        rows = rows_of(given) if isinstance(given, str) else list(given)
        if rows:
            paths.append(write_csv(source / f"{table}.csv", rows))
    load_files(company.lake, company.config, paths, now=NOW)
    return company.refresh()


def build(
    folder: Path,
    tables: Mapping[str, Sequence[Mapping[str, Any]] | str],
    **settings: Any,
) -> Company:
    """A project with these rows loaded and refreshed."""
    company = create(folder, **settings)
    load(company, tables)
    return company
