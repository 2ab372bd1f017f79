"""A question whose client goes away is stopped, unless somebody else waits for its answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message

from staycurve.errors import ClientGoneError
from staycurve.interfaces.api.app import create_app
from staycurve.tables.duckdb_engine import Engine
from staycurve.workspace import Company, asking
from staycurve.workspace.asking import Asking
from staycurve.workspace.cache import Cache
from tests.api.made_up import BEGAN, LONG
from tests.company import create

PATIENCE = 60
"""Seconds after which a test fails rather than hangs."""


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Company]:
    with create(tmp_path / "project") as company:
        company.readers.size = 1
        yield company


async def leave(
    app: FastAPI, path: str, when: Callable[[], object], body: bytes = b""
) -> list[Message]:
    """Ask `path`, go away after `when`, and give back what was sent nevertheless."""
    sent: list[Message] = []
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.to_thread(when)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
        "method": "POST" if body else "GET",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [
            (b"host", b"testserver"), (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ],
        "scheme": "http", "server": ("testserver", 80),
        "client": ("testclient", 50000),
    }
    await asyncio.wait_for(app(scope, receive, send), PATIENCE)
    return sent


def left(
    app: FastAPI, path: str, when: Callable[[], object], body: bytes = b""
) -> list[Message]:
    """What `leave` gives back, from a thread of its own: a browser's tests in the same process
    keep a loop running in theirs."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, leave(app, path, when, body)).result()


def test_its_statement_is_stopped_and_the_engine_is_whole_again(
    one: Company, made_up: None
) -> None:
    app = create_app(one)
    BEGAN.clear()
    sent = left(app, "/api/v1/weather/long", lambda: BEGAN.wait(PATIENCE))
    assert BEGAN.is_set()
    assert sent[0]["status"] == 499
    with one.reading() as engine:
        assert isinstance(engine, Engine)
        assert engine.value("SELECT COUNT(*) FROM accounts") == 0
    assert TestClient(app).get("/api/v1/metrics/mrr").status_code == 200


def test_who_waits_for_a_reader_waits_no_longer(one: Company, made_up: None) -> None:
    app = create_app(one)
    with one.reading():
        sent = left(app, "/api/v1/cohorts/history", lambda: None)
    assert sent[0]["status"] == 499
    assert TestClient(app).get("/api/v1/cohorts/history").status_code == 200


def test_a_page_is_stopped_too(one: Company) -> None:
    app = create_app(one)
    with one.reading():
        sent = left(app, "/cohorts.json", lambda: None)
    assert sent[0]["status"] == 499
    assert TestClient(app).get("/cohorts.json").status_code == 200


def test_what_changes_something_goes_on_to_its_end(one: Company) -> None:
    note = b'{"day": "2024-05-01", "text": "A price list"}'
    sent = left(create_app(one), "/api/v1/annotations", lambda: None, note)
    assert sent[0]["status"] == 201
    assert [kept.text for kept in one.state.annotations()] == ["A price list"]


class Shared:
    """One answer that two requests ask for at the same time, each in a thread of its own."""

    def __init__(self, one: Company) -> None:
        self.one = one
        self.cache: Cache[int] = Cache(0)
        self.began, self.go, self.waits = threading.Event(), threading.Event(), threading.Event()
        self.made = 0
        self.askings: list[Asking] = []
        self.pool = ThreadPoolExecutor(2)

    def ask(self, waits: threading.Event | None = None) -> Future[int]:
        return self.pool.submit(self._ask, waits)

    def _ask(self, waits: threading.Event | None) -> int:
        with asking.asking() as asked:
            self.askings.append(asked)
            if waits is not None:
                enter = asked.stopped_by

                def told(stop: asking.Stop):  # type: ignore[no-untyped-def]
                    waits.set()
                    return enter(stop)

                asked.stopped_by = told  # type: ignore[method-assign]
            return self.cache.get("key", self.make)

    def make(self) -> int:
        self.made += 1
        with self.one.reading() as engine:
            self.began.set()
            assert self.go.wait(PATIENCE)
            return int(engine.value(LONG if self.is_long else "SELECT 7"))

    is_long = False


@pytest.fixture
def shared(one: Company) -> Iterator[Shared]:
    found = Shared(one)
    yield found
    found.go.set()
    found.pool.shutdown()


def test_the_first_may_leave_while_another_waits(shared: Shared) -> None:
    first = shared.ask()
    assert shared.began.wait(PATIENCE)
    second = shared.ask(shared.waits)
    assert shared.waits.wait(PATIENCE)
    shared.askings[0].leave()
    shared.go.set()
    assert second.result(PATIENCE) == 7
    assert first.result(PATIENCE) == 7
    assert shared.made == 1


def test_who_waits_may_leave_while_the_first_goes_on(shared: Shared) -> None:
    first = shared.ask()
    assert shared.began.wait(PATIENCE)
    second = shared.ask(shared.waits)
    assert shared.waits.wait(PATIENCE)
    shared.askings[1].leave()
    with pytest.raises(ClientGoneError):
        second.result(PATIENCE)
    shared.go.set()
    assert first.result(PATIENCE) == 7


def test_when_both_have_left_it_is_stopped(shared: Shared, one: Company) -> None:
    shared.is_long = True
    first = shared.ask()
    assert shared.began.wait(PATIENCE)
    second = shared.ask(shared.waits)
    assert shared.waits.wait(PATIENCE)
    shared.go.set()
    for asked in shared.askings:
        asked.leave()
    for found in (first, second):
        with pytest.raises(ClientGoneError):
            found.result(PATIENCE)
    with one.reading() as engine:
        assert engine.value("SELECT 7") == 7


def test_who_comes_after_it_was_stopped_gets_an_answer(shared: Shared) -> None:
    first = shared.ask()
    assert shared.began.wait(PATIENCE)
    shared.askings[0].leave()
    second = shared.ask(shared.waits)
    assert shared.waits.wait(PATIENCE)
    shared.go.set()
    with pytest.raises(ClientGoneError):
        first.result(PATIENCE)
    assert second.result(PATIENCE) == 7
    assert shared.made == 2


def test_what_is_stopped_while_its_rows_are_fetched_says_why(one: Company) -> None:
    with one.reading() as engine:
        assert isinstance(engine, Engine)
        pieces = engine.batches("SELECT range FROM range(10000000)", size=10)
        assert next(pieces)
        engine.stop(asking.nobody_waits())
        with pytest.raises(ClientGoneError):
            list(pieces)
        engine.resume()
        assert engine.value("SELECT 7") == 7
