"""Stream records: what loads keep of the streams that brought their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from staycurve.sources.base import Sender
from staycurve.sources.batches import Batch
from staycurve.sources.cursors import Cursor
from staycurve.tables.pointer import LoadRecord


def cursor_of(loads: Sequence[LoadRecord], sender: Sender) -> Cursor | None:
    """Where the loads left a stream; a load that was undone counts, or it would come again."""
    return cursor_in(loads, (sender.name, sender.kind, sender.stream.name))


def cursor_in(loads: Sequence[LoadRecord], stream: tuple[str, str, str]) -> Cursor | None:
    """The same of the stream with these names: the source's, its kind's, and its own."""
    found: Cursor | None = None
    for record in loads:
        if _stream_of(record) != stream:
            continue
        told = record.details["source"]
        if "cursor" in told:
            found = Cursor.of(told["cursor"]).over(None if told.get("restart") else found)
    return found


def is_from(record: LoadRecord, sender: Sender) -> bool:
    """Whether a load brought rows of a stream."""
    return _stream_of(record) == (sender.name, sender.kind, sender.stream.name)


def _stream_of(record: LoadRecord) -> tuple[str, str, str] | None:
    told = record.details.get("source")
    return None if told is None else (told["name"], told["kind"], told["stream"])


def committed(known: Sequence[LoadRecord], sender: Sender | None) -> set[str]:
    """The names of the batches of a stream that are in."""
    if sender is None:
        return set()
    return {
        batch for record in known if is_from(record, sender)
        for batch in record.details["source"]["batches"]
    }


def check_cursors(batches: Sequence[Batch], before: Cursor | None) -> None:
    """Raise for a cursor that cannot be compared: it would stand in the way of every later one."""
    for batch in batches:
        before = before if batch.cursor is None else batch.cursor.over(before)


def told_of(sender: Sender | None, batches: Sequence[Batch]) -> dict[str, Any] | None:
    """What the load keeps of its source: together they are where the stream goes on."""
    if sender is None:
        return None
    cursor: Cursor | None = None
    # What a cursor takes out has to be told to the cursor of the loads before, too.
    gone: dict[str, Any] = {}
    for batch in batches:
        if batch.cursor is not None:
            cursor = batch.cursor.over(cursor)
            gone |= {key: None for key, value in batch.cursor.kept.items() if value is None}
    told: dict[str, Any] = {
        "name": sender.name, "kind": sender.kind, "stream": sender.stream.name,
        "batches": [batch.id for batch in batches if batch.id],
    }
    if cursor is not None:
        told["cursor"] = {"at": cursor.at, "kept": {**gone, **cursor.kept}}
    return told
