"""The oracle: one company's rows and switches, and any number of them on request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from . import cohorts, costs, people, revenue
from .book import Book
from .cells import MICRO, Row, moment, text
from .cuts import TRAITS, Cut, attribute, row_value
from .flows import Flows, Ledger
from .periods import MONTHS, ONE_DAY, Period, day_start, instant, local_day, named
from .settings import REASONS, Conventions, Settings

FORMULAS = {
    **revenue.STOCKS,
    **revenue.FLOWS,
    **revenue.RATES,
    **costs.COSTS,
    **people.PEOPLE_FLOWS,
    **people.PEOPLE_RATES,
}
# Empty while a period is open.
RATES = {*revenue.RATES, *costs.COSTS, *people.PEOPLE_RATES}
# Built from months; a day or a week has none.
MONTHLY = {*costs.COSTS, "clv_simple"}
# Under monthly netting a movement belongs to no day and no week.
MOVEMENTS = {*revenue.FLOWS, "quick_ratio"}
NETTED_RATES = {"gross_revenue_churn", "net_revenue_churn", "nrr", "grr"}
# The table and the column whose values a segment of these metrics takes.
ROWS = {
    "nps": ("answers",),
    "csat": ("answers",),
    "fcr": ("tickets",),
    "response_rate": ("answers", "invitations"),
    "lead_rate": ("leads", "reach"),
    "demo_requests": ("leads",),
    "visits": ("reach",),
    "social_engagements": ("reach",),
    "mentions": ("reach",),
}


def default_as_of(
    tables: Mapping[str, Sequence[Row]], zone: ZoneInfo, now: datetime | None = None
) -> datetime:
    """The end of the local day of the latest instant in any table but `fx_rates`.

    Counts every column that ends in `_at` except the planned `renews_at`, and the days of
    `reach` and months of `spend`. Never later than `now`, where one is given.
    """
    latest = []
    for table, rows in tables.items():
        if table == "fx_rates":
            continue
        for row in rows:
            columns = [c for c in row if c.endswith("_at") and c != "renews_at"]
            columns += {"reach": ["day"], "spend": ["month"]}.get(table, [])
            for column in columns:
                cell = text(row, column) or ""
                cells: Row = {column: cell + "-01" if len(cell) == 7 else cell}
                if (at := moment(cells, column, zone)) is not None:
                    latest.append(at)
    end = day_start(local_day(max(latest), zone) + ONE_DAY, zone)
    return end if now is None else min(end, now.astimezone(UTC))


class Oracle:
    """Any number of one company, by brute force.

    Parameters
    ----------
    tables : mapping of table name to rows
        Rows as in the conformed files: text, numbers, booleans or None.
    as_of : datetime or str, optional
        The instant from which one looks back; default: `default_as_of`.
    conventions : mapping
        The switches that differ from the defaults.
    end_reasons : mapping of class to texts
        What an `end_reason` means; compared without case and outer blanks.
    exclude : sequence of str
        Patterns such as "name~test".
    """

    def __init__(
        self,
        tables: Mapping[str, Sequence[Row]],
        *,
        currency: str = "USD",
        timezone: str = "UTC",
        as_of: datetime | date | str | None = None,
        conventions: Mapping[str, str] | None = None,
        end_reasons: Mapping[str, Iterable[str]] | None = None,
        fiscal_year_start: int = 1,
        exclude: Sequence[str] = (),
    ) -> None:
        zone = ZoneInfo(timezone)
        reasons = REASONS if end_reasons is None else end_reasons
        self.settings = Settings(
            currency=currency.upper(),
            zone=zone,
            as_of=default_as_of(tables, zone) if as_of is None else instant(as_of, zone),
            conventions=Conventions.of(conventions or {}),
            reasons={t.strip().lower(): name for name, texts in reasons.items() for t in texts},
            fiscal_year_start=fiscal_year_start,
            exclude=tuple(exclude),
        )
        self.book = Book(tables, self.settings)
        self.ledger = Ledger(self.book)

    def period(self, grain: str, period: str | date) -> Period:
        """The period of `grain` that holds the day, month, quarter or year named."""
        return named(period, grain, self.settings.fiscal_year_start)

    def value(
        self,
        metric: str,
        grain: str,
        period: str | date,
        where: Mapping[str, str | None] | None = None,
    ) -> Fraction | None:
        """The metric in major units, accounts or fractions; None where it is empty."""
        asked = self.period(grain, period)
        if not self.book.is_begun(asked):
            return None
        if metric in RATES and not self.book.is_closed(asked):
            return None
        if grain not in MONTHS and (metric in MONTHLY or self._is_netted_away(metric)):
            return None
        return FORMULAS[metric](self.ledger, asked, Cut.of(where or {}))

    def _is_netted_away(self, metric: str) -> bool:
        rules = self.settings.conventions
        return rules.netting == "month" and (
            metric in MOVEMENTS
            or (metric in NETTED_RATES and rules.revenue_rates == "movements")
            or (metric == "customer_churn_rate" and rules.churn_denominator == "start_plus_new")
        )

    def segments(
        self,
        metric: str,
        grain: str,
        period: str | date,
        by: Sequence[str],
        where: Mapping[str, str | None] | None = None,
    ) -> dict[tuple[str | None, ...], Fraction | None]:
        """The metric for every segment that the whole history knows, in the order of `by`."""
        keys = self._row_keys(metric, by) if metric in ROWS else self._account_keys(by)
        ordered = sorted(keys, key=lambda key: tuple((v is not None, v or "") for v in key))
        return {
            key: self.value(
                metric, grain, period, {**(where or {}), **dict(zip(by, key, strict=True))}
            )
            for key in ordered
        }

    def _account_keys(self, by: Sequence[str]) -> set[tuple[str | None, ...]]:
        keys = set()
        for account in self.book.accounts:
            fixed = {name: attribute(self.book, account, name) for name in by if name not in TRAITS}
            for stretch in self.book.stretches.get(account, ()):
                keys.add(tuple(fixed[n] if n in fixed else getattr(stretch.span, n) for n in by))
            if len(fixed) == len(by):
                keys.add(tuple(fixed[name] for name in by))
        return keys

    def _row_keys(self, metric: str, by: Sequence[str]) -> set[tuple[str | None, ...]]:
        keys = set()
        for table in ROWS[metric]:
            for row in self.book.tables.get(table, ()):
                keys.add(tuple(row_value(self.book, table, row, name) for name in by))
        return keys

    def account_mrr(self, day: str | date) -> dict[str, Fraction]:
        """Each paying account's MRR at the close of a day, in major units."""
        on = date.fromisoformat(day) if isinstance(day, str) else day
        worth = {a: self.book.mrr(a, min(on, self.book.view_day)) for a in self.book.accounts}
        return {account: Fraction(amount, MICRO) for account, amount in worth.items() if amount}

    def periods(self, grain: str) -> list[Period]:
        """Every period from the first span to as-of, in order."""
        days = self.book.all_days
        return sorted({self.period(grain, day) for day in days}, key=lambda p: p.start)

    def movements(
        self, grain: str, where: Mapping[str, str | None] | None = None
    ) -> dict[tuple[date, str], Flows]:
        """Each account's flows, micro-units, by first day of the period and account."""
        cut = Cut.of(where or {})
        return {
            (period.start, account): self.ledger.account_flows(
                account, period.start, self.book.closing_day(period), cut
            )
            for period in self.periods(grain)
            for account in cut.accounts(self.book)
        }

    def cohort(
        self,
        value: str = "customers",
        how: str = "count",
        where: Mapping[str, str | None] | None = None,
    ) -> list[cohorts.Cell]:
        """The activation-cohort matrix; `where` may name account attributes only."""
        return cohorts.matrix(self.book, value, how, self._whole_accounts(where))

    def layers(
        self, where: Mapping[str, str | None] | None = None
    ) -> dict[tuple[date, date], Fraction]:
        """Closing MRR by (month, cohort), both as first days."""
        return cohorts.layers(self.book, self._whole_accounts(where))

    def _whole_accounts(self, where: Mapping[str, str | None] | None) -> Cut:
        cut = Cut.of(where or {})
        if cut.traits:
            raise ValueError(f"a cohort is a set of accounts; it has no {cut.traits}")
        return cut
