"""Facts: what a request tells, in the form in which the inbox keeps it until it is loaded."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from staycurve.sources.sent.sound import (
    DEEPEST,
    MOST_NAME,
    BadEventError,
    id_of,
    instant_of,
    sound,
)

SHOWN = 200
"""Letters of a rejected event that are kept with its reason."""
MOST_TRAITS = 200
"""Traits in one event; more come from a program that took data for names."""
ACCOUNT_TYPES = ("company", "account", "organization", "customer")
"""Names under which programs call the group that pays, in this order."""


@dataclass(frozen=True)
class Clock:
    """When a request came, and by how much its sender's clock is behind ours.

    Attributes
    ----------
    received_at : datetime
        By our clock, UTC.
    behind : timedelta
        `received_at` less the moment at which the sender says that it sent. What it says of its
        events is moved by it: theirs and ours are off by the same. Zero where nothing is said.
    """

    received_at: dt.datetime
    behind: dt.timedelta = dt.timedelta()

    @classmethod
    def of(cls, received_at: dt.datetime, sent_at: Any) -> Clock:
        """By what the request says of its sending; what cannot be read says nothing."""
        try:
            sent = instant_of(sent_at)
        except BadEventError:
            sent = None
        return cls(received_at, received_at - sent if sent else dt.timedelta())

    def instant(self, stated: Any) -> dt.datetime:
        """When an event happened, by our clock.

        Raises
        ------
        BadEventError
            If what is stated is no instant.
        """
        found = instant_of(stated)
        if found is None:
            return self.received_at
        try:
            return found + self.behind
        except OverflowError:
            raise BadEventError(f"has a time beyond every calendar: {str(stated)[:40]}") from None


@dataclass(frozen=True)
class Outcome:
    """What became of one event: the rule that it breaks, or nothing.

    Attributes
    ----------
    id : str
        As its sender calls it; empty where it does not.
    is_changed : bool
        Whether something that no table can hold was taken out of it.
    """

    id: str
    rule: str = ""
    is_changed: bool = False


@dataclass
class Facts:
    """What the events of one request tell; every list holds JSON.

    Attributes
    ----------
    events : list of dict
        Rows of `events`.
    links : list of (source, alias, user_id, since)
        Rows of `identities`.
    traits : list of (subject, subject_id, trait, value, since, is_initial)
        Rows of `traits`; `value` is JSON text.
    bad : list of (text, rule)
        Events that are rejected.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    links: list[list[str]] = field(default_factory=list)
    traits: list[list[Any]] = field(default_factory=list)
    bad: list[list[str]] = field(default_factory=list)

    def packed(self) -> bytes:
        """As the inbox keeps them."""
        return orjson.dumps(
            {"events": self.events, "links": self.links, "traits": self.traits, "bad": self.bad}
        )

    @classmethod
    def unpacked(cls, payload: bytes) -> Facts:
        """Out of what the inbox kept."""
        return cls(**orjson.loads(payload))

    def take(self, event: Any, most_bytes: int, tell: Tell, *, place: str) -> Outcome:
        """Take one event, or keep it with the rule that it breaks.

        Parameters
        ----------
        most_bytes : int
            Of its JSON.
        tell : callable
            Adds what the event tells to facts of its own.
        place : str
            Tells the event apart from another of the same content.
        """
        own = Facts()
        raw, name = b"", ""
        try:
            if not isinstance(event, dict):
                raise BadEventError("is no JSON object")
            name = _named(event)
            whole, raw, is_changed = _whole(event, most_bytes)
            has_time = whole.get("timestamp") or whole.get("originalTimestamp")
            digest = hashlib.md5(raw if has_time else raw + place.encode())
            name = tell(own, whole, digest.hexdigest())
        except BadEventError as bad:
            self.bad.append([_shown(event, raw), str(bad)])
            return Outcome(name, str(bad))
        self.events += own.events
        self.links += own.links
        self.traits += own.traits
        return Outcome(name, is_changed=is_changed)

    def event(
        self, *, event_id: str, event: Any, user_id: str, anonymous_id: str, account_id: str,
        occurred_at: dt.datetime, received_at: dt.datetime, properties: dict[str, Any],
    ) -> None:
        """Add an event.

        Raises
        ------
        BadEventError
            If it has no name.
        """
        if not isinstance(event, str) or not event.strip():
            raise BadEventError("has no name")
        if len(event) > MOST_NAME:
            raise BadEventError(f"has a name of more than {MOST_NAME} letters")
        self.events.append({
            "event_id": event_id, "account_id": account_id or None, "user_id": user_id or None,
            "anonymous_id": anonymous_id or None, "event": event,
            "occurred_at": text_of(occurred_at), "received_at": text_of(received_at),
            "properties": orjson.dumps(properties, option=orjson.OPT_NON_STR_KEYS).decode(),
        })

    def link(self, source: str, alias: str, user_id: str, since: dt.datetime) -> None:
        """Add that an id was another's; an id that is its own, or nobody's, says nothing."""
        if is_nobody(alias) or is_nobody(user_id):
            return
        if alias and user_id and alias != user_id:
            self.links.append([source, alias, user_id, text_of(since)])

    def add_traits(
        self, subject: str, subject_id: str, traits: Any, since: dt.datetime, *,
        is_initial: bool = False,
    ) -> None:
        """Add what is known of a user or an account from an instant on.

        Raises
        ------
        BadEventError
            If they are no object, or too many.
        """
        if traits is None or not subject_id:
            return
        if not isinstance(traits, dict):
            raise BadEventError("has traits that are no object")
        if len(traits) > MOST_TRAITS:
            raise BadEventError(f"has more than {MOST_TRAITS} traits")
        for trait, value in traits.items():
            if not trait or len(trait) > MOST_NAME:
                raise BadEventError("has a trait without a name, or with a very long one")
            self.traits.append([
                subject, subject_id, trait, orjson.dumps(value).decode(), text_of(since),
                is_initial,
            ])


