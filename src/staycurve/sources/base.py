"""Sources: how an outside system is declared, and the port through which its rows come in.

A source says what its section of staycurve.toml takes and which streams it has. A stream yields
batches, each with how far it brings the stream. A writer conforms them, keeps what it has to
reject with the reason, and makes rows and cursor visible in one commit.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from staycurve.errors import SourceError, StaycurveError
from staycurve.registry import Registry
from staycurve.sources.mapping import Feed, Mapping as FileMapping
from staycurve.sources.options import ReadOptions
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.doubts import Doubt

S = TypeVar("S")

Row = Mapping[str, Any]
"""A row as its system sends it: field → text, number, true or false, None, a list or an object."""

Progress = Callable[[int, int, str], None]
"""Called with what is done, what there is to do (0: nobody knows), and what is going on."""


@dataclass(frozen=True)
class Cursor:
    """Where a stream goes on.

    Attributes
    ----------
    at : str or int
        What is compared: the greater one is newer. Texts compare sign by sign, so instants are
        written in one form and one zone.
    kept : mapping
        What else the stream needs, as JSON. It is merged into what was kept before, and a None
        takes a key out.
    """

    at: str | int
    kept: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.at, bool) or not isinstance(self.at, str | int):
            raise SourceError(
                f"A cursor is at a text or a whole number, not at a {type(self.at).__name__}.",
                hint="Write an instant as ISO 8601, UTC.",
            )
        try:
            json.dumps(dict(self.kept), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise SourceError(
                f"What a cursor keeps is not JSON: {error}.",
                hint="Keep texts, numbers, lists and objects.",
            ) from None

    def is_older_than(self, other: Cursor) -> bool:
        """Whether the other has come further.

        Raises
        ------
        SourceError
            If one is a text and the other a number.
        """
        if isinstance(self.at, str) and isinstance(other.at, str):
            return self.at < other.at
        if isinstance(self.at, int) and isinstance(other.at, int):
            return self.at < other.at
        raise SourceError(
            f"The cursors {self.at!r} and {other.at!r} cannot be compared.",
            hint="Begin anew: staycurve sync NAME --full",
        )

    def over(self, before: Cursor | None) -> Cursor:
        """What holds after this one was committed; an older one changes nothing."""
        if before is None:
            merged: Mapping[str, Any] = self.kept
        elif self.is_older_than(before):
            return before
        else:
            merged = {**before.kept, **self.kept}
        return Cursor(self.at, {key: value for key, value in merged.items() if value is not None})

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"at": self.at, "kept": dict(self.kept)}

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Cursor:
        """Out of what `as_dict` gave."""
        return cls(given["at"], given.get("kept", {}))


@dataclass(frozen=True)
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


class Kept(Protocol):
    """What the lake holds of a source, as it was when the stream began.

    Relations: `raw_objects` and `raw_listed`, of this source alone, and every conformed table.
    """

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        ...

    def put(
        self, relation: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]]
    ) -> None:
        """Make a relation of rows, for statements to come."""
        ...

    def cursor(self, stream: str) -> Cursor | None:
        """Where another stream of the same source stands."""
        ...


@dataclass(frozen=True)
class Pull(Generic[S]):
    """What a stream is asked for.

    Attributes
    ----------
    name : str
        The source's name in staycurve.toml.
    settings : object
        Its section, as its model reads it.
    cursor : Cursor, optional
        Where the last committed batch left the stream; None is from the beginning.
    since : datetime, optional
        What changed from then on is wanted, whatever the cursor says.
    folder : Path
        The project's directory.
    now : datetime
        No source reads the clock.
    kept : Kept
        What was kept of the source before.
    say : callable
        Told what is going on, for a bar.
    """

    name: str
    settings: S
    cursor: Cursor | None
    since: dt.datetime | None
    folder: Path
    now: dt.datetime
    kept: Kept
    say: Callable[[str], None] = lambda text: None


@dataclass(frozen=True, eq=False)
class Stream(Generic[S]):
    """One kind of thing that a source has.

    Attributes
    ----------
    name : str
        As commands and lists call it.
    about : str
        One sentence for the reference.
    read : callable
        Yields batches in the order of their cursors, oldest first.
    feeds : tuple of Feed
        How a row becomes one of each table: the source's field → our columns, as in a mapping
        file. None for files, whose mappings and headers say it.
    cursor : str
        What it goes on from, in words.
    options : ReadOptions
        How texts are written.
    is_derived : bool
        Whether it asks no outside system: its rows come out of objects that are kept already, and
        `sync --reparse` has it begin anew.
    done : callable, optional
        Called with a pull once everything that it read is committed.
    """

    name: str
    about: str
    read: Callable[[Pull[S]], Iterable[Batch]]
    feeds: tuple[Feed, ...] = ()
    cursor: str = ""
    options: ReadOptions = field(default_factory=ReadOptions)
    is_derived: bool = False
    done: Callable[[Pull[S]], None] | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """The conformed tables that it fills; none where each file says it."""
        return tuple(feed.table for feed in self.feeds if feed.table)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a row that are known beforehand."""
        return tuple(dict.fromkeys(name for feed in self.feeds for name in feed.columns))

    @property
    def key(self) -> tuple[str, ...]:
        """The fields that tell a row of the first table from every other."""
        if not self.feeds or not self.feeds[0].table:
            return ()
        main = self.feeds[0]
        key = CONFORMED[main.table or ""].key
        return main.key_from or tuple(
            theirs for theirs, ours in main.columns.items() if set(ours) & set(key)
        )

    @property
    def mapping(self) -> FileMapping:
        """The same as what a mapping file states."""
        main, *also = self.feeds or (Feed(),)
        return FileMapping(main, tuple(also), self.options, f"the stream {self.name}")


