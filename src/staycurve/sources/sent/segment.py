"""Segment's form: track, identify, group, page, screen and alias, alone or in a batch.

References
----------
Segment, "Spec" and "HTTP Tracking API Source": segment.com/docs/connections.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any

from staycurve.sources.sent.facts import Clock, Facts, Outcome, account_of, check_somebody
from staycurve.sources.sent.sound import BadEventError, id_of

SOURCE = "segment"
MOST_BYTES = 32 * 1024
"""Of one event: Segment's own limit."""
CALLS = ("track", "identify", "group", "page", "screen", "alias")
VIEWS = {"page": "$pageview", "screen": "$screen"}
"""Call → the event's name: PostHog's, so that both kinds of SDK count as one."""


def tell_all(
    events: Sequence[Any], facts: Facts, *, received_at: dt.datetime, sent_at: Any,
    call: str = "", account_type: str = "", context: Any = None,
) -> list[Outcome]:
    """Add what the events of a request tell; the outcome of each.

    Parameters
    ----------
    sent_at : any
        When the batch was sent, by the sender's clock; an event of its own says it itself.
    call : str
        What every event is, where the address says it; else each one's `type`.
    account_type : str
        The type of group that is an account, for events that name groups.
    context : any
        Of the batch: what an event's own context does not say, it says.
    """
    shared = context if isinstance(context, dict) else {}
    found = []
    for place, event in enumerate(events):
        stated = sent_at
        if isinstance(event, dict):
            # A key is no part of an event; and when it was sent differs each time that the same
            # event is sent again.
            own = {key: one for key, one in event.items() if key not in ("writeKey", "sentAt")}
            stated = event.get("sentAt") if sent_at is None else sent_at
            event = _within(own, shared) if shared else own
        tell = partial(
            _tell, clock=Clock.of(received_at, stated), call=call, account_type=account_type
        )
        found.append(facts.take(event, MOST_BYTES, tell, place=f"{received_at} {place}"))
    return found


def _tell(
    facts: Facts, event: dict[str, Any], digest: str, *, clock: Clock, call: str,
    account_type: str,
) -> str:
    kind = call or event.get("type")
    if kind not in CALLS:
        raise BadEventError(f"has a type that is not known: {str(kind)[:40]}")
    stated_id = id_of(event.get("messageId"))
    user, visitor = id_of(event.get("userId")), id_of(event.get("anonymousId"))
    if not user and not visitor:
        raise BadEventError("names neither userId nor anonymousId")
    at = clock.instant(event.get("timestamp") or event.get("originalTimestamp"))
    # Both on one event: whoever was anonymous is this user.
    facts.link(SOURCE, visitor, user, at)
    if kind == "alias":
        before = id_of(event.get("previousId"))
        if not before:
            raise BadEventError("names no previousId")
        check_somebody(before, user or visitor)
        facts.link(SOURCE, before, user or visitor, at)
    elif kind == "identify":
        facts.add_traits("user" if user else "visitor", user or visitor, event.get("traits"), at)
    elif kind == "group":
        account = id_of(event.get("groupId"))
        if not account:
            raise BadEventError("names no groupId")
        facts.add_traits("account", account, event.get("traits") or {}, at)
        facts.add_traits("account", account, {"account_id": account}, at)
        facts.add_traits("user", user, {"account_id": account}, at)
    else:
        facts.event(
            event_id=stated_id or digest, event=VIEWS.get(kind) or event.get("event"),
            user_id=user, anonymous_id=visitor, account_id=_account(event, account_type),
            occurred_at=at, received_at=clock.received_at, properties=_properties(event, kind),
        )
    return stated_id


def _within(event: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    own = event.get("context")
    return {**event, "context": {**shared, **(own if isinstance(own, dict) else {})}}


def _account(event: dict[str, Any], account_type: str) -> str:
    context = event.get("context")
    if not isinstance(context, dict):
        return ""
    stated = id_of(context.get("groupId"))
    return stated or account_of(context.get("groups"), account_type)


def _properties(event: dict[str, Any], kind: str) -> dict[str, Any]:
    given = event.get("properties")
    if given is not None and not isinstance(given, dict):
        raise BadEventError("has properties that are no object")
    found = dict(given or {})
    if kind in VIEWS and event.get("name") and "name" not in found:
        found["name"] = event["name"]
    context = event.get("context")
    if isinstance(context, dict):
        # An address is personal, and traits are kept where they belong.
        kept = {key: one for key, one in context.items() if key not in ("ip", "traits")}
        if kept:
            found.setdefault("context", kept)
    return found
