"""Loader: a process beside the server that brings events from the inbox into the lake.

What a load needs at its highest goes back to the system when the process ends, and no page waits
for the interpreter while it works. It reads a line for each time that it is to load, answers with
a line of JSON, and ends with its input: a server that was killed leaves none behind.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import datetime as dt
import json
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from staycurve import faults
from staycurve.config import Config
from staycurve.errors import BusyError, StaycurveError
from staycurve.workspace import Company

DOING = "loading events"
WITHIN = 20.0
"""Seconds of loading after which a refresh is due: else pages would stand behind a long queue."""


def main() -> None:
    """Load each time that a line comes, until the input ends.

    The words of the command are the project's directory and its configuration: what changes in
    staycurve.toml counts once the server that it belongs to is started again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder, packed = sys.argv[1:]
    config: Config = pickle.loads(base64.b64decode(packed))
    # Whatever prints is no answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with Company(Path(folder), clock=_clock) as company:
        company.config = config
        # Where the server was killed meanwhile, nobody reads the answer.
        with contextlib.suppress(BrokenPipeError):
            for turn, _ in enumerate(_lines(company)):
                print(json.dumps(_loaded(company, is_first=turn == 0)), file=answers, flush=True)
    with contextlib.suppress(BrokenPipeError):
        answers.close()


def _clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _lines(company: Company) -> Iterator[bytes]:
    """What is read; its end lets a drain that is under way end, too."""
    found: queue.Queue[bytes] = queue.Queue()

    def read() -> None:
        while line := os.read(0, 1):
            found.put(line)
        company.events.stop()
        found.put(b"")

    threading.Thread(target=read, name="asked", daemon=True).start()
    yield from iter(found.get, b"")


def _loaded(company: Company, *, is_first: bool) -> dict[str, Any]:
    """Bring in what waits, and refresh; what came of it."""
    try:
        done = company.events.bring(is_owed=is_first, within=WITHIN)
        if is_first or done.requests:
            company.lake.publish(company.lake.pointer.latest())
    except BusyError as error:
        return {"waits": error.message}
    except StaycurveError as error:
        return {"error": error.message}
    except Exception as error:
        kept = faults.keep(error, doing=DOING, at=_clock(), folder=company.folder)
        return {"fault": f"entry {kept.number} of {kept.path}"}
    _trim()
    return {
        "requests": done.requests, "refresh_seconds": company.refresh_seconds,
        "resident": _resident(),
    }


def _trim() -> None:
    """Give what a load left free back to the system, where its C library can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _resident() -> int:
    """Bytes in memory; 0 where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
