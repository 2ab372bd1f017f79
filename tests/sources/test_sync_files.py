"""Sources of files: what is new or changed is loaded, and nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from staycurve.config import parse
from staycurve.errors import BusyError, ConfigError
from staycurve.interfaces.cli.app import app
from staycurve.sources import syncing
from staycurve.tables.lake import alone
from staycurve.workspace import Company
from tests.company import NOW
from tests.sources.samples_of_exports import SAMPLES

FOLDER = '[sources.drop]\nkind = "files"\nfolder = "drop"\n'


def project(folder: Path, sources: str = FOLDER) -> Path:
    Company.create(folder, name="Test", currency="USD", timezone="UTC")
    with (folder / "staycurve.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + sources)
    (folder / "drop").mkdir()
    return folder


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / "drop" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def sync(folder: Path, *names: str, **more: Any) -> list[tuple[str, str, int, int, int]]:
    """File, table, accepted, replaced and rejected of everything that was taken."""
    with Company(folder, clock=lambda: NOW) as company:
        reports = company.sources.sync(*names, **more)
    return [
        (one.file, one.table, one.accepted, one.replaced, one.rejected)
        for report in reports for one in report.reports if not one.error
    ]


def held(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with Company(folder, clock=lambda: NOW) as company, company.reading() as engine:
        return engine.rows(sql)


def test_new_and_changed_files_are_loaded(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    put(folder, "accounts.csv", "account_id,name\na,Acme\nb,Bolt\n")
    assert sync(folder) == [("accounts.csv", "accounts", 2, 0, 0)]
    assert sync(folder) == []
    put(folder, "accounts-2.csv", "account_id,name\nc,Cube\n")
    put(folder, "accounts.csv", "account_id,name\na,Acme\nb,BOLT\n")
    assert sync(folder) == [
        ("accounts-2.csv", "accounts", 1, 0, 0), ("accounts.csv", "accounts", 0, 2, 0)
    ]
    assert held(folder, "SELECT account_id, name FROM accounts ORDER BY 1") == [
        ("a", "Acme"), ("b", "BOLT"), ("c", "Cube")
    ]


def test_a_file_that_was_only_touched_is_not_loaded_again(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    path = put(folder, "accounts.csv", "account_id\na\n")
    sync(folder)
    os.utime(path, ns=(1, 1))
    assert sync(folder) == []


def test_another_content_of_the_same_size_is_loaded(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    path = put(folder, "accounts.csv", "account_id\na\n")
    sync(folder)
    path.write_text("account_id\nb\n", encoding="utf-8")
    os.utime(path, ns=(2, 2))
    assert sync(folder) == [("accounts.csv", "accounts", 1, 0, 0)]


def test_a_file_that_cannot_be_loaded_leaves_the_others_and_is_tried_again(
    tmp_path: Path,
) -> None:
    folder = project(tmp_path / "project")
    put(folder, "accounts.csv", "account_id\na\n")
    put(folder, "payments.csv", "nothing\nof use\n")
    put(folder, "subscriptions.csv",
        "subscription_id,account_id,starts_at,amount\ns,a,2024-01-01,5\n")
    with Company(folder, clock=lambda: NOW) as company:
        (report,) = company.sources.sync()
        assert [error.message[:38] for error in report.errors] == [
            "payments.csv lacks what payments requi"
        ]
        assert report.count("accepted") == 2
        (again,) = company.sources.sync()
        assert (again.count("accepted"), len(again.errors)) == (0, 1)
    put(folder, "payments.csv", "payment_id,account_id,amount,paid_at\np,a,5,2024-01-01\n")
    assert sync(folder) == [("payments.csv", "payments", 1, 0, 0)]


def test_a_pattern_a_table_and_a_mapping_say_what_is_meant(tmp_path: Path) -> None:
    folder = project(
        tmp_path / "project",
        FOLDER + 'pattern = "**/crm-*.csv"\ntable = "accounts"\nmap = "crm.toml"\n',
    )
    (folder / "crm.toml").write_text('[columns]\n"Id" = "account_id"\n"Label" = "name"\n')
    put(folder, "2024/crm-1.csv", "Id,Label\na,Acme\n")
    put(folder, "other.csv", "Id,Label\nb,Bolt\n")
    assert sync(folder) == [("crm-1.csv", "accounts", 1, 0, 0)]
    assert held(folder, "SELECT account_id, name FROM accounts") == [("a", "Acme")]


def test_one_file_may_be_the_complete_export(tmp_path: Path) -> None:
    folder = project(
        tmp_path / "project",
        '[sources.crm]\nkind = "file"\npath = "drop/accounts.csv"\nreplace = true\n',
    )
    put(folder, "accounts.csv", "account_id\na\nb\n")
    assert sync(folder, "crm") == [("accounts.csv", "accounts", 2, 0, 0)]
    put(folder, "accounts.csv", "account_id\na\n")
    assert sync(folder, "crm") == [("accounts.csv", "accounts", 0, 1, 0)]
    assert held(folder, "SELECT account_id FROM accounts") == [("a",)]


def test_what_is_not_there_fails_its_source_alone(tmp_path: Path) -> None:
    folder = project(
        tmp_path / "project", '[sources.lost]\nkind = "file"\npath = "no.csv"\n' + FOLDER
    )
    put(folder, "accounts.csv", "account_id\na\n")
    with Company(folder, clock=lambda: NOW) as company:
        lost, drop = company.sources.sync()
    assert lost.error is not None
    assert lost.error.message == f"{folder / 'no.csv'} is not there."
    assert (drop.errors, drop.count("accepted")) == ((), 1)


@pytest.mark.parametrize(("lines", "said"), [
    ('kind = "files"', "[sources.x] needs folder."),
    ('kind = "file"\npath = ""', "[sources.x] path takes a path, not an empty text."),
    ('kind = "files"\nfolder = "a"\npattern = "/etc/*"',
     "[sources.x] pattern = '/etc/*' is no pattern of names inside the folder."),
    ('kind = "files"\nfolder = "a"\npattern = "../*"',
     "[sources.x] pattern = '../*' is no pattern of names inside the folder."),
    ('kind = "files"\nfolder = "a"\ntable = "acounts"',
     "[sources.x] table = 'acounts' is not a table. Did you mean 'accounts'?"),
    ('kind = "files"\nfolder = 5', "[sources.x] folder takes the path of a directory, not 5."),
    ('kind = "fils"', "[sources.x] kind = 'fils' is not a kind of source. Did you mean 'files'?"),
])
def test_what_is_wrong_in_a_section_is_named(lines: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"[sources.x]\n{lines}")
    assert caught.value.message == f"staycurve.toml: {said}"


@pytest.mark.parametrize("name", ['"a b"', '"../x"', '""', '"' + "x" * 41 + '"'])
def test_a_name_that_no_list_could_show_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name of a source"):
        parse(f'[sources.{name}]\nkind = "files"\nfolder = "a"')


def test_two_syncs_at_once_wait_for_each_other(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    put(folder, "accounts.csv", "account_id\na\n")
    with (
        alone(folder / ".sync.lock", "syncing", wait=0.0),
        pytest.raises(BusyError, match=rf"\(process {os.getpid()}\) is syncing"),
    ):
        sync(folder, wait=0.2)
    assert sync(folder) == [("accounts.csv", "accounts", 1, 0, 0)]


def test_two_syncs_as_two_processes_load_every_file_once(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    for number in range(6):
        put(folder, f"answers-{number}.csv", answers(number))
    running = [
        subprocess.Popen([*COMMAND, "--project", str(folder), "sync"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    with Company(folder, clock=lambda: NOW) as company:
        assert len(company.loads()) == 6


def answers(number: int) -> str:
    """Twenty answers without ids, two of them alike: their keys are derived."""
    rows = [f"q1,nps,2024-01-{day:02},{(day + number) % 11},10,n{number}" for day in range(1, 20)]
    return "\n".join(["survey,kind,answered_at,score,scale_max,comment", *rows, rows[0]]) + "\n"


COMMAND = [sys.executable, "-c", "from staycurve.interfaces.cli import main; main()"]
DYING = """
import os, signal, sys
from staycurve.interfaces.cli.app import app
from staycurve.sources import syncing
from staycurve.tables import pointer, writing

