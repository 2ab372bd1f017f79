"""The codebook: what customers speak of, by which words it is told, and every change of it.

A codebook is the shipped one and the changes that people made to it, in their order: nothing else
moves a comment from one theme to another. Words that come later only take comments that fitted
nothing before, so accepting a theme leaves the counts of the others as they were.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from staycurve.errors import UnknownNameError, UsageError
from staycurve.insights.voice.languages import LANGUAGES, folded

CHANGES = ("accept", "extend", "rename", "merge", "split", "drop", "pin", "unpin")
"""What a person can do to a codebook."""

STRONG, PLAIN, WEAK = 1.5, 1.0, 0.4
"""Weights of a word that means little else, of any other, and of a phrase that goes with any theme.
Of several words each weighs: what stands together says more than what stands apart; a weak phrase
weighs once."""

ID_LETTERS = 60
_ID = re.compile(r"[^\w]+", re.UNICODE)


@dataclass(frozen=True)
class Entry:
    """One word or phrase that tells a theme.

    Attributes
    ----------
    text : str
        As people write it, with * for "begins so", ! for "means little else", ~ for "means little".
    since : int
        The version of the codebook that brought it; 0 is the shipped one.
    """

    language: str
    text: str
    since: int = 0


@dataclass(frozen=True)
class Theme:
    """One thing that customers speak of.

    Attributes
    ----------
    id : str
        Stays when the name changes.
    """

    id: str
    name: str
    entries: tuple[Entry, ...]
    since: int = 0

    def stems(self) -> dict[str, list[str]]:
        """Language → its words."""
        found: dict[str, list[str]] = {}
        for entry in self.entries:
            found.setdefault(entry.language, []).append(entry.text)
        return found


@dataclass(frozen=True)
class CodebookChange:
    """One change: which version it made, when, by whom, and what.

    Attributes
    ----------
    what : str
        One of CHANGES.
    theme : str
        The theme's id; of a pin the theme that the comment belongs to.
    detail : mapping
        name, stems (language → words), into, comment: what the change needs.
    """

    version: int
    at: dt.datetime
    who: str
    what: str
    theme: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "version": self.version, "at": self.at.isoformat(), "who": self.who,
            "what": self.what, "theme": self.theme, **self.detail,
        }


@dataclass(frozen=True)
class Codebook:
    """Themes in their order, and comments that a person put somewhere.

    Attributes
    ----------
    version : int
        How many changes were made; 0 is the shipped one.
    pins : mapping
        Comment → theme; an empty one says that it belongs to none.
    """

    version: int
    themes: tuple[Theme, ...]
    pins: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.version, self.themes, tuple(sorted(self.pins.items()))))

    def theme(self, named: str) -> Theme:
        """The theme of an id or a name.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        for one in self.themes:
            if named == one.id or named.casefold() == one.name.casefold():
                return one
        raise UnknownNameError(
            "theme", named, [one.id for one in self.themes],
            hint="All themes: staycurve feedback codebook",
        )

    def after(self, change: CodebookChange) -> Codebook:
        """The codebook with a change made.

        Raises
        ------
        UsageError
            If the change makes no sense, such as a theme merged into itself.
        """
        made = _DO[change.what](self, change)
        return replace(made, version=change.version)


@cache
def shipped() -> Codebook:
    """The codebook that every company begins with."""
    text = (Path(__file__).parent / "codebook.toml").read_text(encoding="utf-8")
    themes = tuple(
        Theme(one["id"], one["name"], tuple(
            Entry(language, entry) for language in LANGUAGES for entry in one.get(language, ())
        ))
        for one in tomllib.loads(text)["themes"]
    )
    return Codebook(0, themes)


def replayed(changes: Sequence[CodebookChange], version: int | None = None) -> Codebook:
    """The codebook after changes, up to a version.

    Raises
    ------
    UsageError
        If there is no such version.
    """
    if version is not None and not 0 <= version <= len(changes):
        raise UsageError(
            f"The codebook has no version {version}.",
            hint=f"Its versions are 0, the shipped one, to {len(changes)}.",
        )
    book = shipped()
    for change in changes if version is None else changes[:version]:
        book = book.after(change)
    return book


def id_of(name: str, taken: Sequence[str] = ()) -> str:
    """An id for a name, that none of `taken` is."""
    base = _ID.sub("-", folded(name)).strip("-_")[:ID_LETTERS] or "theme"
    found, number = base, 2
    while found in taken:
        found, number = f"{base}-{number}", number + 1
    return found


