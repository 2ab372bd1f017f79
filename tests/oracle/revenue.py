"""Stocks, flows and rates of recurring revenue (sections 2 to 4 of the definitions)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from .book import Book
from .cells import MICRO
from .changes import CLASSES
from .cuts import Cut
from .flows import Flows, Ledger, customers
from .periods import MONTHS, ONE_DAY, Period, add_months, containing, day_start

Number = Fraction | None
Formula = Callable[[Ledger, Period, Cut], Number]


def ratio(top: Fraction | int | None, bottom: Fraction | int | None) -> Number:
    """`top / bottom`; empty where either is missing or the denominator is zero."""
    if top is None or bottom is None or bottom == 0:
        return None
    return Fraction(top) / Fraction(bottom)


def _stock(book: Book, day: date, cut: Cut) -> int:
    return sum(book.total(cut.held(book.close(a, day)), day) for a in cut.accounts(book))


def opening_mrr(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """MRR at the close before the period."""
    return Fraction(_stock(ledger.book, ledger.book.opening_day(period), cut), MICRO)


def mrr(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """MRR at the period's close, or at as-of in an open one."""
    return Fraction(_stock(ledger.book, ledger.book.closing_day(period), cut), MICRO)


def arr(ledger: Ledger, period: Period, cut: Cut) -> Number:
    return Fraction(_stock(ledger.book, ledger.book.closing_day(period), cut) * 12, MICRO)


def contracted_arr(ledger: Ledger, period: Period, cut: Cut) -> Number:
    book = ledger.book
    day = book.closing_day(period)
    total = 0
    for account in cut.accounts(book):
        held = cut.held(book.close(account, day))
        total += book.total((s for s in held if s.span.is_contracted), day)
    return Fraction(total * 12, MICRO)


