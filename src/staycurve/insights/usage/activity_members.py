"""Who was active on so many of 28 days, or had a session on them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.answers import Key, Kind, Said, Table, Value, col
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage import activity_sql as sqls, members as people, sessions
from staycurve.insights.usage.activity_sql import DAYS, LABELS, WINDOWS, ActivityQuestion
from staycurve.insights.usage.members import Members, Person
from staycurve.insights.usage.usage_asking import narrowed, seeing
from staycurve.insights.usage.usage_question import WHOSE
from staycurve.metrics.base import Unit


@dataclass(frozen=True)
class Active(Person):
    """Somebody who was active."""

    active_days: Annotated[int, col(N_("Active days"), Unit.COUNT, N_("Of the 28."))]


@dataclass(frozen=True, kw_only=True)
class ActiveOn(Members):
    """Who was active on so many days."""

    day: Annotated[dt.date, Key(N_("The last of the 28 days."))]
    least: Annotated[int, Key(N_("Of the 28 days."))]
    most: Annotated[int, Key(N_("Of the 28 days."))]
    figure: Annotated[str | None, Key(N_("dau, wau or mau."), is_omitted=True)] = None
    rows: Annotated[tuple[Active, ...], Table(N_("Who is behind it"), is_list=True)]

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "least": (self.least, Unit.COUNT), "most": (self.most, Unit.COUNT),
            "day": (self.day, Kind.DAY), "whose": Said(WHOSE[self.whose]), "as_of": self.as_of,
        }
        if self.figure:
            values["what"] = Said(LABELS[self.figure])
            return Said(N_("%(what)s, %(day)s: %(whose)s, as of %(as_of)s"), values)
        return Said(N_("Active on %(least)s to %(most)s of the 28 days to %(day)s: %(whose)s, "
                       "as of %(as_of)s"), values)


@dataclass(frozen=True)
class Holder(Person):
    """Somebody who had a session."""

    sessions: Annotated[int, col(N_("Sessions"), Unit.COUNT, is_summed=True)]
    events: Annotated[int, col(N_("Events"), Unit.COUNT, is_summed=True)]
    seconds: Annotated[int, col(N_("Seconds"), Unit.COUNT)]


@dataclass(frozen=True, kw_only=True)
class InSessions(Members):
    """Who had a session on the 28 days."""

    day: Annotated[dt.date, Key(N_("The last of the 28 days."))]
    rows: Annotated[tuple[Holder, ...], Table(N_("Who is behind it"), is_list=True)]

    def title(self) -> Said:
        return Said(
            N_("Had a session in the 28 days to %(day)s: %(whose)s, as of %(as_of)s"),
            {"day": (self.day, Kind.DAY), "whose": Said(WHOSE[self.whose]), "as_of": self.as_of},
        )


def active_on(
    company: Reader, asked: ActivityQuestion, segment: Mapping[str, str | None], *, least: int = 1,
    most: int = DAYS, figure: str | None = None,
) -> ActiveOn:
    """Who was active on so many of the days; see `Activity.users`."""
    if figure is not None and figure not in WINDOWS:
        raise UnknownNameError("figure", figure, WINDOWS)
    use = narrowed(asked.use, segment)
    one = replace(asked, use=use)
    sql = sqls.members_statement(one, least=least, most=most, figure=figure or "mau")
    with seeing(company, use) as engine:
        answer = engine.rows(sql)
    rows = [Active(*people.ids(use, entity, customer), days) for entity, customer, days in answer]
    return ActiveOn(
        **people.told(use, rows), day=asked.day, least=least, most=most, figure=figure, sql=sql
    )


def in_sessions(
    company: Reader, asked: ActivityQuestion, segment: Mapping[str, str | None]
) -> InSessions:
    """Who had a session, with how many, their events and seconds."""
    use = narrowed(asked.use, segment)
    one = replace(asked, use=use)
    if not one.span.is_named:
        raise NotAnsweredError(
            "No session is known: staycurve.toml names no property for it.",
            hint="Name it: [usage] session",
        )
    sql = sessions.users_statement(one.span)
    with seeing(company, use) as engine:
        answer = engine.rows(sql)
    rows = [Holder(*people.ids(use, entity, customer), *rest) for entity, customer, *rest in answer]
    return InSessions(**people.told(use, rows), day=asked.day, sql=sql)
