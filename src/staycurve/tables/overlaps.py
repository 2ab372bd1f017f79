"""Overlaps: of two overlapping spans of one item, the later-starting one is rejected.

The outcome is a function of the set of rows alone, never of the order in which they were loaded:
an item whose rows changed is decided anew over its kept rows and those rejected before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path

from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import Row
from staycurve.tables.staging import parquet_sql, store

LOADED, ARRIVING, ASIDE = 0, 1, 2
"""Where a span comes from: the lake, this load, or those rejected before."""

ITEM = ("subscription_id", "item_id")
_COLUMNS = "subscription_id, item_id, starts_at, ends_at"


def same(left: str, right: str, columns: Iterable[str]) -> str:
    """SQL: whether two aliases agree in `columns`, empty values included."""
    return " AND ".join(f"{left}.{c} IS NOT DISTINCT FROM {right}.{c}" for c in columns)


def decide(
    engine: Engine, *, arriving: str, loaded: str | None, aside: str | None, folder: Path
) -> str | None:
    """A relation that says for each span in doubt whether it is rejected.

    Parameters
    ----------
    arriving, loaded, aside : str
        Relations of subscriptions: this load's, the lake's, and those rejected before, the
        latter two None when they hold nothing. A key occurs once in each.

    Returns
    -------
    str or None
        subscription_id, item_id, starts_at, origin and rule, which is NULL when the span is kept;
        None when no span is in doubt.
    """
    universe = folder / "universe.parquet"
    store(engine, _universe_sql(engine, arriving, loaded, aside), universe)
    spans = parquet_sql(universe)
    engine.execute(f"""
        CREATE OR REPLACE TEMP TABLE doubtful AS
        SELECT DISTINCT subscription_id, item_id FROM {spans}
        WHERE origin = {ASIDE} OR hash(subscription_id, item_id) IN (
            SELECT item FROM (
                SELECT item, ends_at, lead(starts_at) OVER (
                    PARTITION BY item ORDER BY starts_at) AS next_at
                FROM (SELECT hash(subscription_id, item_id) AS item, starts_at, ends_at
                      FROM {spans} WHERE ends_at IS NULL OR ends_at > starts_at)
            ) WHERE next_at IS NOT NULL AND (ends_at IS NULL OR ends_at > next_at)
        )
    """)
    if not engine.value("SELECT COUNT(*) FROM doubtful"):
        return None
    target = folder / "decided.parquet"
    ordered = (
        f"SELECT {_COLUMNS}, origin FROM {spans} u WHERE EXISTS (SELECT 1 FROM doubtful d "
        f"WHERE {same('u', 'd', ITEM)}) ORDER BY subscription_id, item_id, starts_at, origin"
    )
    _write(target, _decided(engine.batches(ordered)))
    return parquet_sql(target)


def _write(target: Path, decided: Iterable[list[dict[str, object]]]) -> None:
    # A server imports this module and decides nothing: the library takes 50 MiB.
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([
        ("subscription_id", pa.string()), ("item_id", pa.string()),
        ("starts_at", pa.timestamp("us")), ("origin", pa.int32()), ("rule", pa.string()),
    ])
    with pq.ParquetWriter(target, schema) as writer:
        for batch in decided:
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))


def _universe_sql(engine: Engine, arriving: str, loaded: str | None, aside: str | None) -> str:
    """Every span of the items of which a span is new or has another end."""
    if loaded is None and aside is None:
        return f"SELECT {_COLUMNS}, {ARRIVING} AS origin FROM {arriving}"
    key = (*ITEM, "starts_at")
    moved = f"SELECT DISTINCT subscription_id, item_id FROM {arriving} a"
    if loaded is not None:
        unchanged = same("l", "a", (*key, "ends_at"))
        moved += f" WHERE NOT EXISTS (SELECT 1 FROM {loaded} l WHERE {unchanged})"
    engine.execute(f"CREATE OR REPLACE TEMP TABLE moved AS {moved}")
    is_moved = f"EXISTS (SELECT 1 FROM moved m WHERE {same('s', 'm', ITEM)})"
    is_new = f"EXISTS (SELECT 1 FROM {arriving} a WHERE {same('s', 'a', key)})"
    parts = [f"SELECT {_COLUMNS}, {ARRIVING} AS origin FROM {arriving} s WHERE {is_moved}"]
    for relation, origin in ((loaded, LOADED), (aside, ASIDE)):
        if relation is not None:
            parts.append(
                f"SELECT {_COLUMNS}, {origin} AS origin FROM {relation} s "
                f"WHERE {is_moved} AND NOT {is_new}"
            )
    return " UNION ALL ".join(parts)


def _decided(batches: Iterable[list[Row]]) -> Iterator[list[dict[str, object]]]:
    item: tuple[object, object] | None = None
    kept: tuple[dt.datetime, dt.datetime | None] | None = None
    for batch in batches:
        found: list[dict[str, object]] = []
        for subscription, item_id, starts_at, ends_at, origin in batch:
            if (subscription, item_id) != item:
                item, kept = (subscription, item_id), None
            rule = None
            if ends_at is None or ends_at > starts_at:
                if kept is not None and (kept[1] is None or starts_at < kept[1]):
                    rule = f"overlaps the same item's span that starts at {kept[0].isoformat()}Z"
                else:
                    kept = (starts_at, ends_at)
            found.append(
                {
                    "subscription_id": subscription,
                    "item_id": item_id,
                    "starts_at": starts_at,
                    "origin": origin,
                    "rule": rule,
                }
            )
        yield found
