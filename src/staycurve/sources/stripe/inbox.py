"""Inbox: events that webhooks brought and no sync has seen yet, one file each.

A file is complete or not there, and its name is the event's id: what comes twice is there once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path("inbox") / "stripe"
_ID = re.compile(r"[A-Za-z0-9_]{1,120}")


def is_id(text: object) -> bool:
    """Whether it can be the id of an event."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def put(folder: Path, source: str, id: str, body: bytes) -> bool:
    """Keep an event's body so that no power cut loses it; False where it is there already.

    Parameters
    ----------
    folder : Path
        The project's directory.
    """
    if not is_id(id):
        raise ValueError("no id of an event")
    place = folder / FOLDER / source
    place.mkdir(parents=True, exist_ok=True)
    target, part = place / f"{id}.json", place / f".{id}.{os.getpid()}.part"
    if target.exists():
        return False
    with part.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    try:
        # Unlike a move, a link fails where another delivery was faster.
        os.link(part, target)
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return True


def waiting(folder: Path, source: str) -> list[Path]:
    """The files of events that wait, by name."""
    return sorted((folder / FOLDER / source).glob("[!.]*.json"))


def events(folder: Path, source: str) -> Iterator[dict[str, Any]]:
    """The events that wait."""
    import orjson

    for path in waiting(folder, source):
        try:
            found = orjson.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(found, dict) and found.get("id") == path.stem:
            yield found


def forget(folder: Path, source: str, ids: Iterable[str]) -> None:
    """Remove events from the inbox."""
    for id in ids:
        if is_id(id):
            (folder / FOLDER / source / f"{id}.json").unlink(missing_ok=True)
