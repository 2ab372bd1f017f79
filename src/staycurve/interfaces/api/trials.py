"""/api/v1/trials/…: who converts, and who leaves afterwards, as the command line prints it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from staycurve.interfaces.api import shapes_of_features as shapes
from staycurve.interfaces.api.routes import AsOf, By, Filtered, Served, Where, router_of

router = router_of("trials", prefix="/api/v1/trials")


@router.get("", response_model=shapes.TrialsShape)
def report(
    company: Served, by: By = "", where: Where = "", as_of: AsOf = "",
    top: Annotated[int, Query(description="Features shown one by one", ge=1, le=1000)] = 50,
) -> JSONResponse:
    """Conversion by month and card, time to convert, what converters used, who left."""
    found = company.trials.report(by=by, where=where, as_of=as_of or None, top=top)
    return JSONResponse(found.to_json())


@router.get("/accounts", response_model=shapes.OpenedShape)
def accounts(
    company: Served, asked: Filtered,
    part: Annotated[
        str,
        Query(description="started, mature, converted, not_converted, immature, left, stayed, used",
              max_length=20),
    ] = "started",
    cohort: Annotated[
        str, Query(description="The month of the start, such as 2024-05", max_length=10)
    ] = "",
    card: Annotated[str, Query(description="with, without or unknown", max_length=10)] = "",
    feature: Annotated[
        str,
        Query(description="With used, converted, not_converted: used during the trial",
              max_length=300),
    ] = "",
    without: Annotated[
        str,
        Query(description="With converted, not_converted: a feature that they did not use",
              max_length=300),
    ] = "",
    within: Annotated[
        int,
        Query(
            description="With left: followed for so many months from the first paid day, and left "
            "within them; with converted, stayed: followed for so many; 0 for any",
            ge=0, le=60,
        ),
    ] = 0,
    end_class: Annotated[
        str,
        Query(description="With left: voluntary, involuntary, paused or unknown", max_length=20),
    ] = "",
) -> JSONResponse:
    """The accounts behind one number."""
    found = company.trials.accounts(
        part, cohort=cohort or None, card=card or None, feature=feature or None,
        without=without or None, within=within or None, end_class=end_class or None, **asked,
    )
    return JSONResponse(found.to_json())