@dataclass(frozen=True, eq=False)
class Source(Generic[S]):
    """One kind of outside system: the section that configures it, and its streams.

    Attributes
    ----------
    name : str
        What `kind = "…"` says.
    title : str
        What people call it.
    about : str
        One sentence for the reference.
    settings : type
        What pydantic reads its section as, the key `kind` aside: a frozen dataclass.
    streams : tuple of Stream
        In the order of syncing.
    example : str
        A section that can be written.
    check : callable, optional
        Looks at the whole section, and raises `Wrong` for what cannot be followed.
    waiting : callable, optional
        (project's directory, source's name) → whether something came that no sync has seen.
    """

    name: str
    title: str
    about: str
    settings: type[S]
    streams: tuple[Stream[S], ...]
    example: str
    check: Callable[[S], None] | None = None
    waiting: Callable[[Path, str], object] | None = None


@dataclass(frozen=True)
class Sender:
    """Whose batches they are: a configured source and one of its streams."""

    name: str
    kind: str
    stream: Stream[Any]

    @property
    def label(self) -> str:
        """What lists call it in the place of a file."""
        return f"{self.name}/{self.stream.name}"


@dataclass(frozen=True)
class FileReport:
    """What became of one file, or one batch of rows, in one table.

    Attributes
    ----------
    accepted, replaced, rejected : int
        Together, the data rows that are meant for the table.
    removed : int, optional
        How many rows were taken out because the file, a complete export, does not hold them; None
        when it was not loaded as one.
    notes : tuple of str
        What else there is to know.
    error : StaycurveError, optional
        Why nothing of it was loaded.
    doubts : tuple of Doubt
        What its rows look like when it means something else than it says.
    """

    file: str
    table: str
    accepted: int
    replaced: int
    rejected: int
    notes: tuple[str, ...] = ()
    removed: int | None = None
    error: StaycurveError | None = None
    doubts: tuple[Doubt, ...] = ()

    def noting(self, notes: tuple[str, ...]) -> FileReport:
        """The same with more notes."""
        return replace(self, notes=self.notes + notes)


class Writer(Protocol):
    """The one way in: for files, for connectors, and for an inbox of events."""

    def cursor(self, sender: Sender) -> Cursor | None:
        """Where the last committed batch left a stream; None before the first."""
        ...

    def kept(self, source: str, kind: str) -> contextlib.AbstractContextManager[Kept]:
        """What the lake holds of a source now."""
        ...

    def write(
        self, batches: Sequence[Batch], *, sender: Sender | None = None,
        is_restart: bool = False, is_dry_run: bool = False, progress: Progress | None = None,
    ) -> list[FileReport]:
        """Take batches in one commit: readers see all of it with its cursors, or nothing.

        Parameters
        ----------
        sender : Sender, optional
            Whose they are; None for files that a person loads.
        is_restart : bool
            Whether the stream was read from its beginning: the cursor before is forgotten.
        is_dry_run : bool
            Whether to count only, and change nothing.

        Returns
        -------
        list of FileReport
            One for each file and table, and one for each table that rows fed. What failed carries
            its error, and its cursor is not kept.
        """
        ...


SOURCES: Registry[Source[Any]] = Registry(
    "kind of source",
    Source,
    (
        "staycurve.sources.folders",
        "staycurve.sources.stripe.source",
        "staycurve.sources.database",
        "staycurve.sources.hubspot",
        "staycurve.sources.salesforce",
        "staycurve.sources.pipedrive",
        "staycurve.sources.zendesk",
        "staycurve.sources.intercom",
        "staycurve.sources.freshdesk",
        "staycurve.sources.chargebee",
        "staycurve.sources.recurly",
        "staycurve.sources.paddle",
        "staycurve.sources.polar",
        "staycurve.sources.lago",
    ),
    group="staycurve.sources",
    hint="All kinds: staycurve sources",
    named=lambda source: source.name,
)
"""Every kind of source; other packages add theirs."""
