"""Asking about use: what every reading of one company's use needs to be asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from staycurve.errors import NotAnsweredError
from staycurve.insights.shared.ranges import ends_of
from staycurve.insights.usage.usage_question import Doing, UseQuestion, check, check_whose
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.query import filters_of
from staycurve.period import Period, check_count, parse_period, periods_between
from staycurve.tables.engine import AnyEngine

if TYPE_CHECKING:
    from staycurve.workspace.measured import MeasuredCompany

SHOWN = {"day": 14, "week": 12, "month": 12, "quarter": 8, "year": 5}
"""How many periods are shown where no range is asked for: the last ones."""

SHOWN_DAYS = 90
"""How many days funnels and paths begin in where no range is asked for."""


@dataclass(frozen=True)
class Asking:
    """One company, and how questions about its use are put."""

    company: MeasuredCompany

    @property
    def _fiscal(self) -> int:
        return self.company.config.company.fiscal_year_start

    def _question(
        self, whose: str, by: str | Sequence[str], where: str | Sequence[Filter],
        as_of: str | None,
    ) -> UseQuestion:
        check_whose(whose)
        dims = dims_of(by)
        filters = filters_of(where)
        return UseQuestion(self.company.config, self.company.as_of(as_of), whose, dims, filters)

    def _periods(
        self, use: UseQuestion, per: str, first: str | None, last: str | None
    ) -> tuple[Period, ...]:
        fiscal = self._fiscal
        begin, end = ends_of(use.as_of, per, first, last, shown=SHOWN.get(per, 1), fiscal=fiscal)
        found = tuple(periods_between(begin.start, end.start, per, fiscal))
        check_count(len(found), per)
        return found

    def _days(
        self, use: UseQuestion, first: str | None, last: str | None
    ) -> tuple[dt.date, dt.date]:
        """The first and the last day of a range; without one, the last 90 days that are seen."""
        end = use.as_of.last_day
        if last:
            end = min(end, parse_period(last, self._fiscal).end - dt.timedelta(days=1))
        if first:
            return parse_period(first, self._fiscal).start, end
        return end - dt.timedelta(days=SHOWN_DAYS - 1), end

    def _has_events(self) -> bool:
        return self.company.lake.rows(self.company.snapshot, "events") > 0

    @contextmanager
    def _seeing(
        self, use: UseQuestion, doings: Sequence[Doing], *, own: Sequence[str] = ()
    ) -> Iterator[AnyEngine]:
        # What was never done by then is not unknown: names are looked for in all that is loaded.
        with self.company.reading() as engine:
            check(use, doings, engine, self.company.attributes(), own=own)
        with self.company.seeing(use.as_of) as engine:
            yield engine


def narrowed(use: UseQuestion, segment: Mapping[str, Any]) -> UseQuestion:
    """The question in one segment of its answer."""
    missing = [dim for dim in use.by if dim not in segment]
    if missing:
        raise NotAnsweredError(
            f"The answer is split by {', '.join(use.by)}: name the segment.",
            hint=f"Missing: {', '.join(missing)}",
        )
    return use.narrowed([segment[dim] for dim in use.by])


def place_of(periods: Sequence[Period], start: str) -> int:
    """Where the period that begins on `start` stands among `periods`."""
    found = [
        place for place, period in enumerate(periods) if str(period.start).startswith(start)
    ]
    if len(found) == 1:
        return found[0]
    raise NotAnsweredError(
        f"{start} is not one of the periods of the answer.",
        hint=f"They begin on {periods[0].start} to {periods[-1].start}.",
    )
