"""Paddle Billing: customers, and what transactions bill, line by line.

References
----------
developer.paddle.com/api-reference: "List customers", "List transactions" (`meta.pagination`;
amounts as texts in the currency's smallest unit; `details.line_items` with `proration`).
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
    address,
    at,
    check_origin,
)


@dataclass(frozen=True)
class Paddle:
    """[sources.NAME] of the kind `paddle`."""

    __pydantic_config__ = CLOSED

    api_key: Annotated[
        Secret, Takes(N_("the variable that holds an API key"),
                      'api_key = { env = "PADDLE_KEY" }')
    ]
    base_url: BASE_URL = ""


_STATES = {"completed": "paid", "paid": "paid", "billed": "open", "past_due": "open",
           "canceled": "void", "draft": "draft", "ready": "draft"}


def _transactions(pull: Pull[Paddle], since: dt.datetime | None) -> Params:
    del pull
    shared: Params = (("per_page", "200"), ("order_by", "updated_at[ASC]"))
    if since is None:
        return shared
    return (*shared, ("updated_at[GTE]", since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))


def _customer(one: Object, pull: Pull[Paddle]) -> Row:
    del pull
    return {
        "account_id": one["id"], "name": one.get("name") or one.get("email"),
        "email": one.get("email"), "created_at": one.get("created_at"),
    }


def _lines(one: Object, pull: Pull[Paddle]) -> list[Row]:
    del pull
    state = _STATES[one["status"]]
    if not one.get("customer_id") or state == "draft":
        return []
    prices = {at(item, "price.id"): item["price"] for item in one.get("items") or ()}
    return [
        _line(one, line, state, prices.get(line.get("price_id")) or {})
        for line in at(one, "details.line_items") or ()
    ]


def _line(one: Object, line: Object, state: str, price: Object) -> Row:
    discount = int(at(line, "totals.discount") or 0)
    amount = int(line["totals"]["subtotal"]) - discount
    proration = line.get("proration") or {}
    period = proration.get("billing_period") or one.get("billing_period") or {}
    billed = one.get("billed_at") or one["created_at"]
    is_once = not one.get("subscription_id") or (bool(price) and not price.get("billing_cycle"))
    rate = str(proration.get("rate") or "1")
    return {
        "line_id": line["id"], "invoice_id": one["id"], "account_id": one["customer_id"],
        "subscription_id": one.get("subscription_id"), "item_id": line.get("price_id"),
        "plan": at(line, "product.name") or price.get("name"),
        "kind": "one_time" if is_once or not period else "base",
        "period_start": period.get("starts_at") or billed,
        "period_end": period.get("ends_at") or billed, "quantity": line.get("quantity"),
        "amount": str(amount),
        "discount_amount": str(discount) if discount > 0 and amount >= 0 else None,
        "is_proration": "true" if float(rate) != 1 else "false",
        "currency": one["currency_code"], "billed_at": billed, "invoice_status": state,
    }


_SYSTEM: System[Paddle] = System(
    "Paddle", lambda settings: "https://api.paddle.com",
    lambda settings: {"Authorization": f"Bearer {settings.api_key.reveal()}",
                      "Paddle-Version": "1"},
    lambda settings: [settings.api_key.reveal()],
    "Check the API key and its read permissions; keys of the sandbox need "
    'base_url = "https://sandbox-api.paddle.com".',
    lambda status, body: str(at(body, "error.detail") or ""),
)


def _next(body: Any, page: Page, count: int) -> Page | None:
    # The next address is there on the last page, too.
    if not at(body, "meta.pagination.has_more"):
        return None
    return address("meta.pagination.next")(body, page, count)


PADDLE = Source(
    "paddle", "Paddle Billing", N_("Customers and transactions of a billing system."), Paddle,
    (
        _SYSTEM.stream(Listing(
            "customers", N_("Customers."), "customer", lambda settings: "/customers", "data",
            "accounts", _customer, _next, lambda pull, since: (("per_page", "200"),),
            "updated_at",
        )),
        _SYSTEM.stream(Listing(
            "transactions", N_("Lines of transactions."), "transaction",
            lambda settings: "/transactions", "data", "invoice_lines", _lines, _next,
            _transactions, "updated_at", options=ReadOptions(amounts="minor", timezone="UTC"),
        )),
    ),
    '[sources.paddle]\nkind = "paddle"\napi_key = { env = "PADDLE_KEY" }',
    check=lambda settings: check_origin(settings.base_url),
)
