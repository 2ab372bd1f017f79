"""Books: the months that were closed, their figures, and what changed them since.

closed_months, closed_figures and closed_accounts are written once and never again. What a month
is now is computed with the as-of of its closing, so a difference comes from rows or conventions.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from staycurve.config import Config
from staycurve.errors import NotAnsweredError
from staycurve.tables.base import PROVENANCE, Table
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.engine import AnyEngine, name, quoted
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import LoadRecord, Snapshot, undone_by
from staycurve.tables.refresh import LEDGER
from staycurve.tables.staging import parquet_sql
from staycurve.tables.stale import STALE_TABLE
from staycurve.tables.views import DERIVED
from staycurve.tables.writing import Writing

MONTHS_TABLE = "closed_months"
MONTHS_COLUMNS = (
    ("month", "DATE"),
    ("month_end", "DATE"),
    ("closed_at", "VARCHAR"),
    ("as_of", "VARCHAR"),
    ("seq", "BIGINT"),
    ("conventions", "VARCHAR"),
)
FIGURES_TABLE = "closed_figures"
FIGURES_COLUMNS = (("month", "DATE"), ("metric", "VARCHAR"), ("value", "DOUBLE"))
ACCOUNTS_TABLE = "closed_accounts"
ACCOUNTS_COLUMNS = (
    ("month", "DATE"),
    ("metric", "VARCHAR"),
    ("account_id", "VARCHAR"),
    ("value", "BIGINT"),
)
"""`value` is in micro-units of the company's currency; accounts without one have no row."""

_CAUSES = ("subscriptions", "invoice_lines", "plans", "payments", "accounts", "fx_rates")
"""The tables that an account's MRR depends on."""

KEYS_SHOWN = 20
"""Of a cause, so many changed rows are named; all are counted."""

Figures = Mapping[str, float | None]
AccountFigures = Mapping[tuple[str, str], int]
"""(metric, account) → micro-units."""


@dataclass(frozen=True)
class ClosedMonth:
    """One month that was closed.

    Attributes
    ----------
    month, end : date
        Its first day, and the first day after it.
    closed_at, as_of : str
        ISO 8601, UTC.
    seq : int
        The move of the pointer whose rows the figures were computed from.
    conventions : mapping
        Those in force.
    """

    month: dt.date
    end: dt.date
    closed_at: str
    as_of: str
    seq: int
    conventions: Mapping[str, object]


@dataclass(frozen=True)
class Cause:
    """A load that changed rows of an account since a month was closed.

    Attributes
    ----------
    rows : tuple of str
        What happened to which key: `changed s1, 2024-01-01`; at most KEYS_SHOWN of them.
    count : int
        How many rows it changed.
    """

    load: int
    kind: str
    file: str
    table: str
    rows: tuple[str, ...]
    count: int


def known_at(lake: Lake, instant: dt.datetime) -> Snapshot:
    """The snapshot that readers saw at an instant: the last that had been refreshed by then.

    Raises
    ------
    NotAnsweredError
        If there was none, or another version of staycurve had computed it.
    """
    found = lake.pointer.known_at(instant)
    while found.seq and ("ledger" not in found.meta or lake.rows(found, STALE_TABLE) > 0):
        found = lake.pointer.before(found.seq)
    if not found.seq:
        raise NotAnsweredError(
            f"Nothing had been loaded by {instant.isoformat()}.",
            hint="When what was loaded: staycurve loads",
        )
    if found.meta["ledger"] != LEDGER:
        raise NotAnsweredError(
            f"What was known at {instant.isoformat()} was computed by another version of "
            "staycurve, with other definitions.",
            hint="Months that were closed keep their figures: staycurve restatements",
        )
    return found


def conventions_of(config: Config) -> dict[str, object]:
    """Everything in staycurve.toml that figures depend on."""
    return {
        **config.conventions,
        "end_reasons": dict(config.end_reasons),
        "exclude": list(config.company.exclude),
        "fiscal_year_start": config.company.fiscal_year_start,
    }


