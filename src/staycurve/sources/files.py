"""Files: load CSV, NDJSON, JSON and Parquet files into the conformed tables."""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from staycurve.config import Config
from staycurve.errors import LoadError, MemoryLimitError, StaycurveError, UnknownNameError
from staycurve.sources.fitting import fit
from staycurve.sources.mapping import Feed, Mapping
from staycurve.sources.options import ReadOptions
from staycurve.sources.reading import KINDS, Read, stage
from staycurve.tables.arrivals import Arrivals, too_wide
from staycurve.tables.base import Table
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine, remove_leftovers
from staycurve.tables.events import EVENTS, clock_checks
from staycurve.tables.lake import Lake
from staycurve.tables.placing import Counts
from staycurve.tables.pointer import LoadRecord, Snapshot, changed_versions
from staycurve.tables.rejects import Origin
from staycurve.tables.writing import Writing

Progress = Callable[[int, int, str], None]
"""Called with what is done, what there is to do (both in bytes), and what is going on."""


@dataclass(frozen=True)
class FileReport:
    """What became of one file in one table.

    Attributes
    ----------
    accepted, replaced, rejected : int
        Together, the data rows of the file that are meant for the table.
    removed : int, optional
        How many rows were taken out because the file, a complete export, does not hold them; None
        when it was not loaded as one.
    notes : tuple of str
        What else there is to know.
    error : StaycurveError, optional
        Why nothing of the file was loaded.
    """

    file: str
    table: str
    accepted: int
    replaced: int
    rejected: int
    notes: tuple[str, ...] = ()
    removed: int | None = None
    error: StaycurveError | None = None


@dataclass(frozen=True)
class _Item:
    """One file and a table that it feeds: its own (main), or one that it also feeds."""

    path: Path
    table: Table
    feed: Feed
    is_main: bool


def load_files(
    lake: Lake,
    config: Config,
    paths: Sequence[Path],
    *,
    table: str | None = None,
    mapping: Mapping | None = None,
    options: ReadOptions | None = None,
    is_dry_run: bool = False,
    is_complete: bool = False,
    may_be_empty: bool = False,
    now: dt.datetime,
    progress: Progress | None = None,
    wait: float = 600.0,
) -> list[FileReport]:
    """Load files in one unit of work: readers see all of it, or nothing.

    Parameters
    ----------
    paths : sequence of Path
        Files, or directories whose data files are meant.
    table : str, optional
        The table that all of them feed; else it is taken from each file's name.
    options : ReadOptions, optional
        Go before the mapping's own options.
    is_dry_run : bool
        Whether to count only, and change nothing.
    is_complete : bool
        Whether each file is the complete export of its source: rows that an earlier load of the
        same file name brought, and that are no longer in it, are removed.
    may_be_empty : bool
        Whether a complete export may hold no row at all, and so remove every one.
    wait : float
        Seconds to wait for another writer.

    Returns
    -------
    list of FileReport
        One for each file and table, in the order of loading. A file that failed carries its error.

    Raises
    ------
    LoadError, UnknownNameError
        If nothing at all could be loaded.
    """
    mapping = mapping or Mapping()
    reports: list[FileReport] = []
    items: list[_Item] = []
    for path in _files(paths):
        try:
            items += _items(path, table, mapping)
        except StaycurveError as error:
            reports.append(FileReport(path.name, table or "", 0, 0, 0, error=error))
    order = list(CONFORMED)
    items.sort(key=lambda item: order.index(item.table.name))
    options = (options or ReadOptions()).over(mapping.options)
    with lake.writing(wait=wait) as writing, Engine(lake.folder / ".tmp") as engine:
        remove_leftovers(lake.folder / ".tmp")
        meta = _company(writing.start, config)
        folder = engine.spill.with_name(engine.spill.name + "-staged")
        folder.mkdir(parents=True)
        try:
            loading = _Loading(lake, config, engine, folder, options, mapping, now, progress)
            reports += loading.all(
                items, writing, is_complete=is_complete, may_be_empty=may_be_empty
            )
            loading.arrivals.save()
            if loading.records and not is_dry_run:
                writing.commit(loads=loading.records, meta=meta, now=now)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    errors = [report.error for report in reports if report.error]
    if errors and len(errors) == len(reports):
        raise errors[0]
    return reports


