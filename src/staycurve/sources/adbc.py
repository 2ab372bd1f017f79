"""ADBC: rows of PostgreSQL as Arrow, by its binary copy; where the driver is installed.

Rows come out as they do through SQLAlchemy, which reaches the same server without it.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from staycurve.errors import SourceError
from staycurve.tables.engine import name as quoted, quoted as literal

DRIVER = "adbc_driver_postgresql"
BACKENDS = ("postgresql", "postgresql+psycopg")
"""Drivers of SQLAlchemy addresses in whose place ADBC can stand."""


def is_there() -> bool:
    """Whether the driver is installed."""
    return importlib.util.find_spec(DRIVER) is not None


class Copied:
    """A connection that only reads."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def quoted(self, name: str) -> str:
        """A name as SQL."""
        return quoted(name)

    def escaped(self, query: str) -> str:
        """A query as it is sent."""
        return query

    def held(self, value: Any) -> str:
        """SQL for a value to begin at."""
        if isinstance(value, dt.datetime):
            kind = "timestamp" if value.tzinfo is None else "timestamptz"
            return f"CAST({literal(value.isoformat())} AS {kind})"
        if isinstance(value, dt.date):
            return f"CAST({literal(value.isoformat())} AS date)"
        if isinstance(value, int):
            return str(value)
        return literal(str(value).replace("\0", ""))

    def rows(self, sql: str) -> Iterator[Mapping[str, Any]]:
        """The rows of a query, streamed."""
        with self._connection.cursor() as cursor:
            reader = self._asked(cursor, sql)
            makers = {one.name: _maker(one) for one in reader.schema}
            for batch in reader:
                for row in batch.to_pylist():
                    yield {
                        name: value if value is None or (make := makers[name]) is None
                        else make(value) for name, value in row.items()
                    }

    def _asked(self, cursor: Any, sql: str) -> Any:
        """The answer, in which what Arrow has no type for is text."""
        cursor.execute(f"SELECT * FROM ({sql}) s LIMIT 0")
        schema = cursor.fetch_record_batch().schema
        columns = [
            f"{_text(one)} AS {quoted(one.name)}" if _is_opaque(one)
            else f"s.{quoted(one.name)}" for one in schema
        ]
        is_plain = not any(map(_is_opaque, schema))
        cursor.execute(sql if is_plain else f"SELECT {', '.join(columns)} FROM ({sql}) s")
        return cursor.fetch_record_batch()


def _kind(field: Any) -> str:
    found: bytes = (field.metadata or {}).get(b"POSTGRESQL:type", b"")
    return found.decode()


def _text(field: Any) -> str:
    # An address of one machine is written without the mask that says so.
    own = f"s.{quoted(field.name)}"
    return f"abbrev({own})" if _kind(field) == "inet" else f"CAST({own} AS text)"


def _is_opaque(field: Any) -> bool:
    kind = str(field.type)
    return _kind(field) != "numeric" and (
        kind.startswith("extension<arrow.opaque") or kind == "month_day_nano_interval"
    )


def _maker(field: Any) -> Callable[[Any], Any] | None:
    """What makes a value of a column what SQLAlchemy gives; None where it is that already."""
    if _kind(field) == "numeric":
        return Decimal
    if _kind(field) in ("json", "jsonb"):
        import orjson

        return orjson.loads
    return None


@contextmanager
def connected(uri: str, told: Callable[[BaseException], SourceError]) -> Iterator[Copied]:
    """A connection to the server at a libpq address.

    Parameters
    ----------
    told : callable
        Makes of what goes wrong what people are told.
    """
    import adbc_driver_manager
    from adbc_driver_postgresql import dbapi

    try:
        with dbapi.connect(uri) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            yield Copied(connection)
    except adbc_driver_manager.Error as error:
        raise told(error) from None
