"""Activity: how many are active, on how many days, who most, and how long they stay.

Read at the end of one local day. DAU, WAU and MAU are those active on the last 1, 7 and 28 days,
that day included. The histogram says on how many of the 28 days each of MAU was active (L28).
Days come from the month tables' bits, uses and features from `usage_days`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AdditiveField,
    Answer,
    AsOfField,
    Hidden,
    Key,
    Kind,
    Opens,
    Row,
    Said,
    Segment,
    Table,
    WhoseField,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, By, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage import activity_sql as sqls, members as people, sessions
from staycurve.insights.usage.activity_members import (
    ActiveOn,
    InSessions,
    active_on,
    in_sessions,
)
from staycurve.insights.usage.activity_sql import (
    DAYS,
    LABELS,
    WINDOWS,
    ActivityQuestion,
    check,
    windows_of,
)
from staycurve.insights.usage.members import Person, number
from staycurve.insights.usage.sessions import NO_SESSIONS, NONE_FOUND, Sessions
from staycurve.insights.usage.usage_asking import (
    Day,
    Event,
    Whose,
    fiscal_of,
    has_events,
    never_so,
    question_of,
    seeing,
)
from staycurve.insights.usage.usage_question import NO_EVENTS, SMALL, WHOSE, UseQuestion, doing
from staycurve.insights.usage.usage_tops import Values, with_tops
from staycurve.metrics.base import Unit
from staycurve.period import parse_period

NOBODY = N_("nobody was active on these days")
TO_DATE = N_("The day is not over: its numbers are to date.")
IN_SESSIONS = "sessions"

_ASKED = {"day": "day", "whose": "whose", "event": "event"}
_SPLIT = {**_ASKED, "values": "values"}
IN_FIGURE = Opens("usage activity", {**_SPLIT, "members": "figure"})
ON_DAYS = Opens("usage activity", {**_SPLIT, "members": "active_days"})
ON_ANY = Opens("usage activity", _SPLIT, {"members": f"1-{DAYS}"})
THEIR_USES = Opens("usage uses", {**_ASKED, "who": "who"})


@dataclass(frozen=True)
class Figure(Row):
    """How many were active in a window, and in the one right before."""

    segment: Segment
    figure: Annotated[str, col(N_("Figure"), about=N_("dau, wau or mau."))]
    label: Annotated[str, Key(N_("What it counts, in words."))]
    days: Annotated[int, col(N_("Days"), Unit.COUNT, N_("Back from the last, included."))]
    value: Annotated[
        int,
        col(N_("Active"), Unit.COUNT,
            opens=IN_FIGURE),
    ]
    before: Annotated[
        int, col(N_("Before"), Unit.COUNT, N_("In as many days right before."))
    ]
    open: Annotated[bool, Key(N_("Whether the last day is not over."))]


@dataclass(frozen=True)
class ActiveDays(Row):
    """How many were active on so many of the 28 days."""

    segment: Segment
    active_days: Annotated[int, col(N_("Active days"), Unit.COUNT)]
    count: Annotated[
        int,
        col(N_("Active"), Unit.COUNT,
            opens=ON_DAYS),
    ]
    value: Annotated[
        float | None, col(N_("Share"), Unit.PERCENT, N_("Of all who were active on the 28 days."))
    ]
    is_small: Annotated[bool, Key(N_("Whether they are too few to read much into."))]
    why: WhyField = None


@dataclass(frozen=True)
class Power(Person):
    """One of the most active."""

    active_days: Annotated[int, col(N_("Active days"), Unit.COUNT)]
    uses: Annotated[
        int,
        col(N_("Uses"), Unit.COUNT, opens=THEIR_USES),
    ]
    features: Annotated[int, col(N_("Features"), Unit.COUNT)]
    last_on: Annotated[dt.date, col(N_("Last on"), Kind.DAY)]

    @property
    def who(self) -> str | None:
        """Whose uses open."""
        return self.user_id or self.account_id


@dataclass(frozen=True, kw_only=True)
class Activity(Answer):
    """Who was active up to a day."""

    as_of: AsOfField
    whose: WhoseField
    day: Annotated[dt.date, Key(N_("The last of the days."))]
    days: Annotated[int, Key(N_("How many days are read."))] = DAYS
    is_open: Annotated[bool, Key(N_("Whether the last day is not over."), name="open")]
    additive: AdditiveField = None
    why: WhyField = None
    figures: Annotated[tuple[Figure, ...], Table(N_("Who is active"))]
    rows: Annotated[
        tuple[ActiveDays, ...], Table(N_("Days of the 28 on which they were active"))
    ]
    power: Annotated[tuple[Power, ...], Table(N_("The most active"))]
    sessions: Annotated[tuple[Sessions, ...], Table(N_("Sessions"))]
    why_no_sessions: Annotated[
        str | None, Key(N_("Why no sessions are known."), is_omitted=True)
    ] = None
    event: Annotated[str, Hidden()] = ""
    values: Annotated[int | None, Hidden()] = None
    behind: Annotated[Callable[..., ActiveOn] | None, Hidden()] = None
    with_sessions: Annotated[Callable[..., InSessions] | None, Hidden()] = None

    def title(self) -> Said:
        return Said(
            N_("Active %(whose)s up to %(day)s, as of %(as_of)s"),
            {"whose": Said(WHOSE[self.whose]), "day": (self.day, Kind.DAY), "as_of": self.as_of},
        )

    def said(self) -> tuple[Said, ...]:
        return tuple(
            Said(text) for text in (TO_DATE if self.is_open else "", self.why_no_sessions) if text
        )

    def users(self, least: int = 1, most: int = DAYS, **segment: str | None) -> ActiveOn:
        """Who was active on `least` to `most` of the 28 days."""
        assert self.behind is not None
        return self.behind(least, most, segment)

    def figure_users(self, figure: str, **segment: str | None) -> ActiveOn:
        """Who was active on the days of a figure: dau, wau or mau."""
        assert self.behind is not None
        return self.behind(1, DAYS, segment, figure=figure)

    def session_users(self, **segment: str | None) -> InSessions:
        """Who had a session, with how many, their events and seconds."""
        assert self.with_sessions is not None
        return self.with_sessions(segment)


@insight("usage activity", comes_from="/usage#figures", needs="events")
def activity(
    company: Reader, *,
    day: Day = None,
    top: Annotated[
        int, Param(N_("How many power users are listed."), least=1, most=1000)
    ] = 20,
    members: Annotated[
        str | None,
        Param(N_("Who was active on so many days, without a split: 3, or 21-28; or is in dau, "
                 "wau or mau; or had sessions."), metavar="N[-M]"),
    ] = None,
    event: Event = "", whose: Whose = "user", by: By = "", where: Where = "",
    values: Values = None, as_of: AsOfText = None,
) -> Activity | ActiveOn | InSessions:
    """Who is active, on how many of 28 days, who most, and how long does a session take?

    By 'property:NAME', the events of each value are looked at by themselves.
    """
    use = question_of(company, whose, by, where, as_of)
    asked = asked_of(company, use, day, top, event)
    use = with_tops(company, use, (asked.doing,), asked.first, asked.day, values)
    asked = replace(asked, use=use)
    if members:
        return _opened(company, asked, members)
    sql = sqls.statement(asked)
    with seeing(company, use, (asked.doing,)) as engine:
        answer = engine.rows(sql)
        most = engine.rows(sqls.top_statement(asked))
        held = engine.rows(sessions.statement(asked.span)) if asked.span.is_named else []
    return replace(
        of_answer(asked, answer, most, held, sql=sql, has_events=has_events(company)),
        event=event, values=values, notes=never_so(company, use, (asked.doing,)),
        behind=lambda least, most, segment, figure=None: active_on(
            company, asked, segment, least=least, most=most, figure=figure
        ),
        with_sessions=lambda segment: in_sessions(company, asked, segment),
    )


def asked_of(
    company: Reader, use: UseQuestion, day: str | None, top: int, event: str
) -> ActivityQuestion:
    """The 28 days up to the one that `day` names, or to the last that is seen."""
    last = parse_period(day, fiscal_of(company)).end - dt.timedelta(days=1) if day else None
    asked = ActivityQuestion(use, last or use.as_of.last_day, top, doing(event, use.config))
    check(asked)
    return asked


def _opened(company: Reader, asked: ActivityQuestion, members: str) -> ActiveOn | InSessions:
    """Who was active on so many of the days, '3' or '21-28', or is in a figure, 'wau'."""
    if members == IN_SESSIONS:
        return in_sessions(company, asked, {})
    if members.isalpha():
        return active_on(company, asked, {}, figure=members)
    least, _, most = members.partition("-")
    words = "3, 21-28, dau, wau, mau or sessions"
    return active_on(
        company, asked, {}, least=number(least, words), most=number(most or least, words)
    )


def of_answer(
    asked: ActivityQuestion, answer: Iterable[Sequence[Any]], top: Iterable[Sequence[Any]],
    held: Iterable[Sequence[Any]], *, sql: str = "", has_events: bool = True,
) -> Activity:
    """What the answers of the three statements say."""
    places = len(asked.use.by)
    windows = list(windows_of(asked))
    sums: dict[tuple[Any, ...], dict[str, int]] = {}
    days: dict[tuple[Any, ...], dict[int, int]] = {}
    for line in answer:
        values = tuple(line[:places])
        active_days, many, *found = line[places:]
        own = sums.setdefault(values, dict.fromkeys(windows, 0))
        for name, value in zip(windows, found, strict=True):
            own[name] += value
        days.setdefault(values, {})[active_days] = many
    if not sums and not places and has_events:
        sums[()], days[()] = dict.fromkeys(windows, 0), {}
    use, span = asked.use, asked.span
    rows = [
        ActiveDays(
            use.segment(values), n, days[values].get(n, 0),
            days[values].get(n, 0) / own["mau"] if own["mau"] else None, own["mau"] < SMALL,
            None if own["mau"] else NOBODY,
        )
        for values, own in sums.items()
        for n in range(1, DAYS + 1)
    ]
    power = [Power(*people.ids(use, entity, customer), *rest) for entity, customer, *rest in top]
    segments = tuple(sessions.rows(span, held))
    missing = None if segments else NONE_FOUND if span.is_named else NO_SESSIONS
    return Activity(
        as_of=use.as_of.at.isoformat(), whose=use.whose, day=asked.day, is_open=asked.is_open,
        figures=tuple(_figures(asked, sums)), rows=tuple(rows), power=tuple(power),
        sessions=segments, why_no_sessions=missing,
        additive=None if use.is_additive_by_act else False, sql=sql,
        why=None if has_events else NO_EVENTS,
    )


def _figures(
    asked: ActivityQuestion, sums: Mapping[tuple[Any, ...], Mapping[str, int]]
) -> Iterable[Figure]:
    for values, own in sums.items():
        for name, size in WINDOWS.items():
            yield Figure(
                asked.use.segment(values), name, LABELS[name], size, own[name], own[f"{name}0"],
                asked.is_open,
            )
