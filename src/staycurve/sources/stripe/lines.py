"""Invoice lines out of invoices, of every shape and with every line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from staycurve.sources.base import Pull
from staycurve.sources.batches import Batch, Row, Unreadable, Whole
from staycurve.sources.stripe import deriving
from staycurve.sources.stripe.deriving import Names
from staycurve.sources.stripe.settings import Stripe
from staycurve.sources.stripe.shapes import (
    Object,
    ShapeError,
    at,
    coupon_of,
    currency_of,
    customer_of,
    decimal,
    discounts_of,
    id_of,
    instant,
    items_of,
    line_details,
    listed,
    major,
    price_of,
    quantity_of,
    seconds,
    subscription_of_invoice,
)

STATES = ("draft", "open", "paid", "uncollectible", "void")


def read(pull: Pull[Stripe]) -> Iterator[Batch]:
    """Batches of the lines of invoices that changed; a line that left its invoice goes."""
    names = Names(pull)
    for cursor, found, gone in deriving.changed(pull, "invoice"):
        learn(names, found)
        durations = _durations(pull, found)
        items = _items(pull, found)
        rows: list[Row | Unreadable] = []
        for invoice in found:
            rows += invoice_lines(invoice, names, durations=durations, items=items)
        ids = [*(str(id_of(one)) for one in found), *gone]
        yield Batch(rows, cursor, whole=(Whole("invoice_lines", "invoice_id", tuple(ids)),))


def learn(names: Names, invoices: Sequence[Object]) -> None:
    """Look up what the lines' prices and products are called."""
    prices, products = set(), set()
    for invoice in invoices:
        for line in listed(invoice.get("lines")):
            if isinstance(line, Mapping):
                price = price_of(line)
                prices.add(id_of(price) or "")
                products.add(_product(line, price if isinstance(price, Mapping) else {}) or "")
    names.learn([one for one in prices if one], [one for one in products if one])


def _product(line: Object, price: Object) -> str | None:
    return id_of(at(line, "pricing", "price_details", "product")) or id_of(price.get("product"))


def _durations(pull: Pull[Stripe], invoices: Sequence[Object]) -> dict[str, str]:
    """Discount, or coupon, → how long it lasts."""
    found: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for invoice in invoices:
        lines = [one for one in listed(invoice.get("lines")) if isinstance(one, Mapping)]
        for discount in (one for value in (invoice, *lines) for one in discounts_of(value)):
            coupon, id = coupon_of(discount), id_of(discount) or ""
            if isinstance(coupon, Mapping) and isinstance(coupon.get("duration"), str):
                found[id] = coupon["duration"]
            elif id_of(coupon):
                unknown[id] = str(id_of(coupon))
    if unknown:
        coupons = deriving.newest(pull, "coupon", sorted(set(unknown.values())))
        for discount_id, coupon_id in unknown.items():
            duration = coupons.get(coupon_id, {}).get("duration")
            if isinstance(duration, str):
                found[discount_id] = duration
    return found


def _items(pull: Pull[Stripe], invoices: Sequence[Object]) -> dict[tuple[str, str], str]:
    """(subscription, price) → item, for lines that do not name theirs.

    The key (subscription, "") is the only item.
    """
    wanted = set()
    found: dict[tuple[str, str], set[str]] = {}
    for invoice in invoices:
        for line in listed(invoice.get("lines")):
            if not isinstance(line, Mapping):
                continue
            subscription, item, is_prorated, is_item = line_details(line)
            subscription = subscription or subscription_of_invoice(invoice)
            if subscription and item:
                found.setdefault((subscription, id_of(price_of(line)) or ""), set()).add(item)
            elif subscription and (is_prorated or not is_item):
                wanted.add(subscription)
    if not wanted:
        return {}
    for id, body in deriving.newest(pull, "subscription", sorted(wanted)).items():
        own = [(id_of(price_of(one)) or "", id_of(one) or "") for one in items_of(body)]
        for price, item in own:
            found.setdefault((id, price), set()).add(item)
            found.setdefault((id, ""), set()).add(item)
    return {key: next(iter(items)) for key, items in found.items() if len(items) == 1}


def invoice_lines(
    invoice: Object, names: Names, *, durations: Mapping[str, str],
    items: Mapping[tuple[str, str], str],
) -> list[Row | Unreadable]:
    """The lines of one invoice; a line that cannot be read is there as a complaint."""
    id = str(id_of(invoice))
    try:
        common = _common(invoice)
        lines = invoice.get("lines")
        if not isinstance(lines, Mapping | list):
            raise ShapeError("has no list of lines")
    except ShapeError as error:
        return [Unreadable(id, f"is an invoice that {error}")]
    found: list[Row | Unreadable] = []
    if isinstance(lines, Mapping) and lines.get("has_more"):
        found.append(Unreadable(id, "is an invoice of which only the first lines are there"))
    for line in listed(lines):
        try:
            if not isinstance(line, Mapping):
                raise ShapeError("is no object")
            found.append(common | _line(invoice, line, names, durations, items))
        except ShapeError as error:
            line_id = id_of(line) or "a line"
            found.append(Unreadable(id, f"has the line {line_id}, which {error}"))
    return found


