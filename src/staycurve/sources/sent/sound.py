"""Sound values: JSON as programs really send it, made such that every table can hold it.

Numbers that are none become null, whole numbers beyond 64 bits keep their digits as text, and NUL
goes. Half of a surrogate pair is no text: the event that holds one is rejected.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import orjson

from staycurve.errors import StaycurveError

DEEPEST = 32
"""Levels of objects and lists in one event; what analyses one looks at its properties."""
CUT_AT = 4 * DEEPEST
"""Levels below which a body that no reader can follow to its end is cut."""
MOST_CUT = 1 << 20
"""Bytes of such a body at most: to look through it takes time, and no key was looked at yet."""
MOST_NAME = 200
"""Letters of an event's name; of ids see MOST_ID."""
MOST_ID = 200

_SIGNS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_LONG = re.compile(rb"[0-9]{19}")
_INT64 = range(-(2**63), 2**63)


class NotJsonError(StaycurveError):
    """A body that cannot be read."""

    code = "not_json"


class BadEventError(Exception):
    """An event that breaks a rule: in words, as lists of rejected rows tell it."""


def read_json(body: bytes) -> Any:
    """The value of a body.

    Raises
    ------
    NotJsonError
        If it is no JSON even when read kindly.
    """
    if not _LONG.search(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    # Python's reader keeps every digit, and takes NaN, as Python programs write it.
    try:
        text = body.decode("utf-8")
        try:
            return json.loads(text, parse_constant=lambda _: None)
        except RecursionError:
            if len(body) > MOST_CUT:
                raise
            # Of a batch, one event is at fault: the others are not to go with it.
            return json.loads(_cut(text), parse_constant=lambda _: None)
    except UnicodeDecodeError as error:
        raise NotJsonError(
            f"The body is not UTF-8: byte {error.start}.", hint="Send JSON in UTF-8."
        ) from None
    except RecursionError:
        raise NotJsonError(
            "The body is nested too deep.", hint=f"{DEEPEST} levels an event are taken."
        ) from None
    except ValueError as error:
        raise NotJsonError(f"The body is not JSON: {error}.", hint="Send JSON.") from None


def _cut(text: str) -> str:
    """JSON without what lies so deep that no reader gets there; the rest is too deep to be taken.

    What is cut stands inside an event that is rejected for its depth all the same.
    """
    parts: list[str] = []
    depth = start = 0
    for found in _SIGNS.finditer(text):
        sign = found.group()
        if sign in "[{":
            depth += 1
            if depth == CUT_AT + 1:
                parts.append(text[start : found.start()])
        elif sign in "]}":
            if depth == CUT_AT + 1:
                parts.append("null")
                start = found.end()
            depth -= 1
    return "".join(parts) + text[start:] if depth <= CUT_AT else text


def sound(value: Any, *, deepest: int = DEEPEST) -> Any:
    """The same value without what no table can hold.

    Raises
    ------
    BadEventError
        If it is nested too deep, or holds half of a surrogate pair.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        if deepest == 0:
            raise BadEventError(f"is nested deeper than {DEEPEST} levels")
        return {_text(key): sound(one, deepest=deepest - 1) for key, one in value.items()}
    if isinstance(value, list):
        if deepest == 0:
            raise BadEventError(f"is nested deeper than {DEEPEST} levels")
        return [sound(one, deepest=deepest - 1) for one in value]
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INT64:
        return str(value)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    return value


def _text(text: str) -> str:
    if text.isascii():
        return text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise BadEventError(
            f"holds half of a surrogate pair (\\u{code:04x}), which is no text"
        ) from None
    return text.replace("\0", "")


def id_of(value: Any) -> str:
    """A value as an id; an empty text where it is none.

    Raises
    ------
    BadEventError
        If it is too long, or no text and no whole number.
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadEventError("has an id that is no text")
    if isinstance(value, float):
        if not value.is_integer():
            raise BadEventError("has an id that is a fraction")
        # Beyond it, floats skip whole numbers: the id would be another's.
        if abs(value) > 2**53:
            raise BadEventError("has an id whose digits are lost; send ids as text")
        value = int(value)
    found = str(value).strip()
    if len(found) > MOST_ID:
        raise BadEventError(f"has an id of more than {MOST_ID} letters")
    return found


def instant_of(value: Any) -> dt.datetime | None:
    """The instant that a value names, UTC where it has no offset; None for no value.

    Raises
    ------
    BadEventError
        If it names none.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            if value.replace(".", "", 1).isdigit():
                return _epoch(float(value))
            found = dt.datetime.fromisoformat(value.strip())
            found = found if found.tzinfo else found.replace(tzinfo=dt.UTC)
            return found.astimezone(dt.UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _epoch(value)
    except (ValueError, OverflowError, OSError):
        pass
    raise BadEventError(f"has a time that is no instant: {str(value)[:40]}")


def _epoch(number: float) -> dt.datetime:
    # Seconds of this century have ten digits, milliseconds thirteen.
    return dt.datetime.fromtimestamp(number / 1000 if number > 1e11 else number, dt.UTC)
