"""What every answer carries, and which requests are not answered at all."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
from collections.abc import Callable, Collection
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from staycurve import faults
from staycurve.interfaces.api import errors
from staycurve.interfaces.api.observe import route_of

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names under which a server bound to this machine is asked for."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

_log = logging.getLogger("staycurve.server")


def host_name(header: str) -> str:
    """The name in a Host header, without its port."""
    name, _, port = header.rpartition(":")
    return (name if name and port.isdigit() else header).lower()


def _is_own(host: str, scope: Scope) -> bool:
    """Whether a Host is the very address that the request came in at.

    A foreign page's own name can be made to resolve to this machine; an address resolves to
    nothing else.
    """
    name = host.strip("[]")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    server = scope.get("server") or ("", 0)
    return name == str(server[0])


class Guard:
    """Refuses foreign Host headers, adds the security headers, and answers for what failed.

    Parameters
    ----------
    hosts : collection of str, optional
        The Host names that are answered; any without it. A page elsewhere can make a browser
        resolve its own name to this machine and then read what it serves (DNS rebinding); its
        requests carry that foreign name.
    present : callable
        Shows a fault to people.
    clock : callable
        Tells the time of a fault.
    folder : Path, optional
        The project's directory, whose log keeps faults.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] | None,
        present: Callable[[Request, errors.Fault], Response | None],
        *,
        clock: Callable[[], dt.datetime],
        folder: Path | None = None,
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.present = present
        self.clock = clock
        self.folder = folder

    def _unforeseen(self, error: Exception, scope: Scope) -> errors.Fault:
        doing = f"{scope['method']} {route_of(scope)}"
        kept = faults.keep(error, doing=doing, at=self.clock(), folder=self.folder)
        _log.error("%s failed: entry %s of %s", doing, kept.number, kept.path or "no log")
        return errors.unforeseen(kept.number)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def dressed(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        host = host_name(Headers(scope=scope).get("host", ""))
        if self.hosts is not None and host not in self.hosts and not _is_own(host, scope):
            refused = errors.answer((
                421,
                "foreign_host",
                f"This server does not answer to the name '{host}'.",
                "To let it: staycurve serve --allow-host NAME, or the environment variable "
                "STAYCURVE_HOSTS.",
            ))
            await refused(scope, receive, dressed)
            return
        try:
            await self.app(scope, receive, dressed)
        except Exception as error:
            fault = errors.told_of(error)
            if fault is None:
                if faults.is_raised():
                    raise
                fault = self._unforeseen(error, scope)
            if has_begun:
                # The answer cannot be taken back; the connection is cut instead.
                raise
            response = self.present(Request(scope), fault) or errors.answer(fault)
            await response(scope, receive, dressed)


class Heads:
    """Answers HEAD as it answers GET, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def bare(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, bare)
