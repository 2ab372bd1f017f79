"""kill −9, a full disk, two writers at once: then it is as if it had never happened."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from staycurve.errors import BusyError, LakeError, ProjectError
from staycurve.sources.files import load_files
from staycurve.tables.pointer import FILE_NAME, Pointer
from staycurve.workspace import Company
from tests.company import NOW, build, create, load, write_csv
from tests.invariants.test_loading import ledger, stored
from tests.oracle.companies import Seeded, company

DYING = """
import os, signal, sys
from staycurve.tables import pointer, writing

def dies(owner, name, nth, is_after):
    plain = getattr(owner, name)
    calls = 0
    def call(*args, **words):
        nonlocal calls
        calls += 1
        if calls == nth and not is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = plain(*args, **words)
        if calls == nth and is_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    setattr(owner, name, call)

place, nth, when = sys.argv[1], int(sys.argv[2]), sys.argv[3]
owner = {"_copy": writing.Writing, "_commit": writing.Writing, "move": pointer.Pointer}[place]
dies(owner, place, nth, when == "after")
sys.argv = ["staycurve", *sys.argv[4:]]
from staycurve.interfaces.cli import main
main()
"""


def run_dying(place: str, nth: int, when: str, *words: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", DYING, place, str(nth), when, *words],
        capture_output=True,
        check=False,
    )
    return done.returncode


POINTS = [
    ("_copy", 1, "after"),
    ("_copy", 3, "after"),
    ("_commit", 1, "after"),
    ("_commit", 2, "before"),
    ("_commit", 4, "after"),
    ("move", 1, "before"),
    ("move", 1, "after"),
    # The second move is the refresh's.
    ("_commit", 8, "after"),
    ("move", 2, "before"),
    ("move", 2, "after"),
]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: "-".join(map(str, point)))
@pytest.mark.parametrize("is_first", [True, False], ids=["first-load", "later-load"])
def test_a_killed_load_never_happened(
    point: tuple[str, int, str], is_first: bool, tmp_path: Path
) -> None:
    tables = company(Seeded(3), 5, 4)
    rows = list(tables["subscriptions"])
    half = [] if is_first else rows[: len(rows) // 2]
    folder = tmp_path / "project"
    with create(folder) as ours:
        if half:
            load(ours, {"subscriptions": half})
        before = (stored(ours), ledger(ours))
    file = write_csv(tmp_path / "subscriptions.csv", rows)
    status = run_dying(*point, "--project", str(folder), "load", str(file))
    with Company(folder, clock=lambda: NOW) as ours:
        seen = stored(ours)
        if status == -signal.SIGKILL and point[0] != "move" and point[1] < 4:
            assert seen == before[0]
            assert ledger(ours) == before[1]
    again = subprocess.run(
        [sys.executable, "-c", "from staycurve.interfaces.cli import main; main()",
         "--project", str(folder), "load", str(file)],
        capture_output=True, text=True, check=False,
    )
    assert again.returncode == 0, again.stderr
    with build(tmp_path / "whole", {"subscriptions": rows}) as whole:
        expected = (stored(whole), ledger(whole))
    with Company(folder, clock=lambda: NOW) as ours:
        assert (stored(ours), ledger(ours)) == expected


def test_points_do_kill(tmp_path: Path) -> None:
    create(tmp_path / "project").close()
    file = write_csv(tmp_path / "subscriptions.csv", company(Seeded(3), 5, 4)["subscriptions"])
    words = ("--project", str(tmp_path / "project"), "load", str(file))
    assert run_dying("move", 1, "before", *words) == -signal.SIGKILL


def test_two_loads_at_once_both_arrive(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    create(folder).close()
    files = []
    for side in ("a", "b"):
        rows = [
            {"subscription_id": f"{side}{n}", "account_id": f"{side}{n}",
             "starts_at": "2024-01-01", "amount": "10"}
            for n in range(200)
        ]
        (tmp_path / side).mkdir()
        files.append(write_csv(tmp_path / side / "subscriptions.csv", rows))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", "from staycurve.interfaces.cli import main; main()",
             "--project", str(folder), "load", str(file)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for file in files
    ]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    with Company(folder, clock=lambda: NOW) as ours:
        assert stored(ours)["subscriptions"] == 400
        assert ours.show("customers", as_of="2024-02-01").rows[0]["value"] == 400


def test_a_writer_that_is_kept_waiting_says_who_writes(tmp_path: Path) -> None:
    with create(tmp_path / "project") as ours:
        file = write_csv(
            tmp_path / "subscriptions.csv",
            [{"subscription_id": "s", "account_id": "a", "starts_at": "2024-01-01",
              "amount": "10"}],
        )
        with ours.lake.writing(), pytest.raises(BusyError, match=f"process {os.getpid()}"):
            load_files(ours.lake, ours.config, [file], now=NOW, wait=0.2)
        assert stored(ours)["subscriptions"] == 0


def test_a_full_disk_leaves_the_project_as_it_was(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)],
        capture_output=True, check=False,
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    try:
        tables = company(Seeded(3), 5, 4)
        with build(place / "project", tables) as ours:
            before = (stored(ours), ledger(ours))
            rows = [
                {"subscription_id": f"s{n * 7919 % 100_003}x{n}", "account_id": f"a{n}",
                 "starts_at": "2024-01-01", "amount": str(n % 977)}
                for n in range(150_000)
            ]
            file = write_csv(tmp_path / "subscriptions.csv", rows)
            with pytest.raises(LakeError, match="disk is full"):
                load_files(ours.lake, ours.config, [file], now=NOW)
            assert (stored(ours), ledger(ours)) == before
            shutil.rmtree(ours.folder / ".tmp", ignore_errors=True)
            load(ours, {"subscriptions": [
                {"subscription_id": "later", "account_id": "later", "starts_at": "2024-01-01",
                 "amount": "1"}]})
            assert stored(ours)["subscriptions"] == before[0]["subscriptions"] + 1
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_newer_lake_is_refused(tmp_path: Path) -> None:
    import sqlite3

    with build(tmp_path / "project", company(Seeded(3), 2, 2)) as ours:
        with sqlite3.connect(tmp_path / "project" / FILE_NAME) as state:
            state.execute("UPDATE pointer SET format = 99")
        with pytest.raises(ProjectError, match="newer staycurve"):
            ours.show("mrr")


def test_a_directory_that_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="not a staycurve project"):
        Company(tmp_path, clock=lambda: NOW)
    with pytest.raises(ProjectError, match="no state database"):
        Pointer(tmp_path).latest()
    with pytest.raises(ProjectError, match="cannot hold a project"):
        Company.create(tmp_path / "a[b", name="x", currency="USD", timezone="UTC")


@pytest.mark.parametrize("key", ["currency", "timezone"])
def test_a_changed_company_is_not_read_with_the_old_days(key: str, tmp_path: Path) -> None:
    tables = company(Seeded(3), 2, 2)
    build(tmp_path / "project", tables).close()
    path = tmp_path / "project" / "staycurve.toml"
    new = {"currency": "EUR", "timezone": "Asia/Kolkata"}[key]
    old = {"currency": "USD", "timezone": "UTC"}[key]
    path.write_text(path.read_text().replace(f'{key} = "{old}"', f'{key} = "{new}"'))
    with (
        Company(tmp_path / "project", clock=lambda: NOW) as ours,
        pytest.raises(ProjectError, match=f"Set it back|{key}"),
    ):
        ours.show("mrr")
