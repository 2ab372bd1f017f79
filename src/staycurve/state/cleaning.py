"""Texts that people write, made fit to be kept."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from staycurve.errors import UsageError

NUMBERS = range(1, 2**31)
"""Of rows; a database answers a greater one with an error of its own."""
NAME, PAGE, QUERY, TEXT, WHO, SOURCE = 80, 200, 2000, 500, 120, 200
"""Letters at most."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_YEARS = range(1970, 2201)

# Marks that turn the direction of what follows: a name with one could pass for another name.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def line(text: str, *, what: str, most: int, is_required: bool = True) -> str:
    """`text` as one line: composed, without control characters, blanks as single ones.

    Parameters
    ----------
    what : str
        As errors call it, such as 'The name'.
    most : int
        Letters at most.

    Raises
    ------
    UsageError
        If it is too long, or empty where it must not be.
    """
    blanked = "".join(" " if letter.isspace() else letter for letter in text)
    kept = "".join(
        letter for letter in unicodedata.normalize("NFC", blanked)
        if unicodedata.category(letter) not in ("Cc", "Cs") and letter not in _TURNING
    )
    found = " ".join(kept.split())
    if not found and is_required:
        raise UsageError(f"{what} is empty.", hint=f"Write one of 1 to {most} letters.")
    if len(found) > most:
        raise UsageError(
            f"{what} has {len(found)} letters; {most} are kept at most.", hint="Shorten it."
        )
    return found


def day(text: str) -> dt.date:
    """The day that `text` names.

    Raises
    ------
    UsageError
        If it is not a day as 2024-05-01.
    """
    try:
        found = dt.date.fromisoformat(text.strip()) if _DAY.fullmatch(text.strip()) else None
    except ValueError:
        found = None
    if found is None or found.year not in _YEARS:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise UsageError(f"'{shown}' is not a day.", hint="Write it as 2024-05-01.")
    return found
