"""Listings: what the log says of one version of a table, and that kept for the next process.

Reading a log takes a library that is dear to import, and time that grows with the files. What it
said of a version never changes, so it is kept beside, under the marks of the log's files: a log
that was written anew, damaged or restored has other marks, and is read.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORM = 1


@dataclass(frozen=True)
class Listing:
    """What the log says of one version of a table.

    Attributes
    ----------
    parts : mapping
        File → the day that all its rows have; empty for a table that is not partitioned.
    sizes : mapping
        File → its bytes.
    columns : frozenset of str
        What every file has. A table that a version before made may lack what was added since.
    """

    files: list[str]
    parts: dict[str, str | None]
    sizes: dict[str, int]
    rows: int
    columns: frozenset[str]


def marks_of(log: Path) -> list[list[Any]] | None:
    """Name, bytes and time of change of every file of a log; None where it cannot be looked at."""
    try:
        with os.scandir(log) as entries:
            found = [
                [entry.name, (seen := entry.stat()).st_size, seen.st_mtime_ns] for entry in entries
            ]
    except OSError:
        return None
    return sorted(found)


def kept(path: Path, root: str, version: int, marks: list[list[Any]]) -> Listing | None:
    """The listing of a version that another process kept; None where there is none to trust.

    Parameters
    ----------
    root : str
        The table's folder: names are kept without it, so that a project can be moved.
    """
    try:
        told = json.loads(path.read_bytes())
        if (told["form"], told["version"], told["marks"]) != (FORM, version, marks):
            return None
        files = [f"{root}/{name}" for name in told["files"]]
        parts = dict(zip(files, told["parts"], strict=True)) if told["parts"] else {}
        sizes = dict(zip(files, told["sizes"], strict=True))
        return Listing(files, parts, sizes, int(told["rows"]), frozenset(told["columns"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(
    path: Path, root: str, version: int, marks: list[list[Any]], listing: Listing
) -> None:
    """Keep a listing for the next process; where that cannot be done it reads the log again."""
    start = len(root) + 1
    told = {
        "form": FORM, "version": version, "marks": marks,
        "files": [file[start:] for file in listing.files],
        "parts": list(listing.parts.values()), "sizes": list(listing.sizes.values()),
        "rows": listing.rows, "columns": sorted(listing.columns),
    }
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        part.write_text(json.dumps(told), encoding="utf-8")
        os.replace(part, path)
