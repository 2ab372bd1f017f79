"""Support: how fast tickets are answered and solved, and how often at first contact."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    FromField,
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
    Row,
    Said,
    Segment,
    Table,
    ToField,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.shared.params import AsOfText, By, From, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import share
from staycurve.insights.statistics.survival import counted, kaplan_meier
from staycurve.insights.voice.asked import VoiceAsked, voice_asked
from staycurve.insights.voice.tickets_sql import first_contact_measures, utc
from staycurve.metrics.base import Unit
from staycurve.support_hours import SUPPORT, Support

NO_TICKETS = N_("no ticket was opened or solved in the range")
NO_RESPONSES = N_("no ticket says when it was first answered")
TOO_FEW_YET = N_("too few of them have come that far")
NO_SOLVED = N_("no ticket was solved in the range")
NO_CONTACTS = {
    "agent_replies": N_("no solved ticket says how many times an agent answered (agent_contacts)"),
    "customer_replies": N_(
        "no solved ticket says how many messages the customer wrote (customer_contacts)"),
    "include_bots": N_("no solved ticket says how many times an agent answered (agent_contacts)"),
}
"""Convention → what the tickets lack that it needs."""


def _part(part: str) -> Opens:
    """The tickets of a part that the range and the segment have."""
    return Opens("support tickets", {"start": "period_from", "end": "period_to"}, {"part": part})


@dataclass(frozen=True, kw_only=True)
class Handled(Row):
    """How the tickets of one segment were handled; times are in support hours."""

    segment: Segment
    opened: Annotated[
        int, col(N_("Opened"), Unit.COUNT,
                 opens=_part("opened"))
    ]
    solved: Annotated[int, col(N_("Solved"), Unit.COUNT, opens=_part("solved"))]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, N_("That opened a ticket."))]
    tickets_per_account: Annotated[
        float | None, col(N_("Tickets per account"), Unit.RATIO, N_("Of those that opened any."))
    ]
    first_contact: Annotated[
        int, col(N_("At first contact"), Unit.COUNT, N_("Of those solved."),
                 opens=_part("first_contact"))
    ]
    fcr: Annotated[
        float | None,
        col(N_("FCR"), Unit.PERCENT,
            N_("First contact resolution, as the metric counts it under your conventions."),
            ends=("fcr_low", "fcr_high"), why="fcr_why"),
    ]
    fcr_low: LowField
    fcr_high: HighField
    first_response_median: Annotated[
        float | None,
        col(N_("First response, median hours"), Unit.RATIO,
            N_("Kaplan–Meier estimate: tickets that wait still are included as censored."),
            why="response_why"),
    ]
    first_response_p90: Annotated[
        float | None, col(N_("90th percentile"), Unit.RATIO, why="response_why")
    ]
    unanswered: Annotated[
        int, col(N_("Unanswered"), Unit.COUNT, N_("Of those opened."), opens=_part("unanswered"))
    ]
    solution_median: Annotated[
        float | None,
        col(N_("Solution, median hours"), Unit.RATIO,
            N_("Kaplan–Meier estimate: open tickets are included as censored."),
            why="solution_why"),
    ]
    solution_p90: Annotated[
        float | None, col(N_("90th percentile"), Unit.RATIO, why="solution_why")
    ]
    reopened: Annotated[
        int, col(N_("Reopened"), Unit.COUNT, N_("Of those solved."), opens=_part("reopened"))
    ]
    reopen_rate: Annotated[
        float | None,
        col(N_("Reopen rate"), Unit.PERCENT, ends=("reopen_low", "reopen_high"), why="reopen_why"),
    ]
    reopen_low: LowField
    reopen_high: HighField
    fcr_why: Annotated[str | None, Key(N_("Why there is no FCR."), is_omitted=True)] = None
    reopen_why: Annotated[
        str | None, Key(N_("Why there is no rate of reopening."), is_omitted=True)
    ] = None
    response_why: Annotated[
        str | None, Key(N_("Why there is no time to first response."), is_omitted=True)
    ] = None
    solution_why: Annotated[
        str | None, Key(N_("Why there is no time to solution."), is_omitted=True)
    ] = None


@dataclass(frozen=True, kw_only=True)
class Figures(Answer):
    """How tickets were handled in the range."""

    as_of: AsOfField
    period_from: FromField
    period_to: ToField
    hours: Annotated[str, Key(N_("The support hours of [support]; always where none are set."))]
    rows: Annotated[tuple[Handled, ...], Table(N_("Tickets"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Support, %(from)s to %(to)s"), {
            "from": (self.period_from, Kind.DAY), "to": (self.period_to, Kind.DAY)})


@dataclass(frozen=True)
class _Ticket:
    """A ticket with its instants, UTC."""

    account: str | None
    opened: dt.datetime
    answered: dt.datetime | None
    solved: dt.datetime | None
    is_opened_in: bool
    is_solved_in: bool
    is_reopened: bool


@insight("support figures", comes_from="/support#figures", needs="tickets")
def figures(
    company: Reader, *, by: By = "", start: From = None, end: To = None, where: Where = "",
    as_of: AsOfText = None,
) -> Figures:
    """How fast are tickets answered and solved, and how often at first contact?

    Tickets that were opened in the range, and rates of those that were solved in it. Times are in
    support hours ([support] in staycurve.toml), with the median and the 90th percentile. Split by
    channel, priority or topic, or by what is known of accounts.
    """
    asked = voice_asked(company, by=by, where=where, as_of=as_of, start=start, end=end,
                        relation="tickets")
    own = asked.config[SUPPORT]
    sql = _tickets_sql(asked)
    with company.seeing(asked.as_of) as engine:
        lines = engine.rows(sql)
        first_contact = engine.rows(_fcr_sql(asked))
    places = len(asked.by)
    groups: dict[tuple[str | None, ...], list[_Ticket]] = {}
    for line in lines:
        groups.setdefault(tuple(line[:places]), []).append(_ticket(line[places:]))
    fcr = {tuple(line[:places]): (line[places], line[places + 1]) for line in first_contact}
    rows = tuple(
        _handled(asked, own, values, groups[values], fcr.get(values, (0, 0)))
        for values in sorted(groups, key=asked.order)
    )
    return Figures(
        as_of=asked.as_of.at.isoformat(), period_from=str(asked.first), period_to=str(asked.last),
        hours=told_hours(own), rows=rows, why=None if rows else NO_TICKETS, sql=sql,
    )


def told_hours(own: Support) -> str:
    """The support hours in words; 'always' where every hour counts."""
    if own.is_always:
        return "always"
    return f"{own.hours or '00:00-24:00'} {', '.join(own.days)}"


def _tickets_sql(asked: VoiceAsked) -> str:
    segments, joins = asked.segments(account="r.root_id", day="t.opened_on")
    names = "".join(f"seg{place}, " for place in range(len(asked.by)))
    at = asked.at
    return f"""WITH {asked.shared_sql}placed AS (
    SELECT r.root_id AS account_id, t.ticket_id{segments}, t.opened_at,
           CASE WHEN t.first_response_at < {at} THEN t.first_response_at END AS answered_at,
           CASE WHEN t.solved_at < {at} THEN t.solved_at END AS solved_at,
           {asked.within("t.opened_on")} AS is_opened_in,
           coalesce(t.solved_at < {at} AND {asked.within("t.solved_on")}, FALSE) AS is_solved_in,
           coalesce(t.reopened_at < {at}, FALSE) AS is_reopened
    FROM tickets t
    LEFT JOIN account_roots r ON r.account_id = t.account_id
    {joins}
    WHERE t.opened_at < {at} AND coalesce(r.is_excluded, FALSE) = FALSE
)
SELECT {names}account_id, opened_at, answered_at, solved_at, is_opened_in, is_solved_in,
       is_reopened
