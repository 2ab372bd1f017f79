"""Received: answers that other tools send, each in its own shape, as rows of `answers`."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from staycurve.actions.surveys.answers import words
from staycurve.errors import UsageError
from staycurve.mail_settings import is_address
from staycurve.state.survey_records import Received

MOST = 1_000
"""Answers of one request."""
_PLAIN = ("survey", "kind", "touchpoint", "asked_at", "answered_at", "question")
_TYPEFORM_SCORES = {"nps": 10, "opinion_scale": None, "rating": None}


class ShapeError(UsageError):
    """What was sent has not the shape that its tool sends; nothing was kept."""

    code = "bad_answer"


def is_allowed(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether a request shows the secret: as a bearer token, or in a signature of its body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256)
    known = [
        ("authorization", f"Bearer {secret}"),
        ("typeform-signature", f"sha256={base64.b64encode(digest.digest()).decode()}"),
        ("x-delighted-webhook-signature", f"sha256={digest.hexdigest()}"),
        ("x-signature-256", f"sha256={digest.hexdigest()}"),
    ]
    return any(
        hmac.compare_digest(headers.get(name, "").encode(), right.encode())
        for name, right in known
    )


def answers(source: str, kind: str, given: Any, now: dt.datetime) -> list[Received]:
    """The answers in what a tool sent.

    Parameters
    ----------
    kind : str
        plain, delighted, typeform or retently.
    given : object
        The body, out of JSON.

    Raises
    ------
    ShapeError
        If it has another shape.
    """
    if kind == "delighted":
        return [_delighted(source, given)]
    if kind == "typeform":
        return [_typeform(source, given, now)]
    if kind == "retently":
        return [_retently(source, given, now)]
    rows = given if isinstance(given, list) else [given]
    if not rows or len(rows) > MOST:
        raise ShapeError(f"There are {len(rows)} answers.", hint=f"Send 1 to {MOST:,} at a time.")
    return [_plain(source, one, now) for one in rows]


def _plain(source: str, given: Any, now: dt.datetime) -> Received:
    row = _object(given)
    body = {name: _text(row.get(name)) for name in _PLAIN if row.get(name) is not None}
    body |= {name: _number(row[name]) for name in ("score", "scale_max")
             if row.get(name) is not None}
    body.setdefault("survey", source)
    body.setdefault("answered_at", now.isoformat())
    if not body.get("kind"):
        raise ShapeError("An answer has no kind.", hint="Send kind: nps, csat, ces, open, profile.")
    id = row.get("id") if row.get("id") is not None else row.get("answer_id")
    return _received(source, id, row, body, row.get("comment"))


def _delighted(source: str, given: Any) -> Received:
    row = _object(_object(given).get("event_data"))
    person = row.get("person")
    of_person = person if isinstance(person, dict) else {"id": person}
    traits = row.get("person_properties")
    known = dict(traits) if isinstance(traits, dict) else {}
    known.setdefault("email", of_person.get("email"))
    at = row.get("created_at")
    if not isinstance(at, int) or isinstance(at, bool) or not 0 < at < 2**33:
        raise ShapeError("The answer has no created_at.", hint="Send Delighted's own events.")
    body = {
        "survey": source, "kind": _text(row.get("survey_type")) or "nps",
        "score": _number(row.get("score")),
        "answered_at": dt.datetime.fromtimestamp(at, dt.UTC).isoformat(),
    }
    return _received(source, row.get("id"), known, body, row.get("comment"))


def _typeform(source: str, given: Any, now: dt.datetime) -> Received:
    response = _object(_object(given).get("form_response"))
    hidden = response.get("hidden")
    known = dict(hidden) if isinstance(hidden, dict) else {}
    titles = _titles(response)
    body: dict[str, Any] = {
        "survey": source, "kind": "open",
        "answered_at": _text(response.get("submitted_at")) or now.isoformat(),
    }
    said: list[str] = []
    for one in response.get("answers") or ():
        answer = _object(one)
        field = _object(answer.get("field"))
        kind = str(field.get("type"))
        if "score" not in body and kind in _TYPEFORM_SCORES and answer.get("type") == "number":
            title, steps = titles.get(str(field.get("id")), ("", None))
            is_nps = kind == "nps" or steps == 11
            body |= {"score": _number(answer.get("number")), "kind": "nps" if is_nps else "csat"}
            if title:
                body["question"] = title
            if not is_nps and steps:
                body["scale_max"] = str(steps)
        elif answer.get("type") == "text":
            said.append(str(answer.get("text") or ""))
        elif answer.get("type") == "email":
            known.setdefault("email", answer.get("email"))
    return _received(source, response.get("token"), known, body, "\n".join(said))


def _retently(source: str, given: Any, now: dt.datetime) -> Received:
    """One response, by the names that Retently's API gives its fields.

    What a webhook of Retently sends is a template of whoever set it up, which begins with all of
    them.
    """
    row = _object(given)
    kind = (_text(row.get("metricsType")) or "nps").strip().lower()
    known: dict[str, Any] = {"email": row.get("email")}
    for one in row.get("customProps") or row.get("properties") or ():
        named = one if isinstance(one, dict) else {}
        for name in ("account_id", "user_id"):
            if name in (named.get("name"), named.get("label")):
                known[name] = named.get("value")
    body = {
        "survey": _text(row.get("campaignName")) or source,
        "kind": "csat" if kind in ("star", "stars") else kind,
        "score": _number(row.get("score")),
        "answered_at": _text(row.get("createdDate")) or now.isoformat(),
    }
    return _received(source, row.get("id"), known, body, row.get("comment"))


def _titles(response: Mapping[str, Any]) -> dict[str, tuple[str, int | None]]:
    """Field → its question, and how many steps its scale has."""
    definition = response.get("definition")
    fields = definition.get("fields") if isinstance(definition, dict) else None
    found: dict[str, tuple[str, int | None]] = {}
    for one in fields if isinstance(fields, list) else ():
        if isinstance(one, dict):
            more = one.get("properties")
            steps = more.get("steps") if isinstance(more, dict) else None
            found[str(one.get("id"))] = (
                str(one.get("title") or "")[:1000], steps if isinstance(steps, int) else None
            )
    return found


def _received(
    source: str, id: Any, person: Mapping[str, Any], body: Mapping[str, Any], comment: Any
) -> Received:
    text = _text(id)
    if not text or len(text) > 400:
        raise ShapeError(
            "An answer has no id, or too long a one.",
            hint="With an id, an answer that is sent twice counts once.",
        )
    email = (_text(person.get("email")) or "").strip()
    kept = {key: value for key, value in body.items() if value is not None}
    return Received(
        source, text, (_text(person.get("account_id")) or "")[:500],
        (_text(person.get("user_id")) or "")[:500], email if is_address(email) else "",
        words(_text(comment) or ""), kept, 0,
    )


def _object(given: Any) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise ShapeError("What was sent has another shape.", hint="Send the tool's own webhook.")
    return given


def _text(given: Any) -> str | None:
    if given is None or isinstance(given, dict | list):
        return None
    return str(given).replace("\0", "")


def _number(given: Any) -> str | None:
    """A number as its text; what is none is rejected by the table, with its reason."""
    return None if given is None or isinstance(given, bool) else _text(given)


