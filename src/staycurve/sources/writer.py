"""The writer: batches of files and of rows, conformed and committed with their cursors."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from staycurve.config import Config
from staycurve.errors import LoadError, MemoryLimitError, StaycurveError
from staycurve.sources.base import Batch, Cursor, FileReport, Progress, Row, Sender
from staycurve.sources.diagnosis import Subject, taught
from staycurve.sources.doubting import doubts_of
from staycurve.sources.fitting import fit
from staycurve.sources.mapping import Feed, Mapping
from staycurve.sources.naming import known_table, table_of
from staycurve.sources.options import ReadOptions
from staycurve.sources.reaching import reached
from staycurve.sources.reading import Read, stage, stage_rows
from staycurve.tables.arrivals import Arrivals, too_wide
from staycurve.tables.base import Table
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.doubts import Doubt
from staycurve.tables.duckdb_engine import Engine, remove_leftovers
from staycurve.tables.events import EVENTS, clock_checks
from staycurve.tables.lake import Lake
from staycurve.tables.looking import look
from staycurve.tables.placing import Counts
from staycurve.tables.pointer import LoadRecord, Snapshot, changed_versions
from staycurve.tables.rejects import Origin
from staycurve.tables.writing import Writing


@dataclass(frozen=True, eq=False)
class _Piece:
    """What is staged once: a file, or rows of a stream that arrive together.

    Attributes
    ----------
    content : Path or list of mapping
        The file, or the rows.
    fields : tuple of str
        Columns that rows have although none of them holds a value.
    told : mapping, optional
        What the load keeps of its source: the stream, the batches, and how far they bring it.
    """

    name: str
    content: Path | list[Row]
    mapping: Mapping
    options: ReadOptions
    fields: tuple[str, ...] = ()
    is_complete: bool = False
    told: dict[str, Any] | None = None

    @property
    def size(self) -> int:
        """Bytes of a file."""
        return size_of(self.content) if isinstance(self.content, Path) else 0


@dataclass(frozen=True)
class _Item:
    """A piece and a table that it feeds: its own (main), or one that it also feeds."""

    piece: _Piece
    table: Table
    feed: Feed
    is_main: bool
    is_last: bool


class LakeWriter:
    """Brings batches into the lake of one project; see `staycurve.sources.base.Writer`.

    Parameters
    ----------
    options : ReadOptions, optional
        Go before the options of every mapping.
    may_be_empty : bool
        Whether a complete export may hold no row at all, and so remove every one.
    wait : float
        Seconds to wait for another writer.
    """

    def __init__(
        self, lake: Lake, config: Config, *, now: dt.datetime, options: ReadOptions | None = None,
        may_be_empty: bool = False, wait: float = 600.0,
    ) -> None:
        self.lake = lake
        self.config = config
        self.now = now
        self.options = options or ReadOptions()
        self.may_be_empty = may_be_empty
        self.wait = wait

    def cursor(self, sender: Sender) -> Cursor | None:
        """Where the last committed batch left a stream; None before the first."""
        return cursor_of(self.lake.pointer.loads(), sender)

    def write(
        self, batches: Sequence[Batch], *, sender: Sender | None = None,
        is_restart: bool = False, is_dry_run: bool = False, progress: Progress | None = None,
    ) -> list[FileReport]:
        """Take batches in one commit; see `staycurve.sources.base.Writer`."""
        reports: list[FileReport] = []
        items: list[_Item] = []
        with self.lake.writing(wait=self.wait) as writing, \
                Engine(self.lake.folder / ".tmp") as engine:
            remove_leftovers(self.lake.folder / ".tmp")
            meta = _company(writing.start, self.config)
            known = self.lake.pointer.loads()
            committed = _committed(known, sender)
            if sender and not is_restart:
                _check_cursors(batches, cursor_of(known, sender))
            fresh = [one for one in batches if not one.id or one.id not in committed]
            for piece, batch in self._pieces(fresh, sender):
                try:
                    items += _items(piece, batch.table)
                except StaycurveError as error:
                    reports.append(FileReport(piece.name, batch.table or "", 0, 0, 0, error=error))
            order = list(CONFORMED)
            items.sort(key=lambda item: order.index(item.table.name))
            items = _with_last(items)
            folder = engine.spill.with_name(engine.spill.name + "-staged")
            folder.mkdir(parents=True)
            try:
                unit = _Unit(self, engine, folder, writing, known, progress)
                reports += unit.all(items)
                unit.arrivals.save()
                if is_restart:
                    unit.restart()
                if unit.records and not is_dry_run:
                    writing.commit(loads=unit.records, meta=meta, now=self.now)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        return reports

    def _pieces(
        self, batches: Sequence[Batch], sender: Sender | None
    ) -> Iterable[tuple[_Piece, Batch]]:
        """Files one by one; rows that follow each other together, as one load."""
        rows: list[Row] = []
        together: list[Batch] = []
        for batch in batches:
            if isinstance(batch.rows, Path):
                mapping = batch.mapping or Mapping()
                told = _told(sender, [batch])
                yield _Piece(
                    batch.rows.name, batch.rows, mapping, self.options.over(mapping.options),
                    is_complete=batch.is_complete, told=told,
                ), batch
            else:
                rows += batch.rows
                together.append(batch)
        if together and sender:
            stream = sender.stream
            yield _Piece(
                sender.label, rows, stream.mapping, stream.options, fields=stream.fields,
                told=_told(sender, together),
            ), together[-1]


def cursor_of(loads: Sequence[LoadRecord], sender: Sender) -> Cursor | None:
    """Where the loads left a stream; a load that was undone counts, or it would come again."""
    found: Cursor | None = None
    for record in loads:
        if not is_from(record, sender):
            continue
        told = record.details["source"]
        if "cursor" in told:
            found = Cursor.of(told["cursor"]).over(None if told.get("restart") else found)
    return found


def is_from(record: LoadRecord, sender: Sender) -> bool:
    """Whether a load brought rows of a stream."""
    told = record.details.get("source")
    own = (sender.name, sender.kind, sender.stream.name)
    return told is not None and (told["name"], told["kind"], told["stream"]) == own


def _committed(known: Sequence[LoadRecord], sender: Sender | None) -> set[str]:
    """The names of the batches of a stream that are in."""
    if sender is None:
        return set()
    return {
        batch for record in known if is_from(record, sender)
        for batch in record.details["source"]["batches"]
    }


def _check_cursors(batches: Sequence[Batch], before: Cursor | None) -> None:
    """Raise for a cursor that cannot be compared: it would stand in the way of every later one."""
    for batch in batches:
        before = before if batch.cursor is None else batch.cursor.over(before)


def _told(sender: Sender | None, batches: Sequence[Batch]) -> dict[str, Any] | None:
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


def _items(piece: _Piece, table: str | None) -> list[_Item]:
    if isinstance(piece.content, Path) and not piece.content.exists():
        raise LoadError(
            f"{piece.content} is not there.", hint="Check the path.", file=piece.name
        )
    stated = table or piece.mapping.main.table
    main = CONFORMED[known_table(stated) if stated else table_of(piece.name)]
    items = [_Item(piece, main, piece.mapping.main, True, False)]
    for feed in piece.mapping.also:
        items.append(_Item(piece, CONFORMED[known_table(feed.table or "")], feed, False, False))
    return items


def _with_last(items: Sequence[_Item]) -> list[_Item]:
    """Items in the same order, the last of each piece marked: its load keeps the cursor."""
    last = {id(item.piece): place for place, item in enumerate(items)}
    return [
        replace(item, is_last=last[id(item.piece)] == place) for place, item in enumerate(items)
    ]


class _Unit:
    """The items of one commit, one after the other."""

    def __init__(
        self, writer: LakeWriter, engine: Engine, folder: Path, writing: Writing,
        known: Sequence[LoadRecord], progress: Progress | None,
    ) -> None:
        self.writer = writer
        self.config = writer.config
        self.engine = engine
        self.folder = folder
        self.progress = progress
        self.records: list[LoadRecord] = []
        self._writing = writing
        self._known = known
        self._staged: dict[object, Read | StaycurveError] = {}
        self._failed: set[int] = set()
        self._done = self._total = 0
        self._number = writer.lake.pointer.next_load()
        files = {
            record.load: (record.file, str(record.details.get("path", record.file)))
            for record in known
        }
        self.arrivals = Arrivals(engine, writing, self.config, folder, files)

    def all(self, items: Sequence[_Item]) -> list[FileReport]:
        """Load every item; one that fails leaves the others as they are."""
        self._total = sum(item.piece.size for item in items)
        reports = [self._one(item) for item in items]
        if self.records:
            # The last load of the call is what let the waiting rows join.
            notes = self.arrivals.settle(self.records[-1].load)
            self.arrivals.rejects.save()
            self._note_versions()
            if notes:
                place = max(i for i, report in enumerate(reports) if report.error is None)
                reports[place] = reports[place].noting(notes)
        return reports

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

    def _one(self, item: _Item) -> FileReport:
        piece = item.piece
        subject: Subject | None = None
        try:
            self._say(f"reading {piece.name}")
            read = self._read(piece)
            if piece.is_complete and not read.staged.rows and not self.writer.may_be_empty:
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
                options=_known_now(piece.options, self.writer.now),
                file=piece.name, mapping=piece.mapping.name,
            )
            if item.table is EVENTS:
                hours = self.config.behaviour.usage.tolerance_hours
                job = replace(job, checks=(*job.checks, *clock_checks(self.writer.now, hours)))
            job = look(self.engine, job, piece.name)
            self._say(f"loading {piece.name} into {item.table.name}")
            bad = read.bad if item.is_main else None
            origin = self._origin(piece)
            self._before = dict(self._writing.tables)
            if isinstance(piece.content, Path):
                counts = self.arrivals.take(job, bad, origin, self._earlier(item))
            else:
                # A page of which no row is good must not stop the stream for ever.
                counts = self.arrivals.take_any(job, bad, origin)
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
            notes=_notes(counts, _unused(piece, unused) if item.is_main else []),
            removed=counts.removed if piece.is_complete else None, doubts=doubts,
        )

    def _origin(self, piece: _Piece) -> Origin:
        if isinstance(piece.content, Path):
            return Origin(self._number, piece.name, str(piece.content.resolve()))
        # What an earlier batch had to reject is still rejected: each batch is its own place.
        return Origin(self._number, piece.name, f"{piece.name}#{self._number}")

    def _earlier(self, item: _Item) -> list[int]:
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

    def _read(self, piece: _Piece) -> Read:
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
        self, item: _Item, origin: Origin, counts: Counts, doubts: Sequence[Doubt]
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
            loaded_at=self.writer.now.astimezone(dt.UTC).isoformat(),
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


def _unused(piece: _Piece, columns: Sequence[str]) -> list[str]:
    """Those of `columns` that no table is fed from."""
    used = {name for feed in piece.mapping.also for name in feed.mentioned}
    return [column for column in columns if column not in used]


def _notes(counts: Counts, unused: Sequence[str]) -> tuple[str, ...]:
    notes = []
    if unused:
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


def _company(start: Snapshot, config: Config) -> dict[str, str]:
    """What the lake remembers of the company; the stored days and amounts depend on it."""
    now = {"timezone": config.company.timezone, "currency": config.company.currency}
    for key, value in now.items():
        before = start.meta.get(key, value)
        if before != value:
            raise LoadError(
                f"The company's {key} is {value} in staycurve.toml, but what is loaded was loaded "
                f"under {before}.",
                hint=f'Write {key} = "{before}" again, or load everything into a new project.',
            )
    return now
