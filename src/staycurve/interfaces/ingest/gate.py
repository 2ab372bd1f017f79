"""Gate: answers what SDKs send, before anything that serves pages sees it.

A 400 makes the SDKs drop what they sent. It is for bodies that cannot be read at all; an event
that breaks a rule is kept with its reason, and the others are taken.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from staycurve.errors import StaycurveError
from staycurve.interfaces.ingest.bodies import (
    MOST_BODY,
    RefusedError,
    body_key,
    form_data,
    from_base64,
    header_key,
    read_body,
    refused,
    unpacked,
)
from staycurve.interfaces.ingest.doors import Door, Received, door_at
from staycurve.interfaces.ingest.keyring import Keyring
from staycurve.interfaces.ingest.waiting import Waiting
from staycurve.sources.inbox import InboxError, InboxFullError
from staycurve.sources.ingest_settings import INGEST
from staycurve.sources.sent.facts import Facts, Outcome
from staycurve.sources.sent.sound import NotJsonError, read_json
from staycurve.workspace import Company

RETRY_AFTER = 10
"""Seconds after which a sender that was told to wait should come again."""
AGAIN = (408, 429, 503, 507)
"""Statuses after which the same may be sent again."""
PACKED = frozenset({"", "gzip", "gzip-js", "base64"})
"""Values of `compression` in the address, as browsers' SDKs name how a body is packed."""
REQUEST_ID = "PostHog-Request-Id"
"""A header that is sent back as it came."""
SMALL = 32 * 1024
"""Bytes that are read at once; larger bodies are read beside the others."""
MOST_AT_ONCE = 4 * MOST_BODY
"""Bytes of bodies that are being read at the same time."""

_NAMED = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
_HEADER_NAMES = re.compile(r"[A-Za-z0-9, -]{0,2000}")


class Gate:
    """Takes events in at the addresses of `DOORS`, and lets everything else through."""

    def __init__(self, app: ASGIApp, company: Company) -> None:
        self.app = app
        self.company = company
        self.keyring = Keyring(company)
        self.waiting = Waiting()
        self._reading = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = door_at(scope["path"]) if scope["type"] == "http" else None
        if door is None or scope["method"] not in (*door.methods, "OPTIONS"):
            await self.app(scope, receive, send)
            return
        # By its address what passes here is counted.
        scope["endpoint"] = self
        headers = Headers(scope=scope)
        allowed = ""
        try:
            allowed = self._allowed_origin(headers)
            if scope["method"] == "OPTIONS":
                response = Response(status_code=204)
            else:
                query = QueryParams(scope.get("query_string", b""))
                by_address = query.get("data", "") if scope["method"] == "GET" else None
                response = await self._taken(door, headers, query, receive, by_address)
        except RefusedError as error:
            response = _refusal(door, error.status, error.reason, error)
        if allowed:
            _allow(response, allowed, headers)
        if _NAMED.fullmatch(headers.get(REQUEST_ID, "")):
            response.headers[REQUEST_ID] = headers[REQUEST_ID]
        await response(scope, receive, send)

    def _allowed_origin(self, headers: Headers) -> str:
        """The origin of the page that sends, if a browser does.

        Raises
        ------
        RefusedError
            If [ingest] does not list it.
        """
        origin = headers.get("origin", "")
        listed = self.company.config[INGEST].origins
        is_own = origin.partition("://")[2] == headers.get("host", "")
        if not origin or is_own or origin in listed or "*" in listed:
            return origin
        raise refused(
            403, "foreign_origin", "This page may not send events.",
            "List its origin in staycurve.toml: [ingest] origins = [\"…\"]",
        )

    async def _taken(
        self, door: Door, headers: Headers, query: QueryParams, receive: Receive,
        by_address: str | None,
    ) -> Response:
        own = header_key(headers)
        if own:
            await self._check(own)
        length = headers.get("content-length", "")
        size = min(int(length), MOST_BODY) if length.isdigit() else SMALL
        if self._reading and self._reading + size > MOST_AT_ONCE:
            raise refused(
                429, "busy", "More is sent at once than is read.", "Send again in a moment."
            )
        self._reading += size
        try:
            if by_address is None:
                body = await read_body(receive, headers)
            else:
                body = from_base64(by_address)
            received_at = self.company.clock()
            if len(body) <= SMALL and not headers.get("content-encoding"):
                value = _value(body, headers, query)
            else:
                value = await asyncio.to_thread(_value, body, headers, query)
            if not own:
                await self._check(body_key(value))
            account_type = self.company.config[INGEST].account_type
            got = Received(value, headers, query, received_at, account_type)
            facts = Facts()
            if len(body) <= SMALL:
                outcomes = door.read(got, facts)
            else:
                outcomes = await asyncio.to_thread(door.read, got, facts)
            response = await self._kept(door, facts, outcomes, got)
        finally:
            self._reading -= size
        if response.status_code == 200 and query.get("beacon") == "1":
            return Response(status_code=204)
        return response

    async def _check(self, text: str) -> None:
        key = await self.keyring.find(text) if text else None
        if key is None:
            raise refused(
                401, "bad_key", "No key was sent, or it is not known, or it was revoked.",
                "Make one: staycurve keys create --scope ingest",
            )
        if key.scope != "ingest":
            raise refused(
                401, "bad_key", f"The key opens {key.scope}, and takes no events.",
                "Make one: staycurve keys create --scope ingest",
            )

    async def _kept(
        self, door: Door, facts: Facts, outcomes: Sequence[Outcome], got: Received
    ) -> Response:
        if facts.events or facts.links or facts.traits or facts.bad:
            try:
                done = self.company.events.put(
                    facts, dialect=door.dialect, received_at=got.received_at.isoformat()
                )
                await self.waiting.until(done)
            except InboxFullError as error:
                return _refusal(door, 429, error.code, error)
            except InboxError as error:
                status = 507 if error.fields.get("is_full") else 503
                return _refusal(door, status, error.code, error)
        return _json(200, door.answer(outcomes))


def _value(body: bytes, headers: Headers, query: QueryParams) -> Any:
    packed = query.get("compression", "")
    if packed not in PACKED:
        raise refused(
            415, "unknown_encoding", f"The compression '{packed[:40]}' is not known.",
            f"Known: {', '.join(sorted(PACKED - {''}))}.",
        )
    plain = unpacked(body, headers.get("content-encoding", ""))
    is_form = packed == "base64" or "form-urlencoded" in headers.get("content-type", "")
    if is_form and plain[:1] not in (b"{", b"["):
        plain = unpacked(form_data(plain), "")
    try:
        return read_json(plain)
    except NotJsonError as error:
        raise refused(400, "not_json", error.message, error.hint) from None


def _json(status: int, value: Any) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def _refusal(door: Door, status: int, code: str, error: StaycurveError) -> Response:
    response = _json(status, door.complaint(code, error.message, error.hint))
    if status in AGAIN:
        # SDKs read whole seconds alone.
        response.headers["Retry-After"] = str(RETRY_AFTER)
    if status == 408:
        # What is left of the body may come at any time: the connection is of no more use.
        response.headers["Connection"] = "close"
    return response


def _allow(response: Response, origin: str, headers: Headers) -> None:
    """Let a page at another origin read the answer."""
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Vary"] = "Origin"
    asked = headers.get("access-control-request-headers", "")
    if response.status_code == 204 and _HEADER_NAMES.fullmatch(asked):
        response.headers["Access-Control-Allow-Methods"] = "POST, GET"
        response.headers["Access-Control-Allow-Headers"] = asked
        response.headers["Access-Control-Max-Age"] = "600"