def entries_of(stems: Mapping[str, Sequence[str]], version: int) -> tuple[Entry, ...]:
    """Words by language as entries.

    Raises
    ------
    UsageError
        If a language is none of a codebook's, or there is no word at all.
    """
    found = []
    for language, texts in stems.items():
        if language not in LANGUAGES:
            raise UsageError(
                f"'{language}' is no language of a codebook.",
                hint=f"One of: {', '.join(LANGUAGES)}",
            )
        found += [Entry(language, text, version) for text in texts if folded(text).strip(" *!~")]
    if not found:
        raise UsageError("A theme needs a word.", hint="Such as: --stems 'en: refund, money back'")
    return tuple(found)


def _accept(book: Codebook, change: CodebookChange) -> Codebook:
    name = str(change.detail["name"])
    if any(one.name.casefold() == name.casefold() or one.id == change.theme
           for one in book.themes):
        raise UsageError(f"A theme is named '{name}' already.", hint="Choose another name, or "
                         "add the words to that theme.")
    entries = entries_of(change.detail["stems"], change.version)
    made = Theme(change.theme, name, entries, change.version)
    return replace(book, themes=(*book.themes, made))


def _extend(book: Codebook, change: CodebookChange) -> Codebook:
    own = book.theme(change.theme)
    entries = entries_of(change.detail["stems"], change.version)
    return _with(book, replace(own, entries=(*own.entries, *entries)))


def _rename(book: Codebook, change: CodebookChange) -> Codebook:
    own, name = book.theme(change.theme), str(change.detail["name"])
    if any(one.name.casefold() == name.casefold() and one.id != own.id for one in book.themes):
        raise UsageError(f"Another theme is named '{name}'.", hint="Merge the two instead.")
    return _with(book, replace(own, name=name))


def _merge(book: Codebook, change: CodebookChange) -> Codebook:
    own, into = book.theme(change.theme), book.theme(str(change.detail["into"]))
    if own.id == into.id:
        raise UsageError("A theme cannot be merged into itself.", hint="Name two themes.")
    merged = replace(into, entries=(*into.entries, *own.entries))
    kept = replace(book, themes=tuple(one for one in book.themes if one.id != own.id))
    pins = {one: into.id if theme == own.id else theme for one, theme in book.pins.items()}
    return replace(_with(kept, merged), pins=pins)


def _split(book: Codebook, change: CodebookChange) -> Codebook:
    own, name = book.theme(change.theme), str(change.detail["name"])
    moved = {(language, text) for language, texts in change.detail["stems"].items()
             for text in texts}
    gone = tuple(one for one in own.entries if (one.language, one.text) in moved)
    left = tuple(one for one in own.entries if one not in gone)
    missing = moved - {(one.language, one.text) for one in gone}
    if missing:
        language, text = sorted(missing)[0]
        raise UsageError(
            f"'{own.name}' has no word '{text}' in {language}.",
            hint="Its words: staycurve feedback codebook",
        )
    if not left or not gone:
        raise UsageError("Both themes need a word.", hint="Move some of its words, not all.")
    if any(one.name.casefold() == name.casefold() for one in book.themes):
        raise UsageError(f"A theme is named '{name}' already.", hint="Choose another name.")
    new = Theme(id_of(name, [one.id for one in book.themes]), name, gone, change.version)
    themes: list[Theme] = []
    for one in book.themes:
        themes += [replace(own, entries=left), new] if one.id == own.id else [one]
    return replace(book, themes=tuple(themes))


def _drop(book: Codebook, change: CodebookChange) -> Codebook:
    own = book.theme(change.theme)
    pins = {one: theme for one, theme in book.pins.items() if theme != own.id}
    return replace(
        book, themes=tuple(one for one in book.themes if one.id != own.id), pins=pins
    )


def _pin(book: Codebook, change: CodebookChange) -> Codebook:
    theme = book.theme(change.theme).id if change.theme else ""
    return replace(book, pins={**book.pins, str(change.detail["comment"]): theme})


def _unpin(book: Codebook, change: CodebookChange) -> Codebook:
    comment = str(change.detail["comment"])
    if comment not in book.pins:
        raise UsageError(f"Nobody has pinned the comment {comment}.", hint="Name a pinned one.")
    return replace(book, pins={one: to for one, to in book.pins.items() if one != comment})


def _with(book: Codebook, theme: Theme) -> Codebook:
    return replace(book, themes=tuple(
        theme if one.id == theme.id else one for one in book.themes
    ))


_DO = {"accept": _accept, "extend": _extend, "rename": _rename, "merge": _merge, "split": _split,
       "drop": _drop, "pin": _pin, "unpin": _unpin}
