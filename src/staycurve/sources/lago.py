"""Lago: customers, and what fees bill.

References
----------
getlago.com/docs/api-reference: "List all customers", "List all fees" (`meta.next_page`; amounts in
the currency's smallest unit, without taxes and before coupons; a fee's `to_date` is the last
instant of its period).
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
from staycurve.sources.options import ReadOptions
from staycurve.sources.rest import (
    BASE_URL,
    Listing,
    Object,
    Page,
    System,
    at,
    check_origin,
    token,
)


@dataclass(frozen=True)
class Lago:
    """[sources.NAME] of the kind `lago`."""

    __pydantic_config__ = CLOSED

    api_key: Annotated[
        Secret, Takes(N_("the variable that holds an API key"), 'api_key = { env = "LAGO_KEY" }')
    ]
    base_url: BASE_URL = ""


_KINDS = {"subscription": "base", "commitment": "base", "charge": "metered"}


def _customer(one: Object, pull: Pull[Lago]) -> Row:
    del pull
    return {
        "account_id": one["external_id"], "name": one.get("name") or one.get("legal_name"),
        "email": one.get("email"), "created_at": one.get("created_at"),
        "country": one.get("country"), "currency": one.get("currency"),
    }


def _fee(one: Object, pull: Pull[Lago]) -> Row | None:
    del pull
    if not one.get("lago_invoice_id"):
        # A fee of what is billed in advance, on no invoice yet.
        return None
    kind = _KINDS.get(str(at(one, "item.type")), "one_time")
    start = one.get("from_date") or one.get("created_at")
    discount = round(float(one.get("precise_coupons_amount_cents") or 0))
    amount = int(one["amount_cents"]) - discount
    return {
        "line_id": one["lago_id"], "invoice_id": one["lago_invoice_id"],
        "account_id": one["external_customer_id"],
        "subscription_id": one.get("external_subscription_id"),
        "item_id": at(one, "item.code") if kind == "metered" else None,
        "plan": at(one, "item.name"), "kind": kind, "period_start": start,
        "period_end": one.get("to_date") or start, "amount": str(amount),
        "discount_amount": str(discount) if discount > 0 else None,
        "currency": one["amount_currency"], "billed_at": one.get("created_at"),
        "invoice_status": "paid" if one.get("payment_status") == "succeeded" else "open",
    }


_SYSTEM: System[Lago] = System(
    "Lago", lambda settings: "https://api.getlago.com",
    lambda settings: {"Authorization": f"Bearer {settings.api_key.reveal()}"},
    lambda settings: [settings.api_key.reveal()],
    "Check the API key; base_url names your own server.",
    lambda status, body: str(at(body, "error") or ""),
)
_NEXT = token("meta.next_page", "page")


def _pages(pull: Pull[Lago], since: dt.datetime | None) -> Params:
    del pull, since
    return (("per_page", "100"),)


def _next(body: Any, page: Page, count: int) -> Page | None:
    return _NEXT(body, page, count) if count else None


LAGO = Source(
    "lago", "Lago", N_("Customers and fees of a billing system."), Lago,
    (
        _SYSTEM.stream(Listing(
            "customers", N_("Customers."), "customer", lambda settings: "/api/v1/customers",
            "customers", "accounts", _customer, _next, _pages, "updated_at", "lago_id",
        )),
        _SYSTEM.stream(Listing(
            "fees", N_("Fees of invoices, as their lines."), "fee",
            lambda settings: "/api/v1/fees", "fees", "invoice_lines", _fee, _next, _pages, "",
            "lago_id", ReadOptions(amounts="minor", timezone="UTC"),
        )),
    ),
    '[sources.lago]\nkind = "lago"\napi_key = { env = "LAGO_KEY" }',
    check=lambda settings: check_origin(settings.base_url),
)
