"""Draining: what waits in the inbox, into the lake, each event once whatever fails when.

Every commit carries the number of the last request in it. What the inbox still holds up to that
number is in the lake, so that a drain which was cut off is taken up where it was left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import StaycurveError
from staycurve.sources.base import Sender, Stream
from staycurve.sources.batches import Batch, Unreadable
from staycurve.sources.cursors import Cursor
from staycurve.sources.inbox import Inbox, Stored
from staycurve.sources.mapping import Feed
from staycurve.sources.port import FileReport, Writer
from staycurve.sources.sent.facts import Facts
from staycurve.sources.sent.knowing import Known, partial_rows, settled
from staycurve.tables.conformed import CONFORMED

EVENTS_AT_ONCE = 25_000
"""In one commit: the memory that it takes grows with them, and so does what a commit costs less.

A commit writes a file, moves the pointer and is a load of its own: 100,000 events take 2.2 s of a
processor by tens of thousands, 1.4 s by these, and 1.2 s by twice as many, at 60 MiB more.
"""
BYTES_AT_ONCE = 16 << 20
"""In one commit, too, by what the inbox kept: events may have a MiB each."""

STREAM: Stream[None] = Stream(
    "events",
    "Events that programs sent.",
    lambda _: (),
    (Feed("events"),),
    cursor="the number of the last request",
)
SENDER = Sender("http", "http", STREAM)
"""What lists call events over HTTP: http/events."""

Look = Callable[[Facts], Known]
"""Finds what the lake knows of those of whom facts tell."""


@dataclass
class Drained:
    """What a drain did.

    Attributes
    ----------
    reports : list of FileReport
        What was taken, table by table.
    failed : list of (int, str)
        Requests that the lake cannot take, and why; they stay in the inbox.
    """

    requests: int = 0
    reports: list[FileReport] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)

    def count(self, what: str) -> int:
        """accepted, replaced or rejected, of events."""
        return sum(getattr(one, what) for one in self.reports if one.table == "events")


def drain(
    inbox: Inbox, writer: Writer, look: Look, *, most: int = EVENTS_AT_ONCE,
    should_stop: Callable[[], bool] = lambda: False,
    strip: Callable[[Facts], Facts] = lambda facts: facts,
) -> Drained:
    """Bring what waits into the lake; the caller sees to it that nobody else drains.

    Parameters
    ----------
    strip : callable
        Gives facts without what tells of forgotten people.

    Raises
    ------
    StaycurveError
        If nothing can be written now; what is not in the lake stays in the inbox.
    """
    done = Drained()
    cursor = writer.cursor(SENDER)
    at = int(cursor.at) if cursor else 0
    inbox.forget(at)
    # What comes meanwhile is the next drain's: one that ran after it would make tiny commits.
    last = inbox.last()
    while at < last and not should_stop():
        stored = inbox.pending(at, most=most, most_bytes=BYTES_AT_ONCE, through=last)
        if not stored:
            break
        _take(inbox, writer, look, stored, done, strip)
        at = stored[-1].seq
        inbox.forget(at)
    return done


def _take(
    inbox: Inbox, writer: Writer, look: Look, stored: Sequence[Stored], done: Drained,
    strip: Callable[[Facts], Facts],
) -> None:
    wrong = _commit(writer, look, stored, done, strip)
    if wrong is None:
        return
    if len(stored) > 1:
        # One of them is at fault, and the others must not wait for it.
        for one in stored:
            _take(inbox, writer, look, [one], done, strip)
        return
    inbox.keep_failed(stored[0].seq, wrong)
    done.failed.append((stored[0].seq, wrong))


def _commit(
    writer: Writer, look: Look, stored: Sequence[Stored], done: Drained,
    strip: Callable[[Facts], Facts],
) -> str | None:
    """Take requests in one commit; what stands against it, if it is the requests' own fault."""
    try:
        facts = strip(gathered(stored))
        batches = batches_of(facts, look(facts), Cursor(stored[-1].seq))
    except StaycurveError:
        raise
    except (ValueError, TypeError, KeyError) as error:
        return f"{type(error).__name__}: {error}"
    reports = writer.write(batches, sender=SENDER)
    wrong = [report.error.message for report in reports if report.error]
    if wrong:
        return wrong[0]
    done.requests += len(stored)
    done.reports += reports
    return None


def gathered(stored: Sequence[Stored]) -> Facts:
    """What several requests tell together."""
    found = Facts()
    for one in stored:
        own = Facts.unpacked(one.payload)
        found.events += own.events
        found.links += own.links
        found.traits += own.traits
        found.bad += own.bad
    return found


def batches_of(facts: Facts, known: Known, cursor: Cursor) -> list[Batch]:
    """What goes into each table; the events carry the cursor."""
    links, refused = settled(facts.links, known)
    found: list[Batch] = []
    for table, rows in partial_rows(facts.traits, known).items():
        if rows:
            found.append(Batch(rows, table=table, is_partial=True))
    if facts.traits:
        found.append(Batch(_traits(facts.traits), table="traits"))
    if links or refused:
        found.append(Batch([*links, *refused], table="identities"))
    bad = [Unreadable(text, rule) for text, rule in facts.bad]
    return [*found, Batch([*facts.events, *bad], cursor, table="events")]


def _traits(traits: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    names = [column.name for column in CONFORMED["traits"].columns]
    rows = [dict(zip(names, trait, strict=True)) for trait in traits]
    # That an account is itself is how a request says that there is such an account.
    return [
        row for row in rows if (row["subject"], row["trait"]) != ("account", "account_id")
    ]
