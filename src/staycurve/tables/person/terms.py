"""Terms: the texts by which a person is known, and the random keys that take their places.

Each id gets a key of its own, so that counting, joining and grouping by id give what they gave.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

PREFIX = "forgotten-"
EXPIRED = "(expired)"
"""What stands where something was kept for as long as it may be."""
PERSON_COLUMNS = frozenset({"user_id", "anonymous_id", "alias", "subject_id"})
"""Columns whose values are a person's ids, whatever they look like."""

ID_KEYS = frozenset({
    "userid", "user", "distinctid", "anonymousid", "anondistinctid", "previousid", "alias",
    "deviceid", "requesterid", "submitterid", "subjectid", "contactid", "personid",
})
"""Names in JSON, without signs, whose values are a person's ids."""
PERSONAL_KEYS = frozenset({
    "email", "emailaddress", "firstname", "lastname", "fullname", "displayname", "username",
    "givenname", "familyname", "surname", "middlename", "nickname", "phone", "phonenumber",
    "mobile", "mobilephone", "address", "addressline1", "addressline2", "line1", "line2", "street",
    "postalcode", "zip", "zipcode", "ip", "ipaddress", "avatar", "avatarurl", "picture", "photo",
    "birthday", "birthdate", "dateofbirth", "dob", "useragent", "linkedin", "twitter",
    "customeremail", "customername", "customerphone", "customeraddress", "receiptemail",
})
"""Names in JSON whose values describe a person, in an object that is the person's."""

_SIGNS = re.compile(r"[^a-z0-9]")
_KEY = re.compile(re.escape(PREFIX) + "[0-9a-f]{12}")
_LEAST = 8
"""Letters of an id that is looked for inside texts; a shorter one may be any number."""


def new_key() -> str:
    """A person's random key."""
    return PREFIX + secrets.token_hex(6)


def is_key(text: str) -> bool:
    """Whether a text is the key of somebody who was forgotten, or of one of their ids."""
    return _KEY.match(text) is not None


def is_strong(text: str) -> bool:
    """Whether an id is long enough to be looked for inside texts."""
    return len(text) >= _LEAST and not (text.isdigit() and len(text) == _LEAST)


def plain(name: str) -> str:
    """A name in JSON as those above are written."""
    return _SIGNS.sub("", name.lower())


