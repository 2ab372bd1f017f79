"""Spans: rows of subscriptions, out of invoice lines, events, and how subscriptions stand today.

Invoice lines say what was billed and when, by the law of `staycurve.tables.invoice_spans`.
Subscriptions as they were fetched, and as events hold them, say what invoices do not: what runs
on, since when nobody pays, and why it ended. Of an item's statements the latest one holds. Every
subscription that is written here is described whole, so no invoice line of it counts once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from staycurve.sources.base import Pull
from staycurve.sources.batches import Batch, Row, Unreadable, Whole
from staycurve.sources.cursors import Cursor
from staycurve.sources.stripe import deriving, pending, timeline
from staycurve.sources.stripe.deriving import Names
from staycurve.sources.stripe.known import Known, Piece, Snapshot
from staycurve.sources.stripe.settings import Stripe
from staycurve.sources.stripe.shapes import (
    Object,
    ShapeError,
    at,
    coupon_of,
    discounts_of,
    id_of,
    items_of,
    price_of,
    seconds,
)
from staycurve.sources.stripe.terms import Terms
from staycurve.tables.invoice_periods import lines_sql, periods_sql
from staycurve.tables.invoice_spans import pieces_sql, prices_sql
from staycurve.tables.raw import newest_sql

AT_ONCE = 5_000
"""Subscriptions in one batch."""
MICRO = 6


def read(pull: Pull[Stripe]) -> Iterator[Batch]:
    """Batches of the spans of subscriptions of which anything changed."""
    known = deriving.done_until(pull)
    state = dict(pull.cursor.kept) if pull.cursor else {}
    after = str(state.get("after") or "")
    until = int(pull.kept.rows(
        "SELECT greatest((SELECT coalesce(MAX(load), 0) FROM raw_objects), "
        "(SELECT coalesce(MAX(_load), 0) FROM invoice_lines))"
    )[0][0])
    ids = [row[0] for row in pull.kept.rows(f"""
        SELECT DISTINCT s.id FROM raw_objects s WHERE s.object = 'subscription' AND s.id IN (
            SELECT id FROM raw_objects WHERE object = 'subscription' AND load > {known}
            UNION ALL
            SELECT parent FROM raw_objects
            WHERE object IN ('invoice', 'invoiceitem', 'event') AND load > {known}
            UNION ALL
            SELECT subscription_id FROM invoice_lines WHERE _load > {known}
        ) ORDER BY 1
    """) if row[0] > after]
    names = Names(pull)
    for start in range(0, len(ids), AT_ONCE):
        chosen = ids[start : start + AT_ONCE]
        pull.say(f"{start + len(chosen):,} of {len(ids):,} subscriptions")
        found = _gathered(pull, chosen)
        coupons = _learned(pull, names, found)
        rows: list[Row | Unreadable] = []
        for one in found.values():
            try:
                rows += timeline.spans(one, names, coupons)
            except ShapeError as error:
                rows.append(Unreadable(one.id, f"is a subscription that {error}"))
        is_last = start + AT_ONCE >= len(ids)
        cursor = Cursor(until, {"after": None}) if is_last else Cursor(
            known, {"after": chosen[-1]}
        )
        yield Batch(rows, cursor, whole=(Whole("subscriptions", "subscription_id", tuple(chosen)),))


def _gathered(pull: Pull[Stripe], ids: Sequence[str]) -> dict[str, Known]:
    """What is kept of these subscriptions; of one that is gone nothing but its invoices counts."""
    import orjson

    pull.kept.put("chosen", (("id", "VARCHAR"),), [(id,) for id in ids])
    found: dict[str, Known] = {}
    gone: set[str] = set()
    for id, at_second, body, is_deleted in pull.kept.rows(
        "SELECT id, CAST(floor(epoch(fetched_at)) AS BIGINT), body, is_deleted FROM raw_objects "
        "WHERE object = 'subscription' AND id IN (SELECT id FROM chosen) ORDER BY id, load"
    ):
        one = found.setdefault(id, Known(id))
        (gone.add if is_deleted else gone.discard)(id)
        if not is_deleted:
            one.snapshots.append(Snapshot(at_second, orjson.loads(body)))
    for id in gone:
        found.pop(id)
    _events(pull, found)
    _pending(pull, found)
    _invoices(pull, found)
    customers = {
        str(id_of(one.snapshots[-1].body.get("customer"))) for one in found.values()
        if one.snapshots[-1].body.get("trial_end")
    }
    with_card = {
        id for id, customer in deriving.newest(pull, "customer", sorted(customers)).items()
        if at(customer, "invoice_settings", "default_payment_method")
        or customer.get("default_source")
    } if customers else set()
    for one in found.values():
        today = one.snapshots[-1].body
        one.has_card = bool(
            today.get("default_payment_method") or today.get("default_source")
            or str(id_of(today.get("customer"))) in with_card
        )
    return found


def _events(pull: Pull[Stripe], found: Mapping[str, Known]) -> None:
    import orjson

    told: dict[str, list[tuple[Snapshot, Any]]] = {}
    for parent, body in pull.kept.rows(
        "SELECT parent, body FROM raw_objects WHERE object = 'event' "
        "AND parent IN (SELECT id FROM chosen) ORDER BY parent, created, id"
    ):
        event = orjson.loads(body)
        held, when = at(event, "data", "object"), seconds(event.get("created"))
        if parent in found and when is not None and at(held, "object") == "subscription":
            snapshot = Snapshot(when, held, str(id_of(event)))
            told.setdefault(parent, []).append((snapshot, at(event, "data",
                                                             "previous_attributes")))
    for id, snapshots in told.items():
        one = found[id]
        first, previous = snapshots[0]
        if isinstance(previous, Mapping):
            one.before = timeline.merged(first.body, previous)
        *earlier, today = one.snapshots
        # How it stands today was fetched last, whatever clock the events carry.
        mixed = sorted([*(s for s, _ in snapshots), *earlier], key=lambda s: (s.at, s.id))
        last = max([today.at, *(s.at for s in mixed)])
        one.snapshots = [*mixed, Snapshot(last, today.body)]


def _pending(pull: Pull[Stripe], found: Mapping[str, Known]) -> None:
    import orjson

    told: dict[str, list[Object]] = {}
    sql = newest_sql(
        "raw_objects", object_name="invoiceitem", columns="r.parent, r.id, r.body, r.is_deleted"
    )
    for parent, _, body, is_deleted in pull.kept.rows(
        f"{sql} AND r.parent IN (SELECT id FROM chosen) ORDER BY r.parent, r.created, r.id"
    ):
        if parent in found and not is_deleted:
            told.setdefault(parent, []).append(orjson.loads(body))
    for id, items in told.items():
        *earlier, today = found[id].snapshots
        became = pending.snapshots(today.body, items)
        found[id].snapshots = [
            *sorted([*became, *earlier], key=lambda one: (one.at, one.id)), today
        ]


def _invoices(pull: Pull[Stripe], found: Mapping[str, Known]) -> None:
    own = "l.subscription_id IN (SELECT id FROM chosen)"
    pull.kept.put(
        "no_subscriptions", (("subscription_id", "VARCHAR"), ("account_id", "VARCHAR")), []
    )
    second = "CAST(floor(epoch({})) AS BIGINT)"
    for id, item, start, end, plan, product, kind, interval, count, currency, charged, off, once, \
            is_trial in pull.kept.rows(f"""
        WITH {lines_sql(own, described="no_subscriptions")},
        {periods_sql()},
        {prices_sql()},
        {pieces_sql()}
        SELECT subscription_id, item, {second.format("starts_at")}, {second.format("ends_at")},
               plan, product, kind, interval, interval_count, currency, charged, taken_off,
               taken_off_once, is_trial
        FROM pieces ORDER BY subscription_id, item, starts_at, account_id
    """):
        if id not in found:
            continue
        terms = Terms(
            plan, product, kind, interval, int(count), currency, _major(charged),
            off=_major(off or once or 0), is_lasting=bool(off) or not once,
        )
        found[id].pieces.setdefault(item, []).append(
            Piece(start, end, terms, bool(is_trial))
        )
    for id, item, start in pull.kept.rows(
        f"SELECT subscription_id, coalesce(item_id, ''), {second.format('MAX(period_start)')} "
        f"FROM invoice_lines l WHERE {own} AND amount < 0 AND is_proration "
        "AND invoice_status NOT IN ('void', 'draft') GROUP BY 1, 2"
    ):
        if id in found:
            found[id].credits[item] = start
    for id, is_open, billed in pull.kept.rows(
        f"SELECT subscription_id, invoice_status = 'open', {second.format('MIN(billed_at)')} "
        f"FROM invoice_lines l WHERE {own} AND invoice_status IN ('open', 'uncollectible') "
        "AND amount > 0 GROUP BY 1, 2 ORDER BY 1, 2"
    ):
        # What is still open goes before what was given up.
        if id in found and (is_open or found[id].open_since is None):
            found[id].open_since = billed


def _major(micro: int) -> Decimal:
    return Decimal(int(micro)).scaleb(-MICRO)


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
                if isinstance(price, Mapping):
                    products.add(id_of(price.get("product")) or "")
            for holder in (body, *items):
                for discount in discounts_of(holder):
                    coupons.add(id_of(coupon_of(discount)) or "")
    names.learn([one for one in prices if one], [one for one in products if one])
    return deriving.newest(pull, "coupon", sorted(coupons - {""})) if coupons - {""} else {}
