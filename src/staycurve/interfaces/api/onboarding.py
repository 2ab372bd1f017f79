"""/api/v1/onboarding/…: how new accounts reach first value, as the command line prints it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from staycurve.interfaces.api import shapes_of_features as shapes
from staycurve.interfaces.api.routes import Filtered, Served, Split, router_of

router = router_of("onboarding", prefix="/api/v1/onboarding")


@router.get("", response_model=shapes.OnboardingShape)
def time_to_value(company: Served, asked: Split) -> JSONResponse:
    """Time to first value and activation rate, by month of sign-up."""
    return JSONResponse(company.onboarding.time_to_value(**asked).to_json())


@router.get("/accounts", response_model=shapes.OpenedShape)
def accounts(
    company: Served, asked: Filtered,
    part: Annotated[
        str, Query(description="signed_up, activated, waiting, in_window, late, …", max_length=20)
    ] = "signed_up",
    cohort: Annotated[
        str, Query(description="A month of sign-up, such as 2024-05", max_length=10)
    ] = "",
) -> JSONResponse:
    """The accounts behind one number."""
    found = company.onboarding.accounts(part, cohort=cohort or None, **asked)
    return JSONResponse(found.to_json())


@router.get("/checklist", response_model=shapes.ChecklistShape)
def checklist(company: Served, asked: Split) -> JSONResponse:
    """How far accounts get along the steps, where they stop, and who stays."""
    return JSONResponse(company.onboarding.checklist(**asked).to_json())


@router.get("/checklist/accounts", response_model=shapes.OpenedShape)
def progress(
    company: Served, asked: Filtered,
    step: Annotated[str, Query(description="A step of the checklist", max_length=300)],
    state: Annotated[
        str,
        Query(
            description="members, reached, any_order, in_window, stopped; of those that signed up "
            "three months ago did, did_paying, did_active, did_not, did_not_paying, did_not_active",
            max_length=20,
        ),
    ] = "reached",
) -> JSONResponse:
    """The accounts behind a step, each with the steps that it did."""
    found = company.onboarding.step_accounts(step, state=state, **asked)
    return JSONResponse(found.to_json())