Tell = Callable[[Facts, dict[str, Any], str], str]
"""Adds what an event tells, under an id that is made of its content where it has none.

It returns the id that its sender gave it.
"""


NOBODY = frozenset({
    "anonymous", "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email",
    "undefined", "true", "false", "null", "none", "nan", "0", "[object object]", "unidentified",
})
"""What programs send as an id when they have none: joined, all of whom it is said were one person.

PostHog refuses these, too.
"""


def is_nobody(one: str) -> bool:
    """Whether an id is none."""
    return one.strip("'\" ").lower() in NOBODY


def check_somebody(*ids: str) -> None:
    """Refuse an alias whose ids are nobody's.

    Raises
    ------
    BadEventError
        If one of them is what programs send for want of an id.
    """
    for one in ids:
        if is_nobody(one):
            raise BadEventError(f"joins an id that is nobody's: {one}")


def account_of(groups: Any, account_type: str) -> str:
    """The account among the groups of an event: of the type that is the company's.

    Parameters
    ----------
    account_type : str
        The type of group that is an account; the first known one where it is empty.
    """
    if not isinstance(groups, dict):
        return ""
    for kind in (account_type,) if account_type else ACCOUNT_TYPES:
        if groups.get(kind) is not None:
            return id_of(groups[kind])
    if not account_type and len(groups) == 1:
        return id_of(next(iter(groups.values())))
    return ""


def text_of(instant: dt.datetime) -> str:
    """An instant in the one form in which texts compare as instants do."""
    return instant.astimezone(dt.UTC).isoformat(timespec="microseconds")


def _named(event: dict[str, Any]) -> str:
    for key in ("messageId", "uuid"):
        if isinstance(event.get(key), str):
            return str(event[key])
    return ""


def _whole(event: dict[str, Any], most_bytes: int) -> tuple[dict[str, Any], bytes, bool]:
    """The event such that every table can hold it, its JSON, and whether it was changed."""
    try:
        raw = orjson.dumps(event)
        is_plain = b"\\u0000" not in raw and raw.count(b"{") + raw.count(b"[") <= DEEPEST
    except (TypeError, orjson.JSONEncodeError):
        raw, is_plain = b"", False
    is_changed = False
    if not is_plain:
        made = sound(event)
        is_changed, event = made != event, made
        raw = orjson.dumps(event)
    if len(raw) > most_bytes:
        raise BadEventError(f"is longer than {most_bytes:,} bytes")
    return event, raw, is_changed


def _shown(event: Any, raw: bytes) -> str:
    if raw:
        return raw[: SHOWN * 4].decode("utf-8", "replace")[:SHOWN]
    text = repr(event)[:SHOWN]
    return text.encode("utf-8", "backslashreplace").decode()
