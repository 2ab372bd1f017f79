"""Inbox: what programs sent over HTTP, durable before it is acknowledged, until it is in the lake.

One SQLite file in WAL mode. A whole request is one compressed row. One thread writes: what waits
while it commits goes into its next commit together, so that many requests share one fsync.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import sys
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from staycurve.errors import StaycurveError

FILE_NAME = "inbox.db"
MOST_STORED = 1 << 30
"""Bytes on disk beyond which senders are told to wait: the lake cannot take rows in any more."""
MOST_QUEUED = 16 << 20
"""Bytes that wait in memory for the next commit."""
AT_ONCE = 4 << 20
"""Bytes in one commit."""
WINDOW = 0.002
"""Seconds in which requests that come together gather for a commit."""
SHORT = 2000
"""Bytes of a request up to which it is not compressed."""
MOMENT = 200
"""Milliseconds for which emptying the log may make those wait who write."""
WAIT = 5.0
"""Seconds to wait for another process that writes to the same inbox."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at TEXT NOT NULL,
    dialect TEXT NOT NULL,
    events INTEGER NOT NULL,
    payload BLOB NOT NULL,
    failed TEXT
)
"""


class InboxFullError(StaycurveError):
    """The inbox holds as much as it may; it is drained meanwhile."""

    code = "inbox_full"


class InboxError(StaycurveError):
    """The inbox cannot be written: nothing that was acknowledged is lost.

    `is_full` says whether the disk is full.
    """

    code = "inbox"


@dataclass(frozen=True)
class Stored:
    """One request.

    Attributes
    ----------
    seq : int
        Grows with every request, and is never given twice.
    received_at : str
        ISO 8601, UTC.
    dialect : str
        Whose form its events have.
    events : int
        How many it holds.
    payload : bytes
        As it was put in.
    """

    seq: int
    received_at: str
    dialect: str
    events: int
    payload: bytes


@dataclass(frozen=True)
class _Put:
    received_at: str
    dialect: str
    events: int
    packed: bytes
    done: Future[None]


class Inbox:
    """The inbox of one project.

    Parameters
    ----------
    path : Path
        Its file; it is made where it is not there.
    after : int
        Numbers up to this one are in the lake: they are not given again, whatever the file says.
    most_stored : int
        Bytes on disk beyond which nothing more is taken.
    """

    def __init__(self, path: Path, *, after: int = 0, most_stored: int = MOST_STORED) -> None:
        self.path = path
        self.most_stored = most_stored
        self._queue: queue.Queue[_Put | None] = queue.Queue()
        self._lock = threading.Lock()
        self._queued = 0
        with told(self.path), closing(self._connect()) as connection:
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(_SCHEMA)
            _raise_numbers(connection, after)
        self.is_writable = True
        self._was_shared = False
        self._stored = self._measured()
        self._thread = threading.Thread(target=self._write, name="inbox", daemon=True)
        self._thread.start()

    def put(self, payload: bytes, *, dialect: str, events: int, received_at: str) -> Future[None]:
        """Take a request; the future is done once it is durable, and fails where it cannot be.

        Raises
        ------
        InboxFullError
            If there is no room; nothing was taken.
        """
        packed = _packed(payload)
        done: Future[None] = Future()
        with self._lock:
            if self._stored + self._queued + len(packed) > self.most_stored:
                raise InboxFullError(
                    "The inbox is full.", hint="Events are loaded meanwhile; send again later."
                )
            if self._queued and self._queued + len(packed) > MOST_QUEUED:
                raise InboxFullError(
                    "More is sent than the disk takes.", hint="Send again in a moment."
                )
            self._queued += len(packed)
        self._queue.put(_Put(received_at, dialect, events, packed, done))
        return done

    def last(self) -> int:
        """The greatest number that was given so far."""
        with told(self.path), closing(self._connect()) as connection:
            (found,) = connection.execute(
                "SELECT coalesce(MAX(seq), 0) FROM requests"
            ).fetchone()
        return int(found)

    def pending(
        self, after: int, *, most: int, through: int, most_bytes: int = sys.maxsize
    ) -> list[Stored]:
        """The next requests with a greater number: at most so many events and bytes, or one."""
        found: list[Stored] = []
        events = size = 0
        with told(self.path), closing(self._connect()) as connection:
            rows = connection.execute(
                "SELECT seq, received_at, dialect, events, payload FROM requests "
                "WHERE seq > ? AND seq <= ? AND failed IS NULL ORDER BY seq", (after, through)
            )
            for seq, received_at, dialect, count, packed in rows:
                payload = zlib.decompress(packed)
                if found and (events + count > most or size + len(payload) > most_bytes):
                    break
                events += count
                size += len(payload)
                found.append(Stored(seq, received_at, dialect, count, payload))
        return found

    def forget(self, through: int) -> None:
        """Remove the requests up to a number, which are in the lake by now.

        No byte of them stays in the file, nor in the log beside it once nothing waits: a person
        may be forgotten of whom they tell.
        """
        with told(self.path), closing(self._connect()) as connection:
            connection.execute("PRAGMA secure_delete=ON").fetchall()
            connection.execute(
                "DELETE FROM requests WHERE seq <= ? AND failed IS NULL", (through,)
            )
            connection.execute("PRAGMA incremental_vacuum(4096)").fetchall()
            if connection.execute("SELECT 1 FROM requests WHERE failed IS NULL").fetchone() is None:
                # While somebody writes, the log is left for the next time.
                connection.execute(f"PRAGMA busy_timeout={MOMENT}").fetchall()
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self.look_again()

    def look_again(self) -> None:
        """Find out how much is stored: another process may have removed what is in the lake."""
        stored = self._measured()
        with self._lock:
            self._stored = stored

    def keep_failed(self, seq: int, why: str) -> None:
        """Set a request aside that the lake cannot take: it stays here, and the others go on."""
        with told(self.path), closing(self._connect()) as connection:
            connection.execute("UPDATE requests SET failed = ? WHERE seq = ?", (why, seq))

    def failed(self) -> list[tuple[int, str, str]]:
        """Requests that were set aside: number, when they came, why."""
        with told(self.path), closing(self._connect()) as connection:
            return connection.execute(
                "SELECT seq, received_at, failed FROM requests "
                "WHERE failed IS NOT NULL ORDER BY seq"
            ).fetchall()

    def close(self) -> None:
        """Commit what waits, and stop."""
        self._queue.put(None)
        self._thread.join()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _measured(self) -> int:
        with told(self.path), closing(self._connect()) as connection:
            pages, free, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def _write(self) -> None:
        connection: sqlite3.Connection | None = None
        while True:
            puts, is_last = self._next()
            if puts:
                try:
                    connection = connection or self._connect()
                    self._commit(connection, puts)
                    self.is_writable = True
                except sqlite3.Error as error:
                    self.is_writable = False
                    # Opened anew: what was wrong with the file may be over by then.
                    _close(connection)
                    connection = None
                    self._fail(puts, _fault(error, self.path))
            if is_last:
                _close(connection)
                return

    def _next(self) -> tuple[list[_Put], bool]:
        """What waits, up to one commit; and whether nothing comes after it."""
        first = self._queue.get()
        if first is not None and self._was_shared:
            # Where several send at once, their requests are a moment apart: one fsync for all.
            time.sleep(WINDOW)
        puts: list[_Put] = []
        size = 0
        while first is not None:
            puts.append(first)
            size += len(first.packed)
            if size >= AT_ONCE:
                return puts, False
            try:
                first = self._queue.get_nowait()
            except queue.Empty:
                return puts, False
        return puts, True

    def _commit(self, connection: sqlite3.Connection, puts: Sequence[_Put]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(
                "INSERT INTO requests (received_at, dialect, events, payload) VALUES (?, ?, ?, ?)",
                [(put.received_at, put.dialect, put.events, put.packed) for put in puts],
            )
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._was_shared = len(puts) > 1
        size = sum(len(put.packed) for put in puts)
        with self._lock:
            self._queued -= size
            self._stored += size
        for put in puts:
            put.done.set_result(None)

    def _fail(self, puts: Sequence[_Put], error: InboxError) -> None:
        with self._lock:
            self._queued -= sum(len(put.packed) for put in puts)
        for put in puts:
            put.done.set_exception(error)


def _packed(payload: bytes) -> bytes:
    """Compressed; what is short is stored as it is, in the same form (RFC 1950 and 1951).

    To set up a compression costs more than a single event's whole way into the inbox.
    """
    size = len(payload)
    if size > SHORT:
        return zlib.compress(payload, 1)
    head = b"\x78\x01\x01" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little")
    return head + payload + zlib.adler32(payload).to_bytes(4, "big")


def waiting_in(path: Path) -> tuple[int, int]:
    """Of the inbox at a path: how many events wait, and how many requests cannot be loaded."""
    with told(path), closing(sqlite3.connect(path, timeout=WAIT)) as connection:
        if not _is_made(connection):
            return 0, 0
        events, failed = connection.execute(
            "SELECT coalesce(SUM(CASE WHEN failed IS NULL THEN events END), 0), COUNT(failed) "
            "FROM requests"
        ).fetchone()
    return int(events), int(failed)


def has_any(path: Path) -> bool:
    """Whether the inbox at a path holds a request that can be loaded."""
    with told(path), closing(sqlite3.connect(path, timeout=WAIT)) as connection:
        return _is_made(connection) and connection.execute(
            "SELECT 1 FROM requests WHERE failed IS NULL LIMIT 1"
        ).fetchone() is not None


def _is_made(connection: sqlite3.Connection) -> bool:
    """Whether the file holds an inbox: another process may be making it just now."""
    return connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE name = 'requests'"
    ).fetchone() is not None


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Let what SQLite says of the inbox be one line and a hint."""
    try:
        yield
    except sqlite3.Error as error:
        raise _fault(error, path) from error


def _raise_numbers(connection: sqlite3.Connection, after: int) -> None:
    """Let the next number be greater than `after`: an older copy of the file would give it again.

    A request with a number that the lake has passed would be taken for one that is in.
    """
    connection.execute("BEGIN IMMEDIATE")
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'requests'").fetchone()
    if row is None:
        connection.execute("INSERT INTO sqlite_sequence VALUES ('requests', ?)", (after,))
    elif row[0] < after:
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'requests'", (after,))
    connection.execute("COMMIT")


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        with contextlib.suppress(sqlite3.Error):
            connection.close()


def _fault(error: sqlite3.Error, path: Path) -> InboxError:
    said = str(error)
    is_full = "full" in said or "disk I/O" in said
    hint = (
        "Make room on its disk; nothing that was acknowledged is lost." if is_full
        else "Send again in a moment; nothing that was acknowledged is lost."
    )
    return InboxError(f"{path.name} cannot be written: {said}.", hint=hint, is_full=is_full)
