"""What invoice lines come to a month, day by day, read off the lines with exact fractions.

Periods are whole local days here; one currency. Where a rule is a choice of the product, the choice
is written beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cache

from .cells import Row, is_false, number, text
from .periods import add_months
from .settings import Conventions

ONE_DAY = timedelta(days=1)
Item = tuple[str, str, str]


@dataclass(frozen=True)
class Bill:
    """The lines of one item that begin and end together."""

    starts_on: date
    ends_on: date
    is_part: bool
    lines: tuple[Row, ...]

    @property
    def days(self) -> int:
        return (self.ends_on - self.starts_on).days

    @property
    def billed(self) -> Fraction:
        """What they bill before discounts."""
        return sum((_billed(line) for line in self.lines), Fraction(0))

    def off(self, rules: Conventions) -> Fraction:
        """The discounts on them that count."""
        return sum((_off(line, rules) for line in self.lines), Fraction(0))


@dataclass(frozen=True)
class Price:
    """What an item comes to a month from a day on, and until when if nothing follows."""

    starts_on: date
    ends_on: date
    monthly: Fraction


@cache
def interval(days: int) -> tuple[str, Fraction]:
    """What a period of so many days is: months, weeks or days."""
    for months in range(1, 121):
        lengths = {(add_months(date(2019 + n // 12, n % 12 + 1, 1), months)
                    - date(2019 + n // 12, n % 12 + 1, 1)).days for n in range(60)}
        # A quarter may have a day less than any three months that follow each other.
        slack = 1 if months % 12 == 3 else 0
        if min(lengths) - slack <= days <= max(lengths):
            return "month", Fraction(months)
    return ("week", Fraction(1)) if days == 7 else ("day", Fraction(days))


def item_of(line: Row) -> Item:
    """A line without a subscription is of its account's plan; one without an item, of its kind."""
    account = text(line, "account_id") or ""
    subscription = text(line, "subscription_id") or f"{account}/{text(line, 'plan') or ''}"
    kind = text(line, "kind") or "base"
    return account, subscription, text(line, "item_id") or ("" if kind == "base" else kind)


def counts(line: Row) -> bool:
    """Whether a line bills service time at all."""
    return (
        (text(line, "invoice_status") or "paid") not in ("void", "draft")
        and text(line, "kind") != "one_time"
        and _amount(line) >= 0
        and _day(line, "period_end") > _day(line, "period_start")
    )


def monthly_on(lines: Iterable[Row], day: date, rules: Conventions | None = None) -> Fraction:
    """What all items come to a month at the close of a day."""
    by_item: dict[Item, list[Row]] = {}
    for line in lines:
        if counts(line):
            by_item.setdefault(item_of(line), []).append(line)
    return sum(
        (_on(prices(own, rules or Conventions()), day) for own in by_item.values()), Fraction(0)
    )


def prices(lines: Sequence[Row], rules: Conventions) -> list[Price]:
    """The prices of one item in the order of time."""
    grouped: dict[tuple[date, date, bool], list[Row]] = {}
    for line in lines:
        key = (_day(line, "period_start"), _day(line, "period_end"), _is_part(line))
        grouped.setdefault(key, []).append(line)
    bills = [Bill(*key, tuple(own)) for key, own in grouped.items()]
    # Of periods that begin together the longest holds, and a prorated one before a full one.
    fulls = _longest(bill for bill in bills if not bill.is_part)
    parts = _longest(bill for bill in bills if bill.is_part)
    found = [_full(fulls[day], rules) for day in fulls if day not in parts]
    found += [_prorated(bill, list(fulls.values()), rules) for bill in parts.values()]
    return sorted(found, key=lambda price: price.starts_on)


def _longest(bills: Iterable[Bill]) -> dict[date, Bill]:
    found: dict[date, Bill] = {}
    for bill in sorted(bills, key=lambda bill: bill.ends_on):
        found[bill.starts_on] = bill
    return found


def _full(bill: Bill, rules: Conventions) -> Price:
    gross = sum((_gross(line) for line in bill.lines), Fraction(0))
    net = max(gross - bill.off(rules), Fraction(0))
    return Price(bill.starts_on, bill.ends_on, _monthly(net, bill.days, rules))


def _prorated(bill: Bill, fulls: Sequence[Bill], rules: Conventions) -> Price:
    """The full period that contains it says what it is a part of; else the one beside it."""
    now = [f for f in fulls if f.starts_on <= bill.starts_on < f.ends_on]
    after = [f for f in fulls if f.starts_on > bill.starts_on]
    before = [f for f in fulls if f.ends_on <= bill.starts_on]
    current = max(now, key=lambda f: f.starts_on) if now else None
    following = min(after, key=lambda f: f.starts_on) if after else None
    ends_on = max(bill.ends_on, current.ends_on) if current else bill.ends_on
    whole, days = Fraction(bill.days), bill.days
    if current and abs(current.ends_on - bill.ends_on) <= ONE_DAY:
        whole, days = Fraction(current.days), current.days
    elif following and abs(following.starts_on - bill.ends_on) <= ONE_DAY:
        whole, days = _backwards(following, bill.ends_on), following.days
    elif current:
        whole, days = Fraction(current.days), current.days
    elif following:
        whole, days = _backwards(following, bill.ends_on), following.days
    elif before:
        last = max(before, key=lambda f: f.starts_on)
        whole, days = _backwards(last, bill.ends_on), last.days
    scale = whole / bill.days
    if current and current.billed == 0 and bill.billed == 0:
        return Price(bill.starts_on, ends_on, Fraction(0))
    gross = sum(
        (_priced(line) if _priced(line) is not None else _billed(line) * scale
         for line in bill.lines), Fraction(0),
    )
    net = max(gross - bill.off(rules) * scale, Fraction(0))
    return Price(bill.starts_on, ends_on, _monthly(net, days, rules))


def _backwards(full: Bill, end: date) -> Fraction:
    unit, count = interval(full.days)
    start = add_months(end, -int(count)) if unit == "month" else end - ONE_DAY * full.days
    return Fraction((end - start).days)


def _on(found: Sequence[Price], day: date) -> Fraction:
    for place, price in enumerate(found):
        following = found[place + 1] if place + 1 < len(found) else None
        ends_on = price.ends_on
        if following and following.starts_on <= ends_on + ONE_DAY:
            ends_on = following.starts_on
        if price.starts_on <= day < ends_on:
            return price.monthly
    return Fraction(0)


def _monthly(amount: Fraction, days: int, rules: Conventions) -> Fraction:
    unit, count = interval(days)
    return amount / count if unit == "month" else amount * rules.factor(unit) / count


def _amount(line: Row) -> Fraction:
    return number(line, "amount") or Fraction(0)


def _billed(line: Row) -> Fraction:
    return _amount(line) + (number(line, "discount_amount") or Fraction(0))


def _priced(line: Row) -> Fraction | None:
    units, price = number(line, "quantity"), number(line, "unit_amount")
    return None if units is None or price is None else units * price


def _gross(line: Row) -> Fraction:
    priced = _priced(line)
    return Fraction(0) if _billed(line) == 0 else _billed(line) if priced is None else priced


def _off(line: Row, rules: Conventions) -> Fraction:
    is_once = is_false(line, "discount_recurring")
    if rules.discounts == "none" or (rules.discounts == "recurring" and is_once):
        return Fraction(0)
    return number(line, "discount_amount") or Fraction(0)


def _is_part(line: Row) -> bool:
    return (text(line, "is_proration") or "").lower() == "true"


def _day(line: Row, column: str) -> date:
    return date.fromisoformat(str(line[column]))
