"""Readers that do not wait for one another, see one snapshot, and have a time limit."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from staycurve.errors import TooSlowError
from staycurve.interfaces.api import comparing
from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company, asking
from staycurve.workspace.cache import Cache
from tests.company import NOW, create, load

LONG = "SELECT COUNT(*) FROM range(10000000) a, range(10000000) b WHERE a.range % 7 = b.range % 5"
ACCOUNTS = [{"account_id": "a1", "created_at": "2024-01-01"}]
PATIENCE = 60
"""Seconds after which a test fails rather than hangs."""


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Company]:
    with create(tmp_path / "project") as company:
        company.readers.size = 3
        yield company


@contextmanager
def busy(company: Company) -> Iterator[None]:
    """Somebody holds a reader meanwhile."""
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with company.reading():
            taken.set()
            done.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        assert taken.wait(PATIENCE)
        try:
            yield
        finally:
            done.set()
            held.result(PATIENCE)


def test_two_readers_finish_while_a_third_is_busy(one: Company) -> None:
    met = threading.Barrier(2)

    def ask(number: int) -> int:
        with one.reading() as engine:
            met.wait(PATIENCE)
            engine.keep("mine", f"SELECT {number} AS n")
            met.wait(PATIENCE)
            return int(engine.value("SELECT n FROM mine"))

    with busy(one), ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(ask, number) for number in (1, 2)]
        assert [answer.result(PATIENCE) for answer in answers] == [1, 2]


def test_health_is_answered_while_every_reader_is_busy(one: Company) -> None:
    one.readers.size = 1
    client = TestClient(create_app(one))
    with busy(one):
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").status_code == 200


def test_a_question_over_its_time_is_stopped_and_the_reader_lives_on(one: Company) -> None:
    one.readers.size = 1
    limit, error = asking.asking(0.01), pytest.raises(TooSlowError, match=r"0\.01 s")
    with limit, error, one.reading() as engine:
        engine.value(LONG)
    with one.reading() as engine:
        assert engine.value("SELECT COUNT(*) FROM accounts") == 0


def test_waiting_for_a_reader_counts_as_time(one: Company) -> None:
    one.readers.size = 1
    with busy(one), asking.asking(0.01), pytest.raises(TooSlowError), one.reading():
        pass


def test_too_slow_over_http(one: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAYCURVE_TIME_LIMIT", "0.01")
    one.readers.size = 1
    client = TestClient(create_app(one))
    with busy(one):
        answer = client.get("/api/v1/metrics/mrr")
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "too_slow"
    assert "narrower range" in answer.json()["error"]["hint"]


def test_other_conventions_are_stopped_over_their_time(one: Company) -> None:
    limit, error = asking.asking(0.05), pytest.raises(TooSlowError, match=r"0\.05 s")
    with limit, error, one.ledgers() as ledgers:
        ledgers.engine.value(LONG)


@pytest.mark.parametrize("path", ["/api/v1/switches", "/api/v1/reconcile?against=stripe"])
def test_waiting_for_other_conventions_counts_as_time(
    one: Company, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    load(one, {"accounts": ACCOUNTS})
    monkeypatch.setenv("STAYCURVE_TIME_LIMIT", "0.05")
    client = TestClient(create_app(one))
    with comparing._ONE:
        answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "too_slow")


def test_a_request_sees_one_snapshot_while_a_load_runs(one: Company) -> None:
    count = "SELECT COUNT(*) FROM accounts"
    with asking.asking():
        first = one.snapshot.seq
        with ThreadPoolExecutor(1) as pool:
            pool.submit(load, one, {"accounts": ACCOUNTS}).result(PATIENCE)
        with one.reading() as engine:
            assert engine.value(count) == 0
        assert one.snapshot.seq == first
    assert one.snapshot.seq > first
    with one.reading() as engine:
        assert engine.value(count) == 1


def test_the_same_question_at_once_is_computed_once() -> None:
    cache: Cache[int] = Cache(2)
    began, go, made = threading.Event(), threading.Event(), []

    def make() -> int:
        made.append(1)
        began.set()
        go.wait(PATIENCE)
        return 7

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, "key", make)
        assert began.wait(PATIENCE)
        second = pool.submit(cache.get, "key", make)
        go.set()
        assert (first.result(PATIENCE), second.result(PATIENCE)) == (7, 7)
    assert len(made) == 1


def test_an_error_is_not_kept() -> None:
    cache: Cache[int] = Cache(2)

    def fail() -> int:
        raise TooSlowError("No.", hint="Ask again.")

    with pytest.raises(TooSlowError):
        cache.get("key", fail)
    assert cache.get("key", lambda: 7) == 7


def test_earlier_instants_do_not_share_a_clock(one: Company) -> None:
    load(one, {"accounts": ACCOUNTS})
    one.clock = lambda: NOW + dt.timedelta(days=2)
    early, late = one.known_at("2026-11-22T01:00:00Z"), one.known_at("2026-11-23T00:00:00Z")
    assert early.clock() == dt.datetime(2026, 11, 22, 1, tzinfo=dt.UTC)
    assert late.clock() == dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
