"""Company: one project directory, with every layer wired to it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staycurve import config as configuration
from staycurve.config import Config
from staycurve.errors import NotAnsweredError, ProjectError
from staycurve.insights.lifecycle.lifecycle_spans import LIFECYCLE
from staycurve.metrics import cohorts
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import add_moving
from staycurve.metrics.query import Plan, Query, parse_filters, plan
from staycurve.metrics.relations import RELATIONS
from staycurve.metrics.result import (
    AccountRows,
    Result,
    account_rows,
    is_additive,
    notes_of,
    values_of,
)
from staycurve.money import MICRO
from staycurve.period import (
    AsOf,
    Period,
    align,
    as_of,
    day_start,
    local_day,
    parse_instant,
    parse_period,
    period_of,
    periods_between,
)
from staycurve.tables import asof, refresh, views
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.engine import AnyEngine, open_engine
from staycurve.tables.lake import Lake, check_root
from staycurve.tables.pointer import LoadRecord, Snapshot
from staycurve.tables.rejects import REJECTS_COLUMNS, REJECTS_TABLE

if TYPE_CHECKING:
    # What only some commands use is imported by them: `show` starts in half a second.
    from staycurve.insights.books.ledgers import Ledgers
    from staycurve.insights.books.reconcile import Reconciliation
    from staycurve.workspace.acquisition import Acquisition
    from staycurve.workspace.books import Books
    from staycurve.workspace.cohort_reading import CohortReading
    from staycurve.workspace.features import Features
    from staycurve.workspace.lifecycle import Lifecycle
    from staycurve.workspace.onboarding import Onboarding
    from staycurve.workspace.trials import Trials
    from staycurve.workspace.usage import Usage

add_moving(LIFECYCLE)


def _filters(where: str | Sequence[Filter]) -> tuple[Filter, ...]:
    return parse_filters(where) if isinstance(where, str) else tuple(where)


Clock = Callable[[], dt.datetime]


class Company:
    """One company: its configuration, its lake, and what can be asked of them.

    Parameters
    ----------
    folder : Path
        The project directory.
    clock : callable
        Tells the time; nothing below reads it otherwise.
    """

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self.folder = folder
        self.config: Config = configuration.read(folder)
        self.lake = Lake(folder)
        self.clock = clock
        self._engine: AnyEngine | None = None
        self._seen: Snapshot | None = None
        self._lock = threading.RLock()
        self._pinned: Snapshot | None = None
        self._earlier: Company | None = None

    @staticmethod
    def create(folder: Path, *, name: str, currency: str, timezone: str) -> Path:
        """Make a project in `folder`: its staycurve.toml, lake and state database.

        An existing staycurve.toml is an error: it is never overwritten.
        """
        path = folder / configuration.FILE_NAME
        if path.exists():
            raise ProjectError(
                f"{folder} is a project already: it has a {configuration.FILE_NAME}.",
                hint="Edit that file, or choose another directory.",
            )
        check_root(folder.resolve())
        text = configuration.default_text(name=name, currency=currency, timezone=timezone)
        configuration.parse(text)
        folder.mkdir(parents=True, exist_ok=True)
        Lake(folder).create()
        path.write_text(text, encoding="utf-8")
        return path

    def close(self) -> None:
        """Give back memory and spill files."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        if self._earlier is not None:
            self._earlier.close()
            self._earlier = None

    def __enter__(self) -> Company:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def books(self) -> Books:
        """Closing months, restatements, adjustments and taking loads back."""
        from staycurve.workspace.books import Books

        return Books(self)

    @property
    def cohorts(self) -> CohortReading:
        """Cohorts read for their meaning: history, churn, riskiest months, retention."""
        from staycurve.workspace.cohort_reading import CohortReading

        return CohortReading(self)

    @property
    def usage(self) -> Usage:
        """What users do: retention, lifecycle, funnels, paths, activity."""
        from staycurve.workspace.usage import Usage

        return Usage(self)

    @property
    def lifecycle(self) -> Lifecycle:
        """The stage that each account is in, moves between stages, and who is stuck."""
        from staycurve.workspace.lifecycle import Lifecycle

        return Lifecycle(self)

    @property
    def features(self) -> Features:
        """What accounts use: the feature report, adoption over time, limits."""
        from staycurve.workspace.features import Features

        return Features(self)

    @property
    def onboarding(self) -> Onboarding:
        """How new accounts reach first value: how fast, how many, and along which steps."""
        from staycurve.workspace.onboarding import Onboarding

        return Onboarding(self)

    @property
    def trials(self) -> Trials:
        """Trials: conversion, what converters did, and who left afterwards."""
        from staycurve.workspace.trials import Trials

        return Trials(self)

    @property
    def acquisition(self) -> Acquisition:
        """Channels, how far their leads come, and referrals."""
        from staycurve.workspace.acquisition import Acquisition

        return Acquisition(self)

    @property
    def snapshot(self) -> Snapshot:
        """What readers see now."""
        found = self._pinned or self.lake.pointer.latest()
        for key in ("timezone", "currency"):
            kept, own = found.meta.get(key), getattr(self.config.company, key)
            if kept is not None and kept != own:
                raise ProjectError(
                    f"staycurve.toml says {key} = '{own}', but what is loaded was read with "
                    f"'{kept}'.",
                    hint=f"Set it back to '{kept}', or load the files into another project.",
                )
        return found

    def engine(self) -> AnyEngine:
        """An engine in which every table of the current snapshot is named."""
        snapshot = self.snapshot
        if self._engine is None:
            self._engine = open_engine(self.config, self.folder / ".tmp")
            self._seen = None
        if self._seen is None or self._seen.seq != snapshot.seq:
            views.create(self._engine, self.lake, snapshot)
            self._seen = snapshot
        return self._engine

    @contextmanager
    def reading(self) -> Iterator[AnyEngine]:
        """The engine for one reader at a time."""
        with self._lock:
            yield self.engine()

    def refresh(self, *, is_full: bool = False) -> refresh.RefreshReport:
        """Bring derived tables up to date; see `staycurve.tables.refresh`."""
        with self._lock:
            _ = self.snapshot
            with open_engine(self.config, self.folder / ".tmp") as engine:
                return refresh.refresh(
                    self.lake, self.config, engine, now=self.clock(), is_full=is_full
                )

    def is_due(self) -> bool:
        """Whether a refresh has anything to do."""
        return refresh.is_due(self.lake, self.config)

    def as_of(self, text: str | None = None) -> AsOf:
        """The as-of that `text` names; without one, the end of the last observed local day."""
        zone = self.config.company.zone
        if text:
            return as_of(parse_instant(text, zone), zone)
        now = self.clock()
        latest = self.snapshot.meta.get("latest_at")
        if latest is None:
            return as_of(now, zone)
        day = local_day(min(dt.datetime.fromisoformat(latest), now), zone)
        return as_of(min(day_start(day + dt.timedelta(days=1), zone), now), zone)

    def attributes(self) -> list[str]:
        """Names of account attributes beside the declared columns."""
        return list(self.snapshot.meta.get("attributes", []))

    def first_day(self, metrics: Sequence[str]) -> dt.date | None:
        """The first day with data for any of the metrics."""
        relations = {
            measure.relation
            for name in metrics
            for measure in METRICS[name].resolve(self.config.conventions).measures()
        }
        days = {(RELATIONS[name].source, RELATIONS[name].day) for name in relations}
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
        fiscal = self.config.company.fiscal_year_start
        last = period_of(seen.last_day, grain, fiscal)
        if end:
            last = align(end, grain, is_last=True, fiscal_start=fiscal)
        if start:
            first = align(start, grain, is_last=False, fiscal_start=fiscal)
        else:
            first = period_of(self.first_day(metrics) or last.start, grain, fiscal)
        if first.start > last.start:
            first = last if not start else first
        periods = tuple(periods_between(first.start, last.start, grain, fiscal))
        if not periods:
            raise NotAnsweredError(
                f"The range from {first.start} to {last.start} is empty.",
                hint="--from must not lie after --to (or after the as-of).",
            )
        return Query(tuple(metrics), grain, periods, seen, tuple(by), parse_filters(where))

    def _plan(self, query: Query, *, is_by_account: bool = False) -> Plan:
        snapshot = self.snapshot
        empty = frozenset(
            table for table in CONFORMED if self.lake.rows(snapshot, table) == 0
        )
        return plan(
            query,
            self.config,
            attributes=self.attributes(),
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
            Answer from what was loaded at this instant.
        """
        if known_at:
            earlier = self.known_at(known_at)
            result = earlier.show(
                *metrics, grain=grain, start=start, end=end, by=by, where=where, as_of=as_of
            )
            return replace(result, notes=(*result.notes, *earlier.notes()))
        dims = [d for d in by.split(",") if d] if isinstance(by, str) else list(by)
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
            notes=notes_of(made, values, rows),
            is_additive=is_additive(made),
            _accounts=lambda metric, period: self.account_rows(
                Query((metric,), query.grain, (period,), query.as_of, (), query.filters)
            ),
            _periods=query.periods,
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
    ) -> AccountRows:
        """The rows behind one number; they sum (or divide) to it."""
        if known_at:
            return self.known_at(known_at).accounts(
                metric, period=period, grain=grain, where=where, as_of=as_of
            )
        fiscal = self.config.company.fiscal_year_start
        named = parse_period(period, fiscal)
        if grain:
            named = align(period, grain, is_last=False, fiscal_start=fiscal)
        query = Query((metric,), named.grain, (named,), self.as_of(as_of), (), parse_filters(where))
        return self.account_rows(query)

    def account_rows(self, query: Query) -> AccountRows:
        """The rows behind a query of one metric and one period."""
        made = self._plan(query, is_by_account=True)
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
        dims = tuple(d for d in by.split(",") if d) if isinstance(by, str) else tuple(by)
        seen = self.as_of(as_of)
        with self.seeing(seen) as engine:
            first = engine.value("SELECT MIN(first_paid_on) FROM mrr_movements")
            months: tuple[Period, ...] = ()
            if first is not None and first <= seen.last_day:
                months = tuple(periods_between(first, seen.last_day, "month"))
            query = cohorts.CohortQuery(value, how, months, seen, dims, _filters(where))
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
        seen, month = self.as_of(as_of), parse_period(cohort)
        months = tuple(periods_between(month.start, seen.last_day, "month"))
        if month.grain != "month" or not 0 <= age < len(months) or seen.is_open(months[age]):
            raise NotAnsweredError(
                f"Cohort {cohort} has no closed month of age {age}.",
                hint="Ask for a month, such as 2024-01, and an age whose month has closed.",
            )
        query = cohorts.CohortQuery(value, "count", months, seen, (), _filters(where))
        cohorts.check(query, self.attributes())
        sql = cohorts.cell_statement(query, self.config, cohort=month, age=age)
        with self.seeing(seen) as engine:
            answer = engine.rows(sql)
        scale = 1 if value == "customers" else MICRO
        return AccountRows(
            metric=value,
            period=str(month.start),
            as_of=seen.at.isoformat(),
            currency=self.config.company.currency,
            rows=[{"account_id": account, "value": n / scale} for account, n in answer],
            total={"value": sum(n for _, n in answer) / scale},
            sql=sql,
        )

    @contextmanager
    def seeing(self, seen: AsOf) -> Iterator[AnyEngine]:
        """The engine as of an instant, for one reader at a time.

        Inside a day, items are cut at the instant and netted anew, and its use is counted anew.
        """
        with self._lock:
            engine, snapshot = self.engine(), self.snapshot
            is_cut = asof.needs_cut(engine, seen, self.config.company.zone)
            is_usage_cut = asof.needs_usage_cut(engine, seen, self.lake, snapshot)
            try:
                if is_cut:
                    asof.cut(engine, self.config, seen)
                if is_usage_cut:
                    asof.cut_usage(engine, self.config, seen, self.lake, snapshot)
                yield engine
            finally:
                if is_cut or is_usage_cut:
                    self._seen = None
                    self.engine()

    def tables(self) -> list[dict[str, Any]]:
        """Every conformed table with its rows and how many were set aside."""
        snapshot = self.snapshot
        with self.reading() as engine:
            scan = self.lake.scan(snapshot, REJECTS_TABLE, REJECTS_COLUMNS)
            answer = engine.rows(f'SELECT "table", COUNT(*) FROM ({scan}) GROUP BY "table"')
        aside: dict[str, int] = dict(answer)
        return [
            {
                "table": table,
                "rows": self.lake.rows(snapshot, table),
                "set_aside": int(aside.get(table, 0)),
            }
            for table in CONFORMED
        ]

    def rejects(self) -> list[dict[str, Any]]:
        """Every row that was set aside, with the reason."""
        names = [column for column, _ in REJECTS_COLUMNS if column not in ("row_key", "path")]
        listed = ", ".join(f'"{column}"' for column in names)
        with self.reading() as engine:
            scan = self.lake.scan(self.snapshot, REJECTS_TABLE, REJECTS_COLUMNS)
            answer = engine.rows(
                f'SELECT {listed} FROM ({scan}) ORDER BY load, "table", file, line'
            )
        return [dict(zip(names, row, strict=True)) for row in answer]

    def loads(self) -> list[LoadRecord]:
        """Every load, oldest first."""
        return self.lake.pointer.loads()

    def reconcile(
        self,
        against: str,
        *,
        period: str | None = None,
        metric: str = "mrr",
        as_of: str | None = None,
    ) -> Reconciliation:
        """How a number differs under another tool's profile, by rule and account.

        Parameters
        ----------
        against : str
            A profile, such as 'stripe'.
        period : str, optional
            2024-06, 2024-Q2, …; without it the last month that has closed.
        """
        from staycurve.insights.books import reconcile as reconciling
        from staycurve.insights.books.ledgers import closed_period

        seen = self.as_of(as_of)
        named = closed_period(period, seen, self.config.company.fiscal_year_start)
        with self.ledgers() as ledgers:
            return reconciling.reconcile(
                ledgers, Query((metric,), named.grain, (named,), seen), against
            )

    @contextmanager
    def ledgers(self) -> Iterator[Ledgers]:
        """The company under any conventions, in an engine that is given back."""
        from staycurve.insights.books.ledgers import Ledgers

        with open_engine(self.config, self.folder / ".tmp") as engine:
            yield Ledgers(engine, self.lake, self.snapshot, self.config)

    def known_at(self, instant: str) -> Company:
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
        with self._lock:
            if self._earlier is None or self._earlier.snapshot.seq != found.seq:
                self._earlier = Company(self.folder, clock=lambda: at)
                self._earlier._pinned = found
            self._earlier.clock = lambda: at
            return self._earlier

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever uses the engine."""
        return self._lock

    def notes(self) -> tuple[str, ...]:
        """What a reader of an earlier state must know."""
        if self.snapshot.meta.get("ledger_hash") in (None, self.config.ledger_hash):
            return ()
        return (
            "staycurve.toml was another one then: MRR and its movements were computed under it, "
            "rates and the rest are computed under today's.",
        )
