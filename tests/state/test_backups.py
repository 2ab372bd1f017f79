"""Backups: a project in one file, and the same project out of it again."""

from __future__ import annotations

import io
import json
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import ProjectError, StateError
from staycurve.sources.files import load_files
from staycurve.state import copying
from staycurve.state.database import Database
from staycurve.state_place import StatePlace
from staycurve.workspace import Company
from staycurve.workspace.backups import MANIFEST, back_up, restore
from tests.company import NOW, build, write_csv
from tests.state.postgres import Server

SUBSCRIPTIONS = """
    subscription_id account_id plan starts_at  ends_at    amount
    s1              acme       Pro  2024-01-05 -          100
    s2              bolt       Pro  2024-02-01 2024-04-01 40"""
MARCH = 140.0
"""MRR at the close of March 2024."""


def opened(folder: Path) -> Company:
    return Company(folder, clock=lambda: NOW)


def mrr(company: Company, month: str = "2024-03") -> float | None:
    (row,) = company.show("mrr", start=month, end=month).rows
    found: float | None = row["value"]
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company with a view, an annotation, a key that was revoked, and a mapping of its own."""
    folder = tmp_path_factory.mktemp("kept") / "project"
    with build(folder, {"subscriptions": SUBSCRIPTIONS}) as company:
        company.state.save_view("Pro", "/", "where=plan=Pro", by="Ana")
        # A number that was given once is not given again, after a backup either.
        company.state.delete_view(company.state.save_view("Gone", "/").id)
        company.state.annotate("2024-02-01", "Price rise", author="Ben")
        key, _text = company.state.create_key("ingest", name="web")
        company.state.revoke_key(str(key.id))
        (folder / "mappings").mkdir()
        (folder / "mappings" / "own.toml").write_text('table = "subscriptions"\n')
        yield company


@pytest.fixture(scope="module")
def kept(project: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backups") / "acme.tar"
    back_up(project, path)
    return path


def test_a_project_comes_back_whole_and_goes_on(
    project: Company, kept: Path, tmp_path: Path
) -> None:
    found = restore(kept, tmp_path / "again")
    assert found.company == "Test"
    with opened(tmp_path / "again") as again:
        assert mrr(again) == mrr(project) == MARCH
        assert again.snapshot == project.snapshot
        assert again.loads() == project.loads()
        assert again.state.views() == project.state.views()
        assert len(again.state.views()) == 1
        assert again.state.annotations() == project.state.annotations()
        assert again.state.known_keys() == project.state.known_keys()
        assert again.state.audit() == project.state.audit()
        assert (tmp_path / "again" / "mappings" / "own.toml").is_file()
        # It is a project like any other: it takes loads, and takes them back.
        more = [{"subscription_id": "s3", "account_id": "crux", "starts_at": "2024-03-01",
                 "amount": "7"}]
        path = write_csv(tmp_path / "subscriptions.csv", more)
        load_files(again.lake, again.config, [path], now=NOW)
        again.refresh()
        assert mrr(again) == MARCH + 7
        again.books.undo()
        again.refresh()
        assert mrr(again) == MARCH
        assert again.state.save_view("Next", "/", "").id == 3
    assert mrr(project) == MARCH


def test_only_its_owner_may_read_a_backup(kept: Path) -> None:
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_app_state_goes_onto_postgresql_and_back(
    project: Company, kept: Path, tmp_path: Path, postgres: Server
) -> None:
    url = postgres.new()
    restore(kept, tmp_path / "there", state_url=url)
    assert url in (tmp_path / "there" / "staycurve.toml").read_text()
    with opened(tmp_path / "there") as there:
        assert there.state.views() == project.state.views()
        assert there.state.annotations() == project.state.annotations()
        assert there.state.known_keys() == project.state.known_keys()
        assert there.state.audit() == project.state.audit()
        # The next number comes after those that were put in.
        assert there.state.save_view("Next", "/", "").id == 3
        back_up(there, tmp_path / "second.tar")
    with pytest.raises(StateError, match="is not empty"):
        restore(tmp_path / "second.tar", tmp_path / "third")
    assert not (tmp_path / "third").exists()
    # And back: what PostgreSQL kept reads the same in SQLite.
    seen, rows = copying.copied(Database(tmp_path, StatePlace(url=url)))
    target = Database(tmp_path, StatePlace())
    count = sum(len(own) for table, own in rows.items() if table != copying.NUMBERS)
    assert copying.put(target, seen, rows) == count > 4
    assert copying.copied(target) == (seen, rows)


def test_app_state_of_an_earlier_version_is_brought_to_this_one(tmp_path: Path) -> None:
    rows = {"views": [{
        "id": 3, "name": "Old", "page": "/", "query": "", "created_at": "2025-01-02T03:04:05",
        "created_by": "Ana",
    }]}
    (tmp_path / "other").mkdir()
    database = Database(tmp_path, StatePlace())
    assert copying.put(database, "0001", rows) == 1
    seen, found = copying.copied(database)
    assert seen > "0001"
    assert [row["name"] for row in found["views"]] == ["Old"]
    with pytest.raises(StateError, match="has no table goals_of_old"):
        copying.put(Database(tmp_path / "other", StatePlace()), "0001", {"goals_of_old": [{}]})


def test_a_backup_while_others_load_holds_one_state(tmp_path: Path) -> None:
    with build(tmp_path / "project", {"subscriptions": SUBSCRIPTIONS}) as company:
        stop = threading.Event()
        failed: list[BaseException] = []

        def load() -> None:
            try:
                with opened(tmp_path / "project") as other:
                    for number in range(6):
                        if stop.is_set():
                            return
                        row = {"subscription_id": f"n{number}", "account_id": f"n{number}",
                               "starts_at": "2024-03-01", "amount": "1"}
                        path = write_csv(tmp_path / f"{number}.csv", [row])
                        load_files(other.lake, other.config, [path], now=NOW,
                                   table="subscriptions")
                        other.refresh()
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=load)
        thread.start()
        states = []
        for number in range(2):
            back_up(company, tmp_path / f"b{number}.tar")
            restore(tmp_path / f"b{number}.tar", tmp_path / f"r{number}")
            with opened(tmp_path / f"r{number}") as again:
                again.refresh()
                loads = len(again.loads())
                assert mrr(again) == MARCH + loads - 1
                states.append(loads)
        stop.set()
        thread.join()
    assert not failed
    assert states == sorted(states)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.7, 0.98])
def test_a_file_that_was_cut_off_is_refused(kept: Path, tmp_path: Path, share: float) -> None:
    body = kept.read_bytes()
    end = body.rindex(MANIFEST.encode())
    cut = tmp_path / "cut.tar"
    cut.write_bytes(body[: int(end * share)])
    refused(cut, tmp_path / "again")


def test_a_byte_that_changed_is_noticed(kept: Path, tmp_path: Path) -> None:
    body = bytearray(kept.read_bytes())
    place = body.rindex(b"PAR1")
    body[place - 40] ^= 1
    (tmp_path / "changed.tar").write_bytes(body)
    refused(tmp_path / "changed.tar", tmp_path / "again", "is not what was put in")


def rewritten(kept: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The backup with another manifest."""
    with tarfile.open(kept) as of, tarfile.open(target, "w") as to:
        for member in of:
            file = of.extractfile(member)
            assert file is not None
            body = file.read()
            if member.name == MANIFEST:
                told = json.loads(body)
                change(told)
                body = json.dumps(told).encode()
                member.size = len(body)
            to.addfile(member, io.BytesIO(body))
    return target


