"""Batches: what a stream yields, rows on their way in with how far they bring it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from staycurve.sources.cursors import Cursor
from staycurve.sources.mapping import Mapping as FileMapping
from staycurve.sources.objects import cell
from staycurve.tables.conformed import CONFORMED

Row = Mapping[str, Any]
"""A row as its system sends it: field → text, number, true or false, None, a list or an object."""


@dataclass(frozen=True, slots=True)
class RawObject:
    """One object as its system sent it, which the lake keeps.

    Attributes
    ----------
    object : str
        Its kind, as its system calls it.
    parent : str
        The id by which it is looked for beside its own.
    created : int
        When its system made it, in seconds since 1970.
    body : bytes
        JSON.
    is_deleted : bool
        Whether the system says that it is gone.
    """

    object: str
    id: str
    body: bytes
    parent: str = ""
    created: int = 0
    is_deleted: bool = False


@dataclass(frozen=True)
class Whole:
    """Which rows of a table a batch holds all of: others that are there are taken out.

    Attributes
    ----------
    column : str
        Of the table; the rows with one of `values` in it are meant.
    """

    table: str
    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Unreadable:
    """In the place of a row: something of which none could be made; it is rejected.

    Attributes
    ----------
    text : str
        What it is, such as its id; one of the values of a `Whole` takes the complaint back.
    rule : str
        What is wrong, to be read after the text: "has no customer".
    """

    text: str
    rule: str


@dataclass(frozen=True)
class Batch:
    """Rows on their way in, and how far they bring their stream.

    Attributes
    ----------
    rows : sequence of mapping, or Path
        Rows as their system sends them (or `Unreadable`), or a file that is read as
        `staycurve load` does.
    cursor : Cursor, optional
        Where to go on once these rows are in; visible with them, or not at all.
    id : str
        Names the batch; one that was committed before under the same name is not taken again.
    table : str, optional
        Of a file: the table that it feeds, where neither its mapping nor its name says it. Of
        rows that have that table's columns already: the table, instead of what the stream feeds.
    mapping : Mapping, optional
        Of a file: how its columns become ours.
    is_complete : bool
        Of a file: whether it is the complete export of its source (`load --replace`).
    objects : tuple of RawObject
        What is kept as it came.
    listing : int
        The complete listing that showed the objects; 0 for those that were fetched one by one.
    whole : tuple of Whole
        Of which rows these are all.
    is_partial : bool
        Of rows of a table: whether what they do not tell stays as it is. `attributes` is a JSON
        object then, in which null takes an attribute away.
    """

    rows: Sequence[Row | Unreadable] | Path
    cursor: Cursor | None = None
    id: str = ""
    table: str | None = None
    mapping: FileMapping | None = None
    is_complete: bool = False
    objects: tuple[RawObject, ...] = ()
    listing: int = 0
    whole: tuple[Whole, ...] = ()
    is_partial: bool = False


def partial_batch(table: str, batch: Batch) -> Batch:
    """The batch as rows of a table that tell only what changes.

    A row replaces the one before it as a whole otherwise: a source would take away what another
    knows of the same thing. Fields that are no columns are attributes; one that is None is taken
    away.
    """
    import orjson

    columns = {column.name for column in CONFORMED[table].columns}
    rows: list[Row | Unreadable] = []
    for row in batch.rows if not isinstance(batch.rows, Path) else ():
        if isinstance(row, Unreadable):
            rows.append(row)
            continue
        own = {key: value for key, value in row.items() if key in columns}
        told = {key: cell(value) for key, value in row.items() if key not in columns}
        rows.append({**own, "attributes": orjson.dumps(told).decode()} if told else own)
    return replace(batch, rows=rows, table=table, is_partial=True)
