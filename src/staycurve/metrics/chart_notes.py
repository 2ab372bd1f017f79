"""Notes on charts: dated notes, numbered, and the periods under which their numbers stand."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from staycurve.period import Period


class Dated(Protocol):
    """Whatever speaks of a day."""

    @property
    def day(self) -> dt.date:
        """A local day of the company."""

    @property
    def text(self) -> str:
        """What is said of it."""


D = TypeVar("D", bound=Dated)


@dataclass(frozen=True)
class Note:
    """What a chart shows of the notes of one period.

    Attributes
    ----------
    period : str
        First day, ISO 8601.
    label : str
        Their numbers, such as '1, 2'.
    about : str
        Their texts: what a screen reader says.
    """

    period: str
    label: str
    about: str


def numbered(
    dated: Sequence[D], periods: Sequence[Period], *, last_day: dt.date | None = None
) -> list[tuple[int, Period, D]]:
    """The notes within the periods, from 1, by day.

    Parameters
    ----------
    last_day : date, optional
        Later notes are left out, as every other fact after the as-of is.
    """
    found: list[tuple[int, Period, D]] = []
    for one in sorted(dated, key=lambda one: one.day):
        if last_day is not None and one.day > last_day:
            continue
        own = next((period for period in periods if period.start <= one.day < period.end), None)
        if own is not None:
            found.append((len(found) + 1, own, one))
    return found


def notes(listed: Sequence[tuple[int, Period, D]]) -> tuple[Note, ...]:
    """One note a period, of those that are listed."""
    by_period: dict[str, list[tuple[int, D]]] = defaultdict(list)
    for number, period, one in listed:
        by_period[str(period.start)].append((number, one))
    return tuple(
        Note(
            period,
            ", ".join(str(number) for number, _ in own),
            "; ".join(f"{number}: {one.day}, {one.text}" for number, one in own),
        )
        for period, own in by_period.items()
    )
