"""Shapes: fields of Stripe's objects, wherever the five families of its interface have them.

Before 2025-03-31 (basil), basil, clover (2025-09-30), dahlia (2026-03-25) and endive (2026-09-30)
put the same facts in different places. Webhooks carry the version of their endpoint, events that
of their time, so every reader here takes all of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

Object = Mapping[str, Any]

ZERO_DECIMAL = frozenset((
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
))
"""Amounts in these are whole; ISK and UGX have none either, and still come in hundredths."""
THREE_DECIMAL = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])


class ShapeError(Exception):
    """An object that cannot be read; its message follows the object's id."""


def at(value: Any, *path: str) -> Any:
    """What stands at a path of keys; None where anything on the way is missing."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def id_of(value: Any) -> str | None:
    """The id of what may be an id or the object itself."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) and found else None


def seconds(value: Any) -> int | None:
    """An instant in seconds since 1970; None where there is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def instant(value: int | None) -> str | None:
    """Seconds since 1970 as ISO 8601, UTC."""
    if value is None:
        return None
    try:
        return dt.datetime.fromtimestamp(value, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        raise ShapeError(f"has the instant {value}, which no calendar has") from None


def decimal(value: Any) -> Decimal | None:
    """A number, or the text of one, with every digit."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def currency_of(value: Any) -> str:
    """The ISO code, upper case."""
    code = at(value, "currency")
    if not isinstance(code, str) or not code:
        raise ShapeError("has no currency")
    return code.upper()


def digits_of(currency: str) -> int:
    """How many decimals the smallest unit has in which Stripe counts a currency."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def major(minor: Decimal | int, currency: str) -> Decimal:
    """An amount in major units, exactly."""
    return Decimal(minor).scaleb(-digits_of(currency))


def listed(value: Any) -> list[Any]:
    """The elements of a list object, or of a plain list."""
    found = value.get("data") if isinstance(value, Mapping) else value
    return found if isinstance(found, list) else []


def customer_of(value: Object) -> str | None:
    """The customer that pays, or the account that stands in its place since endive."""
    return id_of(value.get("customer")) or id_of(value.get("customer_account"))


def subscription_of_invoice(invoice: Object) -> str | None:
    """The subscription that an invoice bills, if one alone."""
    details = at(invoice, "parent", "subscription_details", "subscription")
    return id_of(invoice.get("subscription")) or id_of(details) or id_of(
        at(invoice, "subscription_details", "subscription")
    )


def subscription_of_item(item: Object) -> str | None:
    """The subscription that an invoice item prorates, if any."""
    details = at(item, "parent", "subscription_details", "subscription")
    return id_of(details) or id_of(item.get("subscription"))


def price_of(value: Object) -> Object | str | None:
    """The price of a subscription item or an invoice line: the object, or its id alone."""
    newer = at(value, "pricing", "price_details", "price")
    for found in (value.get("price"), newer, value.get("plan")):
        if isinstance(found, Mapping) and id_of(found):
            return found
    for found in (value.get("price"), newer, value.get("plan")):
        if isinstance(found, str) and found:
            return found
    return None


def quantity_of(value: Object) -> Decimal | None:
    """The quantity of an item or a line, with its decimals where it has some."""
    return decimal(value.get("quantity_decimal")) or decimal(value.get("quantity"))


def coupon_of(discount: Object) -> Object | str | None:
    """The coupon of a discount: the object, or its id alone."""
    for found in (
        discount.get("coupon"), at(discount, "source", "coupon"),
        at(discount, "promotion_code", "coupon"),
        at(discount, "promotion_code", "promotion", "coupon"),
    ):
        if isinstance(found, Mapping) or (isinstance(found, str) and found):
            return found
    return None


def discounts_of(value: Object) -> Iterator[Object]:
    """The discounts of a subscription, an item, an invoice or a line that are there as objects."""
    found = [*listed(value.get("discounts")), value.get("discount")]
    seen = set()
    for one in found:
        if isinstance(one, Mapping) and one.get("id") not in seen:
            seen.add(one.get("id"))
            yield one


def line_details(line: Object) -> tuple[str | None, str | None, bool, bool]:
    """(subscription, item, whether it is prorated, whether it came from an invoice item)."""
    own = at(line, "parent", "subscription_item_details") or {}
    item = at(line, "parent", "invoice_item_details") or {}
    kind = at(line, "parent", "type") or line.get("type")
    is_item = kind in ("invoiceitem", "invoice_item_details") or (
        kind is None and bool(item) and not own
    )
    # Both are filled in examples of the interface; the type says which one counts.
    details = item if is_item and item else own or item
    subscription = id_of(details.get("subscription")) or id_of(line.get("subscription"))
    found = id_of(own.get("subscription_item")) or id_of(line.get("subscription_item"))
    is_prorated = bool(details.get("proration")) or bool(line.get("proration"))
    return subscription, found, is_prorated, is_item


def period_of(subscription: Object, item: Object | None = None) -> tuple[int | None, int | None]:
    """The current period; of an item where items have their own, else of all of them."""
    if item is not None and seconds(item.get("current_period_end")) is not None:
        return seconds(item.get("current_period_start")), seconds(item["current_period_end"])
    if seconds(subscription.get("current_period_end")) is not None:
        return (
            seconds(subscription.get("current_period_start")),
            seconds(subscription["current_period_end"]),
        )
    starts = [seconds(one.get("current_period_start")) for one in items_of(subscription)]
    ends = [seconds(one.get("current_period_end")) for one in items_of(subscription)]
    return (
        min((one for one in starts if one is not None), default=None),
        max((one for one in ends if one is not None), default=None),
    )


def items_of(subscription: Object) -> list[Object]:
    """The items of a subscription; the one that its plan is, where it has no list of them."""
    found = [one for one in listed(subscription.get("items")) if isinstance(one, Mapping)]
    if not found and isinstance(subscription.get("plan"), Mapping):
        return [{
            "id": "", "plan": subscription["plan"], "quantity": subscription.get("quantity"),
            "created": subscription.get("created"),
        }]
    return [one for one in found if not one.get("deleted")]
