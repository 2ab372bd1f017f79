"""Sources: how an outside system is declared, and where every kind of them is found.

A source says what its section of staycurve.toml takes and which streams it has. A stream yields
batches, each with how far it brings the stream. A writer (port.py) conforms them, keeps what it has
to reject with the reason, and makes rows and cursor visible in one commit.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from staycurve.registry import Registry
from staycurve.sources.batches import Batch
from staycurve.sources.cursors import Cursor
from staycurve.sources.mapping import Feed, Mapping as FileMapping
from staycurve.sources.options import ReadOptions
from staycurve.tables.conformed import CONFORMED

S = TypeVar("S")

_DECLARES = re.compile(r"^[A-Z][A-Z0-9_]* *(?::[^=]*)?= *Source\(", re.MULTILINE)


class Kept(Protocol):
    """What the lake holds of a source, as it was when the stream began.

    Relations: `raw_objects` and `raw_listed`, of this source alone, and every conformed table.
    """

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        ...

    def batches(self, sql: str, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a statement over what is kept, `size` at a time and never all at once.

        Relations that were made by `keep` and `put` are not among what it can ask for.
        """
        ...

    def keep(self, relation: str, sql: str) -> None:
        """Make a relation of what a statement answers, for statements to come."""
        ...

    def put(
        self, relation: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]]
    ) -> None:
        """Make a relation of rows, for statements to come."""
        ...

    def cursor(self, stream: str) -> Cursor | None:
        """Where another stream of the same source stands."""
        ...


class CertificateLine(Protocol):
    """One kind of object of a source, compared at the source and here."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing differs."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """As JSON: `source`, `object`, counts, and what differs by ids."""
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
    note : callable
        Told what people should know although nothing failed.
    """

    name: str
    settings: S
    cursor: Cursor | None
    since: dt.datetime | None
    folder: Path
    now: dt.datetime
    kept: Kept
    say: Callable[[str], None] = lambda text: None
    note: Callable[[str], None] = lambda text: None


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
    certificate : callable, optional
        (what is kept, source's name) → lines that compare the system with what is here.
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
    certificate: Callable[[Kept, str], Sequence[CertificateLine]] | None = None


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


def _modules() -> tuple[str, ...]:
    """Our modules that declare a source.

    They are told by their text: a command would wait for all that reads files otherwise, three
    times as long as for these alone.
    """
    import staycurve.sources as own

    folder = Path(own.__path__[0])
    return tuple(
        ".".join((own.__name__, *path.relative_to(folder).with_suffix("").parts))
        for path in sorted(folder.rglob("*.py"))
        if _DECLARES.search(path.read_text(encoding="utf-8"))
    )


SOURCES: Registry[Source[Any]] = Registry(
    "kind of source",
    Source,
    _modules,
    group="staycurve.sources",
    hint="All kinds: staycurve sources",
    named=lambda source: source.name,
)
"""Every kind of source; other packages add theirs."""
