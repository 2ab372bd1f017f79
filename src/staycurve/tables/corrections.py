"""Corrections: how the adjustments in force are laid over the rows that arrive."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping

from staycurve.tables.base import Table
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import name, quoted
from staycurve.tables.rejects import row_key_sql, stored_payload_sql
from staycurve.tables.writing import Writing

ADJUSTMENTS_TABLE = "adjustments"
ADJUSTMENTS_COLUMNS = (
    ("load", "BIGINT"),
    ("made_at", "VARCHAR"),
    ("table", "VARCHAR"),
    ("row_key", "VARCHAR"),
    ("shown", "VARCHAR"),
    ("column", "VARCHAR"),
    ("value", "VARCHAR"),
    ("stored", "VARCHAR"),
    ("author", "VARCHAR"),
    ("reason", "VARCHAR"),
)
"""`shown` is the key and `value` the value as given; `stored` holds the stored columns as JSON."""

ADJUSTED_TABLE = "adjusted_rows"
ADJUSTED_COLUMNS = (("table", "VARCHAR"), ("row_key", "VARCHAR"), ("payload", "VARCHAR"))
"""Rows that were adjusted, as JSON, as their source has them."""

Texts = Mapping[str, str | None]
"""Stored column → its value as text."""


def in_force(
    writing: Writing, engine: Engine, undone: Container[int]
) -> dict[str, dict[str, dict[str, str | None]]]:
    """Table → row's key → what was set by hand and still stands."""
    if ADJUSTMENTS_TABLE not in writing.tables:
        return {}
    scan = writing.scan(ADJUSTMENTS_TABLE, ADJUSTMENTS_COLUMNS)
    found: dict[str, dict[str, dict[str, str | None]]] = {}
    for load, table, row_key, stored in engine.rows(
        f'SELECT load, "table", row_key, stored FROM ({scan}) ORDER BY load'
    ):
        if load not in undone:
            found.setdefault(table, {}).setdefault(row_key, {}).update(json.loads(stored))
    return found


def corrected_sql(table: Table, rows: str, corrections: Mapping[str, Texts]) -> str:
    """A relation of `rows` with the corrections of their keys laid over them."""
    kinds = dict(table.stored)
    names = sorted({column for texts in corrections.values() for column in texts})
    values = ", ".join(
        f"({quoted(row_key)}, {quoted(json.dumps(dict(texts)))})"
        for row_key, texts in corrections.items()
    )
    laid = ", ".join(
        f"CASE WHEN list_contains(json_keys(a.payload), {quoted(column)}) THEN "
        f"CAST(json_extract_string(a.payload, {quoted('$.' + column)}) AS {kinds[column]}) "
        f"ELSE g.{name(column)} END AS {name(column)}"
        for column in names
    )
    return (
        f"(SELECT g.* REPLACE ({laid}) FROM {rows} g "
        f"LEFT JOIN (VALUES {values}) a (row_key, payload) "
        f"ON a.row_key = {row_key_sql(table, 'g')})"
    )


def keep_source(writing: Writing, engine: Engine, table: Table, rows: str) -> None:
    """Keep rows as their source has them, instead of what was kept of the same keys."""
    engine.execute(
        f'CREATE OR REPLACE TEMP TABLE kept_rows AS SELECT {quoted(table.name)} AS "table", '
        f"{row_key_sql(table, 'g')} AS row_key, {stored_payload_sql(table, 'g')} AS payload "
        f"FROM {rows} g"
    )
    if engine.value("SELECT COUNT(*) FROM kept_rows"):
        writing.replace(
            engine, ADJUSTED_TABLE, ADJUSTED_COLUMNS,
            new="SELECT * FROM kept_rows", keys="kept_rows", key=("table", "row_key"),
        )
