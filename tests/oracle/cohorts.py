"""Activation cohorts by month (section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from .book import Book
from .cells import MICRO
from .cuts import Cut
from .periods import Period, add_months, containing


@dataclass(frozen=True)
class Cell:
    """One cohort at one age: `value` is None while its month is open."""

    cohort: date
    age: int
    size: int
    value: Fraction | None


def members(book: Book, cut: Cut) -> dict[date, list[str]]:
    """The accounts of each activation month, by its first day."""
    found: dict[date, list[str]] = {}
    for account in cut.accounts(book):
        first = book.first_paid(account)
        if first is not None:
            found.setdefault(first.replace(day=1), []).append(account)
    return dict(sorted(found.items()))


def _worth(book: Book, account: str, cohort: date, age: int) -> int:
    """What the account pays at that age: its new MRR at age 0, then closings, micro-units."""
    if age == 0:
        first = book.first_paid(account)
        assert first is not None
        return book.mrr(account, first)
    return book.mrr(account, _closing(cohort, age))


def _closing(cohort: date, age: int) -> date:
    return date.fromordinal(add_months(cohort, age + 1).toordinal() - 1)


def _count(book: Book, accounts: list[str], cohort: date, age: int, value: str) -> Fraction:
    if value == "customers":
        if age == 0:
            return Fraction(len(accounts))
        return Fraction(sum(book.is_customer(a, _closing(cohort, age)) for a in accounts))
    total = 0
    for account in accounts:
        if value == "net_mrr":
            total += _worth(book, account, cohort, age)
        else:
            total += min(_worth(book, account, cohort, k) for k in range(age + 1))
    return Fraction(total, MICRO)


def matrix(book: Book, value: str, how: str, cut: Cut) -> list[Cell]:
    """Every cohort at every age up to as-of's month.

    `value` is customers, net_mrr or gross_mrr; `how` is count, share (of age 0) or change
    (value / value one month before − 1, empty at age 0).
    """
    cells = []
    for cohort, accounts in members(book, cut).items():
        ages = (book.view_day.year - cohort.year) * 12 + book.view_day.month - cohort.month
        counts: list[Fraction | None] = []
        for age in range(ages + 1):
            month: Period = containing(add_months(cohort, age), "month")
            is_closed = book.is_closed(month)
            counts.append(_count(book, accounts, cohort, age, value) if is_closed else None)
            cells.append(Cell(cohort, age, len(accounts), _shown(counts, age, how)))
    return cells


def _shown(counts: list[Fraction | None], age: int, how: str) -> Fraction | None:
    here = counts[age]
    if how == "count" or here is None:
        return here
    base = counts[0] if how == "share" else (counts[age - 1] if age else None)
    if not base:
        return None
    return here / base if how == "share" else here / base - 1


def layers(book: Book, cut: Cut) -> dict[tuple[date, date], Fraction]:
    """Closing MRR of each month, by (month, cohort)."""
    months = sorted({day.replace(day=1) for day in book.all_days})
    return {
        (month, cohort): Fraction(
            sum(book.mrr(a, book.closing_day(containing(month, "month"))) for a in accounts), MICRO
        )
        for month in months
        for cohort, accounts in members(book, cut).items()
        if cohort <= month
    }
