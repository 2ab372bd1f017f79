"""Database: app state's own, reached by transactions; what goes wrong is one line and a hint."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from staycurve.errors import ConfigError, StateError
from staycurve.sections import Wrong
from staycurve.state import migrating
from staycurve.state_place import StatePlace, checked

FILE_NAME = "app.db"
WAIT = 5
"""Seconds that one waits for another who writes, or for a server to answer."""

_NO_NUMBER = "No number depends on it."


class Database:
    """The database of one project's app state.

    Parameters
    ----------
    folder : Path
        The project's directory.
    place : StatePlace
        Where [state] of staycurve.toml says it is.
    wait : float
        Seconds to wait for another who writes.
    """

    def __init__(self, folder: Path, place: StatePlace, *, wait: float = WAIT) -> None:
        self.file = None if place.url or place.variable else folder / FILE_NAME
        self._url = _url(self.file, place)
        self._wait = wait
        self._made: Engine | None = None
        self._watched: tuple[int, int] | None = None

    @property
    def named(self) -> str:
        """The database as people read it, without its password."""
        if self.file is not None:
            return str(self.file)
        return self._url.set(query={}).render_as_string(hide_password=True)

    @property
    def is_there(self) -> bool:
        """Whether there may be something to read; a file is made by the first who writes."""
        return self.file is None or (self.file.is_file() and self.file.stat().st_size > 0)

    def stamp(self) -> bytes | None:
        """What differs once anything was changed, by whichever process; None where it costs much.

        SQLite counts its transactions in the head of the file
        (https://www.sqlite.org/fileformat2.html#file_change_counter).
        """
        if self.file is None:
            return None
        try:
            inode = self.file.stat().st_ino
            if self._watched is None or self._watched[0] != inode:
                # It stays open: to close any of its descriptors would take from SQLite, in this
                # process, the locks that it holds (https://www.sqlite.org/howtocorrupt.html, 2.2).
                self._watched = (inode, os.open(self.file, os.O_RDONLY | os.O_CLOEXEC))
            return os.pread(self._watched[1], 4, 24) + inode.to_bytes(8, "big")
        except OSError:
            return None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that reads."""
        with self._told(), self._engine() as connection:
            migrating.ensure(connection, self._writer, named=self.named)
            with Session(connection) as session:
                yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that is kept as a whole, unless the block fails."""
        with self._told():
            with self._engine() as connection:
                migrating.ensure(connection, self._writer, named=self.named)
            with Session(self._writer, expire_on_commit=False) as session, session.begin():
                yield session

    @contextmanager
    def bare(self) -> Iterator[Connection]:
        """A transaction that writes, on the database as it is: nothing is migrated first."""
        with self._told(), self._writer.begin() as connection:
            yield connection

    def vacuum(self, tables: Collection[str]) -> None:
        """Let nothing of deleted and changed rows lie in the tables of a server any more.

        A file of SQLite is its caller's to build anew.
        """
        if self.file is not None or not tables:
            return
        with self._told(), self._all().connect() as connection:
            own = connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in sorted(tables):
                quoted = own.dialect.identifier_preparer.quote(table)
                own.exec_driver_sql(f"VACUUM FULL {quoted}")

    def lone(self) -> Connection:
        """A connection for its caller alone, who closes it; each statement is kept at once."""
        with self._told():
            return self._all().connect().execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        """Give back its connections."""
        if self._made is not None:
            self._made.dispose()
            self._made = None
        if self._watched is not None:
            os.close(self._watched[1])
            self._watched = None

    @contextmanager
    def _engine(self) -> Iterator[Connection]:
        with self._all().connect() as connection:
            yield connection

    @property
    def _writer(self) -> Engine:
        return self._all().execution_options(is_writing=True)

    def _all(self) -> Engine:
        if self._made is None:
            self._made = _sqlite(self._url, self._wait) if self.file else _postgres(
                self._url, self._wait
            )
        return self._made

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise _fault(error, self.named) from error
        except PoolTimeout as error:
            raise StateError(
                f"{self.named} has no connection free.", hint="Try again in a moment."
            ) from error


def _url(file: Path | None, place: StatePlace) -> URL:
    if file is not None:
        return URL.create("sqlite", database=str(file))
    text = place.url
    if place.variable:
        text = os.environ.get(place.variable, "")
        if not text:
            raise ConfigError(
                f"staycurve.toml: [state] url takes the environment variable {place.variable}, "
                "which is not set.",
                hint=f"Set {place.variable} where staycurve runs. {_NO_NUMBER}",
            )
    try:
        return make_url(checked(text))
    except (ArgumentError, ValueError, Wrong):
        raise ConfigError(
            "staycurve.toml: [state] url cannot be read.",
            hint="Write: postgresql+psycopg://user:password@host:5432/database; "
            "signs such as @ and / in a password as %40 and %2F.",
        ) from None


def _sqlite(url: URL, wait: float) -> Engine:
    # A file that is opened anew each time may be replaced by its copy while a server runs.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": wait})

    @event.listens_for(engine, "connect")
    def connected(connection: object, _record: object) -> None:
        # The driver would commit before each CREATE TABLE: a migration would be half done.
        connection.isolation_level = None  # type: ignore[attr-defined]
        connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[attr-defined]

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        is_writing = connection.get_execution_options().get("is_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")

    return engine


def _postgres(url: URL, wait: float) -> Engine:
    settings = {} if "connect_timeout" in url.query else {"connect_timeout": max(2, int(wait))}
    try:
        engine = create_engine(
            url, pool_pre_ping=True, pool_timeout=WAIT, pool_recycle=1800, connect_args=settings
        )
    except (ModuleNotFoundError, NoSuchModuleError, ImportError):
        raise StateError(
            "App state on PostgreSQL needs the package psycopg.",
            hint="Install it: pip install 'staycurve[postgres]'",
        ) from None

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        if connection.get_execution_options().get("is_writing", False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{max(1, int(wait * 1000))}ms'")

    return engine


def _fault(error: DBAPIError, named: str) -> StateError:
    lines = str(error.orig).strip().splitlines() or ["no reason given"]
    said = lines[0].strip().rstrip(".")
    low = said.lower()
    if "locked" in low or "lock timeout" in low or "busy" in low:
        return StateError(
            f"{named} is in use by another program.", hint=f"Try again in a moment. {_NO_NUMBER}"
        )
    if "readonly" in low or "read-only" in low or "permission denied" in low:
        return StateError(
            f"{named} cannot be changed: {said}.",
            hint=f"Make it writable for the user that runs staycurve. {_NO_NUMBER}",
        )
    if "not a database" in low or "malformed" in low:
        return StateError(
            f"{named} is damaged: {said}.",
            hint=f"Put back its last copy, or move it away to begin anew. {_NO_NUMBER}",
        )
    if "unable to open" in low:
        return StateError(
            f"{named} cannot be opened: {said}.",
            hint=f"May the user that runs staycurve read it? {_NO_NUMBER}",
        )
    if error.connection_invalidated or "connection" in low or "resolve" in low:
        return StateError(
            f"{named} cannot be reached: {said}.",
            hint=f"Is the server running, and [state] url right? {_NO_NUMBER}",
        )
    return StateError(f"{named} cannot be used: {said}.", hint=_NO_NUMBER)
