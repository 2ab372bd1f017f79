"""Gathering: everything that is kept of subscriptions, side by side, some thousand at a time.

An account has twenty times as many invoice lines as subscriptions. They and the objects are looked
through once, into relations that lie in the order of the subscriptions, and read from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from staycurve.sources.base import Pull
from staycurve.sources.stripe import pending, timeline
from staycurve.sources.stripe.known import Known, Piece, Snapshot
from staycurve.sources.stripe.settings import Stripe
from staycurve.sources.stripe.shapes import Object, at, id_of, seconds
from staycurve.sources.stripe.terms import Terms
from staycurve.tables.engine import quoted
from staycurve.tables.invoice_periods import lines_sql, periods_sql
from staycurve.tables.invoice_spans import pieces_sql, prices_sql
from staycurve.tables.raw import newest_sql

MICRO = 6
_SECOND = "CAST(floor(epoch({})) AS BIGINT)"


def gather(pull: Pull[Stripe], known: int, *, after: str) -> int:
    """Find the subscriptions of which anything changed since a load, and all that is kept of them.

    Returns
    -------
    int
        How many there are behind the id `after`.
    """
    kept = pull.kept
    kept.keep("touched", f"""
        SELECT row_number() OVER (ORDER BY id) - 1 AS place, id FROM (
            SELECT DISTINCT s.id FROM raw_objects s WHERE s.object = 'subscription'
            AND s.id > {quoted(after)} AND s.id IN (
                SELECT id FROM raw_objects WHERE object = 'subscription' AND load > {known}
                UNION ALL
                SELECT parent FROM raw_objects
                WHERE object IN ('invoice', 'invoiceitem', 'event') AND load > {known}
                UNION ALL
                SELECT subscription_id FROM invoice_lines WHERE _load > {known}
            ))
    """)
    count = int(kept.rows("SELECT COUNT(*) FROM touched")[0][0])
    if not count:
        return 0
    of_item = newest_sql("raw_objects", object_name="invoiceitem")
    kept.keep("held", f"""
        SELECT t.place, t.id AS own, r.object, r.id, r.load, r.created,
               {_SECOND.format("r.fetched_at")} AS fetched, r.is_deleted, r.body
        FROM (
            SELECT id AS own, * FROM raw_objects WHERE object = 'subscription'
            UNION ALL
            SELECT parent AS own, * FROM raw_objects WHERE object = 'event'
            UNION ALL
            SELECT parent AS own, * FROM ({of_item}) WHERE NOT is_deleted
        ) r JOIN touched t ON t.id = r.own ORDER BY t.place
    """)
    kept.keep(
        "held_lines", "SELECT t.place, l.* FROM invoice_lines l JOIN touched t "
        "ON t.id = l.subscription_id ORDER BY t.place",
    )
    kept.put("no_subscriptions", (("subscription_id", "VARCHAR"), ("account_id", "VARCHAR")), [])
    kept.keep("with_card", _with_card())
    return count


def gathered(
    pull: Pull[Stripe], start: int, end: int
) -> tuple[tuple[str, ...], dict[str, Known]]:
    """(ids, what is kept) of the subscriptions between two places of those that were gathered.

    Of one that is gone nothing but its invoices counts: it is among the ids alone.
    """
    import orjson

    chosen = tuple(row[0] for row in pull.kept.rows(
        f"SELECT id FROM touched WHERE place >= {start} AND place < {end} ORDER BY place"
    ))
    found: dict[str, Known] = {}
    gone: set[str] = set()
    for id, at_second, body, is_deleted in pull.kept.rows(
        f"SELECT own, fetched, body, is_deleted FROM held WHERE {_within(start, end)} "
        "AND object = 'subscription' ORDER BY own, load"
    ):
        one = found.setdefault(id, Known(id))
        (gone.add if is_deleted else gone.discard)(id)
        if not is_deleted:
            one.snapshots.append(Snapshot(at_second, orjson.loads(body)))
    for id in gone:
        found.pop(id)
    _events(pull, found, _within(start, end))
    _pending(pull, found, _within(start, end))
    _invoices(pull, found, _within(start, end))
    customers = {
        str(id_of(one.snapshots[-1].body.get("customer"))) for one in found.values()
        if one.snapshots[-1].body.get("trial_end")
    }
    with_card: set[str] = set()
    if customers:
        pull.kept.put("trying", (("id", "VARCHAR"),), [(one,) for one in sorted(customers)])
        with_card = {row[0] for row in pull.kept.rows(
            "SELECT id FROM with_card WHERE id IN (SELECT id FROM trying)"
        )}
    for one in found.values():
        today = one.snapshots[-1].body
        one.has_card = bool(
            today.get("default_payment_method") or today.get("default_source")
            or str(id_of(today.get("customer"))) in with_card
        )
    return chosen, found


def _with_card() -> str:
    """SQL for the customers of trials who have a payment method."""
    customers = newest_sql(
        "raw_objects", object_name="customer",
        among="SELECT json_extract_string(body, '$.customer') FROM held "
        "WHERE object = 'subscription' AND json_extract_string(body, '$.trial_end') <> ''",
    )
    card = " OR ".join(
        f"coalesce(json_extract_string(body, '{path}'), '') <> ''"
        for path in ("$.invoice_settings.default_payment_method", "$.default_source")
    )
    return f"SELECT id FROM ({customers}) WHERE NOT is_deleted AND ({card})"


def _within(start: int, end: int) -> str:
    return f"place >= {start} AND place < {end}"


def _events(pull: Pull[Stripe], found: Mapping[str, Known], within: str) -> None:
    import orjson

    told: dict[str, list[tuple[Snapshot, Any]]] = {}
    for own, body in pull.kept.rows(
        f"SELECT own, body FROM held WHERE {within} AND object = 'event' ORDER BY own, created, id"
    ):
        event = orjson.loads(body)
        held, when = at(event, "data", "object"), seconds(event.get("created"))
        if own in found and when is not None and at(held, "object") == "subscription":
            snapshot = Snapshot(when, held, str(id_of(event)))
            told.setdefault(own, []).append((snapshot, at(event, "data", "previous_attributes")))
    for id, snapshots in told.items():
        one = found[id]
        first, previous = snapshots[0]
        if isinstance(previous, dict):
            one.before = timeline.merged(first.body, previous)
        *earlier, today = one.snapshots
        # How it stands today was fetched last, whatever clock the events carry.
        mixed = sorted([*(s for s, _ in snapshots), *earlier], key=lambda s: (s.at, s.id))
        last = max([today.at, *(s.at for s in mixed)])
        one.snapshots = [*mixed, Snapshot(last, today.body)]


def _pending(pull: Pull[Stripe], found: Mapping[str, Known], within: str) -> None:
    import orjson

    told: dict[str, list[Object]] = {}
    for own, body in pull.kept.rows(
        f"SELECT own, body FROM held WHERE {within} AND object = 'invoiceitem' "
        "ORDER BY own, created, id"
    ):
        if own in found:
            told.setdefault(own, []).append(orjson.loads(body))
    for id, items in told.items():
        *earlier, today = found[id].snapshots
        became = pending.snapshots(today.body, items)
        found[id].snapshots = [
            *sorted([*became, *earlier], key=lambda one: (one.at, one.id)), today
        ]


def _invoices(pull: Pull[Stripe], found: Mapping[str, Known], within: str) -> None:
    for id, item, start, end, plan, product, kind, interval, count, currency, charged, off, once, \
            is_trial in pull.kept.rows(f"""
        WITH {lines_sql(f"l.{within.replace(' AND ', ' AND l.')}", described="no_subscriptions",
                        relation="held_lines")},
        {periods_sql()},
        {prices_sql()},
        {pieces_sql()}
        SELECT subscription_id, item, {_SECOND.format("starts_at")}, {_SECOND.format("ends_at")},
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
        f"SELECT subscription_id, coalesce(item_id, ''), {_SECOND.format('MAX(period_start)')} "
        f"FROM held_lines WHERE {within} AND amount < 0 AND is_proration "
        "AND invoice_status NOT IN ('void', 'draft') GROUP BY 1, 2"
    ):
        if id in found:
            found[id].credits[item] = start
    for id, is_open, billed in pull.kept.rows(
        f"SELECT subscription_id, invoice_status = 'open', {_SECOND.format('MIN(billed_at)')} "
        f"FROM held_lines WHERE {within} AND invoice_status IN ('open', 'uncollectible') "
        "AND amount > 0 GROUP BY 1, 2 ORDER BY 1, 2"
    ):
        # What is still open goes before what was given up.
        if id in found and (is_open or found[id].open_since is None):
            found[id].open_since = billed


def _major(micro: int) -> Decimal:
    return Decimal(int(micro)).scaleb(-MICRO)
