"""A lake whose tables were made before a column was added: read as it is, and written whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.sources.files import load_files
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import Snapshot
from staycurve.tables.subscriptions import SUBSCRIPTIONS
from staycurve.workspace import Company
from tests.company import build

NOW = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
OLD = (("id", "VARCHAR"), ("day", "DATE"))
NEW = (*OLD, ("said", "VARCHAR"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path)
    lake.create()
    return lake


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / ".tmp")
    yield engine
    engine.close()


def write(lake: Lake, engine: Engine, rows: str, *, partition: str = "") -> Snapshot:
    with lake.writing() as writing:
        writing.write(
            engine, "notes", OLD, f"SELECT * FROM (VALUES {rows}) v(id, day)", partition=partition
        )
        return writing.commit(now=NOW)


def read(lake: Lake, engine: Engine, snapshot: Snapshot) -> list[tuple[object, ...]]:
    found = engine.rows(
        f"SELECT id, CAST(day AS VARCHAR), said FROM ({lake.scan(snapshot, 'notes', NEW)}) "
        "ORDER BY id"
    )
    assert found
    return found


@pytest.mark.parametrize("partition", ["", "day"])
def test_rows_without_it_stay_and_new_ones_have_it(
    lake: Lake, engine: Engine, partition: str
) -> None:
    before = write(
        lake, engine, "('a', DATE '2024-01-01'), ('b', DATE '2024-01-02')", partition=partition
    )
    assert read(lake, engine, before) == [("a", "2024-01-01", None), ("b", "2024-01-02", None)]
    with lake.writing() as writing:
        writing.replace(
            engine, "notes", NEW, new="(SELECT 'b' AS id, DATE '2024-01-02' AS day, 'yes' AS said)",
            keys="(SELECT 'b' AS id)", key=("id",), partition=partition,
        )
        after = writing.commit(now=NOW)
    assert read(lake, engine, after) == [("a", "2024-01-01", None), ("b", "2024-01-02", "yes")]
    assert read(lake, engine, before) == [("a", "2024-01-01", None), ("b", "2024-01-02", None)]


def test_appending_updating_and_days(lake: Lake, engine: Engine) -> None:
    write(lake, engine, "('a', DATE '2024-01-01')")
    with lake.writing() as writing:
        writing.append(
            engine, "notes", NEW, "SELECT 'b' AS id, DATE '2024-01-02' AS day, 'new' AS said"
        )
        after = writing.commit(now=NOW)
    assert read(lake, engine, after) == [("a", "2024-01-01", None), ("b", "2024-01-02", "new")]

    write(lake, engine, "('c', DATE '2024-01-03'), ('d', DATE '2024-01-04')")
    with lake.writing() as writing:
        writing.leave("notes")
        writing.write(engine, "notes", OLD, "SELECT 'c' AS id, DATE '2024-01-03' AS day UNION ALL "
                                            "SELECT 'd', DATE '2024-01-04'", partition="day")
        writing.commit(now=NOW)
    with lake.writing() as writing:
        writing.write_parts(
            engine, "notes", NEW, "SELECT 'e' AS id, DATE '2024-01-03' AS day, 'day' AS said",
            partition="day", days=["2024-01-03"],
        )
        after = writing.commit(now=NOW)
    assert read(lake, engine, after) == [("d", "2024-01-04", None), ("e", "2024-01-03", "day")]

    with lake.writing() as writing:
        writing.leave("notes")
        writing.write(engine, "notes", OLD, "SELECT 'f' AS id, DATE '2024-01-05' AS day UNION ALL "
                                            "SELECT 'g', DATE '2024-01-06'")
        writing.commit(now=NOW)
    with lake.writing() as writing:
        writing.update(
            engine, "notes", NEW, key="id", keys="(SELECT 'g' AS id)",
            new="SELECT 'g' AS id, DATE '2024-01-07' AS day, 'put' AS said",
        )
        after = writing.commit(now=NOW)
    assert read(lake, engine, after) == [("f", "2024-01-05", None), ("g", "2024-01-07", "put")]


def test_a_writer_that_is_gone_leaves_it_as_it_was(lake: Lake, engine: Engine) -> None:
    write(lake, engine, "('a', DATE '2024-01-01')")
    for said in ("lost", "kept"):
        with lake.writing() as writing:
            writing.append(
                engine, "notes", NEW,
                f"SELECT 'b' AS id, DATE '2024-01-02' AS day, '{said}' AS said",
            )
            if said == "kept":
                after = writing.commit(now=NOW)
    assert read(lake, engine, after) == [("a", "2024-01-01", None), ("b", "2024-01-02", "kept")]


def test_a_project_whose_subscriptions_lack_columns_answers_and_loads(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    lacking = [c for c in SUBSCRIPTIONS.stored if not c[0].startswith("status_")]
    assert len(lacking) < len(SUBSCRIPTIONS.stored)
    held = {
        "subscription_id": "'s1'", "account_id": "'a'", "plan": "'Pro'", "kind": "'base'",
        "interval": "'month'", "interval_count": "1", "amount": "100000000", "currency": "'USD'",
        "status": "'active'", "starts_at": "TIMESTAMP '2024-01-01'",
        "starts_on": "DATE '2024-01-01'", "discount_recurring": "TRUE", "_load": "1",
    }
    listed = ", ".join(f'{held.get(column, "NULL")} AS "{column}"' for column, _ in lacking)
    with (
        build(folder, {"accounts": [{"account_id": "a", "name": "A"}]}) as company,
        company.lake.writing() as writing, Engine(folder / ".tmp") as engine,
    ):
        writing.write(engine, "subscriptions", lacking, f"SELECT {listed}")
        writing.commit(now=NOW)
    with Company(folder, clock=lambda: NOW) as company:
        company.refresh(is_full=True)
        assert company.show("mrr", start="2024-02", end="2024-02").rows[0]["value"] == 100.0
        new = tmp_path / "subscriptions.csv"
        new.write_text(
            "subscription_id,account_id,plan,starts_at,interval,amount,currency,status_reason\n"
            "s2,b,Pro,2024-01-15,month,50,USD,asked\n"
        )
        load_files(company.lake, company.config, [new], now=NOW)
        company.refresh()
        assert company.show("mrr", start="2024-02", end="2024-02").rows[0]["value"] == 150.0
        with company.reading() as reading:
            assert reading.rows(
                "SELECT subscription_id, status_reason FROM subscriptions ORDER BY 1"
            ) == [("s1", None), ("s2", "asked")]
