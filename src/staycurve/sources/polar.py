"""Polar: customers, and subscriptions as they stand today.

Its orders name no service period, so what a subscription cost before its last change is not known.

References
----------
polar.sh/docs/api-reference: "List customers", "List subscriptions" (`pagination.max_page`;
amounts in the currency's smallest unit).
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
)


@dataclass(frozen=True)
class Polar:
    """[sources.NAME] of the kind `polar`."""

    __pydantic_config__ = CLOSED

    api_key: Annotated[
        Secret, Takes(N_("the variable that holds an organization's access token"),
                      'api_key = { env = "POLAR_TOKEN" }')
    ]
    base_url: BASE_URL = ""


def _customer(one: Object, pull: Pull[Polar]) -> Row:
    del pull
    return {
        "account_id": one.get("external_id") or one["id"],
        "name": one.get("name") or one.get("email"), "email": one.get("email"),
        "created_at": one.get("created_at"), "country": at(one, "billing_address.country"),
    }


def _subscription(one: Object, pull: Pull[Polar]) -> Row | None:
    del pull
    started = one.get("started_at") or one.get("current_period_start")
    if started is None or one["status"] in ("incomplete", "incomplete_expired"):
        return None
    is_ending = bool(one.get("cancel_at_period_end"))
    ends = one.get("ended_at") or (one.get("current_period_end") if is_ending else None)
    status = one["status"]
    if status == "canceled" and ends is None:
        ends = one.get("canceled_at")
    return {
        "subscription_id": one["id"],
        "account_id": at(one, "customer.external_id") or one["customer_id"],
        "plan": at(one, "product.name"), "amount": one["amount"],
        "currency": str(one["currency"]).upper(), "interval": one["recurring_interval"],
        "interval_count": one.get("recurring_interval_count") or 1,
        "status": status, "starts_at": started, "ends_at": ends,
        "cancel_requested_at": one.get("canceled_at"),
        "end_reason": one.get("customer_cancellation_reason"),
    }


_SYSTEM: System[Polar] = System(
    "Polar", lambda settings: "https://api.polar.sh",
    lambda settings: {"Authorization": f"Bearer {settings.api_key.reveal()}"},
    lambda settings: [settings.api_key.reveal()],
    "Check the access token and its read scopes.",
    lambda status, body: str(at(body, "detail") or at(body, "error") or ""),
)


def _pages(pull: Pull[Polar], since: dt.datetime | None) -> Params:
    del pull, since
    return (("limit", "100"),)


def _next(body: Any, page: Page, count: int) -> Page | None:
    del count
    number = int(dict(page.params).get("page", 1))
    last = int(at(body, "pagination.max_page") or 0)
    return Page((("page", str(number + 1)),)) if number < last else None


POLAR = Source(
    "polar", "Polar", N_("Customers and subscriptions of a billing system."), Polar,
    (
        _SYSTEM.stream(Listing(
            "customers", N_("Customers."), "customer", lambda settings: "/v1/customers/", "items",
            "accounts", _customer, _next, _pages, "modified_at",
        )),
        _SYSTEM.stream(Listing(
            "subscriptions", N_("Subscriptions as they stand today."), "subscription",
            lambda settings: "/v1/subscriptions/", "items", "subscriptions", _subscription, _next,
            _pages, "modified_at",
            options=ReadOptions(amounts="minor", timezone="UTC", status="current"),
        )),
    ),
    '[sources.polar]\nkind = "polar"\napi_key = { env = "POLAR_TOKEN" }',
    check=lambda settings: check_origin(settings.base_url),
)
