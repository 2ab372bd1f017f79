"""Measured company: the numbers of one company, and the accounts behind each of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from staycurve.errors import NotAnsweredError
from staycurve.metrics import cohorts
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.filters import filters_of
from staycurve.metrics.query import Plan, Query, plan
from staycurve.metrics.relations import RELATIONS, RESTED_ON
from staycurve.metrics.result import (
    AccountRows,
    Result,
    account_rows,
    counts_of,
    is_additive,
    notes_of,
    small_segments,
    values_of,
)
from staycurve.money import MICRO
from staycurve.period import (
    Period,
    align,
    check_count,
    is_after_all,
    is_before_all,
    local_day,
    parse_instant,
    parse_period,
    period_of,
    periods_between,
)
from staycurve.tables import views
from staycurve.workspace.project import Clock, Project

if TYPE_CHECKING:
    from staycurve.insights.risk.pulse import Pulse

EARLIER = 4
"""Earlier instants that stay open."""


class MeasuredCompany(Project):
    """One company whose numbers can be asked for; see Project for its parameters.

    The parts of a Company, such as its books, are given one of these: they know its numbers, and
    nothing of one another.
    """

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        super().__init__(folder, clock=clock)
        self._earlier: dict[dt.datetime, Self] = {}

    def close(self) -> None:
        super().close()
        for earlier in self._earlier.values():
            earlier.close()
        self._earlier = {}

    def today(self) -> dt.date:
        """The company's local day now, whether anything is loaded of it or not."""
        return local_day(self.clock(), self.config.company.zone)

    def pulses(self) -> tuple[Pulse, ...]:
        """Every pulse of an account that was given by now: those that a Company keeps."""
        return ()

    def first_paid_on(self) -> dt.date | None:
        """The first day on which any account paid; None before there is one."""
        if "mrr_movements" not in self.snapshot.tables:
            return None

        def find() -> dt.date | None:
            with self.reading() as engine:
                found: dt.date | None = engine.value(
                    "SELECT MIN(first_paid_on) FROM mrr_movements"
                )
            return found

        return self.kept("first paid on", (), find)

    def first_day(self, metrics: Sequence[str]) -> dt.date | None:
        """The first day with data for any of the metrics."""
        relations = {
            measure.relation
            for name in metrics
            for measure in METRICS[name].resolve(self.config.conventions).measures()
        }
        days = {(RELATIONS[name].source, RELATIONS[name].day) for name in relations}
        if ("subscriptions", "starts_on") in days:
            # Spans are told by rows of subscriptions, and by what is derived from invoice lines.
            days.add(("invoice_spans", "starts_on"))
        parts = " UNION ALL ".join(f"SELECT MIN({day}) AS day FROM {t}" for t, day in sorted(days))
        with self.reading() as engine:
            found: dt.date | None = engine.value(f"SELECT MIN(day) FROM ({parts})")
        return found

    def query(
        self,
        *metrics: str,
        grain: str = "month",
        start: str | None = None,
        end: str | None = None,
        by: Sequence[str] = (),
        where: str = "",
        at: str | None = None,
    ) -> Query:
        """A query in words: periods as 2024, 2024-Q1, 2024-01 or 2024-01-31, ends included."""
        for name in metrics:
            _ = METRICS[name]
        seen = self.as_of(at)
        fiscal, week = self.config.company.fiscal_year_start, self.config.company.week_start
        last = period_of(seen.last_day, grain, fiscal, week_start=week)
        # A range may reach further than any data: it begins and ends with what there is.
        start = None if is_before_all(start) else start
        if end and not is_after_all(end):
            last = align(end, grain, is_last=True, fiscal_start=fiscal, week_start=week)
        if start:
            first = align(start, grain, is_last=False, fiscal_start=fiscal, week_start=week)
        else:
            day = self.first_day(metrics) or last.start
            first = period_of(day, grain, fiscal, week_start=week)
        if first.start > last.start:
            first = last if not start else first
        periods = tuple(periods_between(first.start, last.start, grain, fiscal, week_start=week))
        check_count(len(periods), grain)
        if not periods:
            raise NotAnsweredError(
                f"The range from {first.start} to {last.start} is empty.",
                hint="--from must not lie after --to (or after the as-of).",
            )
        return Query(tuple(metrics), grain, periods, seen, tuple(by), filters_of(where))

    def _plan(self, query: Query, *, is_by_account: bool = False) -> Plan:
        self.check_properties((*query.by, *(one.dim for one in query.filters)))
        self.check_filters(query.filters)
        snapshot = self.snapshot
        empty = views.empty_tables(self.lake, snapshot, RESTED_ON)
        return plan(
            query,
            self.config,
            attributes=self.attributes(),
            traits=self.traits(),
            empty_tables=empty,
            is_by_account=is_by_account,
        )

    def show(
        self,
        *metrics: str,
        grain: str = "month",
        start: str | None = None,
        end: str | None = None,
        by: str | Sequence[str] = (),
        where: str = "",
        as_of: str | None = None,
        known_at: str | None = None,
    ) -> Result:
        """Values of metrics over time.

        Parameters
        ----------
        *metrics : str
            Names from `staycurve metrics`.
        grain : str
            day, week, month, quarter or year.
        start, end : str, optional
            2024, 2024-Q1, 2024-01 or 2024-01-31, both included; all of the data without them.
        by : str or sequence of str
            Dimensions to split by.
        where : str
            Such as 'industry=EdTech,country=US'.
        as_of : str, optional
            Facts after this instant are not seen.
        known_at : str, optional
            Use the data as it was loaded at this time.
        """
        if known_at:
            earlier = self.known_at(known_at)
            result = earlier.show(
                *metrics, grain=grain, start=start, end=end, by=by, where=where, as_of=as_of
            )
            return replace(result, notes=(*result.notes, *earlier.notes()))
        dims = dims_of(by)
        query = self.query(
            *metrics, grain=grain, start=start, end=end, by=dims, where=where, at=as_of
        )
        return self.answer(query)

    def answer(self, query: Query) -> Result:
        """The Result of a query."""
        made = self._plan(query)
        with self.seeing(query.as_of) as engine:
            rows = engine.rows(made.sql)
        values = values_of(made, rows)
        return Result(
            rows=values,
            as_of=query.as_of.at.isoformat(),
            currency=self.config.company.currency,
            sql=made.sql,
            units={name: metric.unit for name, metric in made.metrics.items()},
            notes=notes_of(made, values),
            small=small_segments(made, rows),
            is_additive=is_additive(made),
            _accounts=lambda metric, period: self.described_rows(
                Query((metric,), query.grain, (period,), query.as_of, (), query.filters)
            ),
            _periods=query.periods,
            counts=counts_of(made, rows),
        )

    def accounts(
        self,
        metric: str,
        *,
        period: str,
        grain: str | None = None,
        where: str = "",
        as_of: str | None = None,
        known_at: str | None = None,
        under: str = "",
    ) -> AccountRows:
        """The accounts behind one number; they sum (or divide) to it.

        Parameters
        ----------
        under : str
            Other conventions: a profile, such as 'stripe', or one switch with a value, such as
            'discounts=all'. Without it the company's own.
        """
        if known_at:
            earlier = self.known_at(known_at)
            found = earlier.accounts(
                metric, period=period, grain=grain, where=where, as_of=as_of, under=under
            )
            return replace(found, notes=(*found.notes, *earlier.notes()))
        fiscal = self.config.company.fiscal_year_start
        named = parse_period(period, fiscal)
        if grain:
            named = align(
                period, grain, is_last=False, fiscal_start=fiscal,
                week_start=self.config.company.week_start,
            )
        query = Query((metric,), named.grain, (named,), self.as_of(as_of), (), filters_of(where))
        return self.described_rows(query, under=under)

    def described_rows(self, query: Query, *, under: str = "") -> AccountRows:
        """The accounts behind a query of one metric and one period, with what is known of each."""
        from staycurve.insights.account.behind import described

        found = self.account_rows(query, under=under)
        return described(self, found, query, has_losses=not under)

    def account_rows(self, query: Query, *, under: str = "") -> AccountRows:
        """The accounts behind a query of one metric and one period; see `accounts`."""
        made = self._plan(query, is_by_account=True)
        answer: list[tuple[Any, ...]]
        if under:
            from staycurve.insights.books.switches import conventions_of

            conventions = conventions_of(self.config.conventions, under)
            with self.ledgers() as ledgers:
                made = ledgers.plan(query, ledgers.under(conventions), is_by_account=True)
                ledgers.focus_on(query, made.formulas.values())
                answer = ledgers.run(made)
        else:
            with self.seeing(query.as_of) as engine:
                # Piece by piece: of a large company these are many.
                answer = [row for piece in engine.batches(made.sql) for row in piece]
        rows, total = account_rows(made, answer)
        return AccountRows(
            metric=query.metrics[0],
            period=str(query.periods[0].start),
            as_of=query.as_of.at.isoformat(),
            currency=self.config.company.currency,
            rows=rows,
            total=total,
            sql=made.sql,
        )

    def cohort(
        self,
        *,
        value: str = "customers",
        how: str = "share",
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
        known_at: str | None = None,
    ) -> dict[str, Any]:
        """The activation cohort × month matrix, as `cohort --format json` prints it."""
        if known_at:
            earlier = self.known_at(known_at)
            answer = earlier.cohort(value=value, how=how, by=by, where=where, as_of=as_of)
            notes = earlier.notes()
            return answer | ({"notes": list(notes)} if notes else {})
        dims, filters = dims_of(by), filters_of(where)
        seen = self.as_of(as_of)
        self.check_filters(filters)
        with self.seeing(seen) as engine:
            first = engine.value("SELECT MIN(first_paid_on) FROM mrr_movements")
            months: tuple[Period, ...] = ()
            if first is not None and first <= seen.last_day:
                months = tuple(periods_between(first, seen.last_day, "month"))
            query = cohorts.CohortQuery(value, how, months, seen, dims, filters)
            cohorts.check(query, self.attributes())
            rows: list[dict[str, Any]] = []
            sql = ""
            overlap = {} if cohorts.is_additive(query) else {"additive": False}
            if months:
                sql = cohorts.statement(query, self.config)
                rows = cohorts.matrix(query, engine.rows(sql))
        return {
            "as_of": seen.at.isoformat(),
            "currency": self.config.company.currency,
            "value": value,
            "as": how,
            **overlap,
            "rows": rows,
            "sql": sql,
        }

    def cohort_accounts(
        self,
        *,
        value: str,
        cohort: str,
        age: int,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> AccountRows:
        """The accounts behind one cell of the matrix; they sum to it.

        Parameters
        ----------
        cohort : str
            The activation month, such as 2024-01.
        age : int
            Months since.
        """
        from staycurve.insights.account.behind import named

        seen, month = self.as_of(as_of), parse_period(cohort)
        months = tuple(periods_between(month.start, seen.last_day, "month"))
        if month.grain != "month" or not 0 <= age < len(months) or seen.is_open(months[age]):
            raise NotAnsweredError(
                f"Cohort {cohort} has no closed month of age {age}.",
                hint="Ask for a month, such as 2024-01, and an age whose month has closed.",
            )
        query = cohorts.CohortQuery(value, "count", months, seen, (), filters_of(where))
        self.check_filters(query.filters)
        cohorts.check(query, self.attributes())
        sql = cohorts.cell_statement(query, self.config, cohort=month, age=age)
        with self.seeing(seen) as engine:
            answer = engine.rows(sql)
        scale = 1 if value == "customers" else MICRO
        listed = AccountRows(
            metric=value,
            period=str(month.start),
            as_of=seen.at.isoformat(),
            currency=self.config.company.currency,
            rows=[{"account_id": account, "value": n / scale} for account, n in answer],
            total={"value": sum(n for _, n in answer) / scale},
            sql=sql,
        )
        close = min(months[age].end - dt.timedelta(days=1), seen.last_day)
        return named(self, listed, close)

    def known_at(self, instant: str) -> Self:
        """This company as readers saw it at an instant: its rows then, its configuration now.

        Raises
        ------
        NotAnsweredError
            If nothing had been loaded by then, the instant has not come, or another version of
            staycurve had computed it.
        """
        from staycurve.tables import books

        at = parse_instant(instant, self.config.company.zone)
        if at > self.clock():
            raise NotAnsweredError(
                f"{at.isoformat()} has not come yet: nobody knows what will be known then.",
                hint="--known-at takes an instant in the past.",
            )
        found = books.known_at(self.lake, at)
        # One for each instant: a shared one would lend its clock to another reader's question.
        with self._lock:
            earlier = self._earlier.pop(at, None)
            if earlier is None or earlier.snapshot.seq != found.seq:
                earlier = type(self)(self.folder, clock=lambda: at)
                earlier._pinned = found
            self._earlier[at] = earlier
            while len(self._earlier) > EARLIER:
                # It may still be read; it ends with its last reader.
                self._earlier.pop(next(iter(self._earlier)))
            return earlier
