"""/api/v1/health: pulses, and the models that kept scores came from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from typing_extensions import TypedDict

from staycurve.interfaces.access import needs, visitor_of
from staycurve.interfaces.api.changes import changing_router_of
from staycurve.interfaces.api.routes import Served
from staycurve.permissions import Permission

router = changing_router_of("health")


class PulseToGive(BaseModel):
    """What somebody thinks of an account."""

    # A misspelt field would change nothing: it is an error.
    model_config = ConfigDict(extra="forbid")

    account_id: str
    level: Literal["green", "yellow", "red", "none"]
    note: str = Field("", description="Why")
    author: str = Field("", description="Who thinks so; whoever asks, without it")


class PulseShape(TypedDict):
    """A pulse."""

    id: int
    account_id: str
    day: str
    level: str
    note: str
    author: str
    expires_on: str
    created_at: str


class PulsesShape(TypedDict):
    """Pulses, oldest first."""

    rows: list[PulseShape]


class KeptModelShape(TypedDict):
    """A model as it was fitted."""

    id: int
    form: str
    horizon: int
    fitted_for: str
    fitted_at: str
    data_version: int
    trained_from: str
    trained_until: str
    trained_on: int
    left_trained: int
    base_rate: float
    beats_baseline: bool
    digest: str
    body: dict[str, Any]


class KeptModelsShape(TypedDict):
    """Kept models, the newest first."""

    rows: list[KeptModelShape]


@router.get("/health/pulses", response_model=PulsesShape)
@needs(Permission.PERSONAL)
def listed(
    company: Served,
    account: Annotated[str, Query(description="Only pulses of this account")] = "",
) -> JSONResponse:
    """Pulses of accounts, oldest first."""
    return JSONResponse({"rows": [one.as_dict() for one in company.health.pulses(account)]})


@router.post("/health/pulses", response_model=PulseShape, status_code=201)
def give(company: Served, request: Request, sent: PulseToGive) -> JSONResponse:
    """Say what you think of an account; it holds for 90 days."""
    made = company.health.give_pulse(
        sent.account_id, sent.level, note=sent.note,
        author=sent.author or visitor_of(request).name,
    )
    return JSONResponse(made.as_dict(), status_code=201)


@router.get("/health/models", response_model=KeptModelsShape)
def models(company: Served) -> JSONResponse:
    """The models that kept scores came from, the newest first."""
    return JSONResponse({"rows": [one.as_dict() for one in company.health.models()]})
