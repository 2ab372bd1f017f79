"""Terms: what an item of a subscription costs, as its subscription or its invoices have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from staycurve.sources.stripe.deriving import Names
from staycurve.sources.stripe.lines import kind_of
from staycurve.sources.stripe.shapes import (
    Object,
    ShapeError,
    at,
    coupon_of,
    currency_of,
    decimal,
    digits_of,
    discounts_of,
    id_of,
    items_of,
    major,
    price_of,
    quantity_of,
    seconds,
)

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
MOST_TAX = Decimal("1.4")
"""No country takes more on top of a price than 40%; beyond it, something else has changed."""
_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Off:
    """What a coupon takes off, and when.

    Attributes
    ----------
    percent : Decimal
        Of the amount; 0 where it takes off money.
    amount : Decimal
        In major units, each interval.
    until : int, optional
        The second from which on it does no longer; None is for good.
    """

    percent: Decimal
    amount: Decimal
    since: int
    until: int | None


@dataclass(frozen=True)
class Terms:
    """What an item bills in one interval.

    Attributes
    ----------
    amount : Decimal, optional
        In major units before discounts; None where it is not known before it is billed.
    percent, off : Decimal
        Taken off every bill: first percent, then major units.
    is_lasting : bool
        Whether that comes off every bill.
    has_tax : bool
        Whether the amount includes a tax whose rate only the bill says.
    """

    plan: str | None
    product: str | None
    kind: str
    interval: str
    count: int
    currency: str
    amount: Decimal | None
    percent: Decimal = Decimal(0)
    off: Decimal = Decimal(0)
    is_lasting: bool = True
    has_tax: bool = False

    @property
    def length(self) -> tuple[str, int]:
        """The interval in months, or in days."""
        if self.interval in _MONTHS:
            return "months", _MONTHS[self.interval] * self.count
        return "days", _DAYS.get(self.interval, 1) * self.count

    def is_as_billed(self, billed: Terms) -> bool:
        """Whether an invoice billed the same, roundings to the currency's smallest unit aside."""
        if (self.plan, self.kind, self.currency) != (billed.plan, billed.kind, billed.currency):
            return False
        if self.amount is None or billed.amount is None:
            return True
        if self.length != billed.length:
            return False
        if self.has_tax:
            return billed.amount <= self.amount <= billed.amount * MOST_TAX
        near = Decimal(2).scaleb(-digits_of(self.currency))
        own = self.amount * self.percent / 100 + self.off
        theirs = billed.off if billed.is_lasting else Decimal(0)
        if not own:
            # A discount of the customer stands on its bills, and not on the subscription.
            theirs = Decimal(0)
        return abs(self.amount - billed.amount) <= near and abs(
            min(own, self.amount) - theirs
        ) <= near


def terms_of(
    subscription: Object, names: Names, coupons: Mapping[str, Object], when: int
) -> dict[str, Terms]:
    """Item → its terms at a moment, as the subscription has them.

    Raises
    ------
    ShapeError
        If a price or its currency cannot be read.
    """
    found: dict[str, Terms] = {}
    own: dict[str, list[Off]] = {}
    for item in items_of(subscription):
        id = id_of(item) or ""
        found[id] = item_terms(subscription, item, names)
        own[id] = list(offs(item, found[id].currency, coupons))
    common = list(offs(subscription, currency_of(subscription) if subscription.get(
        "currency") else next((one.currency for one in found.values()), ""), coupons))
    return _discounted(found, own, common, when)


def item_terms(subscription: Object, item: Object, names: Names) -> Terms:
    """What one item bills before discounts."""
    price = names.price(price_of(item))
    if not price:
        raise ShapeError("has an item without a price")
    currency = currency_of(price if price.get("currency") else subscription)
    recurring = price.get("recurring")
    recurring = recurring if isinstance(recurring, dict) else price
    interval, count = recurring.get("interval"), recurring.get("interval_count") or 1
    if interval not in ("day", "week", "month", "year") or not isinstance(count, int):
        raise ShapeError(f"has a price with the interval {interval!r}")
    kind = kind_of(price)
    quantity = quantity_of(item)
    amount = None
    if kind != "metered":
        minor = amount_of(price, Decimal(1) if quantity is None else quantity)
        amount = None if minor is None else major(minor, currency)
    return Terms(
        names.plan(price), names.product(price.get("product")),
        "metered" if kind == "metered" else "base", interval, count, currency, amount,
        has_tax=price.get("tax_behavior") == "inclusive",
    )