def committed_mrr(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """Closing MRR less the items whose cancellation stands requested before the close."""
    book = ledger.book
    day = book.closing_day(period)
    close_at = min(day_start(day + ONE_DAY, book.settings.zone), book.settings.as_of)
    total = 0
    for account in cut.accounts(book):
        held = cut.held(book.close(account, day))
        total += book.total(
            (s for s in held if s.requested_at is None or s.requested_at >= close_at), day
        )
    return Fraction(total, MICRO)


def customer_count(ledger: Ledger, period: Period, cut: Cut) -> Number:
    book = ledger.book
    return Fraction(len(customers(book, cut.accounts(book), book.closing_day(period), cut)))


def arpa(ledger: Ledger, period: Period, cut: Cut) -> Number:
    return ratio(mrr(ledger, period, cut), customer_count(ledger, period, cut))


def _flow(name: str) -> Formula:
    def formula(ledger: Ledger, period: Period, cut: Cut) -> Number:
        return Fraction(ledger.flows(period, cut).amounts[name], MICRO)

    return formula


def net_new_mrr(ledger: Ledger, period: Period, cut: Cut) -> Number:
    return Fraction(ledger.flows(period, cut).net_new, MICRO)


def fx_impact(ledger: Ledger, period: Period, cut: Cut) -> Number:
    return Fraction(ledger.flows(period, cut).fx, MICRO)


def new_customers(ledger: Ledger, period: Period, cut: Cut) -> Number:
    return Fraction(len(ledger.flows(period, cut).movers["new"]))


def churned_customers(ledger: Ledger, period: Period, cut: Cut) -> Number:
    return Fraction(len(ledger.flows(period, cut).movers["churned"]))


def quick_ratio(ledger: Ledger, period: Period, cut: Cut) -> Number:
    amounts = ledger.flows(period, cut).amounts
    gained = amounts["new"] + amounts["expansion"] + amounts["reactivation"]
    return ratio(gained, amounts["churned"] + amounts["contraction"])


@dataclass(frozen=True)
class Member:
    """An account of S: its MRR in the segment at opening and at the close, micro-units.

    Both are at the opening's rates; what moved to or from other segments is left out of the
    closing. `is_kept` says whether the account still pays at all.
    """

    account: str
    opening: int
    closing: int
    is_kept: bool


def members(book: Book, opening_day: date, closing_day: date, cut: Cut) -> list[Member]:
    """The accounts that pay at the close of `opening_day`, with what became of them."""
    found = []
    for account in customers(book, cut.accounts(book), opening_day, cut):
        before, after = book.close(account, opening_day), book.close(account, closing_day)
        opening = book.total(cut.held(before), opening_day)
        shift = cut.shift(book, before, after, opening_day)
        is_kept = book.is_customer(account, closing_day)
        found.append(Member(account, opening, opening + shift.own, is_kept))
    return found


def _members(ledger: Ledger, period: Period, cut: Cut) -> list[Member]:
    book = ledger.book
    return members(book, book.opening_day(period), book.closing_day(period), cut)


def churn_counts(ledger: Ledger, period: Period, cut: Cut) -> tuple[int, int]:
    """Accounts not paying at the close, and the accounts among which they are counted."""
    book = ledger.book
    opening_day, closing_day = book.opening_day(period), book.closing_day(period)
    rule = book.settings.conventions.churn_denominator
    if rule == "rolling_30d":
        opening_day = period.end - 31 * ONE_DAY
    base = set(customers(book, cut.accounts(book), opening_day, cut))
    if rule == "start_plus_new":
        base |= ledger.flows(period, cut).movers["new"]
    return sum(not book.is_customer(account, closing_day) for account in base), len(base)


def customer_churn_rate(ledger: Ledger, period: Period, cut: Cut) -> Number:
    return ratio(*churn_counts(ledger, period, cut))


def customer_retention_rate(ledger: Ledger, period: Period, cut: Cut) -> Number:
    found = _members(ledger, period, cut)
    return ratio(sum(member.is_kept for member in found), len(found))


def upgrade_rate(ledger: Ledger, period: Period, cut: Cut) -> Number:
    found = _members(ledger, period, cut)
    return ratio(sum(member.closing > member.opening for member in found), len(found))


def _retained(found: list[Member], *, is_net: bool) -> Number:
    kept = sum(m.closing if is_net else min(m.opening, m.closing) for m in found)
    return ratio(kept, sum(m.opening for m in found))


def _moved(flows: Flows, *, is_net: bool) -> Number:
    amounts = flows.amounts
    kept = flows.opening - amounts["contraction"] - amounts["churned"]
    return ratio(kept + (amounts["expansion"] if is_net else 0), flows.opening)


def _by_movements(ledger: Ledger) -> bool:
    return ledger.book.settings.conventions.revenue_rates == "movements"


def nrr(ledger: Ledger, period: Period, cut: Cut) -> Number:
    if _by_movements(ledger):
        return _moved(ledger.flows(period, cut), is_net=True)
    return _retained(_members(ledger, period, cut), is_net=True)


def grr(ledger: Ledger, period: Period, cut: Cut) -> Number:
    if _by_movements(ledger):
        return _moved(ledger.flows(period, cut), is_net=False)
    return _retained(_members(ledger, period, cut), is_net=False)


def _year_before(period: Period) -> date:
    """The first day of the twelve months that end with the period."""
    return add_months(period.end, -12)


def nrr_12m(ledger: Ledger, period: Period, cut: Cut) -> Number:
    first, last = _year_before(period), ledger.book.closing_day(period)
    if _by_movements(ledger):
        return _moved(ledger.between(first, last, cut), is_net=True)
    return _retained(members(ledger.book, first - ONE_DAY, last, cut), is_net=True)


def grr_12m(ledger: Ledger, period: Period, cut: Cut) -> Number:
    first, last = _year_before(period), ledger.book.closing_day(period)
    if _by_movements(ledger):
        return _moved(ledger.between(first, last, cut), is_net=False)
    return _retained(members(ledger.book, first - ONE_DAY, last, cut), is_net=False)


def gross_revenue_churn(ledger: Ledger, period: Period, cut: Cut) -> Number:
    kept = grr(ledger, period, cut)
    return None if kept is None else 1 - kept


def net_revenue_churn(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """1 − NRR; by movements, reactivation too makes up for what was lost."""
    kept = nrr(ledger, period, cut)
    if kept is None:
        return None
    if _by_movements(ledger):
        flows = ledger.flows(period, cut)
        return 1 - kept - Fraction(flows.amounts["reactivation"], flows.opening)
    return 1 - kept


def share_from_history(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """The part of closing MRR from accounts that first paid in an earlier period."""
    book = ledger.book
    day = book.closing_day(period)
    old = whole = 0
    for account in cut.accounts(book):
        worth = book.total(cut.held(book.close(account, day)), day)
        first = book.first_paid(account)
        whole += worth
        old += worth if first is not None and first < period.start else 0
    return ratio(old, whole)


def months_of(ledger: Ledger, period: Period) -> list[Period]:
    """The months over which a month's figure is summed at a coarser grain."""
    return period.months() if period.grain in MONTHS else [containing(period.start, "month")]


def clv_simple(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """ARPA / monthly customer churn rate, both averaged over the period's months by sums."""
    months = months_of(ledger, period)
    pairs = [churn_counts(ledger, month, cut) for month in months]
    rate = ratio(sum(gone for gone, _ in pairs), sum(base for _, base in pairs))
    paid = sum((mrr(ledger, month, cut) or Fraction(0) for month in months), Fraction(0))
    count = sum((customer_count(ledger, m, cut) or Fraction(0) for m in months), Fraction(0))
    return ratio(ratio(paid, count), rate)


STOCKS: dict[str, Formula] = {
    "mrr": mrr,
    "opening_mrr": opening_mrr,
    "arr": arr,
    "contracted_arr": contracted_arr,
    "committed_mrr": committed_mrr,
    "customers": customer_count,
    "arpa": arpa,
}
FLOWS: dict[str, Formula] = {
    **{f"{kind}_mrr": _flow(kind) for kind in ("new", "reactivation", "expansion")},
    **{f"{kind}_mrr": _flow(kind) for kind in ("contraction", "churned", "entering", "leaving")},
    **{f"{end_class}_churned_mrr": _flow(end_class) for end_class in CLASSES},
    "net_new_mrr": net_new_mrr,
    "fx_impact": fx_impact,
    "new_customers": new_customers,
    "churned_customers": churned_customers,
}
RATES: dict[str, Formula] = {
    "customer_churn_rate": customer_churn_rate,
    "customer_retention_rate": customer_retention_rate,
    "gross_revenue_churn": gross_revenue_churn,
    "net_revenue_churn": net_revenue_churn,
    "nrr": nrr,
    "grr": grr,
    "nrr_12m": nrr_12m,
    "grr_12m": grr_12m,
    "quick_ratio": quick_ratio,
    "upgrade_rate": upgrade_rate,
    "share_from_history": share_from_history,
    "clv_simple": clv_simple,
}
