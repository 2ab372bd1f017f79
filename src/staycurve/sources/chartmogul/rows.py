"""Rows out of the objects of ChartMogul's import interface: pure, one object at a time.

Amounts there are whole numbers of a currency's smallest unit, after discounts and with tax; here
they are major units without tax. Instants without an offset are in UTC.

References
----------
dev.chartmogul.com: "Import invoices", "How MRR is calculated from prorated invoices", "Cancel a
subscription".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any

Body = Mapping[str, Any]
Row = dict[str, Any]

VOIDED = ("voided", "void", "deleted")
WRITTEN_OFF = ("written_off", "uncollectible")


@dataclass(frozen=True)
class Place:
    """Where a line or a transaction stands.

    Attributes
    ----------
    account_id : str
        The customer.
    suffix : str
        Added to ids of invoices and subscriptions; empty for the first data source.
    invoice_id : str
        The invoice's external id, or its uuid where it has none.
    invoice : mapping
        Its body.
    is_counted : bool
        Whether neither it nor its customer was deleted or disabled.
    is_paid : bool
        Whether a payment of it was successful.
    """

    account_id: str
    suffix: str
    invoice_id: str
    invoice: Body
    is_counted: bool
    is_paid: bool

    @property
    def currency(self) -> str:
        """ISO 4217."""
        return str(self.invoice.get("currency") or "").upper()


@dataclass(frozen=True)
class Line:
    """A line of an invoice, with what of its subscription it rests on."""

    uuid: str
    body: Body
    place: Place
    plan: Body
    is_counted: bool
    cancellations: Sequence[dt.datetime] = ()
    price: Decimal | None = None


def instant(value: object) -> dt.datetime | None:
    """A date or instant as the interface takes it; UTC unless it says otherwise.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if value is None or value == "":
        return None
    text = str(value).strip().replace("`", "")
    found = dt.datetime.fromisoformat(text.replace(" UTC", "Z"))
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)


@lru_cache(maxsize=512)
def digits(currency: str) -> int:
    """Decimals of a currency's smallest unit; 2 for one that nobody knows."""
    from babel.numbers import get_currency_precision

    return int(get_currency_precision(currency)) if currency else 2


def major(cents: object, currency: str) -> Decimal | None:
    """Major units of a whole number of smallest units."""
    if cents is None or cents == "":
        return None
    return Decimal(str(cents)).scaleb(-digits(currency))


def net(body: Body, currency: str) -> Decimal:
    """What a line bills before tax and after discounts, in major units."""
    cents = Decimal(str(body.get("amount_in_cents") or 0))
    return (cents - Decimal(str(body.get("tax_amount_in_cents") or 0))).scaleb(-digits(currency))


def account_row(account_id: str, body: Body) -> Row:
    """A customer as a row of accounts; custom attributes are attributes."""
    address = body.get("address")
    where: Body = address if isinstance(address, Mapping) else {}
    attributes = body.get("attributes")
    own: Body = attributes if isinstance(attributes, Mapping) else {}
    custom = own.get("custom")
    found: Row = {
        str(key): value for key, value in (custom if isinstance(custom, Mapping) else {}).items()
    }
    tags = own.get("tags")
    if tags:
        found["tags"] = ", ".join(str(tag) for tag in tags)
    found |= {
        "account_id": account_id,
        "name": body.get("company") or body.get("name"),
        "country": body.get("country") or where.get("country"),
        "state": body.get("state") or where.get("state"),
        "city": body.get("city") or where.get("city"),
        "email": body.get("email"),
        "created_at": text_of(instant(body.get("lead_created_at"))),
        "parent_id": body.get("_parent"),
    }
    return {key: value for key, value in found.items() if value not in (None, "")}


