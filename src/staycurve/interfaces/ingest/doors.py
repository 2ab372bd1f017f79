"""Doors: the addresses of each SDK, how its bodies are read, and what it expects as an answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import Headers, QueryParams

from staycurve.interfaces.ingest.bodies import refused
from staycurve.sources.sent import posthog, segment
from staycurve.sources.sent.facts import Facts, Outcome


@dataclass(frozen=True)
class Received:
    """A request whose body was read.

    Attributes
    ----------
    body : any
        The value of its JSON.
    account_type : str
        The type of group that is an account.
    """

    body: Any
    headers: Headers
    query: QueryParams
    received_at: dt.datetime
    account_type: str


Read = Callable[[Received, Facts], Sequence[Outcome]]
Answer = Callable[[Sequence[Outcome]], Mapping[str, Any]]
Complaint = Callable[[str, str, str], Mapping[str, Any]]


def _complaint(code: str, message: str, hint: str) -> Mapping[str, Any]:
    return {"error": {"code": code, "message": message, "hint": hint}}


def _flat_complaint(code: str, message: str, hint: str) -> Mapping[str, Any]:
    # PostHog's newer clients log these two.
    return {"error": code, "error_description": f"{message} {hint}".strip()}


@dataclass(frozen=True)
class Door:
    """One address.

    Attributes
    ----------
    dialect : str
        Whose form its events have.
    read : callable
        Adds what the events tell to the facts, and gives the outcome of each.
    answer : callable
        Outcomes → the JSON of the answer.
    complaint : callable
        Code, message and hint → the JSON with which a request is refused.
    methods : tuple of str
        GET brings the body as `data` in the address.
    """

    dialect: str
    read: Read
    answer: Answer
    complaint: Complaint = _complaint
    methods: tuple[str, ...] = ("POST",)


def _listed(body: Any, key: str) -> list[Any]:
    found = body.get(key) if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise refused(400, "bad_body", f"The body has no list '{key}'.", "Send a JSON object.")
    return found


def _segment_batch(got: Received, facts: Facts) -> Sequence[Outcome]:
    events = _listed(got.body, "batch")
    return segment.tell_all(
        events, facts, received_at=got.received_at, sent_at=got.body.get("sentAt"),
        account_type=got.account_type, context=got.body.get("context"),
    )


def _segment_history(got: Received, facts: Facts) -> Sequence[Outcome]:
    events = _listed(got.body, "batch")
    # What happened long ago is said as it was, by whatever clock sends it.
    told = [
        {key: one for key, one in event.items() if key != "sentAt"}
        if isinstance(event, dict) else event for event in events
    ]
    return segment.tell_all(
        told, facts, received_at=got.received_at, sent_at=None, account_type=got.account_type,
        context=got.body.get("context"),
    )


def _segment_call(call: str) -> Read:
    def read(got: Received, facts: Facts) -> Sequence[Outcome]:
        if not isinstance(got.body, dict):
            raise refused(400, "bad_body", "The body is no JSON object.", "Send one event.")
        return segment.tell_all(
            [got.body], facts, received_at=got.received_at, sent_at=None, call=call,
            account_type=got.account_type,
        )

    return read


def _segment_answer(outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    return {"success": True, "rejected": sum(bool(one.rule) for one in outcomes)}


def _captured(got: Received, facts: Facts) -> Sequence[Outcome]:
    body = got.body
    if isinstance(body, list):
        events, body = body, {}
    elif isinstance(body, dict) and ("batch" in body or "event" not in body):
        events = _listed(body, "batch")
    else:
        events = [body]
    if not isinstance(body, dict):
        raise refused(400, "bad_body", "The body is no JSON object.", "Send one event, or a batch.")
    is_history = body.get("historical_migration") is True
    # Browsers say it in the address.
    sent_at = body.get("sent_at", body.get("sentAt")) or got.query.get("_")
    return posthog.tell_all(
        events, facts, received_at=got.received_at, sent_at=None if is_history else sent_at,
        account_type=got.account_type,
    )


def _captured_answer(outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    return {"status": "Ok", "rejected": sum(bool(one.rule) for one in outcomes)}


def _analytics(got: Received, facts: Facts) -> Sequence[Outcome]:
    events = _listed(got.body, "batch")
    is_history = got.body.get("historical_migration") is True
    # The batch is made once and sent again; the header says when this attempt was sent.
    sent_at = got.headers.get("posthog-request-timestamp")
    return posthog.tell_all(
        events, facts, received_at=got.received_at, sent_at=None if is_history else sent_at,
        account_type=got.account_type,
    )


def _analytics_answer(outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    results: dict[str, Any] = {}
    for one in outcomes:
        if one.id and one.rule:
            results[one.id] = {"result": "drop", "details": one.rule}
        elif one.id and one.is_changed:
            results[one.id] = {"result": "warning", "details": "NUL was removed"}
        elif one.id:
            results[one.id] = {"result": "ok"}
    return {"results": results}


def _nothing(got: Received, facts: Facts) -> Sequence[Outcome]:
    del got, facts
    return ()


def _no_flags(outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    """No flag is known here; the rest tells browsers to record and to collect nothing more."""
    del outcomes
    return {
        "flags": {}, "featureFlags": {}, "featureFlagPayloads": {},
        "errorsWhileComputingFlags": False, "supportedCompression": ["gzip", "gzip-js"],
        "config": {}, "toolbarParams": {}, "isAuthenticated": False, "siteApps": [],
        "sessionRecording": False, "capturePerformance": False, "surveys": False,
        "autocapture_opt_out": False, "heatmaps": False,
    }


_LETTERS = {
    "t": "track", "i": "identify", "g": "group", "p": "page", "s": "screen", "a": "alias",
}


def _doors() -> dict[str, Door]:
    batch = Door("segment", _segment_batch, _segment_answer)
    found = {"/v1/batch": batch, "/v1/b": batch, "/b": batch}
    found["/v1/import"] = Door("segment", _segment_history, _segment_answer)
    for letter, call in _LETTERS.items():
        door = Door("segment", _segment_call(call), _segment_answer)
        found |= {f"/v1/{call}": door, f"/v1/{letter}": door, f"/{letter}": door}
    captured = Door("posthog", _captured, _captured_answer)
    found |= dict.fromkeys(("/batch", "/i/v0/ai/batch"), captured)
    by_address = replace(captured, methods=("POST", "GET"))
    found |= dict.fromkeys(("/capture", "/e", "/track", "/i/v0/e"), by_address)
    found["/i/v1/analytics/events"] = Door(
        "posthog", _analytics, _analytics_answer, complaint=_flat_complaint
    )
    return found | dict.fromkeys(("/flags", "/decide"), Door("posthog", _nothing, _no_flags))


DOORS: Mapping[str, Door] = _doors()
"""Address without a slash at its end → what stands behind it."""

_ALONE = frozenset({"/s"})
"""Addresses below which others live: with a slash at the end they are not ours."""


def door_at(path: str) -> Door | None:
    """The door at an address; None where there is none."""
    plain = path.rstrip("/")
    return None if plain in _ALONE and plain != path else DOORS.get(plain)
