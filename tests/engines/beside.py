"""One company on two engines, side by side."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staycurve.engine_choice import ENGINE, SPARK
from staycurve.sources.files import load_files
from staycurve.tables import views
from staycurve.tables.duckdb_engine import Engine
from staycurve.workspace import Company
from tests.company import NOW, create, write_csv
from tests.oracle.companies import SWITCHES, Seeded, Tables, add_people, company

FULL = os.environ.get("STAYCURVE_ENGINES") == "full"
"""Set by `make test-spark`."""

REASONS = """[end_reasons]
voluntary = ["customer request", "too expensive"]
involuntary = ["payment failed"]
"""
ZONES = ("UTC", "America/New_York", "Asia/Kolkata")


@dataclass(frozen=True)
class Spark:
    """An engine of Spark as staycurve.toml names it.

    Attributes
    ----------
    port : int
        Where the same Spark serves Spark Connect; 0 where it does not.
    """

    url: str
    options: Mapping[str, str]
    port: int = 0

    def of(self, other: Company, folder: Path | None = None) -> Company:
        """The same company on Spark, in its own folder or another."""
        found = Company(folder or other.folder, clock=lambda: NOW)
        found.config = found.config.but(ENGINE, self.url).but(SPARK, self.options)
        return found


def events(seed: int, accounts: int, count: int) -> list[dict[str, Any]]:
    """Random events of random users, some of them without one of the two."""
    pick = random.Random(seed)
    return [
        {
            "event_id": f"e{number}",
            "account_id": pick.choice([f"a{pick.randrange(accounts)}", ""]),
            "user_id": pick.choice([f"u{pick.randrange(9)}", ""]),
            "event": pick.choice(["view", "edit", "it's \\ odd"]),
            "occurred_at": f"2024-0{pick.randint(1, 5)}-{pick.randint(10, 28)}"
            f"T{pick.randint(10, 23)}:00:00Z",
            "properties": pick.choice(["", '{"n": 2, "is it?": "a \\"b\\""}', '{"n": 1.5}']),
        }
        for number in range(count)
    ]


def random_tables(seed: int, accounts: int) -> Tables:
    """Every conformed table of a random company, with attributes whose names are odd."""
    tables = company(Seeded(seed), accounts, 5)
    add_people(Seeded(seed + 1), tables, 25)
    known = sorted({str(row["account_id"]) for row in tables["subscriptions"]})
    pick = random.Random(seed)
    for row in tables["accounts"]:
        row["Is it? it's"] = pick.choice(["yes", "no", "", "a 'quoted' \\ one", "ünï"])
    listed = [
        {**row, "account_id": pick.choice([*known, ""]) if row["account_id"] else ""}
        for row in events(seed, accounts, 60)
    ]
    return {**tables, "events": listed}


def random_settings(seed: int) -> dict[str, Any]:
    """Switches and a time zone; none of them changed for every third seed."""
    pick = random.Random(seed)
    switches = (
        {name: pick.choice(values) for name, values in SWITCHES.items() if pick.random() < 0.35}
        if seed % 3
        else {}
    )
    return {"conventions": switches, "timezone": pick.choice(ZONES), "end_reasons": REASONS}


def loaded(folder: Path, tables: Tables, settings: Mapping[str, Any]) -> Company:
    """A company whose files are loaded and not refreshed."""
    found = create(folder, **settings)
    load_only(found, tables)
    return found


def load_only(company: Company, tables: Mapping[str, list[dict[str, Any]]]) -> None:
    """Load rows through CSV files."""
    source = company.folder / "files"
    source.mkdir(exist_ok=True)
    paths = [write_csv(source / f"{table}.csv", rows) for table, rows in tables.items() if rows]
    load_files(company.lake, company.config, paths, now=NOW)


def copy(company: Company, folder: Path) -> Path:
    """The same project in another folder."""
    shutil.copytree(company.folder, folder)
    return folder


def derived(company: Company) -> dict[str, list[str]]:
    """Derived table → its rows as DuckDB reads the files, sorted."""
    snapshot = company.lake.pointer.latest()
    with Engine(company.folder / ".tmp") as engine:
        return {
            table: sorted(
                repr(row)
                for row in engine.rows(
                    f"SELECT * FROM ({company.lake.scan(snapshot, table, columns)})"
                )
            )
            for table, columns in views.stored_columns().items()
        }


def differing(ours: Iterable[Any], theirs: Iterable[Any]) -> list[Any]:
    """The first rows that differ; a difference in number of rows is one too."""
    left, right = list(ours), list(theirs)
    if len(left) != len(right):
        return [(len(left), len(right))]
    return [pair for pair in zip(left, right, strict=True) if pair[0] != pair[1]][:3]