def changed_conventions(then: Mapping[str, object], now: Mapping[str, object]) -> tuple[str, ...]:
    """What differs, in words: `past_due_grace: 30d, now 0d`."""
    found = []
    for key in sorted({*then, *now}):
        before, after = then.get(key), now.get(key)
        if before == after:
            continue
        is_short = isinstance(before, str) and isinstance(after, str)
        found.append(f"{key}: {before}, now {after}" if is_short else f"{key}: changed")
    return tuple(found)


def closed_months(lake: Lake, snapshot: Snapshot, engine: AnyEngine) -> list[ClosedMonth]:
    """Every closed month, the earliest first."""
    scan = lake.scan(snapshot, MONTHS_TABLE, MONTHS_COLUMNS)
    rows = engine.rows(
        f"SELECT month, month_end, closed_at, as_of, seq, conventions FROM ({scan}) ORDER BY month"
    )
    return [
        ClosedMonth(month, end, closed_at, as_of, seq, json.loads(conventions))
        for month, end, closed_at, as_of, seq, conventions in rows
    ]


def closed_figures(
    lake: Lake, snapshot: Snapshot, engine: AnyEngine, month: dt.date
) -> dict[str, float | None]:
    """Metric → its value when the month was closed."""
    scan = lake.scan(snapshot, FIGURES_TABLE, FIGURES_COLUMNS)
    return dict(
        engine.rows(f"SELECT metric, value FROM ({scan}) WHERE month = DATE '{month}' ORDER BY 1")
    )


def closed_accounts(
    lake: Lake, snapshot: Snapshot, engine: AnyEngine, month: dt.date
) -> dict[tuple[str, str], int]:
    """(metric, account) → micro-units when the month was closed."""
    scan = lake.scan(snapshot, ACCOUNTS_TABLE, ACCOUNTS_COLUMNS)
    rows = engine.rows(
        f"SELECT metric, account_id, value FROM ({scan}) WHERE month = DATE '{month}'"
    )
    return {(metric, account): value for metric, account, value in rows}


def write(
    writing: Writing, engine: AnyEngine, closed: ClosedMonth, figures: Figures,
    accounts: AccountFigures,
) -> None:
    """Add a closed month to the lake."""
    month = closed.month
    conventions = json.dumps(dict(closed.conventions), sort_keys=True)
    about = (month, closed.end, closed.closed_at, closed.as_of, closed.seq, conventions)
    parts = (
        (MONTHS_TABLE, MONTHS_COLUMNS, [about]),
        (FIGURES_TABLE, FIGURES_COLUMNS, [(month, m, v) for m, v in figures.items()]),
        (
            ACCOUNTS_TABLE, ACCOUNTS_COLUMNS,
            [(month, metric, account, value) for (metric, account), value in accounts.items()],
        ),
    )
    engine.spill.mkdir(parents=True, exist_ok=True)
    for table, columns, rows in parts:
        path = engine.spill / f"{table}.parquet"
        _store(path, columns, rows)
        writing.append(engine, table, columns, f"SELECT * FROM {parquet_sql(path)}")


def _store(
    path: Path, columns: Sequence[tuple[str, str]], rows: Iterable[tuple[object, ...]]
) -> None:
    # Only a close needs the library, and it takes 50 MiB.
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {
        "DATE": pa.date32(), "VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(),
    }
    schema = pa.schema([(column, kinds[kind]) for column, kind in columns])
    names = [column for column, _ in columns]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    pq.write_table(pa.Table.from_pylist(found, schema=schema), path)


