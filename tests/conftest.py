"""What holds for every test: a fault that nobody foresaw is a failure, never a line in a log."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from staycurve import faults

if TYPE_CHECKING:
    from sqlalchemy import Connection

os.environ.setdefault(faults.VARIABLE, "raise")

MEMORY = "/dev/shm"
"""A file system in memory, where there is one."""
ROOM = 8 * 1024**3
"""Bytes that have to be free there: the projects of a whole run, with ample margin."""

# Each load makes its files durable some hundred times, and a disk takes milliseconds for each. No
# test pulls the plug of the machine; killing a process loses nothing that was written to memory.
if os.path.isdir(MEMORY) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)


@pytest.fixture
def told_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults are told and kept in a log, as they are to users."""
    monkeypatch.setenv(faults.VARIABLE, "tell")


@pytest.fixture(scope="session", autouse=True)
def replayed_migrations() -> Iterator[Callable[..., None]]:
    """An empty state database is given what the migrations ran in the one before it.

    Migrations are planned anew for each database, which takes as long as a small load; what they
    execute is the same each time.
    """
    from staycurve.state import migrating

    upgrade = migrating.upgrade
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrating, "upgrade", _replaying(upgrade))
        yield upgrade


def _replaying(upgrade: Callable[..., None]) -> Callable[..., None]:
    from sqlalchemy import event

    from staycurve.state import migrating

    known: dict[str, list[tuple[str, object]]] = {}

    def replay(connection: Connection, *, to: str = "head") -> None:
        kind = connection.dialect.name
        if to != "head" or migrating.revision(connection) is not None:
            upgrade(connection, to=to)
        elif kind in known:
            for statement, values in known[kind]:
                connection.exec_driver_sql(statement, values or None)  # type: ignore[arg-type]
        else:
            ran: list[tuple[str, object]] = []

            def keep(
                _connection: object, _cursor: object, statement: str, values: object, *_: object
            ) -> None:
                if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
                    ran.append((statement, values))

            event.listen(connection, "before_cursor_execute", keep)
            try:
                upgrade(connection, to=to)
            finally:
                event.remove(connection, "before_cursor_execute", keep)
            known[kind] = ran

    return replay


@pytest.fixture
def run_migrations(
    replayed_migrations: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each database is migrated by the migrations themselves."""
    from staycurve.state import migrating

    monkeypatch.setattr(migrating, "upgrade", replayed_migrations)
