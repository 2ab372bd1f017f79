"""Routes that change something: only for our own pages and for programs, and only small bodies."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from staycurve.errors import UsageError
from staycurve.interfaces.api.routes import router_of
from staycurve.interfaces.web.forms import check_origin, check_token

LIMIT = 32_000
"""Bytes of a body."""


class ChangingRoute(APIRoute):
    """Refuses what a page elsewhere made a browser send, before its body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the checks."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            if request.method != "GET":
                _check(request)
            return await handle(request)

        return checked


def _check(request: Request) -> None:
    kind = request.headers.get("content-type", "")
    check_token(request, request.headers.get("x-csrf-token", ""))
    # A browser asks before it sends a DELETE across origins, and that is never granted.
    check_origin(request.headers, "application/json" if request.method == "DELETE" else kind)
    length = request.headers.get("content-length", "")
    if request.method != "DELETE" and not (length.isdigit() and int(length) <= LIMIT):
        raise UsageError(
            f"What was sent is larger than {LIMIT // 1000} KB, or does not say how large it is.",
            hint="Send a JSON object with its Content-Length.",
        )


def changing_router_of(theme: str) -> APIRouter:
    """Addresses of one theme, of which some change something."""
    made = router_of(theme)
    made.route_class = ChangingRoute
    return made
