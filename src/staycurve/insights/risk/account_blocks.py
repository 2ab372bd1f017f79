"""Blocks of features about people, tickets, answers, payments and the contract."""

from __future__ import annotations

from staycurve.config import Config
from staycurve.insights.account.facts_sql import TRAILING
from staycurve.insights.risk.feature import LONGEST, Block, Days, days_between, known_from
from staycurve.insights.risk.reads import (
    ASKED,
    PAID,
    PEOPLE,
    SAID,
    TERMS,
    USED,
    USED_BY_CHAMPIONS,
)
from staycurve.insights.shared.renewing import counted_on, join_sql, requested_sql
from staycurve.tables.engine import FAR

_LAST_90 = f"CAST(b.day - INTERVAL {LONGEST} DAY AS DATE)"


def _champions(config: Config, days: Days) -> str:
    del config, days
    is_silent = (
        f"x.left_on IS NULL AND a.user_id IS NULL "
        f"AND {known_from('account_months', TRAILING - 1)}"
    )
    return f"""
SELECT b.account_id, b.day,
       CAST(SUM(CASE WHEN x.left_on > {_LAST_90} THEN 1 ELSE 0 END) AS BIGINT) AS champions_left,
       CAST(SUM(CASE WHEN x.left_on IS NULL AND x.bounced_on > {_LAST_90} THEN 1 ELSE 0 END)
           AS BIGINT) AS champions_bounced,
       CAST(SUM(CASE WHEN {is_silent} THEN 1 ELSE 0 END) AS BIGINT) AS champions_silent
FROM base b
JOIN (
    SELECT r.root_id AS account_id, u.user_id, d.day,
           CASE WHEN u.left_on <= d.day THEN u.left_on END AS left_on,
           CASE WHEN u.bounced_on <= d.day THEN u.bounced_on END AS bounced_on
    FROM users u
    JOIN account_roots r ON r.account_id = u.account_id
    JOIN days d ON coalesce(u.created_on <= d.day, TRUE)
    WHERE u.is_champion
) x ON x.account_id = b.account_id AND x.day = b.day
LEFT JOIN (
    SELECT m.user_id, w.day
    FROM user_months m
    JOIN windows w ON w.month_on = m.month_on
    WHERE (m.days & w.last28) > 0
    GROUP BY m.user_id, w.day
) a ON a.user_id = x.user_id AND a.day = b.day
GROUP BY b.account_id, b.day
"""


def _tickets(config: Config, days: Days) -> str:
    del config, days
    is_open = (
        "(t.solved_on IS NULL OR t.solved_on > b.day "
        "OR (t.reopened_on <= b.day AND t.reopened_at > t.solved_at))"
    )
    told = known_from("tickets", 0)
    return f"""
SELECT b.account_id, b.day,
       CASE WHEN {told} THEN coalesce(t.open_tickets, 0) END AS open_tickets,
       CASE WHEN {told} THEN coalesce(t.old_tickets, 0) END AS old_tickets,
       CASE WHEN {told} THEN coalesce(t.reopened_tickets, 0) END AS reopened_tickets,
       CASE WHEN {told} THEN coalesce(t.recent_tickets, 0) END AS recent_tickets
FROM base b
LEFT JOIN (
    SELECT b.account_id, b.day,
           CAST(SUM(CASE WHEN {is_open} THEN 1 ELSE 0 END) AS BIGINT) AS open_tickets,
           CAST(SUM(CASE WHEN {is_open} AND t.opened_on <= CAST(b.day - INTERVAL 7 DAY AS DATE)
                    THEN 1 ELSE 0 END) AS BIGINT) AS old_tickets,
           CAST(SUM(CASE WHEN t.reopened_on > {_LAST_90} AND t.reopened_on <= b.day
                    THEN 1 ELSE 0 END) AS BIGINT) AS reopened_tickets,
           CAST(SUM(CASE WHEN t.opened_on > {_LAST_90} THEN 1 ELSE 0 END) AS BIGINT)
               AS recent_tickets
    FROM (
        SELECT r.root_id AS account_id, k.opened_on, k.solved_on, k.solved_at, k.reopened_on,
               k.reopened_at
        FROM tickets k
        JOIN account_roots r ON r.account_id = k.account_id
    ) t
    JOIN base b ON b.account_id = t.account_id AND t.opened_on <= b.day
    GROUP BY b.account_id, b.day
) t ON t.account_id = b.account_id AND t.day = b.day
"""


def _answers(config: Config, days: Days) -> str:
    del config, days
    return """
SELECT account_id, day,
       MAX(CASE WHEN kind = 'nps' AND place = 1 THEN score END) AS nps_score,
       MAX(CASE WHEN kind = 'nps' AND place = 1 THEN score END)
           - MAX(CASE WHEN kind = 'nps' AND place = 2 THEN score END) AS nps_change,
       MAX(CASE WHEN kind = 'csat' AND place = 1 THEN score / nullif(scale_max, 0) END)
           AS csat_share
FROM (
    SELECT b.account_id, b.day, n.kind, CAST(n.score AS DOUBLE) AS score,
           CAST(coalesce(n.scale_max, 5) AS DOUBLE) AS scale_max,
           row_number() OVER (PARTITION BY b.account_id, b.day, n.kind
               ORDER BY n.answered_at DESC, n.answer_id) AS place
    FROM answers n
    JOIN account_roots r ON r.account_id = n.account_id
    JOIN base b ON b.account_id = r.root_id AND n.answered_on <= b.day
     AND n.answered_on > CAST(b.day - INTERVAL 365 DAY AS DATE)
    WHERE n.kind IN ('nps', 'csat') AND n.score IS NOT NULL
) told
WHERE place <= 2
GROUP BY account_id, day
"""


