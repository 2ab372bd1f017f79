"""Database: a table or query of PostgreSQL, or of anything that SQLAlchemy reaches, as a file.

Its rows are loaded as those of a file are: under a mapping, or by the names of their columns. With
a cursor column, a sync reads what came or changed since the last one.
"""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from staycurve.errors import SourceError
from staycurve.i18n import N_
from staycurve.secret import HIDDEN, Secret
from staycurve.section_faults import Wrong, near, shown
from staycurve.sections import CLOSED, Takes
from staycurve.sources import adbc
from staycurve.sources.base import Pull, Source, Stream
from staycurve.sources.batches import Batch
from staycurve.sources.cursors import Cursor
from staycurve.sources.mapping import Mapping as FileMapping, read_mapping
from staycurve.tables.conformed import CONFORMED

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

ROWS = 50_000
"""Rows of one file: what is read again after a failure."""

# The last files are loaded after everything was read; what is left goes when the process ends.
_FOLDERS: dict[tuple[str, str], tempfile.TemporaryDirectory[str]] = {}


@dataclass(frozen=True)
class Database:
    """[sources.NAME] of the kind `database`."""

    __pydantic_config__ = CLOSED

    url: Annotated[
        Secret, Takes(N_("the variable that holds the database's SQLAlchemy address"),
                      'url = { env = "WAREHOUSE_URL" }')
    ]
    query: Annotated[str, Takes(N_("a SELECT"), 'query = "SELECT * FROM billing.accounts"')] = ""
    relation: Annotated[
        str, Takes(N_("a table of the database, in the place of a query"),
                   'relation = "billing.accounts"')
    ] = ""
    table: Annotated[
        str, Takes(N_("the table of ours that the rows feed"), 'table = "accounts"')
    ] = ""
    map: Annotated[
        str, Takes(N_("the path of a mapping file"), 'map = "warehouse.toml"')
    ] = ""
    cursor: Annotated[
        str, Takes(N_("the column that grows with every change of a row"),
                   'cursor = "updated_at"')
    ] = ""
    overlap_minutes: Annotated[
        int, Takes(N_("how far before the last change a sync begins, where cursor is an instant"),
                   "overlap_minutes = 10", least=0, most=100_000)
    ] = 10
    replace: Annotated[
        bool, Takes(N_("true where rows that are no longer there are to be removed"),
                    "replace = true")
    ] = False


def _check(settings: Database) -> None:
    if bool(settings.query) == bool(settings.relation):
        raise Wrong("takes a query or a relation, and one of them.",
                    'Write: relation = "billing.accounts"   (or query = "SELECT …")')
    if settings.table and settings.table not in CONFORMED:
        raise Wrong(f"= {shown(settings.table)} is not a table.{near(settings.table, CONFORMED)}",
                    f"It takes: {', '.join(CONFORMED)}", "table")
    if not settings.table and not settings.map:
        raise Wrong("needs the table of ours that the rows feed.", 'Write: table = "accounts"')
    if settings.cursor and settings.replace:
        raise Wrong("takes a cursor or replace = true: what a cursor leaves out would be removed.",
                    "Leave one of them out.")


def _read(pull: Pull[Database]) -> Iterator[Batch]:
    asked = pull.settings
    mapping = read_mapping(pull.folder / asked.map) if asked.map else None
    folder = _folder(pull)
    with _connected(asked) as connection:
        if not asked.cursor:
            yield from _whole(pull, connection, folder, mapping)
            return
        yield from _since(pull, connection, folder, mapping)


def _folder(pull: Pull[Database]) -> Path:
    """A directory for files of rows; that of the sync before is removed."""
    key = (str(pull.folder), pull.name)
    before = _FOLDERS.pop(key, None)
    if before is not None:
        before.cleanup()
    _FOLDERS[key] = tempfile.TemporaryDirectory(prefix="staycurve-rows-")
    return Path(_FOLDERS[key].name)


