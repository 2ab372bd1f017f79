"""Ledgers: the derived tables of one snapshot under other conventions; the lake is not touched.

Most accounts are the same under both values of a switch: one without a metered item does not care
whether usage counts. So each ledger is computed for the accounts that a switch can touch, and
borrows the rest from the company's own.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from staycurve.config import Config
from staycurve.conventions import SWITCHES
from staycurve.errors import NotAnsweredError
from staycurve.metrics.base import Formula
from staycurve.metrics.query import Plan, Query, plan
from staycurve.metrics.relations import RELATIONS, RESTED_ON
from staycurve.metrics.result import Row, values_of
from staycurve.period import AsOf, Period, parse_period, period_of
from staycurve.tables import asof, fx_days, views
from staycurve.tables.derived import Derived
from staycurve.tables.engine import AnyEngine, Row as Line, cast_sql, quoted
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import Snapshot
from staycurve.tables.standing import with_standing
from staycurve.tables.views import DERIVED

_SOURCES = ("subscriptions", "invoice_spans", "payments")
"""What is the same under every convention, by billing account."""

_FAR_BACK = dt.timedelta(days=400)
_ROLLING = dt.timedelta(days=32)
_DAY = dt.timedelta(days=1)


def _followers() -> tuple[str, ...]:
    """Derived tables that a convention can change, in the order of their computation."""
    found: list[str] = []
    for table in DERIVED.values():
        if table.name not in _SOURCES and {*_SOURCES, "fx_days", *found} & set(table.reads):
            found.append(table.name)
    return tuple(found)


def _named(sql: str) -> set[str]:
    """The derived tables that a statement names, and what these are computed from."""
    named = {table for table in _followers() if re.search(rf"\b{table}\b", sql)}
    for name in reversed(_followers()):
        if name in named:
            named |= {*DERIVED[name].reads} & {*_followers()}
    return named


def _any_of(tests: Collection[str], switches: Collection[str]) -> str:
    """SQL over `focus` of whether any of these switches can touch an account."""
    return " OR ".join(f"touched_by_{one}" for one in switches if one in tests) or "1 = 0"


def touches_ledger(switch: str) -> bool:
    """Whether a switch can change derived tables, and not formulas alone."""
    return bool(SWITCHES[switch].touches)


def first_day(query: Query, formulas: Collection[Formula]) -> dt.date:
    """A day such that no formula looks at what ended before it."""
    start = query.periods[0].start - _DAY
    needs = {
        need
        for formula in formulas
        for measure in formula.measures()
        for need in RELATIONS[measure.relation].needs
    }
    if "years" in needs:
        return start - _FAR_BACK
    return start - _ROLLING if needs & {"rolling", "month_rolling"} else start


def closed_period(text: str | None, seen: AsOf, fiscal_start: int) -> Period:
    """The period that `text` names; without one, the last month that has closed."""
    if text:
        return parse_period(text, fiscal_start)
    month = period_of(seen.last_day, "month")
    return month.previous() if seen.is_open(month) else month


@dataclass(frozen=True)
class _Ledger:
    """Tables under other conventions: of the accounts that they touch, and of all."""

    number: int
    narrow: dict[str, str]
    whole: dict[str, str]
    done: set[str]


class Ledgers:
    """One snapshot in an engine of its own, in which conventions can be changed at will.

    Parameters
    ----------
    engine : AnyEngine
        Nothing else may use it.
    config : Config
        The conventions under which the lake's derived tables were computed.
    """

    def __init__(self, engine: AnyEngine, lake: Lake, snapshot: Snapshot, config: Config) -> None:
        self.engine = engine
        self.lake = lake
        self.snapshot = snapshot
        self.config = config
        self._made: dict[tuple[tuple[str, str], ...], _Ledger] = {}
        self._now: Mapping[str, str] = {
            table: views.seen_sql(lake, snapshot, table, lake.scan(snapshot, table, columns))
            for table, columns in views.stored_columns().items()
        }
        self._stored = self._own = self._now
        self._is_focused = False
        self._empty = views.empty_tables(lake, snapshot, RESTED_ON)
        views.create(engine, lake, snapshot)

    def widen(self) -> None:
        """Look at every account again, as the lake has it."""
        self._made = {}
        self._own = self._stored
        self._is_focused = False
        self._point(self._stored)

    def focus(
        self, since: dt.date, until: dt.date, *, switches: Collection[str] | None = None
    ) -> None:
        """Keep the accounts of which a span stands within `[since, until]`.

        With `switches`, those alone that at least one of these switches can touch.
        """
        self.widen()
        tests = self._tests()
        flags = ", ".join(f"{test} AS touched_by_{switch}" for switch, test in tests.items())
        touched = "" if switches is None else f"AND ({_any_of(tests, switches)})"
        self._table(
            "focus",
            f"""WITH {with_standing()}
