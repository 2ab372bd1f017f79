"""Bodies: a request read to its end within bounds, unpacked within bounds, and its key found."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
import zlib
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import Receive

from staycurve.errors import StaycurveError

MOST_BODY = 20 * 1024 * 1024
"""Bytes of a body, as it is sent and as it is unpacked; PostHog's SDKs send up to 5 MB."""
SECONDS = 30.0
"""For a body to come to its end."""
MOST_KEY = 200


class RefusedError(StaycurveError):
    """A request that is not taken; `status` and `reason` are what it is answered with."""

    code = "refused"

    def __init__(self, message: str, *, hint: str, status: int, reason: str) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason


def refused(status: int, code: str, message: str, hint: str = "") -> RefusedError:
    """A request that is not taken."""
    return RefusedError(message, hint=hint, status=status, reason=code)


def too_large() -> RefusedError:
    """What is sent more than is read."""
    return refused(
        413, "too_large", f"The body is larger than {MOST_BODY // 2**20} MiB.",
        "Send fewer events at once.",
    )


async def read_body(receive: Receive, headers: Headers) -> bytes:
    """The whole body.

    Raises
    ------
    RefusedError
        If it is too large, does not come to its end in time, or its sender goes away.
    """
    stated = headers.get("content-length", "")
    if stated.isdigit() and int(stated) > MOST_BODY:
        raise too_large()
    parts: list[bytes] = []
    size = 0
    ends = time.monotonic() + SECONDS
    while True:
        try:
            message = await asyncio.wait_for(receive(), max(0.0, ends - time.monotonic()))
        except TimeoutError:
            raise refused(
                408, "too_slow", f"The body did not end within {SECONDS:g} s.", "Send it again."
            ) from None
        if message["type"] == "http.disconnect":
            raise refused(400, "cut_off", "The body did not come to its end.")
        part = message.get("body", b"")
        size += len(part)
        if size > MOST_BODY:
            raise too_large()
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body as it was before it was packed.

    Browsers' SDKs name no encoding: gzip is known by how it begins.

    Raises
    ------
    RefusedError
        If the encoding is not known, the body is not in it, or it unpacks to too much.
    """
    named = encoding.strip().lower()
    if named in _CODECS:
        return _decoded(body, _CODECS[named])
    if named in ("", "identity") and body[:2] == b"\x1f\x8b":
        named = "gzip"
    if named in ("", "identity"):
        return body
    if named not in ("gzip", "x-gzip", "deflate"):
        raise refused(
            415, "unknown_encoding", f"The encoding '{named[:40]}' is not known.",
            "Send it as gzip, deflate, br or zstd, or plain.",
        )
    # Deflate is sent with the head of zlib or, against the letter of the law, without.
    for window in (31,) if "gzip" in named else (15, -15):
        reading = zlib.decompressobj(window)
        try:
            found = reading.decompress(body, MOST_BODY + 1)
        except zlib.error:
            continue
        if len(found) > MOST_BODY or reading.unconsumed_tail:
            raise too_large()
        if reading.eof:
            return found
    raise refused(400, "bad_encoding", f"The body is not whole {named}.", "Send it again.")


_CODECS = {"br": "brotli", "zstd": "zstd"}
"""Encodings that PostHog's SDKs know beside gzip, by Arrow's names."""


def _decoded(body: bytes, codec: str) -> bytes:
    # Few programs send them; the library takes 50 MiB, which a server does without until then.
    import pyarrow as pa

    try:
        with pa.CompressedInputStream(pa.py_buffer(body), codec) as reading:
            found = bytes(reading.read(MOST_BODY + 1))
    except (OSError, pa.ArrowInvalid):
        raise refused(
            400, "bad_encoding", f"The body is not whole {codec}.", "Send it again."
        ) from None
    if len(found) > MOST_BODY:
        raise too_large()
    return found


def form_data(body: bytes) -> bytes:
    """What a form's field `data` holds, as old browser SDKs send it: base64, or JSON as it is."""
    try:
        values = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10).get("data", [""])
    except ValueError:
        raise refused(400, "bad_body", "The form has more than 10 fields.") from None
    return from_base64(values[0])


def from_base64(text: str) -> bytes:
    """What a text holds as base64; the text itself where it is none."""
    try:
        # In an address, a plus that nobody quoted is a blank.
        return base64.b64decode(text.replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError):
        return text.encode("utf-8", "replace")


def header_key(headers: Headers) -> str:
    """The key in the header Authorization: of Basic its user, of Bearer the token."""
    kind, _, rest = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return rest.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0]
        except (binascii.Error, ValueError):
            return ""
    return ""


def body_key(body: Any) -> str:
    """The key in a body, or in its first event."""
    for holder in _holders(body):
        for name in ("writeKey", "api_key", "token", "$token"):
            found = holder.get(name)
            if isinstance(found, str) and found:
                return found
    return ""


def _holders(body: Any) -> list[dict[str, Any]]:
    first = body
    found: list[dict[str, Any]] = []
    if isinstance(body, dict):
        found.append(body)
        first = body.get("batch")
    if isinstance(first, list) and first:
        first = first[0]
    if isinstance(first, dict):
        found.append(first)
    own = [one.get("properties") for one in found]
    return found + [one for one in own if isinstance(one, dict)]
