"""Errors over HTTP: one shape everywhere, with the status that fits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from staycurve.errors import (
    BusyError,
    ClientGoneError,
    LakeError,
    NoAccountError,
    NotAnsweredError,
    NotPermittedError,
    NotSignedInError,
    ProjectError,
    StateError,
    StaycurveError,
    TooSlowError,
    UnknownNameError,
    UsageError,
    system_error,
)
from staycurve.state.survey_answers import AnsweredError
from staycurve.workspace.held import UnknownPersonError

Fault = tuple[int, str, str, str]
"""Status, code, message, hint."""

Present = Callable[[Request, Fault], Response | None]
"""Shows a fault to people; None where the plain shape is right."""

_HTTP = {
    401: ("not_signed_in", "Sign in to see this."),
    403: ("not_permitted", "You are not permitted to see this."),
    404: ("not_found", "There is nothing at this address."),
    408: ("too_slow", "The request did not arrive in time."),
    405: ("method_not_allowed", "This address does not take that method."),
}


class ErrorText(TypedDict):
    """What went wrong."""

    code: str
    message: str
    hint: str


class ErrorShape(TypedDict):
    """How every error looks."""

    error: ErrorText


ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorShape},
    422: {"model": ErrorShape},
    "default": {"model": ErrorShape, "description": "What went wrong, and what to do"},
}
"""What every address may answer beside what it is for, as OpenAPI declares it."""


def fault_of(error: Exception) -> Fault:
    """Status, code, message and hint of an error."""
    return told_of(error) or unforeseen("")


def unforeseen(number: str) -> Fault:
    """What is said of a fault that nobody foresaw; `number` finds its entry in the log."""
    entry = f" Fault {number}." if number else ""
    hint = f"Entry {number} of the server's faults.log has the details." if number else ""
    return 500, "internal", f"Something went wrong on the server.{entry}", hint


def told_of(error: Exception) -> Fault | None:
    """The same for an error that was foreseen; None for any other."""
    if isinstance(error, UnknownNameError):
        is_address = error.fields.get("kind") in (
            "metric", "page", "view", "annotation", "goal", "survey", "person",
        )
        is_address = is_address or isinstance(error, NoAccountError)
        return (404 if is_address else 422), error.code, error.message, error.hint
    if isinstance(error, UnknownPersonError):
        return 404, error.code, error.message, error.hint
    if isinstance(error, AnsweredError):
        return 409, error.code, error.message, error.hint
    if isinstance(error, UsageError | NotAnsweredError):
        return 422, error.code, error.message, error.hint
    if isinstance(error, NotSignedInError):
        return 401, error.code, error.message, error.hint
    if isinstance(error, NotPermittedError):
        return 403, error.code, error.message, error.hint
    if isinstance(error, TooSlowError):
        return 504, error.code, error.message, error.hint
    if isinstance(error, ClientGoneError):
        # Nobody reads it; counters keep it apart from what failed.
        return 499, error.code, error.message, error.hint
    if isinstance(error, BusyError | StateError):
        return 503, error.code, error.message, error.hint
    if isinstance(error, ProjectError | LakeError):
        return 500, error.code, error.message, error.hint
    if isinstance(error, StaycurveError):
        return 400, error.code, error.message, error.hint
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("query", "body"))
        return 422, "wrong_usage", f"{where}: {first['msg']}.", "See /api/openapi.json"
    if isinstance(error, HTTPException):
        code, message = _HTTP.get(error.status_code, ("http_error", str(error.detail)))
        return error.status_code, code, message, "All addresses: /api/openapi.json"
    refused = system_error(error)
    if refused is not None:
        return 500, refused.code, refused.message, refused.hint
    return None


def shape(fault: Fault) -> ErrorShape:
    """The object that every error answers with."""
    _, code, message, hint = fault
    return {"error": {"code": code, "message": message, "hint": hint}}


def answer(fault: Fault) -> JSONResponse:
    """The plain answer to a request that failed."""
    headers = {"Cache-Control": "no-store"}
    return JSONResponse(shape(fault), status_code=fault[0], headers=headers)


def install(app: FastAPI, present: Present) -> None:
    """Make every failure of `app` answer in the one shape, or as a page to people."""

    def handle(request: Request, error: Exception) -> Response:
        fault = fault_of(error)
        response = present(request, fault) or answer(fault)
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        return response

    handler: Callable[[Request, Any], Response | Awaitable[Response]] = handle
    for kind in (StaycurveError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handler)
