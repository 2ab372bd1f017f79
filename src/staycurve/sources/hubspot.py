"""HubSpot: companies, contacts and deals, by the lists of its CRM.

Its lists cannot be asked for changes: every sync lists all, and takes what changed.

References
----------
developers.hubspot.com: "CRM API", objects, associations; pages by `paging.next.after`.
"""

from __future__ import annotations

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
class Hubspot:
    """[sources.NAME] of the kind `hubspot`."""

    __pydantic_config__ = CLOSED

    api_key: Annotated[
        Secret, Takes(N_("the variable that holds a private app's access token"),
                      'api_key = { env = "HUBSPOT_TOKEN" }')
    ]
    account_id: OWN_ID = ""
    base_url: BASE_URL = ""


_COMPANY = (
    "name", "createdate", "industry", "country", "numberofemployees", "hs_analytics_source",
    "hubspot_owner_id", "domain", "city", "state",
)
_CONTACT = (
    "email", "firstname", "lastname", "jobtitle", "createdate", "associatedcompanyid",
    "hs_analytics_source",
)
_DEAL = (
    "createdate", "closedate", "hs_is_closed_won", "hs_is_closed", "closed_lost_reason",
    "hs_analytics_source",
)


def _params(*names: str, also: Params = ()) -> Any:
    def params(pull: Pull[Hubspot], since: object) -> Params:
        del since
        own = (pull.settings.account_id,) if pull.settings.account_id else ()
        return (("limit", "100"), ("properties", ",".join((*names, *own))), *also)

    return params


def _own(pull: Pull[Hubspot], one: Object) -> Any:
    name = pull.settings.account_id
    return at(one, f"properties.{name}") if name else None


def _account(pull: Pull[Hubspot], company: object) -> str | None:
    known = accounts_by(pull, "company", lambda one: _own(pull, one)) if (
        pull.settings.account_id) else {}
    return account_of(pull, company, known.get(str(company)))


def _company(one: Object, pull: Pull[Hubspot]) -> Row:
    own = one["properties"]
    return {
        "account_id": account_of(pull, one["id"], _own(pull, one)), "name": own.get("name"),
        "created_at": own.get("createdate") or one.get("createdAt"),
        "industry": own.get("industry"), "country": own.get("country"),
        "employees": own.get("numberofemployees"), "channel": own.get("hs_analytics_source"),
        "owner": own.get("hubspot_owner_id"), "domain": own.get("domain"),
        "city": own.get("city"), "state": own.get("state"),
    }


def _contact(one: Object, pull: Pull[Hubspot]) -> Row | None:
    own = one["properties"]
    account = _account(pull, own.get("associatedcompanyid"))
    if account is None:
        # Users belong to an account; one of no company is nobody's yet.
        return None
    name = " ".join(part for part in (own.get("firstname"), own.get("lastname")) if part)
    return {
        "user_id": f"{pull.name}:{one['id']}", "account_id": account, "email": own.get("email"),
        "name": name, "role": own.get("jobtitle"), "created_at": own.get("createdate"),
    }


def _deal(one: Object, pull: Pull[Hubspot]) -> Row:
    own = one["properties"]
    is_won = str(own.get("hs_is_closed_won")).lower() == "true"
    is_lost = str(own.get("hs_is_closed")).lower() == "true" and not is_won
    company = at(one, "associations.companies.results.0.id")
    return {
        "lead_id": f"{pull.name}:{one['id']}", "account_id": _account(pull, company),
        "created_at": own.get("createdate") or one.get("createdAt"),
        "channel": own.get("hs_analytics_source"),
        "won_at": own.get("closedate") if is_won else None,
        "lost_at": own.get("closedate") if is_lost else None,
        "lost_reason": own.get("closed_lost_reason") if is_lost else None,
    }


def _told(status: int, body: Any) -> str:
    del status
    return str(at(body, "message") or "")


_SYSTEM: System[Hubspot] = System(
    "HubSpot", lambda settings: "https://api.hubapi.com",
    lambda settings: {"Authorization": f"Bearer {settings.api_key.reveal()}"},
    lambda settings: [settings.api_key.reveal()],
    "Check the private app's token, and its scopes for CRM objects.", _told,
)
_NEXT = token("paging.next.after", "after")

HUBSPOT = Source(
    "hubspot", "HubSpot", N_("Companies, contacts and deals of a CRM."), Hubspot,
    (
        _SYSTEM.stream(Listing(
            "companies", N_("Companies, as accounts."), "company",
            lambda settings: "/crm/v3/objects/companies", "results", "accounts", _company, _NEXT,
            _params(*_COMPANY), "updatedAt",
        )),
        _SYSTEM.stream(Listing(
            "contacts", N_("Contacts of a company, as users."), "contact",
            lambda settings: "/crm/v3/objects/contacts", "results", "users", _contact, _NEXT,
            _params(*_CONTACT), "updatedAt",
        )),
        _SYSTEM.stream(Listing(
            "deals", N_("Deals, as leads that are won or lost."), "deal",
            lambda settings: "/crm/v3/objects/deals", "results", "leads", _deal, _NEXT,
            _params(*_DEAL, also=(("associations", "companies"),)), "updatedAt",
        )),
    ),
    '[sources.hubspot]\nkind = "hubspot"\napi_key = { env = "HUBSPOT_TOKEN" }',
    check=lambda settings: check_origin(settings.base_url),
)
