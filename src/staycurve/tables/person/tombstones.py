"""Tombstones: by what a forgotten person is known again when a later import brings them back.

The project's file `forgotten.json` holds a secret and, for each id and address, its HMAC-SHA256 by
that secret with the random key that took its place. Nobody can read an address out of it; whoever
has the secret and an address can tell that it was forgotten, so the file stays with the project and
its backups.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from staycurve.errors import ProjectError
from staycurve.tables.person.terms import ID_KEYS, Terms, is_strong, plain

FILE_NAME = "forgotten.json"
BESIDE = f".{FILE_NAME}"
"""Ends the name of the list that lies beside a backup from before."""
FORM = 1
_SIGNS = r"\s\"'<>(),;:\\|={}\[\]/?&"
_ADDRESS = re.compile(rf"[^{_SIGNS}]+@[^{_SIGNS}]+\.[^{_SIGNS}]+")
_WORDS = re.compile(rf"[^{_SIGNS}]+")


@dataclass(frozen=True)
class Tombstones:
    """The list of the forgotten.

    Attributes
    ----------
    secret : str
        Random, 64 hexadecimal digits; empty while nobody was forgotten.
    digests : mapping
        HMAC of an id or an address → its key.
    people : mapping
        Person's key → when it was forgotten, ISO 8601, UTC.
    """

    secret: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.digests)

    def key_of(self, text: str) -> str | None:
        """The key that took the place of an id or an address; None for one that was not forgotten.

        An address is the same in capitals.
        """
        if not self.digests or not text:
            return None
        for spelt in (text, text.lower()) if "@" in text else (text,):
            found = self.digests.get(_digest(self.secret, spelt))
            if found is not None:
                return found
        return None

    def person_of(self, text: str) -> str | None:
        """The key of the person that an id or an address was."""
        found = self.key_of(text)
        return None if found is None else next(
            (key for key in self.people if found == key or found.startswith(f"{key}-")), found
        )

    def adding(self, terms: Terms, *, at: str) -> Tombstones:
        """With one more person."""
        secret = self.secret or secrets.token_hex(32)
        digests = dict(self.digests)
        for text, key in (*terms.emails.items(), *terms.ids.items()):
            digests.setdefault(_digest(secret, text), key)
            if "@" in text:
                digests.setdefault(_digest(secret, text.lower()), key)
        for name in terms.full_names:
            digests.setdefault(_digest(secret, " ".join(name.lower().split())), terms.key)
        return replace(
            self, secret=secret, digests=digests, people={terms.key: at, **self.people}
        )

    def terms(self, texts: Iterable[str], *, marks: Iterable[str] = ()) -> Terms:
        """Terms of those among `texts` that were forgotten, with the keys they have already."""
        ids: dict[str, str] = {}
        emails: dict[str, str] = {}
        for text in sorted(set(texts)):
            key = self.key_of(text)
            if key is not None:
                ids[text] = key
                if "@" in text:
                    emails[text.lower()] = key
        first = self.person_of(next(iter(ids))) if ids else None
        return Terms(first or "", ids, emails, marks=tuple(one.lower() for one in marks if one))

    def terms_of(self, value: Any, *, marks: Iterable[str] = ()) -> Terms:
        """Terms of whom a row or an object tells among the forgotten; names only beside an id."""
        found = self.terms(texts_in(value), marks=marks)
        if found.is_empty:
            return found
        names = tuple(sorted({
            name for text in strings_in(value) for name in _phrases(text)
            if self.digests.get(_digest(self.secret, name.lower())) is not None
        }))
        return replace(found, names=names)

    def hmac_sql(self, text: str) -> str:
        """SQL for the HMAC of a text, as `digests` has it."""
        key = bytes.fromhex(self.secret).ljust(64, b"\0")
        inner, outer = (bytes(one ^ pad for one in key).hex() for pad in (0x36, 0x5C))
        return (
            f"sha256(unhex('{outer}') || unhex(sha256(unhex('{inner}') || encode({text}))))"
        )

    def written(self) -> str:
        """As JSON."""
        return json.dumps(
            {"form": FORM, "secret": self.secret, "people": dict(self.people),
             "digests": dict(sorted(self.digests.items()))}, indent=1,
        )


def read(folder: Path) -> Tombstones:
    """The list of a project; empty where nobody was forgotten.

    Raises
    ------
    ProjectError
        If it cannot be read: then nothing may be loaded, or the forgotten would come back.
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Tombstones()
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}.", hint=_HINT) from error
    return parsed(text, path)


def parsed(text: str, path: Path) -> Tombstones:
    """The list that `text` holds; `path` is named in errors."""
    try:
        told: Any = json.loads(text)
        if told["form"] > FORM:
            raise ProjectError(
                f"{path} was written by a newer staycurve.",
                hint="Upgrade: pip install --upgrade staycurve",
            )
        found = Tombstones(str(told["secret"]), dict(told["digests"]), dict(told["people"]))
        if found.digests and len(found.secret) != 64:
            raise ValueError("no secret")
        return found
    except (ValueError, KeyError, TypeError) as error:
        raise ProjectError(f"{path} is no list of the forgotten.", hint=_HINT) from error


_HINT = "Put it back from a backup: without it, later imports would bring forgotten people back."


def write(folder: Path, tombstones: Tombstones) -> Path:
    """Keep the list durably, readable by its owner alone."""
    path = folder / FILE_NAME
    part = folder / f".{FILE_NAME}.part"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(tombstones.written())
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    return path


def strings_in(value: Any) -> Iterator[str]:
    """Every text in a value out of JSON; a text that is JSON is looked into."""
    if isinstance(value, str):
        inner = _inner(value)
        if inner is None:
            yield value
        else:
            yield from strings_in(inner)
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from strings_in(one)


def _inner(text: str) -> Any:
    if text[:1] not in "{[":
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _phrases(text: str) -> Iterator[str]:
    """Two to four words that follow each other: what a name may be."""
    words = re.findall(r"[^\s\"'<>(),;:|={}\[\]/?&]+", text)[:2000]
    for start in range(len(words)):
        for length in range(2, 5):
            if start + length <= len(words):
                # A full stop after it belongs to the sentence.
                yield " ".join(words[start : start + length]).rstrip(".!")


def texts_in(value: Any, *, under: str = "") -> Iterator[str]:
    """Everything in a value out of JSON that may be an id or an address."""
    if isinstance(value, str):
        inner = _inner(value)
        if inner is not None:
            yield from texts_in(inner, under=under)
            return
        if plain(under) in ID_KEYS or is_strong(value):
            yield value
        yield from _ADDRESS.findall(value)
        if " " in value or "/" in value:
            yield from (word for word in _WORDS.findall(value) if is_strong(word))
    elif isinstance(value, int) and plain(under) in ID_KEYS:
        yield str(value)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from texts_in(one, under=str(name))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_in(one, under=under)


@functools.lru_cache(maxsize=200_000)
def _digest(secret: str, text: str) -> str:
    return hmac.new(bytes.fromhex(secret), text.encode(), hashlib.sha256).hexdigest()
