"""The movements of an account: what it held before and after each netting unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from .book import Book, Held
from .periods import ONE_DAY, containing, local_day
from .settings import days

# Ties between equally large items are settled in this order.
CLASSES = ("involuntary", "voluntary", "paused", "unknown")
KINDS = ("new", "reactivation", "expansion", "contraction", "churned")


@dataclass(frozen=True)
class Change:
    """One netted change of one account, booked at `day`'s rates.

    `kind` is one of KINDS, or None where only the composition changed. `amount` is signed
    micro-units. `end_class` is set on churn.
    """

    account: str
    day: date
    kind: str | None
    end_class: str | None
    amount: int
    before: Held
    after: Held


def changes(book: Book, account: str) -> list[Change]:
    """The account's changes in order, under the company's netting."""
    if book.settings.conventions.netting == "month":
        return list(_monthly(book, account))
    return list(_walk(book, account))


def _units(book: Book, account: str) -> Iterator[tuple[date, Held]]:
    """Every netting unit up to as-of: its day, and the holding after it."""
    netting = book.settings.conventions.netting
    if netting == "day":
        for day in book.all_days:
            yield day, book.close(account, day)
        return
    gap = timedelta(minutes=60) if netting == "60min" else timedelta(0)
    instants = sorted(
        {
            at
            for s in book.stretches.get(account, ())
            for at in (s.starts_at, s.stops_at)
            if at is not None and at < book.settings.as_of
        }
    )
    zone = book.settings.zone
    for place, at in enumerate(instants):
        if place + 1 < len(instants):
            later = instants[place + 1]
            if local_day(later, zone) == local_day(at, zone) and later - at <= gap:
                continue
        yield local_day(at, zone), book.held_at(account, at)


def _walk(book: Book, account: str) -> Iterator[Change]:
    held: Held = ()
    was_customer = has_paid = False
    paid_since = last_paid = date.min
    for day, after in _units(book, account):
        if after == held:
            continue
        before_worth, after_worth = book.total(held, day), book.total(after, day)
        is_customer = after_worth > 0 or (
            book.settings.conventions.free_plan == "active"
            and has_paid
            and any(s.is_free for s in after)
        )
        kind = _kind(
            was_customer,
            is_customer,
            after_worth - before_worth,
            is_return=has_paid and (after_worth == 0 or _is_return(book, last_paid, day)),
        )
        end_class = _end_class(book, account, held, after, day) if kind == "churned" else None
        yield Change(account, day, kind, end_class, after_worth - before_worth, held, after)
        if after_worth > 0 and before_worth == 0:
            paid_since = day
        elif after_worth == 0 and before_worth > 0:
            # A day that opened with MRR was last paid at the close before it.
            last_paid = max(last_paid, paid_since, day - ONE_DAY)
        held, was_customer, has_paid = after, is_customer, has_paid or after_worth > 0


def _monthly(book: Book, account: str) -> Iterator[Change]:
    """Net each local month, at the rates of its last day.

    The class of a month's churn is that of the last churn among its days.
    """
    daily = list(_walk_by_day(book, account))
    paid = book.paying_days[account]
    months = sorted({containing(day, "month").start for day in book.all_days})
    was_customer = has_paid = False
    held: Held = ()
    for start in months:
        month = containing(start, "month")
        day = book.closing_day(month)
        after = book.close(account, day)
        before_worth, after_worth = book.total(held, day), book.total(after, day)
        is_customer = after_worth > 0 or (
            book.settings.conventions.free_plan == "active"
            and has_paid
            and any(s.is_free for s in after)
        )
        back = min((on for on in paid if start <= on <= day), default=day)
        last_paid = max((on for on in paid if on < start), default=date.min)
        kind = _kind(
            was_customer,
            is_customer,
            after_worth - before_worth,
            is_return=has_paid and (after_worth == 0 or _is_return(book, last_paid, back)),
        )
        churns = [c for c in daily if c.kind == "churned" and start <= c.day <= day]
        end_class = (churns[-1].end_class if churns else "unknown") if kind == "churned" else None
        if after != held:
            yield Change(account, day, kind, end_class, after_worth - before_worth, held, after)
        held, was_customer, has_paid = after, is_customer, has_paid or after_worth > 0


def _walk_by_day(book: Book, account: str) -> Iterator[Change]:
    """Only the churns of the account, day by day, for the class they carry."""
    for day in book.all_days:
        held, after = book.close(account, day - ONE_DAY), book.close(account, day)
        if book.is_customer(account, day - ONE_DAY) and not book.is_customer(account, day):
            end_class = _end_class(book, account, held, after, day)
            lost = book.total(held, day)
            yield Change(account, day, "churned", end_class, -lost, held, after)


def _kind(was_customer: bool, is_customer: bool, amount: int, *, is_return: bool) -> str | None:
    if not was_customer and is_customer:
        return "reactivation" if is_return else "new"
    if was_customer and not is_customer:
        return "churned"
    if amount == 0 or not was_customer:
        return None
    return "expansion" if amount > 0 else "contraction"


def _is_return(book: Book, last_paid: date, day: date) -> bool:
    window = days(book.settings.conventions.reactivation_window)
    # Counted from the day on which it stopped, the one after the last that it paid for.
    return window is None or (day - last_paid).days - 1 <= window


def _end_class(book: Book, account: str, before: Held, after: Held, day: date) -> str:
    """The class of the largest item that ends; ties go by the order of CLASSES."""
    staying = {s.item for s in after if s.amount > 0}
    ending = [s for s in before if s.amount > 0 and s.item not in staying]
    if not ending:
        return "unknown"
    ranked = sorted(
        (-book.worth(s, day), CLASSES.index(_last_class(book, account, s.item, day)))
        for s in ending
    )
    return CLASSES[ranked[0][1]]


def _last_class(book: Book, account: str, item: tuple[str, str], day: date) -> str:
    """Why the item's last counting stretch up to the end of `day` stopped."""
    stopped: list[tuple[datetime, str]] = [
        (s.stops_at, s.end_class)
        for s in book.stretches[account]
        if s.item == item
        and s.amount > 0
        and s.stops_at is not None
        and s.starts_at < s.stops_at
        and local_day(s.stops_at, book.settings.zone) <= day
    ]
    return max(stopped)[1]
