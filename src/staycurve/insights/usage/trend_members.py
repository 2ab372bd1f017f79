"""Who did what a trend counts, how often, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    Key,
    Kind,
    Row,
    Said,
    Table,
    Value,
    col,
)
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage import members as people
from staycurve.insights.usage.members import Person
from staycurve.insights.usage.trends_sql import TrendQuestion, members_statement
from staycurve.insights.usage.usage_asking import narrowed, place_of, seeing
from staycurve.metrics.base import Unit


@dataclass(frozen=True)
class Doer(Person):
    """Somebody who did it; without a user, what was done in an account's name alone."""

    times: Annotated[int, col(N_("Times"), Unit.COUNT, is_summed=True)]
    amount: Annotated[
        float | None,
        col(N_("Sum"), Unit.RATIO, N_("Of the property."), is_omitted=True),
    ]


@dataclass(frozen=True)
class DoersTotal(Row):
    """What the rows come to."""

    times: int
    people: Annotated[int, Key(N_("Users or accounts; who is not known is none."))]
    amount: Annotated[float | None, Key(N_("Of the property."), is_omitted=True)]

    def brief(self) -> Said:
        return Said(
            N_("times %(times)s, by %(people)s"),
            {"times": (self.times, Unit.COUNT), "people": (self.people, Unit.COUNT)},
        )


@dataclass(frozen=True, kw_only=True)
class Doers(Answer):
    """Who did it in a period, or in any of the range."""

    as_of: AsOfField
    doing: Annotated[str, Key(N_("What is done."))]
    period: Annotated[str | None, Key(N_("Its first day; empty for the whole range."))]
    rows: Annotated[
        tuple[Doer, ...], Table(N_("Who is behind it"), is_list=True, number="times")
    ]
    total: Annotated[DoersTotal, Key(N_("What they come to."))]

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {"doing": self.doing, "as_of": self.as_of}
        if self.period is None:
            return Said(N_("Who did %(doing)s in the range, as of %(as_of)s"), values)
        values["period"] = (self.period, Kind.DAY)
        return Said(
            N_("Who did %(doing)s in the period from %(period)s, as of %(as_of)s"), values
        )


def doers(
    company: Reader, asked: TrendQuestion, period: str | None, segment: Mapping[str, str | None]
) -> Doers:
    """Who is behind a value; see `Trend.users`."""
    places = range(len(asked.periods)) if period is None else [place_of(asked.periods, period)]
    use = narrowed(asked.use, segment)
    sql = members_statement(replace(asked, use=use), places)
    with seeing(company, use) as engine:
        answer = engine.rows(sql)
    rows = tuple(
        Doer(*people.ids(use, entity, customer), times, amount if asked.key else None)
        for entity, customer, times, amount in answer
    )
    total = DoersTotal(
        sum(row.times for row in rows), len({one[0] for one in answer if one[0] is not None}),
        sum(row.amount or 0 for row in rows) if asked.key else None,
    )
    return Doers(
        as_of=use.as_of.at.isoformat(), doing=asked.doing.label,
        period=None if period is None else str(asked.periods[places[0]].start), rows=rows,
        total=total, sql=sql,
    )
