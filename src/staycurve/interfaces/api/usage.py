"""/api/v1/usage/…: what users do, as the command line prints it.

With `members`, each answers with who is behind one of its numbers.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from staycurve.interfaces.api import shapes_of_usage as shapes
from staycurve.interfaces.api import use_members
from staycurve.interfaces.api.routes import AsOf, By, Filtered, From, Served, To, Where, router_of
from staycurve.interfaces.api.shapes import OpenedShape

Whose = Annotated[str, Query(description="user or account", max_length=10)]
Word = Annotated[str, Query(max_length=20)]
Act = Annotated[
    str,
    Query(description="An event, event[property=value], or feature:NAME", max_length=300),
]
Length = Annotated[str, Query(description="30m, 24h, 14d", max_length=10)]
Day = Annotated[str, Query(description="The last of the 28 days", max_length=10)]

router = router_of("usage", prefix="/api/v1/usage")


@router.get("/retention", response_model=shapes.UseRetentionShape | shapes.MembersShape)
def retention(
    company: Served,
    per: Word = "month",
    start: Act = "",
    back: Annotated[
        str | None, Query(description="What counts as back; empty is any activity", max_length=300)
    ] = None,
    starts: Word = "first",
    returns: Word = "on",
    windows: Word = "calendar",
    ages: Annotated[int | None, Query(ge=0, le=60)] = None,
    first: From = "", to: To = "", whose: Whose = "user",
    by: By = "", where: Where = "", as_of: AsOf = "",
    members: Annotated[
        str,
        Query(description="COHORT:AGE or all:AGE, without `by`: who is behind it", max_length=20),
    ] = "",
) -> JSONResponse:
    """Who is back k days, weeks or months after starting."""
    found = company.usage.retention(
        per=per, start=start, back=back, starts=starts, returns=returns, windows=windows,
        ages=ages, first=first or None, last=to or None, whose=whose, by=by, where=where,
        as_of=as_of or None,
    )
    if members:
        return JSONResponse(use_members.of_cell(found, members).to_json())
    return JSONResponse(found.to_json())


@router.get("/lifecycle", response_model=shapes.UseLifecycleShape | shapes.MembersShape)
def lifecycle(
    company: Served,
    per: Word = "month",
    event: Act = "",
    first: From = "", to: To = "", whose: Whose = "user",
    by: By = "", where: Where = "", as_of: AsOf = "",
    members: Annotated[
        str,
        Query(
            description="PERIOD:KIND, without `by`: who is new, returning, resurrecting, dormant "
            "or active",
            max_length=30,
        ),
    ] = "",
) -> JSONResponse:
    """New, returning, resurrecting and dormant users of each period."""
    found = company.usage.lifecycle(
        per=per, event=event, first=first or None, last=to or None, whose=whose, by=by,
        where=where, as_of=as_of or None,
    )
    if members:
        return JSONResponse(use_members.of_kind(found, members).to_json())
    return JSONResponse(found.to_json())


@router.get("/funnel", response_model=shapes.UseFunnelShape | shapes.MembersShape)
def funnel(
    company: Served,
    step: Annotated[
        list[str], Query(description="What is done; again for each step", max_length=20)
    ],
    window: Length = "14d",
    order: Word = "any",
    entry: Word = "deepest",
    exclude: Annotated[
        list[str] | None, Query(description="EVENT or EVENT@1-2; again for more")
    ] = None,
    first: From = "", to: To = "", whose: Whose = "user",
    by: By = "", where: Where = "", as_of: AsOf = "",
    members: Annotated[
        str,
        Query(
            description="2, 2:dropped or 1:pending, without `by`: who took a step, did not, or "
            "took it last and is still in time",
            max_length=20,
        ),
    ] = "",
) -> JSONResponse:
    """How many get from step to step, and how long it takes."""
    found = company.usage.funnel(
        *step, window=window, order=order, entry=entry, exclude=exclude or (),
        first=first or None, last=to or None, whose=whose, by=by, where=where,
        as_of=as_of or None,
    )
    if members:
        return JSONResponse(use_members.of_step(found, members).to_json())
    return JSONResponse(found.to_json())


@router.get("/paths", response_model=shapes.UsePathsShape | shapes.MembersShape)
def paths(
    company: Served,
    anchor: Act,
    size: Annotated[int, Query(ge=1, le=10, description="How many things follow")] = 3,
    way: Word = "after",
    within: Length = "",
    listed: Annotated[int, Query(ge=1, le=1000, description="How many paths are listed")] = 20,
    repeats: Word = "keep",
    first: From = "", to: To = "", whose: Whose = "user",
    by: By = "", where: Where = "", as_of: AsOf = "",
    members: Annotated[
        str,
        Query(description="N: whose the Nth listed path was; or all, or others", max_length=10),
    ] = "",
) -> JSONResponse:
    """The most common things that are done after an event, or before it."""
    found = company.usage.paths(
        anchor, size=size, way=way, within=within, listed=listed, repeats=repeats,
        first=first or None, last=to or None, whose=whose, by=by, where=where,
        as_of=as_of or None,
    )
    if members:
        return JSONResponse(use_members.of_path(found, members).to_json())
    return JSONResponse(found.to_json())


@router.get("/activity", response_model=shapes.UseActivityShape | shapes.MembersShape)
def activity(
    company: Served,
    day: Day = "",
    top: Annotated[int, Query(ge=1, le=1000, description="How many power users")] = 20,
    whose: Whose = "user", by: By = "", where: Where = "", as_of: AsOf = "",
    members: Annotated[
        str,
        Query(
            description="N or N-M, without `by`: active on so many days; or dau, wau or mau",
            max_length=10,
        ),
    ] = "",
) -> JSONResponse:
    """Who is active, on how many of 28 days, who most, and how long a session takes."""
    found = company.usage.activity(
        day=day or None, top=top, whose=whose, by=by, where=where, as_of=as_of or None
    )
    if members:
        return JSONResponse(use_members.of_days(found, members).to_json())
    return JSONResponse(found.to_json())


@router.get("/uses", response_model=OpenedShape)
def uses(
    company: Served, asked: Filtered,
    who: Annotated[str, Query(description="The id of a user, or of an account", max_length=200)],
    day: Day = "", whose: Whose = "user",
) -> JSONResponse:
    """What one user or account did on the 28 days of the activity, by day and feature."""
    found = company.usage.uses(who, day=day or None, whose=whose, **asked)
    return JSONResponse(found.to_json())
