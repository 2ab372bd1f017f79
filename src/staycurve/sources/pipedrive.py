"""Pipedrive: organizations, persons and deals, by the lists of its API v2.

References
----------
developers.pipedrive.com: API v2, `updated_since`; pages by `additional_data.next_cursor`.
"""

from __future__ import annotations

import datetime as dt
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
    System,
    account_of,
    accounts_by,
    at,
    check_origin,
    token,
)


@dataclass(frozen=True)
class Pipedrive:
    """[sources.NAME] of the kind `pipedrive`."""

    __pydantic_config__ = CLOSED

    api_key: Annotated[
        Secret, Takes(N_("the variable that holds the API token"),
                      'api_key = { env = "PIPEDRIVE_TOKEN" }')
    ]
    account_id: OWN_ID = ""
    base_url: BASE_URL = ""


def _params(pull: Pull[Pipedrive], since: dt.datetime | None) -> Params:
    del pull
    shared: Params = (("limit", "500"), ("sort_by", "update_time"), ("sort_direction", "asc"))
    if since is None:
        return shared
    return (*shared, ("updated_since", since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))


def _own(pull: Pull[Pipedrive], one: Object) -> Any:
    name = pull.settings.account_id
    if not name:
        return None
    found = at(one, f"custom_fields.{name}")
    return found if found is not None else one.get(name)


def _account(pull: Pull[Pipedrive], number: object) -> str | None:
    known = accounts_by(pull, "organization", lambda one: _own(pull, one)) if (
        pull.settings.account_id) else {}
    return account_of(pull, number, known.get(str(number)))


def _organization(one: Object, pull: Pull[Pipedrive]) -> Row:
    return {
        "account_id": account_of(pull, one["id"], _own(pull, one)), "name": one["name"],
        "created_at": one.get("add_time"), "owner": one.get("owner_id"),
        "country": at(one, "address.country"), "city": at(one, "address.locality"),
    }


def _person(one: Object, pull: Pull[Pipedrive]) -> Row | None:
    account = _account(pull, one.get("org_id"))
    if account is None:
        return None
    mails = one.get("emails") or []
    first = next((mail for mail in mails if mail.get("primary")), mails[0] if mails else {})
    return {
        "user_id": f"{pull.name}:{one['id']}", "account_id": account, "name": one.get("name"),
        "email": first.get("value"), "created_at": one.get("add_time"),
        "role": one.get("job_title"),
    }


def _deal(one: Object, pull: Pull[Pipedrive]) -> Row:
    status = one["status"]
    return {
        "lead_id": f"{pull.name}:{one['id']}", "account_id": _account(pull, one.get("org_id")),
        "created_at": one["add_time"], "channel": one.get("origin"),
        "won_at": one.get("won_time") if status == "won" else None,
        "lost_at": one.get("lost_time") if status == "lost" else None,
        "lost_reason": one.get("lost_reason") if status == "lost" else None,
    }


_SYSTEM: System[Pipedrive] = System(
    "Pipedrive", lambda settings: "https://api.pipedrive.com",
    lambda settings: {"x-api-token": settings.api_key.reveal()},
    lambda settings: [settings.api_key.reveal()],
    "Check the API token under Personal preferences → API.",
    lambda status, body: str(at(body, "error") or ""),
)
_NEXT = token("additional_data.next_cursor", "cursor")

PIPEDRIVE = Source(
    "pipedrive", "Pipedrive", N_("Organizations, persons and deals of a CRM."), Pipedrive,
    (
        _SYSTEM.stream(Listing(
            "organizations", N_("Organizations, as accounts."), "organization",
            lambda settings: "/api/v2/organizations", "data", "accounts", _organization, _NEXT,
            _params, "update_time",
        )),
        _SYSTEM.stream(Listing(
            "persons", N_("Persons of an organization, as users."), "person",
            lambda settings: "/api/v2/persons", "data", "users", _person, _NEXT, _params,
            "update_time",
        )),
        _SYSTEM.stream(Listing(
            "deals", N_("Deals, as leads that are won or lost."), "deal",
            lambda settings: "/api/v2/deals", "data", "leads", _deal, _NEXT, _params,
            "update_time",
        )),
    ),
    '[sources.pipedrive]\nkind = "pipedrive"\napi_key = { env = "PIPEDRIVE_TOKEN" }',
    check=lambda settings: check_origin(settings.base_url),
)
