"""Same arguments, same files; sizes; the project's settings."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from staycurve.demo import PROJECT_TOML, Truth, write_company


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_company(tmp_path / "a", accounts=200, seed=3)
    second = write_company(tmp_path / "b", accounts=200, seed=3)
    assert first == second
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_another_seed_gives_another_company(tmp_path: Path) -> None:
    write_company(tmp_path / "a", accounts=200, seed=3)
    write_company(tmp_path / "b", accounts=200, seed=4)
    one, other = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] == other[name]] == []


def test_twelve_tables_the_notes_and_the_truth_are_written(company: tuple[Path, Truth]) -> None:
    folder, truth = company
    names = {f"{table}.parquet" for table in truth.rows} | {"truth.json", "notes.json"}
    assert {file.name for file in folder.iterdir()} == names
    assert len(truth.rows) == 12


def test_size_follows_the_number_of_accounts(company: tuple[Path, Truth], tmp_path: Path) -> None:
    small = write_company(tmp_path, accounts=200)
    assert small.rows["accounts"] == 200
    large = company[1].rows
    assert large["accounts"] == 2500
    # 500,000 events for 4,000 accounts is the most that a laptop should be asked to load.
    assert 60 < large["events"] / large["accounts"] < 125
    assert large["events"] > 5 * small.rows["events"]


def test_a_company_needs_fifty_accounts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 50"):
        write_company(tmp_path, accounts=49)


def test_the_settings_cover_the_texts_in_the_files(company: tuple[Path, Truth]) -> None:
    settings = tomllib.loads(PROJECT_TOML)
    assert settings["company"]["currency"] == "USD"
    assert settings["company"]["exclude"] == ["name~test "]
    listed = set(settings["end_reasons"]["voluntary"]) | set(settings["end_reasons"]["involuntary"])
    column = pq.read_table(company[0] / "subscriptions.parquet", columns=["end_reason"])
    used = {text for text in column["end_reason"].to_pylist() if text}
    assert used - listed == {"company closed"}
    assert listed - used == set()
