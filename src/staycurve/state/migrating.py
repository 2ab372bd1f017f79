"""Migrating: the database brought to the form that this version reads, by itself and once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from staycurve.errors import StateError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0017"
"""The newest migration. It stands here so that a database that is current needs no Alembic."""

VERSIONS = "alembic_version"
_FOLDER = Path(__file__).parent / "migrations"
_LOCK = int.from_bytes(b"staycurv", "big", signed=True)
"""The advisory lock that PostgreSQL keeps for us: any number that others do not use."""

# Alembic's environment is one for the process.
_MIGRATING = threading.Lock()


def ensure(connection: Connection, engine: Engine, *, named: str) -> None:
    """Bring the database to HEAD, unless it is there.

    Two processes that start at once are safe: one migrates, within one transaction, and the other
    waits and finds it done.

    Parameters
    ----------
    connection : Connection
        Reads which form the database has.
    engine : Engine
        Whose connections begin by taking the lock of a writer.
    named : str
        The database, as errors name it.

    Raises
    ------
    StateError
        If a newer version made it.
    """
    if _is_head(connection) or _is_current(connection, named):
        return
    # A reader that keeps its transaction would wait for the writer that waits for it.
    connection.rollback()
    with _MIGRATING, engine.begin() as writer:
        if writer.dialect.name == "postgresql":
            writer.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if not _is_current(writer, named):
            upgrade(writer)


def upgrade(connection: Connection, *, to: str = "head") -> None:
    """Run every migration that is missing, in the connection's transaction."""
    from alembic import command

    made = configuration()
    made.attributes["connection"] = connection
    command.upgrade(made, to)


def configuration() -> Config:
    """What Alembic needs to know."""
    from alembic.config import Config

    made = Config()
    # Alembic reads % as the beginning of a reference.
    made.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return made


def revision(connection: Connection) -> str | None:
    """The last migration that the database has seen; None for one that is empty."""
    if not inspect(connection).has_table(VERSIONS):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSIONS}"))
    return found


def _is_head(connection: Connection) -> bool:
    """Whether the last migration is HEAD, for sure; every transaction begins by asking that."""
    try:
        # To look first whether the table is there takes four times as long.
        return connection.exec_driver_sql(f"SELECT version_num FROM {VERSIONS}").scalar() == HEAD
    except DBAPIError:
        connection.rollback()
        return False


def _is_current(connection: Connection, named: str) -> bool:
    found = revision(connection)
    if found in (None, HEAD):
        return found == HEAD
    if found not in known():
        raise newer(named, found)
    return False


def known() -> frozenset[str]:
    """Every migration of this version."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(configuration()).walk_revisions()
    return frozenset(script.revision for script in scripts)


def newer(named: str, found: str) -> StateError:
    """The error of a database that a newer version made."""
    return StateError(
        f"{named} was written by a newer staycurve (migration {found}; this one knows {HEAD}).",
        hint="Upgrade: pip install --upgrade staycurve   (or restore the copy made before)",
    )
