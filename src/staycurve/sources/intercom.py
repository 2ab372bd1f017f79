"""Intercom: companies, contacts and conversations, with the statistics of conversations.

Its lists cannot be asked for changes: every sync lists all, and takes what changed.

References
----------
developers.intercom.com: REST API 2.11, conversations with `statistics`; pages by
`pages.next.starting_after`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.secret import Secret
from staycurve.sections import CLOSED, Takes
from staycurve.sources.base import Pull, Source
from staycurve.sources.batches import Row
from staycurve.sources.http import Params
from staycurve.sources.rest import (
    BASE_URL,
    OWN_ID,
    Listing,
    Object,
    Page,
    System,
    account_of,
    accounts_by,
    at,
    check_origin,
    token,
    written,
)


@dataclass(frozen=True)
class Intercom:
    """[sources.NAME] of the kind `intercom`."""

    __pydantic_config__ = CLOSED

    api_key: Annotated[
        Secret, Takes(N_("the variable that holds an access token"),
                      'api_key = { env = "INTERCOM_TOKEN" }')
    ]
    account_id: OWN_ID = "company_id"
    base_url: BASE_URL = ""


def _own(pull: Pull[Intercom], one: Object) -> Any:
    name = pull.settings.account_id
    found = one.get(name)
    return found if found is not None else at(one, f"custom_attributes.{name}")


def _company(one: Object, pull: Pull[Intercom]) -> Row:
    return {
        "account_id": account_of(pull, one["id"], _own(pull, one)), "name": one.get("name"),
        "created_at": written(one.get("remote_created_at") or one.get("created_at")),
        "industry": one.get("industry"), "employees": one.get("size"),
        "website": one.get("website"),
    }


def _contact(one: Object, pull: Pull[Intercom]) -> Row | None:
    company = at(one, "companies.data.0.id")
    if company is None:
        return None
    known = accounts_by(pull, "company", lambda each: _own(pull, each))
    return {
        "user_id": _user(pull, one["id"]),
        "account_id": account_of(pull, company, known.get(str(company))),
        "email": one.get("email"), "name": one.get("name"),
        "created_at": written(one.get("signed_up_at") or one.get("created_at")),
    }


def _user(pull: Pull[Intercom], number: object) -> str | None:
    return f"{pull.name}:{number}" if number not in (None, "") else None


def _conversation(one: Object, pull: Pull[Intercom]) -> Row | None:
    contact = at(one, "contacts.contacts.0.id") or at(one, "contacts.0.id")
    companies = accounts_by(pull, "company", lambda each: _own(pull, each))
    contacts = accounts_by(pull, "contact", lambda each: at(each, "companies.data.0.id"))
    company = contacts.get(str(contact))
    account = account_of(pull, company, companies.get(str(company)))
    if account is None:
        # Of somebody who belongs to no company: no account's ticket.
        return None
    told: Mapping[str, Any] = one.get("statistics") or {}
    is_closed = one["state"] == "closed"
    closed = written(told.get("last_close_at")) if is_closed else ""
    parts = at(one, "conversation_parts.conversation_parts") or []
    replies = [
        part for part in parts
        if part.get("part_type") == "comment" and at(part, "author.type") == "admin"
    ]
    written_by = [
        part for part in parts
        if part.get("part_type") == "comment"
        and at(part, "author.type") in ("user", "lead", "contact")
    ]
    closers = [at(part, "author.type") for part in parts if part.get("part_type") == "close"]
    return {
        "ticket_id": f"{pull.name}:{one['id']}", "account_id": account,
        "user_id": _user(pull, contact), "opened_at": written(one["created_at"]),
        "first_response_at": written(told.get("first_admin_reply_at")), "solved_at": closed,
        # When it was opened again is not told, only that it was: it is no first contact's solution.
        "reopened_at": closed if told.get("count_reopens") else None,
        # A list shows no messages: without them nobody knows how many an agent wrote.
        "agent_contacts": len(replies) if parts else None,
        "customer_contacts": 1 + len(written_by) if parts else None,
        "solved_by": (
            ("bot" if closers[-1] == "bot" else "person") if is_closed and closers else None
        ),
        "channel": at(one, "source.type"), "priority": one.get("priority"),
        "topic": at(one, "topics.topics.0.name"),
    }


_SYSTEM: System[Intercom] = System(
    "Intercom", lambda settings: "https://api.intercom.io",
    lambda settings: {
        "Authorization": f"Bearer {settings.api_key.reveal()}", "Intercom-Version": "2.11",
    },
    lambda settings: [settings.api_key.reveal()],
    "Check the access token of the app in the developer hub.",
    lambda status, body: str(at(body, "errors.0.message") or ""),
)
_NEXT = token("pages.next.starting_after", "starting_after")


def _pages(pull: Pull[Intercom], since: dt.datetime | None) -> Params:
    del pull, since
    return (("per_page", "150"),)


def _next_companies(body: Any, page: Page, count: int) -> Page | None:
    found = at(body, "scroll_param")
    return Page((("scroll_param", str(found)),)) if found and count else None


INTERCOM = Source(
    "intercom", "Intercom", N_("Conversations of a help desk, with their statistics."), Intercom,
    (
        _SYSTEM.stream(Listing(
            "companies", N_("Companies, as accounts."), "company",
            lambda settings: "/companies/scroll", "data", "accounts", _company, _next_companies,
            changed="updated_at",
        )),
        _SYSTEM.stream(Listing(
            "contacts", N_("Contacts of a company, as users."), "contact",
            lambda settings: "/contacts", "data", "users", _contact, _NEXT, _pages, "updated_at",
        )),
        _SYSTEM.stream(Listing(
            "conversations", N_("Conversations, as tickets."), "conversation",
            lambda settings: "/conversations", "conversations", "tickets", _conversation, _NEXT,
            _pages, "updated_at",
        )),
    ),
    '[sources.intercom]\nkind = "intercom"\napi_key = { env = "INTERCOM_TOKEN" }',
    check=lambda settings: check_origin(settings.base_url),
)
