"""Freshdesk: companies and tickets, with when they were answered, solved and reopened.

References
----------
developers.freshdesk.com: "List all tickets" (without `updated_since` it shows 30 days alone; at
most 300 pages), `include=stats`; statuses 4 and 5 are resolved and closed.
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
    basic,
    check_origin,
    check_site,
    numbered,
)

_SOLVED = (4, 5)
_CHANNELS = {1: "email", 2: "portal", 3: "phone", 7: "chat", 9: "widget", 10: "outbound"}
_PRIORITIES = {1: "low", 2: "medium", 3: "high", 4: "urgent"}
_SIZE, _MOST = 100, 300


@dataclass(frozen=True)
class Freshdesk:
    """[sources.NAME] of the kind `freshdesk`."""

    __pydantic_config__ = CLOSED

    domain: Annotated[str, Takes(N_("what stands before .freshdesk.com"), 'domain = "acme"')]
    api_key: Annotated[
        Secret, Takes(N_("the variable that holds the API key"),
                      'api_key = { env = "FRESHDESK_KEY" }')
    ]
    account_id: OWN_ID = ""
    base_url: BASE_URL = ""


def _check(settings: Freshdesk) -> None:
    check_origin(settings.base_url)
    check_site(settings.domain, "domain")


def _headers(settings: Freshdesk) -> Mapping[str, str]:
    return {"Authorization": basic(settings.api_key.reveal(), "X")}


def _own(pull: Pull[Freshdesk], one: Object) -> Any:
    name = pull.settings.account_id
    return (at(one, f"custom_fields.{name}") or one.get(name)) if name else None


def _company(one: Object, pull: Pull[Freshdesk]) -> Row:
    return {
        "account_id": account_of(pull, one["id"], _own(pull, one)), "name": one["name"],
        "created_at": one.get("created_at"), "industry": one.get("industry"),
        "domain": ", ".join(one.get("domains") or ()),
    }


def _tickets(pull: Pull[Freshdesk], since: dt.datetime | None) -> Params:
    del pull
    from_on = since or dt.datetime(2010, 1, 1, tzinfo=dt.UTC)
    return _listed(from_on.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _next_tickets(body: Any, page: Page, count: int) -> Page | None:
    """By number; after the last that is answered, from the last change on that was seen."""
    sent = dict(page.params)
    number = int(sent.get("page", 1))
    if count < _SIZE:
        return None
    if number < _MOST:
        return Page(tuple({**sent, "page": str(number + 1)}.items()), page.path)
    last = str(at(body, f"{count - 1}.updated_at"))
    return Page((*_listed(last), ("page", "1")), "/api/v2/tickets")


def _listed(since: str) -> Params:
    return (
        ("updated_since", since), ("order_by", "updated_at"), ("order_type", "asc"),
        ("include", "stats"), ("per_page", str(_SIZE)),
    )


def _ticket(one: Object, pull: Pull[Freshdesk]) -> Row | None:
    company = one.get("company_id")
    known = accounts_by(pull, "company", lambda each: _own(pull, each))
    account = account_of(pull, company, known.get(str(company)))
    if account is None or one.get("spam") or one.get("deleted"):
        return None
    stats: Mapping[str, Any] = one.get("stats") or {}
    is_solved = int(one["status"]) in _SOLVED
    return {
        "ticket_id": f"{pull.name}:{one['id']}", "account_id": account,
        "user_id": f"{pull.name}:{one['requester_id']}" if one.get("requester_id") else None,
        "opened_at": one["created_at"], "first_response_at": stats.get("first_responded_at"),
        "solved_at": (stats.get("resolved_at") or stats.get("closed_at")) if is_solved else None,
        "reopened_at": stats.get("reopened_at"), "channel": _CHANNELS.get(one.get("source") or 0),
        "priority": _PRIORITIES.get(one.get("priority") or 0), "topic": one.get("type"),
    }


_SYSTEM: System[Freshdesk] = System(
    "Freshdesk", lambda settings: f"https://{settings.domain}.freshdesk.com", _headers,
    lambda settings: [settings.api_key.reveal()],
    "Check the API key under Profile settings.",
    lambda status, body: str(at(body, "message") or at(body, "description") or ""),
)


def _pages(pull: Pull[Freshdesk], since: dt.datetime | None) -> Params:
    del pull, since
    return (("per_page", str(_SIZE)),)


FRESHDESK = Source(
    "freshdesk", "Freshdesk", N_("Tickets of a help desk."), Freshdesk,
    (
        _SYSTEM.stream(Listing(
            "companies", N_("Companies, as accounts."), "company",
            lambda settings: "/api/v2/companies", "", "accounts", _company,
            numbered("page", _SIZE), _pages, "updated_at",
        )),
        _SYSTEM.stream(Listing(
            "tickets", N_("Tickets of a company."), "ticket",
            lambda settings: "/api/v2/tickets", "", "tickets", _ticket, _next_tickets, _tickets,
            "updated_at",
        )),
    ),
    '[sources.freshdesk]\nkind = "freshdesk"\ndomain = "acme"\n'
    'api_key = { env = "FRESHDESK_KEY" }',
    check=_check,
)
