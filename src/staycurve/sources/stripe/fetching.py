"""Fetching: every object of one kind, listed once, and again when changes may have been missed.

What changes between two listings is told by events (`changes`). A list is gone through newest
first; an object that is made meanwhile has an event.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from staycurve.sources.base import Pull
from staycurve.sources.batches import Batch
from staycurve.sources.cursors import Cursor
from staycurve.sources.http import NotThereError, RefusedError
from staycurve.sources.stripe.api import Api, opened, raw_of
from staycurve.sources.stripe.kinds import Kind
from staycurve.sources.stripe.settings import Stripe

CHANGES = "events"
"""The stream that brings what changed."""
GAP = dt.timedelta(days=25)
"""Stripe keeps events for 30 days; after a longer silence some may be lost."""
PAGES_AT_ONCE = 10
"""Pages in one batch: what a kill makes it read again."""


def fetch(kind: Kind, pull: Pull[Stripe]) -> Iterator[Batch]:
    """Batches of every object of a kind, if it is time to list them."""
    at = int(pull.cursor.at) if pull.cursor else 0
    state = dict(pull.cursor.kept) if pull.cursor else {}
    if not state.get("listing") and not is_due(state, pull):
        return
    with opened(pull) as client:
        api = Api(client)
        after = str(state.get("after") or "")
        try:
            yield from _list(api, kind, pull, at, state, after)
        except NotThereError as error:
            # A server that has no such list has none of these objects; all others have.
            pull.note(f"{error.message} The others go on.")
        except RefusedError as error:
            if not after or error.fields.get("code") != "resource_missing":
                raise
            # The object behind which the list went on is gone by now.
            yield from _list(api, kind, pull, at, {}, "")


def is_due(state: dict[str, Any], pull: Pull[Stripe]) -> bool:
    """Whether a kind has to be listed: it never was, or its changes may have been missed."""
    listed_at = state.get("listed_at")
    if listed_at is None or pull.since is not None:
        return True
    changes = pull.kept.cursor(CHANGES)
    told = changes.kept if changes else {}
    if told.get("is_unavailable"):
        return True
    known = max(str(listed_at), str(told.get("seen_at") or ""))
    return pull.now - dt.datetime.fromisoformat(known) > GAP


def _list(
    api: Api, kind: Kind, pull: Pull[Stripe], at: int, state: dict[str, Any], after: str
) -> Iterator[Batch]:
    now = pull.now.astimezone(dt.UTC).isoformat()
    listing = int(state.get("listing") or 0) if after else 0
    listing = listing or 1 + last_listing(pull, kind)
    began = str(state.get("began_at") or now) if after else now
    more: tuple[tuple[str, str], ...] = ()
    if pull.since is not None:
        # A part of the list says nothing of what is not in it.
        more, listing = (("created[gte]", str(int(pull.since.timestamp()))),), 0
    objects, count = [], 0
    for number, page in enumerate(api.pages(kind, after=after, more=more), 1):
        objects += [raw_of(kind, api.whole(kind, one)) for one in page.objects]
        count += len(page.objects)
        pull.say(f"{count:,} {kind.stream} read")
        if page.has_more and number % PAGES_AT_ONCE == 0:
            at += 1
            kept = {"after": page.after, "listing": listing, "began_at": began}
            yield Batch([], Cursor(at, kept if listing else {}), objects=tuple(objects),
                        listing=listing)
            objects = []
    kept = {"after": None, "listing": None, "began_at": None}
    if listing:
        kept |= {"listed_at": began, "last_listing": listing}
    yield Batch([], Cursor(at + 1, kept), objects=tuple(objects), listing=listing)


def last_listing(pull: Pull[Stripe], kind: Kind) -> int:
    """The number of the last listing of a kind, of which a part at least is known."""
    # What is read anew has no cursor, and its listing is still another one.
    cursor = pull.kept.cursor(kind.stream)
    told = cursor.kept if cursor else {}
    return max(int(told.get(key) or 0) for key in ("listing", "last_listing"))
