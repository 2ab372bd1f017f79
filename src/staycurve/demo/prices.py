"""What the example company charges: price list, discounts and the terms of an item."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from staycurve.demo.causes import CAUSES
from staycurve.demo.market import Account

# Cents of a dollar per seat and month, at the first price list.
LIST: Final = {"Free": 0, "Starter": 1900, "Team": CAUSES.rise_from, "Business": 4500,
               "Enterprise": 4200}  # fmt: skip
ADDONS: Final = {"priority-support": ("Priority Support", 9900), "storage": ("Storage", 4900)}
SECOND_PRODUCT: Final = ("Insights", 1200)
LOCAL: Final = {"USD": 1.0, "EUR": 0.90, "GBP": 0.78, "JPY": 130.0}
MONTHS_OF: Final = {"week": 1, "month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Terms:
    """What one item bills; money in hundredths of the currency's unit, percent 0-100."""

    plan: str
    product: str
    kind: str
    interval: str
    quantity: int
    unit: int | None
    amount: int | None
    currency: str
    percent: int | None = None
    off: int | None = None
    is_recurring: bool | None = None
    term_months: int | None = None

    @property
    def bill(self) -> int:
        """What one interval bills after discount, in hundredths of the currency's unit."""
        full = self.amount if self.amount is not None else self.quantity * (self.unit or 0)
        after = full * (100 - (self.percent or 0)) // 100
        return max(0, after - (self.off or 0))

    @property
    def monthly(self) -> float:
        """The monthly amount in the currency's unit; one-time discounts left out."""
        bare = self if self.is_recurring is not False else replace(self, percent=None, off=None)
        per_month = {"week": 52 / 12, "month": 1.0, "quarter": 1 / 3, "year": 1 / 12}
        return bare.bill / 100 * per_month[self.interval]


def unit_price(plan: str, interval: str, currency: str, *, at: int) -> int:
    """List price of one seat for one interval, in hundredths of the currency's unit.

    A year costs ten months and a quarter 5% less than three; local prices are round.
    """
    cents = LIST[plan]
    if plan == CAUSES.rise_plan and at >= CAUSES.rise_at:
        cents = CAUSES.rise_to
    local = round(cents * LOCAL[currency] / 100) * 100
    factor = {"week": 0.25, "month": 1.0, "quarter": 2.85, "year": 10.0}[interval]
    price = round(local * factor)
    return price if currency != "JPY" else round(price / 100) * 100


def local_price(cents: int, interval: str, currency: str) -> int:
    """The local price of an add-on whose dollar price is `cents` a month."""
    months = MONTHS_OF[interval]
    return round(cents * LOCAL[currency] / 100) * 100 * months


def base_terms(account: Account, plan: str, interval: str, seats: int, *, at: int) -> Terms:
    """The base item without a discount; Enterprise bills one negotiated amount."""
    unit = unit_price(plan, interval, account.currency, at=at)
    is_flat = plan == "Enterprise"
    is_contract = interval == "year" or is_flat
    return Terms(
        plan=plan,
        product="Flow",
        kind="base",
        interval=interval,
        quantity=seats,
        unit=None if is_flat else unit,
        amount=unit * seats if is_flat else None,
        currency=account.currency,
        term_months=12 if is_contract else None,
    )


def with_seats(terms: Terms, seats: int) -> Terms:
    """The same price per seat for another number of seats."""
    if terms.amount is not None:
        return replace(terms, quantity=seats, amount=terms.amount * seats // terms.quantity)
    return replace(terms, quantity=seats)


def with_discount(terms: Terms, discount: str, account: Account) -> Terms:
    """Terms under one of the company's discounts; an unknown or absent one changes nothing."""
    step = (10, 15, 20)[account.index % 3]
    if discount == "percent":
        # Left empty on half of the rows: an empty discount_recurring means true.
        return replace(terms, percent=step, is_recurring=True if account.index % 2 else None)
    if discount == "first year":
        return replace(terms, percent=step, is_recurring=True)
    if discount == "first invoice":
        return replace(terms, percent=25, is_recurring=False)
    if discount == "amount":
        return replace(terms, off=terms.bill // 1000 * 100, is_recurring=True)
    if discount in ("sponsored", "two months free"):
        return replace(terms, percent=100, is_recurring=True)
    return terms


def without_discount(terms: Terms) -> Terms:
    """The same item at its full price."""
    return replace(terms, percent=None, off=None, is_recurring=None)
