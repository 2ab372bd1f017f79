"""A database as a source: mapped like a file, read on from a cursor column; PostgreSQL for real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from staycurve.secret import Secret
from staycurve.sources import adbc, database as reading
from staycurve.sources.configured import CONFIGURED
from staycurve.workspace import Company
from tests.company import NOW, create
from tests.state.postgres import binaries, running


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "adbc"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'other.db'}"
        return
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL: install the package postgresql")
    if request.param == "adbc" and not adbc.is_there():
        pytest.skip("no ADBC driver: install adbc-driver-postgresql")
    with running(programs) as server, pytest.MonkeyPatch.context() as patch:
        if request.param != "adbc":
            patch.setattr(adbc, "is_there", lambda: False)
        yield server.new()


@pytest.fixture
def database(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS \"Customers\""))
        connection.execute(text(
            'CREATE TABLE "Customers" (id VARCHAR(20), label VARCHAR(80), seats NUMERIC(20,4), '
            "changed TIMESTAMP)"
        ))
    yield engine
    engine.dispose()


def put(database: Engine, *rows: tuple[Any, ...]) -> None:
    with database.begin() as connection:
        for number, label, seats, changed in rows:
            connection.execute(text("DELETE FROM \"Customers\" WHERE id = :id"), {"id": number})
            connection.execute(
                text('INSERT INTO "Customers" VALUES (:id, :label, :seats, :changed)'),
                {"id": number, "label": label, "seats": seats, "changed": changed},
            )


def project(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str, settings: str) -> Company:
    monkeypatch.setenv("OTHER_URL", url)
    create(folder / "project").close()
    (folder / "project" / "crm.toml").write_text(
        'table = "accounts"\n[columns]\nid = "account_id"\nlabel = "name"\n', encoding="utf-8"
    )
    path = folder / "project" / "staycurve.toml"
    path.write_text(
        path.read_text(encoding="utf-8")
        + f'\n[sources.other]\nkind = "database"\nurl = {{ env = "OTHER_URL" }}\n{settings}\n',
        encoding="utf-8",
    )
    return Company(folder / "project", clock=lambda: NOW)


def names(company: Company) -> list[tuple[Any, ...]]:
    with company.reading() as engine:
        return engine.rows("SELECT account_id, name FROM accounts ORDER BY 1")


def test_a_query_with_a_cursor_reads_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Engine, url: str
) -> None:
    monkeypatch.setattr("staycurve.sources.database.ROWS", 2)
    put(database, *((f"c{n}", f"Name: {n}", "1.2500", f"2026-05-0{n} 10:00:00")
                    for n in range(1, 6)))
    query = "SELECT id, label, seats, changed FROM \\\"Customers\\\" WHERE label <> 'a:b';"
    company = project(tmp_path, monkeypatch, url,
                      f'query = "{query}"\nmap = "crm.toml"\ncursor = "changed"')
    first = company.sources.sync()
    assert [error.message for report in first for error in report.errors] == []
    assert [report.accepted for report in first[0].reports] == [2, 2, 1]
    assert names(company) == [(f"c{n}", f"Name: {n}") for n in range(1, 6)]
    with company.reading() as engine:
        assert '"seats":"1.25' in str(
            engine.rows("SELECT attributes FROM accounts LIMIT 1")[0][0]
        ).replace(" ", "")
    # Five minutes older than the newest, and one that is new: the overlap sees both. What SQLite
    # calls an instant is a text, and has none.
    late = "09:55" if url.startswith("postgresql") else "10:05"
    put(database, ("c6", "Late", "1", f"2026-05-05 {late}:00"),
        ("c1", "Other", "1", "2026-05-06 00:00:00"))
    second = company.sources.sync()
    assert sum(report.accepted + report.replaced for report in second[0].reports) == 3
    assert ("c6", "Late") in names(company)
    assert ("c1", "Other") in names(company)
    company.close()


def test_a_table_may_be_the_whole_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Engine, url: str
) -> None:
    put(database, ("a", "A", None, None), ("b", "B", None, None))
    company = project(tmp_path, monkeypatch, url,
                      'relation = "Customers"\nmap = "crm.toml"\nreplace = true')
    company.sources.sync()
    with database.begin() as connection:
        connection.execute(text("DELETE FROM \"Customers\" WHERE id = 'a'"))
    company.sources.sync()
    assert names(company) == [("b", "B")]
    company.close()


def test_what_goes_wrong_is_one_line_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Engine, url: str
) -> None:
    put(database, ("a", "A", None, None))
    company = project(tmp_path, monkeypatch, url,
                      'relation = "Customers"\nmap = "crm.toml"\ncursor = "changed"')

    def told() -> str:
        (report,) = company.sources.sync()
        assert report.error is not None
        return report.error.message

    assert told() == "1 rows of other have no changed: no sync would see them change."
    with database.begin() as connection:
        connection.execute(text("DROP TABLE \"Customers\""))
    assert "The database refuses" in told()
    monkeypatch.setenv("OTHER_URL", "postgresql://me:pass-word-9@127.0.0.1:1/x")
    assert "pass-word-9" not in told()
    monkeypatch.setenv("OTHER_URL", "snowflake://me:pass-word-9@account/x")
    assert "Nothing here reaches a snowflake database" in told()
    monkeypatch.setenv("OTHER_URL", "nonsense")
    assert told() == "The variable OTHER_URL holds no address of a database."
    company.close()


EVERY_KIND = """
    SELECT CAST(12.5000 AS numeric(20,4)) AS n, CAST(10 AS numeric) AS i, CAST(5 AS bigint) AS b,
           CAST(1.5 AS float8) AS f, true AS t, timestamp '2024-01-02 03:04:05.6' AS ts,
           date '2024-01-01' AS d, CAST('{"a": [1, 2]}' AS jsonb) AS j,
           ARRAY['x', 'y'] AS l, CAST('abc' AS bytea) AS by, CAST(NULL AS text) AS nothing,
           CAST('0e1f6c1a-6b0d-4c57-9b4e-111111111111' AS uuid) AS u, time '10:00' AS tm,
           CAST('1.2.3.4' AS inet) AS "IP", 'a:b' AS "select"
"""


def test_rows_are_the_same_through_either_driver(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not adbc.is_there() or url.startswith("sqlite"):
        pytest.skip("only where ADBC reads")
    monkeypatch.setenv("OTHER_URL", url)
    asked = reading.Database(Secret("OTHER_URL"), query=EVERY_KIND, table="accounts")

    def lines() -> list[bytes]:
        with reading._connected(asked) as connection:
            found = connection.rows(f"SELECT * FROM {reading._relation(connection, asked)} q")
            return [reading._line(row) for row in found]

    through_adbc = lines()
    monkeypatch.setattr(adbc, "is_there", lambda: False)
    assert through_adbc == lines()
    assert b'"n":"12.5000","i":"10","b":"5"' in through_adbc[0]


@pytest.mark.parametrize(("keys", "wrong"), [
    ({}, "query or a relation"),
    ({"query": "SELECT 1", "relation": "x"}, "query or a relation"),
    ({"relation": "x"}, "needs the table"),
    ({"relation": "x", "table": "acounts"}, "is not a table"),
    ({"relation": "x", "table": "accounts", "cursor": "c", "replace": True}, "would be removed"),
])
def test_sections_that_cannot_be_followed(keys: dict[str, Any], wrong: str) -> None:
    given = {"kind": "database", "url": {"env": "X"}, **keys}
    _, faults = CONFIGURED.read({"other": given})
    assert any(wrong in fault.message for fault in faults)
