"""Arriving: rows of forgotten people on their way into the lake get the random keys.

A row is taken as any other, so that counts and money stay what they were: it replaces the row that
it had become.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from staycurve.tables.base import Table
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import name, quoted
from staycurve.tables.person.rows import JSON_COLUMNS, cleaned
from staycurve.tables.person.searching import condition
from staycurve.tables.person.terms import PERSON_COLUMNS
from staycurve.tables.person.tombstones import Tombstones
from staycurve.tables.staging import ROW, parquet_sql, store


def stripped(
    engine: Engine, tombstones: Tombstones, table: Table, rows: str, folder: Path, *,
    marks: tuple[str, ...] = (),
) -> str:
    """A relation of `rows`, those of forgotten people under their keys; itself without any."""
    columns = [column for column, kind in table.stored if kind == "VARCHAR"]
    terms = tombstones.terms(_candidates(engine, tombstones, columns, rows), marks=marks)
    if terms.is_empty:
        return rows
    conditions = [one for column in columns if (one := condition(terms, column))]
    texts = ", ".join(name(column) for column in columns)
    fixes = []
    for place, *cells in engine.rows(
        f"SELECT {ROW}, {texts} FROM {rows} WHERE {' OR '.join(conditions)}"
    ):
        row = dict(zip(columns, cells, strict=True))
        own = tombstones.terms_of(row, marks=marks)
        if changes := cleaned(own, table.name, row):
            fixes.append((place, *({**row, **changes}[column] for column in columns)))
    if not fixes:
        return rows
    engine.put(
        "stripped", (("place", "BIGINT"), *((column, "VARCHAR") for column in columns)), fixes
    )
    listed = ", ".join(
        f"CASE WHEN x.place IS NULL THEN t.{name(column)} ELSE x.{name(column)} END AS "
        f"{name(column)}" if column in columns else f"t.{name(column)}"
        for column in [*(column for column, _ in table.stored), ROW]
    )
    target = folder / "stripped.parquet"
    store(
        engine, f"SELECT {listed} FROM {rows} t LEFT JOIN stripped x ON x.place = t.{ROW}", target
    )
    engine.drop("stripped")
    return parquet_sql(target)


def strip_rejected(engine: Engine, tombstones: Tombstones, load: int) -> None:
    """Let what a load rejected name no forgotten person: in the engine's table `rejected`."""
    columns = ("table", "column", "value", "rule", "payload", "row_key", "file", "path")
    listed = ", ".join(f"r.{name(column)}" for column in columns)
    fixes = []
    for place, *cells in engine.rows(
        f"SELECT rowid, {listed} FROM rejected r WHERE load = {load}"
    ):
        row = dict(zip(columns, cells, strict=True))
        # What is listed of a row may be any part of it: each is looked at as an id.
        terms = tombstones.terms_of({
            "user_id": [row["value"], row["payload"], row["row_key"]], "rule": row["rule"],
        })
        if terms.is_empty:
            continue
        changes = cleaned(terms, str(row["table"]), row)
        if changes:
            fixes.append((place, *({**row, **changes}[column] for column in columns)))
    if not fixes:
        return
    engine.put(
        "stripped", (("place", "BIGINT"), *((column, "VARCHAR") for column in columns)), fixes
    )
    values = ", ".join(f"{name(column)} = x.{name(column)}" for column in columns)
    engine.execute(f"UPDATE rejected SET {values} FROM stripped x WHERE rejected.rowid = x.place")
    engine.drop("stripped")


def known_again(
    engine: Engine, tombstones: Tombstones, files: Mapping[str, Sequence[str]]
) -> list[str]:
    """Ids and addresses of forgotten people in files of the lake (table → addresses), sorted."""
    found: set[str] = set()
    for paths in files.values():
        listed = ", ".join(quoted(path) for path in paths)
        rows = f"read_parquet([{listed}], union_by_name=true, hive_partitioning=false)"
        columns = [
            str(column) for column, kind, *_ in engine.rows(f"DESCRIBE SELECT * FROM {rows}")
            if kind == "VARCHAR"
        ]
        if columns:
            found.update(_candidates(engine, tombstones, columns, rows))
    return sorted(found)


def _candidates(
    engine: Engine, tombstones: Tombstones, columns: Sequence[str], rows: str
) -> list[str]:
    """Every text in the rows that is an id or an address of somebody who was forgotten."""
    engine.put("digests", (("digest", "VARCHAR"),), [(one,) for one in tombstones.digests])
    parts: list[str] = []
    for column in columns:
        own = name(column)
        if column in PERSON_COLUMNS or column == "email":
            parts += [f"SELECT {own} AS text FROM {rows}", f"SELECT lower({own}) FROM {rows}"]
            continue
        found = f"unnest(regexp_extract_all(lower({own}), {quoted(_ADDRESS_SQL)}))"
        parts.append(f"SELECT rtrim({found}, '.') FROM {rows} WHERE contains({own}, '@')")
        if column in JSON_COLUMNS:
            # An id stands in JSON as a whole text.
            parts.append(
                f"SELECT unnest(regexp_extract_all({own}, {quoted(_TEXTS_SQL)}, 1)) FROM {rows}"
            )
    every = " UNION ".join(f"SELECT text FROM ({part}) p(text)" for part in parts)
    return [
        str(text) for (text,) in engine.rows(
            f"SELECT text FROM ({every}) e WHERE text <> '' AND {tombstones.hmac_sql('text')} IN "
            "(SELECT digest FROM digests) ORDER BY text"
        )
    ]


_ADDRESS_SQL = r"""[^\s"'<>(),;:\\|={}\[\]/?&]+@[^\s"'<>(),;:\\|={}\[\]/?&]+"""
_TEXTS_SQL = r'[:\[,]\s*"([^"\\@{}]{8,200})"'
