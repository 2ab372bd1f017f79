"""/api/v1/codebook and /api/v1/notes: what people keep of their customers' voice."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from staycurve.interfaces.access import needs
from staycurve.interfaces.api.changes import changing_router_of
from staycurve.interfaces.api.routes import Served
from staycurve.permissions import Permission

codebook = changing_router_of("feedback")
notes = changing_router_of("notes")


class _Body(BaseModel):
    # A misspelt field would change nothing: it is an error.
    model_config = ConfigDict(extra="forbid")


class CodebookEdit(_Body):
    """One change of the codebook."""

    what: Literal["accept", "extend", "rename", "merge", "split", "drop", "pin", "unpin"]
    theme: str = Field("", description="The theme that is changed, by its id or name")
    name: str = Field("", description="Of accept, rename and split: what to call it")
    stems: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Of accept, extend and split: language (en, de, fr, es, ko) to words",
    )
    into: str = Field("", description="Of merge: the theme that takes it in")
    comment: str = Field("", description="Of pin and unpin: comment_id")
    seen: int | None = Field(
        None, description="The version that was looked at: another one refuses the change"
    )
    by: str = Field("", description="Who changes it")


class ChangeShape(TypedDict):
    """A change, and the version of the codebook that it made."""

    version: int
    at: str
    who: str
    what: str
    theme: str


class NoteToWrite(_Body):
    """A note on an account."""

    account_id: str
    text: str
    kind: Literal["call", "meeting", "email"] = "call"
    day: str = Field("", description="2024-05-01; today without it")
    author: str = ""
    mentions: list[str] = Field(default_factory=list, description="Who was there")


class AccountNoteShape(TypedDict):
    """A note on an account."""

    id: int
    account_id: str
    day: str
    kind: str
    author: str
    text: str
    mentions: list[str]
    created_at: str
    created_by: str


class AccountNotesShape(TypedDict):
    """Notes, oldest first."""

    rows: list[AccountNoteShape]


@codebook.post("/codebook", response_model=ChangeShape, status_code=201)
def edit(company: Served, sent: CodebookEdit) -> JSONResponse:
    """Change the codebook: add, rename, merge, split or drop a theme, or pin a comment."""
    voice = company.voice
    given: dict[str, Any] = {"seen": sent.seen, "by": sent.by}
    if sent.what == "accept":
        made = voice.accept(sent.name, sent.stems, **given)
    elif sent.what == "extend":
        made = voice.extend(sent.theme, sent.stems, **given)
    elif sent.what == "rename":
        made = voice.rename(sent.theme, sent.name, **given)
    elif sent.what == "merge":
        made = voice.merge(sent.theme, sent.into, **given)
    elif sent.what == "split":
        made = voice.split(sent.theme, sent.name, sent.stems, **given)
    elif sent.what == "drop":
        made = voice.drop(sent.theme, **given)
    elif sent.what == "pin":
        made = voice.pin(sent.comment, sent.theme, **given)
    else:
        made = voice.unpin(sent.comment, **given)
    named = ChangeShape.__annotations__
    told = {key: value for key, value in made.as_dict().items() if key in named}
    return JSONResponse(told, status_code=201)


@notes.get("/notes", response_model=AccountNotesShape)
@needs(Permission.PERSONAL)
def listed(
    company: Served,
    account: Annotated[str, Query(description="Only notes on this account")] = "",
    text: Annotated[str, Query(description="Only notes with these words")] = "",
) -> JSONResponse:
    """Notes on accounts, oldest first."""
    found = company.voice.notes(account, text=text)
    return JSONResponse({"rows": [one.as_dict() for one in found]})


@notes.post("/notes", response_model=AccountNoteShape, status_code=201)
def add(company: Served, sent: NoteToWrite) -> JSONResponse:
    """Add a note on an account."""
    made = company.voice.add_note(
        sent.account_id, sent.text, kind=sent.kind, day=sent.day, author=sent.author,
        mentions=sent.mentions,
    )
    return JSONResponse(made.as_dict(), status_code=201)


@notes.delete("/notes/{note}", response_model=AccountNoteShape)
def delete(company: Served, note: int) -> JSONResponse:
    """Delete a note."""
    return JSONResponse(company.voice.delete_note(note).as_dict())
