"""Tickets behind a number of support, one a row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    Kind,
    Said,
    Table,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, From, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.voice.asked import VoiceAsked, voice_asked
from staycurve.insights.voice.tickets_sql import (
    BANDS,
    band_of,
    first_contact_measures,
    is_open_sql,
    since_sql,
    utc,
)
from staycurve.metrics.base import Unit

PARTS = ("opened", "solved", "first_contact", "reopened", "unanswered")
"""What `support figures` counts."""


@dataclass(frozen=True, kw_only=True)
class TicketRow(AccountRow):
    """One ticket."""

    ticket_id: Annotated[str, col(N_("Ticket"))]
    account_id: AccountField
    opened_on: Annotated[dt.date, col(N_("Opened"), Kind.DAY)]
    answered_on: Annotated[dt.date | None, col(N_("Answered"), Kind.DAY)]
    solved_on: Annotated[dt.date | None, col(N_("Solved"), Kind.DAY)]
    days: Annotated[int | None, col(N_("Open for days"), Unit.COUNT, N_("Of an open ticket."))]
    channel: Annotated[str | None, col(N_("Channel"))]
    priority: Annotated[str | None, col(N_("Priority"))]
    topic: Annotated[str | None, col(N_("Topic"))]


@dataclass(frozen=True, kw_only=True)
class Tickets(Answer):
    """Tickets, the oldest first."""

    as_of: AsOfField
    rows: Annotated[tuple[TicketRow, ...], Table(N_("Tickets"), is_list=True)]

    def title(self) -> Said:
        return Said(N_("Tickets, as of %(as_of)s"), {"as_of": self.as_of})


@insight("support tickets", comes_from="/support#figures", needs="tickets")
def tickets(
    company: Reader, *,
    band: Annotated[
        str | None, Param(N_("Only open tickets of this age."),
                          choices=tuple(label for _days, label in BANDS), metavar="AGE")
    ] = None,
    part: Annotated[
        str, Param(N_("Which of the range's tickets; with an age it is of no concern."),
                   choices=PARTS, metavar="PART")
    ] = "opened",
    account: Annotated[
        str | None, Param(N_("Only tickets of this account."), metavar="ACCOUNT")
    ] = None,
    start: From = None, end: To = None, where: Where = "", as_of: AsOfText = None,
) -> Tickets:
    """Which tickets are behind a number?

    Those that were opened in the range, or a part of those that were opened or solved in it; with
    an age, those that are open, whenever they were opened.
    """
    asked = voice_asked(company, where=where, as_of=as_of, start=start, end=end,
                        relation="tickets")
    # First contact is the metric's, which takes the segment on the day of the solution.
    segments, joins = asked.segments(
        account="r.root_id", day="t.solved_on" if part == "first_contact" else "t.opened_on")
    sql = f"""WITH {asked.shared_sql}placed AS (
    SELECT t.ticket_id, r.root_id AS account_id, t.opened_on, t.opened_at,
           CASE WHEN t.first_response_at < {asked.at} THEN t.first_response_on END AS answered_on,
           CASE WHEN t.solved_at < {asked.at} THEN t.solved_on END AS solved_on, t.channel,
           t.priority, t.topic, coalesce(t.reopened_at < {asked.at}, FALSE) AS is_reopened,
           {is_open_sql(asked)} AS is_open,
           {since_sql(asked)} AS since_at{segments}
    FROM tickets t
    LEFT JOIN account_roots r ON r.account_id = t.account_id
    {joins}
    WHERE t.opened_at < {asked.at} AND coalesce(r.is_excluded, FALSE) = FALSE
)
SELECT ticket_id, account_id, opened_on, answered_on, solved_on, channel, priority, topic,
       is_open, since_at
FROM placed
WHERE {"is_open" if band else _part_sql(asked, part)} AND {asked.context.where()}
ORDER BY opened_at, ticket_id"""
    with company.seeing(asked.as_of) as engine:
        found = engine.rows(sql)
    rows = []
    for ticket, own, opened, answered, solved, channel, priority, topic, is_open, since in found:
        days = (asked.as_of.at - utc(since)).days if is_open else None
        if band is not None and band_of(days or 0) != band:
            continue
        if account is None or own == account:
            rows.append(TicketRow(
                ticket_id=ticket, account_id=own, opened_on=opened, answered_on=answered,
                solved_on=solved, days=days, channel=channel, priority=priority, topic=topic,
            ))
    return Tickets(as_of=asked.as_of.at.isoformat(), rows=tuple(rows), sql=sql)


def _part_sql(asked: VoiceAsked, part: str) -> str:
    """SQL over `placed`: whether a ticket belongs to a part, as `support figures` counts it."""
    opened = asked.within("opened_on")
    solved = f"(solved_on IS NOT NULL AND {asked.within('solved_on')})"
    if part == "first_contact":
        top, _bottom = first_contact_measures(asked)
        return f"""{solved} AND ticket_id IN (
        SELECT ticket_id FROM tickets t GROUP BY ticket_id HAVING {top.sql} > 0)"""
    return {
        "opened": opened, "solved": solved, "reopened": f"{solved} AND is_reopened",
        "unanswered": f"{opened} AND answered_on IS NULL AND solved_on IS NULL",
    }[part]
