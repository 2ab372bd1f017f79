"""What is asked of answers, invitations and tickets: a range of days, cut as metrics cut them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from staycurve.errors import UsageError
from staycurve.insights.shared.account_facts import check_dims
from staycurve.insights.shared.asked import Asked
from staycurve.insights.shared.first_month import order_of
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.context import Context, Filter
from staycurve.metrics.dimensions import FIRSTS_SQL, dims_of
from staycurve.metrics.filters import filters_of
from staycurve.metrics.relations import RELATIONS
from staycurve.period import Period, parse_period, period_of
from staycurve.tables.engine import timestamp

MONTHS = 12
"""Months of the range that is looked at where none is asked for, the open one included."""


@dataclass(frozen=True)
class VoiceAsked(Asked):
    """A question about what customers say.

    Attributes
    ----------
    first, last : date
        The days that are looked at, both included.
    own : mapping
        Dimension → SQL over the row `t`, for what the table itself knows.
    """

    first: dt.date = dt.date.min
    last: dt.date = dt.date.max
    own: Mapping[str, str] | None = None

    @property
    def context(self) -> Context:
        """The same as relations see it."""
        return Context(
            self.config, "month", (), self.as_of, self.dims, len(self.by), self.filters
        )

    @property
    def at(self) -> str:
        """The instant after which nothing is seen, as SQL."""
        return timestamp(self.as_of.at)

    @property
    def shared_sql(self) -> str:
        """The relations that dimensions need, to follow WITH, each with a comma after it."""
        return f"firsts AS ({FIRSTS_SQL}),\n{self.context.segment_ctes}"

    @property
    def segs(self) -> str:
        """`, seg0, seg1, …` of every dimension asked for."""
        return self.context.seg_names

    def within(self, day: str) -> str:
        """SQL that is true for a day of the range."""
        return f"{day} >= DATE '{self.first}' AND {day} <= DATE '{self.last}'"

    def segments(self, *, account: str, day: str) -> tuple[str, str]:
        """SQL of the segment columns of a row `t`, and of the joins that they need."""
        return self.context.segments(account=account, own=self.own or {}, day=day)

    def order(self, values: Sequence[str | None]) -> tuple[tuple[int, str], ...]:
        """Where a segment stands among the others."""
        return tuple(order_of(dim, value) for dim, value in zip(self.by, values, strict=True))


def voice_asked(
    company: Reader, *, by: str | Sequence[str] = (), where: str | Sequence[Filter] = (),
    as_of: str | None = None, start: str | None = None, end: str | None = None,
    relation: str = "nps_answers",
) -> VoiceAsked:
    """What is asked, once its dimensions are known to be there.

    Parameters
    ----------
    start, end : str, optional
        Periods such as 2024-01, both included; the last twelve months without.
    relation : str
        The relation of metrics that can be cut as the answer can.

    Raises
    ------
    UsageError
        If the range is empty.
    """
    dims, filters = dims_of(by), filters_of(where)
    check_dims(dims, filters, company.attributes(), relation=relation)
    seen = company.as_of(as_of)
    first, last = days_of(company, seen.last_day, start, end)
    return VoiceAsked(
        company.config, seen, dims, filters, first, min(last, seen.last_day),
        RELATIONS[relation].own,
    )


def days_of(
    company: Reader, seen: dt.date, start: str | None, end: str | None
) -> tuple[dt.date, dt.date]:
    """The first and last day of a range; the twelve months to the last day seen without one."""
    fiscal = company.config.company.fiscal_year_start
    last = parse_period(end, fiscal).end - dt.timedelta(days=1) if end else seen
    if start:
        first = parse_period(start, fiscal).start
    else:
        month = period_of(min(last, seen), "month")
        for _place in range(MONTHS - 1):
            month = month.previous()
        first = month.start
    if first > last:
        raise UsageError(
            f"The range from {first} to {last} is empty.", hint="Let 'from' be before 'to'."
        )
    return first, last


def periods_of(asked: VoiceAsked, grain: str) -> list[Period]:
    """The periods of a grain that the range touches, in order."""
    fiscal, week = asked.config.company.fiscal_year_start, asked.config.company.week_start
    found = [period_of(asked.first, grain, fiscal, week_start=week)]
    while found[-1].end <= asked.last:
        found.append(period_of(found[-1].end, grain, fiscal, week_start=week))
    return found
