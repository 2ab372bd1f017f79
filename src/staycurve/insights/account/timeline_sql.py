"""Statements of one account's timeline: each names it, so that its rows alone are read."""

from __future__ import annotations

from staycurve.insights.account.asked import Whose
from staycurve.tables.engine import FAR


def spans(of: Whose) -> str:
    """SQL of its subscription items from span to span: (subscription_id, item, plan, starts_on,
    ends_on, status, quantity, amount, end_reason, end_class)."""
    return f"""SELECT i.subscription_id, coalesce(i.item_id, '') AS item, i.plan, i.starts_on,
       i.ends_on, i.status, CAST(s.quantity AS DOUBLE) AS quantity, i.amount, s.end_reason,
       i.end_class
FROM mrr_items i
LEFT JOIN (SELECT * FROM subscriptions WHERE account_id IN ({of.listed})) s
  ON s.subscription_id = i.subscription_id AND s.starts_at = i.starts_at
 AND coalesce(s.item_id, '') = coalesce(i.item_id, '')
WHERE i.account_id = {of.customer} AND i.starts_on <= DATE '{of.last_day}'
  AND coalesce(i.ends_on, {FAR}) > i.starts_on
ORDER BY i.subscription_id, item, i.starts_at, i.starts_on"""


def requests(of: Whose) -> str:
    """SQL of the days on which it asked to cancel: (subscription_id, plan, day, instant)."""
    return f"""SELECT subscription_id, MAX(plan) AS plan, cancel_requested_on, cancel_requested_at
FROM subscriptions
WHERE account_id IN ({of.listed}) AND cancel_requested_at < {of.at}
GROUP BY subscription_id, cancel_requested_on, cancel_requested_at
ORDER BY cancel_requested_at, subscription_id"""


def trials(of: Whose) -> str:
    """SQL of its first trial: (started_on, started_at, ended_on, ended_at)."""
    return f"""SELECT started_on, started_at, ended_on, ended_at
FROM trials WHERE account_id = {of.customer} AND started_at < {of.at}"""


def payments(of: Whose) -> str:
    """SQL of its payments: (payment_id, amount, currency, paid_on, paid_at, failed_on, failed_at,
    failure_reason, refunded_amount); amounts in micro-units of their own currency."""
    return f"""SELECT payment_id, amount, currency, paid_on, paid_at, failed_on, failed_at,
       failure_reason, refunded_amount
FROM payments
WHERE account_id IN ({of.listed}) AND (paid_at < {of.at} OR failed_at < {of.at})
ORDER BY payment_id"""


def tickets(of: Whose) -> str:
    """SQL of its tickets: (ticket_id, topic, priority, channel, opened_on, opened_at, solved_on,
    solved_at, reopened_on, reopened_at)."""
    return f"""SELECT ticket_id, topic, priority, channel, opened_on, opened_at, solved_on,
       solved_at, reopened_on, reopened_at
FROM tickets WHERE account_id IN ({of.listed}) AND opened_at < {of.at}
ORDER BY ticket_id"""


def answers(of: Whose) -> str:
    """SQL of its answers: (answer_id, kind, survey, score, scale_max, touchpoint, comment,
    user_id, answered_on, answered_at)."""
    return f"""SELECT answer_id, kind, survey, CAST(score AS DOUBLE) AS score,
       CAST(scale_max AS BIGINT) AS scale_max, touchpoint, comment, user_id, answered_on,
       answered_at
FROM answers WHERE account_id IN ({of.listed}) AND answered_at < {of.at}
ORDER BY answer_id"""


def leads(of: Whose) -> str:
    """SQL of its leads, one instant a row: (lead_id, what, day, instant, detail)."""
    parts = [
        ("created", "created", "channel"), ("qualified", "qualified", "NULL"),
        ("demo", "demo", "NULL"), ("won", "won", "NULL"), ("lost", "lost", "lost_reason"),
    ]
    listed = "\nUNION ALL\n".join(
        f"SELECT lead_id, '{what}' AS what, {name}_on AS day, {name}_at AS moment, "
        f"CAST({detail} AS VARCHAR) AS detail FROM leads WHERE account_id IN ({of.listed})"
        for what, name, detail in parts
    )
    return f"""SELECT lead_id, what, day, moment, detail
FROM ({listed}) steps WHERE moment < {of.at}
ORDER BY lead_id, what"""


def signups(of: Whose) -> str:
    """SQL of when its accounts signed up: (account_id, created_on, created_at, channel)."""
    return f"""SELECT account_id, created_on, created_at, channel
FROM accounts WHERE account_id IN ({of.listed}) AND created_at < {of.at}
ORDER BY account_id"""
