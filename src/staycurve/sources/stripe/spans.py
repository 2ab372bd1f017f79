"""Spans: rows of subscriptions, out of invoice lines, events, and how subscriptions stand today.

Invoice lines say what was billed and when, by the law of `staycurve.tables.invoice_spans`.
Subscriptions as they were fetched, and as events hold them, say what invoices do not: what runs
on, since when nobody pays, and why it ended. Of an item's statements the latest one holds. Every
subscription that is written here is described whole, so no invoice line of it counts once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from staycurve.sources.base import Pull
from staycurve.sources.batches import Batch, Row, Unreadable, Whole
from staycurve.sources.cursors import Cursor
from staycurve.sources.stripe import deriving, gathering, timeline
from staycurve.sources.stripe.deriving import Names
from staycurve.sources.stripe.known import Known
from staycurve.sources.stripe.settings import Stripe
from staycurve.sources.stripe.shapes import (
    Object,
    ShapeError,
    coupon_of,
    discounts_of,
    id_of,
    items_of,
    price_of,
)

AT_ONCE = 1_000
"""Subscriptions that are looked at side by side."""


def read(pull: Pull[Stripe]) -> Iterator[Batch]:
    """Batches of the spans of subscriptions of which anything changed."""
    known = deriving.done_until(pull)
    state = dict(pull.cursor.kept) if pull.cursor else {}
    until = int(pull.kept.rows(
        "SELECT greatest((SELECT coalesce(MAX(load), 0) FROM raw_objects), "
        "(SELECT coalesce(MAX(_load), 0) FROM invoice_lines))"
    )[0][0])
    count = gathering.gather(pull, known, after=str(state.get("after") or ""))
    names = Names(pull)
    for start in range(0, count, AT_ONCE):
        is_last = start + AT_ONCE >= count
        pull.say(f"{min(start + AT_ONCE, count):,} of {count:,} subscriptions")
        chosen, found = gathering.gathered(pull, start, start + AT_ONCE)
        coupons = _learned(pull, names, found)
        rows: list[Row | Unreadable] = []
        for one in found.values():
            try:
                rows += timeline.spans(one, names, coupons)
            except ShapeError as error:
                rows.append(Unreadable(one.id, f"is a subscription that {error}"))
        cursor = Cursor(until, {"after": None}) if is_last else Cursor(
            known, {"after": chosen[-1]}
        )
        yield Batch(rows, cursor, whole=(Whole("subscriptions", "subscription_id", chosen),))


def _learned(
    pull: Pull[Stripe], names: Names, found: Mapping[str, Known]
) -> dict[str, Object]:
    """Learn what prices are called; coupon → the coupon."""
    prices, products, coupons = set(), set(), set()
    for one in found.values():
        bodies = [snapshot.body for snapshot in one.snapshots]
        for body in (*bodies, *([one.before] if one.before else [])):
            items = items_of(body)
            for item in items:
                price = price_of(item)
                prices.add(id_of(price) or "")
                if isinstance(price, dict):
                    products.add(id_of(price.get("product")) or "")
            for holder in (body, *items):
                for discount in discounts_of(holder):
                    coupons.add(id_of(coupon_of(discount)) or "")
    names.learn([one for one in prices if one], [one for one in products if one])
    return deriving.newest(pull, "coupon", sorted(coupons - {""})) if coupons - {""} else {}
