"""Facts of what accounts say: tickets and survey answers."""

from __future__ import annotations

from typing import Any

from staycurve.actions.facts.base import Fact, Moment, Values
from staycurve.i18n import N_
from staycurve.insights.account.facts_sql import open_sql
from staycurve.metrics.base import Unit


def _open(moment: Moment) -> dict[str, tuple[int, int]]:
    """account_id → open tickets, and days since the oldest of them was opened."""
    sql = f"""SELECT r.root_id, COUNT(*), CAST(MIN(t.opened_at) AS DATE)
FROM tickets t JOIN account_roots r ON r.account_id = t.account_id
WHERE NOT r.is_excluded AND t.opened_at < {moment.at} AND {open_sql(moment.at)}
GROUP BY r.root_id ORDER BY r.root_id"""
    return {one: (count, moment.since(day)) for one, count, day in moment.rows(sql)}


def _open_count(moment: Moment) -> Values:
    return {one: count for one, (count, _days) in _open(moment).items()}


def _oldest(moment: Moment) -> Values:
    return {one: days for one, (_count, days) in _open(moment).items()}


def _recent(moment: Moment) -> Values:
    return moment.pairs(f"""SELECT r.root_id, COUNT(*)
FROM tickets t JOIN account_roots r ON r.account_id = t.account_id
WHERE NOT r.is_excluded AND t.opened_at < {moment.at} AND t.opened_at >= {moment.before(90)}
GROUP BY r.root_id ORDER BY r.root_id""")


def _scores(moment: Moment, kind: str) -> list[tuple[Any, ...]]:
    """(account_id, score, scale, day) of the last answer of a kind."""
    moment.rests_on(
        f"answers WHERE kind = '{kind}' AND score IS NOT NULL",
        f"no {kind.upper()} answers are loaded", hint=f"Ask for them: a survey of kind {kind}.",
    )
    return moment.rows(f"""SELECT root_id, score, scale_max, answered_on FROM (
    SELECT r.root_id, CAST(n.score AS DOUBLE) AS score, n.scale_max, n.answered_on,
           row_number() OVER (PARTITION BY r.root_id ORDER BY n.answered_at DESC, n.answer_id)
               AS place
    FROM answers n JOIN account_roots r ON r.account_id = n.account_id
    WHERE n.kind = '{kind}' AND n.score IS NOT NULL AND n.answered_at < {moment.at}
      AND NOT r.is_excluded
) ranked WHERE place = 1 ORDER BY root_id""")


def _nps(moment: Moment) -> Values:
    return {one: score for one, score, _scale, _day in _scores(moment, "nps")}


def _nps_days(moment: Moment) -> Values:
    return {one: moment.since(day) for one, _score, _scale, day in _scores(moment, "nps")}


def _csat(moment: Moment) -> Values:
    return {
        one: score / (scale or 5) for one, score, scale, _day in _scores(moment, "csat")
    }


open_tickets = Fact(
    N_("Open tickets"), N_("Tickets that are open."), "number", _open_count, needs=("tickets",),
    is_default_zero=True,
)
oldest_ticket_days = Fact(
    N_("Oldest open ticket, days"), N_("Days since the oldest open ticket was opened."), "number",
    _oldest, needs=("tickets",),
)
tickets_90 = Fact(
    N_("Tickets, 90 days"), N_("Tickets opened in the last 90 days."), "number", _recent,
    needs=("tickets",), is_default_zero=True,
)
nps = Fact(
    N_("NPS score"), N_("The score of its last NPS answer, 0 to 10."), "number", _nps,
    needs=("answers",), unit=Unit.COUNT,
)
nps_days = Fact(
    N_("NPS answer, days"), N_("Days since its last NPS answer."), "number", _nps_days,
    needs=("answers",),
)
csat = Fact(
    N_("Satisfaction"), N_("Its last CSAT answer as a share of the best score."), "number", _csat,
    needs=("answers",), unit=Unit.PERCENT,
)