SELECT * FROM (
    SELECT r.root_id AS account_id,
           bool_or(s.starts_on <= DATE '{until}'
                   AND (s.ends_on IS NULL OR s.ends_on >= DATE '{since}')) AS is_standing,
           {flags}
    FROM stated s
    JOIN account_roots r ON r.account_id = s.account_id
    WHERE NOT r.is_excluded
    GROUP BY r.root_id
) every WHERE is_standing {touched}""",
        )
        billed = (
            "account_id IN (SELECT r.account_id FROM account_roots r JOIN focus f "
            "ON f.account_id = r.root_id)"
        )
        for table in _SOURCES:
            self._table(f"own_{table}", f"SELECT * FROM {table} WHERE {billed}")
        for table in _followers():
            self._table(
                f"own_{table}",
                f"SELECT * FROM {table} WHERE account_id IN (SELECT account_id FROM focus)",
            )
        self._table("own_fx_days", "SELECT * FROM fx_days")
        own = (*_SOURCES, "fx_days", *_followers())
        self._made = {}
        self._own = {table: f"SELECT * FROM own_{table}" for table in own}
        self._is_focused = True

    def focus_on(self, query: Query, formulas: Collection[Formula]) -> None:
        """Keep the accounts that formulas can count in the periods of a query."""
        self.focus(first_day(query, formulas), query.periods[-1].end)

    def under(self, conventions: Mapping[str, str]) -> Config:
        """The company's configuration with other conventions."""
        return self.config.under(conventions)

    def plan(self, query: Query, config: Config, *, is_by_account: bool = False) -> Plan:
        """The statement that answers `query` under a configuration."""
        return plan(query, config, empty_tables=self._empty, is_by_account=is_by_account)

    def run(self, made: Plan) -> list[Line]:
        """The answer of a plan, from the tables as they are under its conventions."""
        seen, config = made.query.as_of, made.context.config
        self._use(config, made.sql)
        if not asof.needs_cut(self.engine, seen, config.company.zone):
            return self.engine.rows(made.sql)
        asof.cut(self.engine, config, seen)
        try:
            return self.engine.rows(made.sql)
        finally:
            self._point(self._now)

    def values(self, query: Query, conventions: Mapping[str, str]) -> list[Row]:
        """Rows as `show` gives them, under other conventions.

        A metric that is not known at the query's grain under them is empty, and says why.
        """
        try:
            made = self.plan(query, self.under(conventions))
        except NotAnsweredError as error:
            if len(query.metrics) > 1:
                alone = [dataclasses.replace(query, metrics=(name,)) for name in query.metrics]
                return [row for one in alone for row in self.values(one, conventions)]
            return [
                {"metric": query.metrics[0], "period": str(period.start), "value": None,
                 "why": error.message}
                for period in query.periods
            ]
        return values_of(made, self.run(made))

    def _tests(self) -> Mapping[str, str]:
        """Switch → SQL, over an account's spans, of whether it can touch it."""
        own = quoted(self.config.company.currency)
        return {
            name: f"({switch.touches.format(currency=own)})"
            for name, switch in SWITCHES.items() if switch.touches
        }

    def _use(self, config: Config, sql: str) -> None:
        """Let every table that `sql` names be what it is under a configuration."""
        changed = self.changed(config, sql)
        if not changed:
            self._point(self._own)
            return
        # What `sql` cannot see stays ours, so that one ledger serves all that see as much.
        config = self.config.under(dict(self.config.conventions) | dict(changed))
        if changed not in self._made:
            self._made[changed] = self._begin(config, [switch for switch, _ in changed])
        ledger = self._made[changed]
        has_rates = ledger.whole["fx_days"] != self._own["fx_days"]
        wanted = self._wanted(config, sql, has_rates=has_rates)
        missing = [table for table in _followers() if table in wanted - ledger.done]
        if missing:
            self._point(ledger.narrow)
            for table in missing:
                self._compute(ledger, config, DERIVED[table])
        self._point(ledger.whole)

    def changed(self, config: Config, sql: str) -> tuple[tuple[str, str], ...]:
        """The switches that are others under a configuration and that `sql` can tell apart."""
        named = _named(sql)
        # Items differ by the netting in why they ended, and in nothing else.
        is_blind = named <= {"mrr_items"} and not re.search(r"\bend_class\b", sql)

        def is_seen(switch: str) -> bool:
            if switch == "fx":
                return True
            if switch == "netting" and is_blind:
                return False
            back = config.under(
                dict(config.conventions) | {switch: self.config.convention(switch)}
            )
            return any(DERIVED[one].statement(config) != DERIVED[one].statement(back)
                       for one in named)

        return tuple(
            (switch, config.convention(switch))
            for switch in SWITCHES
            if touches_ledger(switch)
            and config.convention(switch) != self.config.convention(switch)
            and is_seen(switch)
        )

    def _wanted(self, config: Config, sql: str, *, has_rates: bool) -> set[str]:
        """The derived tables that `sql` rests on and that are others under a configuration."""
        others = {"fx_days"} if has_rates else set()
        for name in _followers():
            table = DERIVED[name]
            is_other = table.statement(config) != table.statement(self.config)
            if is_other or others & set(table.reads):
                others.add(name)
        return others & _named(sql)

    def _begin(self, config: Config, switches: Collection[str]) -> _Ledger:
        number = len(self._made)
        whole = dict(self._own)
        if "fx" in switches:
            # The first rate is that of the company's first day, whoever is looked at.
            views.create_one(self.engine, "subscriptions", self._stored["subscriptions"])
            fx_days.build(self.engine, config, f"fx_days_{number}")
            whole["fx_days"] = f"SELECT * FROM fx_days_{number}"
        self._point(self._own)
        tests = self._tests()
        self._table(
            f"touched_{number}",
            f"SELECT account_id FROM focus WHERE {_any_of(tests, switches)}"
            if self._is_focused else
            f"WITH {with_standing()} SELECT r.root_id AS account_id FROM stated s "
            "JOIN account_roots r ON r.account_id = s.account_id GROUP BY r.root_id HAVING "
            + " OR ".join(tests[switch] for switch in switches if switch in tests),
        )
        billed = (
            "SELECT r.account_id FROM account_roots r "
            f"JOIN touched_{number} t ON t.account_id = r.root_id"
        )
        narrow = dict(whole)
        for table in _SOURCES:
            narrow[table] = f"SELECT * FROM own_{table} WHERE account_id IN ({billed})"
        for table in _followers():
            narrow[table] = (
                f"SELECT * FROM own_{table} "
                f"WHERE account_id IN (SELECT account_id FROM touched_{number})"
            )
        return _Ledger(number, narrow, whole, set())

    def _compute(self, ledger: _Ledger, config: Config, table: Derived) -> None:
        name = f"{table.name}_{ledger.number}"
        self._table(name, f"SELECT {cast_sql(table.columns)} FROM ({table.statement(config)})")
        ledger.narrow[table.name] = f"SELECT * FROM {name}"
        ledger.whole[table.name] = (
            f"SELECT * FROM {name} UNION ALL SELECT * FROM own_{table.name} o WHERE NOT EXISTS "
            f"(SELECT 1 FROM touched_{ledger.number} t WHERE t.account_id = o.account_id)"
        )
        ledger.done.add(table.name)
        # The next table reads the touched accounts of this one alone.
        views.create_one(self.engine, table.name, ledger.narrow[table.name])

    def _table(self, name: str, sql: str) -> None:
        self.engine.keep(name, sql)

    def _point(self, tables: Mapping[str, str]) -> None:
        for table, sql in tables.items():
            views.create_one(self.engine, table, sql)
        views.create_one(self.engine, "fx_bounds", fx_days.BOUNDS_SQL)
        self._now = tables