@dataclass(frozen=True)
class Terms:
    """What is replaced, and by what.

    Attributes
    ----------
    key : str
        The person's random key.
    ids : mapping
        Id → its key.
    emails : mapping
        Address in lower case → its key.
    names : tuple of str
        What people call them.
    marks : tuple of str
        Texts by which [company] exclude tells whom not to count: what stands in for a text that
        has one has it as well.
    """

    key: str
    ids: Mapping[str, str] = field(default_factory=dict)
    emails: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, ids: Sequence[str], emails: Sequence[str], names: Sequence[str] = (), *,
        marks: Sequence[str] = (), key: str = "",
    ) -> Terms:
        """Terms with new keys; the keys of ids sort as the ids do."""
        key = key or new_key()
        addresses = sorted({one.lower() for one in emails})
        every = sorted({*ids} - {""})
        width = len(str(len(every)))
        keys = {one: f"{key}-{place:0{width}}" for place, one in enumerate(every, 1)}
        found = {
            one: next((keys[i] for i in every if i.lower() == one), f"{key}-mail{place}")
            for place, one in enumerate(addresses, 1)
        }
        own = tuple(dict.fromkeys(name.strip() for name in names if name and name.strip()))
        return cls(key, keys, found, own, tuple(one.lower() for one in marks if one))

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be replaced."""
        return not (self.ids or self.emails or self.names)

    @cached_property
    def full_names(self) -> tuple[str, ...]:
        """Names of more than one word: one word alone may be anybody's, or a thing's."""
        return tuple(name for name in self.names if " " in name and len(name) >= 5)

    @cached_property
    def searched(self) -> tuple[tuple[str, str, bool], ...]:
        """(text, key, whether case matters): what is looked for inside texts, the longest first."""
        pairs = [(one, key, True) for one, key in self.ids.items() if is_strong(one)]
        pairs += [(one, key, False) for one, key in self.emails.items()]
        pairs += [(one, self.key, False) for one in self.full_names]
        found: dict[tuple[str, bool], str] = {}
        for text, key, is_exact in pairs:
            for spelt in (text, json.dumps(text)[1:-1], quote(text, safe=""), quote(text)):
                found.setdefault((spelt if is_exact else spelt.lower(), is_exact), key)
        ordered = sorted(found.items(), key=lambda one: (-len(one[0][0]), one[0]))
        return tuple((text, key, is_exact) for (text, is_exact), key in ordered)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        parts = [
            rf"(?<![A-Za-z0-9])(?:{re.escape(text)})(?![A-Za-z0-9])" if is_exact
            else f"(?i:{re.escape(text)})"
            for text, _key, is_exact in self.searched
        ]
        return re.compile("|".join(parts)) if parts else None

    @cached_property
    def _keys(self) -> dict[str, str]:
        found = {text.lower(): key for text, key, is_exact in self.searched if not is_exact}
        return found | {text: key for text, key, is_exact in self.searched if is_exact}

    def text(self, text: str) -> str:
        """A text without the person's texts."""
        if text in self.ids and is_strong(text):
            return self.ids[text]
        if self._pattern is None:
            return text
        return self._pattern.sub(
            lambda found: self._keys.get(found[0]) or self._keys[found[0].lower()], text
        )

    def id(self, text: str) -> str:
        """A value of a column of ids."""
        return self.ids.get(text) or self.emails.get(text.lower()) or self.text(text)

    def masked(self, text: str | None, key: str = "") -> str | None:
        """What stands for an address or a name; the marks of exclusions stay."""
        if text is None:
            return None
        marks = [mark for mark in self.marks if mark in text.lower() and self.text(mark) == mark]
        return " ".join([key or self.key, *marks])

    def is_named(self, value: object) -> bool:
        """Whether a value is one of the person's addresses, or an id that is no mere number."""
        return isinstance(value, str) and (
            value.lower() in self.emails or (value in self.ids and is_strong(value))
        )

    def json(self, text: str, *, is_own: bool = False, keeps_name: bool = False) -> str:
        """JSON without the person's texts; a text that is none as any other text.

        Parameters
        ----------
        is_own : bool
            Whether the person is whom it tells of: then what describes a person goes, too.
        keeps_name : bool
            Whether `name` is a thing's, as in the properties of an event.
        """
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            return self.text(text)
        found = self.value(given, is_own=is_own, keeps_name=keeps_name)
        if found == given:
            return text
        return json.dumps(found, ensure_ascii=False, separators=(",", ":"))

    def value(self, value: Any, *, is_own: bool = False, keeps_name: bool = False) -> Any:
        """The same for a value out of JSON."""
        if isinstance(value, str):
            return self._own(value) if is_own else self.text(value)
        if isinstance(value, list):
            return [self.value(one, is_own=is_own, keeps_name=keeps_name) for one in value]
        if not isinstance(value, dict):
            return value
        tells = any(self.is_named(one) for one in value.values()) or any(
            plain(name) in ID_KEYS and str(one) in self.ids for name, one in value.items()
        )
        is_theirs = is_own or tells
        has_name = is_theirs and not keeps_name and (is_own or any(
            isinstance(one, str) and one.lower() in self.emails for one in value.values()
        ))
        return {
            self.text(name): self._member(plain(name), one, is_theirs, has_name, keeps_name)
            for name, one in value.items()
        }

    def _member(
        self, name: str, value: Any, is_theirs: bool, has_name: bool, keeps_name: bool
    ) -> Any:
        if name in ID_KEYS and isinstance(value, str | int) and str(value) in self.ids:
            return self.ids[str(value)]
        if is_theirs and (name in PERSONAL_KEYS or (has_name and name == "name")):
            if value is None or isinstance(value, bool):
                return value
            if not isinstance(value, str):
                return None
            return value if not value else self.masked(value, self.emails.get(value.lower(), ""))
        # What lies deeper may tell of another thing: its name is not the person's.
        if isinstance(value, dict | list):
            return self.value(value, keeps_name=keeps_name)
        return self.value(value, is_own=is_theirs)

    def _own(self, text: str) -> str:
        if text in self.ids or text.lower() in self.emails:
            return self.id(text)
        words = {word.lower() for name in self.names for word in (name, *name.split())}
        return self.key if text.lower() in words else self.text(text)


Change = Callable[[str], str]
