"""/api/v1/digest: the weekly digest as it would go out, who gets one, and what went out."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from staycurve import personal
from staycurve.actions.mails.documents import html_of, text_of
from staycurve.interfaces.access import needs, require, visitor_of
from staycurve.interfaces.api.changes import changing_router_of
from staycurve.interfaces.api.recaps import MailsShape
from staycurve.interfaces.api.routes import Served
from staycurve.permissions import Permission
from staycurve.state.mails import DIGEST

router = changing_router_of("digest")


class DigestsToSend(BaseModel):
    """Whether the digests that are due are sent, or told of."""

    # A misspelt field would change nothing: it is an error.
    model_config = ConfigDict(extra="forbid")

    is_dry_run: bool = Field(False, description="Tell who would get one; nothing is sent")


class DigestShape(TypedDict):
    """A digest as text and as HTML; `email` is null and `owners` empty for one of all accounts."""

    email: str | None
    owners: list[str]
    title: str
    text: str
    html: str


class RecipientShape(TypedDict):
    """Who gets a digest, and of whose accounts; of all where `owners` is empty."""

    email: str
    owners: list[str]
    timezone: str
    sees_personal_data: bool


class RecipientsShape(TypedDict):
    """Everybody who gets a digest."""

    rows: list[RecipientShape]


class DueShape(TypedDict):
    """A digest that waits now, of a week as 2024-W27."""

    email: str
    week: str
    owners: list[str]


class EveryDueShape(TypedDict):
    """The digests that wait now, or would; a server sends them within a minute."""

    rows: list[DueShape]
    is_dry_run: bool


@router.get("/digest", response_model=DigestShape)
def preview(
    request: Request, company: Served,
    user: Annotated[str, Query(description="An owner or an address; who asks without it",
                               max_length=500)] = "",
) -> JSONResponse:
    """The digest of who asks as it would go out now; of all accounts where they get none.

    That of another needs the permission to see personal data.
    """
    name = visitor_of(request).name
    is_own = not user or user.casefold() == name.casefold()
    if not is_own:
        require(request, Permission.PERSONAL)
    one, letter = company.digests.preview_for(name if is_own else user, is_or_all=is_own)
    return JSONResponse({
        "email": one.email if one else None, "owners": list(one.owners) if one else [],
        "title": letter.title, "text": text_of(letter), "html": html_of(letter),
    }, headers={"Cache-Control": "no-store"})


@router.get("/digest/recipients", response_model=RecipientsShape)
@needs(Permission.PERSONAL)
def recipients(company: Served) -> JSONResponse:
    """Who gets a digest, of whose accounts, and in which time zone."""
    personal.note()
    return JSONResponse({"rows": [one.as_dict() for one in company.digests.recipients()]})


@router.get("/digest/sent", response_model=MailsShape)
def sent(company: Served) -> JSONResponse:
    """The digests that were sent or wait, newest first."""
    return JSONResponse({"rows": company.mailing.listed(kind=DIGEST)})


@router.post("/digest/send", response_model=EveryDueShape)
def send(company: Served, sent: DigestsToSend) -> JSONResponse:
    """Let the digests of this week wait that are due and have not gone out; a server sends them."""
    return JSONResponse({
        "rows": company.digests.put_due(is_dry_run=sent.is_dry_run),
        "is_dry_run": sent.is_dry_run,
    })
