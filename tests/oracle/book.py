"""What every account holds on every day, and what that is worth."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property

from .cells import Row, moment, number, text
from .periods import ONE_DAY, Period, day_start, local_day
from .settings import Settings
from .spans import Stretch, accepted, stretches

Held = tuple[Stretch, ...]


class Book:
    """The company's accounts and their stretches.

    An *account* here is the customer: billing accounts with a `parent_id` are one with their
    topmost parent. Days are local; amounts are integers of micro-units.
    """

    def __init__(self, tables: Mapping[str, Sequence[Row]], settings: Settings) -> None:
        self.tables = tables
        self.settings = settings
        self.attributes: dict[str, Row] = {}
        for row in tables.get("accounts", ()):
            if (account := text(row, "account_id")) is not None:
                self.attributes[account] = row
        self.rates = self._rates(tables.get("fx_rates", ()))
        currencies = {settings.currency, *self.rates}
        rows = [
            row
            for row in tables.get("subscriptions", ())
            if not self.is_excluded(text(row, "account_id"))
        ]
        spans = accepted(rows, settings, currencies)
        self.stretches: dict[str, list[Stretch]] = {}
        for stretch in stretches(spans, tables.get("payments", ()), settings):
            self.stretches.setdefault(self.root(stretch.span.account), []).append(stretch)
        self._closes: dict[tuple[str, date], Held] = {}

    def root(self, account: str) -> str:
        """The topmost parent of a billing account."""
        seen = {account}
        while True:
            parent = text(self.attributes.get(account, {}), "parent_id")
            if parent is None or parent in seen:
                return account
            account = parent
            seen.add(account)

    def is_excluded(self, account: str | None) -> bool:
        """Whether the account, or the customer it belongs to, matches an exclusion."""
        if account is None:
            return False
        for pattern in self.settings.exclude:
            column, _, part = pattern.partition("~")
            for name in {account, self.root(account)}:
                cell = text(self.attributes.get(name, {}), column) or ""
                if part.lower() in cell.lower():
                    return True
        return False

    @cached_property
    def known(self) -> set[str]:
        """Every billing account that the tables name as such."""
        return {
            account
            for table in ("accounts", "subscriptions", "payments")
            for row in self.tables.get(table, ())
            if (account := text(row, "account_id")) is not None
        }

    @cached_property
    def accounts(self) -> list[str]:
        """The customers, excluded ones left out."""
        return sorted({self.root(name) for name in self.known if not self.is_excluded(name)})

    @cached_property
    def view_day(self) -> date:
        """The last local day that as-of lets one see, in whole or in part."""
        return local_day(self.settings.as_of - timedelta(microseconds=1), self.settings.zone)

    @cached_property
    def all_days(self) -> list[date]:
        """The days from the first span to as-of."""
        starts = [s.starts_at for held in self.stretches.values() for s in held]
        if not starts:
            return []
        first = local_day(min(starts), self.settings.zone)
        return [first + ONE_DAY * n for n in range((self.view_day - first).days + 1)]

    def _rates(self, rows: Iterable[Row]) -> dict[str, list[tuple[date, Fraction]]]:
        found: dict[str, dict[date, Fraction]] = {}
        for row in rows:
            currency, rate = text(row, "currency"), number(row, "rate")
            day = moment(row, "day", self.settings.zone)
            if currency is not None and rate is not None and day is not None:
                on = local_day(day, self.settings.zone)
                found.setdefault(currency.upper(), {})[on] = rate
        return {currency: sorted(by_day.items()) for currency, by_day in found.items()}

    def rate(self, currency: str, day: date) -> Fraction:
        """Units of the company's currency for one unit of `currency` on `day`."""
        if currency == self.settings.currency:
            return Fraction(1)
        known = self.rates[currency]
        if self.settings.conventions.fx == "fixed":
            return known[0][1]
        place = bisect_right([on for on, _ in known], day)
        return known[max(place - 1, 0)][1]

    def worth(self, stretch: Stretch, day: date) -> int:
        """The stretch in the company's currency at the day's rate, half-even."""
        if stretch.span.currency == self.settings.currency:
            return stretch.amount
        return round(stretch.amount * self.rate(stretch.span.currency, day))

    def total(self, held: Iterable[Stretch], day: date) -> int:
        """What a holding is worth at the day's rates."""
        return sum(self.worth(stretch, day) for stretch in held)

    def held_before(self, account: str, at: datetime) -> Held:
        """What counts, or is held for free, up to the instant `at`."""
        return tuple(
            s
            for s in self.stretches.get(account, ())
            if (s.amount or s.is_free)
            and s.starts_at < at
            and (s.stops_at is None or at <= s.stops_at)
            and s.starts_at != s.stops_at
        )

    def held_at(self, account: str, at: datetime) -> Held:
        """What counts, or is held for free, from the instant `at`."""
        return tuple(
            s
            for s in self.stretches.get(account, ())
            if (s.amount or s.is_free)
            and s.starts_at <= at
            and (s.stops_at is None or at < s.stops_at)
        )

    def close(self, account: str, day: date) -> Held:
        """The account's holding at the close of the day (at as-of, on as-of's own day)."""
        key = (account, day)
        if key not in self._closes:
            midnight = day_start(day + ONE_DAY, self.settings.zone)
            self._closes[key] = self.held_before(account, min(midnight, self.settings.as_of))
        return self._closes[key]

    def mrr(self, account: str, day: date) -> int:
        """The account's MRR at the close of the day, at the day's rates."""
        return self.total(self.close(account, day), day)

    @cached_property
    def paying_days(self) -> dict[str, list[date]]:
        """For each account, the days with MRR above 0 at their close, in order."""
        return {
            account: [day for day in self.all_days if self.mrr(account, day) > 0]
            for account in self.accounts
        }

    def first_paid(self, account: str) -> date | None:
        """The account's first day with MRR above 0 at its close."""
        paid = self.paying_days[account]
        return paid[0] if paid else None

    def is_customer(self, account: str, day: date) -> bool:
        """Whether the account pays at the close, or keeps a free plan that is no churn."""
        if self.mrr(account, day) > 0:
            return True
        first = self.first_paid(account)
        return (
            self.settings.conventions.free_plan == "active"
            and first is not None
            and first <= day
            and any(s.is_free for s in self.close(account, day))
        )

    def opening_day(self, period: Period) -> date:
        """The day at whose close the period opens."""
        return period.start - ONE_DAY

    def closing_day(self, period: Period) -> date:
        """The last day of the period that as-of lets one see."""
        return min(period.end - ONE_DAY, self.view_day)

    def is_begun(self, period: Period) -> bool:
        """Whether any instant of the period lies before as-of."""
        return day_start(period.start, self.settings.zone) < self.settings.as_of

    def is_closed(self, period: Period) -> bool:
        """Whether the period's end is not after as-of."""
        return day_start(period.end, self.settings.zone) <= self.settings.as_of
