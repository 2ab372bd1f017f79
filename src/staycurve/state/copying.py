"""Copying: every row of app state as JSON, out of one database and into another of any kind."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Date,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    func,
    inspect,
    select,
    text,
)

from staycurve.errors import StateError
from staycurve.state.database import Database
from staycurve.state.migrating import VERSIONS, known, newer, revision, upgrade

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Table → its rows, whose values are JSON."""

NUMBERS = "last numbers"
"""Beside the tables: the last number that each gave."""


def copied(database: Database) -> tuple[str, Rows]:
    """The migration that the database has seen, and every row; one snapshot of it."""
    with database.reading() as session:
        connection = session.connection()
        found = {
            table.name: [_written(table, row) for row in connection.execute(_ordered(table))]
            for table in _tables(connection)
        }
        return revision(connection) or "", found | {NUMBERS: _last_numbers(connection)}


def put(database: Database, seen: str, rows: Rows) -> int:
    """Write copied rows into an empty database, and bring it to this version; how many there were.

    All of it is one transaction.

    Raises
    ------
    StateError
        If the database is in use already, or the rows come from a newer version.
    """
    if seen not in known():
        raise newer("The app state of the backup", seen)
    with database.bare() as connection:
        if revision(connection) is not None:
            used = [table.name for table in _tables(connection) if _count(connection, table)]
            if used:
                raise StateError(
                    f"{database.named} is not empty: {', '.join(used)}.",
                    hint="Restore into an empty database; nothing was changed.",
                )
            for table in reversed(_tables(connection)):
                table.drop(connection)
            connection.execute(text(f"DROP TABLE {VERSIONS}"))
        upgrade(connection, to=seen)
        strange = rows.keys() - {NUMBERS, *(table.name for table in _tables(connection))}
        if strange:
            raise StateError(
                f"Migration {seen} has no table {', '.join(sorted(strange))}.",
                hint="Take another backup; nothing was changed.",
            )
        last = {one["table"]: one["last"] for one in rows.get(NUMBERS, ())}
        count = 0
        for table in _tables(connection):
            own = [_read(table, row) for row in rows.get(table.name, ())]
            if own:
                connection.execute(table.insert(), own)
            count += len(own)
            _go_on_counting(connection, table, last.get(table.name, 0))
        upgrade(connection)
        return count


def _tables(connection: Connection) -> list[Table]:
    """Every table, those that others refer to first."""
    meta = MetaData()
    meta.reflect(connection)
    return [table for table in meta.sorted_tables if table.name != VERSIONS]


def _ordered(table: Table) -> Any:
    return select(table).order_by(*table.primary_key.columns)


def _count(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def _written(table: Table, row: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, value in zip(table.columns, row, strict=True):
        if isinstance(value, dt.datetime):
            # SQLite keeps no zone, and every instant is in UTC.
            value = (value.astimezone(dt.UTC) if value.tzinfo else value).replace(tzinfo=None)
            value = value.isoformat()
        elif isinstance(value, dt.date):
            value = value.isoformat()
        elif isinstance(value, bytes | memoryview):
            value = base64.b64encode(bytes(value)).decode()
        found[column.name] = value
    return found


def _read(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in table.columns:
        value = row.get(column.name)
        if value is not None and isinstance(column.type, DateTime):
            at = dt.datetime.fromisoformat(value)
            value = at.replace(tzinfo=dt.UTC) if column.type.timezone else at
        elif value is not None and isinstance(column.type, Date):
            value = dt.date.fromisoformat(value)
        elif value is not None and isinstance(column.type, LargeBinary):
            value = base64.b64decode(value)
        found[column.name] = value
    return found


def _last_numbers(connection: Connection) -> list[dict[str, Any]]:
    """The last number that each table gave: those of rows that were deleted are not given again."""
    if connection.dialect.name != "postgresql":
        if not inspect(connection).has_table("sqlite_sequence"):
            return []
        found = connection.execute(text("SELECT name, seq FROM sqlite_sequence ORDER BY name"))
        return [{"table": name, "last": last} for name, last in found]
    return [
        {"table": table.name, "last": last}
        for table in _tables(connection)
        for column in _numbered(table)
        if (last := connection.scalar(text(
            "SELECT pg_sequence_last_value("
            f"CAST(pg_get_serial_sequence('{table.name}', '{column}') AS regclass))"
        ))) is not None
    ]


def _go_on_counting(connection: Connection, table: Table, last: int) -> None:
    """Let the next row's number come after every one that was given."""
    if not last:
        return
    if connection.dialect.name != "postgresql":
        of = {"name": table.name, "last": last}
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), of)
        connection.execute(text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), of)
        return
    for column in _numbered(table):
        connection.execute(text(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column}'), {int(last)})"
        ))


def _numbered(table: Table) -> Iterator[str]:
    columns: Iterable[Any] = table.primary_key.columns
    for column in columns:
        has_default = column.server_default is not None or column.identity is not None
        if has_default and column.type.python_type is int:
            yield column.name