def test_a_newer_backup_and_a_path_that_leads_out_are_refused(
    kept: Path, tmp_path: Path
) -> None:
    newer = rewritten(kept, tmp_path / "newer.tar", lambda told: told.update(format=99))
    refused(newer, tmp_path / "again", "newer staycurve")
    ahead = rewritten(kept, tmp_path / "ahead.tar", lambda told: told.update(migration="9999"))
    refused(ahead, tmp_path / "again", "newer staycurve")
    for name in ("../out.txt", "/tmp/out.txt", "a/../../out.txt"):
        hostile = tmp_path / "hostile.tar"
        with tarfile.open(hostile, "w") as to:
            info = tarfile.TarInfo(name)
            info.size = 1
            to.addfile(info, io.BytesIO(b"x"))
        refused(hostile, tmp_path / "again", "leads out of it")
    refused(tmp_path / "missing.tar", tmp_path / "again", "There is no file")
    (tmp_path / "text.tar").write_text("no archive")
    refused(tmp_path / "text.tar", tmp_path / "again")


def refused(path: Path, folder: Path, words: str = "cannot be restored") -> None:
    with pytest.raises((ProjectError, StateError), match=words):
        restore(path, folder)
    assert not folder.exists()
    assert not list(folder.parent.glob(".restoring-*"))


def test_nothing_that_is_there_is_written_over(
    project: Company, kept: Path, tmp_path: Path
) -> None:
    with pytest.raises(ProjectError, match="is there already"):
        back_up(project, kept)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    with pytest.raises(ProjectError, match="is not empty"):
        restore(kept, tmp_path / "full")
    assert (tmp_path / "full" / "note.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    restore(kept, tmp_path / "empty")
    with opened(tmp_path / "empty") as again:
        assert mrr(again) == MARCH


def test_a_lake_elsewhere_comes_back_there_and_never_into_one_that_is_used(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project"
    with build(folder, {}) as company:
        pass
    lake = tmp_path / "tables"
    text = (folder / "staycurve.toml").read_text()
    (folder / "staycurve.toml").write_text(f'lake = "{lake}"\n{text}')
    (folder / "lake").rename(lake)
    with opened(folder) as company:
        path = write_csv(tmp_path / "subscriptions.csv", [
            {"subscription_id": "s1", "account_id": "a", "starts_at": "2024-01-01", "amount": "5"},
        ])
        load_files(company.lake, company.config, [path], now=NOW)
        company.refresh()
        back_up(company, tmp_path / "b.tar")
    with pytest.raises(ProjectError, match="two projects would write to one"):
        restore(tmp_path / "b.tar", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    lake.rename(tmp_path / "before")
    restore(tmp_path / "b.tar", tmp_path / "again")
    with opened(tmp_path / "again") as again:
        assert mrr(again) == 5
    assert any(lake.iterdir())
