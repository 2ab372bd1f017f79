"""Pending prorations: when a subscription changed whose next invoice is still to come.

An upgrade in March of a plan that bills in January is on no invoice for ten months, and the event
that told of it is gone after one. The proration that waits for the next invoice says when it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from staycurve.sources.stripe.known import Snapshot
from staycurve.sources.stripe.shapes import (
    Object,
    at,
    decimal,
    id_of,
    items_of,
    price_of,
    quantity_of,
    seconds,
)


def snapshots(today: Object, pending: Sequence[Object]) -> list[Snapshot]:
    """A subscription as its pending prorations say that it became, oldest first.

    Nothing where it is late or over: they do not say since when that is. Of one with several items
    the last change alone is taken, from which on each is as it is today.

    Parameters
    ----------
    today : mapping
        How it stands.
    pending : sequence of mapping
        Its invoice items, whether they wait or not: a change stays true once it is billed.
    """
    items = items_of(today)
    if today.get("status") != "active" or not items:
        return []
    charges: dict[int, list[Object]] = defaultdict(list)
    for one in pending:
        start = seconds(at(one, "period", "start"))
        # What is given back tells of the terms before, which invoices know.
        if start is not None and one.get("proration") and (decimal(one.get("amount")) or 0) > 0:
            charges[start].append(one)
    if not charges:
        return []
    last = max(charges)
    found = []
    for start in sorted(charges):
        if len(items) == 1:
            body = {**today, "items": {"data": [_as_charged(items[0], charges[start][-1])]}}
        elif start == last:
            body = dict(today)
        else:
            continue
        found.append(Snapshot(start, body, str(id_of(charges[start][-1]))))
    return found


def _as_charged(item: Object, charge: Object) -> Object:
    price = price_of(charge)
    return {
        **item, "price": price if price is not None else price_of(item), "plan": None,
        "quantity": charge.get("quantity", item.get("quantity")),
        "quantity_decimal": charge.get("quantity_decimal"),
    } if quantity_of(charge) is not None or price is not None else item
