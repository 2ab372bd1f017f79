"""/api/v1/features/…: who uses what, as the command line prints it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from staycurve.interfaces.api import shapes_of_features as shapes
from staycurve.interfaces.api.routes import AsOf, Filtered, Served, Where, router_of

Window = Annotated[
    str,
    Query(description="2024-05, 2024-Q2, 2024 or 28d; default: the last closed month",
          max_length=10),
]
Name = Annotated[str, Query(description="A feature", max_length=300)]
Month = Annotated[str, Query(description="A month; default: the as-of's", max_length=10)]
Only = Annotated[
    list[str] | None, Query(alias="feature", description="These features alone; again for more")
]
Top = Annotated[int, Query(description="Features shown one by one", ge=1, le=1000)]
Months = Annotated[int, Query(description="Between use and whether the account pays", ge=1, le=60)]
Spans = Annotated[int, Query(description="How many such stretches; 0 leaves them out", ge=0, le=60)]

router = router_of("features", prefix="/api/v1/features")


@router.get("", response_model=shapes.FeaturesShape)
def report(
    company: Served, period: Window = "", where: Where = "", as_of: AsOf = "",
    top: Top = 50, feature: Only = None, months: Months = 3, spans: Spans = 8,
) -> JSONResponse:
    """Adoption, depth, repeat use, errors and retention of each feature."""
    found = company.features.report(
        period=period or None, where=where, as_of=as_of or None, top=top, features=feature or (),
        months=months, spans=spans,
    )
    return JSONResponse(found.to_json())


@router.get("/adoption", response_model=shapes.AdoptionShape)
def adoption(
    company: Served,
    months: Annotated[int, Query(description="How many closed months", ge=1, le=120)] = 12,
    where: Where = "", as_of: AsOf = "", top: Top = 50, feature: Only = None,
) -> JSONResponse:
    """Adoption of each feature, month by month."""
    found = company.features.adoption(
        months=months, where=where, as_of=as_of or None, top=top, features=feature or ()
    )
    return JSONResponse(found.to_json())


@router.get("/accounts", response_model=shapes.OpenedShape)
def accounts(
    company: Served,
    feature: Name = "",
    part: Annotated[
        str,
        Query(description="using, active, breadth, before, again, followed, kept, others, …",
              max_length=20),
    ] = "using",
    breadth: Annotated[
        int | None, Query(description="With breadth: those that used so many features", ge=1)
    ] = None,
    period: Window = "", where: Where = "", as_of: AsOf = "",
    months: Months = 3, spans: Spans = 8,
) -> JSONResponse:
    """The accounts behind one number of the report."""
    found = company.features.accounts(
        feature, part=part, period=period or None, where=where, as_of=as_of or None,
        months=months, spans=spans, breadth=breadth,
    )
    return JSONResponse(found.to_json())


@router.get("/users", response_model=shapes.OpenedShape)
def users(
    company: Served, asked: Filtered, feature: Name, period: Window = ""
) -> JSONResponse:
    """The users of a feature, those who used it most first."""
    return JSONResponse(company.features.users(feature, period=period or None, **asked).to_json())


@router.get("/limits", response_model=shapes.LimitsShape)
def limits(
    company: Served,
    period: Month = "",
    where: Where = "", as_of: AsOf = "",
    least: Annotated[
        float, Query(description="List accounts from this utilisation (0-1)", ge=0, le=1000)
    ] = 0.5,
) -> JSONResponse:
    """Who is near or above what the plan allows in a month."""
    found = company.features.limits(
        period=period or None, where=where, as_of=as_of or None, least=least
    )
    return JSONResponse(found.to_json())


@router.get("/limits/uses", response_model=shapes.OpenedShape)
def limit_uses(
    company: Served,
    account: Annotated[str, Query(description="Its account_id", max_length=200)],
    feature: Name, period: Month = "", as_of: AsOf = "",
) -> JSONResponse:
    """What one account used of its limit in a month, by user and day."""
    found = company.features.limit_uses(
        account, feature, period=period or None, as_of=as_of or None
    )
    return JSONResponse(found.to_json())
