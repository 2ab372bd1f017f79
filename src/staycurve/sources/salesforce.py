"""Salesforce: accounts, leads and opportunities, by queries in the order of their changes.

References
----------
developer.salesforce.com: REST API, "Query" (`records`, `nextRecordsUrl`), "OAuth 2.0 client
credentials flow".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import SourceError
from staycurve.i18n import N_
from staycurve.secret import Secret
from staycurve.section_faults import Wrong
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
    address,
    at,
    check_origin,
)

VERSION = "v62.0"


@dataclass(frozen=True)
class Salesforce:
    """[sources.NAME] of the kind `salesforce`."""

    __pydantic_config__ = CLOSED

    domain: Annotated[str, Takes(N_("the organization's own address"),
                                 'domain = "acme.my.salesforce.com"')]
    client_id: Annotated[
        Secret | None, Takes(N_("the variable that holds a connected app's consumer key"),
                             'client_id = { env = "SALESFORCE_CLIENT_ID" }')
    ] = None
    client_secret: Annotated[
        Secret | None, Takes(N_("the variable that holds its consumer secret"),
                             'client_secret = { env = "SALESFORCE_CLIENT_SECRET" }')
    ] = None
    access_token: Annotated[
        Secret | None, Takes(N_("the variable that holds an access token, in their place"),
                             'access_token = { env = "SALESFORCE_TOKEN" }')
    ] = None
    account_id: OWN_ID = ""
    base_url: BASE_URL = ""


def _check(settings: Salesforce) -> None:
    check_origin(settings.base_url)
    if not re.fullmatch(r"[A-Za-z0-9.-]+", settings.domain):
        raise Wrong("is no host name.", 'Write: domain = "acme.my.salesforce.com"', "domain")
    if settings.account_id and not re.fullmatch(r"[A-Za-z]\w*", settings.account_id):
        raise Wrong("is no name of a field.", 'Write: account_id = "Customer_Id__c"', "account_id")
    if settings.access_token is None and (
        settings.client_id is None or settings.client_secret is None
    ):
        raise Wrong("needs client_id and client_secret, or access_token.")


def _secrets(settings: Salesforce) -> list[str]:
    held = (settings.client_id, settings.client_secret, settings.access_token)
    return [one.reveal() for one in held if one is not None]


def _login(settings: Salesforce) -> Mapping[str, str]:
    """A token that lasts for the sync, as the client credentials flow gives it."""
    if settings.access_token is not None:
        return {"Authorization": f"Bearer {settings.access_token.reveal()}"}
    import httpx

    assert settings.client_id is not None
    assert settings.client_secret is not None
    origin = settings.base_url or f"https://{settings.domain}"
    try:
        answer = httpx.post(f"{origin}/services/oauth2/token", timeout=60, data={
            "grant_type": "client_credentials", "client_id": settings.client_id.reveal(),
            "client_secret": settings.client_secret.reveal(),
        })
        told = answer.json()
    except (httpx.TransportError, ValueError) as error:
        raise SourceError(
            f"Salesforce gave no token: {type(error).__name__}.",
            hint="Is domain right, and the system there?",
        ) from None
    if answer.status_code != 200 or not told.get("access_token"):
        raise SourceError(
            f"Salesforce gave no token ({answer.status_code}): {told.get('error', 'no reason')}.",
            hint="Check client_id and client_secret, and that the connected app allows the client "
            "credentials flow.",
        )
    return {"Authorization": f"Bearer {told['access_token']}"}


def _query(kind: str, *fields: str) -> Callable[[Pull[Salesforce], dt.datetime | None], Params]:
    def params(pull: Pull[Salesforce], since: dt.datetime | None) -> Params:
        own = (pull.settings.account_id,) if kind == "Account" and pull.settings.account_id else ()
        listed = ", ".join(dict.fromkeys(("Id", *fields, *own, "SystemModstamp")))
        where = ""
        if since is not None:
            day = since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            where = f" WHERE SystemModstamp >= {day}"
        return (("q", f"SELECT {listed} FROM {kind}{where} ORDER BY SystemModstamp, Id"),)

    return params


def _account_of(pull: Pull[Salesforce], theirs: object) -> str | None:
    name = pull.settings.account_id
    known = accounts_by(pull, "Account", lambda one: one.get(name)) if name else {}
    return account_of(pull, theirs, known.get(str(theirs)))


def _account(one: Object, pull: Pull[Salesforce]) -> Row:
    own = one.get(pull.settings.account_id) if pull.settings.account_id else None
    return {
        "account_id": account_of(pull, one["Id"], own), "name": one["Name"],
        "created_at": one["CreatedDate"], "industry": one.get("Industry"),
        "country": one.get("BillingCountry"), "employees": one.get("NumberOfEmployees"),
        "channel": one.get("AccountSource"), "owner": one.get("OwnerId"),
        "parent_id": _account_of(pull, one["ParentId"]) if one.get("ParentId") else None,
        "website": one.get("Website"),
    }


def _lead(one: Object, pull: Pull[Salesforce]) -> Row:
    is_converted = bool(one["IsConverted"])
    return {
        "lead_id": f"{pull.name}:{one['Id']}", "created_at": one["CreatedDate"],
        "channel": one.get("LeadSource"),
        "qualified_at": one.get("ConvertedDate") if is_converted else None,
        "account_id": _account_of(pull, one.get("ConvertedAccountId")),
    }


def _opportunity(one: Object, pull: Pull[Salesforce]) -> Row:
    is_won, is_closed = bool(one["IsWon"]), bool(one["IsClosed"])
    return {
        "lead_id": f"{pull.name}:{one['Id']}", "created_at": one["CreatedDate"],
        "channel": one.get("LeadSource"), "account_id": _account_of(pull, one.get("AccountId")),
        "qualified_at": one["CreatedDate"],
        "won_at": one.get("CloseDate") if is_won else None,
        "lost_at": one.get("CloseDate") if is_closed and not is_won else None,
    }


_SYSTEM: System[Salesforce] = System(
    "Salesforce", lambda settings: f"https://{settings.domain}", lambda settings: {}, _secrets,
    "Check the connected app's key and secret, and that its user may use the API.",
    lambda status, body: str(at(body, "0.message") or ""), login=_login,
)


def _path(settings: Salesforce) -> str:
    return f"/services/data/{VERSION}/query"


_NEXT = address("nextRecordsUrl")

SALESFORCE = Source(
    "salesforce", "Salesforce", N_("Accounts, leads and opportunities of a CRM."), Salesforce,
    (
        _SYSTEM.stream(Listing(
            "accounts", N_("Accounts."), "Account", _path, "records", "accounts", _account, _NEXT,
            _query("Account", "Name", "CreatedDate", "Industry", "BillingCountry",
                   "NumberOfEmployees", "AccountSource", "OwnerId", "ParentId", "Website"),
            "SystemModstamp", "Id",
        )),
        _SYSTEM.stream(Listing(
            "leads", N_("Leads; converted ones are qualified."), "Lead", _path, "records", "leads",
            _lead, _NEXT,
            _query("Lead", "CreatedDate", "LeadSource", "IsConverted", "ConvertedDate",
                   "ConvertedAccountId"),
            "SystemModstamp", "Id",
        )),
        _SYSTEM.stream(Listing(
            "opportunities", N_("Opportunities, as leads that are won or lost."), "Opportunity",
            _path, "records", "leads", _opportunity, _NEXT,
            _query("Opportunity", "CreatedDate", "CloseDate", "LeadSource", "AccountId", "IsWon",
                   "IsClosed"),
            "SystemModstamp", "Id",
        )),
    ),
    '[sources.salesforce]\nkind = "salesforce"\ndomain = "acme.my.salesforce.com"\n'
    'client_id = { env = "SALESFORCE_CLIENT_ID" }\n'
    'client_secret = { env = "SALESFORCE_CLIENT_SECRET" }',
    check=_check,
)
