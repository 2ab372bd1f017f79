"""What a log said, kept for the next process: right, or not used."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from staycurve.sources.files import load_files
from staycurve.tables import listings
from staycurve.workspace import Company
from tests.company import NOW, build, write_csv

SUBSCRIPTIONS = """
    subscription_id account_id starts_at  amount
    s1              acme       2024-01-05 100"""


def mrr(folder: Path) -> float | None:
    with Company(folder, clock=lambda: NOW) as company:
        (row,) = company.show("mrr", start="2024-01", end="2024-01").rows
    found: float | None = row["value"]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with build(tmp_path / "project", {"subscriptions": SUBSCRIPTIONS}):
        pass
    # Whoever comes second finds what the first kept.
    assert mrr(tmp_path / "project") == 100
    return tmp_path / "project"


def kept_at(folder: Path, table: str = "mrr_movements") -> Path:
    return folder / ".tmp" / "listings" / f"{table}.json"


def test_the_next_process_reads_no_log(folder: Path) -> None:
    assert kept_at(folder).is_file()
    asked = (
        "import sys\nfrom staycurve.interfaces.cli import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "print('deltalake' in sys.modules, 'sqlalchemy' in sys.modules)"
    )
    words = ["--project", str(folder), "show", "mrr", "--from", "2024-01", "--to", "2024-01"]
    done = subprocess.run(
        [sys.executable, "-c", asked, *words], capture_output=True, text=True, check=True
    )
    assert "100.00" in done.stdout
    assert done.stdout.splitlines()[-1] == "False False"


def test_a_load_makes_another_listing(folder: Path) -> None:
    before = json.loads(kept_at(folder, "subscriptions").read_text())
    with Company(folder, clock=lambda: NOW) as company:
        path = write_csv(folder / "subscriptions.csv", [
            {"subscription_id": "s2", "account_id": "b", "starts_at": "2024-01-01", "amount": 7}
        ])
        load_files(company.lake, company.config, [path], now=NOW)
        company.refresh()
    assert mrr(folder) == mrr(folder) == 107
    after = json.loads(kept_at(folder, "subscriptions").read_text())
    assert after["version"] > before["version"]
    # An earlier state is read from the log, and does not take the newest one's place.
    with Company(folder, clock=lambda: NOW) as company:
        earlier = company.lake.pointer.snapshot(company.snapshot.seq - 2)
        assert company.lake.rows(earlier, "subscriptions") == 1
        assert company.lake.rows(company.snapshot, "subscriptions") == 2
    assert json.loads(kept_at(folder, "subscriptions").read_text()) == after


def test_a_project_that_was_moved_reads_its_own_files(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    shutil.rmtree(folder / "lake")
    assert mrr(tmp_path / "copy") == 100


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"form": 1}', b"\x00\xff"])
def test_a_damaged_listing_is_not_trusted(folder: Path, text: bytes) -> None:
    kept_at(folder).write_bytes(text)
    assert mrr(folder) == 100


def test_a_log_that_changed_is_read_again(folder: Path) -> None:
    log = folder / "lake" / "mrr_movements" / "_delta_log"
    entry = sorted(log.glob("*.json"))[-1]
    entry.write_text("no log any more")
    marks = listings.marks_of(log)
    assert marks is not None
    version = json.loads(kept_at(folder).read_text())["version"]
    assert listings.kept(kept_at(folder), "x", version, marks) is None
    # A derived table whose log is damaged is computed again, as without anything kept.
    assert mrr(folder) == 100


def test_where_nothing_can_be_kept_the_answer_is_as_good(folder: Path) -> None:
    shutil.rmtree(folder / ".tmp" / "listings")
    (folder / ".tmp" / "listings").write_text("in the way")
    assert mrr(folder) == 100
