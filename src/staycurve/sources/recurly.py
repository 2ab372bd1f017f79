"""Recurly: accounts, and what was billed, line by line.

References
----------
recurly.com/developers/api/v2021-02-25: "List a site's accounts", "List a site's line items"
(pages by `next`; amounts in major units; `subtotal` is before discount and tax;
`proration_rate`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.secret import Secret
from staycurve.sections import CLOSED, Takes
from staycurve.sources.base import Pull, Source
from staycurve.sources.batches import Row
from staycurve.sources.http import Params
from staycurve.sources.options import ReadOptions
from staycurve.sources.rest import (
    BASE_URL,
    Listing,
    Object,
    Page,
    System,
    address,
    at,
    basic,
    check_origin,
)


@dataclass(frozen=True)
class Recurly:
    """[sources.NAME] of the kind `recurly`."""

    __pydantic_config__ = CLOSED

    api_key: Annotated[
        Secret, Takes(N_("the variable that holds a private API key"),
                      'api_key = { env = "RECURLY_KEY" }')
    ]
    base_url: BASE_URL = ""


_ONCE = ("setup_fee", "debit", "one_time", "adjustment", "prepayment", "external_gift_card")


def _headers(settings: Recurly) -> Mapping[str, str]:
    return {
        "Authorization": basic(settings.api_key.reveal()),
        "Accept": "application/vnd.recurly.v2021-02-25",
    }


def _params(pull: Pull[Recurly], since: dt.datetime | None) -> Params:
    del pull
    shared: Params = (("limit", "200"), ("sort", "updated_at"), ("order", "asc"))
    if since is None:
        return shared
    return (*shared, ("begin_time", since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))


def _account(one: Object, pull: Pull[Recurly]) -> Row:
    del pull
    person = " ".join(one[key] for key in ("first_name", "last_name") if one.get(key))
    return {
        "account_id": one["code"], "name": one.get("company") or person or one.get("email"),
        "created_at": one.get("created_at"), "email": one.get("email"),
        "country": at(one, "address.country"),
    }


def _line(one: Object, pull: Pull[Recurly]) -> Row | None:
    del pull
    if not one.get("invoice_id"):
        # What is pending is on no invoice yet.
        return None
    discount = Decimal(str(one.get("discount") or 0))
    amount = Decimal(str(one["subtotal"])) - discount
    origin = str(one.get("origin") or "")
    is_addon = "add_on" in origin
    is_once = not one.get("subscription_id") or origin in _ONCE
    return {
        "line_id": one["id"], "invoice_id": one["invoice_id"],
        "account_id": one["account"]["code"], "subscription_id": one.get("subscription_id"),
        "item_id": one.get("add_on_code") if is_addon else None, "plan": one.get("plan_code"),
        "product": one.get("product_code"),
        "kind": "one_time" if is_once else "addon" if is_addon else "base",
        "period_start": one.get("start_date") or one["created_at"],
        "period_end": one.get("end_date") or one.get("start_date") or one["created_at"],
        "quantity": one.get("quantity"), "amount": str(amount),
        "discount_amount": str(discount) if discount > 0 and amount >= 0 else None,
        "is_proration": "true" if (one.get("proration_rate") or 1) != 1 else "false",
        "currency": one["currency"], "billed_at": one["created_at"], "invoice_status": "open",
    }


_SYSTEM: System[Recurly] = System(
    "Recurly", lambda settings: "https://v3.recurly.com", _headers,
    lambda settings: [settings.api_key.reveal()],
    "Check the private API key; sites in the EU need base_url = \"https://v3.eu.recurly.com\".",
    lambda status, body: str(at(body, "error.message") or ""),
)


def _next(body: Any, page: Page, count: int) -> Page | None:
    return address("next")(body, page, count) if at(body, "has_more") else None


RECURLY = Source(
    "recurly", "Recurly", N_("Accounts and line items of a billing system."), Recurly,
    (
        _SYSTEM.stream(Listing(
            "accounts", N_("Accounts."), "account", lambda settings: "/accounts", "data",
            "accounts", _account, _next, _params, "updated_at",
        )),
        _SYSTEM.stream(Listing(
            "line_items", N_("Line items of invoices."), "line_item",
            lambda settings: "/line_items", "data", "invoice_lines", _line, _next, _params,
            "updated_at", options=ReadOptions(timezone="UTC"),
        )),
    ),
    '[sources.recurly]\nkind = "recurly"\napi_key = { env = "RECURLY_KEY" }',
    check=lambda settings: check_origin(settings.base_url),
)
