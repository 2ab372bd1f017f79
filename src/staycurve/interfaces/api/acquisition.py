"""/api/v1/acquisition/…: channels, leads, referrals and their rows, as commands print them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from staycurve.interfaces.api import shapes_of_acquisition as shapes
from staycurve.interfaces.api.routes import (
    AsOf,
    By,
    Filtered,
    From,
    Grain,
    Period,
    Served,
    Span,
    To,
    Where,
    router_of,
)
from staycurve.interfaces.api.shapes import OpenedShape

Horizon = Annotated[int, Query(description="Days that a lead is given", ge=1, le=3660)]

router = router_of("acquisition", prefix="/api/v1/acquisition")


@router.get("/channels", response_model=shapes.ChannelsShape)
def channels(company: Served, span: Span, asked: Filtered) -> JSONResponse:
    """What every channel brought in each period, and what it cost."""
    return JSONResponse(company.acquisition.channels(**span, **asked).as_dict())


@router.get("/funnel", response_model=shapes.FunnelShape)
def funnel(
    company: Served, grain: Grain = "month", start: From = "", end: To = "",
    by: By = "", where: Where = "", horizon: Horizon = 90,
    together: Annotated[bool, Query(description="All cohorts of the range as one")] = False,
    as_of: AsOf = "",
) -> JSONResponse:
    """How far the leads of each period came within a horizon; younger leads do not count."""
    found = company.acquisition.funnel(
        grain=grain, start=start or None, end=end or None, by=by, where=where, horizon=horizon,
        together=together, as_of=as_of or None,
    )
    return JSONResponse(found.as_dict())


@router.get("/leads", response_model=shapes.LeadsShape)
def leads(
    company: Served,
    cohort: Period,
    step: Annotated[
        str,
        Query(description="mature, qualified, demo, trial, tried, won or paying", max_length=20),
    ] = "",
    where: Where = "", horizon: Horizon = 90, as_of: AsOf = "",
) -> JSONResponse:
    """The leads of a cohort, with the day of each step."""
    rows = company.acquisition.leads(
        cohort=cohort, step=step or None, where=where, horizon=horizon, as_of=as_of or None
    )
    return JSONResponse({
        "as_of": company.as_of(as_of or None).at.isoformat(), "cohort": cohort,
        "horizon_days": horizon, "rows": rows,
    })


@router.get("/reach", response_model=OpenedShape)
def reach(
    company: Served, asked: Filtered, period: Period,
    kind: Annotated[
        str, Query(description="visits, social_engagements or mentions", max_length=30)
    ] = "visits",
) -> JSONResponse:
    """The rows behind the visits, social engagements or mentions of a period."""
    return JSONResponse(company.acquisition.reach(period, kind=kind, **asked).to_json())


@router.get("/spend", response_model=OpenedShape)
def spend(company: Served, asked: Filtered, period: Period) -> JSONResponse:
    """The rows behind the acquisition cost of a period, in the company's currency."""
    return JSONResponse(company.acquisition.spend(period, **asked).to_json())


@router.get("/quality", response_model=shapes.QualityShape)
def quality(company: Served, asked: Filtered) -> JSONResponse:
    """How the accounts of each channel fare afterwards."""
    return JSONResponse(company.acquisition.quality(**asked).as_dict())


@router.get("/stayed", response_model=OpenedShape)
def stayed(
    company: Served, asked: Filtered,
    age: Annotated[int, Query(description="Months after the activation month", ge=1, le=600)],
) -> JSONResponse:
    """The accounts behind a retention of `quality` or `referrals`: who still paid, and who not."""
    return JSONResponse(company.acquisition.stayed(age, **asked).to_json())


@router.get("/referrals", response_model=shapes.ReferralsShape)
def referrals(company: Served, asked: Filtered) -> JSONResponse:
    """Who brought whom, what the referred are worth, and whether they stay longer."""
    return JSONResponse(company.acquisition.referrals(**asked).as_dict())


@router.get("/referred", response_model=shapes.ReferredShape)
def referred(
    company: Served, asked: Filtered,
    referrer: Annotated[
        str, Query(description="The account that brought them", max_length=200)
    ] = "",
    state: Annotated[
        str, Query(description="referred, ever_paid or paying", max_length=20)
    ] = "referred",
) -> JSONResponse:
    """The accounts that others brought, with what they pay and have paid."""
    return JSONResponse({
        "as_of": company.as_of(asked["as_of"]).at.isoformat(),
        "currency": company.config.company.currency,
        "rows": company.acquisition.referred(referrer or None, state=state, **asked),
    })
