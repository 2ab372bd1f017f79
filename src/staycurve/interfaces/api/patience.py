"""Patience: how long a client may take to send what it asks, so that slow ones keep nobody out."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD = 20.0
"""Seconds from the first byte of a request to the end of its headers, or before any byte comes."""
BODY = 60.0
"""Seconds for a body, and one more for every `LEAST` bytes: files of any size may be sent."""
LEAST = 1000


class Unhurried:
    """Ends a request whose body comes slower than anybody's line, with 408."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        began, size, is_whole = time.monotonic(), 0, False

        async def bounded() -> Message:
            nonlocal size, is_whole
            if is_whole:
                # What comes then is that the client goes away.
                return await receive()
            left = began + BODY + size / LEAST - time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), max(0.0, left))
            except TimeoutError:
                raise HTTPException(408, headers={"Connection": "close"}) from None
            size += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            return message

        await self.app(scope, bounded, send)


class Protocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """uvicorn's own, which closes a connection on which no whole request comes in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait on while headers are not whole."""
        super().data_received(data)
        if self._is_asked:
            self._stop()
        elif self._late is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop()
        super().connection_lost(exc)

    @property
    def _is_asked(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._late = self.loop.call_later(HEAD, self._close)

    def _stop(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close(self) -> None:
        self._late = None
        if not self._is_asked and not self.transport.is_closing():
            self.transport.close()
