"""Passwords: bounded, hashed with argon2id, and compared in the time that a right one takes."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from staycurve.errors import UsageError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST, MOST = 12, 1024
"""Letters at least; bytes of UTF-8 at most, so that nobody makes us hash a megabyte."""
_UNKNOWN = (
    "$argon2id$v=19$m=65536,t=3,p=1$c3RheWN1cnZlLW5vYm9keQ$"
    "qMm6MlDjMG1lGZsJTN2dUJSbBRvHZW8PYmdnSZHm0gE"
)
"""A hash that no password has: who does not exist is refused no faster than who does."""


def checked(password: str, *, email: str = "") -> str:
    """The password in the form that is hashed.

    Raises
    ------
    UsageError
        If it is too short or too long, all of one letter, or the e-mail address itself.
    """
    found = _normal(password)
    if found is None:
        raise UsageError(
            f"The password is longer than {MOST} bytes.", hint="Choose a shorter one."
        )
    if len(found) < LEAST:
        raise UsageError(
            f"The password has fewer than {LEAST} letters.",
            hint="Choose a longer one, such as four words.",
        )
    if len(set(found)) < 4 or found.casefold() == email.casefold():
        raise UsageError("The password is too easy to guess.", hint="Choose another one.")
    return found


def hashed(password: str) -> str:
    """The hash of a password that `checked` gave."""
    return _hasher().hash(password)


def matches(hashed_one: str, password: str) -> bool:
    """Whether a password has this hash; an empty hash takes as long and never matches.

    A password that is too long for any is refused before it is hashed.
    """
    from argon2.exceptions import Argon2Error, InvalidHashError

    found = _normal(password)
    if found is None:
        return False
    try:
        return _hasher().verify(hashed_one or _UNKNOWN, found) and bool(hashed_one)
    except (Argon2Error, InvalidHashError):
        return False


def is_outdated(hashed_one: str) -> bool:
    """Whether it was made with weaker parameters than those of today."""
    return _hasher().check_needs_rehash(hashed_one)


def _normal(password: str) -> str | None:
    """Composed, so that two keyboards type the same (NIST SP 800-63B, 3.1.1.2); None if too long.

    The bound comes first: composing a megabyte takes its time too.
    """
    if len(password) > MOST or len(password.encode("utf-8", "surrogatepass")) > MOST:
        return None
    found = unicodedata.normalize("NFKC", password)
    return found.encode("utf-8", "replace").decode()


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    # RFC 9106's second choice (64 MiB, three passes), on one lane: a server of two cores keeps one
    # for pages while it hashes.
    return PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
