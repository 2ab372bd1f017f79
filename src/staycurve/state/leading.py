"""Leading: of all servers that share one database, one keeps the schedule."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from staycurve.errors import StateError
from staycurve.state.database import Database

_LOCK = int.from_bytes(b"staylead", "big", signed=True)


class Lead:
    """The lead among the servers of one database, held by a connection of its own.

    A server that ends, or that the database no longer reaches, loses it. A project's own file is
    shared by the processes of one machine alone, which the lock in its directory keeps apart.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: Connection | None = None

    def take(self) -> bool | None:
        """Whether it is ours, now or still; None where the database cannot be asked."""
        if self._database.file is not None:
            return True
        try:
            if self._held is not None:
                # Whoever can ask over this connection holds the lock that it took.
                self._held.execute(text("SELECT 1"))
                return True
            held = self._database.lone()
            is_ours = bool(
                held.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar()
            )
        except (DBAPIError, StateError):
            if self._held is None:
                return None
            self.give_back()
            return self.take()
        if is_ours:
            self._held = held
        else:
            held.close()
        return is_ours

    def give_back(self) -> None:
        """Let another server take it."""
        if self._held is not None:
            # Given back to the pool, the connection would go on holding it.
            self._held.invalidate()
            self._held.close()
            self._held = None
