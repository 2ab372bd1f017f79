"""Funnels by the period of their start, and how long they take.

By period, everybody counts once in each in which a chain of theirs began, by the one that gets
furthest of those that began in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
    PeriodField,
    Row,
    Segment,
    WhyField,
    col,
)
from staycurve.insights.shared.ranges import periods_of
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage import funnels_sql as sqls
from staycurve.insights.usage.funnels_asked import FunnelQuestion
from staycurve.insights.usage.usage_question import SMALL
from staycurve.insights.usage.usage_segments import shares
from staycurve.metrics.base import Unit
from staycurve.metrics.dimensions import order_of
from staycurve.period import Period, day_start, period_of
from staycurve.tables.engine import AnyEngine

PER = ("day", "week", "month")
MOST_BINS = 60
NOBODY = N_("nobody took the first step in the period")

_ONE = dt.timedelta(days=1)
_ASKED = {
    **{name: name for name in ("steps", "window", "order", "entry", "whose", "values")},
    "exclude": "exclusions", "first": "began", "last": "until",
}


@dataclass(frozen=True)
class Begun(Row):
    """Who began in one period, and got through."""

    period: PeriodField
    segment: Segment
    started: Annotated[
        int,
        col(N_("Started"), Unit.COUNT, opens=Opens("usage funnel", {**_ASKED, "members": "one"})),
    ]
    converted: Annotated[
        int,
        col(N_("Went through"), Unit.COUNT,
            opens=Opens("usage funnel", {**_ASKED, "members": "all"})),
    ]
    excluded: Annotated[
        int, col(N_("Left out"), Unit.COUNT, N_("They did what is excluded."))
    ]
    pending: Annotated[
        int, col(N_("Still in time"), Unit.COUNT, N_("They may still go on to the next step."))
    ]
    value: Annotated[
        float | None, col(N_("Went through, of all"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    median_seconds: Annotated[
        float | None, col(N_("Median time"), Kind.LENGTH, N_("From the first step to the last."))
    ]
    open: Annotated[
        bool, Key(N_("Whether some who began in it may still go on, or begin."))
    ]
    is_small: Annotated[bool, Key(N_("Whether too few started to read much into it."))]
    began: Annotated[str, Key(N_("The first day of the range in it."))]
    until: Annotated[str, Key(N_("The last day of the range in it."))]
    steps_count: Annotated[int, Key(N_("How many steps there are."))]
    why: WhyField = None

    @property
    def one(self) -> str:
        """The first step, as `members` names it."""
        return "1"

    @property
    def all(self) -> str:
        """The last step, as `members` names it."""
        return str(self.steps_count)


@dataclass(frozen=True)
class Bin(Row):
    """How many took so long."""

    segment: Segment
    low_seconds: Annotated[int, col(N_("From"), Kind.LENGTH)]
    high_seconds: Annotated[
        int, col(N_("To"), Kind.LENGTH, N_("Less than this; of the last bin this included."))
    ]
    count: Annotated[int, col(N_("Went through"), Unit.COUNT)]
    value: Annotated[
        float | None, col(N_("Share"), Unit.PERCENT, N_("Of all who went through."))
    ]


Span = tuple[Period, dt.date, dt.date]


def periods_within(company: Reader, per: str, first: dt.date, last: dt.date) -> list[Span]:
    """The periods that a range touches, each with its first and last day in the range."""
    ours = company.config.company
    begin, end = (
        period_of(day, per, ours.fiscal_year_start, week_start=ours.week_start)
        for day in (first, last)
    )
    found = periods_of(
        company.as_of(str(last + _ONE)), per, str(begin.start), str(end.end - _ONE), shown=1,
        company=ours,
    )
    return [(one, max(one.start, first), min(one.end - _ONE, last)) for one in found]


Values = tuple[str | None, ...]


def begun_over_time(engine: AnyEngine, asked: FunnelQuestion, spans: Sequence[Span]) -> list[Begun]:
    """One row a period and segment of who began in it, also where nobody of a segment did."""
    found = [_begun(engine, asked, first, last) for _, first, last in spans]
    segments = sorted({values for own in found for values in own}, key=lambda values: [
        order_of(dim, value) for dim, value in zip(asked.use.by, values, strict=True)
    ])
    return [
        row for span, own in zip(spans, found, strict=True)
        for row in _rows(asked, span, {values: own.get(values) for values in segments})
    ]


def _begun(
    engine: AnyEngine, asked: FunnelQuestion, first: dt.date, last: dt.date
) -> dict[Values, Sequence[Any]]:
    """Segment → (excluded, numbers of each step…) of who began between two days."""
    places = len(asked.use.by)
    rows = engine.rows(sqls.statement(replace(asked, first=first, last=last)))
    return {
        tuple(line[:places]): line[places:] for line in rows
        if line[places] or line[places + 1] or not places
    }


def _rows(
    asked: FunnelQuestion, span: Span, begun: Mapping[Values, Sequence[Any] | None]
) -> Iterator[Begun]:
    period, first, last = span
    count = len(asked.steps)
    zone, seen = asked.use.config.company.zone, asked.use.as_of
    closes = day_start(last + _ONE, zone) + dt.timedelta(seconds=asked.window)
    for values, line in begun.items():
        # Without a chain there is neither a count nor a time between steps.
        excluded, *numbers = line or (0, *[0] * (2 * count - 1), *[None] * count)
        started, converted = numbers[0], numbers[count - 1]
        ((value, low, high),) = shares([converted], [started])
        yield Begun(
            period.start, asked.use.segment(values), started, converted, excluded,
            sum(numbers[count:2 * count - 1]), value, low, high, numbers[-1], closes > seen.at,
            started < SMALL, str(first), str(last), count, None if started else NOBODY,
        )


def bins_of(
    engine: AnyEngine, asked: FunnelQuestion, after: int, until: int, bins: int
) -> Iterable[Bin]:
    """How many got from one step to another in which time; every bin of every segment.

    Parameters
    ----------
    bins : int
        How many; 0 is the cube root of how many got there, at most 60, as PostHog takes them.
    """
    ((people, least, most),) = engine.rows(sqls.times_statement(asked, after, until))
    if not people:
        return []
    root = next(n for n in range(1, people + 1) if n ** 3 >= people)
    bins = bins or min(root, MOST_BINS)
    # At least a second wide, in whole seconds.
    width = max(1, -(-(most - least) // bins))
    sql = sqls.bins_statement(asked, after, until, least=least, width=width, bins=bins)
    places = len(asked.use.by)
    found: dict[tuple[str | None, ...], dict[int, int]] = {}
    for line in engine.rows(sql):
        place, count = line[places:]
        found.setdefault(tuple(line[:places]), {})[place] = count
    return [
        Bin(asked.use.segment(values), least + place * width, least + (place + 1) * width,
            own.get(place, 0), own.get(place, 0) / sum(own.values()))
        for values, own in found.items() for place in range(bins)
    ]