place, nth, when = sys.argv[1], int(sys.argv[2]), sys.argv[3]
owner = {"_commit": writing.Writing, "move": pointer.Pointer}[place]
plain, calls = getattr(owner, place), 0

def call(*args, **words):
    global calls
    calls += 1
    if calls == nth and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = plain(*args, **words)
    if calls == nth and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

setattr(owner, place, call)
syncing.FILES_AT_ONCE = 1
sys.argv = ["staycurve", *sys.argv[4:]]
from staycurve.interfaces.cli import main
main()
"""


@pytest.mark.parametrize(("point", "committed"), [
    (("move", 1, "before"), 0),
    (("move", 1, "after"), 1),
    (("move", 3, "before"), 2),
    (("move", 3, "after"), 3),
    (("_commit", 3, "after"), None),
    (("_commit", 6, "before"), None),
], ids=lambda point: "-".join(map(str, point)) if isinstance(point, tuple) else str(point))
def test_a_killed_sync_goes_on_where_it_was(
    point: tuple[str, int, str], committed: int | None, tmp_path: Path
) -> None:
    folder = project(tmp_path / "project")
    for number in range(5):
        put(folder, f"answers-{number}.csv", answers(number))
    words = [str(word) for word in point]
    died = subprocess.run(
        [sys.executable, "-c", DYING, *words, "--project", str(folder), "sync"],
        capture_output=True, check=False,
    )
    assert died.returncode == -signal.SIGKILL
    with Company(folder, clock=lambda: NOW) as company:
        done = [record.file for record in company.loads()]
        (state,) = company.sources.listed()
        kept = sorted(state.cursor.kept) if state.cursor else []
    # Rows and cursor are one commit: what is loaded is what the cursor knows.
    assert kept == done == [f"answers-{number}.csv" for number in range(len(done))]
    assert committed in (None, len(done))
    assert len(done) < 5
    rest = [(f"answers-{number}.csv", "answers", 20, 0, 0) for number in range(len(done), 5)]
    assert sync(folder) == rest
    assert held(folder, "SELECT COUNT(*), COUNT(DISTINCT answer_id) FROM answers") == [(100, 100)]
    assert sync(folder) == []


def test_files_are_committed_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path / "project")
    for number in range(5):
        put(folder, f"answers-{number}.csv", answers(number))
    monkeypatch.setattr(syncing, "FILES_AT_ONCE", 2)
    assert len(sync(folder)) == 5
    with Company(folder, clock=lambda: NOW) as company:
        assert [record.seq for record in company.loads()] == [1, 1, 2, 2, 3]


def test_a_known_export_is_recognised_by_its_headers_as_load_does(tmp_path: Path) -> None:
    (sample,) = [one for one in SAMPLES if one.name == "stripe-subscriptions"]
    folder = project(tmp_path / "project")
    put(folder, "download-17.csv", sample.text)
    with Company(folder, clock=lambda: NOW) as company:
        (report,) = company.sources.sync()
        notes = [note for one in report.reports for note in one.notes]
        assert "looks like a Stripe subscriptions export: --map stripe-subscriptions" in notes
    assert held(folder, f"SELECT {sample.columns} FROM subscriptions ORDER BY 1, 2") == sample.rows
    assert sync(folder) == []


def test_a_mapping_that_the_project_keeps_is_found_by_sync_too(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    (folder / "mappings").mkdir()
    (folder / "mappings" / "crm.toml").write_text(
        'table = "accounts"\n[recognise]\nall = ["Firma", "Kennung"]\n'
        '[columns]\nKennung = "account_id"\nFirma = "name"\n'
    )
    put(folder, "liste.csv", "Kennung,Firma\na,Acme\n")
    assert sync(folder) == [("liste.csv", "accounts", 1, 0, 0)]


def test_map_takes_the_name_of_a_known_mapping(tmp_path: Path) -> None:
    (sample,) = [one for one in SAMPLES if one.name == "stripe-customers"]
    folder = project(tmp_path / "project", FOLDER + 'map = "stripe-customers"\n')
    put(folder, "people.csv", sample.text)
    assert sync(folder) == [("people.csv", "accounts", *counts) for counts in sample.counts]


def test_a_file_that_is_two_known_exports_leaves_the_others(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    (folder / "mappings").mkdir()
    for name in ("one", "two"):
        (folder / "mappings" / f"{name}.toml").write_text(
            'table = "accounts"\n[recognise]\nall = ["Kennung"]\n'
            '[columns]\nKennung = "account_id"\n'
        )
    put(folder, "liste.csv", "Kennung\na\n")
    put(folder, "accounts.csv", "account_id\nb\n")
    with Company(folder, clock=lambda: NOW) as company:
        (report,) = company.sources.sync()
        assert report.count("accepted") == 1
        assert [error.message for error in report.errors] == [
            "liste.csv looks like more than one known export: one, two."
        ]


def test_the_command_says_what_is_doubtful(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    put(folder, "subscriptions.csv",
        "subscription_id,account_id,starts_at,plan\ns,a,2024-01-01,Gold\n")
    done = CliRunner().invoke(app, ["--project", str(folder), "sync"], catch_exceptions=False)
    assert "drop/files → subscriptions: accepted 1, replaced 0, rejected 0" in done.stdout
    assert "no price of the plan is known when they start: 1; Gold (1)." in done.stderr
