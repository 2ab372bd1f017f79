"""Findings that several panels and twins share, kept by snapshot, as-of and filters."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from staycurve import personal
from staycurve.interfaces.web.ask import Ask
from staycurve.workspace.cache import Cache

T = TypeVar("T")

_KEPT: Cache[tuple[Any, bool]] = Cache(64)


def kept(ask: Ask, name: str, make: Callable[[], T], *chosen: Hashable) -> T:
    """What `make` finds for the asked as-of and segments, found once.

    Parameters
    ----------
    name : str
        Of the finding.
    *chosen
        What else it hangs on.
    """
    company = ask.company
    # Data of today has an as-of that moves with the clock: panels of one page share a minute.
    minute = ask.seen.at.replace(second=0, microsecond=0)
    seen = (ask.options.get("as_of"), minute)
    # Themes hang on the codebook and on notes, which no snapshot knows of.
    key = (
        company.folder, company.snapshot.seq, seen, ask.filters, ask.beside.heard, name, chosen,
        personal.is_shown(),
    )
    found, is_personal = _KEPT.get(key, lambda: personal.noted(make))
    if is_personal:
        personal.note()
    return cast(T, found)