def service_period(body: Body, plan: Body, invoice: Body) -> tuple[dt.datetime, dt.datetime]:
    """First instant of what a line bills, and the first after it.

    A line of a subscription that names no end lasts for the interval of its plan.
    """
    start = instant(body.get("service_period_start")) or instant(invoice.get("date"))
    assert start is not None, "an invoice without a date is refused"
    end = instant(body.get("service_period_end"))
    if end is None:
        end = start if body.get("type") != "subscription" else after(start, plan)
    return start, end


def after(start: dt.datetime, plan: Body) -> dt.datetime:
    """When the interval of a plan that begins at an instant ends."""
    count = int(plan.get("interval_count") or 1)
    unit = plan.get("interval_unit") or "month"
    if unit in ("day", "week"):
        return start + dt.timedelta(days=count * (7 if unit == "week" else 1))
    months = start.year * 12 + start.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    for day in range(start.day, 27, -1):
        try:
            return start.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return start.replace(year=year, month=month + 1)


def line_rows(line: Line) -> list[Row]:
    """A line as rows of invoice_lines: its own, and one of its price where a difference has it."""
    body, place = line.body, line.place
    currency = place.currency
    start, end = service_period(body, line.plan, place.invoice)
    amount = net(body, currency)
    ends = [at for at in line.cancellations if start < at < end]
    quantity = body.get("quantity")
    named = body.get("subscription_external_id")
    is_subscription = body.get("type", "subscription") == "subscription"
    row: Row = {
        "line_id": line.uuid,
        "invoice_id": place.invoice_id + place.suffix,
        "account_id": place.account_id,
        "subscription_id": f"{named}{place.suffix}" if named else None,
        "plan": line.plan.get("name"),
        "kind": "base" if is_subscription else "one_time",
        "period_start": text_of(start),
        "period_end": text_of(max(start, end)),
        # A quantity below zero says of a line that bills something nothing that can be read.
        "quantity": None if quantity is not None and quantity < 0 <= amount else quantity,
        "amount": str(amount),
        "discount_amount": None,
        "is_proration": "true" if body.get("prorated") else "false",
        "currency": currency,
        "billed_at": text_of(instant(place.invoice.get("date"))),
        "canceled_at": text_of(min(ends)) if ends else None,
        "invoice_status": status_of(line),
    }
    discount = major(body.get("discount_amount_in_cents"), currency)
    if discount and discount > 0 and amount >= 0:
        row["discount_amount"] = str(discount)
    if line.price is None:
        if amount < 0 and body.get("proration_type") == "differential":
            # A price that stood beside it before stands there no more.
            return [row, {**row, "line_id": f"{line.uuid}/price", "amount": "0",
                          "invoice_status": "void"}]
        return [row]
    priced = {**row, "quantity": 1, "unit_amount": str(line.price), "discount_amount": None}
    if amount >= 0:
        return [priced]
    # A credit moves no price by itself: beside it stands what the whole period costs from there.
    return [row, {**priced, "line_id": f"{line.uuid}/price", "amount": "0"}]


def status_of(line: Line) -> str:
    """The state of the invoice, as invoice_lines has it; what does not count is void."""
    state = str(line.place.invoice.get("status") or "").lower()
    if not (line.is_counted and line.place.is_counted) or state in VOIDED:
        return "void"
    if state in WRITTEN_OFF:
        return "uncollectible"
    return "paid" if line.place.is_paid else "open"


