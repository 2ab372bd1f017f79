"""A segment: which accounts it takes, which items, and what moves between segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from .book import Book, Held
from .cells import Row, text
from .spans import Stretch

TRAITS = ("plan", "product", "kind", "interval", "currency")
Key = tuple[str | None, ...]
# The columns by which a row of these tables can be cut without asking its account.
COLUMNS = {
    "answers": {"survey", "kind", "user_id", "touchpoint"},
    "invitations": {"survey", "user_id"},
    "tickets": {"user_id", "channel", "priority", "topic"},
    "leads": {"channel", "lost_reason"},
    "reach": {"channel", "kind"},
}


@dataclass(frozen=True)
class Shift:
    """How a segment's MRR changed, micro-units: its part of the account's own movement
    (signed), what entered it from other segments and what left it for them."""

    own: int = 0
    entering: int = 0
    leaving: int = 0


@dataclass(frozen=True)
class Cut:
    """The filter of one question. `traits` are the item traits that part the MRR."""

    traits: tuple[str, ...]
    wanted: Mapping[str, str | None]

    @classmethod
    def of(cls, where: Mapping[str, str | None]) -> Cut:
        return cls(tuple(sorted(set(where) & set(TRAITS))), dict(where))

    def key(self, stretch: Stretch) -> Key:
        """The stretch's segment, among all the segments that the traits make."""
        return tuple(getattr(stretch.span, trait) for trait in self.traits)

    def takes(self, stretch: Stretch) -> bool:
        return self.key(stretch) == tuple(self.wanted[trait] for trait in self.traits)

    def held(self, held: Held) -> Held:
        """The part of a holding that lies in the segment."""
        return tuple(stretch for stretch in held if self.takes(stretch))

    def takes_account(self, book: Book, account: str) -> bool:
        """Whether the account's attributes of today match."""
        return all(
            attribute(book, account, name) == value
            for name, value in self.wanted.items()
            if name not in TRAITS
        )

    def accounts(self, book: Book) -> list[str]:
        return [account for account in book.accounts if self.takes_account(book, account)]

    def shift(self, book: Book, before: Held, after: Held, day: date) -> Shift:
        """The segment's part in a change, at the day's rates.

        Where some segments of the account grow while others shrink, the smaller of the two sums
        is a transfer. It is shared along the segments in ascending order, None first.
        """
        change: dict[Key, int] = {}
        for held, sign in ((before, -1), (after, 1)):
            for stretch in held:
                key = self.key(stretch)
                change[key] = change.get(key, 0) + sign * book.worth(stretch, day)
        target = tuple(self.wanted[trait] for trait in self.traits)
        own = change.get(target, 0)
        ups = sum(part for part in change.values() if part > 0)
        downs = -sum(part for part in change.values() if part < 0)
        moved = _share(change, target, moved=min(ups, downs))
        return Shift(own - moved, max(moved, 0), max(-moved, 0))


def _share(change: Mapping[Key, int], target: Key, *, moved: int) -> int:
    """The target's signed part of `moved` micro-units that go from segment to segment."""
    own = change.get(target, 0)
    sign = 1 if own > 0 else -1
    same = {key: abs(part) for key, part in change.items() if part * sign > 0}
    if own == 0:
        return 0
    whole, walked = sum(same.values()), 0
    for key in sorted(same, key=lambda key: tuple((part is not None, part or "") for part in key)):
        before = walked * moved // whole
        walked += same[key]
        if key == target:
            return sign * (walked * moved // whole - before)
    return 0


def attribute(book: Book, account: str, name: str) -> str | None:
    """An account's attribute today; `cohort` is the first day of its activation month."""
    if name == "account_id":
        return account
    if name == "cohort":
        first = book.first_paid(account)
        return first.replace(day=1).isoformat() if first else None
    return text(book.attributes.get(account, {}), name)


def row_value(book: Book, table: str, row: Row, name: str) -> str | None:
    """What a row outside the subscriptions says on `name`.

    A column of the table decides, even where it is empty; for any other name, the attribute of
    the row's account.
    """
    if name in COLUMNS[table] or (table == "leads" and name in row):
        return text(row, name)
    account = text(row, "account_id")
    return attribute(book, book.root(account), name) if account else None


def takes_row(book: Book, cut: Cut, table: str, row: Row) -> bool:
    """Whether a row outside the subscriptions belongs to the segment."""
    return all(row_value(book, table, row, name) == value for name, value in cut.wanted.items())