def _whole(
    pull: Pull[Database], connection: Reached, folder: Path, mapping: FileMapping | None
) -> Iterator[Batch]:
    """Everything, every time; as one file, which may be the complete export."""
    asked = pull.settings
    path = folder / f"{pull.name}.ndjson"
    with path.open("wb") as file:
        for row in connection.rows(f"SELECT * FROM {_relation(connection, asked)} q"):
            file.write(_line(row))
    turn = int(pull.cursor.at) + 1 if pull.cursor else 1
    if path.stat().st_size == 0 and not asked.replace:
        return
    yield Batch(
        path, Cursor(turn), table=asked.table or None, mapping=mapping, is_complete=asked.replace
    )


def _since(
    pull: Pull[Database], connection: Reached, folder: Path, mapping: FileMapping | None
) -> Iterator[Batch]:
    """What came or changed since the last commit, in files that each end further on."""
    asked = pull.settings
    relation, column = _relation(connection, asked), connection.quoted(asked.cursor)
    nothing = next(iter(connection.rows(
        f"SELECT COUNT(*) AS n FROM {relation} q WHERE q.{column} IS NULL"
    )))["n"]
    if nothing:
        raise SourceError(
            f"{nothing:,} rows of {pull.name} have no {asked.cursor}: no sync would see them "
            "change.",
            hint="Fill that column, leave cursor out, or leave these rows out with a query.",
        )
    start = _start(pull)
    where = "" if start is None else f" WHERE q.{column} >= {connection.held(start)}"
    rows = iter(connection.rows(f"SELECT * FROM {relation} q{where} ORDER BY q.{column}"))
    number, row = 0, next(rows, None)
    before = pull.cursor
    while row is not None:
        number += 1
        path = folder / str(number) / f"{pull.name}.ndjson"
        path.parent.mkdir()
        count, last = 0, None
        with path.open("wb") as file:
            while row is not None and count < ROWS:
                file.write(_line(row))
                last = _value(row, asked.cursor)
                count, row = count + 1, next(rows, None)
        cursor = _cursor(last, pull.name, asked.cursor)
        if before is not None and pull.since is None and cursor.is_older_than(before):
            # Within the overlap nothing is newer than what was seen.
            cursor = before
        yield Batch(path, cursor, table=asked.table or None, mapping=mapping)


def _start(pull: Pull[Database]) -> Any:
    """Where to begin, as the column's own type; None at the beginning."""
    if pull.since is not None:
        return pull.since
    if pull.cursor is None:
        return None
    kind = pull.cursor.kept.get("type")
    if kind in ("aware", "naive"):
        at = dt.datetime.fromisoformat(str(pull.cursor.at))
        return at - dt.timedelta(minutes=pull.settings.overlap_minutes)
    if kind == "date":
        return dt.date.fromisoformat(str(pull.cursor.at))
    return pull.cursor.at


def _cursor(value: Any, source: str, column: str) -> Cursor:
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            at = value.astimezone(dt.UTC).isoformat(timespec="microseconds")
            return Cursor(at, {"type": "aware"})
        return Cursor(value.isoformat(timespec="microseconds"), {"type": "naive"})
    if isinstance(value, dt.date):
        return Cursor(value.isoformat(), {"type": "date"})
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return Cursor(int(value), {"type": "number"})
    if isinstance(value, int) and not isinstance(value, bool):
        return Cursor(value, {"type": "number"})
    if isinstance(value, str):
        return Cursor(value, {"type": "text"})
    raise SourceError(
        f"{column} of {source} is a {type(value).__name__}, which no sync can go on from.",
        hint="Take a column of instants, days, whole numbers or texts.",
    )


def _value(row: Mapping[str, Any], column: str) -> Any:
    for name, value in row.items():
        if name.lower() == column.lower():
            return value
    raise SourceError(
        f"The rows have no column {column}.", hint=f"They have: {', '.join(row)}"
    )


class Reached(Protocol):
    """A connection that only reads."""

    def quoted(self, name: str) -> str:
        """A name as SQL, as it would be written by hand: systems differ in the case they take."""
        ...

    def escaped(self, query: str) -> str:
        """A query as it is sent."""
        ...

    def held(self, value: Any) -> str:
        """SQL for a value to begin at."""
        ...

    def rows(self, sql: str) -> Iterator[Mapping[str, Any]]:
        """The rows of a query, streamed."""
        ...


