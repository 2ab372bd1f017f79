"""Which theme a text belongs to: a function of the text and the codebook alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from staycurve.insights.voice.codebook import PLAIN, STRONG, WEAK, Codebook, Entry
from staycurve.insights.voice.languages import LANGUAGES, folded, language_of, stem, words

OTHER_LANGUAGE = 0.6
"""Weight of a word of another language than the text's: of a short text the language is a guess,
and people write "support" and "performance" in every language."""

LETTERS = 2
"""First letters by which prefixes are found: no prefix is shorter."""


@dataclass(frozen=True)
class Found:
    """Where a text belongs.

    Attributes
    ----------
    theme : str
        The theme's id; empty where it fits none.
    weight : float
        How much it fits.
    also : tuple of str
        Other themes that it speaks of, the nearest first.
    """

    language: str
    theme: str
    weight: float
    also: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Pattern:
    """An entry made ready: its stems, and which of them only have to begin so."""

    theme: int
    since: int
    weight: float
    parts: tuple[str, ...]
    is_prefix: tuple[bool, ...]


class Matcher:
    """Assigns texts to the themes of a codebook.

    Parameters
    ----------
    book : Codebook
    """

    def __init__(self, book: Codebook) -> None:
        self.book = book
        # Language → first stem, or the first letters of a prefix → patterns.
        self._by_stem: dict[str, dict[str, list[_Pattern]]] = {one: {} for one in LANGUAGES}
        self._by_letters: dict[str, dict[str, list[_Pattern]]] = {one: {} for one in LANGUAGES}
        known: dict[tuple[object, ...], _Pattern] = {}
        for place, theme in enumerate(book.themes):
            for entry in theme.entries:
                pattern = _pattern(place, entry)
                # Two forms of one word are one pattern: the one that weighs more.
                key = (entry.language, place, pattern.since, pattern.parts, pattern.is_prefix)
                if key not in known or known[key].weight < pattern.weight:
                    known[key] = pattern
        for (language, *_rest), pattern in known.items():
            first = pattern.parts[0]
            if language == "ko" or pattern.is_prefix[0]:
                letters = first[:LETTERS] if language != "ko" else ""
                self._by_letters[str(language)].setdefault(letters, []).append(pattern)
            else:
                self._by_stem[str(language)].setdefault(first, []).append(pattern)

    def find(self, comment: str, text: str) -> Found:
        """Where a comment belongs; one that a person pinned belongs there.

        Parameters
        ----------
        comment : str
            Its id.
        """
        language = language_of(text)
        pinned = self.book.pins.get(comment)
        ranked = self._ranked(text, language)
        if pinned is not None:
            also = tuple(one for one, _weight in ranked if one != pinned)
            return Found(language, pinned, 0.0 if pinned == "" else STRONG, also)
        if not ranked:
            return Found(language, "", 0.0)
        (theme, weight), *others = ranked
        return Found(language, theme, weight, tuple(one for one, _weight in others))

    def _ranked(self, text: str, language: str) -> list[tuple[str, float]]:
        """(theme, weight), the best first, of the earliest version that knows any."""
        hits = self._hits(text, language)
        if not hits:
            return []
        first = min(since for since, _theme in hits)
        own = {theme: weight for (since, theme), weight in hits.items() if since == first}
        # Words of an earlier version speak first, or a new theme would move counts of old ones.
        ranked = sorted(own.items(), key=lambda one: (-one[1], one[0]))
        later = sorted(
            {theme for _since, theme in hits if theme not in own}
        )
        return [(self.book.themes[theme].id, weight) for theme, weight in ranked] + [
            (self.book.themes[theme].id, 0.0) for theme in later
        ]

    def _hits(self, text: str, language: str) -> dict[tuple[int, int], float]:
        """(version, theme) → weight: the largest of all languages."""
        flat = folded(text)
        listed = words(flat)
        found: dict[tuple[int, int], float] = {}
        for own in LANGUAGES:
            scale = 1.0 if own == language or not language else OTHER_LANGUAGE
            summed: dict[tuple[int, int], float] = {}
            for pattern in self._matched(own, flat, listed).values():
                key = (pattern.since, pattern.theme)
                summed[key] = summed.get(key, 0.0) + pattern.weight * scale
            for key, weight in summed.items():
                found[key] = max(found.get(key, 0.0), weight)
        return found

    def _matched(
        self, language: str, flat: str, listed: Sequence[str]
    ) -> dict[int, _Pattern]:
        """The patterns of a language that a text has, each once, by their identity."""
        if language == "ko":
            joined = "".join(flat.split())
            own = self._by_letters["ko"].get("", ())
            return {id(one): one for one in own if one.parts[0] in joined}
        stems = [stem(word, language) for word in listed]
        by_stem, by_letters = self._by_stem[language], self._by_letters[language]
        found: dict[int, _Pattern] = {}
        for place, word in enumerate(listed):
            for pattern in by_stem.get(stems[place], ()):
                if _fits(pattern, stems, listed, place):
                    found[id(pattern)] = pattern
            for pattern in by_letters.get(word[:LETTERS], ()):
                if _fits(pattern, stems, listed, place):
                    found[id(pattern)] = pattern
        return found


def _fits(
    pattern: _Pattern, stems: Sequence[str], listed: Sequence[str], place: int
) -> bool:
    if place + len(pattern.parts) > len(stems):
        return False
    return all(
        listed[place + step].startswith(part) if is_prefix else stems[place + step] == part
        for step, (part, is_prefix) in enumerate(
            zip(pattern.parts, pattern.is_prefix, strict=True))
    )


def _pattern(theme: int, entry: Entry) -> _Pattern:
    weight = {"!": STRONG, "~": WEAK}.get(entry.text[-1:], PLAIN)
    text = folded(entry.text.rstrip("!~"))
    if entry.language == "ko":
        return _Pattern(theme, entry.since, weight,
                        ("".join(text.replace("*", "").split()),), (True,))
    listed = [part for part in text.split() if part.strip("*")]
    # What is shorter than the letters by which it is found is taken as a word.
    is_prefix = tuple(part.endswith("*") and len(part) > LETTERS for part in listed)
    parts = tuple(
        part.rstrip("*") if prefix else stem(words(part)[0] if words(part) else part,
                                             entry.language)
        for part, prefix in zip(listed, is_prefix, strict=True)
    )
    scale = 1 if weight == WEAK else len(parts)
    return _Pattern(theme, entry.since, weight * scale, parts, is_prefix)
