"""/api/v1/sources/matches: accounts of several sources that may be one, and deciding about them."""

from __future__ import annotations

from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from staycurve.interfaces.access import needs
from staycurve.interfaces.api.changes import changing_router_of
from staycurve.interfaces.api.routes import Served
from staycurve.permissions import Permission
from staycurve.workspace import Company

router = changing_router_of("sources")


class ToDecide(BaseModel):
    """What to do about two accounts."""

    model_config = ConfigDict(extra="forbid")

    account_id: str = Field(description="The account that counts for the other")
    other_id: str = Field(description="The account that stays")
    do: Literal["merge", "apart", "undo"]
    reason: str = Field("", description="Why, for whoever looks later")
    by: str = Field("", description="Who decides")


class SharedShape(TypedDict):
    """One key that two accounts share: `id`, `domain` or `email`."""

    key: str
    value: str


class MatchShape(TypedDict):
    """A pair; `state` is open, merged, apart or waiting, `is_sure` whether an id says it."""

    account_id: str
    name: str | None
    source: str
    other_id: str
    other_name: str | None
    other_source: str
    by: list[SharedShape]
    is_sure: bool
    state: str
    decided_at: str | None
    decided_by: str
    reason: str


class MatchesShape(TypedDict):
    """Every pair; `too_common` keys are shared by too many accounts to say anything."""

    rows: list[MatchShape]
    too_common: int


def _answer(company: Company) -> dict[str, Any]:
    return {
        "rows": [one.as_dict() for one in company.matching.listed()],
        "too_common": company.matching.common(),
    }


@router.get("/sources/matches", response_model=MatchesShape)
@needs(Permission.PERSONAL)
def matches(company: Served) -> JSONResponse:
    """Accounts of different sources that may be one; those that nobody decided about first."""
    return JSONResponse(_answer(company))


@router.post("/sources/matches", response_model=MatchesShape)
def decide(company: Served, sent: ToDecide) -> JSONResponse:
    """Merge two accounts, keep them apart, or take back what was decided; every pair after it."""
    matching = company.matching
    if sent.do == "undo":
        matching.undo(sent.account_id, sent.other_id, author=sent.by)
    else:
        act = matching.merge if sent.do == "merge" else matching.apart
        act(sent.account_id, sent.other_id, author=sent.by, reason=sent.reason)
    return JSONResponse(_answer(company))
