"""A lost state database or lake is built again, as far as the rest can tell."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from staycurve.errors import StaycurveError
from staycurve.sources.files import load_files
from staycurve.tables import recovery
from staycurve.tables.pointer import FILE_NAME
from staycurve.workspace import Company
from tests.company import NOW, build, write_csv
from tests.invariants.test_damage import RIGHT, TABLES, values


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "project"
    build(folder, TABLES).close()
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "project"))


def opened(folder: Path) -> Company:
    return Company(folder, clock=lambda: NOW)


def lost(path: Path) -> None:
    path.unlink()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def garbled(path: Path) -> None:
    path.write_bytes(b"no database" * 100)


def bad_row(path: Path) -> None:
    with sqlite3.connect(path) as state:
        state.execute("UPDATE pointer SET tables = '{' WHERE seq = 2")
    state.close()


@pytest.mark.parametrize("harm", [lost, emptied, garbled, bad_row], ids=lambda harm: harm.__name__)
def test_a_state_database_comes_back_with_its_history(
    folder: Path, harm: Callable[[Path], None]
) -> None:
    with opened(folder) as company:
        before = (company.snapshot, company.loads())
        assert before[1]
    harm(folder / FILE_NAME)
    with opened(folder) as company:
        with pytest.raises(StaycurveError) as error:
            company.show("mrr")
        assert "staycurve recover" in error.value.hint
        found = company.recover()
        assert found.is_done
        assert not found.plan.lost
        assert (company.snapshot, company.loads()) == before
        assert values(company) == RIGHT
        assert not company.recover().plan.wrong


def test_nothing_to_do_changes_nothing(folder: Path) -> None:
    before = (folder / FILE_NAME).read_bytes()
    with opened(folder) as company:
        found = company.recover(is_agreed=True)
    assert found.is_done
    assert not found.plan.wrong
    assert (folder / FILE_NAME).read_bytes() == before


def test_a_lake_without_notes_has_its_newest_rows(folder: Path) -> None:
    (folder / FILE_NAME).unlink()
    shutil.rmtree(folder / "lake" / "_pointer")
    with opened(folder) as company:
        asked = company.recover()
        assert not asked.is_done
        assert asked.plan.lost
        assert not (folder / FILE_NAME).exists()
        assert company.recover(is_agreed=True).is_done
        assert values(company) == RIGHT
        assert [record.load for record in company.loads()] == [1, 2]
        with pytest.raises(StaycurveError, match="cannot be taken back"):
            company.books.undo(1)


def test_a_lost_lake_begins_empty_and_only_when_agreed(folder: Path) -> None:
    shutil.rmtree(folder / "lake")
    with opened(folder) as company:
        assert not company.recover().is_done
        assert not (folder / "lake").exists()
        told = company.recover(is_agreed=True)
        assert any("subscriptions" in line for line in told.plan.lost)
        assert any("events.csv" in line for line in told.plan.lost)
        load_files(
            company.lake, company.config, [folder / "files" / "subscriptions.csv"], now=NOW
        )
        company.refresh()
        assert values(company) == RIGHT
        # What was known before is lost, and must not be answered with rows of today.
        with pytest.raises(StaycurveError, match="is lost"):
            company.lake.rows(company.lake.pointer.snapshot(1), "subscriptions")


def test_a_damaged_table_steps_back_to_its_last_whole_version(
    folder: Path, tmp_path: Path
) -> None:
    more = write_csv(tmp_path / "subscriptions.csv", [
        {"subscription_id": "s4", "account_id": "d", "starts_at": "2024-01-01", "amount": "1"}
    ])
    with opened(folder) as company:
        old = set(company.lake.files(company.snapshot, "subscriptions"))
        load_files(company.lake, company.config, [more], now=NOW)
        company.refresh()
        new = set(company.lake.files(company.snapshot, "subscriptions")) - old
        assert new
    for path in new:
        Path(path).unlink()
    with opened(folder) as company:
        assert not company.recover().is_done
        told = company.recover(is_agreed=True)
        assert any("load 3" in line for line in told.plan.lost)
        assert values(company) == RIGHT
        load_files(company.lake, company.config, [more], now=NOW)
        company.refresh()
        assert values(company) == {month: value + 1 for month, value in RIGHT.items()}


def test_a_recovery_that_was_stopped_can_be_run_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    garbled(folder / FILE_NAME)
    for path in (folder / "lake" / "subscriptions").glob("*.parquet"):
        path.unlink()
    with opened(folder) as company:
        with monkeypatch.context() as patch:
            patch.setattr("staycurve.tables.pointer.os.replace", _stop)
            with pytest.raises(KeyboardInterrupt):
                company.recover(is_agreed=True)
        assert company.recover(is_agreed=True).is_done
        load_files(
            company.lake, company.config, [folder / "files" / "subscriptions.csv"], now=NOW
        )
        company.refresh()
        assert values(company) == RIGHT


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_plan_changes_nothing(folder: Path) -> None:
    (folder / FILE_NAME).unlink()
    before = sorted(path for path in folder.rglob("*") if path.is_file())
    with opened(folder) as company:
        assert recovery.plan(company.lake, now=NOW).wrong
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == before


def test_who_has_read_before_reads_what_was_recovered(folder: Path) -> None:
    with opened(folder) as company:
        assert values(company) == RIGHT
        shutil.rmtree(folder / "lake")
        assert company.recover(is_agreed=True).is_done
        with company.reading() as engine:
            assert engine.rows("SELECT COUNT(*) FROM subscriptions") == [(0,)]
        load_files(
            company.lake, company.config, [folder / "files" / "subscriptions.csv"], now=NOW
        )
        company.refresh()
        assert values(company) == RIGHT
