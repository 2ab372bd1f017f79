"""The writer: batches of files and of rows, conformed and committed with their cursors."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from staycurve.config import Config
from staycurve.errors import LoadError, StaycurveError
from staycurve.sources import raw
from staycurve.sources.base import Kept, Sender
from staycurve.sources.batches import Batch
from staycurve.sources.cursors import Cursor
from staycurve.sources.exports import Export
from staycurve.sources.loading import Item, Piece, Unit, items_of, with_last
from staycurve.sources.mapping import Feed, Mapping
from staycurve.sources.options import ReadOptions
from staycurve.sources.port import FileReport, Progress
from staycurve.sources.recognising import recognised
from staycurve.sources.stream_records import check_cursors, committed, cursor_of, told_of
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine, remove_leftovers
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import Snapshot

MEMORY = "1200MB"
OF_FILES: dict[str, Any] = {"memory": MEMORY}
OF_ROWS: dict[str, Any] = {
    "memory": "500MB", "threads": min(os.cpu_count() or 1, 2), "rows_at_once": 24_576,
}
"""What the engine takes: rows arrive by the ten thousand, from a process that holds them.

Where the small files of a day are written into one, groups of DuckDB's own size took up to 120 MiB
more for events of 500 bytes, and no less time.
"""


class LakeWriter:
    """Brings batches into the lake of one project; see `staycurve.sources.port.Writer`.

    Parameters
    ----------
    options : ReadOptions, optional
        Go before the options of every mapping.
    known : sequence of Export
        By whose headers a file is recognised that comes with neither a table nor a mapping.
    may_be_empty : bool
        Whether a complete export may hold no row at all, and so remove every one.
    wait : float
        Seconds to wait for another writer.
    """

    def __init__(
        self, lake: Lake, config: Config, *, now: dt.datetime, options: ReadOptions | None = None,
        known: Sequence[Export] = (), may_be_empty: bool = False, wait: float = 600.0,
    ) -> None:
        self.lake = lake
        self.config = config
        self.now = now
        self.options = options or ReadOptions()
        self.known = known
        self.may_be_empty = may_be_empty
        self.wait = wait

    def cursor(self, sender: Sender) -> Cursor | None:
        """Where the last committed batch left a stream; None before the first."""
        return cursor_of(self.lake.pointer.loads(), sender)

    def kept(self, source: str, kind: str) -> contextlib.AbstractContextManager[Kept]:
        """What the lake holds of a source now."""
        return raw.kept(self.lake, source, kind)

    def write(
        self, batches: Sequence[Batch], *, sender: Sender | None = None,
        is_restart: bool = False, is_dry_run: bool = False, progress: Progress | None = None,
    ) -> list[FileReport]:
        """Take batches in one commit; see `staycurve.sources.port.Writer`."""
        reports: list[FileReport] = []
        items: list[Item] = []
        has_files = any(isinstance(one.rows, Path) for one in batches)
        with self.lake.writing(wait=self.wait) as writing, Engine(
            self.lake.folder / ".tmp", **(OF_FILES if has_files else OF_ROWS)
        ) as engine:
            remove_leftovers(self.lake.folder / ".tmp")
            meta = _company(writing.start, self.config)
            known = self.lake.pointer.loads()
            there = committed(known, sender)
            if sender and not is_restart:
                check_cursors(batches, cursor_of(known, sender))
            fresh = [one for one in batches if not one.id or one.id not in there]
            for piece, batch in self._pieces(fresh, sender):
                try:
                    items += items_of(self._recognised(piece, batch), batch.table)
                except StaycurveError as error:
                    reports.append(FileReport(piece.name, batch.table or "", 0, 0, 0, error=error))
            order = list(CONFORMED)
            items.sort(key=lambda item: order.index(item.table.name))
            items = with_last(items)
            folder = engine.spill.with_name(engine.spill.name + "-staged")
            folder.mkdir(parents=True)
            try:
                unit = Unit(
                    engine, folder, writing, known, config=self.config, now=self.now,
                    may_be_empty=self.may_be_empty, progress=progress,
                    whole=[one for batch in fresh for one in batch.whole],
                )
                if sender and any(
                    one.objects or not (sender.stream.feeds or isinstance(one.rows, Path))
                    for one in fresh
                ):
                    reports.append(unit.keep(fresh, sender))
                reports += unit.all(items)
                unit.save()
                if is_restart:
                    unit.restart()
                if unit.records and not is_dry_run:
                    writing.commit(loads=unit.records, meta=meta, now=self.now)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        return reports

    def _pieces(
        self, batches: Sequence[Batch], sender: Sender | None
    ) -> Iterable[tuple[Piece, Batch]]:
        """Files one by one; rows that follow each other, table by table, as one load each."""
        together: dict[tuple[str | None, bool], list[Batch]] = {}
        for batch in batches:
            if isinstance(batch.rows, Path):
                mapping = batch.mapping or Mapping()
                told = told_of(sender, [batch])
                yield Piece(
                    batch.rows.name, batch.rows, mapping, self.options.over(mapping.options),
                    is_complete=batch.is_complete, told=told,
                ), batch
            elif sender is not None and (batch.table or sender.stream.feeds):
                together.setdefault((batch.table, batch.is_partial), []).append(batch)
        for (table, is_partial), found in together.items():
            assert sender is not None
            rows = [row for batch in found for row in batch.rows]  # type: ignore[union-attr]
            stream, own = sender.stream, CONFORMED[table] if table else None
            yield Piece(
                sender.label, rows, Mapping(Feed(table)) if own else stream.mapping,
                stream.options,
                fields=tuple(c.name for c in own.columns) if own else stream.fields,
                is_partial=is_partial, told=told_of(sender, found),
            ), found[-1]

    def _recognised(self, piece: Piece, batch: Batch) -> Piece:
        """The piece under the mapping of the known export that it is, if it is one."""
        path = piece.content
        is_told = batch.mapping is not None or batch.table is not None
        if is_told or not isinstance(path, Path) or not path.is_file():
            return piece
        found = recognised(path, self.options, self.known)
        if found is None:
            return piece
        notes = [f"looks like {found.title}: --map {found.name}"]
        if found.unsure:
            notes.append(f"to be checked: {found.unsure}")
        return replace(
            piece, mapping=found.mapping, options=self.options.over(found.mapping.options),
            notes=tuple(notes),
        )


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
