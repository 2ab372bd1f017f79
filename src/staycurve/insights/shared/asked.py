"""Asked: what every question has, whoever it is about: as of when, cut how, restricted to whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from staycurve.config import Config
from staycurve.metrics.context import Filter
from staycurve.period import AsOf


@dataclass(frozen=True)
class Asked:
    """How an answer is cut, and as of when.

    Attributes
    ----------
    by : tuple of str
        Dimensions that split the answer.
    filters : tuple of Filter
        Dimensions that restrict it.
    """

    config: Config
    as_of: AsOf
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()

    @property
    def dims(self) -> tuple[str, ...]:
        """Every dimension asked for, those of `by` first."""
        return tuple(dict.fromkeys((*self.by, *(one.dim for one in self.filters))))

    @property
    def last_whole_day(self) -> dt.date:
        """The last local day of which everything is seen."""
        day = self.as_of.last_day
        return day if self.as_of.is_whole else day - dt.timedelta(days=1)

    def segment(self, values: Sequence[str | None]) -> dict[str, str | None]:
        """Dimension → value."""
        return dict(zip(self.by, values, strict=True))


def segs_of(asked: Asked, prefix: str = "") -> str:
    """`, seg0, seg1, …` of the dimensions that split the answer."""
    return "".join(f", {prefix}seg{place}" for place in range(len(asked.by)))
