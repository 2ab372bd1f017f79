"""/api/v1: the same answers as the command line gives with --format json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypedDict

from fastapi import APIRouter, Depends, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse

from staycurve import personal
from staycurve.insights.base import unknown_parameter
from staycurve.interfaces.access import permitted
from staycurve.interfaces.api import shapes
from staycurve.interfaces.api.describe import describe
from staycurve.interfaces.api.errors import ANSWERS
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.result import Result
from staycurve.workspace import Company
from staycurve.workspace.cache import Cache

Where = Annotated[
    str, Query(description="Segments to keep: industry=EdTech|FinTech,country!=US", max_length=2000)
]
By = Annotated[str, Query(description="Dimensions to split by, with commas", max_length=500)]
AsOf = Annotated[str, Query(description="ISO 8601; facts after it are not seen", max_length=40)]
KnownAt = Annotated[
    str, Query(description="ISO 8601; use the data as it was loaded at this time", max_length=40)
]
Grain = Annotated[str, Query(description="day, week, month, quarter or year", max_length=10)]
Period = Annotated[str, Query(description="2024, 2024-Q1, 2024-01 or 2024-01-31", max_length=10)]
From = Annotated[str, Query(alias="from", description="First period, included", max_length=10)]
To = Annotated[str, Query(description="Last period, included", max_length=10)]


def company_of(request: Request) -> Company:
    """The company that the application serves."""
    found: Company = request.app.state.company
    return found


def only_known(request: Request) -> None:
    """Refuse parameters that the address does not take: a misspelt one would change nothing."""
    known = list(_parameters(request.scope["route"].dependant))
    for name in request.query_params:
        if name not in known:
            raise unknown_parameter(name, known)


def _parameters(dependant: Dependant) -> Iterator[str]:
    """What an address takes: its own parameters, then the shared ones."""
    yield from (field.alias for field in dependant.query_params)
    for shared in dependant.dependencies:
        yield from _parameters(shared)


class FilteredArguments(TypedDict):
    """What every reading of the company takes."""

    where: str
    as_of: str | None


class SplitArguments(FilteredArguments):
    """What a reading takes that can be split."""

    by: str


class SpanArguments(TypedDict):
    """What a reading over time takes besides."""

    grain: str
    start: str | None
    end: str | None


def filtered(where: Where = "", as_of: AsOf = "") -> FilteredArguments:
    """`where` and `as_of`."""
    return {"where": where, "as_of": as_of or None}


def split(by: By = "", where: Where = "", as_of: AsOf = "") -> SplitArguments:
    """`by`, `where` and `as_of`."""
    return {"by": by, "where": where, "as_of": as_of or None}


def span(grain: Grain = "month", start: From = "", end: To = "") -> SpanArguments:
    """`grain`, `from` and `end`."""
    return {"grain": grain, "start": start or None, "end": end or None}


Served = Annotated[Company, Depends(company_of)]
Filtered = Annotated[FilteredArguments, Depends(filtered)]
Split = Annotated[SplitArguments, Depends(split)]
Span = Annotated[SpanArguments, Depends(span)]


def router_of(theme: str, *, prefix: str = "/api/v1") -> APIRouter:
    """Addresses of one theme; they refuse what they do not know, in the one shape of errors.

    Reading needs the permission READ, changing OPERATE, unless `access.needs` says otherwise.
    """
    return APIRouter(
        prefix=prefix,
        tags=[theme],
        dependencies=[Depends(permitted), Depends(only_known)],
        responses=ANSWERS,
    )


router = router_of("metrics")


_AT_ONCE: Cache[Result] = Cache(0)
"""Keeps nothing: what is asked twice at the same time is computed once."""


@router.get("/metrics", response_model=shapes.MetricsShape)
def metrics(company: Served) -> JSONResponse:
    """Every metric: what it means, its formula, unit and benchmarks by month."""
    context = company.benchmark_context()
    rows = [describe(name, metric, company.config, context) for name, metric in METRICS.items()]
    return JSONResponse({"rows": rows})


@router.get("/metrics/{name}", response_model=shapes.ResultShape)
def values(
    name: str, company: Served, asked: Split, grain: Grain = "month", start: From = "",
    to: To = "", known_at: KnownAt = "",
) -> JSONResponse:
    """Values of one metric over time; several names with commas."""

    def compute() -> Result:
        return company.show(
            *(part for part in name.split(",") if part),
            grain=grain, start=start or None, end=to or None, known_at=known_at or None, **asked,
        )

    what = (id(company), company.snapshot.seq, name, grain, start, to, known_at, repr(asked),
            personal.is_shown())
    return JSONResponse(_AT_ONCE.get(what, compute).as_dict())


@router.get("/metrics/{name}/accounts", response_model=shapes.AccountsShape)
def accounts(
    name: str, company: Served, asked: Filtered, period: Period, grain: Grain = "",
    under: Annotated[
        str, Query(description="Other conventions: a profile, or discounts=all", max_length=60)
    ] = "",
    known_at: KnownAt = "",
) -> JSONResponse:
    """The accounts behind one number; they sum (or divide) to its total exactly."""
    found = company.accounts(
        name, period=period, grain=grain or None, under=under, known_at=known_at or None, **asked
    )
    return JSONResponse(found.as_dict())


@router.get("/cohorts", response_model=shapes.CohortsShape)
def cohorts(
    company: Served, asked: Split,
    value: Annotated[str, Query(description="customers, net_mrr or gross_mrr")] = "customers",
    how: Annotated[str, Query(alias="as", description="count, share or change")] = "share",
    known_at: KnownAt = "",
) -> JSONResponse:
    """Activation cohorts × months since."""
    found = company.cohort(value=value, how=how, known_at=known_at or None, **asked)
    return JSONResponse({key: part for key, part in found.items() if key != "sql"})
