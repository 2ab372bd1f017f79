"""/api/v1/people: who may log in, and as what; for admins alone, and noted in the audit log."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from staycurve.interfaces.access import needs
from staycurve.interfaces.api.changes import changing_router_of
from staycurve.interfaces.api.routes import Served
from staycurve.login_settings import LOGIN
from staycurve.permissions import Permission
from staycurve.workspace import Company

router = changing_router_of("people")

Role = Literal["viewer", "analyst", "operator", "admin"]
Number = Annotated[int, Path(description="The id that the list gives", ge=1, lt=2**31)]


class _Body(BaseModel):
    # A misspelt field would change nothing: it is an error.
    model_config = ConfigDict(extra="forbid")


class PersonToAdd(_Body):
    """Somebody who may log in."""

    email: str = Field(max_length=2000)
    role: Role


class NewRole(_Body):
    """What somebody is from now on."""

    role: Role


class PersonShape(TypedDict):
    """Somebody who may log in; `status` is active, invited or disabled."""

    id: int
    email: str
    role: str
    status: str
    created_at: str
    created_by: str
    last_login_at: str | None


class PeopleShape(TypedDict):
    """Everybody, in the order in which they were added."""

    rows: list[PersonShape]


class LinkShape(PersonShape):
    """Somebody, and a link by which they choose a password: it opens once, and is told once."""

    link: str



@router.get("/people", response_model=PeopleShape)
@needs(Permission.ADMINISTER)
def listed(company: Served) -> JSONResponse:
    """Who may log in, and as what."""
    return JSONResponse({"rows": [one.as_dict() for one in company.state.people.listed()]})


@router.post("/people", response_model=LinkShape, status_code=201)
@needs(Permission.ADMINISTER)
def add(company: Served, sent: PersonToAdd) -> JSONResponse:
    """Add somebody, who chooses a password by the link. From the first on, everybody logs in."""
    made = company.state.people.add(sent.email, sent.role)
    return _linked(company, made.id, "invitation", status=201)


@router.patch("/people/{person}", response_model=PersonShape)
@needs(Permission.ADMINISTER)
def change_role(company: Served, person: Number, sent: NewRole) -> JSONResponse:
    """Give somebody another role; their sessions end. The only admin stays one."""
    return JSONResponse(company.state.people.set_role(str(person), sent.role).as_dict())


@router.post("/people/{person}/disable", response_model=PersonShape)
@needs(Permission.ADMINISTER)
def disable(company: Served, person: Number) -> JSONResponse:
    """Disable somebody: their sessions and links end, and they cannot log in."""
    return JSONResponse(company.state.people.disable(str(person)).as_dict())


@router.post("/people/{person}/enable", response_model=PersonShape)
@needs(Permission.ADMINISTER)
def enable(company: Served, person: Number) -> JSONResponse:
    """Enable somebody who was disabled."""
    return JSONResponse(company.state.people.enable(str(person)).as_dict())


@router.post("/people/{person}/invitation", response_model=LinkShape)
@needs(Permission.ADMINISTER)
def invite(company: Served, person: Number) -> JSONResponse:
    """Make a new invitation link, which works once within 7 days; one made before ends."""
    return _linked(company, person, "invitation")


@router.post("/people/{person}/reset", response_model=LinkShape)
@needs(Permission.ADMINISTER)
def reset(company: Served, person: Number) -> JSONResponse:
    """Make a link to choose a new password, which works once within 4 hours."""
    return _linked(company, person, "reset")


def _linked(company: Company, person: int, kind: str, *, status: int = 200) -> JSONResponse:
    made, link = company.state.people.link(str(person), kind)
    return JSONResponse(
        made.as_dict() | {"link": f"{company.config[LOGIN].base}/password/{link}"},
        status_code=status, headers={"Cache-Control": "no-store"},
    )
