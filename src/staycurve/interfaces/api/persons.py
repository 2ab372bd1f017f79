"""/api/v1/persons: what is held of one person, exported or forgotten, and who was forgotten."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from staycurve import personal
from staycurve.errors import UsageError
from staycurve.interfaces.access import needs
from staycurve.interfaces.api.changes import changing_router_of
from staycurve.interfaces.api.routes import Served
from staycurve.permissions import Permission

router = changing_router_of("persons")

LONGEST = 500
"""Letters of an id or an address."""
Named = Annotated[
    str,
    Query(description="A user's id, an address, another id of theirs, or their account",
          min_length=1, max_length=LONGEST),
]


class _Body(BaseModel):
    # A misspelt field would change nothing: it is an error.
    model_config = ConfigDict(extra="forbid")


class PersonToForget(_Body):
    """Who is to be forgotten, twice: it cannot be undone."""

    person: str = Field(min_length=1, max_length=LONGEST)
    confirm: str = Field(description="The same again", max_length=LONGEST)


class Expiry(_Body):
    """Whether what is too old is counted only."""

    is_dry_run: bool = True


class KnownAs(TypedDict):
    """By what a person is known."""

    ids: list[str]
    emails: list[str]
    names: list[str]
    accounts: list[str]


class HeldShape(TypedDict):
    """How many rows of which table, in all versions, and which files hold something."""

    person: KnownAs
    tables: dict[str, int]
    state: dict[str, int]
    files: dict[str, int]


class ExportShape(TypedDict):
    """Everything held of a person."""

    person: KnownAs
    tables: dict[str, list[dict[str, Any]]]
    earlier: dict[str, list[dict[str, Any]]]
    state: dict[str, list[dict[str, Any]]]
    files: dict[str, list[Any]]
    unreadable: list[str]


class ForgottenShape(TypedDict):
    """What forgetting did."""

    key: str
    forgotten_at: str
    is_new: bool
    tables: dict[str, int]
    state: dict[str, int]
    files: dict[str, int]
    rewritten: int
    left: list[str]
    backups: list[str]


class ErasedShape(TypedDict):
    """What was erased of one person, in rows."""

    key: str
    forgotten_at: str
    by: str
    tables: int
    state: int
    files: int


class EveryErasedShape(TypedDict):
    """Everybody who was forgotten, and how many the list holds by which they stay so."""

    rows: list[ErasedShape]
    tombstones: int
    is_under_way: bool


class ExpiredRow(TypedDict):
    """Rows of one table, in all versions together."""

    table: str
    rows: int


class ExpiredShape(TypedDict):
    """What was blanked, or would be."""

    rows: list[ExpiredRow]
    is_dry_run: bool


@router.get("/persons/held", response_model=HeldShape)
@needs(Permission.PERSONAL)
def held(company: Served, person: Named) -> JSONResponse:
    """How much is held of a person, and where."""
    found = company.personal.held(person)
    personal.note()
    return JSONResponse(
        {"person": found.person.as_dict()} | found.counts(), headers={"Cache-Control": "no-store"}
    )


@router.get("/persons/export", response_model=ExportShape)
@needs(Permission.PERSONAL)
def export(company: Served, person: Named) -> JSONResponse:
    """Everything held of a person, as a file."""
    found = company.personal.export(person)
    personal.note()
    return JSONResponse(found, headers={
        "Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="person.json"',
    })


@router.get("/persons/forgotten", response_model=EveryErasedShape)
@needs(Permission.PERSONAL)
def forgotten(company: Served) -> JSONResponse:
    """Who was forgotten and when, under the random key, and how much was erased."""
    own = company.personal
    return JSONResponse({
        "rows": [one.as_dict() for one in own.erased()], "tombstones": own.forgotten_count(),
        "is_under_way": own.is_forgetting,
    })


@router.post("/persons/forget", response_model=ForgottenShape)
@needs(Permission.PERSONAL)
def forget(company: Served, sent: PersonToForget) -> JSONResponse:
    """Put a random key in a person's place wherever they are told of; figures stay.

    It cannot be undone, and takes minutes where there are many events.
    """
    if sent.confirm != sent.person:
        raise UsageError(
            "confirm is not the same as person, so nobody was forgotten.",
            hint="Send the same text twice: forgetting cannot be undone.",
        )
    return JSONResponse(company.personal.forget(sent.person).as_dict())


@router.post("/persons/expire", response_model=ExpiredShape)
@needs(Permission.PERSONAL)
def expire(company: Served, sent: Expiry) -> JSONResponse:
    """Blank what rows say of people for longer than [retention] allows, or count it."""
    found = company.personal.expire(is_dry_run=sent.is_dry_run)
    return JSONResponse({
        "rows": [{"table": table, "rows": count} for table, count in found.items()],
        "is_dry_run": sent.is_dry_run,
    })
