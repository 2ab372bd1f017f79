"""Reads: what of a table a block of features hangs on, and from which day each fact matters.

A refresh compares these facts with those of the refresh before, and computes the features of the
accounts and days that a change can reach. What is not named here, such as the date of a renewal
that a source moves on with each invoice, moves no feature.
"""

from __future__ import annotations

from dataclasses import dataclass

ALWAYS = "DATE '1900-01-01'"
"""From when a fact without a date matters."""


@dataclass(frozen=True)
class Reads:
    """Facts of one table.

    Attributes
    ----------
    table : str
        A conformed or derived table, `t` in the expressions.
    marks : tuple of (str, str)
        SQL of the day from which a fact matters, and of what identifies and makes it. A fact
        without that day is none.
    account : str
        SQL of the account that it belongs to; empty where it reaches every account.
    where, join : str
        SQL of which rows count, and of what they are joined to.
    covers : tuple of str
        Derived tables that are made from these facts alone.
    """

    table: str
    marks: tuple[tuple[str, str], ...]
    account: str = "t.account_id"
    where: str = "1 = 1"
    join: str = ""
    covers: tuple[str, ...] = ()


_ITEM = "t.subscription_id, t.item_id, t.starts_at"
_MONTHS = ("account_months", "user_months", "feature_months")

ITEMS = Reads("mrr_items", (
    ("t.starts_on", f"{_ITEM}, t.plan, t.interval, t.currency, t.amount, t.is_contracted"),
    ("t.ends_on", _ITEM),
    ("t.requested_on", _ITEM),
    ("t.own_requested_on", f"{_ITEM}, t.followed_on"),
))
MOVED = Reads("mrr_movements", (("t.day", "t.last_mark, t.movement, t.first_paid_on"),))
TERMS = Reads("subscriptions", (
    ("t.starts_on", f"{_ITEM}, t.interval_count, t.term_months, t.quantity"),
))
RATES = Reads(
    "fx_days", (("t.day", "t.currency, t.rate"),), account="", covers=("fx_bounds",),
)
_IS_PART = "t.root_id <> t.account_id OR t.is_excluded"
ROOTS = (
    Reads("account_roots", ((ALWAYS, "t.root_id, t.is_excluded"),), where=_IS_PART),
    Reads("account_roots", ((ALWAYS, "t.account_id, t.is_excluded"),), account="t.root_id",
          where=_IS_PART),
)
BOOKS = (ITEMS, MOVED, RATES, *ROOTS)
"""What says who pays, and how much: every block rests on it."""

USED = Reads(
    "usage_days", (("t.day", "t.user_id, t.feature, t.is_active, t.is_activation, t.uses"),),
    covers=_MONTHS,
)
USED_BY_CHAMPIONS = Reads(
    "usage_days", (("t.day", "t.user_id, t.is_active"),), account="u.account_id",
    join="JOIN users u ON u.user_id = t.user_id AND u.is_champion",
)
_CHAMPION = "t.user_id"
PEOPLE = Reads("users", (
    (f"coalesce(t.created_on, {ALWAYS})", _CHAMPION), ("t.left_on", _CHAMPION),
    ("t.bounced_on", _CHAMPION),
), where="t.is_champion")
ASKED = Reads("tickets", (
    ("t.opened_on", "t.ticket_id"), ("t.solved_on", "t.ticket_id, t.solved_at"),
    ("t.first_response_on", "t.ticket_id, t.first_response_at"),
    ("t.reopened_on", "t.ticket_id, t.reopened_at"),
))
SAID = Reads("answers", (
    ("t.answered_on", "t.answer_id, t.kind, t.score, t.scale_max, t.answered_at"),
))
PAID = Reads("payments", (
    ("t.failed_on", "t.payment_id"), ("t.paid_on", "t.payment_id"),
))
