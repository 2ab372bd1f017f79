"""Loading: asks the loader every few seconds, as long as the server lives."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from typing import Any

from staycurve import faults
from staycurve.errors import StaycurveError
from staycurve.workspace import Company

EVERY = 20.0
"""Seconds between two loads: with a refresh after each, an event is on a page within a minute."""
SHORTEST = 1.0
"""Seconds between the end of a load and the next at least."""
MOST_RESIDENT = 320 * 1024 * 1024
"""Bytes that a loader may keep between two loads; one with more is followed by another."""
MOST_LOADS = 90
"""Loads after which it is followed by another in any case: half an hour's."""
MOST_IDLE = 3
"""Times that nothing waits until it is ended."""

ARROW = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Arrow's own pool keeps what a load once needed, tens of MiB, for as long as a process lives."""

_RUN = "from staycurve.interfaces.ingest.loader import main; main()"
_log = logging.getLogger("staycurve.inbox")


class Loading:
    """Brings what programs send to a company into its lake, in a process beside this one.

    Parameters
    ----------
    every : float
        Seconds between two loads.
    """

    def __init__(self, company: Company, *, every: float = EVERY) -> None:
        self._company = company
        self._every = every
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._loads = self._idle = 0
        self._is_owed = False
        self._thread = threading.Thread(target=self._run, name="loading", daemon=True)

    @property
    def process(self) -> int | None:
        """The number of the process that loads; None while there is none."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Load until `close`, or until the process ends."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the commit that is under way."""
        self._stop.set()
        with self._lock:
            _hang_up(self._child)
        if self._thread.ident is not None:
            self._thread.join()
        self._end()

    def catch_up(self) -> bool:
        """Load, and refresh what is due, at once; whether that was done."""
        self._is_owed = True
        self.turn()
        return not self._is_owed

    def turn(self) -> None:
        """Load once, if anything waits."""
        if not (self._is_owed or self._company.events.is_waiting):
            self._idle += 1
            if self._idle >= MOST_IDLE:
                self._end()
            return
        self._idle = 0
        # Until it is answered: the one that was asked may have been killed before the refresh.
        self._is_owed = True
        told = self._asked()
        if told is None:
            if not self._stop.is_set():
                _log.warning("Events wait in the inbox: what loads them has ended")
            self._end()
            return
        self._company.events.look_again()
        if "waits" in told:
            _log.info("Events wait: %s", told["waits"])
        elif "error" in told:
            _log.warning("Events wait in the inbox: %s", told["error"])
        elif "fault" in told:
            _log.error("Events wait in the inbox: %s", told["fault"])
        else:
            self._is_owed = False
            if told["refresh_seconds"] is not None:
                self._company.refresh_seconds = told["refresh_seconds"]
        self._loads += 1
        if self._loads >= MOST_LOADS or told.get("resident", 0) > MOST_RESIDENT:
            self._end()

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self.turn()
            except (StaycurveError, OSError) as error:
                _log.warning("Events wait in the inbox: %s", error)
                self._end()
            except Exception as error:
                # Whatever it was, the next turn may go well: events must not wait for a restart.
                kept = faults.keep(
                    error, doing="loading events", at=self._company.clock(),
                    folder=self._company.folder,
                )
                _log.error("Events wait in the inbox: entry %s of %s", kept.number, kept.path)
                self._end()
            # From one beginning to the next, so that a long load lets nobody wait twice.
            left = self._every - (time.monotonic() - began)
            self._stop.wait(max(left, min(self._every, SHORTEST)))

    def _asked(self) -> dict[str, Any] | None:
        """What the loader answers; None where it has ended instead."""
        with self._lock:
            if self._stop.is_set():
                return None
            if self._child is None:
                self._child = self._started()
                self._loads = 0
            child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write("\n")
            child.stdin.flush()
            line = child.stdout.readline()
            found = json.loads(line) if line else None
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _started(self) -> subprocess.Popen[str]:
        config = base64.b64encode(pickle.dumps(self._company.config)).decode()
        # Many threads ask for memory one after the other: an arena each would keep it.
        env = {"MALLOC_ARENA_MAX": "2", **ARROW, **os.environ,
               "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _RUN, str(self._company.folder), config],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=env,
        )

    def _end(self) -> None:
        """Let the loader end after its commit, and wait until it has."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            _hang_up(child)
            child.wait()
            assert child.stdout is not None
            child.stdout.close()


def _hang_up(child: subprocess.Popen[str] | None) -> None:
    if child is not None and child.stdin is not None:
        # It may have ended first.
        with contextlib.suppress(OSError):
            child.stdin.close()
