"""A database that is away, locked, read-only or damaged: one line and a hint, never a password."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event

from staycurve.config import parse
from staycurve.errors import ConfigError, StateError
from staycurve.state import views
from staycurve.state.database import Database
from staycurve.state_place import StatePlace
from tests.company import NOW
from tests.state.postgres import Server


def save(database: Database, name: str = "one") -> None:
    with database.writing() as session:
        views.save(session, name=name, page="/", query="", who="", now=NOW)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path, StatePlace(), wait=0)
    save(made, "first")
    yield made
    made.close()


def test_a_locked_file_is_busy(sqlite: Database) -> None:
    other = create_engine(f"sqlite:///{sqlite.file}", isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        for act in (lambda: save(sqlite), lambda: sqlite.reading().__enter__()):
            with pytest.raises(StateError) as error:
                act()
            assert error.value.message == f"{sqlite.file} is in use by another program."
            assert "No number depends on it." in error.value.hint
        connection.exec_driver_sql("ROLLBACK")
    save(sqlite)
    other.dispose()


def test_a_file_that_is_read_only_can_be_read(sqlite: Database) -> None:
    @event.listens_for(sqlite._all(), "connect")
    def connected(connection: object, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")  # type: ignore[attr-defined]

    with sqlite.reading() as session:
        assert [view.name for view in views.listed(session)] == ["first"]
    with pytest.raises(StateError) as error:
        save(sqlite)
    assert "cannot be changed: attempt to write a readonly database" in error.value.message
    assert "Make it writable" in error.value.hint


def test_a_damaged_file_is_named(sqlite: Database) -> None:
    assert sqlite.file is not None
    sqlite.file.write_bytes(b"no database at all" * 100)
    with pytest.raises(StateError, match="is damaged") as error, sqlite.reading():
        pass
    assert "last copy" in error.value.hint


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be opened"):
        save(Database(tmp_path / "none", StatePlace()))


def test_a_server_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = f"postgresql+psycopg://ana:s3cret@127.0.0.1:{port}/state"
        with pytest.raises(StateError) as error, Database(tmp_path, StatePlace(url)).reading():
            pass
    assert f"postgresql+psycopg://ana:***@127.0.0.1:{port}/state" in error.value.message
    assert "cannot be reached" in error.value.message
    assert "s3cret" not in error.value.message + error.value.hint
    assert "\n" not in error.value.message


def test_a_database_that_is_not_there_is_named(postgres: Server, tmp_path: Path) -> None:
    database = Database(tmp_path, StatePlace(postgres.url("nowhere")))
    with pytest.raises(StateError, match='database "nowhere" does not exist'), database.reading():
        pass


def test_a_lock_that_is_held_is_busy(postgres: Server, tmp_path: Path) -> None:
    database = Database(tmp_path, StatePlace(postgres.new()), wait=0.001)
    other = create_engine(database._url)
    save(database, "first")
    with other.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE views IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StateError, match="is in use by another program"):
            save(database)
    save(database)
    other.dispose()
    database.close()


def test_a_user_who_may_not_write_can_read(postgres: Server, tmp_path: Path) -> None:
    url = postgres.new()
    owner = Database(tmp_path, StatePlace(url))
    save(owner, "first")
    with owner.writing() as session:
        run = session.connection().exec_driver_sql
        run("CREATE ROLE reader LOGIN")
        run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    reader = Database(tmp_path, StatePlace(url.replace("postgres@", "reader@")))
    with reader.reading() as session:
        assert [view.name for view in views.listed(session)] == ["first"]
    with pytest.raises(StateError, match="cannot be changed: permission denied"):
        save(reader)
    owner.close()
    reader.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[state]\nurl = "mysql://x:secret@y/z"', "is not a PostgreSQL database"),
        ("[state]\nurl = 5", "is not a PostgreSQL database"),
        ('[state]\nurl = { file = "x" }', "is not a PostgreSQL database"),
        ('[state]\nuri = "x"', "[state] uri is not known. Did you mean 'url'?"),
        ('state = "x"', "state is a table, not 'x'"),
    ],
)
def test_what_is_no_place_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text)
    assert said in error.value.message
    assert "secret" not in error.value.message + error.value.hint


def test_the_url_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = parse('[state]\nurl = { env = "STATE_URL" }').state
    monkeypatch.delenv("STATE_URL", raising=False)
    with pytest.raises(ConfigError, match="STATE_URL, which is not set"):
        Database(tmp_path, place)
    monkeypatch.setenv("STATE_URL", "postgresql://ana:s3cret@db/state")
    assert Database(tmp_path, place).named == "postgresql+psycopg://ana:***@db/state"
    monkeypatch.setenv("STATE_URL", "postgresql://ana:s3cret@db:port/state")
    with pytest.raises(ConfigError, match="cannot be read") as error:
        Database(tmp_path, place)
    assert "s3cret" not in str(error.value) + error.value.hint


def test_without_the_driver_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StateError) as error:
        save(Database(tmp_path, StatePlace("postgresql+psycopg://db/state")))
    assert error.value.hint == "Install it: pip install 'staycurve[postgres]'"
