"""Open usage: what meters counted of periods that are not billed yet, item by item.

Stripe gives the sum of one meter for one customer and one stretch of time, and no list of them. So
there is a request for each metered item of a subscription that runs, and a source has to ask for
it (`open_usage`); a day's sums are asked for once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from staycurve.sources.base import Pull
from staycurve.sources.batches import Batch, RawObject
from staycurve.sources.cursors import Cursor
from staycurve.sources.http import NotThereError, PermissionMissingError
from staycurve.sources.stripe import deriving
from staycurve.sources.stripe.api import Api, opened, raw_of
from staycurve.sources.stripe.changes import ASKED_AT_ONCE, AT_ONCE
from staycurve.sources.stripe.kinds import KINDS
from staycurve.sources.stripe.settings import Stripe
from staycurve.sources.stripe.shapes import (
    Object,
    at,
    customer_of,
    decimal,
    id_of,
    items_of,
    period_of,
    price_of,
    seconds,
)
from staycurve.tables.engine import quoted
from staycurve.tables.raw import newest_sql

OBJECT = "open_usage"
"""What such a sum is kept as: Stripe's own summaries, with the item that they are of."""
RUNS = ("active", "trialing", "past_due")
MINUTE = 60
_HAS_METER = '"meter":"'


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: an item, its meter and customer, and the period that is open."""

    subscription: str
    item: str
    customer: str
    meter: str
    start: int
    end: int

    @property
    def id(self) -> str:
        """Tells the sum from those of other items and periods."""
        return f"{self.item}/{self.start}"


def read(pull: Pull[Stripe]) -> Iterator[Batch]:
    """Batches of sums; none where the source does not ask for them, or has today."""
    today = pull.now.date().toordinal()
    if not pull.settings.open_usage or (pull.cursor and int(pull.cursor.at) >= today):
        return
    now = int(pull.now.timestamp())
    newest = newest_sql(
        "raw_objects", object_name="subscription", columns="r.id, r.body, r.is_deleted"
    )
    running = ", ".join(map(quoted, RUNS))
    sql = (
        f"{newest} AND NOT r.is_deleted AND json_extract_string(r.body, '$.status') IN ({running}) "
        f"AND contains(r.body, {quoted(_HAS_METER)})"
    )
    count = 0
    with opened(pull) as client:
        api = Api(client)
        for some in deriving.parsed(pull, sql):
            wanted = [one for _, body in some if body for one in asked_of(body, now)]
            for start in range(0, len(wanted), AT_ONCE):
                try:
                    found = _summed(api, wanted[start : start + AT_ONCE])
                except (NotThereError, PermissionMissingError) as error:
                    pull.note(f"{error.message} Usage counts once it is billed.")
                    return
                count += len(found)
                pull.say(f"{count:,} sums of usage read")
                yield Batch([], objects=found)
    yield Batch([], Cursor(today))


def asked_of(subscription: Object, now: int) -> Iterator[Asked]:
    """The metered items of a subscription, each with its open period up to the last minute.

    Parameters
    ----------
    now : int
        In seconds since 1970.
    """
    customer = customer_of(subscription)
    for item in items_of(subscription):
        meter = id_of(at(price_of(item), "recurring", "meter"))
        start, end = period_of(subscription, item)
        if customer is None or meter is None or start is None or end is None:
            continue
        # Stripe takes whole minutes.
        start, end = -(-start // MINUTE) * MINUTE, min(end, now) // MINUTE * MINUTE
        if start < end:
            yield Asked(str(id_of(subscription)), id_of(item) or "", customer, meter, start, end)


def _summed(api: Api, wanted: Sequence[Asked]) -> tuple[RawObject, ...]:
    pool = ThreadPoolExecutor(ASKED_AT_ONCE)
    try:
        return tuple(pool.map(lambda one: _sum(api, one), wanted))
    finally:
        pool.shutdown(cancel_futures=True)


def _sum(api: Api, asked: Asked) -> RawObject:
    data = api.elements(
        f"{_METERS.path}/{quote(asked.meter, safe='')}/event_summaries",
        (("customer", asked.customer), ("start_time", str(asked.start)),
         ("end_time", str(asked.end))),
    )
    return raw_of(None, {
        "id": asked.id, "object": OBJECT, "created": asked.start, "customer": asked.customer,
        "subscription": asked.subscription, "subscription_item": asked.item, "meter": asked.meter,
        "period": {"start": asked.start, "end": asked.end}, "data": data,
    }, parent=asked.subscription)


def quantity_in(usage: Object, meter: Object) -> Decimal:
    """What was used, by the meter's own way of adding up.

    Parameters
    ----------
    usage : mapping
        As it is kept here.
    meter : mapping
        Empty where nothing is known of it.
    """
    summaries: list[Mapping[str, Any]] = sorted(
        (one for one in usage.get("data") or () if isinstance(one, dict)),
        key=lambda one: seconds(one.get("end_time")) or 0,
    )
    values = [decimal(one.get("aggregated_value")) or Decimal(0) for one in summaries]
    if not values:
        return Decimal(0)
    formula = at(meter, "default_aggregation", "formula")
    if formula == "last":
        return values[-1]
    return max(values) if formula == "max" else sum(values, Decimal(0))


_METERS = next(kind for kind in KINDS if kind.stream == "meters")
