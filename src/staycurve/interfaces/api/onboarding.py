"""/api/v1/onboarding/…: how new accounts reach first value, as the command line prints it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from staycurve.interfaces.api import shapes_of_features as shapes
from staycurve.interfaces.api.errors import ErrorShape
from staycurve.interfaces.api.routes import AsOf, By, Served, Where, only_known

router = APIRouter(
    prefix="/api/v1/onboarding",
    tags=["onboarding"],
    dependencies=[Depends(only_known)],
    responses={422: {"model": ErrorShape}, 404: {"model": ErrorShape}},
)


@router.get("", response_model=shapes.OnboardingShape)
def time_to_value(
    company: Served, by: By = "", where: Where = "", as_of: AsOf = ""
) -> JSONResponse:
    """Time to first value and activation rate, by month of sign-up."""
    found = company.onboarding.time_to_value(by=by, where=where, as_of=as_of or None)
    return JSONResponse(found.to_json())


@router.get("/accounts", response_model=shapes.OpenedShape)
def accounts(
    company: Served,
    part: Annotated[
        str, Query(description="signed_up, activated, waiting, in_window, late, …", max_length=20)
    ] = "signed_up",
    cohort: Annotated[
        str, Query(description="A month of sign-up, such as 2024-05", max_length=10)
    ] = "",
    where: Where = "",
    as_of: AsOf = "",
) -> JSONResponse:
    """The accounts behind one number."""
    found = company.onboarding.accounts(
        part, cohort=cohort or None, where=where, as_of=as_of or None
    )
    return JSONResponse(found.to_json())


@router.get("/checklist", response_model=shapes.ChecklistShape)
def checklist(company: Served, by: By = "", where: Where = "", as_of: AsOf = "") -> JSONResponse:
    """How far accounts get along the steps, where they stop, and who stays."""
    found = company.onboarding.checklist(by=by, where=where, as_of=as_of or None)
    return JSONResponse(found.to_json())


@router.get("/checklist/accounts", response_model=shapes.OpenedShape)
def progress(
    company: Served,
    step: Annotated[str, Query(description="A step of the checklist", max_length=300)],
    state: Annotated[
        str, Query(description="members, reached, any_order, in_window or stopped", max_length=20)
    ] = "reached",
    where: Where = "",
    as_of: AsOf = "",
) -> JSONResponse:
    """The accounts behind a step, each with the steps that it did."""
    found = company.onboarding.step_accounts(step, state=state, where=where, as_of=as_of or None)
    return JSONResponse(found.to_json())
