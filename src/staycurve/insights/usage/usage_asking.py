"""How questions about use are put to a company: parameters, ranges, and who sees what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.base import Param
from staycurve.insights.shared.known_use import has_events as has_events
from staycurve.insights.shared.ranges import ends_of
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage.usage_known import check, undone
from staycurve.insights.usage.usage_question import WHOSE, Doing, UseQuestion
from staycurve.metrics import user_traits
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.filters import filters_of
from staycurve.period import Period, check_count, parse_period, periods_between
from staycurve.tables.engine import AnyEngine

SHOWN = {"day": 14, "week": 12, "month": 12, "quarter": 8, "year": 5}
"""How many periods are shown where no range is asked for: the last ones."""

SHOWN_DAYS = 90
"""How many days funnels and paths begin in where no range is asked for."""

Whose = Annotated[str, Param(N_("Count each user or each account."), choices=tuple(WHOSE))]
Day = Annotated[
    str | None,
    Param(N_("The last of the 28 days; the last one that is seen without it."), metavar="P"),
]
Event = Annotated[
    str,
    Param(N_("What is activity; anything without it."), metavar="EVENT",
          examples="report_viewed, feature:Reports or plan_chosen[plan=Pro|Team]"),
]


def question_of(
    company: Reader, whose: str, by: str | Sequence[str], where: str | Sequence[Filter],
    as_of: str | None,
) -> UseQuestion:
    """Whose use is read, and as of when."""
    found = UseQuestion(
        company.config, company.as_of(as_of), dims_of(by), filters_of(where), whose
    )
    traits = user_traits.among(found.dims, company.traits(), company.attributes())
    return replace(found, of_users=traits)


def fiscal_of(company: Reader) -> int:
    """The month in which the company's year begins."""
    return company.config.company.fiscal_year_start


def periods_of(
    company: Reader, use: UseQuestion, per: str, first: str | None, last: str | None
) -> tuple[Period, ...]:
    """The periods of a range; the last few without one."""
    ours = company.config.company
    begin, end = ends_of(use.as_of, per, first, last, shown=SHOWN.get(per, 1), company=ours)
    found = tuple(periods_between(
        begin.start, end.start, per, ours.fiscal_year_start, week_start=ours.week_start
    ))
    check_count(len(found), per)
    return found


def days_of(
    company: Reader, use: UseQuestion, first: str | None, last: str | None
) -> tuple[dt.date, dt.date]:
    """The first and the last day of a range; without one, the last 90 days that are seen."""
    end = use.as_of.last_day
    if last:
        end = min(end, parse_period(last, fiscal_of(company)).end - dt.timedelta(days=1))
    if first:
        return parse_period(first, fiscal_of(company)).start, end
    return end - dt.timedelta(days=SHOWN_DAYS - 1), end


@contextmanager
def seeing(
    company: Reader, use: UseQuestion, doings: Sequence[Doing] = ()
) -> Iterator[AnyEngine]:
    """An engine as of the question's instant, once all that it names is known to be there."""
    # What was never done by then is not unknown: names are looked for in all that is loaded.
    with company.reading() as engine:
        check(use, doings, engine, company.attributes(), company.traits())
    with company.seeing(use.as_of) as engine:
        yield engine


def not_done(company: Reader, use: UseQuestion, doings: Sequence[Doing]) -> tuple[str, ...]:
    """A sentence for each thing that nobody has done yet; none where no event is loaded."""
    with company.reading() as engine:
        return undone(use.config, doings, engine) if has_events(company) else ()


def never_so(company: Reader, use: UseQuestion, doings: Sequence[Doing]) -> tuple[str, ...]:
    """A sentence for what was done, but never with its brackets, or not in all its parts."""
    return not_done(company, use, [one for one in doings if one.brackets or one.parts])


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