FROM placed
WHERE (is_opened_in OR is_solved_in) AND {asked.context.where()}
ORDER BY {names}ticket_id"""


def _fcr_sql(asked: VoiceAsked) -> str:
    """SQL of (seg…, first contact, solved) of the tickets that were solved in the range."""
    top, bottom = first_contact_measures(asked)
    segments, joins = asked.segments(account="r.root_id", day="t.solved_on")
    names = "".join(f"seg{place}, " for place in range(len(asked.by)))
    group = f"GROUP BY {names[:-2]} ORDER BY {names[:-2]}" if names else ""
    return f"""WITH {asked.shared_sql}solved AS (
    SELECT t.*{segments}
    FROM tickets t
    LEFT JOIN account_roots r ON r.account_id = t.account_id
    {joins}
    WHERE t.solved_at < {asked.at} AND {asked.within("t.solved_on")}
      AND coalesce(r.is_excluded, FALSE) = FALSE
)
SELECT {names}CAST({top.sql} AS BIGINT) AS first_contact, CAST({bottom.sql} AS BIGINT) AS solved
FROM solved WHERE {asked.context.where()}
{group}"""


def _ticket(line: Sequence[Any]) -> _Ticket:
    account, opened, answered, solved, *flags = line
    return _Ticket(account, utc(opened), _utc_or_none(answered), _utc_or_none(solved),
                   *(bool(one) for one in flags))


def _utc_or_none(at: dt.datetime | None) -> dt.datetime | None:
    return None if at is None else utc(at)


def _handled(
    asked: VoiceAsked, own: Support, values: tuple[str | None, ...],
    tickets: Sequence[_Ticket], first_contact: tuple[int, int],
) -> Handled:
    opened = [one for one in tickets if one.is_opened_in]
    solved = [one for one in tickets if one.is_solved_in]
    accounts = {one.account for one in opened if one.account}
    at, zone = asked.as_of.at, asked.config.company.zone
    # A ticket that was solved without a word was never answered: it waited until then.
    responses = [
        (own.worked(one.opened, one.answered or one.solved or at, zone), one.answered is not None)
        for one in opened
    ]
    solutions = [(own.worked(one.opened, one.solved or at, zone), one.solved is not None)
                 for one in opened]
    has_responses = any(one.answered is not None for one in opened)
    response = _quantiles(responses) if has_responses else (None, None)
    solution = _quantiles(solutions)
    fcr, again = share(*first_contact), share(
        sum(one.is_reopened for one in solved), len(solved))
    return Handled(
        segment=asked.segment(values), opened=len(opened), solved=len(solved),
        accounts=len(accounts),
        tickets_per_account=len(opened) / len(accounts) if accounts else None,
        first_contact=fcr.count, fcr=fcr.value, fcr_low=fcr.low, fcr_high=fcr.high,
        first_response_median=response[0],
        first_response_p90=response[1],
        unanswered=sum(one.answered is None and one.solved is None for one in opened),
        solution_median=solution[0], solution_p90=solution[1], reopened=again.count,
        reopen_rate=again.value, reopen_low=again.low, reopen_high=again.high,
        fcr_why=(
            None if first_contact[1]
            else NO_CONTACTS[asked.config.conventions["fcr"]] if solved else NO_SOLVED
        ),
        reopen_why=None if solved else NO_SOLVED,
        response_why=None if None not in response else TOO_FEW_YET if has_responses
        else NO_RESPONSES,
        solution_why=None if None not in solution else TOO_FEW_YET,
    )


def _quantiles(
    times: Iterable[tuple[dt.timedelta, bool]]
) -> tuple[float | None, float | None]:
    """The median and the 90th percentile in hours, to the minute."""
    curve = kaplan_meier(counted(
        (round(time.total_seconds() / 60), is_event, 1) for time, is_event in times
    ))
    found = [curve.quantile(part)[0] for part in (0.5, 0.9)]
    median, high = (None if one is None else one / 60 for one in found)
    return median, high
