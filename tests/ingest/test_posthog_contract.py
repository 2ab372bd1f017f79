"""PostHog's capture contract, line by line: docs/explanation/events-over-http.md lists it.

References
----------
github.com/PostHog/posthog-sdk-test-harness: contracts/*.yaml, and what its server answers.
"""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest

from staycurve.sources.inbox import Inbox, InboxError, InboxFullError
from tests.ingest.conftest import NOW, Ours
from tests.ingest.test_doors import AT, captured

NEWER = "/i/v1/analytics/events"


def bearer(ours: Ours, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {ours.key}", "PostHog-Request-Timestamp": AT, **more}


def seen(ours: Ours) -> list[Any]:
    """Number, person, visitor and instant of each event."""
    return ours.rows(
        "SELECT CAST(right(event_id, 12) AS INTEGER), user_id, anonymous_id, "
        "CAST(occurred_at AS VARCHAR) FROM events ORDER BY 1"
    )


def test_an_answer_names_its_request_and_asks_for_no_other(ours: Ours) -> None:
    name = "0197a5c0-0000-7000-8000-000000000001"
    for batch in ([captured(1)], [captured(2), captured(3, event="")]):
        answer = ours.client.post(
            NEWER, json={"created_at": AT, "batch": batch},
            headers=bearer(ours, **{"PostHog-Request-Id": name, "PostHog-Attempt": "2"}),
        )
        assert answer.status_code == 200
        assert answer.headers["posthog-request-id"] == name
        assert "retry-after" not in answer.headers
        assert set(answer.json()["results"]) == {one["uuid"] for one in batch}
    answer = ours.client.post(
        NEWER, json={"batch": []}, headers=bearer(ours, **{"PostHog-Request-Id": "a b"})
    )
    assert "posthog-request-id" not in answer.headers


def test_what_may_be_sent_again_says_when_and_what_may_not_says_nothing(
    ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(error: Exception) -> Any:
        def put(*_: Any, **__: Any) -> Any:
            raise error
        return put

    body = json.dumps({"created_at": AT, "batch": [captured(1)]}).encode()

    def asked(content: bytes = body, **headers: str) -> Any:
        answer = ours.client.post(NEWER, content=content, headers={**bearer(ours), **headers})
        told = answer.json()
        assert isinstance(told["error"], str)
        assert told["error_description"]
        return answer

    final = [
        asked(b"{"), asked(Authorization="Bearer nobody"), asked(b" " * (20 * 2**20 + 1)),
        asked(**{"Content-Encoding": "compress"}),
    ]
    assert [one.status_code for one in final] == [400, 401, 413, 415]
    assert not any("retry-after" in one.headers for one in final)
    for error, status in (
        (InboxFullError("It is full."), 429), (InboxError("It is broken.", is_full=False), 503),
        (InboxError("No room.", is_full=True), 507),
    ):
        monkeypatch.setattr(Inbox, "put", fails(error))
        answer = asked()
        assert answer.status_code == status
        # Clients wait no longer than 30 s, and read whole seconds alone.
        assert 0 < int(answer.headers["retry-after"]) <= 30


@pytest.mark.parametrize("encoding", ["zstd", "br"])
def test_bodies_in_the_newer_encodings_and_what_is_none(ours: Ours, encoding: str) -> None:
    codec = {"zstd": "zstd", "br": "brotli"}[encoding]
    headers = bearer(ours, **{"Content-Encoding": encoding})

    def send(plain: bytes, cut: int = 0) -> int:
        packed: bytes = pa.compress(plain, codec=codec, asbytes=True)
        content = packed[:-cut] if cut else packed
        return int(ours.client.post(NEWER, content=content, headers=headers).status_code)

    body = json.dumps({"created_at": AT, "batch": [captured(1)]}).encode()
    assert send(body) == 200
    assert send(body, cut=3) == 400
    assert send(b" " * (21 * 2**20)) == 413
    assert ours.client.post(NEWER, content=b"none", headers=headers).status_code == 400
    assert [row[0] for row in seen(ours)] == [1]


def test_browsers_pack_bodies_and_say_so_in_the_address(ours: Ours) -> None:
    def body(number: int) -> bytes:
        return json.dumps([captured(number, properties={"token": ours.key})]).encode()

    text = base64.b64encode(body(2)).decode()
    sent = [
        ("/e/?compression=gzip-js&ip=1", gzip.compress(body(1)), "text/plain"),
        ("/e/?compression=base64", f"data={quote(text)}".encode(), "text/plain"),
        ("/i/v0/e/?ip=0", f"data={quote(body(3).decode())}".encode(),
         "application/x-www-form-urlencoded"),
    ]
    for address, content, kind in sent:
        answer = ours.client.post(address, content=content, headers={"Content-Type": kind})
        assert answer.status_code == 200, address
    alone = base64.b64encode(body(4)).decode()
    assert ours.client.get(f"/e/?data={quote(alone)}").json() == {"status": "Ok", "rejected": 0}
    answer = ours.client.post("/e/?beacon=1", content=body(5))
    assert (answer.status_code, answer.content) == (204, b"")
    answer = ours.client.post("/e/?compression=lz64", content=body(6))
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unknown_encoding")
    # Pages are asked with GET, too: other doors leave it to them.
    assert ours.client.get("/batch/?data=e30=").status_code == 404
    assert [row[0] for row in seen(ours)] == [1, 2, 3, 4, 5]


def test_every_place_in_which_a_key_stands_and_no_event_keeps_one(ours: Ours) -> None:
    bodies: list[Any] = [
        {"api_key": ours.key, "batch": [captured(1)]},
        {"token": ours.key, "batch": [captured(2)]},
        captured(3, **{"$token": ours.key}),
        [captured(4, api_key=ours.key)],
        [captured(5, properties={"token": ours.key})],
        [captured(6, properties={"$token": ours.key})],
    ]
    for body in bodies:
        assert ours.client.post("/batch/", json=body).status_code == 200, body
    assert len(seen(ours)) == len(bodies)
    assert ours.rows("SELECT COUNT(*) FROM events WHERE properties LIKE '%sck_%'") == [(0,)]


def test_whose_an_event_is_by_every_name_of_it(ours: Ours) -> None:
    batch = [
        captured(1), captured(2, distinct_id=42),
        captured(3, distinct_id=None, properties={"distinct_id": "u3"}),
        captured(4, distinct_id=None, **{"$distinct_id": "u4"}),
        captured(5, properties={"$process_person_profile": False}),
        captured(6, distinct_id="$posthog_cookieless", properties={"$cookieless_mode": True}),
        captured(7, distinct_id=""),
    ]
    answer = ours.client.post("/batch/", json={"api_key": ours.key, "batch": batch})
    assert answer.json() == {"status": "Ok", "rejected": 1}
    assert [row[:3] for row in seen(ours)] == [
        (1, "u1", None), (2, "42", None), (3, "u3", None), (4, "u4", None), (5, None, "u1"),
        # All who refuse cookies share this id: it is no person's.
        (6, None, None),
    ]
    assert ours.rules() == ["names no distinct_id"]


def test_times_by_the_senders_clock_by_an_offset_and_as_they_stand(ours: Ours) -> None:
    # The sender's clock is an hour behind: it says that it sends at 11:00, and it is noon.
    hour = {"api_key": ours.key, "sent_at": "2026-11-20T11:00:00Z"}
    ours.client.post("/batch/", json={**hour, "batch": [
        captured(1, timestamp="2026-11-20T10:30:00Z"),
        captured(2, timestamp="2026-11-20T16:00:00+05:30"),
        captured(3, timestamp="2026-11-20T10:30:00Z", properties={"$ignore_sent_at": True}),
        captured(4, timestamp=None, offset=90_000), captured(5, timestamp=None),
    ]})
    milliseconds = int(NOW.timestamp() - 3600) * 1000
    ours.client.post(f"/e/?_={milliseconds}", json=captured(
        6, timestamp="2026-11-20T10:30:00Z", api_key=ours.key
    ))
    ours.client.post(
        NEWER, json={"created_at": AT, "batch": [
            captured(7, timestamp="2026-11-20T10:30:00Z"),
            captured(8, timestamp="2026-11-20T10:30:00Z",
                     options={"disable_skew_correction": True, "product_tour_id": "tour"}),
        ]}, headers=bearer(ours),
    )
    ours.client.post(
        NEWER, json={"created_at": AT, "historical_migration": True,
                     "batch": [captured(9, timestamp="2024-01-01T00:00:00Z")]},
        headers=bearer(ours),
    )
    times = [row[3].removeprefix("2026-11-20 ") for row in seen(ours)]
    assert times == [
        "11:30:00", "11:30:00", "10:30:00", "11:58:30", "12:00:00", "11:30:00", "11:30:00",
        "10:30:00", "2024-01-01 00:00:00",
    ]
    assert ours.rows("SELECT properties FROM events WHERE properties LIKE '%tour%'") == [
        ('{"$product_tour_id":"tour"}',)
    ]


def test_what_is_set_once_set_and_unset_of_a_person(ours: Ours) -> None:
    def send(number: int, at: str, **more: Any) -> None:
        answer = ours.client.post("/batch/", json={"api_key": ours.key, "batch": [
            captured(number, timestamp=f"2026-11-20T{at}:00Z", **more)
        ]})
        assert answer.json() == {"status": "Ok", "rejected": 0}

    send(1, "09:00", properties={"$set": {"team": "blue", "plan": "Pro"},
                                 "$set_once": {"first_page": "/"}})
    send(2, "09:10", **{"$set": {"team": "red"}, "$set_once": {"first_page": "/late"}})
    send(3, "09:20", properties={"$unset": ["plan"]})
    ((attributes,),) = ours.rows("SELECT attributes FROM users")
    assert json.loads(attributes) == {"team": "red", "plan": None, "first_page": "/"}
    assert ours.rows("SELECT DISTINCT properties FROM events") == [("{}",)]


def test_an_id_that_programs_send_for_want_of_one_joins_nobody(ours: Ours) -> None:
    def alias(number: int, one: str, other: str) -> dict[str, Any]:
        return captured(number, event="$create_alias", distinct_id=one, properties={"alias": other})

    answer = ours.client.post("/batch/", json={"api_key": ours.key, "batch": [
        alias(1, "ann", "visit-1"), alias(2, "ben", "undefined"), alias(3, "null", "visit-3"),
        captured(4, event="$identify", distinct_id="cid", properties={
            "$anon_distinct_id": "[object Object]", "$set": {"role": "admin"}}),
    ]})
    assert answer.json() == {"status": "Ok", "rejected": 2}
    assert ours.rows("SELECT alias, user_id FROM identities") == [("visit-1", "ann")]
    assert ours.rows("SELECT user_id, role FROM users") == [("cid", "admin")]
    assert ours.rules() == [
        "joins an id that is nobody's: undefined", "joins an id that is nobody's: null"
    ]


def test_flags_are_none_and_an_events_door_of_its_own_for_ai(ours: Ours) -> None:
    for address in ("/flags/?v=2", "/decide/?v=3"):
        asked = {"token": ours.key, "distinct_id": "u1", "groups": {}}
        answer = ours.client.post(address, json=asked)
        assert answer.status_code == 200
        told = answer.json()
        assert told["featureFlags"] == told["featureFlagPayloads"] == told["flags"] == {}
        assert told["errorsWhileComputingFlags"] is False
        assert ours.client.post(address, json={**asked, "token": "x"}).status_code == 401
    body = {"api_key": ours.key, "batch": [captured(1, event="$ai_generation")]}
    assert ours.client.post("/i/v0/ai/batch/", json=body).status_code == 200
    assert ours.rows("SELECT event FROM events") == [("$ai_generation",)]
