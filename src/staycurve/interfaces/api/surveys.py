"""/api/v1/surveys: what is asked and answered, and asking inside the product."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from staycurve.errors import StaycurveError, UsageError
from staycurve.interfaces.api import errors
from staycurve.interfaces.api.changes import changing_router_of
from staycurve.interfaces.api.routes import Served, only_known
from staycurve.interfaces.ingest.bodies import header_key
from staycurve.permissions import Permission
from staycurve.sources.ingest_settings import INGEST
from staycurve.state.survey_models import COMMENT
from staycurve.workspace import Company

LIMIT = 16 * COMMENT
"""Bytes of an answer."""

router = changing_router_of("surveys")


class SurveyShape(TypedDict):
    """A survey and its response; rates are fractions."""

    name: str
    kind: str
    version: int
    is_active: bool
    question: str
    touchpoint: str | None
    asked: int
    answered: int
    response_rate: float | None
    low: float | None
    high: float | None
    mean_score: float | None
    waiting: int
    failed: int
    unsure: int
    created_at: str


class SurveysShape(TypedDict):
    """Surveys by name."""

    rows: list[SurveyShape]


class AnswersShape(TypedDict):
    """Answers, newest first; further questions are `answer_1`, `answer_2`, …"""

    rows: list[dict[str, Any]]


class OfferShape(TypedDict):
    """A survey that may be asked now; its answer is sent with `token`."""

    survey: str
    kind: str
    question: str
    scale: list[int]
    low: str | None
    high: str | None
    comment: str | None
    language: str
    questions: list[dict[str, Any]]
    token: str


class DueShape(TypedDict):
    """The survey that is due for a user; none where `rows` is empty."""

    user: str
    rows: list[OfferShape]


class DoneShape(TypedDict):
    """What was recorded."""

    is_recorded: bool


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Token(_Body):
    """A survey that was shown."""

    token: str = Field(description="From /api/v1/surveys/due", max_length=2_000)


class ProductAnswer(Token):
    """What a user says to a survey that was due."""

    score: int | None = Field(None, description="On the survey's scale")
    comment: str = ""
    answers: list[str] = Field(
        default_factory=list, description="To the further questions, in their order", max_length=20
    )


@router.get("/surveys", response_model=SurveysShape)
def surveys(company: Served) -> JSONResponse:
    """Every survey, with its response rate."""
    return JSONResponse({"rows": [one.as_dict() for one in company.surveys.listed()]})


class ProductRoute(APIRoute):
    """Answers programs inside the product: with a key, and to pages that [ingest] lists."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the checks."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            company: Company = request.app.state.company
            origin = request.headers.get("origin", "")
            allowed = _allowed(company, request, origin)
            try:
                if origin and not allowed:
                    raise UsageError(
                        "This page may not ask.",
                        hint='List its origin in staycurve.toml: [ingest] origins = ["…"]',
                    )
                visitor = await request.app.state.doorkeeper.find(Headers(), "")
                is_needed = bool(origin) or not visitor.may(Permission.READ)
                await run_in_threadpool(_check_key, company, request, is_needed=is_needed)
                _check_length(request)
                response = await handle(request)
            except StaycurveError as error:
                if not origin:
                    raise
                # A page elsewhere reads the reason only with the headers below.
                response = errors.answer(errors.fault_of(error))
            if origin and allowed:
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            response.headers["Vary"] = "Origin"
            response.headers["Cache-Control"] = "no-store"
            return response

        return checked


# Programs send a key for events, which reads nothing else: no role is asked for.
product = APIRouter(
    prefix="/api/v1", tags=["surveys"], dependencies=[Depends(only_known)],
    responses=errors.ANSWERS, route_class=ProductRoute,
)


@product.get("/surveys/due", response_model=DueShape)
def due(
    company: Served,
    user: Annotated[str, Query(description="The user's id", min_length=1, max_length=500)],
) -> JSONResponse:
    """The survey that a user may be asked now; asking for it records nothing."""
    found = company.surveys.product.due(user)
    return JSONResponse({"user": user, "rows": [found.as_dict()] if found else []})


@product.post("/surveys/shown", response_model=DoneShape)
def shown(company: Served, sent: Token) -> JSONResponse:
    """Note that a survey was shown, so that its user counts as asked."""
    company.surveys.product.shown(sent.token)
    return JSONResponse({"is_recorded": True})


@product.post("/surveys/answers", response_model=DoneShape)
def answer(request: Request, company: Served, sent: ProductAnswer) -> JSONResponse:
    """Record what a user says inside the product."""
    form = {"comment": sent.comment, "score": "" if sent.score is None else str(sent.score)}
    form |= {f"answer_{place}": text for place, text in enumerate(sent.answers, 1)}
    company.surveys.product.answer(sent.token, form)
    request.app.state.survey_loader.wake()
    return JSONResponse({"is_recorded": True})


@router.get("/surveys/{survey}/answers", response_model=AnswersShape)
def answers(company: Served, survey: str) -> JSONResponse:
    """What a survey was answered, newest first."""
    return JSONResponse({"rows": company.surveys.answers(survey)})


def preflight(request: Request) -> Response:
    """What a browser asks before a page elsewhere may send."""
    company: Company = request.app.state.company
    origin = request.headers.get("origin", "")
    if not _allowed(company, request, origin):
        return Response(status_code=403, headers={"Vary": "Origin"})
    return Response(status_code=204, headers={
        "Access-Control-Allow-Origin": origin, "Vary": "Origin",
        "Access-Control-Allow-Headers": "authorization, content-type",
        "Access-Control-Allow-Methods": "GET, POST", "Access-Control-Max-Age": "600",
    })


def _allowed(company: Company, request: Request, origin: str) -> bool:
    listed = company.config[INGEST].origins
    is_own = origin.partition("://")[2] == request.headers.get("host", "")
    return bool(origin) and (is_own or origin in listed or "*" in listed)


def _check_key(company: Company, request: Request, *, is_needed: bool) -> None:
    text = header_key(request.headers)
    if not text and not is_needed:
        return
    key = company.state.checked_key(text) if text else None
    if key is None or key.scope != "ingest":
        raise UsageError(
            "No key was sent, or it is not known, or it was revoked.",
            hint="Make one: staycurve keys create --scope ingest",
        )


def _check_length(request: Request) -> None:
    length = request.headers.get("content-length", "")
    if request.method == "POST" and not (length.isdigit() and int(length) <= LIMIT):
        raise UsageError(
            f"What was sent is larger than {LIMIT // 1000} KB, or does not say how large it is.",
            hint="Send a JSON object with its Content-Length.",
        )
