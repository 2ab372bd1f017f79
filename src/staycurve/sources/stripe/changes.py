"""Changes: events and webhooks say which objects changed; each of them is fetched again.

So the newest version wins, whatever the order in which the events arrive. An event also holds its
object as it was then, and is kept for that: it tells since when a subscription was past due.
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from staycurve.errors import SourceError
from staycurve.sources.base import Pull
from staycurve.sources.batches import Batch, RawObject
from staycurve.sources.cursors import Cursor
from staycurve.sources.http import NotThereError, PermissionMissingError
from staycurve.sources.stripe import deriving, inbox
from staycurve.sources.stripe.api import Api, gone, is_gone, opened, raw_of
from staycurve.sources.stripe.kinds import KINDS, OF_OBJECT, Kind
from staycurve.sources.stripe.named import NAMED_BY, missing_sql
from staycurve.sources.stripe.settings import Stripe
from staycurve.sources.stripe.shapes import Object, at, id_of, seconds
from staycurve.tables.engine import quoted
from staycurve.tables.raw import newest_sql

OVERLAP = 3600
"""Seconds of which events are asked for again: some become visible late."""
FIRST_OVERLAP = 86_400
"""The same before a list: its clock and ours may differ by hours."""
AT_ONCE = 200
"""Objects in one batch."""
ASKED_AT_ONCE = 4
"""Requests under way: an answer takes a fifth of a second, of which nearly all is waiting."""


def read(pull: Pull[Stripe]) -> Iterator[Batch]:
    """Batches of events, and of the objects that they speak of."""
    number = int(pull.cursor.at) if pull.cursor else 0
    state = dict(pull.cursor.kept) if pull.cursor else {}
    # What the last sync took out of the inbox is in the lake by now.
    inbox.forget(pull.folder, pull.name, [str(one) for one in state.get("inbox") or ()])
    last = seconds(state.get("created"))
    seen = _Seen(pull, {str(one) for one in state.get("done") or ()}, last)
    refused: SourceError | None = None
    told: list[str] = []
    with opened(pull) as client:
        api = Api(client)
        checked = dict(state.get("checked") or {})
        yield from _unlisted(api, pull, checked)
        waiting = inbox.events(pull.folder, pull.name)
        while some := list(islice(waiting, AT_ONCE)):
            told += [str(id_of(one)) for one in some]
            yield Batch([], objects=_kept(seen.take(some)))
        try:
            for page in api.events(None if last is None else last - OVERLAP):
                new = seen.take(page.objects)
                pull.say(f"{seen.count:,} events read")
                if new:
                    yield Batch([], objects=_kept(new))
        except (NotThereError, PermissionMissingError) as error:
            refused = error
        yield from _fetched(api, seen.wanted)
    kept: dict[str, Any] = {
        "inbox": told, "checked": checked,
        "is_unavailable": True if refused else None,
    }
    if not refused:
        kept |= {
            "created": seen.newest, "done": seen.recent,
            "seen_at": pull.now.astimezone(dt.UTC).isoformat(),
        }
    is_news = seen.count or told or checked != state.get("checked") or (
        bool(refused) != bool(state.get("is_unavailable"))
    )
    if is_news or (not refused and _is_old(state.get("seen_at"), pull.now)):
        yield Batch([], Cursor(number + 1, kept))
    if refused:
        text = f"{refused.message.rstrip('.')}: without events every sync reads every list again."
        if isinstance(refused, NotThereError):
            pull.note(text)
            return
        raise SourceError(text, hint="Give the key read permission for events.")


@dataclass(frozen=True, slots=True)
class _Told:
    """What the last event of an object says: when it happened, and, packed, how the object was.

    Of a month of events each holds an object, and they are all needed before the first is fetched.
    """

    at: int
    is_deletion: bool
    packed: bytes

    @classmethod
    def of(cls, event: Object, name: str) -> _Told:
        import orjson

        held = zlib.compress(orjson.dumps(at(event, "data", "object")), 1)
        return cls(_when(event), str(event.get("type", "")).endswith(f"{name}.deleted"), held)

    @property
    def object(self) -> Object:
        """The object as it was then."""
        import orjson

        found: Object = orjson.loads(zlib.decompress(self.packed))
        return found


class _Seen:
    """The events of one sync: which are new, and which objects have to be fetched again.

    Attributes
    ----------
    wanted : dict
        (object, id) → what the last event that speaks of it says.
    newest : int, optional
        When the last event happened.
    count : int
        How many are new.
    """

    def __init__(self, pull: Pull[Stripe], done: set[str], last: int | None) -> None:
        self.wanted: dict[tuple[str, str], _Told] = {}
        self.newest = last
        self.count = 0
        self._pull, self._done = pull, done
        self._now = int(pull.now.timestamp())
        self._recent: dict[str, int] = {}
        self._began = {kind.object: _listed_at(pull, kind) for kind in KINDS}

    @property
    def recent(self) -> list[str]:
        """The ids of the events that the next look will show again."""
        least = (self.newest or 0) - OVERLAP
        return sorted(one for one, created in self._recent.items() if created >= least)

    def take(self, events: Sequence[Object]) -> list[Object]:
        """Those of the events that are new."""
        new = []
        for event in events:
            id = id_of(event)
            if id is None:
                continue
            # An instant that is still to come would hide all that happens until then.
            self.newest = max(self.newest or 0, min(_when(event), self._now))
            self._recent[id] = _when(event)
            if id not in self._done:
                self._done.add(id)
                new.append(event)
        self.count += len(new)
        self._want(new)
        return new

    def _want(self, events: Sequence[Object]) -> None:
        found: dict[tuple[str, str], Object] = {}
        for event in events:
            name, id = at(event, "data", "object", "object"), id_of(at(event, "data", "object"))
            # An invoice that is only announced has no id.
            if name not in OF_OBJECT or id is None:
                continue
            key = (name, id)
            if key not in found or _when(event) > _when(found[key]):
                found[key] = event
        for key, event in self._newer_than_lists(found).items():
            if key not in self.wanted or _when(event) > self.wanted[key].at:
                self.wanted[key] = _Told.of(event, key[0])

    def _newer_than_lists(
        self, found: dict[tuple[str, str], Object]
    ) -> dict[tuple[str, str], Object]:
        """Those of which no list has told since: what was listed after the event is newer."""
        old = [
            key for key, event in found.items()
            if _when(event) < (self._began[key[0]] or 0) - FIRST_OVERLAP
        ]
        if not old:
            return found
        self._pull.kept.put("told", (("object", "VARCHAR"), ("id", "VARCHAR")), old)
        known = set(self._pull.kept.rows(
            "SELECT object, id FROM told t WHERE EXISTS (SELECT 1 FROM raw_objects r "
            "WHERE r.object = t.object AND r.id = t.id)"
        ))
        return {key: event for key, event in found.items() if key not in known}


def _is_old(seen_at: object, now: dt.datetime) -> bool:
    # That nothing happened is worth a commit now and then, not at every look.
    if not isinstance(seen_at, str):
        return True
    return now - dt.datetime.fromisoformat(seen_at) > dt.timedelta(days=1)


def _when(event: Object) -> int:
    return seconds(event.get("created")) or 0


def _kept(events: Iterable[Object]) -> tuple[RawObject, ...]:
    import orjson

    found = []
    for event in events:
        found.append(RawObject(
            "event", id_of(event) or "", orjson.dumps(event),
            id_of(at(event, "data", "object")) or "", _when(event),
        ))
    return tuple(found)


def _listed_at(pull: Pull[Stripe], kind: Kind) -> int | None:
    """When the last listing of a kind began, in seconds; None before the first."""
    cursor = pull.kept.cursor(kind.stream)
    at_text = cursor.kept.get("listed_at") if cursor else None
    return int(dt.datetime.fromisoformat(str(at_text)).timestamp()) if at_text else None


def _unlisted(api: Api, pull: Pull[Stripe], checked: dict[str, Any]) -> Iterator[Batch]:
    """Objects that the last complete listing did not show: kept ones, which may be gone, and those
    that others name.

    `checked` is object → the listing that was compared last.
    """
    for kind in KINDS:
        cursor = pull.kept.cursor(kind.stream)
        listing = cursor.kept.get("last_listing") if cursor else None
        began = _listed_at(pull, kind)
        if not listing or began is None or checked.get(kind.object) == listing:
            continue
        newest = newest_sql("raw_objects", object_name=kind.object)
        yield from _asked_for(api, pull, kind, (
            f"SELECT n.id FROM ({newest}) n WHERE NOT n.is_deleted "
            f"AND n.created < {began - FIRST_OVERLAP} AND NOT EXISTS (SELECT 1 FROM raw_listed l "
            f"WHERE l.object = {quoted(kind.object)} AND l.listing = {int(listing)} "
            "AND l.id = n.id)"
        ))
        if kind.object in NAMED_BY:
            yield from _asked_for(api, pull, kind, missing_sql(kind.object))
        checked[kind.object] = int(listing)


def _asked_for(api: Api, pull: Pull[Stripe], kind: Kind, sql: str) -> Iterator[Batch]:
    """The objects whose ids a statement finds, one by one; those that are gone as gone."""
    for ids in deriving.chunks(pull, sql, AT_ONCE):
        found = []
        for id in ids:
            try:
                found.append(raw_of(kind, api.one(kind, id)))
            except NotThereError as error:
                if is_gone(error):
                    found.append(gone(kind, id))
        if found:
            yield Batch([], objects=tuple(found))


def _fetched(api: Api, wanted: dict[tuple[str, str], _Told]) -> Iterator[Batch]:
    """The objects as they are now; where Stripe does not give one, as its last event had it."""
    refused: set[str] = set()

    def one(asked: tuple[tuple[str, str], _Told]) -> RawObject | None:
        (name, id), last = asked
        kind = OF_OBJECT[name]
        if name in refused:
            return None
        try:
            return raw_of(kind, api.one(kind, id))
        except NotThereError as error:
            is_over = is_gone(error) or last.is_deletion
            return gone(kind, id) if is_over else raw_of(kind, last.object)
        except PermissionMissingError:
            refused.add(name)
            return None

    every = sorted(wanted.items(), key=lambda asked: asked[0])
    for start in range(0, len(every), AT_ONCE):
        pool = ThreadPoolExecutor(ASKED_AT_ONCE)
        try:
            answers = list(pool.map(one, every[start : start + AT_ONCE]))
        finally:
            # After a failure nobody waits for what was not asked yet.
            pool.shutdown(cancel_futures=True)
        found = tuple(answer for answer in answers if answer is not None)
        if found:
            yield Batch([], objects=found)

