"""Statements of onboarding: who signed up, and when they reached first value."""

from __future__ import annotations

import datetime as dt

from staycurve.insights.shared.account_facts import shared_sql
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.told_use import UseOf
from staycurve.metrics.usage_relations import signup_sql
from staycurve.tables.standing import spans_sql


def members_sql(asked: UseOf, told: str | None = None) -> str:
    """WITH and the relations up to `members`: one row an account that signed up, in the segment.

    Rows of (account_id, signup_on, cohort_on, seg…, activated_on, days, is_mature, is_in_window).
    Days are those to first value, or those that the account has been seen for without it.

    Parameters
    ----------
    told : str, optional
        The relations of the told events; their activations without it.
    """
    told = asked.activations_sql() if told is None else told
    context = asked.context
    segments, joins = context.segments(account="s.account_id", own={}, day="s.signup_on")
    last = f"DATE '{asked.as_of.last_day}'"
    window = asked.config.behaviour.activation.window_days
    end = f"CAST(s.signup_on + INTERVAL {window} DAY AS DATE)"
    return f"""WITH {told}{shared_sql(asked)}signups AS ({signup_sql(context)}),
members AS (
    SELECT * FROM (
        SELECT s.account_id, s.signup_on,
               CAST(date_trunc('month', s.signup_on) AS DATE) AS cohort_on{segments},
               s.activated_on,
               CAST(date_diff('day', s.signup_on, coalesce(s.activated_on, {last})) AS BIGINT)
               AS days,
               CASE WHEN {end} <= {last} THEN 1 ELSE 0 END AS is_mature,
               CASE WHEN s.activated_on <= {end} THEN 1 ELSE 0 END AS is_in_window
        FROM signups s
        {joins}
    ) listed
    WHERE {context.where()}
)"""


def statement(asked: UseOf) -> str:
    """SQL of rows (cohort_on, seg…, days, is_activated, is_mature, is_in_window, accounts)."""
    key = (
        f"cohort_on{segs_of(asked)}, days, CASE WHEN activated_on IS NULL THEN 0 ELSE 1 END, "
        "is_mature, is_in_window"
    )
    return f"""{members_sql(asked)}
SELECT {key}, CAST(COUNT(*) AS BIGINT) AS accounts
FROM members
GROUP BY {key}"""


def _befores() -> str:
    return """firsts_ever AS (
    SELECT account_id, MIN(activated_on) AS first_on FROM account_months
    WHERE activated_on IS NOT NULL GROUP BY account_id
)"""


def accounts_statement(asked: UseOf, part: str, cohort: dt.date | None) -> str:
    """SQL of rows (account_id, signup_on, activated_on, days)."""
    if part == "unknown":
        return f"""WITH {shared_sql(asked)}signups AS ({signup_sql(asked.context)})
SELECT r.root_id AS account_id, CAST(NULL AS DATE) AS signup_on, CAST(NULL AS DATE) AS activated_on,
       CAST(NULL AS BIGINT) AS days
FROM account_roots r
LEFT JOIN signups s ON s.account_id = r.root_id
LEFT JOIN accounts a ON a.account_id = r.account_id
LEFT JOIN {spans_sql()} b ON b.account_id = r.account_id
WHERE NOT r.is_excluded AND s.account_id IS NULL
GROUP BY r.root_id
HAVING COUNT(a.created_on) = 0 AND COUNT(b.starts_on) = 0
ORDER BY 1"""
    tests = {
        "signed_up": "1 = 1",
        "activated": "m.activated_on IS NOT NULL",
        "waiting": "m.activated_on IS NULL",
        "mature": "m.is_mature = 1",
        "in_window": "m.is_mature = 1 AND m.is_in_window = 1",
        "late": "m.is_mature = 1 AND m.is_in_window = 0",
        "before": "f.first_on < m.signup_on AND m.activated_on IS NOT NULL",
    }
    own = f" AND m.cohort_on = DATE '{cohort}'" if cohort else ""
    return f"""{members_sql(asked)},
{_befores()}
SELECT m.account_id, m.signup_on, m.activated_on, m.days
FROM members m
LEFT JOIN firsts_ever f ON f.account_id = m.account_id
WHERE {tests[part]}{own}
ORDER BY m.account_id"""
