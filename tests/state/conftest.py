"""App state on both databases: SQLite always, PostgreSQL where its server can be had."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.state.database import Database
from staycurve.state_place import StatePlace
from staycurve.workspace import Company
from tests.company import NOW
from tests.state.postgres import Server, binaries, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with running(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> StatePlace:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return StatePlace()
    server: Server = request.getfixturevalue("postgres")
    return StatePlace(server.new())


@pytest.fixture
def database(place: StatePlace, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind, open."""
    made = Database(tmp_path, place)
    yield made
    made.close()


@pytest.fixture
def company(place: StatePlace, tmp_path: Path) -> Iterator[Company]:
    """A project without data, with its app state in each kind of database."""
    folder = tmp_path / "project"
    Company.create(folder, name="Test", currency="USD", timezone="UTC")
    if place.url:
        with (folder / "staycurve.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[state]\nurl = "{place.url}"\n')
    made = Company(folder, clock=lambda: NOW)
    yield made
    made.close()