class _Alchemy:
    """A connection of SQLAlchemy."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._values: dict[str, Any] = {}

    def quoted(self, name: str) -> str:
        quote = self._connection.dialect.identifier_preparer.quote
        return str(quote(name)).replace(":", r"\:")

    def escaped(self, query: str) -> str:
        # A colon before a word would be a parameter; one in a text or a cast is none.
        return re.sub(r"(?<![:\\]):(?=\w)", r"\\:", query)

    def held(self, value: Any) -> str:
        self._values["start"] = value
        return ":start"

    def rows(self, sql: str) -> Iterator[Mapping[str, Any]]:
        from sqlalchemy import text

        found = self._connection.execution_options(stream_results=True, yield_per=5_000).execute(
            text(sql), self._values if ":start" in sql else {}
        )
        for row in found.mappings():
            yield dict(row)


def _line(row: Mapping[str, Any]) -> bytes:
    import orjson

    return orjson.dumps({name: _plain(value) for name, value in row.items()},
                        option=orjson.OPT_APPEND_NEWLINE)


def _plain(value: Any) -> Any:
    """A value as files have it; numbers keep every digit."""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if value is None or isinstance(value, str | bool | dict | list):
        return value
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)


def _relation(connection: Reached, asked: Database) -> str:
    """What is selected from: the quoted table, or the query in brackets."""
    if asked.relation:
        return ".".join(connection.quoted(part) for part in asked.relation.split("."))
    return f"({connection.escaped(asked.query.strip().rstrip(';').strip())})"


@contextmanager
def _connected(asked: Database) -> Iterator[Reached]:
    """A connection that only reads: ADBC's where its driver is, else SQLAlchemy's.

    Raises
    ------
    SourceError
        In place of what goes wrong with the database, without its password.
    """
    url = _url(asked)
    if url.drivername in adbc.BACKENDS and adbc.is_there():
        uri = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with adbc.connected(uri, lambda error: _refused(error, url)) as copied:
            yield copied
        return
    with _through_alchemy(url) as connection:
        yield connection


def _refused(error: BaseException, url: URL) -> SourceError:
    told = _first(error)
    if url.password:
        told = told.replace(str(url.password), HIDDEN)
    return SourceError(
        f"The database refuses: {told}.",
        hint="Does the query run there, and may its user read what it names?",
    )


@contextmanager
def _through_alchemy(url: URL) -> Iterator[_Alchemy]:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        engine = create_engine(url, poolclass=NullPool)
    except (NoSuchModuleError, ModuleNotFoundError, ImportError) as error:
        raise SourceError(
            f"Nothing here reaches a {url.get_backend_name()} database: "
            f"{_first(error)}.",
            hint="Install its SQLAlchemy dialect beside staycurve, such as psycopg, pymysql, "
            "snowflake-sqlalchemy or sqlalchemy-bigquery.",
        ) from None
    except ArgumentError as error:
        raise SourceError(
            f"The address of the database cannot be used: {_first(error)}.",
            hint="Write it as SQLAlchemy does: postgresql+psycopg://user:password@host/database",
        ) from None
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
            yield _Alchemy(connection)
    except SQLAlchemyError as error:
        raise _refused(getattr(error, "orig", None) or error, url) from None
    finally:
        engine.dispose()


def _url(asked: Database) -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(asked.url.reveal())
    except (ArgumentError, ValueError):
        raise SourceError(
            f"The variable {asked.url.variable} holds no address of a database.",
            hint="Write it as SQLAlchemy does: postgresql+psycopg://user:password@host/database",
        ) from None
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def _first(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ".join(lines[0].split()).rstrip(".")


DATABASE = Source(
    "database",
    N_("A database or warehouse"),
    N_("A table or query of PostgreSQL, or of any other system that SQLAlchemy reaches."),
    Database,
    (Stream("rows", N_("The rows of the table or query."), _read,
            cursor=N_("the greatest value of the cursor column")),),
    '[sources.warehouse]\nkind = "database"\nurl = { env = "WAREHOUSE_URL" }\n'
    'relation = "billing.accounts"\ntable = "accounts"\ncursor = "updated_at"',
    check=_check,
)
