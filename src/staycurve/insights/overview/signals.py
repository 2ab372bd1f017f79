"""Signals: what is known of an account today that is a reason to call it.

Each is a fact with a date. None is a probability, and none is weighed against another.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from staycurve.i18n import N_
from staycurve.insights.account.facts_sql import open_sql
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.renewing import join_sql, renews_sql
from staycurve.tables.engine import FAR, timestamp

RENEWS_WITHIN = 30
QUIET_DAYS = 14
"""Days without any use that are news of an account that used the product in the 28 before."""
TRAILING = 28
TICKET_DAYS = 7
TICKET_UNTIL = 90
"""Days after which an open ticket is no news any more: nobody reads it."""
UNHAPPY_DAYS = 90

SIGNALS = {
    "payment_failing": N_("Payment failing"),
    "cancellation_requested": N_("Cancellation requested"),
    "renewal_near": N_("Renews soon"),
    "use_stopped": N_("Usage stopped"),
    "old_ticket": N_("Ticket open for over a week"),
    "unhappy_answer": N_("Unhappy answer"),
}


@dataclass(frozen=True)
class Signal:
    """One signal: SQL of (account_id, since), one row an account, and the table it rests on."""

    name: str
    needs: str
    sql: str


def unhappy_sql(answer: str) -> str:
    """SQL that is true for an answer of a detractor, or of at most two fifths of a CSAT scale."""
    return (
        f"(({answer}.kind = 'nps' AND {answer}.score <= 6) OR ({answer}.kind = 'csat' AND "
        f"{answer}.score <= 0.4 * coalesce({answer}.scale_max, 5)))"
    )


def signals(asked: Question) -> list[Signal]:
    """Every signal as of the question's instant; `items` is what `items_sql` names."""
    last, at = asked.as_of.last_day, timestamp(asked.as_of.at)

    def before(days: int) -> str:
        return f"DATE '{last - dt.timedelta(days=days)}'"

    return [
        Signal("payment_failing", "subscriptions", """SELECT account_id, MIN(starts_on) AS since
            FROM items WHERE status = 'past_due' GROUP BY account_id"""),
        Signal("cancellation_requested", "subscriptions", """
            SELECT account_id, MIN(asked_on) AS since
            FROM items WHERE asked_on IS NOT NULL GROUP BY account_id"""),
        Signal("renewal_near", "subscriptions", f"""SELECT account_id, MIN(renews_on) AS since
            FROM items WHERE renews_on > DATE '{last}'
              AND renews_on <= DATE '{last + dt.timedelta(days=RENEWS_WITHIN)}'
            GROUP BY account_id"""),
        Signal("use_stopped", "events", f"""SELECT account_id, MAX(day) AS since
            FROM usage_days WHERE is_active AND day <= DATE '{last}'
              AND day > {before(QUIET_DAYS + TRAILING)}
            GROUP BY account_id HAVING MAX(day) <= {before(QUIET_DAYS)}"""),
        Signal("old_ticket", "tickets", f"""
            SELECT coalesce(r.root_id, t.account_id) AS account_id,
                   MIN(CASE WHEN t.reopened_at < {at} AND t.reopened_at > t.solved_at
                            THEN CAST(t.reopened_at AS DATE) ELSE t.opened_on END) AS since
            FROM tickets t
            LEFT JOIN account_roots r ON r.account_id = t.account_id
            WHERE {open_sql(at)} AND t.opened_at < {at} AND t.opened_on < {before(TICKET_DAYS)}
              AND t.opened_on >= {before(TICKET_UNTIL)}
            GROUP BY coalesce(r.root_id, t.account_id)"""),
        Signal("unhappy_answer", "answers", f"""SELECT account_id, answered_on AS since
            FROM (
                SELECT coalesce(r.root_id, n.account_id) AS account_id, n.answered_on,
                       {unhappy_sql("n")} AS is_unhappy,
                       row_number() OVER (
                           PARTITION BY coalesce(r.root_id, n.account_id), n.kind
                           ORDER BY n.answered_at DESC, n.answer_id) AS place,
                       n.kind
                FROM answers n
                LEFT JOIN account_roots r ON r.account_id = n.account_id
                WHERE n.account_id IS NOT NULL AND n.kind IN ('nps', 'csat')
                  AND n.score IS NOT NULL AND n.answered_at < {at}
                  AND n.answered_on > {before(UNHAPPY_DAYS)}
            ) ranked
            WHERE place = 1 AND is_unhappy"""),
    ]


def items_sql(day: dt.date, value: str, join: str) -> str:
    """The relation `items`: what is in force on a day, with MRR, status, request and renewal.

    Parameters
    ----------
    value, join : str
        SQL of an item's MRR, and of what that needs.
    """
    on = f"DATE '{day}'"
    return f"""items AS (
    SELECT i.account_id, i.status, i.starts_on, CAST({value} AS BIGINT) AS mrr,
           CASE WHEN i.requested_on <= {on} THEN i.requested_on
                WHEN i.own_requested_on <= {on} AND i.followed_on > {on} THEN i.own_requested_on
           END AS asked_on, {renews_sql("i", "s", on)} AS renews_on
    FROM mrr_items i
    {join}
    {join_sql("i", "s")}
    WHERE i.starts_on <= {on} AND coalesce(i.ends_on, {FAR}) > {on}
)"""
