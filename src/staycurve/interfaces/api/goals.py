"""/api/v1/goals: what metrics are to reach by when, and how far they are."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from staycurve.interfaces.api.changes import changing_router_of
from staycurve.interfaces.api.routes import Served

router = changing_router_of("goals")


class _Body(BaseModel):
    # A misspelt field would change nothing: it is an error.
    model_config = ConfigDict(extra="forbid")


class GoalToAdd(_Body):
    """A goal: at most two are active at a time."""

    metric: str
    target: str | float = Field(description='In the metric\'s unit: "95%", 0.95 or "120K"')
    until: str = Field(description="The month to reach it in: 2026-06, 2026-Q2, 2026")
    owner: str = Field(description="Who answers for it")
    source: str = Field("", description="Where the numbers come from; the metric's tables without")
    drop: int | None = Field(None, description="The id of an active goal that makes room")
    by: str = Field("", description="Who sets it")


class Review(_Body):
    """What became of a goal whose month is over."""

    outcome: Literal["", "reached", "missed"] = Field(
        "", description="What the numbers say without it"
    )
    note: str = Field("", description="Why, and what follows")
    by: str = Field("", description="Who reviews it")


class GoalShape(TypedDict):
    """A goal and its pace; rates are fractions, money is in major units.

    `status` is on_track, behind, reached, missed, unknown (see `why`) or dropped; `is_due` asks for
    a review.
    """

    id: int
    metric: str
    target: float
    until: str
    owner: str
    source: str
    started_at: str
    start_on: str
    start_value: float
    value: float | None
    value_on: str | None
    expected: float | None
    status: str
    months_left: int
    needed_per_month: float | None
    is_active: bool
    is_due: bool
    note: str
    ended_at: str | None
    why: str | None
    playbooks: list[str]


class GoalsShape(TypedDict):
    """Goals by their dates; those that have ended last."""

    rows: list[GoalShape]


@router.get("/goals", response_model=GoalsShape)
def goals(
    company: Served,
    every: Annotated[
        bool, Query(alias="all", description="Those that have ended too, the newest first")
    ] = False,
) -> JSONResponse:
    """The active goals with their pace."""
    found = company.goals.every() if every else company.goals.active()
    return JSONResponse({"rows": [one.as_dict() for one in found]})


@router.post("/goals", response_model=GoalShape, status_code=201)
def add(company: Served, sent: GoalToAdd) -> JSONResponse:
    """Set a goal, from the last closed month's value."""
    made = company.goals.add(
        sent.metric, sent.target, until=sent.until, owner=sent.owner, source=sent.source,
        drop=sent.drop, by=sent.by,
    )
    return JSONResponse(made.as_dict(), status_code=201)


@router.post("/goals/{goal}/review", response_model=GoalShape)
def review(company: Served, goal: int, sent: Review) -> JSONResponse:
    """Close a goal whose month is over, as reached or missed."""
    kept = company.goals.review(goal, outcome=sent.outcome, note=sent.note, by=sent.by)
    (found,) = company.goals.paced((kept,))
    return JSONResponse(found.as_dict())


@router.delete("/goals/{goal}", response_model=GoalShape)
def drop(company: Served, goal: int) -> JSONResponse:
    """Give a goal up; it stays in the history."""
    (found,) = company.goals.paced((company.goals.drop(goal),))
    return JSONResponse(found.as_dict())
