"""The lake: the tables of one project, and the one writer that may change them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from staycurve.errors import BusyError, StaycurveError
from staycurve.tables.delta import DeltaTables
from staycurve.tables.duckdb_engine import Failure, translated
from staycurve.tables.pointer import Snapshot
from staycurve.tables.writing import Writing


class Lake(DeltaTables):
    """The tables of one project, with the lock that lets one writer at a time change them."""

    @contextlib.contextmanager
    def writing(self, *, wait: float = 600.0) -> Iterator[Writing]:
        """Be the one writer; whatever is not committed is as if it had never happened.

        Parameters
        ----------
        wait : float
            Seconds to wait for another writer.

        Raises
        ------
        BusyError
            If the other writer is still at work by then.
        """
        with self.locked(wait=wait):
            snapshot = self.pointer.latest()
            writing = Writing(self, snapshot)
            try:
                with self.explaining(snapshot):
                    yield writing
            finally:
                if not writing.is_done:
                    self._forget_after(snapshot)
                writing.discard()

    def _forget_after(self, snapshot: Snapshot) -> None:
        """Forget what a unit of work that ends without its commit made of the tables.

        The next one gives the same numbers to other versions.
        """
        known = snapshot.tables
        # Readers of other threads add to both meanwhile.
        for key in list(self._listings):
            if key[1] > known.get(key[0], -1):
                self._listings.pop(key, None)
        for table, version in list(self._whole):
            if version is not None and version > known.get(table, -1):
                self._whole.discard((table, version))

    @contextlib.contextmanager
    def locked(self, *, wait: float = 600.0) -> Iterator[None]:
        """Keep other writers away; see `writing`."""
        self.store.check()
        with self.store_errors(), open(self.store.lock, "a+", encoding="utf-8") as lock:
            _take(lock, wait)
            self.store.claim()
            yield

    @contextlib.contextmanager
    def explaining(self, snapshot: Snapshot) -> Iterator[None]:
        """Say which file is damaged when the engine fails over one of this snapshot."""
        try:
            yield
        except Failure as error:
            told = translated(error)
            if isinstance(told, StaycurveError):
                raise told from error
            from staycurve.tables.damage import first_damage

            found = first_damage(self, snapshot)
            if found is None:
                raise
            raise found from error


@contextlib.contextmanager
def alone(path: Path, doing: str, *, wait: float) -> Iterator[None]:
    """Do something that no other process does at the same time, by the lock at `path`.

    Parameters
    ----------
    doing : str
        What the others are told that this one does, such as 'syncing'.
    wait : float
        Seconds to wait for another process.

    Raises
    ------
    BusyError
        If the other one is still at it by then.
    """
    with open(path, "a+", encoding="utf-8") as lock:
        _take(lock, wait, doing)
        yield


def _take(lock: Any, wait: float, doing: str = "writing") -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                lock.seek(0)
                raise BusyError(
                    f"Another staycurve (process {lock.read().strip() or 'unknown'}) is {doing}.",
                    hint="Wait until it has finished, then run this again; nothing was changed.",
                ) from None
            time.sleep(0.1)
        else:
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            return
