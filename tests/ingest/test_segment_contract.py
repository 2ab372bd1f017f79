"""Segment's tracking API, line by line: docs/explanation/events-over-http.md lists it.

References
----------
segment.com/docs/connections/sources/catalog/libraries/server/http-api, and "Spec".
"""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.ingest.conftest import Ours
from tests.ingest.test_doors import track


def seen(ours: Ours) -> list[Any]:
    return ours.rows(
        "SELECT event_id, user_id, anonymous_id, CAST(occurred_at AS VARCHAR) FROM events "
        "ORDER BY event_id"
    )


def test_every_place_in_which_a_key_stands_and_no_event_keeps_one(ours: Ours) -> None:
    pair = base64.b64encode(f"{ours.key}:".encode()).decode()
    alone = base64.b64encode(ours.key.encode()).decode()
    for number, (headers, more) in enumerate([
        ({"Authorization": f"Basic {pair}"}, {}), ({"Authorization": f"Basic {alone}"}, {}),
        ({"Authorization": f"Bearer {ours.key}"}, {}), ({}, {"writeKey": ours.key}),
    ]):
        for path, body in (
            ("/v1/track", {**track(number), **more}),
            ("/v1/batch", {"batch": [track(10 + number)], **more}),
            ("/v1/batch", {"batch": [{**track(20 + number), **more}]}),
        ):
            answer = ours.client.post(path, json=body, headers=headers)
            assert answer.status_code == 200, (path, headers)
            assert answer.json()["success"] is True
    assert len(seen(ours)) == 12
    assert ours.rows("SELECT DISTINCT properties FROM events") == [("{}",)]


def test_content_types_of_servers_and_of_browsers(ours: Ours) -> None:
    for number, kind in enumerate([
        "application/json", "application/json; charset=utf-8", "text/plain;charset=UTF-8", "",
    ]):
        answer = ours.client.post(
            "/t", content=json.dumps({**track(number), "writeKey": ours.key}),
            headers={"Content-Type": kind} if kind else {},
        )
        assert answer.status_code == 200, kind
    assert len(seen(ours)) == 4


def test_times_by_the_senders_clock_whatever_it_says(ours: Ours) -> None:
    # Its clock is an hour behind: it says that it sends at 11:00, and it is noon.
    sent = "2026-11-20T11:00:00.000Z"
    at = "2026-11-20T10:30:00.000Z"
    ours.post("/v1/batch", {"sentAt": sent, "batch": [
        track(1, timestamp=at), track(2, timestamp=None, originalTimestamp=at),
        track(3, timestamp=at, originalTimestamp="2020-01-01T00:00:00Z"),
        # What the batch says goes before what an event says.
        track(4, timestamp=at, sentAt="2026-11-20T09:00:00Z"),
    ]})
    ours.post("/v1/batch", {"batch": [track(5, timestamp=at), track(6, timestamp=at, sentAt=sent)]})
    for number, odd in ((7, "yesterday"), (8, None), (9, {"a": 1}), (10, "")):
        ours.post("/v1/track", track(number, timestamp=at, sentAt=odd))
    ours.post("/v1/import", {"sentAt": sent, "batch": [track(11, timestamp=at, sentAt=sent)]})
    assert {row[0]: row[3][11:] for row in seen(ours)} == {
        **dict.fromkeys(("m1", "m2", "m3", "m4", "m6"), "11:30:00"),
        **dict.fromkeys(("m5", "m7", "m8", "m9", "m10", "m11"), "10:30:00"),
    }
    assert ours.rules() == []


def test_who_did_it_and_events_without_an_id(ours: Ours) -> None:
    ours.post("/v1/batch", {"batch": [
        {**track(1), "userId": None, "anonymousId": "a1"},
        {**track(2), "userId": "", "anonymousId": "a2"},
        {**track(3), "anonymousId": None},
        {**track(4), "messageId": None}, {**track(4), "messageId": None},
        {**track(5), "userId": None}, {**track(6), "userId": "  "},
    ]})
    found = seen(ours)
    assert [row[:3] for row in found if row[0] in ("m1", "m2", "m3")] == [
        ("m1", None, "a1"), ("m2", None, "a2"), ("m3", "u1", None)
    ]
    # The same content comes again: one event, by an id that is made of it.
    assert len(found) == 4
    assert ours.rules() == ["names neither userId nor anonymousId"] * 2


def test_alias_joins_the_former_id_and_an_id_that_is_none_joins_nobody(ours: Ours) -> None:
    def alias(number: int, **more: Any) -> dict[str, Any]:
        return {"type": "alias", "messageId": f"a{number}", **more}

    ours.post("/v1/batch", {"batch": [
        alias(1, previousId="old", userId="ann"),
        alias(2, previousId="visit", anonymousId="later"),
        alias(3, previousId="undefined", userId="ben"), alias(4, userId="cid"),
        track(5, userId="dan", anonymousId="null"),
    ]})
    assert ours.rows("SELECT alias, user_id FROM identities ORDER BY 1") == [
        ("old", "ann"), ("visit", "later")
    ]
    assert ours.rules() == ["joins an id that is nobody's: undefined", "names no previousId"]
    assert [row[1] for row in seen(ours)] == ["dan"]


def test_context_of_an_event_and_of_its_batch(ours: Ours) -> None:
    ours.post("/v1/group", {"userId": "u1", "groupId": "acme", "messageId": "g"})
    library = {"name": "analytics-python", "version": "2.4"}
    ours.post("/v1/batch", {
        "context": {"library": library, "groupId": "acme"}, "integrations": {"All": False},
        "batch": [
            track(1, integrations={"Other": True}),
            track(2, context={"page": {"path": "/a"}, "ip": "10.0.0.1", "traits": {"a": 1}}),
        ],
    })
    found = ours.rows("SELECT account_id, properties FROM events ORDER BY event_id")
    assert [row[0] for row in found] == ["acme", "acme"]
    contexts = [json.loads(row[1])["context"] for row in found]
    assert contexts == [
        {"library": library, "groupId": "acme"},
        # An address is personal, and traits are kept where they belong.
        {"library": library, "groupId": "acme", "page": {"path": "/a"}},
    ]


def test_an_event_may_have_32_kib_and_a_batch_more_than_segments(ours: Ours) -> None:
    def long(number: int, size: int) -> dict[str, Any]:
        event = track(number, properties={"a": ""})
        plain = len(json.dumps(event, separators=(",", ":")))
        event["properties"]["a"] = "x" * (size - plain)
        return event

    answer = ours.post("/v1/batch", {"batch": [
        long(1, 32 * 1024), long(2, 32 * 1024 + 1), *(long(n, 30_000) for n in range(3, 43)),
    ]})
    assert (answer.status_code, answer.json()["rejected"]) == (200, 1)
    assert len(seen(ours)) == 41
    assert ours.rules() == ["is longer than 32,768 bytes"]
