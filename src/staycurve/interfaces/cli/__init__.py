"""The command line: `staycurve COMMAND …`."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from staycurve.errors import DamagedError, StaycurveError


def main() -> None:
    """Run one command; whatever stops it is one line and a hint, never a traceback."""
    try:
        sys.exit(_status())
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            print("staycurve: stopped. Nothing half done was kept.", file=sys.stderr)
        _leave(130)
    except BrokenPipeError:
        _leave(0)


def _status() -> int:
    """Run the command; once more when a damaged table could be computed again first."""
    from staycurve.errors import DamagedError

    try:
        return _told_of(_invoke)
    except DamagedError as error:
        damaged = error
    return _told_of(lambda: _once_more(damaged))


def _invoke() -> int:
    from staycurve.interfaces.cli.app import app

    try:
        app()
    except SystemExit as end:
        # What is still to be written shows here that its reader has gone (`| head`).
        sys.stdout.flush()
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _once_more(damaged: DamagedError) -> int:
    from staycurve.errors import DamagedError
    from staycurve.interfaces.cli.opening import recompute

    try:
        if not recompute(damaged):
            return _told(damaged)
        return _invoke()
    except DamagedError as error:
        return _told(error)


def _told_of(what: Callable[[], int]) -> int:
    """The status of `what`, whose errors are told; but not of a table that is damaged."""
    from staycurve.errors import DamagedError, StaycurveError, system_error

    try:
        return what()
    except (DamagedError, BrokenPipeError):
        raise
    except StaycurveError as error:
        return _told(error)
    except Exception as error:
        known = system_error(error)
        if known is not None:
            return _told(known)
        # Nothing else needs it, and what it imports takes a tenth of a short command's start.
        from staycurve import faults

        if faults.is_raised():
            raise
        return _unforeseen(error)


def _told(error: StaycurveError) -> int:
    print(f"staycurve: {_line(error.message)}", file=sys.stderr)
    if error.hint:
        print(_line(error.hint), file=sys.stderr)
    for line in getattr(error, "details", ()):
        print(f"  {_line(line)}", file=sys.stderr)
    return error.exit_status


def _unforeseen(error: Exception) -> int:
    from staycurve import faults
    from staycurve.interfaces.cli.opening import clock, current_folder

    folder: Path | None = current_folder()
    doing = faults.command_of(sys.argv[1:])
    kept = faults.keep(error, doing=doing, at=clock(), folder=folder)
    place = f"entry {kept.number} of {kept.path}" if kept.path else "no log could be written"
    print(
        f"staycurve: something went wrong that nobody foresaw ({type(error).__name__}): {place}.",
        file=sys.stderr,
    )
    return 1


def _line(text: str) -> str:
    """The text on one line: a path or a value may hold a line break."""
    return " ".join(text.split("\n"))


def _leave(status: int) -> None:
    """End without a word about output that nobody reads any more."""
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
    sys.exit(status)
