"""Syncing: every stream of the configured sources, brought up to date one after the other."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from staycurve import faults
from staycurve.errors import LakeError, SourceError, StaycurveError
from staycurve.secret import without_secrets
from staycurve.sources.base import Pull, Sender
from staycurve.sources.batches import Batch
from staycurve.sources.configured import Configured
from staycurve.sources.cursors import Cursor
from staycurve.sources.http import AwayError
from staycurve.sources.loading import size_of
from staycurve.sources.port import FileReport, Progress, Writer

ROWS_AT_ONCE = 50_000
"""Rows in one commit: fewer make more commits, more are lost to a failure and read again."""
FILES_AT_ONCE = 64
BYTES_AT_ONCE = 256 * 1024 * 1024
OBJECT_BYTES_AT_ONCE = 32 * 1024 * 1024
"""Of objects as they came, which are in memory until their commit."""


@dataclass(frozen=True)
class SyncRequest:
    """How to sync.

    Attributes
    ----------
    since : datetime, optional
        What changed from then on is read again, whatever the cursors say.
    is_full : bool
        Whether to read from the beginning.
    is_dry_run : bool
        Whether to count only; each commit's rows are counted by themselves.
    is_reparse : bool
        Whether to ask nobody, and derive every row anew from the objects that are kept.
    """

    since: dt.datetime | None = None
    is_full: bool = False
    is_dry_run: bool = False
    is_reparse: bool = False


@dataclass(frozen=True)
class StreamReport:
    """What became of one stream.

    Attributes
    ----------
    reports : tuple of FileReport
        What was taken, table by table and file by file, in the order of commits.
    error : StaycurveError, optional
        What ended it; what was committed before stays.
    notes : tuple of str
        What people should know although nothing failed.
    """

    source: str
    stream: str
    reports: tuple[FileReport, ...] = ()
    error: StaycurveError | None = None
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What lists call it."""
        return f"{self.source}/{self.stream}"

    @property
    def errors(self) -> tuple[StaycurveError, ...]:
        """What went wrong: with its files, and at its end."""
        found = [report.error for report in self.reports if report.error]
        return (*found, *([self.error] if self.error else []))

    def count(self, what: str) -> int:
        """accepted, replaced, rejected or removed, of all that was taken."""
        return sum(getattr(report, what) or 0 for report in self.reports)


@dataclass
class _Group:
    """Batches that are committed together."""

    batches: list[Batch] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0
    objects: int = 0

    @property
    def is_full(self) -> bool:
        return (
            self.rows >= ROWS_AT_ONCE or self.bytes >= BYTES_AT_ONCE
            or self.objects >= OBJECT_BYTES_AT_ONCE
            or sum(isinstance(one.rows, Path) for one in self.batches) >= FILES_AT_ONCE
        )

    @property
    def is_empty(self) -> bool:
        return not self.rows and not any(
            isinstance(one.rows, Path) or one.objects or one.whole for one in self.batches
        )

    def add(self, batch: Batch) -> None:
        self.batches.append(batch)
        if isinstance(batch.rows, Path):
            self.bytes += size_of(batch.rows)
        else:
            self.rows += len(batch.rows) + len(batch.objects)
            self.objects += sum(len(one.body) for one in batch.objects)


def sync(
    writer: Writer, sources: Iterable[Configured], asked: SyncRequest, *, folder: Path,
    now: dt.datetime, progress: Progress | None = None,
) -> list[StreamReport]:
    """Bring streams up to date; one that fails leaves the others.

    Where nobody answers, no other stream of the same source is asked for.

    Parameters
    ----------
    folder : Path
        The project's directory.

    Raises
    ------
    LakeError
        If nothing at all can be written.
    """
    streams = [
        (one, sender) for one in sources for sender in one.senders
        if sender.stream.is_derived or not asked.is_reparse
    ]
    found = []
    away: dict[str, StaycurveError] = {}
    for place, (one, sender) in enumerate(streams):

        def say(_: int, __: int, text: str, place: int = place, label: str = sender.label) -> None:
            if progress:
                progress(place, len(streams), f"{label}: {text}")

        gone = away.get(one.name)
        if gone is not None and not sender.stream.is_derived:
            # Each stream would be as patient again, for the same answer.
            found.append(StreamReport(one.name, sender.stream.name, error=gone))
            continue
        with _collecting_rarely():
            report = _stream(writer, one, sender, asked, folder=folder, now=now, say=say)
        if isinstance(report.error, AwayError):
            away[one.name] = report.error
        found.append(report)
    return found


