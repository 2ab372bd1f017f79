"""/api/v1/…: an address for each insight, made from its declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from staycurve import personal
from staycurve.errors import UnknownNameError
from staycurve.insights.answers import Answer
from staycurve.insights.base import LONGEST, Argument, Insight
from staycurve.insights.catalogue import INSIGHTS
from staycurve.insights.shapes import fields_of, lines_of, main_of
from staycurve.interfaces import sheets
from staycurve.interfaces.access import require
from staycurve.interfaces.api.answer_models import Models
from staycurve.interfaces.api.errors import ANSWERS
from staycurve.workspace import Company
from staycurve.workspace.cache import Cache

BASE = "/api/v1"
FORMAT = "format"
FORMATS = ("json", "csv")
CSV = "text/csv; charset=utf-8"
JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}

_AT_ONCE: Cache[tuple[Answer, bool]] = Cache(0)
"""Keeps nothing: what is asked twice at the same time is computed once."""


def router() -> APIRouter:
    """The address of every insight, and its aliases."""
    return _router_of(tuple(one for _name, one in INSIGHTS.items()))


# Models take a while to make, and applications are made often in tests.
@lru_cache(4)
def _router_of(insights: tuple[Insight[Any, Any], ...]) -> APIRouter:
    made = APIRouter(responses=ANSWERS)
    models = Models(insights)
    for one in insights:
        answer = endpoint(one)
        made.add_api_route(
            address_of(one), answer, methods=["GET"], response_model=models.of(one),
            operation_id=one.name.replace(" ", "_"), tags=[one.theme or one.name],
            summary=one.question, description=one.about,
            responses={200: {"content": {"text/csv": {}}}},
            openapi_extra={"parameters": [*map(parameter, one.arguments), _FORMAT]},
        )
        for alias in one.aliases:
            made.add_api_route(
                BASE + alias, answer, methods=["GET"], response_model=None,
                include_in_schema=False,
            )
    return made


def address_of(insight: Insight[Any, Any]) -> str:
    """Where an insight is asked."""
    return f"{BASE}/{insight.name.replace(' ', '/')}"


def endpoint(insight: Insight[Any, Any]) -> Callable[[Request], Response]:
    """What answers at the address of an insight.

    It takes the request whole: texts are read as every interface reads them, so that errors are
    the same everywhere.
    """

    def ask(request: Request) -> Response:
        require(request, insight.permission)
        company: Company = request.app.state.company
        # An alias may name a value in its path: /lifecycle/history/{account}.
        pairs = [*request.path_params.items(), *request.query_params.multi_items()]
        for name, _text in pairs:
            if name != FORMAT and not insight.takes(name):
                raise insight.unknown(name, FORMAT)
        form = next((text for name, text in pairs if name == FORMAT and text), FORMATS[0])
        if form not in FORMATS:
            raise UnknownNameError("format", form, FORMATS)
        empty = {one.outward for one in insight.arguments if one.param.can_be_empty}
        given = insight.read([
            (name, text) for name, text in pairs
            if (text or name in empty) and name != FORMAT
        ])
        answer = answered(company, insight, given)
        if form == "csv":
            return _csv(insight, answer)
        return JSONResponse(answer.as_dict())

    ask.__name__ = insight.name.replace(" ", "_")
    ask.__doc__ = insight.about
    return ask


def answered(
    company: Company, insight: Insight[Any, Any], given: Mapping[str, Any]
) -> Answer:
    """The answer, computed once for all who ask for it at the same time."""
    what = (
        id(company), company.snapshot.seq, insight.name, repr(sorted(given.items())),
        personal.is_shown(),
    )
    found, is_personal = _AT_ONCE.get(
        what, lambda: personal.noted(lambda: insight.ask(company, **given))
    )
    if is_personal:
        personal.note()
    return found


def _csv(insight: Insight[Any, Any], answer: Answer) -> Response:
    main = main_of(type(answer))
    columns = [] if main is None else [field.key for field in fields_of(main.row)]
    lines = lines_of(main.of(answer)) if main else []
    name = insight.name.replace(" ", "-")
    return Response(
        sheets.written(lines, columns), media_type=CSV,
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def parameter(argument: Argument) -> dict[str, Any]:
    """One parameter as OpenAPI describes it."""
    param = argument.param
    one: dict[str, Any] = {"type": JSON_TYPES[argument.type]}
    if param.choices:
        one["enum"] = list(param.choices)
    elif argument.type is str:
        one["maxLength"] = LONGEST
    if param.least is not None:
        one["minimum"] = param.least
    if param.most is not None:
        one["maximum"] = param.most
    schema = {"type": "array", "items": one} if argument.is_many else one
    if argument.default not in (None, "", ()):
        default = argument.default
        schema["default"] = list(default) if argument.is_many else default
    about = f"{param.about} Such as {param.examples}." if param.examples else param.about
    return {
        "name": argument.outward, "in": "query", "required": argument.is_required,
        "description": about, "schema": schema,
    }


_FORMAT = {
    "name": FORMAT, "in": "query", "required": False,
    "description": "csv gives the main rows, a line each.",
    "schema": {"type": "string", "enum": list(FORMATS), "default": FORMATS[0]},
}
