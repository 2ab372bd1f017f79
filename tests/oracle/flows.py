"""Movements summed over a period and a segment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from .book import Book, Held
from .changes import CLASSES, KINDS, Change, changes
from .cuts import Cut
from .periods import Period


@dataclass
class Flows:
    """What moved, in micro-units; `amounts` are never negative, `fx` may be.

    opening + new + reactivation + expansion − contraction − churned + entering − leaving + fx
    = closing.
    """

    opening: int = 0
    closing: int = 0
    fx: int = 0
    amounts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((*KINDS, *CLASSES, "entering", "leaving"), 0)
    )
    movers: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})

    @property
    def net_new(self) -> int:
        """New, reactivation and expansion less contraction and churn; no FX, no transfers."""
        gained = sum(self.amounts[kind] for kind in ("new", "reactivation", "expansion"))
        return gained - self.amounts["contraction"] - self.amounts["churned"]

    def add(self, other: Flows) -> None:
        self.opening += other.opening
        self.closing += other.closing
        self.fx += other.fx
        for name, amount in other.amounts.items():
            self.amounts[name] += amount
        for kind, accounts in other.movers.items():
            self.movers[kind] |= accounts


class Ledger:
    """Every account's changes, computed once."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._changes: dict[str, list[Change]] = {}

    def changes(self, account: str) -> list[Change]:
        if account not in self._changes:
            self._changes[account] = changes(self.book, account)
        return self._changes[account]

    def account_flows(self, account: str, first: date, last: date, cut: Cut) -> Flows:
        """One account's flows from the opening of `first` to the close of `last`."""
        book, flows = self.book, Flows()
        opening_day = first.fromordinal(first.toordinal() - 1)
        flows.opening = book.total(cut.held(book.close(account, opening_day)), opening_day)
        flows.closing = book.total(cut.held(book.close(account, last)), last)
        for change in self.changes(account):
            if first <= change.day <= last:
                self._book_change(flows, change, cut)
        moved = flows.net_new + flows.amounts["entering"] - flows.amounts["leaving"]
        flows.fx = flows.closing - flows.opening - moved
        return flows

    def _book_change(self, flows: Flows, change: Change, cut: Cut) -> None:
        shift = cut.shift(self.book, change.before, change.after, change.day)
        flows.amounts["entering"] += shift.entering
        flows.amounts["leaving"] += shift.leaving
        if change.kind is None:
            return
        flows.amounts[change.kind] += abs(shift.own)
        if change.end_class is not None:
            flows.amounts[change.end_class] += abs(shift.own)
        if shift.own or (change.amount == 0 and _is_free_in(cut, change)):
            flows.movers[change.kind].add(change.account)

    def flows(self, period: Period, cut: Cut) -> Flows:
        """The segment's flows over the period, as far as as-of lets one see."""
        return self.between(period.start, self.book.closing_day(period), cut)

    def between(self, first: date, last: date, cut: Cut) -> Flows:
        """The segment's flows from the opening of `first` to the close of `last`."""
        total = Flows()
        for account in cut.accounts(self.book):
            total.add(self.account_flows(account, first, last, cut))
        return total


def _is_free_in(cut: Cut, change: Change) -> bool:
    """Whether a movement of amount 0, the loss or return of a free plan, is the segment's."""

    def free(held: Held) -> bool:
        return any(stretch.is_free for stretch in cut.held(held))

    return free(change.before) or free(change.after)


def customers(book: Book, accounts: Iterable[str], day: date, cut: Cut) -> list[str]:
    """The accounts that are customers at the close of the day and hold part of the segment."""
    keeps_free = book.settings.conventions.free_plan == "active"
    return [
        account
        for account in accounts
        if book.is_customer(account, day)
        and any(
            book.worth(stretch, day) > 0 or (stretch.is_free and keeps_free)
            for stretch in cut.held(book.close(account, day))
        )
    ]
