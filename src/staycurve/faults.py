"""Faults: what nobody foresaw, kept in a log so that one line can tell where to look."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import tempfile
import traceback
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from staycurve.version import VERSION

VARIABLE = "STAYCURVE_FAULTS"
"""An environment variable: with `raise`, a fault is raised as it is, as tests want it."""

LOG = Path("logs") / "faults.log"
LARGEST = 4 * 1024 * 1024
"""Bytes after which the log begins anew; the one before is kept beside it."""


@dataclass(frozen=True)
class Kept:
    """A fault that was kept.

    Attributes
    ----------
    number : str
        Finds its entry in the log.
    path : Path, optional
        The log; None when it could not be written anywhere.
    """

    number: str
    path: Path | None


def is_raised() -> bool:
    """Whether faults are to be raised as they are."""
    return os.environ.get(VARIABLE) == "raise"


def keep(error: BaseException, *, doing: str, at: dt.datetime, folder: Path | None) -> Kept:
    """Write a fault to the project's log, or to one in the directory for temporary files.

    Parameters
    ----------
    doing : str
        The command or address, without what a person wrote into it.
    folder : Path, optional
        The project's directory.
    """
    number = uuid.uuid4().hex[:10]
    entry = {
        "id": number,
        "at": at.isoformat(timespec="seconds"),
        "version": VERSION,
        "python": platform.python_version(),
        "doing": doing,
        "error": type(error).__name__,
        "traceback": "".join(traceback.format_exception(error)),
    }
    line = json.dumps(entry, ensure_ascii=False) + "\n"
    places = [Path(tempfile.gettempdir()) / "staycurve-faults.log"]
    if folder is not None and folder.is_dir():
        places.insert(0, folder / LOG)
    for path in places:
        try:
            _append(path, line)
        except OSError:
            continue
        return Kept(number, path)
    return Kept(number, None)


def command_of(words: Sequence[str]) -> str:
    """A command line by its command and its options' names; what was given may name people."""
    kept: list[str] = []
    command = 0
    for before, word in zip(("", *words), words, strict=False):
        if word.startswith("-"):
            kept.append(word.partition("=")[0])
        elif before.startswith("-"):
            continue
        elif command < 2 and word.replace("-", "").isalpha():
            kept.append(word)
            command += 1
        else:
            command = 2
    return " ".join(["staycurve", *kept])


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(exist_ok=True)
    if path.exists() and path.stat().st_size > LARGEST:
        os.replace(path, path.with_suffix(".log.1"))
    # Nobody else is to follow a link here, or to read what an error quotes.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(line)
