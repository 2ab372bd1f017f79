"""Adjustments: audited corrections of single rows, which stay when their file is loaded again.

adjustments is only appended to: what was adjusted, by whom, why. adjusted_rows keeps each such
row as its source has it, so that taking an adjustment back gives the source's word.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Mapping, Set as AbstractSet
from dataclasses import dataclass

from staycurve.config import Config
from staycurve.errors import LoadError, UnknownNameError
from staycurve.tables.arrivals import Arrivals
from staycurve.tables.base import Table
from staycurve.tables.conform import Conforming, typed_sql
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.corrections import (
    ADJUSTED_COLUMNS,
    ADJUSTED_TABLE,
    ADJUSTMENTS_COLUMNS,
    ADJUSTMENTS_TABLE,
    corrected_sql,
    in_force,
    keep_source,
)
from staycurve.tables.duckdb_engine import Engine, remove_leftovers
from staycurve.tables.engine import AnyEngine, name, quoted
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import LoadRecord, Snapshot, changed_versions, undone_by
from staycurve.tables.rejects import from_payload_sql, row_key_sql
from staycurve.tables.staging import LINE, ROW, parquet_sql, store


@dataclass(frozen=True)
class Adjustment:
    """One column of one row that was set by hand.

    Attributes
    ----------
    key : str
        The row's key as it was given.
    value : str
        As it was given; empty for no value.
    state : str
        in force, replaced (by a later one) or undone.
    """

    load: int
    made_at: str
    table: str
    key: str
    column: str
    value: str
    author: str
    reason: str
    state: str


def adjustments(lake: Lake, snapshot: Snapshot, engine: AnyEngine) -> list[Adjustment]:
    """Every adjustment, the earliest first."""
    scan = lake.scan(snapshot, ADJUSTMENTS_TABLE, ADJUSTMENTS_COLUMNS)
    rows = engine.rows(
        'SELECT load, made_at, "table", shown, "column", value, author, reason, row_key '
        f'FROM ({scan}) ORDER BY load, "column"'
    )
    undone = undone_by(lake.pointer.loads())
    latest = {(row[2], row[8], row[4]): row[0] for row in rows if row[0] not in undone}
    return [
        Adjustment(
            load, made_at, table, shown, column, value, author, reason,
            _state(load, undone, latest.get((table, row_key, column))),
        )
        for load, made_at, table, shown, column, value, author, reason, row_key in rows
    ]


def _state(load: int, undone: Mapping[int, int], latest: int | None) -> str:
    if load in undone:
        return "undone"
    return "in force" if load == latest else "replaced"


def adjust(
    lake: Lake,
    config: Config,
    table: str,
    *,
    key: Mapping[str, str],
    values: Mapping[str, str],
    author: str,
    reason: str,
    now: dt.datetime,
    wait: float = 600.0,
) -> int:
    """Set columns of one row by hand; the number of the load that this is.

    Parameters
    ----------
    key : mapping
        Key column → its text, as a file would have it; columns that are empty may be left out.
    values : mapping
        Column → its text; empty for no value.

    Raises
    ------
    UnknownNameError, LoadError
        If the table, the row or a column is not known, a value breaks a rule, or nobody signs.
    """
    if table not in CONFORMED:
        raise UnknownNameError("table", table, CONFORMED)
    found = CONFORMED[table]
    _check_words(found, key, values, author, reason)
    with lake.writing(wait=wait) as writing, Engine(lake.folder / ".tmp") as engine:
        remove_leftovers(lake.folder / ".tmp")
        records = lake.pointer.loads()
        number = lake.pointer.next_load()
        files = {r.load: (r.file, str(r.details.get("path", r.file))) for r in records}
        before = dict(writing.tables)
        folder = engine.spill.with_name(engine.spill.name + "-adjusted")
        folder.mkdir(parents=True)
        try:
            arrivals = Arrivals(engine, writing, config, folder, files)
            row_key, stored = _typed(engine, config, found, key, values)
            match = f"{row_key_sql(found, 't')} = {quoted(row_key)}"
            _check_row(engine, found, key, match)
            standing = in_force(writing, engine, undone_by(records)).get(table, {}).get(row_key, {})
            target = folder / "adjusted.parquet"
            row = f"(SELECT t.*, 0 AS {ROW} FROM {table} t WHERE {match})"
            if not standing:
                keep_source(writing, engine, found, row)
            new = corrected_sql(found, row, {row_key: {**standing, **stored}})
            store(engine, f"SELECT * FROM {new}", target)
            _check_rules(engine, found, parquet_sql(target))
            _put(arrivals, engine, found, parquet_sql(target), number)
            shown = ", ".join(f"{column}={text}" for column, text in key.items())
            made_at = now.astimezone(dt.UTC).isoformat()
            for column, text in values.items():
                own = {name: stored[name] for name in _stored_names(found, column)}
                line = (made_at, table, row_key, shown, column, text, json.dumps(own),
                        author.strip(), reason.strip())
                listed = ", ".join(
                    f"{quoted(cell)} AS {name(column)}"
                    for cell, (column, _) in zip(line, ADJUSTMENTS_COLUMNS[1:], strict=True)
                )
                writing.append(
                    engine, ADJUSTMENTS_TABLE, ADJUSTMENTS_COLUMNS,
                    f"SELECT {number} AS load, {listed}",
                )
            arrivals.settle(number)
            arrivals.save()
            record = LoadRecord(
                load=number, loaded_at=made_at, file=f"adjusted by {author.strip()}", table=table,
                accepted=0, replaced=1, rejected=0,
                details={
                    "kind": "adjust", "author": author.strip(), "reason": reason.strip(),
                    "row_key": row_key, "versions": changed_versions(before, writing.tables),
                },
            )
            writing.commit(loads=[record], now=now)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return number


def take_back(
    arrivals: Arrivals, engine: Engine, record: LoadRecord, undone: AbstractSet[int], load: int
) -> int:
    """Let a row be as its source has it, with the adjustments that still stand; rows restored."""
    table, row_key = CONFORMED[record.table], str(record.details["row_key"])
    match = f"{row_key_sql(table, 't')} = {quoted(row_key)}"
    if not engine.value(f"SELECT COUNT(*) FROM {table.name} t WHERE {match}"):
        return 0
    writing = arrivals.writing
    scan = writing.scan(ADJUSTED_TABLE, ADJUSTED_COLUMNS)
    source = (
        f"(SELECT {from_payload_sql(table, 'w')}, 0 AS {ROW} FROM ({scan}) w "
        f'WHERE "table" = {quoted(table.name)} AND row_key = {quoted(row_key)})'
    )
    standing = in_force(writing, engine, undone).get(table.name, {}).get(row_key, {})
    row = corrected_sql(table, source, {row_key: standing}) if standing else source
    target = arrivals.folder / f"readjusted-{load}.parquet"
    store(engine, f"SELECT * FROM {row}", target)
    _put(arrivals, engine, table, parquet_sql(target), load)
    return 1


def _put(arrivals: Arrivals, engine: Engine, table: Table, rows: str, load: int) -> None:
    key = ", ".join(name(column) for column in table.key)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE adjusted_keys AS SELECT {key} FROM {rows}")
    arrivals.take_out(table, "adjusted_keys", load)
    arrivals.put_back(table, rows, load)


def _check_words(
    table: Table, key: Mapping[str, str], values: Mapping[str, str], author: str, reason: str
) -> None:
    for said, what in ((author, "--author"), (reason, "--reason")):
        if not said.strip():
            raise LoadError(
                f"An adjustment needs {what}.",
                hint="Both are kept with it: who decided, and why.",
            )
    if not values:
        raise LoadError("Nothing is adjusted.", hint="Write: --set COLUMN=VALUE")
    own = [column.name for column in table.columns]
    for column in key:
        if column not in table.key:
            raise UnknownNameError("key column", column, table.key)
    for column, text in values.items():
        if column not in own:
            raise UnknownNameError("column", column, own)
        if column in table.key:
            raise LoadError(
                f"{column} is a part of the key of {table.name}: another key is another row.",
                hint="Correct it in the source, and load that again.",
            )
        if table.column(column).is_required and not text:
            raise LoadError(
                f"{table.name} requires {column}.", hint=f"Write: --set {column}=VALUE"
            )
    missing = [c for c in table.key if table.column(c).is_required and not key.get(c)]
    if missing:
        raise LoadError(
            f"The key of {table.name} lacks {', '.join(missing)}.",
            hint=f"Write: --key {','.join(f'{column}=…' for column in table.key)}",
        )
    if {"quantity", "unit_amount"} & {*values} and "amount" in own and "amount" not in values:
        raise LoadError(
            "MRR is computed from amount, which was filled when the row was loaded.",
            hint="Set amount too: --set amount=…",
        )


def _stored_names(table: Table, column: str) -> list[str]:
    return [stored for stored, _ in table.column(column).stored]


def _typed(
    engine: Engine, config: Config, table: Table, key: Mapping[str, str],
    values: Mapping[str, str],
) -> tuple[str, dict[str, str | None]]:
    """The row's key as text, and each stored column's value as text."""
    texts = {c: quoted(t) if t else "NULL" for c, t in {**key, **values}.items()}
    job = Conforming(
        table=table, raw=f"SELECT 0 AS {ROW}, 0 AS {LINE}", texts=texts, originals=texts,
        currency=config.company.currency, timezone=config.company.timezone,
    )
    engine.execute(f"SET TimeZone = {quoted(config.company.timezone)}")
    try:
        engine.execute(f"CREATE OR REPLACE TEMP TABLE adjusting AS {typed_sql(job)}")
    finally:
        engine.execute("SET TimeZone = 'UTC'")
    for column, text in {**key, **values}.items():
        own = engine.value(f"SELECT {name(column)} FROM adjusting")
        is_default = text == "" or (column == "ends_at" and text.startswith("9999"))
        if own is None and not is_default:
            raise LoadError(
                f"{column} cannot be '{text}': that is no {table.column(column).kind} that "
                f"{table.name} takes.",
                hint=_hint(table, column),
            )
    listed = [stored for column in values for stored in _stored_names(table, column)]
    casts = ", ".join(f"CAST({name(column)} AS VARCHAR)" for column in listed)
    found = engine.rows(f"SELECT {row_key_sql(table, 't')}, {casts} FROM adjusting t")[0]
    return str(found[0]), dict(zip(listed, found[1:], strict=True))


def _hint(table: Table, column: str) -> str:
    choices = table.column(column).choices
    return f"It takes: {', '.join(choices)}" if choices else table.column(column).about


def _check_row(engine: Engine, table: Table, key: Mapping[str, str], match: str) -> None:
    if engine.value(f"SELECT COUNT(*) FROM {table.name} t WHERE {match}"):
        return
    first = table.key[0]
    parts = ", ".join(f"t.{name(column)}" for column in table.key)
    near = engine.rows(
        f"SELECT {parts} FROM {table.name} t WHERE CAST(t.{name(first)} AS VARCHAR) = "
        f"{quoted(key[first])} ORDER BY ALL LIMIT 3"
    )
    named = [
        ",".join(
            f"{column}={cell.isoformat() + 'Z' if isinstance(cell, dt.datetime) else cell}"
            for column, cell in zip(table.key, row, strict=True)
            if cell is not None
        )
        for row in near
    ]
    shown = ",".join(f"{column}={text}" for column, text in key.items())
    raise LoadError(
        f"{table.name} has no row with the key {shown}.",
        hint=f"It has: {'; '.join(named)}" if named else "Rows that were set aside cannot be "
        "adjusted: staycurve rejects",
    )


def _check_rules(engine: Engine, table: Table, row: str) -> None:
    for check in table.checks:
        if engine.value(f"SELECT COUNT(*) FROM {row} WHERE {check.broken}"):
            rule = check.rule
            for column in table.columns:
                if "{" + column.name + "}" in rule:
                    cell = engine.value(f"SELECT CAST({name(column.name)} AS VARCHAR) FROM {row}")
                    rule = rule.replace("{" + column.name + "}", str(cell))
            raise LoadError(
                f"The row would break a rule: {check.column} {rule}.",
                hint="Nothing was changed.",
            )
