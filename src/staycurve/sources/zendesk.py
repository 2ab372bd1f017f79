"""Zendesk: organizations and tickets, with how often they were answered and reopened.

References
----------
developer.zendesk.com: "Incremental exports" (cursor-based; changes of the last minute come with
the next sync), "Side-loading", ticket metrics; organizations by cursor pages (`links.next`).
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
    address,
    at,
    basic,
    check_origin,
    check_site,
    instant,
    written,
)


@dataclass(frozen=True)
class Zendesk:
    """[sources.NAME] of the kind `zendesk`."""

    __pydantic_config__ = CLOSED

    subdomain: Annotated[str, Takes(N_("what stands before .zendesk.com"), 'subdomain = "acme"')]
    email: Annotated[str, Takes(N_("the e-mail address of an admin"),
                                'email = "ops@acme.com"')]
    api_key: Annotated[
        Secret, Takes(N_("the variable that holds an API token"),
                      'api_key = { env = "ZENDESK_TOKEN" }')
    ]
    account_id: OWN_ID = "external_id"
    base_url: BASE_URL = ""


def _check(settings: Zendesk) -> None:
    check_origin(settings.base_url)
    check_site(settings.subdomain, "subdomain")


def _headers(settings: Zendesk) -> Mapping[str, str]:
    return {"Authorization": basic(f"{settings.email}/token", settings.api_key.reveal())}


def _own(pull: Pull[Zendesk], one: Object) -> Any:
    name = pull.settings.account_id
    found = one.get(name)
    return found if found is not None else at(one, f"organization_fields.{name}")


def _organization(one: Object, pull: Pull[Zendesk]) -> Row:
    return {
        "account_id": account_of(pull, one["id"], _own(pull, one)), "name": one["name"],
        "domain": ", ".join(one.get("domain_names") or ()),
    }


def _tickets(pull: Pull[Zendesk], since: dt.datetime | None) -> Params:
    del pull
    # A start within the last minute is refused; what comes twice changes nothing.
    start = int(since.timestamp()) - 120 if since is not None else 0
    return (("start_time", str(start)), ("include", "metric_sets"), ("per_page", "1000"))


def _next_tickets(body: Any, page: Page, count: int) -> Page | None:
    del page, count
    if at(body, "end_of_stream") or not at(body, "after_cursor"):
        return None
    # With a cursor, no start is sent: the address itself says everything.
    return Page((("cursor", str(body["after_cursor"])), ("include", "metric_sets"),
                 ("per_page", "1000")), "/api/v2/incremental/tickets/cursor.json")


def _ticket(one: Object, pull: Pull[Zendesk]) -> Row | None:
    if one["status"] == "deleted":
        return None
    company = one.get("organization_id")
    known = accounts_by(pull, "organization", lambda each: _own(pull, each))
    account = account_of(pull, company, known.get(str(company)))
    if account is None:
        return None
    metrics: Mapping[str, Any] = one.get("metric_set") or {}
    is_solved = one["status"] in ("solved", "closed")
    solved = metrics.get("solved_at") or one.get("updated_at")
    reopens = int(metrics.get("reopens") or 0)
    first = at(metrics, "reply_time_in_minutes.calendar")
    opened = instant(one["created_at"])
    answered = opened + dt.timedelta(minutes=first) if opened and first is not None else None
    return {
        "ticket_id": f"{pull.name}:{one['id']}", "account_id": account,
        "user_id": f"{pull.name}:{one['requester_id']}" if one.get("requester_id") else None,
        "opened_at": one["created_at"], "first_response_at": written(answered),
        "solved_at": solved if is_solved else None,
        # When it was opened again is not told, only that it was: it is no first contact's solution.
        "reopened_at": solved if is_solved and reopens else None,
        "agent_contacts": metrics.get("replies"), "channel": at(one, "via.channel"),
        "priority": one.get("priority"), "topic": one.get("type"),
    }


_SYSTEM: System[Zendesk] = System(
    "Zendesk", lambda settings: f"https://{settings.subdomain}.zendesk.com", _headers,
    lambda settings: [settings.api_key.reveal()],
    "Check email and the API token, and that token access is on; exports need an admin.",
    lambda status, body: str(at(body, "description") or at(body, "error") or ""),
)

ZENDESK = Source(
    "zendesk", "Zendesk", N_("Tickets of a help desk, with replies and reopens."), Zendesk,
    (
        _SYSTEM.stream(Listing(
            "organizations", N_("Organizations, as accounts."), "organization",
            lambda settings: "/api/v2/organizations", "organizations", "accounts", _organization,
            address("links.next"), lambda pull, since: (("page[size]", "100"),), "updated_at",
        )),
        _SYSTEM.stream(Listing(
            "tickets", N_("Tickets of an organization."), "ticket",
            lambda settings: "/api/v2/incremental/tickets/cursor.json", "tickets", "tickets",
            _ticket, _next_tickets, _tickets, "generated_timestamp",
        )),
    ),
    '[sources.zendesk]\nkind = "zendesk"\nsubdomain = "acme"\nemail = "ops@acme.com"\n'
    'api_key = { env = "ZENDESK_TOKEN" }',
    check=_check,
)