def causes(
    lake: Lake, engine: AnyEngine, closed: ClosedMonth, now: Snapshot, *, config: Config
) -> dict[str, list[Cause]]:
    """Customer → the loads that changed its rows since the month was closed.

    A load that was taken back since is no cause, nor is the one that took it back; rows that
    were loaded again as they were are none either.
    """
    records = lake.pointer.loads()
    since = {record.load for record in records if record.seq > closed.seq}
    undone = {
        load: by for load, by in undone_by(records).items() if load in since and by in since
    }
    over = {*undone, *undone.values()}
    roots = DERIVED["account_roots"]
    snapshots = (now, lake.pointer.snapshot(closed.seq))
    customers = " UNION ".join(
        f"SELECT account_id, root_id FROM ({lake.scan(s, roots.name, roots.columns)})"
        for s in snapshots
    )
    engine.keep("customers", customers)
    spans, lines = CONFORMED["subscriptions"], CONFORMED["invoice_lines"]
    currencies = " UNION ".join(
        f"SELECT account_id, currency FROM ({lake.scan(s, table.name, table.stored)})"
        for s in snapshots for table in (spans, lines)
    )
    engine.keep("currencies", currencies)
    plans = " UNION ".join(
        f"SELECT account_id, plan FROM ({lake.scan(s, spans.name, spans.stored)}) "
        "WHERE amount IS NULL" for s in snapshots
    )
    engine.keep("priced_by_plan", plans)
    found: dict[str, list[Cause]] = {}
    for record in records:
        if record.load not in since or record.load in over:
            continue
        for table in _CAUSES:
            if table in record.versions:
                for customer, cause in _changed(lake, engine, record, CONFORMED[table], config):
                    found.setdefault(customer, []).append(cause)
    return found


def _changed(
    lake: Lake, engine: AnyEngine, record: LoadRecord, table: Table, config: Config
) -> list[tuple[str, Cause]]:
    before, after = lake.difference(*record.versions[table.name], table.name, table.stored)
    kept = [column for column, _ in table.stored if (column, "BIGINT") not in PROVENANCE]
    which = ""
    if table.name == "accounts" and not config.company.exclude:
        # Of an account's own columns nothing else moves its MRR.
        kept, which = ["account_id", "parent_id"], "WHERE parent_id IS NOT NULL"
    listed = ", ".join(name(column) for column in kept)
    key = f"concat_ws(', ', {', '.join(_shown(table, column) for column in table.key)})"
    owner = {"fx_rates": "currency", "plans": "plan"}.get(table.name, "account_id")
    engine.keep("changed_rows", f"""
        SELECT {owner} AS owner, {key} AS key,
               CASE WHEN COUNT(DISTINCT side) = 2 THEN 'changed'
                    WHEN MAX(side) = 'after' THEN 'added' ELSE 'removed' END AS what
        FROM (
            (SELECT {listed}, 'before' AS side FROM
                (SELECT {listed} FROM ({before}) {which}
                 EXCEPT SELECT {listed} FROM ({after})))
            UNION ALL
            (SELECT {listed}, 'after' AS side FROM
                (SELECT {listed} FROM ({after}) {which}
                 EXCEPT SELECT {listed} FROM ({before})))
        ) sides GROUP BY {owner}, {key}
    """)
    owners = "SELECT account_id, account_id AS owner FROM customers"
    if table.name == "fx_rates":
        owners = "SELECT account_id, currency AS owner FROM currencies"
    if table.name == "plans":
        owners = "SELECT account_id, plan AS owner FROM priced_by_plan"
    rows = engine.rows(f"""
        SELECT DISTINCT c.root_id, r.what || ' ' || r.key FROM changed_rows r
        JOIN ({owners}) o ON o.owner = r.owner
        JOIN customers c ON c.account_id = o.account_id
        ORDER BY 1, 2
    """)
    by_customer: dict[str, list[str]] = {}
    for customer, row in rows:
        by_customer.setdefault(str(customer), []).append(str(row))
    return [
        (
            customer,
            Cause(
                record.load, record.kind, record.file, table.name, tuple(named[:KEYS_SHOWN]),
                len(named),
            ),
        )
        for customer, named in by_customer.items()
    ]


def _shown(table: Table, column: str) -> str:
    """SQL for a key's column as people write it: an instant at midnight is a date."""
    if table.column(column).kind != "instant":
        return f"CAST({name(column)} AS VARCHAR)"
    # A cast writes 2024-01-31 00:00:00, and a fraction after it if there is one.
    text = f"replace(substring(CAST({name(column)} AS VARCHAR), 1, 19), ' ', 'T') || 'Z'"
    return f"replace({text}, {quoted('T00:00:00Z')}, '')"
