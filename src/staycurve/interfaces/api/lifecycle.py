"""/api/v1/lifecycle/…: the stage of each account, as the command line prints it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse

from staycurve.interfaces.api import shapes_of_lifecycle as shapes
from staycurve.interfaces.api.errors import ErrorShape
from staycurve.interfaces.api.routes import (
    AsOf,
    By,
    From,
    Grain,
    Period,
    Served,
    To,
    Where,
    only_known,
)

Stage = Annotated[str, Query(description="One of the eight stages", max_length=20)]

router = APIRouter(
    prefix="/api/v1/lifecycle",
    tags=["lifecycle"],
    dependencies=[Depends(only_known)],
    responses={422: {"model": ErrorShape}, 404: {"model": ErrorShape}},
)


@router.get("/rules", response_model=shapes.RulesShape)
def rules(company: Served) -> JSONResponse:
    """The rules in force in words, and their numbers with default and reason."""
    return JSONResponse(company.lifecycle.rules())


@router.get("/stages", response_model=shapes.StagesShape)
def stages(
    company: Served,
    grain: Grain = "month",
    start: From = "",
    end: To = "",
    by: By = "",
    where: Where = "",
    as_of: AsOf = "",
) -> JSONResponse:
    """How many accounts are in each stage at the close of each period, with their MRR."""
    found = company.lifecycle.stages(
        grain=grain, start=start or None, end=end or None, by=by, where=where, as_of=as_of or None
    )
    return JSONResponse(found.as_dict())


@router.get("/transitions", response_model=shapes.TransitionsShape)
def transitions(
    company: Served,
    grain: Grain = "month",
    start: From = "",
    end: To = "",
    by: By = "",
    where: Where = "",
    as_of: AsOf = "",
) -> JSONResponse:
    """Moves from stage to stage in each period, and what each stage opened and closed with."""
    found = company.lifecycle.transitions(
        grain=grain, start=start or None, end=end or None, by=by, where=where, as_of=as_of or None
    )
    return JSONResponse(found.as_dict())


@router.get("/times", response_model=shapes.TimesShape)
def times(company: Served, by: By = "", where: Where = "", as_of: AsOf = "") -> JSONResponse:
    """Days that accounts stay in each stage: the median, those still in it censored."""
    found = company.lifecycle.times(by=by, where=where, as_of=as_of or None)
    return JSONResponse(found.as_dict())


@router.get("/stuck", response_model=shapes.StuckShape)
def stuck(company: Served, where: Where = "", as_of: AsOf = "") -> JSONResponse:
    """Accounts in their stage for longer than most who left it."""
    found = company.lifecycle.stuck(where=where, as_of=as_of or None)
    return JSONResponse(found.as_dict())


@router.get("/indicators", response_model=shapes.IndicatorsShape)
def indicators(
    company: Served, period: Period = "", where: Where = "", as_of: AsOf = ""
) -> JSONResponse:
    """Each stage's own indicators in a month, and in the month before."""
    found = company.lifecycle.indicators(period=period or None, where=where, as_of=as_of or None)
    return JSONResponse(found.as_dict())


@router.get("/accounts", response_model=shapes.StageAccountsShape)
def accounts(
    company: Served, stage: Stage = "", period: Period = "", where: Where = "", as_of: AsOf = ""
) -> JSONResponse:
    """The accounts in a stage at the close of a period, or now; those with the most MRR first."""
    return JSONResponse({
        "as_of": company.as_of(as_of or None).at.isoformat(),
        "currency": company.config.company.currency,
        "rows": company.lifecycle.accounts(
            stage or None, period=period or None, where=where, as_of=as_of or None
        ),
    })


@router.get("/moved", response_model=shapes.MovedShape)
def moved(
    company: Served,
    period: Period,
    before: Annotated[
        str | None,
        Query(description="The stage that they left; empty for who became known", max_length=20),
    ] = None,
    after: Stage = "",
    where: Where = "",
    as_of: AsOf = "",
) -> JSONResponse:
    """The accounts that moved from stage to stage in a period."""
    return JSONResponse({
        "as_of": company.as_of(as_of or None).at.isoformat(),
        "period": period,
        "rows": company.lifecycle.movers(
            period=period, before=before, after=after or None, where=where, as_of=as_of or None
        ),
    })


@router.get("/history/{account_id}", response_model=shapes.AccountHistoryShape)
def history(company: Served, account_id: str, as_of: AsOf = "") -> JSONResponse:
    """Every stage that one account has been in, each visit with its days and its reason."""
    return JSONResponse({
        "as_of": company.as_of(as_of or None).at.isoformat(),
        "account_id": account_id,
        "rows": company.lifecycle.history(account_id, as_of=as_of or None),
    })
