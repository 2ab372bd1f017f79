"""A source that SQLAlchemy reaches in MySQL's own dialect and protocol, by the client PyMySQL.

The server speaks MySQL's protocol and holds its rows in SQLite: what is sent to it is MySQL's SQL,
which it reads as such.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sqlite3
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.sources.test_database import names, project

mimic = pytest.importorskip("mysql_mimic", reason="no server: install mysql-mimic")
pytest.importorskip("pymysql", reason="no client: install pymysql")

PASSWORD = "pass-word-9"


class Server:
    """One table, `Customers`, for a user with a password."""

    def __init__(self, folder: Path) -> None:
        self.rows = sqlite3.connect(folder / "rows.db", check_same_thread=False)
        self.rows.execute(
            'CREATE TABLE "Customers" (id TEXT, label TEXT, seats TEXT, changed TEXT)'
        )
        self.asked: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        held = self

        class Session(mimic.Session):  # type: ignore[misc, name-defined]
            async def query(self, expression: Any, sql: str, attrs: dict[str, str]) -> Any:
                held.asked.append(sql)
                found = held.rows.execute(expression.sql(dialect="sqlite"))
                columns = [one[0] for one in found.description or ()]
                return [tuple(map(_typed, columns, row)) for row in found], columns

        class Users(mimic.IdentityProvider):  # type: ignore[misc, name-defined]
            def get_plugins(self) -> list[Any]:
                return [mimic.NativePasswordAuthPlugin()]

            async def get_user(self, username: str) -> Any:
                return mimic.User(
                    name=username, auth_plugin="mysql_native_password",
                    auth_string=mimic.NativePasswordAuthPlugin.create_auth_string(PASSWORD),
                )

        self._server = mimic.MysqlServer(session_factory=Session, identity_provider=Users())
        self._run(self._server.start_server(host="127.0.0.1", port=0))
        self.port = self._server.sockets()[0].getsockname()[1]

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def put(self, *rows: tuple[str, str, str, str]) -> None:
        for row in rows:
            self.rows.execute('DELETE FROM "Customers" WHERE id = ?', row[:1])
            self.rows.execute('INSERT INTO "Customers" VALUES (?, ?, ?, ?)', row)

    def close(self) -> None:
        self._server.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self.rows.close()


def _typed(column: str, value: Any) -> Any:
    if column == "changed" and value is not None:
        return dt.datetime.fromisoformat(value)
    return Decimal(value) if column == "seats" and value is not None else value


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    yield found
    found.close()


def opened(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, settings: str) -> Company:
    url = f"mysql+pymysql://reader:{PASSWORD}@127.0.0.1:{server.port}/billing"
    return project(folder, monkeypatch, url, settings)


def test_a_query_reads_on_from_its_cursor(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(*((f"c{n}", f"50% of {n}: ä", "1.2500", f"2026-05-0{n} 10:00:00")
                 for n in range(1, 4)))
    query = "SELECT id, label, seats, changed FROM `Customers` WHERE label <> 'a:b'"
    company = opened(server, tmp_path, monkeypatch,
                     f'query = "{query}"\nmap = "crm.toml"\ncursor = "changed"')
    (first,) = company.sources.sync()
    assert (first.errors, first.count("accepted")) == ((), 3)
    assert names(company) == [(f"c{n}", f"50% of {n}: ä") for n in range(1, 4)]
    # The overlap of ten minutes sees the one that was committed late.
    server.put(("c4", "Late", "1", "2026-05-03 09:55:00"))
    (second,) = company.sources.sync()
    assert second.count("accepted") + second.count("replaced") == 2
    assert ("c4", "Late") in names(company)
    company.close()


def test_a_table_may_be_the_whole_truth_and_a_wrong_password_is_one_line(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put(("a", "A", "1", "2026-05-01"), ("b", "B", "1", "2026-05-01"))
    company = opened(server, tmp_path, monkeypatch,
                     'relation = "Customers"\nmap = "crm.toml"\nreplace = true')
    company.sources.sync()
    server.rows.execute("DELETE FROM \"Customers\" WHERE id = 'a'")
    company.sources.sync()
    assert names(company) == [("b", "B")]
    assert any("`Customers`" in sql for sql in server.asked)
    monkeypatch.setenv("OTHER_URL", f"mysql+pymysql://me:wrong-9@127.0.0.1:{server.port}/x")
    (report,) = company.sources.sync()
    assert report.error is not None
    assert "The database refuses" in report.error.message
    assert "wrong-9" not in report.error.message
    company.close()
