"""What people keep beside the numbers, as pages show it: views, annotations, dismissals, goals."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from staycurve.errors import StaycurveError
from staycurve.state.records import Annotation, Dismissal, Goal, SavedView
from staycurve.workspace import Company

PAUSE = 5.0
"""Seconds after a failure in which pages do not ask again: each would wait for the answer."""

_log = logging.getLogger("staycurve.server")


@dataclass(frozen=True)
class Beside:
    """Saved views, annotations, dismissed doubts and goals at one moment.

    Attributes
    ----------
    is_away : bool
        Whether they could not be read.
    synced_at : int
        When the last sync noted what it did: it may have brought no row, and yet be news.
    heard : tuple of int
        The codebook's version, how many notes on accounts were kept or deleted so far, and the
        newest pulse and day of kept scores.
    """

    views: tuple[SavedView, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    dismissals: tuple[Dismissal, ...] = ()
    goals: tuple[Goal, ...] = ()
    is_away: bool = False
    synced_at: int = 0
    heard: tuple[int, ...] = ()

    def view_at(self, address: str) -> SavedView | None:
        """The saved view of an address."""
        return next((view for view in self.views if view.url == address), None)


class Reader:
    """Reads them anew for each page; a database that is away holds no page up.

    Parameters
    ----------
    clock : callable
        Seconds, growing.
    """

    def __init__(self, company: Company, clock: Callable[[], float] = time.monotonic) -> None:
        self.company = company
        self._clock = clock
        self._away_until = float("-inf")

    def now(self) -> Beside:
        """What is kept now."""
        synced_at = self.company.sources.noted_at()
        if self._clock() < self._away_until:
            return Beside(is_away=True, synced_at=synced_at)
        try:
            heard = (*self.company.voice.mark(), *self.company.health.mark())
            return Beside(*self.company.state.shown(), synced_at=synced_at, heard=heard)
        except StaycurveError as error:
            self._away_until = self._clock() + PAUSE
            _log.warning("App state cannot be read: %s %s", error.message, error.hint)
            return Beside(is_away=True, synced_at=synced_at)
