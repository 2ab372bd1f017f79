"""/api/v1/lifecycle/…: the stage of each account, as the command line prints it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from staycurve.interfaces.api import shapes_of_lifecycle as shapes
from staycurve.interfaces.api.routes import AsOf, Filtered, Period, Served, Span, Split, router_of

Stage = Annotated[str, Query(description="One of the eight stages", max_length=20)]

router = router_of("lifecycle", prefix="/api/v1/lifecycle")


@router.get("/rules", response_model=shapes.RulesShape)
def rules(company: Served) -> JSONResponse:
    """The rules in force in words, and their numbers with default and reason."""
    return JSONResponse(company.lifecycle.rules())


@router.get("/stages", response_model=shapes.StagesShape)
def stages(company: Served, span: Span, asked: Split) -> JSONResponse:
    """How many accounts are in each stage at the close of each period, with their MRR."""
    return JSONResponse(company.lifecycle.stages(**span, **asked).as_dict())


@router.get("/transitions", response_model=shapes.TransitionsShape)
def transitions(company: Served, span: Span, asked: Split) -> JSONResponse:
    """Moves from stage to stage in each period, and what each stage opened and closed with."""
    return JSONResponse(company.lifecycle.transitions(**span, **asked).as_dict())


@router.get("/times", response_model=shapes.TimesShape)
def times(company: Served, asked: Split) -> JSONResponse:
    """Days that accounts stay in each stage: the median, those still in it censored."""
    return JSONResponse(company.lifecycle.times(**asked).as_dict())


@router.get("/stuck", response_model=shapes.StuckShape)
def stuck(company: Served, asked: Filtered) -> JSONResponse:
    """Accounts in their stage for longer than most who left it."""
    return JSONResponse(company.lifecycle.stuck(**asked).as_dict())


@router.get("/indicators", response_model=shapes.IndicatorsShape)
def indicators(company: Served, asked: Filtered, period: Period = "") -> JSONResponse:
    """Each stage's own indicators in a month, and in the month before."""
    return JSONResponse(company.lifecycle.indicators(period=period or None, **asked).as_dict())


@router.get("/accounts", response_model=shapes.StageAccountsShape)
def accounts(
    company: Served, asked: Filtered, stage: Stage = "", period: Period = ""
) -> JSONResponse:
    """The accounts in a stage at the close of a period, or now; those with the most MRR first."""
    return JSONResponse({
        "as_of": company.as_of(asked["as_of"]).at.isoformat(),
        "currency": company.config.company.currency,
        "rows": company.lifecycle.accounts(stage or None, period=period or None, **asked),
    })


@router.get("/moved", response_model=shapes.MovedShape)
def moved(
    company: Served, asked: Filtered, period: Period,
    before: Annotated[
        str | None,
        Query(description="The stage that they left; empty for who became known", max_length=20),
    ] = None,
    after: Stage = "",
) -> JSONResponse:
    """The accounts that moved from stage to stage in a period."""
    return JSONResponse({
        "as_of": company.as_of(asked["as_of"]).at.isoformat(),
        "period": period,
        "rows": company.lifecycle.movers(
            period=period, before=before, after=after or None, **asked
        ),
    })


@router.get("/visits", response_model=shapes.StageVisitsShape)
def visits(
    company: Served, asked: Filtered, stage: Stage,
    ended: Annotated[
        bool | None, Query(description="Those that ended, or still run; both without it")
    ] = None,
) -> JSONResponse:
    """The visits behind `times`: every one of a stage, and what came after it."""
    return JSONResponse({
        "as_of": company.as_of(asked["as_of"]).at.isoformat(),
        "stage": stage,
        "rows": company.lifecycle.visits(stage, has_ended=ended, **asked),
    })


@router.get("/history/{account_id}", response_model=shapes.AccountHistoryShape)
def history(company: Served, account_id: str, as_of: AsOf = "") -> JSONResponse:
    """Every stage that one account has been in, each visit with its days and its reason."""
    return JSONResponse({
        "as_of": company.as_of(as_of or None).at.isoformat(),
        "account_id": account_id,
        "rows": company.lifecycle.history(account_id, as_of=as_of or None),
    })
