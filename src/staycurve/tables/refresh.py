"""Refresh: bring the derived tables up to date, for the accounts that changed alone if possible."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staycurve.config import Config
from staycurve.period import day_start
from staycurve.tables import fx_days, views
from staycurve.tables.account_roots import ACCOUNT_ROOTS
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.engine import Engine
from staycurve.tables.lake import Lake, Writing
from staycurve.tables.stale import STALE_COLUMNS, STALE_TABLE
from staycurve.tables.views import DERIVED

LEDGER = 1
"""Grows when a statement of a derived table changes its meaning: then all of it is computed."""

FULL_SHARE = 0.3
"""With more of the accounts changed than this, computing everything costs less than replacing."""

_BY_ACCOUNT = tuple(table for table in DERIVED.values() if table is not ACCOUNT_ROOTS)


@dataclass(frozen=True)
class RefreshReport:
    """What a refresh did.

    Attributes
    ----------
    is_full : bool
        Whether everything was computed.
    accounts : int
        How many customers were computed; all of them when full.
    reason : str
        Why it was full, or empty.
    """

    is_full: bool
    accounts: int
    reason: str = ""


def is_due(lake: Lake, config: Config) -> bool:
    """Whether a refresh has anything to do."""
    snapshot = lake.pointer.latest()
    return bool(_full_reason(snapshot.meta, snapshot.tables, config)) or (
        lake.rows(snapshot, STALE_TABLE) > 0
    )


def _full_reason(meta: Mapping[str, Any], tables: Mapping[str, int], config: Config) -> str:
    if not all(table in tables for table in DERIVED):
        return "first refresh"
    if meta.get("ledger") != LEDGER:
        return "the definitions changed with this version"
    if meta.get("ledger_hash") != config.ledger_hash:
        return "staycurve.toml changed"
    return ""


def refresh(
    lake: Lake,
    config: Config,
    engine: Engine,
    *,
    now: dt.datetime,
    is_full: bool = False,
    wait: float = 600.0,
) -> RefreshReport:
    """Compute what changed since the last refresh, or everything, and move the pointer once."""
    with lake.writing(wait=wait) as writing:
        views.create(engine, lake, writing.now_seen)
        reason = "asked for" if is_full else ""
        reason = reason or _full_reason(writing.meta, writing.tables, config)
        stale = writing.scan(STALE_TABLE, STALE_COLUMNS)
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE stale AS SELECT DISTINCT account_id FROM ({stale})"
        )
        _refresh_fx(engine, config, writing)
        _refresh_roots(engine, config, writing)
        if not reason:
            touched = _touch(engine)
            customers = engine.value("SELECT COUNT(DISTINCT root_id) FROM account_roots")
            if touched > FULL_SHARE * customers:
                reason = "most accounts changed"
        if reason:
            report = _all(engine, config, writing, reason)
        else:
            report = _some(engine, config, writing, touched)
        writing.write(engine, STALE_TABLE, STALE_COLUMNS, f"SELECT * FROM ({stale}) WHERE 1 = 0")
        meta = {
            "ledger": LEDGER,
            "ledger_hash": config.ledger_hash,
            "timezone": config.company.timezone,
            "currency": config.company.currency,
            "attributes": engine.json_keys("accounts", "attributes"),
            **_latest(engine, config, writing),
        }
        writing.commit(meta=meta, now=now)
    return report


def _latest(engine: Engine, config: Config, writing: Writing) -> dict[str, object]:
    """The latest instant observed in any table; only tables that changed are looked through."""
    known = dict(writing.meta.get("latest", {}))
    for table in CONFORMED.values():
        version = writing.tables.get(table.name)
        columns = [
            column.name
            for column in table.columns
            # What is planned has not been observed; exchange rates run on without the company.
            if column.kind in ("instant", "day", "month")
            and column.name != "renews_at"
            and table.name != "fx_rates"
        ]
        if version is None or not columns or known.get(table.name, [None])[0] == version:
            continue
        latest = ", ".join(f"MAX({column})" for column in columns)
        found = [at for at in engine.rows(f"SELECT {latest} FROM {table.name}")[0] if at]
        instants = [
            at.replace(tzinfo=dt.UTC)
            if isinstance(at, dt.datetime)
            else day_start(at, config.company.zone)
            for at in found
        ]
        iso = max(instants).isoformat() if instants else None
        known[table.name] = [version, iso]
    times = [dt.datetime.fromisoformat(iso) for _, iso in known.values() if iso]
    return {"latest": known, "latest_at": max(times).isoformat() if times else None}


def _refresh_fx(engine: Engine, config: Config, writing: Writing) -> None:
    fx_days.build(engine, config, "new_fx_days")
    # A rate that changed touches every account with an item in that currency.
    engine.execute("""
        INSERT INTO stale
        WITH changed AS (
            SELECT currency FROM (
                (SELECT currency, day, rate FROM fx_days
                 EXCEPT SELECT currency, day, rate FROM new_fx_days)
                UNION ALL
                (SELECT currency, day, rate FROM new_fx_days
                 EXCEPT SELECT currency, day, rate FROM fx_days)
            ) GROUP BY currency
        )
        SELECT DISTINCT account_id FROM subscriptions
        WHERE currency IN (SELECT currency FROM changed)
    """)
    writing.write(engine, "fx_days", fx_days.COLUMNS, "SELECT * FROM new_fx_days")
    views.create_one(engine, "fx_days", writing.scan("fx_days", fx_days.COLUMNS))
    views.create_one(engine, "fx_bounds", fx_days.BOUNDS_SQL)


def _refresh_roots(engine: Engine, config: Config, writing: Writing) -> None:
    table = ACCOUNT_ROOTS
    statement = table.statement(config)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE new_roots AS {statement}")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE old_roots AS SELECT * FROM {table.name}")
    # An account that moved to another customer, or in or out of the count, touches both sides.
    engine.execute("""
        INSERT INTO stale
        SELECT account_id FROM (
            (SELECT * FROM old_roots EXCEPT SELECT * FROM new_roots)
            UNION
            (SELECT * FROM new_roots EXCEPT SELECT * FROM old_roots)
        )
    """)
    writing.write(engine, table.name, table.columns, "SELECT * FROM new_roots")
    views.create_one(engine, table.name, writing.scan(table.name, table.columns))


def _touch(engine: Engine) -> int:
    engine.execute("""
        CREATE OR REPLACE TEMP TABLE touched AS
        SELECT DISTINCT r.root_id AS account_id
        FROM (SELECT * FROM old_roots UNION SELECT * FROM new_roots) r
        WHERE r.account_id IN (SELECT account_id FROM stale)
           OR r.root_id IN (SELECT account_id FROM stale)
    """)
    engine.execute("""
        CREATE OR REPLACE TEMP TABLE touched_accounts AS
        SELECT DISTINCT account_id FROM new_roots
        WHERE root_id IN (SELECT account_id FROM touched)
    """)
    return int(engine.value("SELECT COUNT(*) FROM touched"))


def _all(engine: Engine, config: Config, writing: Writing, reason: str) -> RefreshReport:
    for table in _BY_ACCOUNT:
        writing.write(engine, table.name, table.columns, table.statement(config))
        views.create_one(engine, table.name, writing.scan(table.name, table.columns))
    customers = engine.value("SELECT COUNT(DISTINCT root_id) FROM account_roots")
    return RefreshReport(True, int(customers), reason)


def _some(engine: Engine, config: Config, writing: Writing, touched: int) -> RefreshReport:
    if touched == 0:
        return RefreshReport(False, 0)
    for source in ("subscriptions", "payments"):
        columns = views.stored_columns()[source]
        views.create_one(
            engine,
            source,
            f"SELECT * FROM ({writing.scan(source, columns)}) "
            "WHERE account_id IN (SELECT account_id FROM touched_accounts)",
        )
    for table in _BY_ACCOUNT:
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE new_{table.name} AS {table.statement(config)}"
        )
        writing.replace(
            engine,
            table.name,
            table.columns,
            new=f"SELECT * FROM new_{table.name}",
            keys="touched",
            key=("account_id",),
        )
        # The next table reads the changed accounts of this one alone.
        views.create_one(engine, table.name, f"SELECT * FROM new_{table.name}")
    return RefreshReport(False, touched)
