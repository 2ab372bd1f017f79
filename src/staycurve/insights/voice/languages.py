"""The language of a text, and its words as themes are matched by: folded and stemmed."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache, lru_cache
from typing import Any

LANGUAGES = {
    "en": "english", "de": "german", "fr": "french", "es": "spanish", "ko": "",
}
"""Languages of codebooks → their stemmer; Korean is matched within words, without one."""

UNKNOWN = ""
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_WORD = re.compile(r"\w+", re.UNICODE)
_LETTER = re.compile(r"[^\W\d_]", re.UNICODE)
_LOCK = threading.Lock()

LONGEST = 20_000
"""Characters of a text that are read: a longer one is a document, not a comment."""


def folded(text: str) -> str:
    """A text without capitals and accents: half of those who write leave accents out."""
    parts = unicodedata.normalize("NFKD", text[:LONGEST].casefold())
    return unicodedata.normalize("NFC", "".join(
        letter for letter in parts if not unicodedata.combining(letter)
    ))


@lru_cache(maxsize=50_000)
def language_of(text: str) -> str:
    """en, de, fr, es or ko: the likeliest of them; empty where there are no letters.

    Korean is told by its letters, the others by how often their letters stand beside each other.
    """
    letters = _LETTER.findall(text[:LONGEST])
    if not letters:
        return UNKNOWN
    if len(_HANGUL.findall(text[:LONGEST])) * 4 >= len(letters):
        return "ko"
    with _LOCK:
        # It keeps what it visits in itself: one at a time.
        return str(_identifier().classify(text[:LONGEST])[0])


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    made = LanguageIdentifier.from_model_file(MODEL_FILE)
    made.set_languages([one for one in LANGUAGES if one != "ko"])
    return made


@cache
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(LANGUAGES[language])


@lru_cache(maxsize=200_000)
def stem(word: str, language: str) -> str:
    """A folded word's stem; the word itself where the language has no stemmer."""
    if not LANGUAGES.get(language):
        return word
    with _LOCK:
        return str(_stemmer(language).stemWord(word))


def words(text: str) -> list[str]:
    """The words of a folded text."""
    return _WORD.findall(text)


def stopwords(language: str) -> frozenset[str]:
    """Words that say nothing of what a text is about, folded."""
    import stopwordsiso

    if not stopwordsiso.has_lang(language):
        return frozenset()
    return frozenset(folded(one) for one in stopwordsiso.stopwords(language))
