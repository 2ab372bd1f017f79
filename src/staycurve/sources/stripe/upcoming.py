"""Upcoming lines: what the next invoice of a subscription is going to bill, as far as it is known.

Pending invoice items and metered usage that is open are lines of an invoice that is a draft, and
drafts count for nothing: usage is no MRR before it is billed. `invoices lines` shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from staycurve.sources.base import Pull
from staycurve.sources.batches import Batch, Row, Unreadable, Whole
from staycurve.sources.cursors import Cursor
from staycurve.sources.stripe import deriving, usage
from staycurve.sources.stripe.deriving import Names
from staycurve.sources.stripe.lines import kind_of
from staycurve.sources.stripe.settings import Stripe
from staycurve.sources.stripe.shapes import (
    Object,
    ShapeError,
    at,
    currency_of,
    customer_of,
    decimal,
    id_of,
    instant,
    items_of,
    major,
    period_of,
    price_of,
    quantity_of,
    seconds,
    subscription_of_item,
)
from staycurve.sources.stripe.terms import amount_of
from staycurve.tables.engine import quoted
from staycurve.tables.raw import newest_sql

AT_ONCE = 1_000
"""Subscriptions that are looked at side by side."""
_OURS = ("invoiceitem", usage.OBJECT)


def read(pull: Pull[Stripe]) -> Iterator[Batch]:
    """Batches of lines of subscriptions of which an item, its usage or its period changed."""
    known = deriving.done_until(pull)
    until = int(pull.kept.rows("SELECT coalesce(MAX(load), 0) FROM raw_objects")[0][0])
    ours = ", ".join(map(quoted, _OURS))
    # A subscription matters where something of it waits, or did.
    owners = f"""
        SELECT parent AS id FROM raw_objects
        WHERE object IN ({ours}) AND parent <> '' AND (load > {known} OR parent IN (
            SELECT id FROM raw_objects WHERE object = 'subscription' AND load > {known}))
    """
    names = Names(pull)
    is_any = False
    for chosen in deriving.chunks(pull, owners, AT_ONCE):
        is_any = True
        yield Batch(
            _rows(pull, chosen, names),
            whole=(Whole("invoice_lines", "invoice_id", tuple(map(_invoice, chosen))),),
        )
    if is_any:
        yield Batch([], Cursor(until))


def _invoice(subscription: str) -> str:
    return f"upcoming/{subscription}"


def _rows(pull: Pull[Stripe], chosen: list[str], names: Names) -> list[Row | Unreadable]:
    subscriptions = deriving.newest(pull, "subscription", chosen)
    held: dict[str, list[Object]] = {one: [] for one in _OURS}
    pull.kept.put("asked", (("id", "VARCHAR"),), [(id,) for id in chosen])
    for object in _OURS:
        newest = newest_sql(
            "raw_objects", object_name=object, columns="r.id, r.body, r.is_deleted",
            among=f"SELECT id FROM raw_objects WHERE object = {quoted(object)} "
            "AND parent IN (SELECT id FROM asked)",
        )
        for some in _of(pull, newest):
            held[object].append(some)
    names.learn(
        [id_of(price_of(one)) or "" for one in held["invoiceitem"] if id_of(price_of(one))], []
    )
    meters = deriving.newest(
        pull, "billing.meter", sorted({str(one.get("meter")) for one in held[usage.OBJECT]})
    )
    found: list[Row | Unreadable] = []
    for one in held["invoiceitem"]:
        if one.get("invoice") is None:
            found += _readable(subscription_of_item(one) or "", one, lambda one: _item(one, names))
    for one in held[usage.OBJECT]:
        body = subscriptions.get(str(one.get("subscription")))
        if body is not None:
            meter = meters.get(str(one.get("meter")), {})
            found += _readable(str(id_of(body)), one,
                               lambda one, body=body, meter=meter: _used(one, body, meter, names))
    return found


def _of(pull: Pull[Stripe], newest: str) -> Iterator[Object]:
    import orjson

    for _, body, is_deleted in pull.kept.rows(f"{newest} ORDER BY r.id"):
        if not is_deleted:
            yield orjson.loads(body)


def _readable(subscription: str, one: Object, made: Any) -> list[Row | Unreadable]:
    try:
        row: Mapping[str, Any] | None = made(one)
    except ShapeError as error:
        return [Unreadable(_invoice(subscription), f"has {id_of(one)}, which {error}")]
    if row is None:
        return []
    told = {"invoice_id": _invoice(subscription), "invoice_status": "draft",
            "subscription_id": subscription, **row}
    return [{key: value for key, value in told.items() if value is not None}]


def _item(item: Object, names: Names) -> Mapping[str, Any]:
    """The line that a pending invoice item is going to be."""
    amount, currency = decimal(item.get("amount")), currency_of(item)
    start, end = seconds(at(item, "period", "start")), seconds(at(item, "period", "end"))
    account = customer_of(item)
    if account is None or amount is None or start is None or end is None:
        raise ShapeError("has no customer, no amount or no period")
    price = names.price(price_of(item))
    own = at(item, "parent", "subscription_details", "subscription_item") or item.get(
        "subscription_item"
    )
    is_prorated = bool(item.get("proration"))
    return {
        "line_id": id_of(item), "account_id": account, "item_id": id_of(own),
        "plan": names.plan(price), "product": names.product(price.get("product")),
        "kind": kind_of(price) if is_prorated else "one_time",
        "period_start": instant(start), "period_end": instant(end),
        "quantity": quantity_of(item), "amount": major(amount, currency),
        "is_proration": is_prorated, "currency": currency,
    }


def _used(
    used: Object, subscription: Object, meter: Object, names: Names
) -> Mapping[str, Any] | None:
    """The line that open usage is going to be; None once its period is over, or its item gone."""
    id, start = used.get("subscription_item"), seconds(at(used, "period", "start"))
    item = next((one for one in items_of(subscription) if id_of(one) == id), None)
    if item is None or subscription.get("status") not in usage.RUNS or start is None:
        return None
    begins, ends = period_of(subscription, item)
    if begins is None or ends is None or not begins <= start < begins + usage.MINUTE:
        return None
    own = price_of(item)
    names.learn([id_of(own) or ""], [id_of(own.get("product")) or ""] if isinstance(
        own, dict) and id_of(own.get("product")) else [])
    price = names.price(own)
    currency = currency_of(price if price.get("currency") else subscription)
    quantity = usage.quantity_in(used, meter)
    minor = amount_of(price, quantity)
    if minor is None:
        raise ShapeError("has a price whose tiers are not known")
    return {
        "line_id": f"{id_of(used)}/usage", "account_id": customer_of(subscription),
        "item_id": id, "plan": names.plan(price), "product": names.product(price.get("product")),
        "kind": "metered", "period_start": instant(begins), "period_end": instant(ends),
        "quantity": quantity, "amount": major(minor, currency), "currency": currency,
    }
