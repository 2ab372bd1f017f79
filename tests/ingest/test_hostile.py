"""Bad input over real HTTP, to a server that runs: it goes on, and takes all that is good.

The events of each test come in a batch with a good one before and after: both are in the lake, what
is bad is listed with its reason, and the server answers.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from staycurve.state.keys import SCOPES
from staycurve.workspace import Company
from tests.ingest.conftest import Server, serving

HURRIED = (
    "import staycurve.interfaces.api.patience as a, staycurve.interfaces.ingest.bodies as b\n"
    "a.HEAD = b.SECONDS = 1.0"
)
"""Seconds that a client has: a test is not to wait for half a minute."""
BOMB = 30_000_000


class Sent:
    """What one test sends to the server, in events of a name of its own."""

    def __init__(self, server: Server, key: str, name: str) -> None:
        self.server, self.key, self.name = server, key, name

    def event(self, number: int | str, **more: Any) -> dict[str, Any]:
        return {
            "type": "track", "messageId": f"{self.name}-{number}", "event": self.name,
            "userId": f"user of {self.name}", "timestamp": now().isoformat(), **more,
        }

    def post(self, content: Any, path: str = "/v1/batch", **headers: str) -> httpx.Response:
        """Send bytes, text, or events as a batch."""
        if isinstance(content, list):
            # As Python's own clients write it: NaN and halves of surrogate pairs included.
            content = json.dumps({"batch": content}).encode()
        return httpx.post(
            self.server.address + path, content=content, timeout=120,
            headers={"Authorization": f"Bearer {self.key}", **headers},
        )

    def beside_good(self, *bad: Any) -> list[str]:
        """Send it between two good events, both of which are taken; the rules of what is bad."""
        answer = self.post([self.event("before"), *bad, self.event("after")])
        assert answer.status_code == 200
        with opened(self.server) as company:
            rules = [str(row["rule"]) for row in company.rejects()
                     if f"user of {self.name}" in str(row["value"])]
            with company.reading() as engine:
                found = engine.rows(f"SELECT event_id FROM events WHERE event = '{self.name}'")
        assert {(f"{self.name}-before",), (f"{self.name}-after",)} <= set(found)
        assert answer.json()["rejected"] == len(rules)
        return rules

    def loaded(self, column: str = "event_id") -> list[Any]:
        """Of the events of this test, once all that waits is in."""
        return [row[0] for row in rows(
            self.server, f"SELECT {column} FROM events WHERE event = '{self.name}' "
            "ORDER BY event_id"
        )]

    def rejected(self) -> list[tuple[str, str]]:
        with opened(self.server) as company:
            return [(str(row["value"]), str(row["rule"])) for row in company.rejects()]


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@contextlib.contextmanager
def opened(server: Server) -> Iterator[Company]:
    with Company(server.folder, clock=now) as company:
        # The server may have loaded it, and not refreshed yet.
        company.events.bring(is_owed=True)
        yield company


def rows(server: Server, sql: str) -> list[Any]:
    with opened(server) as company, company.reading() as engine:
        return engine.rows(sql)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("hostile") / "project"
    Company.create(folder, name="Test", currency="USD", timezone="UTC")
    with serving(folder, before=HURRIED) as found:
        yield found


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    with Company(server.folder, clock=now) as company:
        return company.state.create_key("ingest")[1]


@pytest.fixture
def sent(server: Server, key: str, request: pytest.FixtureRequest) -> Iterator[Sent]:
    yield Sent(server, key, request.node.name.partition("[")[0].removeprefix("test_"))
    assert httpx.get(f"{server.address}/healthz", timeout=60).status_code == 200


@pytest.mark.parametrize("body", [b"", b"no json", b"{", b"[" * 200_000, b"\xff\xfe", b"\0", b"7"])
def test_no_json(sent: Sent, body: bytes) -> None:
    assert sent.post(body).status_code == 400


def test_bomb(sent: Sent) -> None:
    bomb = gzip.compress(b'{"batch": [' + b" " * BOMB + b"]}")
    assert len(bomb) < 150_000
    for encoding in ("gzip", ""):
        answer = sent.post(bomb, **{"Content-Encoding": encoding} if encoding else {})
        assert answer.status_code == 413


def test_ten_thousand(sent: Sent) -> None:
    events: list[Any] = [sent.event(n) for n in range(10_000)]
    events[5000] = {**events[5000], "event": None}
    answer = sent.post(events)
    assert (answer.status_code, answer.json()) == (200, {"success": True, "rejected": 1})
    assert len(sent.loaded()) == 9_999


def test_nesting(sent: Sent) -> None:
    deep: Any = 1
    for _ in range(200):
        deep = {"a": [deep]}
    bad = sent.event(1, properties=deep)
    assert sent.beside_good(bad) == ["is nested deeper than 32 levels"]


def test_abyss(sent: Sent) -> None:
    """Deeper than any reader goes: of the batch, that event alone is lost."""
    deep = '{"a":["]}\\"",' * 20_000 + "1" + "]}" * 20_000
    events = [json.dumps(sent.event(name)) for name in ("before", "after")]
    bad = json.dumps(sent.event(1, properties="…")).replace('"\\u2026"', deep)
    body = f'{{"batch": [{events[0]}, {bad}, {events[1]}]}}'
    answer = sent.post(body.encode())
    assert (answer.status_code, answer.json()["rejected"]) == (200, 1)
    assert sent.loaded() == ["abyss-after", "abyss-before"]
    assert "is nested deeper than 32 levels" in [
        rule for row, rule in sent.rejected() if "user of abyss" in row
    ]


def test_nul(sent: Sent) -> None:
    assert sent.beside_good(sent.event(1, properties={"a\0": "x\0y"}, userId="u\0")) == []
    assert sent.loaded("user_id || ' ' || properties")[0] == 'u {"a":"xy"}'


def test_surrogates(sent: Sent) -> None:
    rule = "holds half of a surrogate pair ({}), which is no text"
    assert sent.beside_good(
        sent.event(1, properties={"a": "\ud800"}), sent.event(2, properties={"\udfff": 1}),
    ) == [rule.format("\\ud800"), rule.format("\\udfff")]


def test_long_integers(sent: Sent) -> None:
    long = 10**30
    assert sent.beside_good(sent.event(1, properties={"a": long, "b": 2**63 - 1})) == []
    assert sent.loaded("properties")[0] == f'{{"a":"{long}","b":{2**63 - 1}}}'


def test_no_numbers(sent: Sent) -> None:
    odd = {"a": float("nan"), "b": float("inf"), "c": float("-inf")}
    assert sent.beside_good(sent.event(1, properties=odd)) == []
    assert sent.loaded("properties")[0] == '{"a":null,"b":null,"c":null}'


def test_clocks(sent: Sent) -> None:
    # Without a word of when it was sent, a clock cannot be corrected.
    assert sent.beside_good(
        sent.event(1, timestamp="2039-01-01T00:00:00Z"),
        sent.event(2, timestamp="1970-01-01T00:00:00Z"),
        sent.event(3, timestamp="9999-12-31T23:59:59Z", sentAt="2000-01-01T00:00:00Z"),
        sent.event(4, timestamp=10**20), sent.event(5, timestamp="yesterday"),
    )[-3:] == [
        "has a time beyond every calendar: 9999-12-31T23:59:59Z",
        "has a time that is no instant: 100000000000000000000",
        "has a time that is no instant: yesterday",
    ]
    rules = [rule for _, rule in sent.rejected()]
    assert "lies in the future: the sender's clock runs ahead" in rules
    assert "lies before 2000: a clock that was not set" in rules
    # Ten years ago by its clock, a minute before it was sent.
    body = {"sentAt": "2015-01-01T00:01:00Z", "batch": [
        sent.event(6, timestamp="2015-01-01T00:00:00Z")
    ]}
    assert sent.post(json.dumps(body).encode()).status_code == 200
    (at,) = rows(sent.server, "SELECT occurred_at FROM events WHERE event_id = 'clocks-6'")[0]
    assert abs(now().replace(tzinfo=None) - at - dt.timedelta(minutes=1)).total_seconds() < 120


def test_keys(sent: Sent, tmp_path: Path) -> None:
    def status(key: str) -> int:
        body = {"writeKey": key, "batch": [sent.event(key[:20])]}
        answer = httpx.post(f"{sent.server.address}/v1/batch", json=body, timeout=60)
        if answer.status_code != 200:
            assert answer.json()["error"]["code"] == "bad_key"
        return answer.status_code

    Company.create(tmp_path / "other", name="Other", currency="USD", timezone="UTC")
    with Company(tmp_path / "other", clock=now) as other:
        foreign = other.state.create_key("ingest")[1]
    with Company(sent.server.folder, clock=now) as company:
        scopes = {scope: company.state.create_key(scope)[1] for scope in SCOPES}
        revoked = company.state.create_key("ingest")
        company.state.revoke_key(revoked[0].prefix)
    assert len(scopes) > 1
    assert {scope: status(one) for scope, one in scopes.items()} == {
        scope: 200 if scope == "ingest" else 401 for scope in scopes
    }
    for one in (foreign, revoked[1], "", "sck_", "é", "x" * 5000):
        assert status(one) == 401
    assert len(sent.loaded()) == 1


@pytest.mark.parametrize("begun", [
    b"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nX-Slow:",
    b"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
    b"POST /v1/batch HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    b"",
])
def test_slow(sent: Sent, begun: bytes) -> None:
    host, _, port = sent.server.address.partition("://")[2].partition(":")
    with contextlib.ExitStack() as stack:
        # More of them than a server has threads, and the others are answered meanwhile.
        slow = [
            stack.enter_context(socket.create_connection((host, int(port)), timeout=60))
            for _ in range(60)
        ]
        for one in slow:
            one.sendall(begun)
        assert sent.post([sent.event(len(begun))]).status_code == 200
        for one in slow:
            found = b""
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                while part := one.recv(1000):
                    found += part
            assert found == b"" or found.startswith(b"HTTP/1.1 408")
    assert f"slow-{len(begun)}" in sent.loaded()


def test_circle(sent: Sent) -> None:
    def alias(one: str, other: str) -> dict[str, Any]:
        return {"type": "alias", "messageId": f"{one}{other}", "previousId": one, "userId": other}

    chain = [alias("c1", "c2"), alias("c2", "c3"), alias("c3", "c1"), alias("c1", "c1")]
    uses = [sent.event(f"c{n}", userId=f"c{n}") for n in (1, 2, 3)]
    assert sent.beside_good(*uses, *chain) == []
    people = rows(sent.server, "SELECT DISTINCT user_id FROM usage_days WHERE feature = 'circle'")
    assert len(people) == 2
    assert (f"user of {sent.name}",) in people


def test_two(sent: Sent) -> None:
    """One browser, and two people who sign in on it one after the other."""
    def identify(user: str, hour: int) -> dict[str, Any]:
        at = (now() - dt.timedelta(hours=hour)).isoformat()
        return {"type": "identify", "messageId": f"two {user}", "userId": user,
                "anonymousId": "shared", "timestamp": at}

    answer = sent.post([
        sent.event("before"), identify("first", 3), identify("second", 1),
        sent.event("visit", userId=None, anonymousId="shared"),
    ])
    assert answer.status_code == 200
    assert rows(sent.server, "SELECT user_id FROM identities WHERE alias = 'shared'") == [
        ("first",)
    ]
    (rule,) = [rule for row, rule in sent.rejected() if "shared" in row]
    assert rule.startswith("is first's since ")
    assert rows(
        sent.server, "SELECT user_id FROM usage_days WHERE feature = 'two' AND user_id = 'first'"
    ) == [("first",)]


def test_a_page_counts_an_event_by_itself(sent: Sent) -> None:
    """No command is typed: what is sent is in an answer and on a page within a minute."""
    sent.post(json.dumps({"userId": "p", "groupId": "acme"}).encode(), "/v1/group")
    sent.post([sent.event(n, userId="p") for n in (1, 2)])
    until = time.monotonic() + 120

    def asked(path: str) -> httpx.Response:
        return httpx.get(sent.server.address + path, params={"event": sent.name}, timeout=120)

    def is_counted() -> bool:
        totals = asked("/api/v1/usage/trends").json().get("totals")
        return bool(totals) and totals[0]["times"] == 2

    while not is_counted():
        assert time.monotonic() < until
        time.sleep(0.2)
    page = asked("/usage")
    assert page.status_code == 200
    assert sent.name in page.text