def amount_of(price: Object, quantity: Decimal) -> Decimal | None:
    """What a quantity costs in one interval, in the smallest unit; None where tiers are unknown.

    References
    ----------
    Stripe, "Recurring pricing models": per unit, package, volume and graduated prices.
    """
    if price.get("billing_scheme") == "tiered" or price.get("tiers_mode"):
        return _tiered(price, quantity)
    unit = _number(price, "unit_amount") if _number(price, "unit_amount") is not None else (
        _number(price, "amount")
    )
    if unit is None:
        return None
    divide = price.get("transform_quantity") or price.get("transform_usage")
    by = decimal(at(divide, "divide_by"))
    if by:
        way = ROUND_CEILING if at(divide, "round") == "up" else ROUND_FLOOR
        quantity = (quantity / by).to_integral_value(way)
    return unit * quantity


def _number(value: Object, field: str) -> Decimal | None:
    exact = decimal(value.get(f"{field}_decimal"))
    return decimal(value.get(field)) if exact is None else exact


def _tiered(price: Object, quantity: Decimal) -> Decimal | None:
    tiers = price.get("tiers")
    if not isinstance(tiers, list) or not tiers:
        return None
    total, before = Decimal(0), Decimal(0)
    for tier in tiers:
        up_to = decimal(at(tier, "up_to"))
        is_here = up_to is None or quantity <= up_to
        unit, flat = _number(tier, "unit_amount"), _number(tier, "flat_amount")
        if price.get("tiers_mode") == "volume":
            if is_here:
                return (unit or 0) * quantity + (flat or Decimal(0))
            continue
        part = (quantity if is_here or up_to is None else up_to) - before
        total += (unit or 0) * part + (flat or 0)
        if is_here:
            return total
        before = up_to or before
    return None


def offs(value: Object, currency: str, coupons: Mapping[str, Object]) -> Iterator[Off]:
    """What the discounts of a subscription or an item take off bills again and again."""
    for discount in discounts_of(value):
        coupon = coupon_of(discount)
        known = coupon if isinstance(coupon, dict) else coupons.get(str(coupon), {})
        # What is taken off one bill is no part of what comes again.
        if known.get("duration") == "once":
            continue
        percent = decimal(known.get("percent_off")) or Decimal(0)
        amount = decimal(known.get("amount_off")) or Decimal(0)
        code = str(known.get("currency") or currency).upper()
        if code != currency:
            other = at(known, "currency_options", currency.lower(), "amount_off")
            amount = decimal(other) or Decimal(0)
        yield Off(
            percent, major(amount, currency) if amount else Decimal(0),
            seconds(discount.get("start")) or 0, seconds(discount.get("end")),
        )


def off_times(value: Object, coupons: Mapping[str, Object]) -> set[int]:
    """The seconds in which a discount of a subscription or its items begins or ends."""
    found: set[int] = set()
    for holder in (value, *items_of(value)):
        for one in offs(holder, "USD", coupons):
            found |= {one.since, *([one.until] if one.until is not None else [])}
    return found


def _discounted(
    found: Mapping[str, Terms], own: Mapping[str, Sequence[Off]], common: Sequence[Off], when: int
) -> dict[str, Terms]:
    def holds(one: Off) -> bool:
        return one.since <= when and (one.until is None or when < one.until)

    left: dict[str, Decimal] = {}
    done: dict[str, Terms] = {}
    for id, terms in found.items():
        keeps = Decimal(1)
        for one in (*own[id], *common):
            if holds(one):
                keeps *= 1 - one.percent / 100
        amount = sum((one.amount for one in own[id] if holds(one)), Decimal(0))
        done[id] = replace(terms, percent=(1 - keeps) * 100, off=amount)
        left[id] = (terms.amount or Decimal(0)) * keeps
    # An amount off the whole bill is spread over its items as they bill.
    whole = sum(left.values(), Decimal(0))
    spread = sum((one.amount for one in common if holds(one)), Decimal(0))
    if spread and whole:
        rest = min(spread, whole)
        for place, (id, share) in enumerate(left.items()):
            is_last = place == len(left) - 1
            part = rest if is_last else (spread * share / whole).quantize(Decimal("0.000001"))
            rest -= part
            done[id] = replace(done[id], off=done[id].off + part)
    return done
