"""Stickiness: in how many days, weeks or months of a range each user or account did something.

The share of the periods in which somebody of the range was there is the mean number active in a
period, by all who were active in any: by days of a month that is DAU by MAU.

References
----------
PostHog counts the same intervals: https://posthog.com/docs/product-analytics/stickiness
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AdditiveField,
    Answer,
    AsOfField,
    FromField,
    Hidden,
    Key,
    Opens,
    Row,
    Said,
    Segment,
    Table,
    Value,
    WhoseField,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, By, From, To, Where
from staycurve.insights.shared.ranges import periods_of
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage import members as people
from staycurve.insights.usage.members import Members, Person, number
from staycurve.insights.usage.usage_asking import (
    Event,
    Whose,
    has_events,
    narrowed,
    not_done,
    question_of,
    seeing,
)
from staycurve.insights.usage.usage_question import NO_EVENTS, SMALL, WHOSE, doing
from staycurve.insights.usage.usage_tops import Values, with_tops
from staycurve.insights.usage.use_stickiness_sql import (
    StickinessQuestion,
    check,
    members_statement,
    statement,
)
from staycurve.metrics.base import Unit
from staycurve.metrics.query import STILL_OPEN

SHOWN = {"day": 28, "week": 12, "month": 12}
"""Periods without a range: four weeks, a quarter, a year."""
NOBODY = N_("nobody did it in the range")

_ASKED = {
    name: name
    for name in ("event", "per", "first", "last", "times", "whose", "values")
}


def _opens(field: str) -> Opens:
    return Opens("usage stickiness", {**_ASKED, "members": field})


@dataclass(frozen=True)
class ActivePeriods(Row):
    """Who did it in so many periods."""

    segment: Segment
    active_periods: Annotated[int, col(N_("Active periods"), Unit.COUNT)]
    count: Annotated[int, col(N_("Active"), Unit.COUNT, opens=_opens("exactly"))]
    value: Annotated[
        float | None, col(N_("Share"), Unit.PERCENT, N_("Of all who did it in the range."))
    ]
    or_more: Annotated[
        int, col(N_("In so many or more"), Unit.COUNT, opens=_opens("at_least"))
    ]
    or_more_share: Annotated[float | None, Key(N_("Of all who did it in the range."))]
    periods: Annotated[int, Key(N_("How many periods the range has."))]
    is_small: Annotated[bool, Key(N_("Whether they are too few to read much into."))]
    why: WhyField = None

    @property
    def exactly(self) -> str:
        """As `members` names them."""
        return str(self.active_periods)

    @property
    def at_least(self) -> str:
        """As `members` names those of as many periods or more."""
        return f"{self.active_periods}-{self.periods}"


@dataclass(frozen=True)
class Sticky(Row):
    """A segment whole."""

    segment: Segment
    active: Annotated[int, col(N_("Active"), Unit.COUNT, opens=_opens("anybody"))]
    mean_periods: Annotated[
        float | None, col(N_("Periods each"), Unit.RATIO, N_("On average, of the range."))
    ]
    value: Annotated[
        float | None,
        col(N_("Stickiness"), Unit.PERCENT,
            N_("Mean active in a period, of all who were in the range.")),
    ]
    periods: Annotated[int, Key(N_("How many periods the range has."))]
    is_small: Annotated[bool, Key(N_("Whether they are too few to read much into."))]
    why: WhyField = None

    @property
    def anybody(self) -> str:
        """As `members` names them all."""
        return f"1-{self.periods}"


@dataclass(frozen=True)
class Regular(Person):
    """Somebody who did it."""

    active_periods: Annotated[int, col(N_("Active periods"), Unit.COUNT)]


@dataclass(frozen=True, kw_only=True)
class Regulars(Members):
    """Who did it in so many periods."""

    doing: Annotated[str, Key(N_("What is done."))]
    least: Annotated[int, Key(N_("Of the periods."))]
    most: Annotated[int, Key(N_("Of the periods."))]
    rows: Annotated[tuple[Regular, ...], Table(N_("Who is behind it"), is_list=True)]

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "least": (self.least, Unit.COUNT), "most": (self.most, Unit.COUNT),
            "doing": self.doing, "whose": Said(WHOSE[self.whose]), "as_of": self.as_of,
        }
        return Said(N_("%(doing)s in %(least)s to %(most)s periods: %(whose)s, as of %(as_of)s"),
                    values)


@dataclass(frozen=True, kw_only=True)
class UseStickiness(Answer):
    """In how many periods of the range each did it."""

    as_of: AsOfField
    whose: WhoseField
    doing: Annotated[str, Key(N_("What is done."))]
    per: Annotated[str, Key(N_("day, week or month."))]
    times: Annotated[int, Key(N_("How often it is done in a period to count there."))]
    start: FromField
    until: Annotated[str, Key(N_("The last day of the range that is seen."), name="to")]
    open: Annotated[bool, Key(N_("Whether the last period is not over."))]
    additive: AdditiveField = None
    why: WhyField = None
    rows: Annotated[tuple[ActivePeriods, ...], Table(N_("In how many periods"))]
    totals: Annotated[tuple[Sticky, ...], Table(N_("All together"))]
    event: Annotated[str, Hidden()] = ""
    first: Annotated[str | None, Hidden()] = None
    last: Annotated[str | None, Hidden()] = None
    values: Annotated[int | None, Hidden()] = None
    behind: Annotated[Callable[..., Regulars] | None, Hidden()] = None

    def title(self) -> Said:
        return Said(
            N_("Stickiness of %(doing)s, %(whose)s, %(start)s to %(until)s, as of %(as_of)s"),
            {"doing": self.doing, "whose": Said(WHOSE[self.whose]), "start": self.start,
             "until": self.until, "as_of": self.as_of},
        )

    def users(self, least: int, most: int | None = None, **segment: str | None) -> Regulars:
        """Who did it in `least` periods, or in `least` to `most`."""
        assert self.behind is not None
        return self.behind(least, most or least, segment)


@insight("usage stickiness", comes_from="/usage#days", needs="events")
def stickiness(
    company: Reader, *,
    event: Event = "",
    per: Annotated[str, Param(N_("The length of a period."), choices=tuple(SHOWN))] = "day",
    times: Annotated[
        int, Param(N_("How often it is done in a period to count there."), least=1, most=1000)
    ] = 1,
    first: From = None, last: To = None,
    members: Annotated[
        str | None,
        Param(N_("Who did it in so many periods, without a split: 3, or 3-5."),
              metavar="N[-M]"),
    ] = None,
    whose: Whose = "user", by: By = "", where: Where = "", values: Values = None,
    as_of: AsOfText = None,
) -> UseStickiness | Regulars:
    """In how many days, weeks or months does each user or account do something?

    Without a range, of the last 28 days, 12 weeks or 12 months. By 'property:NAME', the events of
    each value are looked at by themselves.
    """
    use = question_of(company, whose, by, where, as_of)
    periods = tuple(periods_of(
        use.as_of, per, first, last, shown=SHOWN[per], company=company.config.company
    ))
    asked = StickinessQuestion(use, doing(event, use.config), periods, times)
    check(asked)
    asked = replace(asked, use=with_tops(company, use, (asked.doing,), *asked.days, values))
    if members:
        least, _, most = members.partition("-")
        words = "3 or 3-5"
        return regulars(company, asked, number(least, words), number(most or least, words), {})
    sql = statement(asked)
    with seeing(company, asked.use, (asked.doing,) if has_events(company) else ()) as engine:
        answer = engine.rows(sql)
    return replace(
        of_answer(asked, answer, has_events=has_events(company)),
        sql=sql, event=event, first=first, last=last, values=values,
        notes=not_done(company, use, (asked.doing,)),
        behind=lambda least, most, segment: regulars(company, asked, least, most, segment),
    )


def regulars(
    company: Reader, asked: StickinessQuestion, least: int, most: int,
    segment: Mapping[str, str | None],
) -> Regulars:
    """Who did it in so many periods; see `UseStickiness.users`."""
    use = narrowed(asked.use, segment)
    sql = members_statement(replace(asked, use=use), least, most)
    with seeing(company, use) as engine:
        answer = engine.rows(sql)
    rows = [Regular(*people.ids(use, entity, customer), many) for entity, customer, many in answer]
    return Regulars(
        **people.told(use, rows), doing=asked.doing.label, least=least, most=most, sql=sql
    )


def of_answer(
    asked: StickinessQuestion, answer: Iterable[Sequence[Any]], *, has_events: bool = True
) -> UseStickiness:
    """What the answer of `statement` says."""
    places, size = len(asked.use.by), len(asked.periods)
    found: dict[tuple[Any, ...], dict[int, int]] = {}
    for line in answer:
        many, count = line[places:]
        found.setdefault(tuple(line[:places]), {})[many] = count
    if not found and not places and has_events:
        found[()] = {}
    rows: list[ActivePeriods] = []
    totals: list[Sticky] = []
    for values, own in found.items():
        segment, whole = asked.use.segment(values), sum(own.values())
        is_small, left = whole < SMALL, whole
        for many in range(1, size + 1):
            count = own.get(many, 0)
            rows.append(ActivePeriods(
                segment, many, count, count / whole if whole else None, left,
                left / whole if whole else None, size, is_small, None if whole else NOBODY,
            ))
            left -= count
        mean = sum(many * count for many, count in own.items()) / whole if whole else None
        is_known = mean is not None and not asked.is_open
        totals.append(Sticky(
            segment, whole, mean, mean / size if mean is not None and is_known else None, size,
            is_small, NOBODY if mean is None else STILL_OPEN if asked.is_open else None,
        ))
    start, until = asked.days
    return UseStickiness(
        as_of=asked.use.as_of.at.isoformat(), whose=asked.use.whose, doing=asked.doing.label,
        per=asked.periods[0].grain, times=asked.times, start=str(start), until=str(until),
        open=asked.is_open, additive=None if asked.use.is_additive_by_act else False,
        why=None if has_events else NO_EVENTS, rows=tuple(rows), totals=tuple(totals),
    )
