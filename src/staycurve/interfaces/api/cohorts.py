"""/api/v1/cohorts/…: cohorts read for their meaning, as the command line prints them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from staycurve.interfaces.api import shapes_of_cohorts as shapes
from staycurve.interfaces.api.errors import ErrorShape
from staycurve.interfaces.api.routes import AsOf, By, Served, Where, only_known

Over = Annotated[str, Query(description="activation, or 12m for twelve months", max_length=12)]
Per = Annotated[
    str, Query(description="Activation months in a row: month, quarter, year or all", max_length=8)
]
router = APIRouter(
    prefix="/api/v1/cohorts",
    tags=["cohorts"],
    dependencies=[Depends(only_known)],
    responses={422: {"model": ErrorShape}, 404: {"model": ErrorShape}},
)


@router.get("/history", response_model=shapes.HistoryShape)
def history(company: Served, by: By = "", where: Where = "", as_of: AsOf = "") -> JSONResponse:
    """Share from history by quarter, year over year, and forecast for the open one."""
    found = company.cohorts.history(by=by, where=where, as_of=as_of or None)
    return JSONResponse(found.as_dict())


@router.get("/churn", response_model=shapes.ChurnShape)
def churn(
    company: Served,
    over: Over = "activation",
    per: Per = "month",
    by: By = "",
    where: Where = "",
    as_of: AsOf = "",
) -> JSONResponse:
    """Sales churn against customer churn, and which of the four cases holds."""
    found = company.cohorts.churn(over=over, per=per, by=by, where=where, as_of=as_of or None)
    return JSONResponse(found.as_dict())


@router.get("/churn/accounts", response_model=shapes.FaredAccountsShape)
def churn_accounts(
    company: Served,
    over: Over = "activation",
    cohort: Annotated[
        str, Query(description="An activation month, such as 2024-01", max_length=10)
    ] = "",
    group: Annotated[
        str, Query(description="left, shrank, stayed or grew", max_length=10)
    ] = "",
    where: Where = "",
    as_of: AsOf = "",
) -> JSONResponse:
    """The accounts behind churn, those who lost the most MRR first."""
    listed = company.cohorts.churn_accounts(
        over=over, cohort=cohort or None, group=group or None, where=where, as_of=as_of or None
    )
    return JSONResponse({
        "as_of": company.as_of(as_of or None).at.isoformat(),
        "currency": company.config.company.currency,
        "over": over,
        "rows": [one.as_dict() for one in listed],
    })


@router.get("/retention", response_model=shapes.RetentionShape)
def retention(
    company: Served,
    age: Annotated[
        list[int] | None, Query(description="Months after the activation month; again for more")
    ] = None,
    per: Per = "month",
    by: By = "",
    where: Where = "",
    as_of: AsOf = "",
) -> JSONResponse:
    """Second-month and annual retention: newer cohorts against older, trait against trait."""
    found = company.cohorts.retention(
        ages=age or (1, 12), per=per, by=by, where=where, as_of=as_of or None
    )
    return JSONResponse(found.as_dict())