def _common(invoice: Object) -> dict[str, Any]:
    account = customer_of(invoice)
    if account is None:
        raise ShapeError("has no customer")
    status = invoice.get("status") or "draft"
    if status not in STATES:
        raise ShapeError(f"has the status {status!r}")
    billed = (
        seconds(at(invoice, "status_transitions", "finalized_at"))
        or seconds(invoice.get("effective_at")) or seconds(invoice.get("created"))
    )
    return {
        "invoice_id": id_of(invoice), "account_id": account, "billed_at": instant(billed),
        "invoice_status": status,
    }


def _line(
    invoice: Object, line: Object, names: Names, durations: Mapping[str, str],
    items: Mapping[tuple[str, str], str],
) -> dict[str, Any]:
    currency = currency_of(line if line.get("currency") else invoice)
    amount = decimal(line.get("amount"))
    start, end = seconds(at(line, "period", "start")), seconds(at(line, "period", "end"))
    if amount is None or start is None or end is None:
        raise ShapeError("has no amount, or no period")
    if end < start:
        raise ShapeError("has a period that ends before it starts")
    subscription, item, is_prorated, is_item = line_details(line)
    subscription = subscription or (None if is_item else subscription_of_invoice(invoice))
    price = names.price(price_of(line))
    if subscription and item is None and (is_prorated or not is_item):
        item = items.get((subscription, id_of(price) or "")) or items.get((subscription, ""))
    off, is_recurring = _discount(line, durations)
    included = _included_tax(line)
    kind = kind_of(price)
    if not subscription or (is_item and (not is_prorated or item is None)):
        kind = "one_time"
    unit, quantity = _unit(line, price, currency, amount, is_prorated, kind, included)
    is_credit = amount < 0
    row: dict[str, Any] = {
        "line_id": id_of(line) or f"{id_of(invoice)}/{item}/{start}/{amount}",
        "subscription_id": subscription, "item_id": item, "plan": names.plan(price),
        "product": names.product(
            at(line, "pricing", "price_details", "product") or price.get("product")
        ),
        "kind": kind, "period_start": instant(start), "period_end": instant(end),
        "quantity": quantity, "unit_amount": unit,
        "amount": major(amount - off - included, currency),
        "discount_amount": None if is_credit or off <= 0 else major(off, currency),
        "discount_recurring": is_recurring, "is_proration": is_prorated, "currency": currency,
    }
    return {key: value for key, value in row.items() if value is not None}


def kind_of(price: Object) -> str:
    """base, metered or one_time."""
    recurring = price.get("recurring")
    usage = at(price, "recurring", "usage_type") or price.get("usage_type")
    if usage == "metered":
        return "metered"
    is_once = price.get("type") == "one_time" and not recurring
    return "one_time" if is_once else "base"


def _discount(line: Object, durations: Mapping[str, str]) -> tuple[Decimal, bool]:
    """What was taken off a line, in its smallest unit, and whether every bill has it taken off."""
    lasting = once = Decimal(0)
    for one in line.get("discount_amounts") or ():
        amount = decimal(at(one, "amount")) or Decimal(0)
        discount = at(one, "discount")
        duration = durations.get(id_of(discount) or "")
        if isinstance(discount, Mapping):
            duration = duration or at(coupon_of(discount), "duration")
        if duration == "once":
            once += amount
        else:
            lasting += amount
    if lasting and once:
        # A line has one word for both; what comes off every bill is what MRR rests on.
        return lasting, True
    return lasting + once, not once


def _included_tax(line: Object) -> Decimal:
    """Tax that is part of the line's amount, in its smallest unit."""
    found = Decimal(0)
    for one in line.get("tax_amounts") or ():
        if at(one, "inclusive"):
            found += decimal(at(one, "amount")) or Decimal(0)
    for one in line.get("taxes") or ():
        if at(one, "tax_behavior") == "inclusive":
            found += decimal(at(one, "amount")) or Decimal(0)
    return found


def _unit(
    line: Object, price: Object, currency: str, amount: Decimal, is_prorated: bool, kind: str,
    included: Decimal,
) -> tuple[Decimal | None, Decimal | None]:
    """(unit amount, quantity) where their product is what a whole period bills, else nothing."""
    quantity = quantity_of(line)
    is_plain = price.get("billing_scheme") in (None, "per_unit") and not (
        price.get("transform_quantity") or price.get("transform_usage")
    )
    if kind == "metered" or not is_plain or quantity is None or included:
        return None, None
    listed_unit = decimal(price.get("unit_amount_decimal")) or decimal(
        price.get("unit_amount") if price.get("unit_amount") is not None else price.get("amount")
    )
    if str(price.get("currency") or currency).upper() != currency:
        listed_unit = None
    own_unit = decimal(at(line, "pricing", "unit_amount_decimal"))
    unit = listed_unit if is_prorated or own_unit is None else own_unit
    if unit is None or unit < 0:
        return None, None
    if not is_prorated and amount and abs(unit * quantity - amount) > 1:
        # The line bills something else than its price says: the bill counts.
        return None, None
    return major(unit, currency), quantity