@contextlib.contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Look for garbage in circles less often: objects out of JSON by the hundred thousand have
    none, and looking through them takes a third of the time of a sync."""
    usual = gc.get_threshold()
    gc.set_threshold(max(usual[0], 100_000), *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _stream(
    writer: Writer, one: Configured, sender: Sender, asked: SyncRequest, *, folder: Path,
    now: dt.datetime, say: Progress,
) -> StreamReport:
    done: list[FileReport] = []
    notes: list[str] = []
    error: StaycurveError | None = None
    try:
        for reports in _commits(
            writer, one, sender, asked, folder=folder, now=now, say=say, note=notes.append
        ):
            done += reports
            for report in reports:
                if report.error is not None:
                    _hide(report.error, one)
    except LakeError:
        raise
    except StaycurveError as known:
        error = _hide(known, one)
    except Exception as unforeseen:
        if faults.is_raised():
            raise
        told = SourceError(
            f"{type(unforeseen).__name__}: {' '.join(str(unforeseen).split())}".rstrip(": "),
            hint="What was committed before stays; the next sync goes on from there. "
            f"{faults.VARIABLE}=raise shows where it happened.",
        )
        error = _hide(told, one)
    said = tuple(without_secrets(note, one.settings) for note in notes)
    return StreamReport(one.name, sender.stream.name, tuple(done), error, said)


def _commits(
    writer: Writer, one: Configured, sender: Sender, asked: SyncRequest, *, folder: Path,
    now: dt.datetime, say: Progress, note: Callable[[str], None],
) -> Iterator[list[FileReport]]:
    is_restart = asked.is_full or asked.is_reparse
    cursor = None if is_restart else writer.cursor(sender)
    with writer.kept(one.name, one.source.name) as kept:
        pull = Pull(
            one.name, one.settings, cursor, asked.since, folder, now, kept,
            lambda text: say(0, 0, text), note,
        )
        is_in = yield from _pulled(writer, sender, asked, pull, is_restart=is_restart, say=say)
        if is_in and sender.stream.done and not asked.is_dry_run:
            sender.stream.done(pull)


def _pulled(
    writer: Writer, sender: Sender, asked: SyncRequest, pull: Pull[Any], *, is_restart: bool,
    say: Progress,
) -> Generator[list[FileReport], None, bool]:
    """Commit what a stream yields, group by group; whether all of it is in."""
    cursor = pull.cursor
    say(0, 0, "reading")
    batches: Iterable[Batch] = sender.stream.read(pull)
    if asked.is_full or asked.since:
        # What is asked for again is taken again, although it was committed before.
        batches = (replace(batch, id="") for batch in _checked(batches))
    for group in _groups(_checked(batches)):
        before, cursor = cursor, _moved(group, cursor)
        if group.is_empty and cursor == before:
            continue
        reports = writer.write(
            group.batches, sender=sender, is_restart=is_restart, is_dry_run=asked.is_dry_run,
            progress=say,
        )
        yield reports
        wrong = [report.error for report in reports if report.error]
        if wrong and group.rows:
            # The rows after them would move the cursor beyond rows that are not in.
            return False
        is_restart = is_restart and len(wrong) == len(reports)
        # What is in need not stay in memory while the next is read.
        del group
        say(0, 0, "reading")
    return True


def _moved(group: _Group, cursor: Cursor | None) -> Cursor | None:
    """The cursor once the group is in."""
    for batch in group.batches:
        cursor = batch.cursor.over(cursor) if batch.cursor is not None else cursor
    return cursor


def _groups(found: Generator[Batch, None, None]) -> Iterator[_Group]:
    """Batches in the pieces in which they are committed; what came before a failure is one."""
    group = _Group()
    failure: Exception | None = None
    with contextlib.closing(found):
        while True:
            try:
                batch = next(found, None)
            except Exception as error:
                failure, batch = error, None
            if batch is None:
                break
            group.add(batch)
            if group.is_full:
                full, group = group, _Group()
                yield full
                del full
    if group.batches:
        yield group
    if failure is not None:
        raise failure


def _checked(batches: Iterable[Batch]) -> Generator[Batch, None, None]:
    for batch in batches:
        if not isinstance(batch, Batch):
            raise SourceError(
                f"A stream yields batches, not a {type(batch).__name__}.",
                hint="Yield staycurve.sources.batches.Batch(rows, cursor).",
            )
        yield batch


def _hide(error: StaycurveError, one: Configured) -> StaycurveError:
    """The same error, from now on without a secret of the source in it."""
    error.message = without_secrets(error.message, one.settings)
    error.hint = without_secrets(error.hint, one.settings)
    error.args = (error.message,)
    return error