def _payments(config: Config, days: Days) -> str:
    del config, days
    told = known_from("payments", 0)
    return f"""
SELECT b.account_id, b.day,
       CASE WHEN {told} THEN coalesce(p.failed_payments, 0) END AS failed_payments,
       CASE WHEN {told} THEN coalesce(p.unpaid_failures, 0) END AS unpaid_failures,
       {days_between("p.paid_on", "b.day")} AS days_unpaid
FROM base b
LEFT JOIN (
    SELECT b.account_id, b.day,
           CAST(SUM(CASE WHEN p.failed_on > {_LAST_90} AND p.failed_on <= b.day
                    THEN 1 ELSE 0 END) AS BIGINT) AS failed_payments,
           CAST(SUM(CASE WHEN p.failed_on > {_LAST_90} AND p.failed_on <= b.day
                    AND coalesce(p.paid_on, {FAR}) > b.day THEN 1 ELSE 0 END) AS BIGINT)
               AS unpaid_failures,
           MAX(CASE WHEN p.paid_on <= b.day THEN p.paid_on END) AS paid_on
    FROM (
        SELECT r.root_id AS account_id, k.failed_on, k.paid_on
        FROM payments k
        JOIN account_roots r ON r.account_id = k.account_id
    ) p
    JOIN base b ON b.account_id = p.account_id
    GROUP BY b.account_id, b.day
) p ON p.account_id = b.account_id AND p.day = b.day
"""


def _movements(config: Config, days: Days) -> str:
    del config, days
    half_year = "CAST(b.day - INTERVAL 180 DAY AS DATE)"
    return f"""
SELECT b.account_id, b.day,
       CAST(SUM(CASE WHEN m.movement = 'contraction' AND m.day > {_LAST_90} THEN 1 ELSE 0 END)
           AS BIGINT) AS contractions,
       CAST(SUM(CASE WHEN m.movement = 'expansion' AND m.day > {half_year} THEN 1 ELSE 0 END)
           AS BIGINT) AS expansions,
       CAST(SUM(CASE WHEN m.movement = 'churned' THEN 1 ELSE 0 END) AS BIGINT) AS returns
FROM base b
JOIN mrr_movements m ON m.account_id = b.account_id AND m.day <= b.day
GROUP BY b.account_id, b.day
"""


def _contract(config: Config, days: Days) -> str:
    del config, days
    # The renewal is counted, whatever date is stated: one that a source moves on with each renewal
    # would tell on a past day that the account was going to renew.
    next_on = counted_on("k.first_on", "k.term", "d.day")
    return f"""
SELECT account_id, day, items, seats, is_requested, is_annual,
       MIN(CASE WHEN {days_between("day", "renews_on")} >= 0
           THEN {days_between("day", "renews_on")} END) AS days_to_renewal
FROM (
    SELECT i.account_id, d.day,
           COUNT(*) OVER (PARTITION BY i.account_id, d.day) AS items,
           SUM(CAST(s.quantity AS DOUBLE)) OVER (PARTITION BY i.account_id, d.day) AS seats,
           MAX(CASE WHEN {requested_sql("i", "d.day")} THEN 1 ELSE 0 END)
               OVER (PARTITION BY i.account_id, d.day) AS is_requested,
           MAX(CASE WHEN i.is_contracted THEN 1 ELSE 0 END)
               OVER (PARTITION BY i.account_id, d.day) AS is_annual,
           CASE WHEN k.term IS NOT NULL AND NOT {requested_sql("i", "d.day")} THEN {next_on} END
               AS renews_on
    FROM mrr_items i
    JOIN days d ON i.starts_on <= d.day AND coalesce(i.ends_on, {FAR}) > d.day
    {join_sql("i", "k")}
    LEFT JOIN (
        SELECT subscription_id, starts_at, coalesce(item_id, '') AS item,
               MAX(quantity) AS quantity
        FROM subscriptions GROUP BY subscription_id, starts_at, coalesce(item_id, '')
    ) s ON s.subscription_id = i.subscription_id AND s.starts_at = i.starts_at
       AND s.item = coalesce(i.item_id, '')
    WHERE i.amount > 0
) dated
GROUP BY account_id, day, items, seats, is_requested, is_annual
"""


def _account(config: Config, days: Days) -> str:
    del config, days
    return f"""
SELECT account_id, day, {days_between("first_paid_on", "day")} AS tenure_days,
       CAST(mrr AS DOUBLE) / 1000000 AS mrr_amount
FROM base
"""


CHAMPIONS = Block("champions", _champions, (PEOPLE, USED, USED_BY_CHAMPIONS))
TICKETS = Block("asked_support", _tickets, (ASKED,))
ANSWERS = Block("answered", _answers, (SAID,))
PAYMENTS = Block("paid", _payments, (PAID,))
MOVEMENTS = Block("moved", _movements)
CONTRACT = Block("contract", _contract, (TERMS,))
ACCOUNT = Block("account", _account)
