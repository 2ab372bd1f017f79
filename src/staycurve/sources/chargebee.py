"""Chargebee: customers, and what invoices bill, line by line.

A line that bills a part of a period is not marked as one: its price is that of as many days.

References
----------
apidocs.chargebee.com: "List customers", "List invoices", "List subscriptions" (`next_offset`;
amounts in the currency's smallest unit; a line's amount is before its discount, and contains tax
where the invoice's `price_type` is tax_inclusive).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
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
    System,
    accounts_by,
    at,
    basic,
    check_origin,
    check_site,
    token,
    written,
)


@dataclass(frozen=True)
class Chargebee:
    """[sources.NAME] of the kind `chargebee`."""

    __pydantic_config__ = CLOSED

    site: Annotated[str, Takes(N_("what stands before .chargebee.com"), 'site = "acme"')]
    api_key: Annotated[
        Secret, Takes(N_("the variable that holds a read-only API key"),
                      'api_key = { env = "CHARGEBEE_KEY" }')
    ]
    base_url: BASE_URL = ""


_ONCE = ("plan_setup", "charge_item_price", "adhoc")
_ADDONS = ("addon", "addon_item_price")
_STATES = {"paid": "paid", "posted": "open", "payment_due": "open", "not_paid": "open",
           "voided": "void", "pending": "draft"}


def _check(settings: Chargebee) -> None:
    check_origin(settings.base_url)
    check_site(settings.site, "site", "site")


def _headers(settings: Chargebee) -> Mapping[str, str]:
    return {"Authorization": basic(settings.api_key.reveal())}


def _params(pull: Pull[Chargebee], since: dt.datetime | None) -> Params:
    del pull
    shared: Params = (
        ("limit", "100"), ("sort_by[asc]", "updated_at"), ("include_deleted", "true"),
    )
    if since is None:
        return shared
    return (*shared, ("updated_at[after]", str(int(since.timestamp()) - 1)))


def _customer(entry: Object, pull: Pull[Chargebee]) -> Row:
    del pull
    one = entry["customer"]
    person = " ".join(one[key] for key in ("first_name", "last_name") if one.get(key))
    return {
        "account_id": one["id"], "name": one.get("company") or person or one.get("email"),
        "created_at": written(one.get("created_at")), "email": one.get("email"),
        "country": at(one, "billing_address.country"), "channel": one.get("channel"),
    }


def _lines(entry: Object, pull: Pull[Chargebee]) -> list[Row]:
    one = entry["invoice"]
    ends = accounts_by(
        pull, "subscription",
        lambda each: at(each, "subscription.cancelled_at"),
    )
    state = "void" if one.get("deleted") else _STATES[one["status"]]
    return [_line(one, line, state, ends) for line in one.get("line_items") or ()]


def _line(one: Object, line: Object, state: str, ends: Mapping[str, str]) -> Row:
    amount = line["amount"] - (line.get("discount_amount") or 0)
    if one.get("price_type") == "tax_inclusive":
        amount -= line.get("tax_amount") or 0
    kind = line["entity_type"]
    subscription = line.get("subscription_id")
    ended = ends.get(str(subscription))
    is_inside = ended is not None and line["date_from"] < int(ended) < line["date_to"]
    return {
        "line_id": line["id"], "invoice_id": one["id"],
        "account_id": line.get("customer_id") or one["customer_id"],
        "subscription_id": subscription, "plan": line.get("entity_id"),
        "item_id": line.get("entity_id") if kind in _ADDONS else None,
        "kind": "one_time" if kind in _ONCE else "addon" if kind in _ADDONS else "base",
        "period_start": written(line["date_from"]), "period_end": written(line["date_to"]),
        "quantity": line.get("quantity"), "amount": str(amount),
        "discount_amount": line.get("discount_amount") or None,
        "currency": one["currency_code"], "billed_at": written(one["date"]),
        "canceled_at": written(int(ended)) if is_inside and ended else None,
        "invoice_status": state,
    }


def _nothing(entry: Object, pull: Pull[Chargebee]) -> None:
    # They are kept, for the days on which subscriptions were canceled.
    del entry, pull


_SYSTEM: System[Chargebee] = System(
    "Chargebee", lambda settings: f"https://{settings.site}.chargebee.com", _headers,
    lambda settings: [settings.api_key.reveal()], "Check the site and its API key.",
    lambda status, body: str(at(body, "message") or ""),
)
_NEXT = token("next_offset", "offset")
_MINOR = ReadOptions(amounts="minor", timezone="UTC")


def _listing(
    name: str, about: str, object: str, table: str,
    row: Callable[[Object, Pull[Chargebee]], Any], options: ReadOptions,
) -> Listing[Chargebee]:
    return Listing(
        name, about, object, lambda settings: f"/api/v2/{name}", "list", table, row, _NEXT,
        _params, f"{object}.updated_at", f"{object}.id", options,
    )


CHARGEBEE = Source(
    "chargebee", "Chargebee", N_("Customers and invoice lines of a billing system."), Chargebee,
    (
        _SYSTEM.stream(_listing("customers", N_("Customers."), "customer", "accounts", _customer,
                                ReadOptions())),
        _SYSTEM.stream(_listing("subscriptions", N_("When subscriptions were canceled."),
                                "subscription", "invoice_lines", _nothing, ReadOptions())),
        _SYSTEM.stream(_listing("invoices", N_("Lines of invoices."), "invoice", "invoice_lines",
                                _lines, _MINOR)),
    ),
    '[sources.chargebee]\nkind = "chargebee"\nsite = "acme"\n'
    'api_key = { env = "CHARGEBEE_KEY" }',
    check=_check,
)
