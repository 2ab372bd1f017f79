"""Loading: what is staged once, the tables that it feeds, and the loads of one commit."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from staycurve.config import Config
from staycurve.errors import LoadError, MemoryLimitError, StaycurveError
from staycurve.sources.base import Sender
from staycurve.sources.batches import Batch, Row, Unreadable, Whole
from staycurve.sources.diagnosis import Subject, taught
from staycurve.sources.doubting import doubts_of
from staycurve.sources.fitting import fit
from staycurve.sources.mapping import Feed, Mapping
from staycurve.sources.naming import known_table, table_of
from staycurve.sources.options import ReadOptions
from staycurve.sources.port import FileReport, Progress
from staycurve.sources.raw import keep_objects
from staycurve.sources.reaching import reached
from staycurve.sources.reading import Read, stage, stage_rows
from staycurve.sources.stream_records import told_of
from staycurve.tables.arrivals import Arrivals, too_wide
from staycurve.tables.base import Table
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.doubts import Doubt
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.events import EVENTS, clock_checks
from staycurve.tables.looking import look
from staycurve.tables.placing import Counts
from staycurve.tables.pointer import KEEP, LoadRecord, changed_versions
from staycurve.tables.raw import RAW_TABLE
from staycurve.tables.rejects import Origin
from staycurve.tables.writing import Writing


@dataclass(frozen=True, eq=False)
class Piece:
    """What is staged once: a file, or rows of a stream that arrive together.

    Attributes
    ----------
    content : Path or list of mapping
        The file, or the rows.
    fields : tuple of str
        Columns that rows have although none of them holds a value.
    is_partial : bool
        Whether what its rows do not tell stays as it is.
    told : mapping, optional
        What the load keeps of its source: the stream, the batches, and how far they bring it.
    notes : tuple of str
        What is to be said of it whatever becomes of its rows: what it was recognised as.
    """

    name: str
    content: Path | list[Row | Unreadable]
    mapping: Mapping
    options: ReadOptions
    fields: tuple[str, ...] = ()
    is_complete: bool = False
    is_partial: bool = False
    told: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of a file."""
        return size_of(self.content) if isinstance(self.content, Path) else 0


@dataclass(frozen=True)
class Item:
    """A piece and a table that it feeds: its own (main), or one that it also feeds."""

    piece: Piece
    table: Table
    feed: Feed
    is_main: bool
    is_last: bool


def items_of(piece: Piece, table: str | None) -> list[Item]:
    """The piece with its own table, by `table`, its mapping or its name, and others that it feeds.

    Raises
    ------
    LoadError
        If a file is not there, or no table is named.
    """
    if isinstance(piece.content, Path) and not piece.content.exists():
        raise LoadError(
            f"{piece.content} is not there.", hint="Check the path.", file=piece.name
        )
    stated = table or piece.mapping.main.table
    main = CONFORMED[known_table(stated) if stated else table_of(piece.name)]
    items = [Item(piece, main, piece.mapping.main, True, False)]
    for feed in piece.mapping.also:
        items.append(Item(piece, CONFORMED[known_table(feed.table or "")], feed, False, False))
    return items


def with_last(items: Sequence[Item]) -> list[Item]:
    """Items in the same order, the last of each piece marked: its load keeps the cursor."""
    last = {id(item.piece): place for place, item in enumerate(items)}
    return [
        replace(item, is_last=last[id(item.piece)] == place) for place, item in enumerate(items)
    ]


