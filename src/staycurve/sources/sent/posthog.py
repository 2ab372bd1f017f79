"""PostHog's form: captured events, `$identify`, `$create_alias`, `$groupidentify` and `$set`.

References
----------
PostHog, "Capture API" and "Identifying users": posthog.com/docs; PostHog/posthog-sdk-test-harness.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any

from staycurve.sources.sent.facts import Clock, Facts, Outcome, account_of, check_somebody
from staycurve.sources.sent.sound import BadEventError, id_of

SOURCE = "posthog"
MOST_BYTES = 1024 * 1024
"""Of one event: PostHog's own limit."""

_SET = ("$set", "$set_once")
_UNSET = "$unset"
_LEFT_OUT = frozenset({*_SET, _UNSET, "token", "$token", "$ip"})
_KEYS = frozenset({"api_key", "token", "$token", "sent_at"})
COOKIELESS = "$posthog_cookieless"
"""The id that every visitor without cookies has: it is nobody's."""
_REVERSED = "posthog-python"
"""Names the library whose alias() sends the former id as distinct_id, others as alias."""


def tell_all(
    events: Sequence[Any], facts: Facts, *, received_at: dt.datetime, sent_at: Any,
    account_type: str = "",
) -> list[Outcome]:
    """Add what the events of a request tell; the outcome of each.

    Parameters
    ----------
    sent_at : any
        When it was sent, by the sender's clock; None for history, whose times stand as they are.
    account_type : str
        The type of group that is an account.
    """
    tell = partial(_tell, clock=Clock.of(received_at, sent_at), account_type=account_type)
    return [
        facts.take(_without_key(event), MOST_BYTES, tell, place=f"{received_at} {place}")
        for place, event in enumerate(events)
    ]


def _without_key(event: Any) -> Any:
    if not isinstance(event, dict) or not event.keys() & _KEYS:
        return event
    return {k: v for k, v in event.items() if k not in _KEYS}


def _tell(
    facts: Facts, event: dict[str, Any], digest: str, *, clock: Clock, account_type: str
) -> str:
    properties = event.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        raise BadEventError("has properties that are no object")
    stated_id = id_of(event.get("uuid"))
    person = _person(event, properties)
    if not person:
        raise BadEventError("names no distinct_id")
    if _is_history(event, properties):
        clock = Clock(clock.received_at)
    at = _instant(event, clock)
    account = account_of(properties.get("$groups"), account_type)
    is_visitor = _is_visitor(event, properties, person)
    kind = event.get("event")
    for key in _SET if person != COOKIELESS else ():
        traits = event.get(key, properties.get(key))
        facts.add_traits(
            "visitor" if is_visitor else "user", person, traits, at,
            is_initial=key == "$set_once",
        )
    unset = event.get(_UNSET, properties.get(_UNSET))
    if unset is not None and person != COOKIELESS:
        facts.add_traits("visitor" if is_visitor else "user", person, _emptied(unset), at)
    if kind == "$identify":
        facts.link(SOURCE, id_of(properties.get("$anon_distinct_id")), person, at)
    elif kind in ("$create_alias", "$merge_dangerously"):
        former, became = id_of(properties.get("alias")), person
        if not former:
            raise BadEventError("names no alias")
        check_somebody(former, became)
        if properties.get("$lib") == _REVERSED and kind == "$create_alias":
            former, became = became, former
        facts.link(SOURCE, former, became, at)
    elif kind == "$groupidentify":
        named = {str(properties.get("$group_type")): properties.get("$group_key")}
        account = account_of(named, account_type) if properties.get("$group_key") else ""
        if not account:
            # Another kind of group than the one that pays: nothing here is told by it.
            return stated_id
        facts.add_traits("account", account, properties.get("$group_set") or {}, at)
        facts.add_traits("account", account, {"account_id": account}, at)
    elif kind != "$set":
        facts.event(
            event_id=stated_id or digest, event=kind,
            user_id="" if is_visitor else person,
            anonymous_id=person if is_visitor and person != COOKIELESS else "",
            account_id=account, occurred_at=at, received_at=clock.received_at,
            properties=_properties(event, properties),
        )
    if account and not is_visitor and kind != "$groupidentify":
        # Where a user is known from elsewhere, that account stands.
        facts.add_traits("user", person, {"account_id": account}, at, is_initial=True)
    return stated_id


def _person(event: dict[str, Any], properties: dict[str, Any]) -> str:
    """Whose event it is, by any of the names under which SDKs say so."""
    for holder in (event, properties):
        for key in ("distinct_id", "$distinct_id"):
            found = id_of(holder.get(key))
            if found:
                return found
    return ""


def _instant(event: dict[str, Any], clock: Clock) -> dt.datetime:
    """When it happened; browsers may say how many milliseconds before it was sent instead."""
    stated, offset = event.get("timestamp"), event.get("offset")
    if not stated and isinstance(offset, int | float) and not isinstance(offset, bool):
        try:
            return clock.received_at - dt.timedelta(milliseconds=offset)
        except (OverflowError, ValueError):
            raise BadEventError(f"has a time beyond every calendar: {offset}") from None
    return clock.instant(stated)


def _emptied(names: Any) -> dict[str, None]:
    if not isinstance(names, list | dict) or not all(isinstance(one, str) for one in names):
        raise BadEventError("has an $unset that is no list of names")
    return dict.fromkeys(names)


def _is_history(event: dict[str, Any], properties: dict[str, Any]) -> bool:
    """Whether the event's time stands as it is, whenever it was sent."""
    options = event.get("options")
    stated = isinstance(options, dict) and options.get("disable_skew_correction")
    return bool(properties.get("$ignore_sent_at") or stated)


def _is_visitor(event: dict[str, Any], properties: dict[str, Any], person: str) -> bool:
    """Whether the id is one that a library made up for somebody who has not signed in."""
    options = event.get("options")
    stated = properties.get("$process_person_profile")
    if stated is None and isinstance(options, dict):
        stated = options.get("process_person_profile")
    if stated is False or properties.get("$is_identified") is False or person == COOKIELESS:
        return True
    # The browser's library names a device and its visitor alike until somebody signs in.
    device = properties.get("$device_id")
    return device is not None and properties.get("$is_identified") is None and device == person


def _properties(event: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    found = {key: one for key, one in properties.items() if key not in _LEFT_OUT}
    for key, ours in (("session_id", "$session_id"), ("window_id", "$window_id")):
        if event.get(key) is not None:
            found.setdefault(ours, event[key])
    options = event.get("options")
    if isinstance(options, dict) and options.get("product_tour_id") is not None:
        found.setdefault("$product_tour_id", options["product_tour_id"])
    return found
