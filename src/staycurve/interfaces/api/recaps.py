"""/api/v1/recaps: the value recap of an account as a file, its contacts, and sending it to some."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from typing_extensions import TypedDict

from staycurve.interfaces.api.changes import changing_router_of
from staycurve.interfaces.api.routes import Served
from staycurve.state.mails import RECAP

router = changing_router_of("recaps")

MEDIA = {"html": "text/html; charset=utf-8", "text": "text/plain; charset=utf-8"}
ENDS = {"html": "html", "text": "txt"}
MOST = 50
"""Contacts of one request."""
Of = Annotated[str, Query(description="Its account_id", min_length=1, max_length=500)]


class RecapToSend(BaseModel):
    """Who is sent the recap of an account."""

    # A misspelt field would change nothing: it is an error.
    model_config = ConfigDict(extra="forbid")

    account: str = Field(min_length=1, max_length=500)
    to: list[str] = Field(description="User ids or addresses of its contacts", min_length=1,
                          max_length=MOST)
    by: str = Field(description="Who sends it")
    period: str | None = Field(None, description="2026-Q3; the last quarter that is over without")


class ContactShape(TypedDict):
    """A user of the account, and why no recap may be sent to them."""

    user_id: str
    name: str | None
    email: str | None
    may_be_sent: bool
    why_not: str | None


class ContactsShape(TypedDict):
    """The users of the account, those first who may be sent its recap."""

    rows: list[ContactShape]


class SentContactShape(ContactShape):
    """A contact, and whether the recap of these days had not been sent to them before."""

    is_new: bool


class SentShape(TypedDict):
    """The recaps that wait now; a server sends them within a minute."""

    rows: list[SentContactShape]


class MailShape(TypedDict):
    """A mail, without what it says."""

    id: int
    kind: str
    account_id: str | None
    email: str
    subject: str
    state: str
    due_at: str | None
    attempts: int
    done_at: str | None
    said: str | None
    created_at: str
    created_by: str | None


class MailsShape(TypedDict):
    """Mails, newest first."""

    rows: list[MailShape]


@router.get("/recaps", response_model=MailsShape)
def recaps(company: Served, account: str = "") -> JSONResponse:
    """The recaps that were sent or wait, of one account or of all, newest first."""
    return JSONResponse({"rows": company.mailing.listed(kind=RECAP, account=account)})


@router.post("/recaps", response_model=SentShape)
def send(company: Served, sent: RecapToSend) -> JSONResponse:
    """Send the recap of an account to chosen contacts, to each once for the same days."""
    return JSONResponse({
        "rows": company.recaps.send(sent.account, sent.to, by=sent.by, period=sent.period)
    })


@router.get("/recaps/contacts", response_model=ContactsShape)
def contacts(company: Served, account: Of) -> JSONResponse:
    """The users of an account, and who of them may be sent its recap."""
    return JSONResponse({"rows": [one.as_dict() for one in company.recaps.contacts(account)]})


@router.get("/recaps/file")
def file(
    company: Served, account: Of, period: str | None = None,
    form: Annotated[str, Query(description="html or text")] = "html",
) -> Response:
    """The recap as a file to send or to print."""
    body = company.recaps.text(account, form, period=period)
    name = quote(f"recap-{account}.{ENDS[form]}", safe="")
    return Response(body, media_type=MEDIA[form], headers={
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
    })