class Unit:
    """The items of one commit, one after the other."""

    def __init__(
        self, engine: Engine, folder: Path, writing: Writing, known: Sequence[LoadRecord], *,
        config: Config, now: dt.datetime, may_be_empty: bool, progress: Progress | None,
        whole: Sequence[Whole] = (),
    ) -> None:
        self.config = config
        self.now = now
        self.may_be_empty = may_be_empty
        self.engine = engine
        self.folder = folder
        self.progress = progress
        self.records: list[LoadRecord] = []
        self._writing = writing
        self._known = known
        self._staged: dict[object, Read | StaycurveError] = {}
        self._failed: set[int] = set()
        self._whole = tuple(whole)
        self._done = self._total = 0
        self._number = writing.lake.pointer.next_load()
        files = {
            record.load: (record.file, str(record.details.get("path", record.file)))
            for record in known
        }
        self._files = files

    @cached_property
    def arrivals(self) -> Arrivals:
        """Where rows arrive; what keeps objects alone needs none of it."""
        return Arrivals(self.engine, self._writing, self.config, self.folder, self._files)

    def save(self) -> None:
        """Write what arrivals have to tell; the tables are written already."""
        if "arrivals" in vars(self):
            self.arrivals.save()

    def all(self, items: Sequence[Item]) -> list[FileReport]:
        """Load every item; one that fails leaves the others as they are."""
        self._total = sum(item.piece.size for item in items)
        if items:
            # A lookup reads the tables before the first row arrives.
            _ = self.arrivals
        reports = [self._one(item) for item in items]
        if items and self.records:
            # The last load of the call is what let the waiting rows join.
            notes = self.arrivals.settle(self.records[-1].load)
            self.arrivals.rejects.save()
            self._note_versions()
            if notes and reports:
                place = max(i for i, report in enumerate(reports) if report.error is None)
                reports[place] = reports[place].noting(notes)
        return reports

    def keep(self, batches: Sequence[Batch], sender: Sender) -> FileReport:
        """Keep the objects of batches as they came; where rows come too, they tell the cursor."""
        self._say(f"keeping {sender.label}")
        self._before = dict(self._writing.tables)
        new = changed = 0
        if any(batch.objects for batch in batches):
            new, changed = keep_objects(
                self.engine, self._writing, batches, source=sender.name, load=self._number,
                now=self.now, folder=self.folder,
            )
        details: dict[str, Any] = {"path": f"{sender.label}#{self._number}", "kind": KEEP}
        if not sender.stream.feeds:
            details["source"] = told_of(sender, batches)
        self.records.append(LoadRecord(
            self._number, self.now.astimezone(dt.UTC).isoformat(), sender.label, RAW_TABLE,
            new, changed, 0, details,
        ))
        self._number += 1
        self._note_versions()
        return FileReport(sender.label, RAW_TABLE, new, changed, 0)

    def restart(self) -> None:
        """Let the first cursor of the call forget those before it."""
        for place, record in enumerate(self.records):
            told = record.details.get("source", {})
            if "cursor" in told:
                details = {**record.details, "source": {**told, "restart": True}}
                self.records[place] = replace(record, details=details)
                return

    def _say(self, text: str) -> None:
        if self.progress:
            self.progress(self._done, self._total, text)

    def _one(self, item: Item) -> FileReport:
        piece = item.piece
        subject: Subject | None = None
        try:
            self._say(f"reading {piece.name}")
            read = self._read(piece)
            if piece.is_complete and not read.staged.rows and not self.may_be_empty:
                raise LoadError(
                    f"{piece.name} holds no rows: as a complete export it would remove every row "
                    "that came from it before.",
                    hint="If that is meant: --replace --allow-empty", file=piece.name,
                )
            staged = reached(read.staged, piece.mapping)
            feed = piece.mapping.feed_for(item.feed, staged.columns)
            subject = Subject(
                self.engine, item.table, staged, feed, self.config, piece.name,
                piece.mapping.name,
            )
            job, unused = fit(
                item.table, staged, feed, config=self.config,
                options=_known_now(piece.options, self.now),
                file=piece.name, mapping=piece.mapping.name, is_partial=piece.is_partial,
            )
            if item.table is EVENTS:
                hours = self.config.behaviour.usage.tolerance_hours
                job = replace(job, checks=(*job.checks, *clock_checks(self.now, hours)))
            job = look(self.engine, job, piece.name)
            self._say(f"loading {piece.name} into {item.table.name}")
            bad = read.bad if item.is_main else None
            origin = self._origin(piece)
            self._before = dict(self._writing.tables)
            if isinstance(piece.content, Path):
                counts = self.arrivals.take(job, bad, origin, self._earlier(item))
            else:
                # A page of which no row is good must not stop the stream for ever.
                counts = self.arrivals.take_any(job, bad, origin, self._whole_of(item.table))
            self.arrivals.rejects.save()
            doubts = tuple(doubts_of(self.engine, job, feed, staged.columns, counts.rejected))
        except LoadError as error:
            self._failed.add(id(piece))
            if subject is not None and "is_read" in error.fields:
                error = taught(error, subject, piece.options)
            return FileReport(piece.name, item.table.name, 0, 0, 0, error=error)
        finally:
            self._done += piece.size
            self._say(f"{piece.name} is done")
        self._number += 1
        self.records.append(self._record(item, origin, counts, doubts))
        self._note_versions()
        return FileReport(
            piece.name, item.table.name, counts.accepted, counts.replaced, counts.rejected,
            notes=_notes(item, counts, unused),
            removed=counts.removed if piece.is_complete or counts.removed else None,
            doubts=doubts,
        )

    def _whole_of(self, table: Table) -> dict[str, list[str]]:
        """Column → the values of it of which the rows at hand are all."""
        found: dict[str, list[str]] = {}
        for one in self._whole:
            if one.table == table.name:
                found.setdefault(one.column, []).extend(one.values)
        return found

    def _origin(self, piece: Piece) -> Origin:
        if isinstance(piece.content, Path):
            return Origin(self._number, piece.name, str(piece.content.resolve()))
        # What an earlier batch had to reject is still rejected: each batch is its own place.
        return Origin(self._number, piece.name, f"{piece.name}#{self._number}")

    def _earlier(self, item: Item) -> list[int]:
        """The loads of the same source, if the file is the complete export of it."""
        return [
            record.load
            for record in (*self._known, *self.records)
            if item.piece.is_complete
            and (record.file, record.table) == (item.piece.name, item.table.name)
            and record.kind in ("load", "replace")
        ]

    def _note_versions(self) -> None:
        """Keep which versions the last load changed: by them it can be taken back."""
        versions = changed_versions(self._before, self._writing.tables)
        last = self.records[-1]
        self.records[-1] = replace(last, details={**last.details, "versions": versions})

    def _read(self, piece: Piece) -> Read:
        # A file that is named twice is staged once.
        key: object = piece.content if isinstance(piece.content, Path) else piece
        if key not in self._staged:
            folder = self.folder / f"file-{len(self._staged)}"
            folder.mkdir()
            try:
                if isinstance(piece.content, Path):
                    found = stage(self.engine, piece.content, folder, piece.options)
                else:
                    found = stage_rows(piece.content, piece.fields, folder)
                self._staged[key] = found
            except LoadError as error:
                self._staged[key] = error
            except MemoryLimitError:
                self._staged[key] = too_wide(piece.name)
        staged = self._staged[key]
        if isinstance(staged, StaycurveError):
            raise staged
        return staged

    def _record(
        self, item: Item, origin: Origin, counts: Counts, doubts: Sequence[Doubt]
    ) -> LoadRecord:
        piece = item.piece
        details: dict[str, Any] = {"path": origin.path}
        if isinstance(piece.content, Path):
            details |= {"bytes": piece.size, "sha256": digest_of(piece.content)}
        details |= {
            "kind": "replace" if piece.is_complete else "load",
            "removed": counts.removed,
            "doubled": counts.doubled,
            "waiting": counts.waiting,
            "mapping": piece.mapping.name if piece.mapping != Mapping() else None,
        }
        if doubts:
            details["doubts"] = [doubt.as_dict() for doubt in doubts]
        if piece.told is not None:
            details["source"] = piece.told
            if not item.is_last or id(piece) in self._failed:
                # Of a piece that feeds several tables the last keeps it, if none has failed.
                details["source"] = {k: v for k, v in piece.told.items() if k != "cursor"} | {
                    "batches": []
                }
        return LoadRecord(
            load=origin.load,
            loaded_at=self.now.astimezone(dt.UTC).isoformat(),
            file=origin.file,
            table=item.table.name,
            accepted=counts.accepted,
            replaced=counts.replaced,
            rejected=counts.rejected,
            details=details,
        )


def _known_now(options: ReadOptions, now: dt.datetime) -> ReadOptions:
    """The options, with the moment of the load where nothing says when the file was written."""
    if options.status != "current" or options.exported_at is not None:
        return options
    return replace(options, exported_at=now.astimezone(dt.UTC).isoformat())


def _unused(piece: Piece, columns: Sequence[str]) -> list[str]:
    """Those of `columns` that no table is fed from."""
    used = {name for feed in piece.mapping.also for name in feed.mentioned}
    return [column for column in columns if column not in used]


def _notes(item: Item, counts: Counts, columns: Sequence[str]) -> tuple[str, ...]:
    notes: list[str] = []
    if item.is_main:
        notes += item.piece.notes
        if unused := _unused(item.piece, columns):
            notes.append(f"columns not used: {', '.join(unused)}")
    if counts.doubled:
        notes.append(f"rows replaced by a later line with the same key: {counts.doubled}")
    if counts.waiting:
        notes.append(
            "rejected rows that may still join by themselves (see: staycurve rejects): "
            f"{counts.waiting}"
        )
    return (*notes, *counts.notes)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_of(path: Path) -> int:
    """Bytes of a file; 0 for what is none."""
    return path.stat().st_size if path.is_file() else 0
