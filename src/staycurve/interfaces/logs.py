"""Logs of the server: lines for people, or one JSON object a line for programs.

A line names no person and no secret: of a request it has the route, never the address that was
asked for, and what looks like a key, a password or an e-mail address is blanked in any text.
"""

from __future__ import annotations

import contextvars
import datetime as dt
import json
import logging
import re
import time
import traceback
import uuid
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from staycurve.interfaces.api.observe import route_of

HEADER = b"x-request-id"
QUIET = ("/healthz", "/readyz", "/metrics")
"""What is asked every few seconds is no news."""

_GIVEN = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_ADDRESS = re.compile(r"[^\s\"'<>(),;:=]+@[^\s\"'<>(),;:=/]+\.[^\s\"'<>(),;:=/]+")
_SECRET = re.compile(
    r"(?i)\b(?:sck_[A-Za-z0-9_-]+|[rsp]k_(?:live|test)_[A-Za-z0-9]+|whsec_[A-Za-z0-9+/=]+"
    r"|(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,})"
)
_PASSWORD = re.compile(r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)")

_request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="")
_log = logging.getLogger("staycurve.access")


def blanked(text: str) -> str:
    """A text without what looks like a secret or an address of a person."""
    found = _PASSWORD.sub("…", text)
    return _ADDRESS.sub("(address)", _SECRET.sub("(secret)", found))


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, and request where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": blanked(record.getMessage()),
        }
        if _request.get():
            told["request"] = _request.get()
        told |= getattr(record, "told", {})
        if record.exc_info and record.exc_info[0] is not None:
            # Where it happened, not with what: values may be anybody's.
            told["error"] = record.exc_info[0].__name__
            told["stack"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(told, ensure_ascii=False)


def install() -> None:
    """Let everything that is logged go to standard error as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("staycurve").setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        own = logging.getLogger(name)
        own.handlers, own.propagate = [], True


class Traced:
    """Gives each request a number, tells it in `X-Request-Id`, and logs how it was answered.

    A number that a proxy gave is kept, where it is one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(HEADER, b"")
        number = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex.encode()
        held = _request.set(number.decode())
        status, size, began = 500, 0, time.perf_counter()

        async def seen(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (HEADER, number)]}
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, seen)
        finally:
            if scope["path"] not in QUIET:
                seconds = time.perf_counter() - began
                _log.info("%s %s %s", scope["method"], route_of(scope), status, extra={"told": {
                    "method": scope["method"], "route": route_of(scope), "status": status,
                    "seconds": round(seconds, 6), "bytes": size,
                }})
            _request.reset(held)
