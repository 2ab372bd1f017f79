"""Doors: every address as the SDKs use it, what is refused, and what is rejected one by one."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from starlette.datastructures import Headers

from staycurve.interfaces.ingest import bodies, gate
from tests.ingest.conftest import NOW, Ours, asked, made

AT = "2026-11-20T11:00:00.000Z"


def track(number: int, **more: Any) -> dict[str, Any]:
    return {
        "type": "track", "messageId": f"m{number}", "userId": "u1", "event": "Used",
        "timestamp": AT, **more,
    }


def captured(number: int, **more: Any) -> dict[str, Any]:
    uuid = f"00000000-0000-4000-8000-{number:012}"
    return {"event": "Used", "uuid": uuid, "distinct_id": "u1", "timestamp": AT, **more}


def test_segments_calls_alone(ours: Ours) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("/v1/track", {"event": "Used", "properties": {"size": 3}}),
        ("/t", {"event": "Used"}),
        ("/v1/page", {"name": "Pricing"}),
        ("/p", {"name": "Pricing"}),
        ("/v1/screen", {"name": "Start"}),
        ("/v1/group", {"groupId": "acme", "traits": {"industry": "EdTech"}}),
        ("/g", {"groupId": "acme", "traits": {"seats": 7}}),
        ("/v1/identify", {"anonymousId": "a1", "traits": {"role": "admin"}}),
        ("/i", {"anonymousId": "a1", "traits": {"team": "blue"}}),
        ("/v1/alias", {"previousId": "old"}),
        ("/a", {"previousId": "older"}),
    ]
    for number, (path, body) in enumerate(calls):
        answer = ours.post(path, {"userId": "u1", "messageId": f"m{number}", **body})
        assert (answer.status_code, answer.json()) == (200, {"success": True, "rejected": 0})
    assert ours.rows("SELECT event_id, event, user_id FROM events ORDER BY event_id") == [
        ("m0", "Used", "u1"), ("m1", "Used", "u1"), ("m2", "$pageview", "u1"),
        ("m3", "$pageview", "u1"), ("m4", "$screen", "u1"),
    ]
    assert ours.rows(
        "SELECT account_id, role, json_extract_string(attributes, '$.team') FROM users"
    ) == [("acme", "admin", "blue")]
    assert ours.rows(
        "SELECT industry, json_extract_string(attributes, '$.seats') FROM accounts"
    ) == [("EdTech", "7")]
    assert ours.rows("SELECT alias, user_id FROM people ORDER BY alias") == [
        ("a1", "u1"), ("old", "u1"), ("older", "u1")
    ]
    assert ours.rows("SELECT properties FROM events WHERE event_id IN ('m0', 'm2') "
                     "ORDER BY event_id") == [('{"size":3}',), ('{"name":"Pricing"}',)]


@pytest.mark.parametrize("path", ["/batch/", "/batch", "/capture/", "/e/", "/i/v0/e/"])
def test_posthogs_addresses_take_batches_lists_and_single_events(ours: Ours, path: str) -> None:
    for body in (
        {"api_key": ours.key, "batch": [captured(1), captured(2)]},
        [captured(3, properties={"token": ours.key})],
        captured(4, api_key=ours.key),
        {"event": "Used", "api_key": ours.key, "properties": {"distinct_id": "u2"}},
    ):
        answer = ours.client.post(path, json=body)
        assert (answer.status_code, answer.json()) == (200, {"status": "Ok", "rejected": 0})
    assert ours.rows("SELECT user_id, COUNT(*) FROM events GROUP BY 1 ORDER BY 1") == [
        ("u1", 4), ("u2", 1)
    ]
    assert ours.rows("SELECT COUNT(*) FROM events WHERE properties LIKE '%sck_%'") == [(0,)]


def test_posthogs_newer_address_answers_event_by_event(ours: Ours) -> None:
    good, bad, odd = captured(1), captured(2, event=""), captured(3, properties={"a": "x\0y"})
    answer = ours.client.post(
        "/i/v1/analytics/events", json={"created_at": AT, "batch": [good, bad, odd]},
        headers={"Authorization": f"Bearer {ours.key}", "PostHog-Request-Timestamp": AT},
    )
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert {key: one["result"] for key, one in results.items()} == {
        good["uuid"]: "ok", bad["uuid"]: "drop", odd["uuid"]: "warning",
    }
    assert ours.rows("SELECT event_id FROM events ORDER BY event_id") == [
        (good["uuid"],), (odd["uuid"],)
    ]
    assert ours.rules() == ["has no name"]


def test_an_event_that_comes_again_is_one(ours: Ours) -> None:
    for _ in range(2):
        ours.post("/v1/batch", {"batch": [track(1), track(2)], "sentAt": AT})
        ours.company.events.bring()
    # The same after it was loaded, in another request, beside a new one.
    ours.post("/v1/batch", {"batch": [track(3), track(2)], "sentAt": "2026-11-20T11:30:00Z"})
    assert ours.rows("SELECT event_id FROM events ORDER BY 1") == [("m1",), ("m2",), ("m3",)]


def test_an_event_without_an_id_comes_again_as_itself(ours: Ours) -> None:
    sent = {"userId": "u1", "event": "Used", "timestamp": AT, "sentAt": AT}
    ours.post("/v1/track", sent)
    ours.post("/v1/track", {**sent, "sentAt": "2026-11-20T11:59:00Z"})
    ours.post("/v1/track", {**sent, "event": "Left"})
    assert ours.rows("SELECT event FROM events ORDER BY 1") == [("Left",), ("Used",)]


def test_a_clock_that_is_off_is_corrected_by_when_it_was_sent(ours: Ours) -> None:
    # Sent ten years ago by its clock, a minute after the event: a minute ago by ours.
    ours.post("/v1/batch", {"sentAt": "2016-01-01T00:01:00Z", "batch": [
        track(1, timestamp="2016-01-01T00:00:00Z"),
    ]})
    ours.client.post("/batch/", json={
        "api_key": ours.key, "sent_at": "2036-01-01T00:01:00Z",
        "batch": [captured(2, timestamp="2036-01-01T00:00:00Z")],
    })
    ours.client.post("/batch/", json={
        "api_key": ours.key, "sent_at": "2036-01-01T00:01:00Z", "historical_migration": True,
        "batch": [captured(3, timestamp="2024-01-01T00:00:00Z")],
    })
    ours.post("/v1/track", track(4, timestamp="2026-11-30T00:00:00Z"))
    ours.post("/v1/track", {**track(5), "timestamp": None})
    found = ours.rows("SELECT right(event_id, 1), CAST(occurred_at AS VARCHAR) FROM events "
                      "ORDER BY 1")
    assert found == [
        ("1", "2026-11-20 11:59:00"), ("2", "2026-11-20 11:59:00"),
        ("3", "2024-01-01 00:00:00"), ("5", "2026-11-20 12:00:00"),
    ]
    assert ours.rules() == ["lies in the future: the sender's clock runs ahead"]


BAD: list[tuple[Any, str]] = [
    (track(1, event="  "), "has no name"),
    (track(1, event=None), "has no name"),
    (track(1, event="x" * 201), "has a name of more than 200 letters"),
    (track(1, type="nix"), "has a type that is not known: nix"),
    (track(1, userId=None), "names neither userId nor anonymousId"),
    (track(1, userId=["u"]), "has an id that is no text"),
    (track(1, userId=1.5), "has an id that is a fraction"),
    (track(1, timestamp="yesterday"), "has a time that is no instant: yesterday"),
    (track(1, properties=[1]), "has properties that are no object"),
    (track(1, properties={"a": "x" * 33_000}), "is longer than 32,768 bytes"),
    (track(1, type="alias"), "names no previousId"),
    (track(1, type="group"), "names no groupId"),
    (track(1, type="identify", traits=7), "has traits that are no object"),
    (track(1, type="identify", traits={f"t{n}": 1 for n in range(201)}),
     "has more than 200 traits"),
    (7, "is no JSON object"),
    (None, "is no JSON object"),
]


def test_bad_events_are_rejected_one_by_one_and_their_neighbours_are_taken(ours: Ours) -> None:
    batch = [track(2), *(event for event, _ in BAD), track(3)]
    answer = ours.post("/v1/batch", {"batch": batch})
    assert (answer.status_code, answer.json()["rejected"]) == (200, len(BAD))
    assert ours.rows("SELECT event_id FROM events ORDER BY 1") == [("m2",), ("m3",)]
    assert ours.rules() == [rule for _, rule in BAD]


def test_nesting_nul_surrogates_and_long_integers(ours: Ours) -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    body = json.dumps({"batch": [
        track(1, properties={"deep": deep}),
        track(2, properties={"half": "\ud800"}),
        track(3, properties={"nul": "a\0b", "n\0": float("nan"), "long": 10**30}),
        track(4, userId=123456789012345678901234567890),
        track(5, userId=12345),
    ]})
    answer = ours.client.post(
        "/v1/batch", content=body, headers={"Authorization": f"Bearer {ours.key}"}
    )
    assert (answer.status_code, answer.json()["rejected"]) == (200, 2)
    assert ours.rows("SELECT event_id, user_id, properties FROM events ORDER BY 1") == [
        ("m3", "u1", '{"nul":"ab","n":null,"long":"' + "1" + "0" * 30 + '"}'),
        ("m4", "123456789012345678901234567890", "{}"), ("m5", "12345", "{}"),
    ]
    assert ours.rules() == [
        "is nested deeper than 32 levels",
        "holds half of a surrogate pair (\\ud800), which is no text",
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"), (b"{", "not_json"), (b"[" * 100_000, "not_json"),
        (b"\xff\xfe{}", "not_json"), (b"[]", "bad_body"), (b"7", "bad_body"),
        (b'{"batch": {}}', "bad_body"), (b'{"batch": null}', "bad_body"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_400(ours: Ours, body: bytes, code: str) -> None:
    headers = {"Authorization": f"Bearer {ours.key}"}
    answer = ours.client.post("/v1/batch", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_packed_bodies(ours: Ours) -> None:
    def body(number: int) -> bytes:
        return json.dumps({"api_key": ours.key, "batch": [captured(number)]}).encode()

    raw = zlib.compressobj(wbits=-15)
    packed = [
        (gzip.compress(body(1)), {"Content-Encoding": "gzip"}),
        (zlib.compress(body(2)), {"Content-Encoding": "deflate"}),
        (raw.compress(body(3)) + raw.flush(), {"Content-Encoding": "deflate"}),
        # As browsers send it: no encoding is named.
        (gzip.compress(body(4)), {"Content-Type": "text/plain"}),
        (b"data=" + base64.b64encode(body(5)).replace(b"+", b"%2B").replace(b"=", b"%3D"),
         {"Content-Type": "application/x-www-form-urlencoded"}),
    ]
    for content, headers in packed:
        assert ours.client.post("/e/", content=content, headers=headers).status_code == 200
    assert ours.rows("SELECT right(event_id, 1) FROM events ORDER BY 1") == [
        ("1",), ("2",), ("3",), ("4",), ("5",)
    ]


def test_bombs_and_broken_packages_are_refused(ours: Ours) -> None:
    headers = {"Authorization": f"Bearer {ours.key}", "Content-Encoding": "gzip"}
    whole = gzip.compress(b'{"batch": []}')
    for content, status in (
        (gzip.compress(b" " * 200_000_000), 413), (whole[:-9], 400), (b"no gzip", 400),
    ):
        answer = ours.client.post("/v1/batch", content=content, headers=headers)
        assert answer.status_code == status
    answer = ours.client.post("/v1/batch", content=b" " * (20 * 2**20 + 1), headers=headers)
    assert answer.status_code == 413
    answer = ours.client.post(
        "/v1/batch", content=whole, headers={**headers, "Content-Encoding": "compress"}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_no_more_of_a_bomb_is_unpacked_than_is_taken(encoding: str) -> None:
    plain = b" " * (10 * bodies.MOST_BODY)
    bomb = {
        "gzip": gzip.compress, "deflate": zlib.compress,
        "br": lambda body: pa.compress(body, codec="brotli", asbytes=True),
        "zstd": lambda body: pa.compress(body, codec="zstd", asbytes=True),
    }[encoding](plain)
    del plain
    tracemalloc.start()
    try:
        held = pa.total_allocated_bytes()
        with pytest.raises(bodies.RefusedError) as refused:
            bodies.unpacked(bomb, encoding)
        most = tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - held
    finally:
        tracemalloc.stop()
    assert refused.value.status == 413
    assert most < 3 * bodies.MOST_BODY


def test_ten_thousand_events_in_one_request(ours: Ours) -> None:
    answer = ours.post("/v1/batch", {"batch": [track(n) for n in range(10_000)]})
    assert answer.status_code == 200
    assert ours.rows("SELECT COUNT(*) FROM events") == [(10_000,)]


def test_keys_that_open_nothing(ours: Ours) -> None:
    body = {"batch": [track(1)]}
    for key in ("", "sck_00000000_x", ours.key + "x"):
        answer = ours.client.post("/v1/batch", json={**body, "writeKey": key})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "bad_key")
    assert ours.client.post("/v1/batch", json={**body, "writeKey": ours.key}).status_code == 200
    # No request waits until that is kept.
    until = time.monotonic() + 30
    while True:
        (used,) = ours.company.state.known_keys()
        if used.last_used_at is not None or time.monotonic() > until:
            break
        time.sleep(0.01)
    assert used.last_used_at == NOW


def test_the_origins_of_pages_that_may_send(tmp_path: Path) -> None:
    toml = '\n[ingest]\norigins = ["https://app.example.com"]\n'
    with asked(made(tmp_path / "project", toml)) as ours:
        page = {"Origin": "https://app.example.com"}
        asks = {**page, "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type,posthog-sdk-info"}
        answer = ours.client.options("/v1/t", headers=asks)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        assert answer.headers["access-control-allow-headers"] == "content-type,posthog-sdk-info"
        answer = ours.post("/v1/t", track(1), **page)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        answer = ours.post("/v1/t", track(2), Origin="https://elsewhere.example")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_origin")
        assert "access-control-allow-origin" not in answer.headers
        assert ours.rows("SELECT event_id FROM events") == [("m1",)]


def test_other_addresses_and_methods_go_to_the_pages(ours: Ours) -> None:
    assert ours.client.get("/v1/track").status_code == 404
    assert ours.client.post("/s/token", json={}).status_code in (404, 405)
    assert ours.client.get("/healthz").status_code == 200


def run(what: Coroutine[Any, Any, Any]) -> Any:
    """What it gives; in a thread of its own, for a browser's tests leave a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, what).result()


def test_a_client_that_never_finishes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.05)

    async def never() -> Any:
        await asyncio.Event().wait()

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    for receive, status in ((never, 408), (gone, 400)):
        with pytest.raises(bodies.RefusedError) as refused:
            run(bodies.read_body(receive, Headers()))
        assert refused.value.status == status


def test_more_at_once_than_is_read_waits(ours: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MOST_AT_ONCE", 0)
    found = gate.Gate(ours.client.app, ours.company)
    found._reading = 1

    async def ask() -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/v1/batch", "headers": []}
        await found(scope, send, send)
        return sent

    start, _ = run(ask())
    assert start["status"] == 429
    assert int(dict(start["headers"])[b"retry-after"]) > 0
