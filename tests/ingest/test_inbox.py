"""The inbox: durable, bounded, drained once, whatever fails between two steps."""

from __future__ import annotations

import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import StaycurveError
from staycurve.insights.examination.doctor import examine
from staycurve.sources import draining
from staycurve.sources.inbox import Inbox, InboxError, InboxFullError, has_any, waiting_in
from staycurve.workspace import Company
from tests.ingest.conftest import NOW, Ours, made
from tests.ingest.test_doors import captured, track


def put(inbox: Inbox, text: str) -> Future[None]:
    return inbox.put(text.encode(), dialect="segment", events=1, received_at=NOW.isoformat())


def noise(number: int) -> str:
    """A text that does not become much shorter."""
    return random.Random(number).randbytes(200).hex()


def payloads(inbox: Inbox, after: int = 0) -> list[bytes]:
    return [one.payload for one in inbox.pending(after, most=1000, through=inbox.last())]


def test_what_was_put_is_there_after_the_process_ends(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.db")
    for future in [put(inbox, f"r{n}") for n in range(100)]:
        future.result(timeout=30)
    # Not closed: another opens the same file.
    assert payloads(Inbox(tmp_path / "inbox.db")) == [b"r%d" % n for n in range(100)]
    inbox.close()


def test_a_full_inbox_takes_again_once_it_is_drained(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.db", most_stored=60_000)
    taken = 0

    def fill() -> None:
        nonlocal taken
        while True:
            put(inbox, noise(taken)).result(timeout=30)
            taken += 1

    with pytest.raises(InboxFullError):
        fill()
    assert taken > 100
    assert len(payloads(inbox)) == taken
    inbox.forget(inbox.last())
    put(inbox, "again").result(timeout=30)
    assert payloads(inbox) == [b"again"]
    inbox.close()


def test_what_is_taken_at_once_is_bounded_by_events_and_by_bytes(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.db")
    for size in (400, 400, 400, 2000, 10):
        put(inbox, "x" * size).result(timeout=30)

    def taken(most: int, most_bytes: int) -> list[int]:
        """How many requests each look takes."""
        found, after = [], 0
        while stored := inbox.pending(after, most=most, most_bytes=most_bytes, through=5):
            found.append(len(stored))
            after = stored[-1].seq
        return found

    assert taken(2, 10_000) == [2, 2, 1]
    # One that is larger than all of it goes alone.
    assert taken(100, 1000) == [2, 1, 1, 1]
    inbox.close()


def test_an_inbox_that_is_being_made_has_nothing_that_waits(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    sqlite3.connect(path).execute("PRAGMA journal_mode=WAL")
    assert path.exists()
    assert not has_any(path)
    assert waiting_in(path) == (0, 0)


def test_a_full_disk_loses_nothing_that_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = [24]
    connect = sqlite3.connect

    def limited(*given: Any, **more: Any) -> sqlite3.Connection:
        # SQLite itself says that there is no room, as it does when the disk says so.
        connection = connect(*given, **more)
        connection.execute(f"PRAGMA max_page_count={most[0]}")
        return connection

    monkeypatch.setattr(sqlite3, "connect", limited)
    inbox = Inbox(tmp_path / "inbox.db")
    taken: list[bytes] = []
    refused = None
    for number in range(1000):
        text = noise(number)
        try:
            put(inbox, text).result(timeout=30)
        except InboxError as error:
            refused = error
            break
        taken.append(text.encode())
    assert refused is not None
    assert refused.fields["is_full"]
    assert taken
    assert payloads(inbox) == taken
    # There is room again: nobody has to start anything.
    most[0] = 100_000
    put(inbox, "again").result(timeout=30)
    assert payloads(inbox) == [*taken, b"again"]
    inbox.close()


def test_an_older_copy_of_the_inbox_gives_no_number_twice(ours: Ours) -> None:
    path = ours.company.folder / "inbox.db"
    ours.post("/v1/batch", {"batch": [track(1)]})
    ours.company.events.close()
    shutil.copy(path, path.with_suffix(".old"))
    for number in (2, 3):
        ours.post("/v1/batch", {"batch": [track(number)]})
    assert ours.rows("SELECT COUNT(*) FROM events") == [(3,)]
    ours.company.events.close()
    for left in path.parent.glob("inbox.db-*"):
        left.unlink()
    shutil.move(path.with_suffix(".old"), path)
    ours.post("/v1/batch", {"batch": [track(4)]})
    assert ours.rows("SELECT event_id FROM events ORDER BY 1") == [
        ("m1",), ("m2",), ("m3",), ("m4",)
    ]
    ours.company.events.close()
    path.unlink()
    ours.post("/v1/batch", {"batch": [track(5)]})
    assert ours.rows("SELECT COUNT(*) FROM events") == [(5,)]


def test_a_drain_that_ends_before_the_inbox_forgets_takes_nothing_twice(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours.post("/v1/batch", {"batch": [track(1), {**track(9), "event": ""}]})
    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "forget", lambda *_: None)
        ours.company.events.drain()
    assert payloads(ours.company.events.inbox)
    ours.post("/v1/batch", {"batch": [track(2)]})
    done = ours.company.events.drain()
    assert (done.count("accepted"), done.count("replaced")) == (1, 0)
    assert ours.rows("SELECT COUNT(*) FROM events") == [(2,)]
    assert payloads(ours.company.events.inbox) == []
    # What was rejected is listed once, too.
    assert ours.rules() == ["has no name"]


def test_a_drain_that_fails_leaves_everything_in_the_inbox(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours.post("/v1/batch", {"batch": [track(1)]})

    def fails(*_: Any, **__: Any) -> None:
        raise StaycurveError("The lake cannot be written.")

    with monkeypatch.context() as patched:
        patched.setattr(draining, "batches_of", fails)
        with pytest.raises(StaycurveError):
            ours.company.events.drain()
    assert ours.rows("SELECT event_id FROM events") == [("m1",)]


def test_a_request_that_cannot_be_loaded_is_kept_and_the_others_go_on(ours: Ours) -> None:
    inbox = ours.company.events.inbox
    ours.post("/v1/batch", {"batch": [track(1)]})
    put(inbox, "no facts").result(timeout=30)
    ours.post("/v1/batch", {"batch": [track(2)]})
    done = ours.company.events.drain()
    assert [number for number, _ in done.failed] == [2]
    assert ours.rows("SELECT event_id FROM events ORDER BY 1") == [("m1",), ("m2",)]
    assert [number for number, _, _ in inbox.failed()] == [2]
    assert "staycurve_inbox_failed 1" in ours.client.get("/metrics").text
    company = ours.company
    with company.reading() as engine:
        found = examine(company.config, company.lake, company.snapshot, engine, company.as_of())
    assert [one.count for one in found if one.check == "inbox_failed"] == [1]


def test_senders_are_told_when_to_come_again(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise InboxFullError("The inbox is full.")

    def broken(*, is_full: bool) -> Callable[..., Future[None]]:
        def put(*_: Any, **__: Any) -> Future[None]:
            done: Future[None] = Future()
            done.set_exception(InboxError("inbox.db cannot be written.", is_full=is_full))
            return done

        return put

    body = {"api_key": ours.key, "batch": [captured(1)]}
    for instead, status in (
        (full, 429), (broken(is_full=True), 507), (broken(is_full=False), 503),
    ):
        monkeypatch.setattr(Inbox, "put", instead)
        answer = ours.client.post("/batch/", json=body)
        assert answer.status_code == status
        assert int(answer.headers["Retry-After"]) > 0
    monkeypatch.undo()
    assert ours.client.post("/batch/", json=body).status_code == 200


def test_pages_do_not_wait_for_a_drain(ours: Ours) -> None:
    # Whoever refreshes holds this lock for as long as it takes; a drain does without it.
    ours.post("/v1/batch", {"batch": [track(1)]})
    done: list[int] = []
    with ours.company.lock:
        thread = threading.Thread(target=lambda: done.append(ours.company.events.bring().requests))
        thread.start()
        thread.join(timeout=120)
    assert done == [1]


def test_commands_bring_events_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from staycurve.interfaces.cli.app import app
    from staycurve.sources.sent import segment
    from staycurve.sources.sent.facts import Facts

    with made(tmp_path / "project") as company:
        facts = Facts()
        segment.tell_all([track(1), 7], facts, received_at=NOW, sent_at=None)
        company.events.put(
            facts, dialect="segment", received_at=NOW.isoformat()
        ).result(timeout=30)
    app(["--project", str(tmp_path / "project"), "sync"], standalone_mode=False)
    assert "events over HTTP: accepted 1, replaced 0, rejected 1" in capsys.readouterr().out
    with Company(tmp_path / "project", clock=lambda: NOW) as company:
        assert not company.is_due()
