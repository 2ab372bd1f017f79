"""Families: the same facts in the shape of each family of Stripe's interface.

The neutral shape is that of endive; `shaped` gives what an older version would have sent. Instants
may be written as days or as ISO 8601, and come out as seconds since 1970.
"""

from __future__ import annotations

import copy
import datetime as dt
import re
from typing import Any

FAMILIES = ("before_basil", "basil", "clover", "dahlia", "endive")
VERSIONS = {
    "before_basil": "2024-06-20", "basil": "2025-03-31.basil", "clover": "2025-09-30.clover",
    "dahlia": "2026-03-25.dahlia", "endive": "2026-09-30.endive",
}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z?)?")


def seconds(text: str) -> int:
    """Seconds since 1970 of a day or an instant, UTC."""
    at = dt.datetime.fromisoformat(text.removesuffix("Z"))
    return int(at.replace(tzinfo=dt.UTC).timestamp())


def timed(value: Any) -> Any:
    """The same with every instant in seconds."""
    if isinstance(value, dict):
        return {key: timed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [timed(one) for one in value]
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return seconds(value)
    return value


def shaped(found: dict[str, Any], family: str) -> dict[str, Any]:
    """An object of the neutral shape as a family has it."""
    found = copy.deepcopy(found)
    shape = {
        "subscription": _subscription, "invoice": _invoice, "charge": _charge,
        "event": _event, "invoice_payment": _same, "invoiceitem": _item,
    }.get(found.get("object", ""), _same)
    return shape(found, FAMILIES.index(family))


def _same(found: dict[str, Any], age: int) -> dict[str, Any]:
    return found


def _item(found: dict[str, Any], age: int) -> dict[str, Any]:
    if age < 1:
        # Before basil it named its subscription, and held its price.
        own = found.pop("parent", {}).get("subscription_details", {})
        found |= {key: own[key] for key in ("subscription", "subscription_item") if key in own}
        found["price"] = found.pop("pricing")["price_details"]["price"]
    return found


def _discount(found: Any, age: int) -> Any:
    if not isinstance(found, dict):
        return found
    coupon = found.get("source", {}).get("coupon")
    if age < 2:
        # Before clover the coupon stood in the discount, as an object.
        found.pop("source", None)
        found["coupon"] = coupon
    elif isinstance(coupon, dict):
        # Since then it is an id, unless it is expanded.
        found["source"] = {"type": "coupon", "coupon": coupon["id"]}
    return found


def _discounts(found: dict[str, Any], age: int) -> None:
    if "discounts" in found:
        found["discounts"] = [_discount(one, age) for one in found["discounts"]]


def _subscription(found: dict[str, Any], age: int) -> dict[str, Any]:
    _discounts(found, age)
    items = found.get("items", {}).get("data", [])
    for item in items:
        _discounts(item, age)
        price = item["price"]
        item["plan"] = {
            "id": price["id"], "object": "plan", "product": price.get("product"),
            "currency": price.get("currency"), "nickname": price.get("nickname"),
            "amount": price.get("unit_amount"),
            "amount_decimal": price.get("unit_amount_decimal"),
            "interval": price["recurring"]["interval"],
            "interval_count": price["recurring"].get("interval_count", 1),
            "usage_type": price["recurring"].get("usage_type", "licensed"),
            "billing_scheme": price.get("billing_scheme", "per_unit"),
            "tiers_mode": price.get("tiers_mode"),
            "transform_usage": price.get("transform_quantity"),
        }
        if age < 4:
            item.pop("quantity_decimal", None)
    if age < 1:
        starts = [one.pop("current_period_start", None) for one in items]
        ends = [one.pop("current_period_end", None) for one in items]
        found["current_period_start"] = min((one for one in starts if one), default=None)
        found["current_period_end"] = max((one for one in ends if one), default=None)
        found["plan"] = items[0]["plan"] if len(items) == 1 else None
        if found.get("discounts"):
            found["discount"] = found["discounts"][0]
    return found


def _invoice(found: dict[str, Any], age: int) -> dict[str, Any]:
    _discounts(found, age)
    subscription = (
        ((found.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    )
    if age < 1:
        found.pop("parent", None)
        found["subscription"] = subscription
    for line in (found.get("lines") or {}).get("data", []):
        _line(line, age)
    return found


def _line(line: dict[str, Any], age: int) -> None:
    _discounts(line, age)
    price = line.pop("price", None)
    if age >= 1:
        if isinstance(price, dict):
            # Since dahlia the price may come whole; its unit amount stands beside it.
            line["pricing"] = {
                "type": "price_details",
                "price_details": {
                    "price": price if age >= 3 else price["id"], "product": price.get("product"),
                },
                "unit_amount_decimal": price.get("unit_amount_decimal")
                or (None if price.get("unit_amount") is None else str(price["unit_amount"])),
            }
        line["taxes"] = line.pop("taxes", None)
        if age < 4:
            line.pop("quantity_decimal", None)
        return
    parent = line.pop("parent", {}) or {}
    own, item = parent.get("subscription_item_details"), parent.get("invoice_item_details")
    details = own or item or {}
    line["type"] = "subscription" if own else "invoiceitem"
    line["subscription"] = details.get("subscription")
    line["subscription_item"] = details.get("subscription_item")
    line["proration"] = bool(details.get("proration"))
    line["price"] = price
    line["tax_amounts"] = [
        {"amount": one["amount"], "inclusive": one["tax_behavior"] == "inclusive"}
        for one in line.pop("taxes", None) or []
    ]
    line.pop("quantity_decimal", None)


def _charge(found: dict[str, Any], age: int) -> dict[str, Any]:
    invoice = found.pop("_invoice", None)
    if age < 1:
        found["invoice"] = invoice
    return found


def _event(found: dict[str, Any], age: int) -> dict[str, Any]:
    found["api_version"] = VERSIONS[FAMILIES[age]]
    held = found.get("data", {}).get("object", {})
    found["data"]["object"] = shaped(held, FAMILIES[age])
    return found
