"""Personal data: whether the present request may show it, and whether it did.

Who reads through Python or the command line may; a server says otherwise for roles without the
permission. Fields that hold it are declared so (`is_personal` of `Col` and `Key`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

HIDDEN = "•••"
"""What stands in the place of a text that may not be seen."""

_NAMED = re.compile(
    r"e_?mail|phone|mobile|(first|last|full|user|contact|family|given)_?name|surname|contact|"
    r"address|birth|(^|_)ip($|_)|^name$|linkedin|twitter|avatar",
    re.IGNORECASE,
)
"""Names of attributes that hold who somebody is; what their values are is not looked at."""

# Of this process alone: a name that stands for somebody today says nothing tomorrow.
_KEY = secrets.token_bytes(32)


@dataclass
class Reading:
    """What one request may see of personal data, and whether it has seen any."""

    is_shown: bool = True
    has_seen: bool = False


_READING: ContextVar[Reading | None] = ContextVar("reading", default=None)


def is_shown() -> bool:
    """Whether personal data may be shown."""
    found = _READING.get()
    return found is None or found.is_shown


def is_named_so(attribute: str) -> bool:
    """Whether an attribute of a user, account or event is called like personal data."""
    return _NAMED.search(attribute) is not None


def may_see(attributes: Iterable[str]) -> list[str]:
    """The attributes that the present request may see."""
    if is_shown():
        return list(attributes)
    return [one for one in attributes if not is_named_so(one)]


def note() -> None:
    """Keep that personal data is shown."""
    found = _READING.get()
    if found is not None:
        found.has_seen = True


@contextmanager
def reading(*, is_shown: bool) -> Iterator[Reading]:
    """A request: whether it may show personal data."""
    made = Reading(is_shown)
    token = _READING.set(made)
    try:
        yield made
    finally:
        _READING.reset(token)


def noted(make: Callable[[], T]) -> tuple[T, bool]:
    """What `make` finds, and whether personal data is in it: for what is remembered."""
    with reading(is_shown=is_shown()) as own:
        found = make()
    if own.has_seen:
        note()
    return found, own.has_seen


def stand_in(user: str) -> str:
    """A name for somebody who may not be named: the same for the same person until a restart."""
    return "user-" + hmac.new(_KEY, user.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:8]