class _Loading:
    """The files of one call, one after the other."""

    def __init__(
        self, lake: Lake, config: Config, engine: Engine, folder: Path, options: ReadOptions,
        mapping: Mapping, now: dt.datetime, progress: Progress | None,
    ) -> None:
        self.lake = lake
        self.config = config
        self.engine = engine
        self.folder = folder
        self.options = options
        self.mapping = mapping
        self.now = now
        self.progress = progress
        self.records: list[LoadRecord] = []
        self._staged: dict[Path, Read | StaycurveError] = {}
        self._done = self._total = 0

    def all(
        self, items: Sequence[_Item], writing: Writing, *, is_complete: bool, may_be_empty: bool
    ) -> list[FileReport]:
        """Load every item; a file that fails leaves the others as they are."""
        pointer = self.lake.pointer
        self._writing, self._is_complete = writing, is_complete
        self._may_be_empty = may_be_empty
        self._known = pointer.loads()
        files = {
            record.load: (record.file, str(record.details.get("path", record.file)))
            for record in self._known
        }
        self._number = pointer.next_load()
        self.arrivals = Arrivals(self.engine, writing, self.config, self.folder, files)
        self._total = sum(_size(item.path) for item in items)
        reports = [self._one(item) for item in items]
        if self.records:
            # The last load of the call is what let the waiting rows join.
            notes = self.arrivals.settle(self.records[-1].load)
            self.arrivals.rejects.save()
            self._note_versions()
            if notes:
                place = max(i for i, report in enumerate(reports) if report.error is None)
                reports[place] = replace(reports[place], notes=reports[place].notes + notes)
        return reports

    def _say(self, text: str) -> None:
        if self.progress:
            self.progress(self._done, self._total, text)

    def _one(self, item: _Item) -> FileReport:
        file = item.path.name
        try:
            self._say(f"reading {file}")
            read = self._read(item.path)
            if self._is_complete and not read.staged.rows and not self._may_be_empty:
                raise LoadError(
                    f"{file} holds no rows: as a complete export it would remove every row that "
                    "came from it before.",
                    hint="If that is meant: --replace --allow-empty", file=file,
                )
            job, unused = fit(
                item.table, read.staged, item.feed, config=self.config, options=self.options,
                file=file, mapping=self.mapping.name,
            )
            if item.table is EVENTS:
                hours = self.config.behaviour.usage.tolerance_hours
                job = replace(job, checks=(*job.checks, *clock_checks(self.now, hours)))
            self._say(f"loading {file} into {item.table.name}")
            bad = read.bad if item.is_main else None
            origin = Origin(self._number, file, str(item.path.resolve()))
            self._before = dict(self._writing.tables)
            counts = self.arrivals.take(job, bad, origin, self._earlier(item))
            self.arrivals.rejects.save()
        except LoadError as error:
            return FileReport(file, item.table.name, 0, 0, 0, error=error)
        finally:
            self._done += _size(item.path)
            self._say(f"{file} is done")
        self._number += 1
        self.records.append(self._record(item, origin, counts))
        self._note_versions()
        return FileReport(
            file, item.table.name, counts.accepted, counts.replaced, counts.rejected,
            notes=_notes(counts, self._unused(unused) if item.is_main else []),
            removed=counts.removed if self._is_complete else None,
        )

    def _earlier(self, item: _Item) -> list[int]:
        """The loads of the same source, if the file is the complete export of it."""
        return [
            record.load
            for record in (*self._known, *self.records)
            if self._is_complete
            and (record.file, record.table) == (item.path.name, item.table.name)
            and record.kind in ("load", "replace")
        ]

    def _note_versions(self) -> None:
        """Keep which versions the last load changed: by them it can be taken back."""
        versions = changed_versions(self._before, self._writing.tables)
        last = self.records[-1]
        self.records[-1] = replace(last, details={**last.details, "versions": versions})

    def _unused(self, columns: Sequence[str]) -> list[str]:
        """Those of `columns` that no table is fed from."""
        used = {name for feed in self.mapping.also for name in feed.mentioned}
        return [column for column in columns if column not in used]

    def _read(self, path: Path) -> Read:
        if path not in self._staged:
            folder = self.folder / f"file-{len(self._staged)}"
            folder.mkdir()
            try:
                self._staged[path] = stage(self.engine, path, folder, self.options)
            except LoadError as error:
                self._staged[path] = error
            except MemoryLimitError:
                self._staged[path] = too_wide(path.name)
        found = self._staged[path]
        if isinstance(found, StaycurveError):
            raise found
        return found

    def _record(self, item: _Item, origin: Origin, counts: Counts) -> LoadRecord:
        with item.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return LoadRecord(
            load=origin.load,
            loaded_at=self.now.astimezone(dt.UTC).isoformat(),
            file=origin.file,
            table=item.table.name,
            accepted=counts.accepted,
            replaced=counts.replaced,
            rejected=counts.rejected,
            details={
                "path": origin.path,
                "bytes": _size(item.path),
                "sha256": digest,
                "kind": "replace" if self._is_complete else "load",
                "removed": counts.removed,
                "doubled": counts.doubled,
                "waiting": counts.waiting,
                "mapping": self.mapping.name if self.mapping != Mapping() else None,
            },
        )


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


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.is_file() and _is_data(file))
            if not inside:
                raise LoadError(
                    f"{path} holds no file that can be loaded.", hint=f"Known: {', '.join(KINDS)}"
                )
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _is_data(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return not name.startswith(".") and any(name.endswith(suffix) for suffix in KINDS)


def _items(path: Path, table: str | None, mapping: Mapping) -> list[_Item]:
    if not path.exists():
        raise LoadError(f"{path} is not there.", hint="Check the path.", file=path.name)
    stated = table or mapping.main.table
    main = CONFORMED[_known(stated) if stated else table_of(path.name)]
    items = [_Item(path, main, mapping.main, True)]
    for feed in mapping.also:
        items.append(_Item(path, CONFORMED[_known(feed.table or "")], feed, False))
    return items


def _known(table: str) -> str:
    if table not in CONFORMED:
        raise UnknownNameError("table", table, CONFORMED)
    return table


def table_of(file: str) -> str:
    """The table that a file's name names: the one whose words occur in it.

    Raises
    ------
    LoadError
        If it names none, or more than one.
    """
    stem = file.lower().removesuffix(".gz")
    words = "_".join(word for word in re.split(r"[^a-z]+", stem.rsplit(".", 1)[0]) if word)
    found = [table for table in CONFORMED if f"_{table}_" in f"_{words}_"]
    if len(found) == 1:
        return found[0]
    hint = f"Say which: --table NAME; known: {', '.join(CONFORMED)}"
    if found:
        raise LoadError(f"{file} names more than one table: {', '.join(found)}.", hint=hint)
    near = [
        match
        for word in words.split("_")
        for match in difflib.get_close_matches(word, CONFORMED, n=1, cutoff=0.7)
    ]
    meant = f" Did you mean '{near[0]}'?" if near else ""
    raise LoadError(f"{file} does not name a table.{meant}", hint=hint, file=file)


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