def differences(lines: Iterable[Line]) -> list[Line]:
    """Lines of one subscription; prorated ones that bill a difference know what the whole costs.

    A prorated line bills what the new price is over the old one if it says so (`proration_type`
    is `differential`), or if it says nothing, stays with its plan and has no credit beside it:
    then it is for more of the same. Any other bills the new price for its time.
    """
    found: list[Line] = []
    now: tuple[Decimal, dt.datetime, dt.datetime, object] | None = None
    ordered = sorted(lines, key=_order)
    done: set[str] = set()
    for line in ordered:
        if line.uuid in done:
            continue
        start, end = service_period(line.body, line.plan, line.place.invoice)
        if not line.body.get("prorated"):
            found.append(line)
            if counts(line):
                now = (_gross(line), start, end, line.body.get("plan_uuid"))
            continue
        group = [one for one in ordered if one.body.get("prorated") and counts(one)
                 and one.uuid not in done and _start(one) == start]
        if not group:
            found.append(line)
            continue
        done |= {one.uuid for one in group}
        price = _new_price(group, now)
        if price is None:
            found += group
            charge = next((one for one in group if net(one.body, one.place.currency) > 0), None)
            if charge is not None and now is not None and now[1] <= start < now[2]:
                now = (_scaled(charge, now), now[1], now[2], charge.body.get("plan_uuid"))
            continue
        # The one that bills something carries the price, else the first.
        bearer = max(group, key=lambda one: (net(one.body, one.place.currency), -_order(one)[1]))
        found += [replace(one, price=price) if one is bearer else one for one in group]
        assert now is not None
        now = (price, now[1], now[2], bearer.body.get("plan_uuid"))
    return found


def _new_price(
    group: Sequence[Line], now: tuple[Decimal, dt.datetime, dt.datetime, object] | None
) -> Decimal | None:
    """What a whole period costs from prorated lines on; None where they bill it themselves."""
    start = _start(group[0])
    if now is None or not now[1] <= start < now[2]:
        return None
    amounts = [net(one.body, one.place.currency) for one in group]
    told = {one.body.get("proration_type") for one in group}
    is_more = (
        told == {None} and min(amounts) >= 0
        and all(one.body.get("plan_uuid") == now[3] for one in group)
    )
    if not ("differential" in told or is_more):
        return None
    price = now[0] + sum((_scaled(one, now) for one in group), Decimal(0))
    places = Decimal(1).scaleb(-digits(group[0].place.currency))
    return max(price, Decimal(0)).quantize(places, rounding=ROUND_HALF_EVEN)


def _scaled(line: Line, now: tuple[Decimal, dt.datetime, dt.datetime, object]) -> Decimal:
    """What a prorated line would bill for the whole period that it lies in."""
    start, end = service_period(line.body, line.plan, line.place.invoice)
    own = Decimal((end - start).total_seconds())
    whole = Decimal((now[2] - now[1]).total_seconds())
    return net(line.body, line.place.currency) * whole / own if own > 0 else Decimal(0)


def counts(line: Line) -> bool:
    """Whether a line can move MRR."""
    return status_of(line) != "void" and line.body.get("type", "subscription") == "subscription"


def _gross(line: Line) -> Decimal:
    return net(line.body, line.place.currency)


def _start(line: Line) -> dt.datetime:
    return service_period(line.body, line.plan, line.place.invoice)[0]


def _order(line: Line) -> tuple[dt.datetime, int, str]:
    return _start(line), int(line.body.get("event_order") or 0), line.uuid


def payment_row(
    uuid: str, body: Body, place: Place, *, amount: Decimal | None, refunded: Decimal,
    is_counted: bool,
) -> Row:
    """A transaction as a row of payments; one that does not count was neither paid nor failed.

    Parameters
    ----------
    amount : Decimal, optional
        What was asked for, in major units.
    refunded : Decimal
        How much of it was given back.
    """
    at = text_of(instant(body.get("date") or place.invoice.get("date")))
    is_done = is_counted and place.is_counted and body.get("type", "payment") == "payment"
    result = str(body.get("result") or "successful").lower()
    return {
        "payment_id": uuid,
        "account_id": place.account_id,
        "invoice_id": place.invoice_id + place.suffix,
        "amount": None if amount is None else str(amount),
        "currency": place.currency,
        "paid_at": at if is_done and result == "successful" else None,
        "failed_at": at if is_done and result == "failed" else None,
        "refunded_amount": str(refunded) if refunded else None,
    }


def text_of(at: dt.datetime | None) -> str | None:
    """An instant as rows have it."""
    return None if at is None else at.astimezone(dt.UTC).isoformat()
