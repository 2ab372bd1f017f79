"""The addresses below /chartmogul/v1: who may ask, what is read, and how it is answered."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from staycurve.errors import StaycurveError
from staycurve.interfaces.api import errors
from staycurve.interfaces.chartmogul import (
    attributes,
    catalogue,
    customers,
    events,
    figures,
    invoices,
    json_imports,
    part_routes,
    subscriptions,
)
from staycurve.interfaces.chartmogul.keys import key_of, scopes_of
from staycurve.interfaces.chartmogul.requests import ROUTES, Handler, Refused, Request
from staycurve.workspace import Company
from staycurve.workspace.imports import ImportDesk

BASE = "/chartmogul/v1"
LARGEST = 32 * 1024 * 1024
"""Bytes of a body: a bulk import of a hundred thousand line items."""
FIGURES = ("/metrics", "/activities")
"""What tells numbers of the company, and not what was sent."""
QUIET = 0.5
"""Seconds without another object after which what was sent is loaded."""
MOST_PAUSES = 10
"""After so many of them it is loaded, whatever else is sent."""

_log = logging.getLogger("staycurve.server")
_MODULES = (
    attributes, catalogue, customers, events, figures, invoices, json_imports, part_routes,
    subscriptions,
)


class Desk(Protocol):
    """What was taken in, and is to be brought into the lake."""

    def drain_and_refresh(self) -> None:
        """Bring it in; nothing where nothing is due."""


class Loader:
    """Brings in what was sent, soon after it was: not object by object, and not in the request."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._due = threading.Event()
        self._pause = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Something was sent."""
        with self._lock:
            self._due.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._due.is_set():
                    self._thread = None
                    return
            for _ in range(MOST_PAUSES):
                self._due.clear()
                self._pause.wait(QUIET)
                if not self._due.is_set():
                    break
            try:
                self._desk.drain_and_refresh()
            except Exception:
                # It is durable: the next that is sent, asked or started brings it in.
                _log.exception("What was sent could not be loaded yet")


def install(app: FastAPI, company: Company) -> None:
    """Let an application answer below /chartmogul/v1."""
    assert _MODULES
    desk = ImportDesk(company)
    loader = Loader(desk)
    # Of two addresses that fit, the one without a place for a name is meant.
    for method, address, handler in sorted(ROUTES, key=lambda one: one[1].count("{")):
        app.add_route(
            BASE + address, _endpoint(company, desk, loader, handler), methods=[method],
            include_in_schema=False,
        )

    async def nothing(request: HttpRequest) -> Response:
        refused = await run_in_threadpool(_refusal_of_key, company, request)
        return refused or _refused(Refused(404, "There is nothing at this address."))

    app.add_route(
        BASE + "/{rest:path}", nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        include_in_schema=False,
    )


def _endpoint(
    company: Company, desk: ImportDesk, loader: Loader, handler: Handler
) -> Callable[[HttpRequest], Coroutine[Any, Any, Response]]:
    async def answer(http: HttpRequest) -> Response:
        refused = await run_in_threadpool(_refusal_of_key, company, http)
        if refused is not None:
            return refused
        try:
            body = await _body(http)
            query = {
                key.replace("-", "_"): value for key, value in http.query_params.items()
            }
            request = Request(company, desk, dict(http.path_params), query, body)
            status, content = await run_in_threadpool(handler, request)
        except Refused as error:
            if http.method != "GET":
                # Of a list some may have been taken.
                loader.wake()
            return _refused(error)
        except StaycurveError as error:
            status, code, message, hint = errors.fault_of(error)
            return errors.answer((status, code, message, hint))
        if http.method != "GET":
            loader.wake()
        headers = {"Cache-Control": "no-store"}
        if content is None:
            return Response(status_code=status, headers=headers)
        return JSONResponse(content, status_code=status, headers=headers)

    return answer


def _refusal_of_key(company: Company, http: HttpRequest) -> Response | None:
    path = http.url.path.removeprefix(BASE)
    scope = "read" if path.startswith(FIGURES) or path.endswith("/activities") else "send"
    try:
        opened = scopes_of(company, key_of(http.headers.get("authorization", "")))
    except StaycurveError as error:
        return errors.answer((503, error.code, error.message, error.hint))
    if scope in opened:
        return None
    if opened:
        return _refused(Refused(
            403, "This key sends, and reads back what was sent; it reads no metrics.",
            hint="Make one that does: staycurve keys create --scope chartmogul",
        ))
    response = _refused(Refused(
        401, "This key is not known.",
        hint="Make one: staycurve keys create --scope chartmogul   (it is sent as the user name "
        "of Basic authentication)",
    ))
    response.headers["WWW-Authenticate"] = 'Basic realm="staycurve"'
    return response


async def _body(http: HttpRequest) -> Any:
    if http.method == "GET":
        return {}
    taken = bytearray()
    async for chunk in http.stream():
        taken += chunk
        if len(taken) > LARGEST:
            raise Refused(
                413, f"What was sent is larger than {LARGEST // 1024 // 1024} MB.",
                hint="Send fewer objects at a time.",
            )
    if not taken.strip():
        return {}
    try:
        return json.loads(taken, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON.", errors={"body": "is not JSON"}) from None


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _refused(error: Refused) -> JSONResponse:
    """The shape of ChartMogul's errors, with ours beside it."""
    codes = {
        400: "bad_request", 401: "not_signed_in", 403: "not_permitted", 404: "not_found",
        409: "conflict", 413: "too_large", 422: "wrong_usage",
    }
    content: dict[str, Any] = {
        "code": error.status, "message": error.message, "success": False,
        **({"errors": error.errors} if error.errors else {}), **(error.body or {}),
        **errors.shape((error.status, codes.get(error.status, "error"), error.message,
                        error.hint)),
    }
    return JSONResponse(content, status_code=error.status, headers={"Cache-Control": "no-store"})
