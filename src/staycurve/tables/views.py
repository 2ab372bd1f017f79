"""The tables of one snapshot, as relations that the engine can name."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from staycurve.errors import DamagedError
from staycurve.tables import account_merges, people
from staycurve.tables.account_roots import ACCOUNT_ROOTS
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.delta import DeltaTables
from staycurve.tables.derived import Derived
from staycurve.tables.engine import AnyEngine, empty_sql
from staycurve.tables.events import EVENTS
from staycurve.tables.fx_days import BOUNDS_SQL, COLUMNS as FX_COLUMNS
from staycurve.tables.invoice_spans import INVOICE_SPANS
from staycurve.tables.mrr_items import MRR_ITEMS
from staycurve.tables.mrr_movements import MRR_MOVEMENTS
from staycurve.tables.pointer import Snapshot
from staycurve.tables.trials import TRIALS
from staycurve.tables.usage_days import USAGE_DAYS
from staycurve.tables.usage_months import ACCOUNT_MONTHS, FEATURE_MONTHS, USER_MONTHS

DERIVED: dict[str, Derived] = {
    table.name: table for table in (ACCOUNT_ROOTS, INVOICE_SPANS, MRR_ITEMS, MRR_MOVEMENTS, TRIALS)
}
"""In the order in which they are computed."""

USAGE: dict[str, Derived] = {
    table.name: table for table in (USAGE_DAYS, USER_MONTHS, ACCOUNT_MONTHS, FEATURE_MONTHS)
}
"""What is computed from events, day by day; in this order."""

Columns = Sequence[tuple[str, str]]


def stored_columns() -> Mapping[str, Columns]:
    """Every relation that the lake keeps, with its columns."""
    found: dict[str, Columns] = {table.name: table.stored for table in CONFORMED.values()}
    found |= {table.name: table.columns for table in (*DERIVED.values(), *USAGE.values())}
    return found | {
        "fx_days": FX_COLUMNS, people.NAME: people.COLUMNS,
        account_merges.NAME: account_merges.COLUMNS,
    }


def seen_sql(
    lake: DeltaTables, snapshot: Snapshot, table: str, held: str, *,
    without: Collection[str] = (),
) -> str:
    """SQL of a table's rows as people see them: by the accounts and persons that they count for.

    Parameters
    ----------
    held : str
        SQL of the stored rows that are meant.
    """
    if table == EVENTS.name:
        held = by_person_sql(lake, snapshot, held, without=without)
    own = CONFORMED.get(table)
    # Most companies have one source of accounts: their rows are read as they lie.
    if own is None or not account_merges.names_accounts(own) or not lake.rows(
        snapshot, account_merges.NAME
    ):
        return held
    merges = lake.scan(snapshot, account_merges.NAME, account_merges.COLUMNS)
    return account_merges.resolved(own, held, merges)


def by_person_sql(
    lake: DeltaTables, snapshot: Snapshot, held: str, *, without: Collection[str] = ()
) -> str:
    """SQL of events by the person that each sender turned out to be, and by their own accounts.

    Parameters
    ----------
    held : str
        SQL of the stored rows that are meant.
    """
    # Most companies load users' own ids: their events are read as they lie.
    if people.NAME in without or not lake.rows(snapshot, people.NAME):
        return held
    return people.resolved(held, lake.scan(snapshot, people.NAME, people.COLUMNS))


def create(
    engine: AnyEngine, lake: DeltaTables, snapshot: Snapshot, *, without: Collection[str] = ()
) -> None:
    """Let the engine name every table as it is in `snapshot`, those of `without` as empty."""
    for table, columns in stored_columns().items():
        if table in without:
            create_one(engine, table, empty_sql(columns))
            continue
        lake.check(snapshot, table)
        sql = lake.scan(snapshot, table, columns)
        create_one(engine, table, seen_sql(lake, snapshot, table, sql, without=without))
    create_one(engine, "fx_bounds", BOUNDS_SQL)


def offer(engine: AnyEngine, lake: DeltaTables, snapshot: Snapshot) -> None:
    """Let the engine name every table as it is in `snapshot`; each is looked up when first named.

    A question names few of them, and on DuckDB a view opens the files that it lists.
    """

    def make(table: str, columns: Columns) -> None:
        sql = lake.scan(snapshot, table, columns)
        create_one(engine, table, seen_sql(lake, snapshot, table, sql))

    for table, columns in stored_columns().items():
        engine.later(table, partial(make, table, columns))
    engine.later("fx_bounds", partial(create_one, engine, "fx_bounds", BOUNDS_SQL))


def empty_tables(
    lake: DeltaTables, snapshot: Snapshot, others: Iterable[str] = ()
) -> frozenset[str]:
    """The conformed tables, and `others`, of which nothing is known.

    Invoice lines tell of subscriptions too.
    """
    found = {table for table in CONFORMED if lake.rows(snapshot, table) == 0}
    for table in others:
        # One that is damaged is computed again when it is read.
        with contextlib.suppress(DamagedError):
            found |= {table} if lake.rows(snapshot, table) == 0 else set()
    return frozenset(found - ({"subscriptions"} if has_spans(lake, snapshot) else set()))


def has_spans(lake: DeltaTables, snapshot: Snapshot) -> bool:
    """Whether anything is loaded that tells what accounts are billed."""
    return any(lake.rows(snapshot, table) for table in ("subscriptions", "invoice_lines"))


def create_one(engine: AnyEngine, table: str, sql: str) -> None:
    """Let the engine name the answer of `sql`."""
    engine.view(table, sql)
