"""Suggestions: what comments that fit no theme have in common, language by language.

TF-IDF of character n-grams and a non-negative factorisation (NMF). It runs within one language:
over several at once it finds the languages, not the themes. It is refitted with every comment and
changes its mind; so it only ever suggests, and what a person accepts is kept as words.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.insights.voice.languages import folded, stem, stopwords, words

LEAST = 4
"""Comments of one language that fit nothing, below which there is nothing to suggest."""
LEAST_IN_THEME = 3
MOST_THEMES = 8
PER_THEME = 6
"""Comments for each suggested theme: fewer themes for fewer comments."""
MOST_READ = 4000
"""Comments of one language that are read, the newest: a theme of today shows in them."""
MOST_STEMS = 8
NEAR = 0.06
"""Mean similarity from which on a suggestion names the theme that it resembles."""


@dataclass(frozen=True)
class Written:
    """A comment as suggestions read it: its id, text, language and theme (empty for none)."""

    id: str
    text: str
    language: str
    theme: str


@dataclass(frozen=True)
class Suggestion:
    """A theme that comments of one language suggest.

    Attributes
    ----------
    stems : tuple of str
        Words that tell it, with * where forms differ in their ends.
    comments : tuple of str
        Ids of the comments, the most typical first.
    near : str
        The theme of the codebook that they resemble; empty where none is near.
    covered : int
        How many comments that fit nothing have one of the words.
    """

    language: str
    stems: tuple[str, ...]
    comments: tuple[str, ...]
    near: str
    covered: int


def suggestions(comments: Sequence[Written]) -> tuple[Suggestion, ...]:
    """What comments without a theme suggest, the largest first.

    Parameters
    ----------
    comments : sequence of Written
        All comments, oldest first: those with a theme show which one a suggestion resembles.
    """
    found: list[Suggestion] = []
    for language in sorted({one.language for one in comments if one.language}):
        own = [one for one in comments if one.language == language]
        lost = [one for one in own if not one.theme][-MOST_READ:]
        if len(lost) >= LEAST:
            known = [one for one in own if one.theme][-MOST_READ:]
            found += _of_language(language, lost, known)
    return tuple(sorted(found, key=lambda one: (-len(one.comments), one.language, one.stems)))


def _of_language(
    language: str, lost: Sequence[Written], known: Sequence[Written]
) -> list[Suggestion]:
    import numpy as np
    from sklearn.decomposition import NMF
    from sklearn.feature_extraction.text import TfidfVectorizer

    ignored = stopwords(language)
    plain = [_plain(one.text, language, ignored) for one in lost]
    vectors = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 3) if language == "ko" else (3, 5),
        min_df=min(2, len(lost)), sublinear_tf=True,
    )
    try:
        matrix = vectors.fit_transform(plain)
    except ValueError:
        # No n-gram occurs in two comments: they have nothing in common.
        return []
    size = max(1, min(MOST_THEMES, len(lost) // PER_THEME, min(matrix.shape)))
    if size == 1:
        shares = np.ones((len(lost), 1))
    else:
        model = NMF(size, init="nndsvda", random_state=16, max_iter=1000, tol=1e-3)
        with warnings.catch_warnings():
            # Comments that are all alike end it at once, or never: what it has then is as good.
            warnings.simplefilter("ignore")
            shares = model.fit_transform(matrix)
    others = vectors.transform(
        [_plain(one.text, language, ignored) for one in known]) if known else None
    stems = [_stems(text, language, ignored) for text in plain]
    every = [_stems(_plain(one.text, language, ignored), language, ignored) for one in known]
    found = []
    for component in range(size):
        mine = [
            place for place in range(len(lost))
            if shares[place].max() > 0 and int(np.argmax(shares[place])) == component
        ]
        if len(mine) < LEAST_IN_THEME:
            continue
        telling = _telling(mine, stems, every)
        if not telling:
            continue
        mine.sort(key=lambda place: (-shares[place][component], lost[place].id))
        near = _near(matrix[mine], others, known)
        covered = sum(1 for own in stems if own & set(telling))
        shown = tuple(telling if language == "ko" else (f"{one}*" for one in telling))
        found.append(Suggestion(
            language, shown, tuple(lost[place].id for place in mine), near, covered
        ))
    return found


def _plain(text: str, language: str, ignored: frozenset[str]) -> str:
    listed = [word for word in words(folded(text)) if word not in ignored]
    # A comment of stop words alone is read as it stands.
    return " ".join(listed) if listed else folded(text)


def _stems(text: str, language: str, ignored: frozenset[str]) -> set[str]:
    """The stems of a text; of Korean the beginnings of its words, as particles stand at the end."""
    found: set[str] = set()
    for word in words(text):
        if word in ignored or word.isdigit():
            continue
        if language == "ko":
            found |= {word[:2]} if len(word) >= 2 else set()
        elif len(word) >= 4:
            # What a word begins with is matched: a stem may have changed its end, as in "replies".
            own = stem(word, language)
            found.add(own if word.startswith(own) else word[:max(4, len(own) - 1)])
    return {one for one in found if len(one) >= (2 if language == "ko" else 3)}


def _telling(
    mine: Sequence[int], stems: Sequence[set[str]], others: Sequence[set[str]]
) -> list[str]:
    """Stems that occur in several of these comments and hardly in any other."""
    inside = set(mine)
    outside = [own for place, own in enumerate(stems) if place not in inside] + list(others)
    counts: dict[str, int] = {}
    for place in mine:
        for one in stems[place]:
            counts[one] = counts.get(one, 0) + 1
    scored: list[tuple[float, str]] = []
    for one, count in counts.items():
        if count < 2:
            continue
        away = sum(1 for own in outside if one in own)
        gain = count / len(mine) - away / max(1, len(outside))
        if gain > 0.05 and count >= away:
            scored.append((gain, one))
    scored.sort(key=lambda own: (-own[0], own[1]))
    return [one for _gain, one in scored[:MOST_STEMS]]


def _near(own: Any, others: Any, known: Sequence[Written]) -> str:
    """The theme whose comments resemble these most; empty where none does."""
    import numpy as np

    if not known:
        return ""
    similar = np.asarray(own.dot(others.T).mean(axis=0)).ravel()
    sums: dict[str, list[float]] = {}
    for one, value in zip(known, similar.tolist(), strict=True):
        sums.setdefault(one.theme, []).append(value)
    means: Mapping[str, float] = {theme: sum(own) / len(own) for theme, own in sums.items()}
    best = max(sorted(means), key=lambda theme: means[theme])
    return best if means[best] >= NEAR else ""
