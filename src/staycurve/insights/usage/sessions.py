"""Sessions: how many, how long, and whose, where events name them.

A session is the events of one user that name the same session under `[usage] session`; it belongs
to the day of its first event. One that is longer than a day may be cut at the ends of the days that
are read.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import Key, Kind, Opens, Row, Segment, col
from staycurve.insights.usage.usage_acts import acts_sql, own_sql, owned, session_sql
from staycurve.insights.usage.usage_question import ANY, Doing, UseQuestion
from staycurve.insights.usage.usage_segments import Cut, cut, listed_sql, order_of
from staycurve.metrics.base import Unit

NO_SESSIONS = N_("staycurve.toml names no property for the session: [usage] session")
NONE_FOUND = N_("no event of these days names a session")

_ONE = dt.timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """Whose sessions are read, of which doing, begun on which local days, both included."""

    use: UseQuestion
    first: dt.date
    last: dt.date
    doing: Doing = ANY

    @property
    def is_named(self) -> bool:
        """Whether events may name their session."""
        return bool(self.use.config.behaviour.usage.session)


def statement(span: Span) -> str:
    """SQL of rows (seg…, sessions, people, events, median_events, mean and median seconds)."""
    with_, cutting = _cut(span)
    lead = f"{cutting.segs[2:]}, " if cutting.segs else ""
    group = f"GROUP BY {cutting.segs[2:]}\nORDER BY {order_of(span.use)}" if cutting.segs else ""
    return f"""{with_}
SELECT {lead}CAST(COUNT(*) AS BIGINT) AS sessions,
       CAST(COUNT(DISTINCT entity) AS BIGINT) AS people,
       CAST(coalesce(SUM(events), 0) AS BIGINT) AS events,
       CAST(MEDIAN(events) AS DOUBLE) AS median_events,
       CAST(AVG(seconds) AS DOUBLE) AS mean_seconds,
       CAST(MEDIAN(seconds) AS DOUBLE) AS median_seconds
FROM {cutting.name}
{group}"""


def users_statement(span: Span) -> str:
    """SQL of rows (entity, customer, sessions, events, seconds) of who had a session.

    Parameters
    ----------
    span : Span
        Without `by`.
    """
    with_, cutting = _cut(span)
    return f"""{with_}, named AS (
    SELECT entity, MIN(account_id) AS account_id, CAST(COUNT(*) AS BIGINT) AS sessions,
           CAST(SUM(events) AS BIGINT) AS events, CAST(SUM(seconds) AS BIGINT) AS seconds
    FROM {cutting.name} GROUP BY entity
)
""" + listed_sql(span.use, "named", ", b.sessions, b.events, b.seconds", "sessions DESC")


def _cut(span: Span) -> tuple[str, Cut]:
    """WITH and its relations; one row a session: entity, account_id, session, events, seconds."""
    use = span.use
    session = session_sql(use.config)
    acts = acts_sql(
        use, columns=(
            f"{session} AS session, e.occurred_at AS done_at, e.occurred_on AS day, e.user_id"
        ),
        where=(
            f"{span.doing.test(use.config)} AND {session} IS NOT NULL AND "
            f"e.occurred_on >= DATE '{span.first - _ONE}' "
            f"AND e.occurred_on <= DATE '{span.last + _ONE}'"
        ), is_told=True,
    )
    own = owned(use)
    seconds = " - ".join(
        f"CAST(floor(epoch({end}(done_at))) AS BIGINT)" for end in ("MAX", "MIN")
    )
    done = f"""done AS (
    SELECT entity{own}, account_id, session, events, seconds FROM (
        SELECT entity{own}, MIN(account_id) AS account_id, user_id, session, COUNT(*) AS events,
               {seconds} AS seconds, MIN(day) AS begun_on
        FROM ({acts}) a GROUP BY entity{own}, user_id, session
    ) whole WHERE begun_on >= DATE '{span.first}' AND begun_on <= DATE '{span.last}'
)"""
    columns = ("entity", "account_id", "session", "events", "seconds")
    cutting = cut(
        use.by_account(), "done", columns, day=f"DATE '{span.last}'", own=own_sql(use)
    )
    return "WITH " + ",\n".join((done, *cutting.ctes)), cutting


WHO = Opens(
    "usage activity",
    {"day": "day", "whose": "whose", "event": "event", "values": "values"},
    {"members": "sessions"},
)


@dataclass(frozen=True)
class Sessions(Row):
    """The sessions of a segment."""

    segment: Segment
    sessions: Annotated[int, col(N_("Sessions"), Unit.COUNT, opens=WHO)]
    people: Annotated[int, col(N_("Had one"), Unit.COUNT, opens=WHO)]
    events: Annotated[int, col(N_("Events"), Unit.COUNT, opens=WHO)]
    mean_events: Annotated[float, col(N_("Events each"), Unit.RATIO)]
    median_events: Annotated[float, Key(N_("Half have more."))]
    mean_seconds: Annotated[float, Key(N_("From the first event to the last."))]
    median_seconds: Annotated[float, col(N_("Median length"), Kind.LENGTH)]


def rows(span: Span, answer: Iterable[Sequence[Any]]) -> list[Sessions]:
    """One row a segment that has sessions, from the answer of `statement`."""
    places = len(span.use.by)
    found = []
    for line in answer:
        sessions, people, events, median_events, mean_seconds, median_seconds = line[places:]
        if sessions:
            found.append(Sessions(
                span.use.segment(line[:places]), sessions, people, events, events / sessions,
                median_events, mean_seconds, median_seconds,
            ))
    return found
