"""Each file of a project is damaged in turn: the right number, or one line; never a traceback."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from staycurve.errors import StaycurveError
from staycurve.interfaces import cli
from staycurve.interfaces.api.app import create_app
from staycurve.sources.files import load_files
from staycurve.tables.damage import RECOMPUTED
from staycurve.workspace import Company
from tests.company import NOW, build, write_csv

TABLES = {
    "subscriptions": """
        subscription_id account_id starts_at ends_at amount
        s1 a 2024-01-01 - 100
        s2 b 2024-02-01 2024-05-01 50
        s3 c 2024-03-01 - 30""",
    "events": """
        event_id account_id user_id event occurred_at
        e1 a u1 task 2024-01-05
        e2 b u2 task 2024-02-05""",
}
RIGHT = {"2024-01": 100.0, "2024-02": 150.0, "2024-03": 180.0, "2024-04": 180.0}
"""100; 100 + 50; 100 + 50 + 30; the same until b ends in May."""

Harm = Callable[[Path], None]


def gone(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def inside(path: Path) -> None:
    """Its end, where the places of its columns stand, but not its last bytes."""
    found = bytearray(path.read_bytes())
    found[-60:-20] = random.Random(7).randbytes(40)
    path.write_bytes(found)


def garbled(path: Path) -> None:
    path.write_bytes(random.Random(7).randbytes(path.stat().st_size))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "project"
    build(folder, TABLES).close()
    return folder


def values(company: Company) -> dict[str, float]:
    rows = company.show("mrr", start="2024-01", end="2024-04").rows
    assert rows
    return {str(row["period"])[:7]: float(row["value"]) for row in rows}


def asked(folder: Path) -> tuple[dict[str, float], StaycurveError | None]:
    try:
        with Company(folder, clock=lambda: NOW) as company:
            return values(company), None
    except StaycurveError as error:
        return {}, error


def harmed(whole: Path, place: Path, name: str, harm: Harm) -> Path:
    shutil.copytree(whole, place)
    harm(place / name)
    return place


def names_below(whole: Path) -> list[str]:
    found = [
        str(path.relative_to(whole)) for path in sorted(whole.rglob("*"))
        if path.is_file() and path.stat().st_size and "files" not in path.parts
    ]
    assert found
    return [name for name in found if ".toml" not in name and ".tmp" not in name]


@pytest.mark.parametrize("harm", [gone, garbled], ids=lambda harm: harm.__name__)
def test_every_file_in_turn(whole: Path, tmp_path: Path, harm: Harm) -> None:
    answered = 0
    for number, name in enumerate(names_below(whole)):
        folder = harmed(whole, tmp_path / str(number), name, harm)
        table = Path(name).parts[1] if name.startswith("lake/") else ""
        found, error = asked(folder)
        if error is None:
            assert found == RIGHT, name
            answered += 1
        else:
            assert error.hint, name
            assert "\n" not in error.message, name
            assert table not in RECOMPUTED, f"{name}: {error.message}"
            if table:
                assert table in error.message, name
        shutil.rmtree(folder)
    assert answered


@pytest.mark.parametrize("harm", [cut, zeroed, inside], ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("table", ["subscriptions", "mrr_items"])
def test_a_file_of_the_right_name_or_size(
    whole: Path, tmp_path: Path, table: str, harm: Harm
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(whole, folder)
    paths = sorted((folder / "lake" / table).glob("*.parquet"))
    assert paths
    harm(paths[-1])
    with Company(folder, clock=lambda: NOW) as company:
        try:
            found = values(company)
        except StaycurveError:
            if table == "subscriptions":
                return
            # An engine that had begun to read is not stopped halfway: the next reader heals it.
            found = values(company)
        assert found == RIGHT


@pytest.mark.parametrize("harm", [gone, garbled], ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("table", ["mrr_movements", "account_months"])
@pytest.mark.parametrize("part", ["*.parquet", "_delta_log/*.json"])
def test_a_derived_table_is_computed_again_and_said_so(
    whole: Path, tmp_path: Path, table: str, part: str, harm: Harm,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(whole, folder)
    for path in sorted((folder / "lake" / table).glob(part)):
        harm(path)
    with Company(folder, clock=lambda: NOW) as company:
        assert values(company) == RIGHT
        assert f"Table {table} is damaged" in caplog.text
        assert "computed again" in caplog.text
        caplog.clear()
        assert not company.is_due()
        assert values(company) == RIGHT
        assert not caplog.records


def test_what_was_known_of_a_table_that_was_made_again_is_an_error(
    whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(whole, folder)
    with Company(folder, clock=lambda: NOW) as company:
        before = company.snapshot
        shutil.rmtree(folder / "lake" / "mrr_movements" / "_delta_log")
        assert values(company) == RIGHT
        now = company.snapshot
        assert now.tables["mrr_movements"] > before.tables["mrr_movements"]
        assert company.lake.rows(now, "mrr_movements")
        company.lake._listings.clear()
        with pytest.raises(StaycurveError, match="mrr_movements"):
            company.lake.rows(before, "mrr_movements")


def test_half_an_entry_that_a_power_cut_left_does_not_stop_the_next_writer(
    whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(whole, folder)
    (folder / "lake/subscriptions/_delta_log" / f"{1:020}.json").write_text('{"add": {"pa')
    more = write_csv(tmp_path / "subscriptions.csv", [
        {"subscription_id": "s4", "account_id": "d", "starts_at": "2024-01-01", "amount": "1"}
    ])
    with Company(folder, clock=lambda: NOW) as company:
        assert values(company) == RIGHT
        load_files(company.lake, company.config, [more], now=NOW)
        company.refresh()
        assert values(company) == {month: value + 1 for month, value in RIGHT.items()}


COMMANDS = (
    "show mrr", "doctor", "undo", "close 2024-01", "refresh --full", "loads", "recover",
)


@pytest.mark.parametrize("name", ["subscriptions", "mrr_items", "state.db"])
def test_every_command_ends_in_one_line(
    whole: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for command in COMMANDS:
        folder = tmp_path / "project"
        shutil.copytree(whole, folder)
        for path in [folder / name] if name == "state.db" else [
            *(folder / "lake" / name).glob("*.parquet")
        ]:
            garbled(path)
        words = ["staycurve", "--project", str(folder), *command.split()]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert end.value.code in (0, 1, 2), command
        if end.value.code:
            assert said, command
        shutil.rmtree(folder)


@pytest.mark.parametrize("harm", [gone, garbled], ids=lambda harm: harm.__name__)
def test_a_server_answers_in_the_one_shape_and_heals(
    whole: Path, tmp_path: Path, harm: Harm
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(whole, folder)
    with Company(folder, clock=lambda: NOW) as company:
        client = TestClient(create_app(company))
        address = "/api/v1/metrics/mrr"
        before = client.get(address)
        assert before.status_code == 200, before.text
        for path in sorted((folder / "lake/mrr_movements").glob("*.parquet")):
            harm(path)
        client.get(address)
        again = client.get(address)
        assert again.status_code == 200
        assert again.json()["rows"] == before.json()["rows"]
        for path in sorted((folder / "lake/subscriptions").glob("*.parquet")):
            harm(path)
        failed = TestClient(create_app(Company(folder, clock=lambda: NOW))).get(address)
        assert failed.status_code == 500
        assert set(failed.json()["error"]) == {"code", "message", "hint"}
        assert "subscriptions" in failed.json()["error"]["message"]


def test_a_project_that_cannot_be_written(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import subprocess

    folder = tmp_path / "project"
    shutil.copytree(whole, folder)
    mounts = (["mount", "--bind", folder, folder], ["mount", "-o", "remount,bind,ro", folder])
    if os.getuid() or any(
        subprocess.run(words, capture_output=True, check=False).returncode for words in mounts
    ):
        subprocess.run(["umount", "-l", folder], capture_output=True, check=False)
        pytest.skip("a read-only file system cannot be mounted here (needs root)")
    try:
        for command, status in (
            ("show mrr --from 2024-01 --to 2024-04 --format csv", 0),
            (f"load {whole / 'files' / 'subscriptions.csv'}", 1), ("refresh --full", 1),
            ("undo", 1), ("close 2024-01", 1), ("recover", 0),
        ):
            words = ["staycurve", "--project", str(folder), *command.split()]
            monkeypatch.setattr(sys, "argv", words)
            with pytest.raises(SystemExit) as end:
                cli.main()
            told = capsys.readouterr()
            assert end.value.code == status, (command, told.err)
            if status:
                assert "read-only" in told.err, (command, told.err)
        inside = ["staycurve", "--project", str(folder / "new"), "init"]
        monkeypatch.setattr(sys, "argv", inside)
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 1
        assert "read-only" in capsys.readouterr().err
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


@pytest.mark.parametrize("name", ["a\\b", "a\nb", "a\tb"])
def test_a_path_that_tables_cannot_lie_at(tmp_path: Path, name: str) -> None:
    with pytest.raises(StaycurveError, match="cannot hold a project") as error:
        Company.create(tmp_path / name, name="x", currency="USD", timezone="UTC")
    assert "\n" not in error.value.message
    assert not (tmp_path / name).exists()
