"""Statements of trials: who started one, who paid, what was used meanwhile, and who left later."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.shared.account_facts import shared_sql
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.members import Question, whole_months
from staycurve.tables.engine import quoted

OWN = {"card_on_file": "t.card_on_file"}
"""Dimensions that a trial itself knows, as `show trial_conversion_rate --by` does."""

CONVERTED_DAYS = 30
"""Paid so many days after the trial's end is still converted."""

CARDS = ("with", "without", "unknown")
CARD_LABELS = {
    "with": N_("With a card"), "without": N_("Without a card"),
    "unknown": N_("Not known whether there was a card"),
}


def members_sql(asked: Question) -> str:
    """WITH and the relations up to `members`: one row an account that started a trial.

    Rows of (account_id, started_on, cohort_on, seg…, ended_on, card, is_mature, is_converted,
    paid_on, days). The rules are those of the metric trial_conversion_rate. Days are those from
    the trial's start to the first paid one, where converted.
    """
    context = asked.context
    segments, joins = context.segments(account="t.account_id", own=OWN, day="t.started_on")
    last = f"DATE '{asked.as_of.last_day}'"
    paid = (
        f"t.paid_on <= CAST(t.ended_on + INTERVAL {CONVERTED_DAYS} DAY AS DATE) "
        f"AND t.paid_on <= {last}"
    )
    mature = f"t.ended_at <= {context.as_of_sql}"
    return f"""WITH {shared_sql(asked)}members AS (
    SELECT * FROM (
        SELECT t.account_id, t.started_on,
               CAST(date_trunc('month', t.started_on) AS DATE) AS cohort_on{segments},
               t.ended_on,
               CASE WHEN t.card_on_file THEN 'with' WHEN NOT t.card_on_file THEN 'without'
                    ELSE 'unknown' END AS card,
               CASE WHEN {mature} THEN 1 ELSE 0 END AS is_mature,
               CASE WHEN {mature} AND {paid} THEN 1 ELSE 0 END AS is_converted,
               t.paid_on, CAST(date_diff('day', t.started_on, t.paid_on) AS BIGINT) AS days
        FROM trials t
        {joins}
        WHERE t.started_at < {context.as_of_sql}
    ) listed
    WHERE {context.where()}
)"""


def counts_statement(asked: Question) -> str:
    """SQL of rows (cohort_on, seg…, card, trials, mature, converted)."""
    key = f"cohort_on{segs_of(asked)}, card"
    return f"""{members_sql(asked)}
SELECT {key}, CAST(COUNT(*) AS BIGINT) AS trials, CAST(SUM(is_mature) AS BIGINT) AS mature,
       CAST(SUM(is_converted) AS BIGINT) AS converted
FROM members GROUP BY {key}"""


def days_statement(asked: Question) -> str:
    """SQL of rows (card, days from the trial's start to the first paid day, accounts)."""
    return f"""{members_sql(asked.undivided())}
SELECT card, days, CAST(COUNT(*) AS BIGINT) AS accounts
FROM members WHERE is_converted = 1 GROUP BY card, days
ORDER BY card, days"""


def _used_sql() -> str:
    """The relation `used`: (account_id, feature) of mature trials, used while the trial ran.

    The day on which a trial ends, and any from the first paid one on, are no longer the trial.
    """
    return """used AS (
    SELECT DISTINCT m.account_id, u.feature, m.is_converted
    FROM members m
    JOIN usage_days u ON u.account_id = m.account_id AND u.day >= m.started_on
         AND u.day < m.ended_on AND (m.paid_on IS NULL OR u.day < m.paid_on)
    WHERE m.is_mature = 1
)"""


def used_statement(asked: Question) -> str:
    """SQL of rows (feature, converters that used it, others that did), the most used first."""
    return f"""{members_sql(asked.undivided())},
{_used_sql()}
SELECT feature, CAST(SUM(is_converted) AS BIGINT) AS converted,
       CAST(SUM(1 - is_converted) AS BIGINT) AS others
FROM used GROUP BY feature
ORDER BY COUNT(*) DESC, feature"""


def lives_sql(asked: Question) -> str:
    """WITH and the relations up to `lives`: converted accounts and how long they stayed.

    Rows of (members' columns, left_on, end_class, months, has_left). Months are whole calendar
    months since the first paid day: for who left, those begun by the day of leaving (leaving on
    the day on which a month is full counts in it); for who stays, those that are full.
    """
    last = asked.last_whole_day
    begun = whole_months("c.paid_on", "l.left_on")
    is_full = "day(l.left_on) = least(day(c.paid_on), day(last_day(l.left_on)))"
    return f"""{members_sql(asked.undivided())},
converted AS (
    SELECT * FROM members WHERE is_converted = 1 AND paid_on <= DATE '{last}'
),
leaving AS (
    SELECT account_id, left_on, end_class
    FROM (
        SELECT c.account_id, v.day AS left_on, coalesce(v.end_class, 'unknown') AS end_class,
               row_number() OVER (PARTITION BY c.account_id ORDER BY v.day, v.last_mark) AS place
        FROM converted c
        JOIN mrr_movements v ON v.account_id = c.account_id AND v.movement = 'churned'
             AND v.day >= c.paid_on AND v.day <= DATE '{last}'
    ) ranked
    WHERE place = 1
),
lives AS (
    SELECT c.*, l.left_on, l.end_class, CASE WHEN l.left_on IS NULL THEN 0 ELSE 1 END AS has_left,
           CAST(CASE WHEN l.left_on IS NULL THEN {whole_months("c.paid_on", f"DATE '{last}'")}
                     ELSE {begun} + CASE WHEN {is_full} THEN 0 ELSE 1 END END AS BIGINT) AS months,
           CAST({whole_months("c.paid_on", f"DATE '{last}'")} AS BIGINT) AS followed
    FROM converted c
    LEFT JOIN leaving l ON l.account_id = c.account_id
)"""


def lives_statement(asked: Question) -> str:
    """SQL of rows (card, end_class, has_left, months, followed, accounts).

    Followed are the full months between the first paid day and the last day seen whole.
    """
    key = "card, end_class, has_left, months, followed"
    return f"""{lives_sql(asked)}
SELECT {key}, CAST(COUNT(*) AS BIGINT) AS accounts FROM lives GROUP BY {key}"""


PARTS = {
    "started": "1 = 1",
    "mature": "m.is_mature = 1",
    "converted": "m.is_converted = 1",
    "not_converted": "m.is_mature = 1 AND m.is_converted = 0",
    "immature": "m.is_mature = 0",
    "left": "l.has_left = 1",
    "stayed": "l.has_left = 0",
    "used": "m.is_mature = 1",
}


def accounts_statement(
    asked: Question, part: str, *, cohort: str = "", card: str = "", feature_sql: str = "",
    without_sql: str = "", within: int | None = None, end_class: str = "",
) -> str:
    """SQL of rows (account_id, started_on, ended_on, card, is_mature, is_converted, paid_on, days,
    left_on, end_class, months, followed).

    Parameters
    ----------
    feature_sql, without_sql : str
        A feature as SQL: those that used it during the trial, those that did not.
    """
    tests = [PARTS[part]]
    tests += [f"m.cohort_on = DATE '{cohort}'"] if cohort else []
    tests += [f"m.card = '{card}'"] if card else []
    if within is not None:
        tests.append(f"l.followed >= {within}")
        tests += [f"l.months <= {within}"] if part == "left" else []
    tests += [f"l.end_class = {quoted(end_class)}"] if end_class else []
    used = f",\n{_used_sql()}" if feature_sql or without_sql else ""
    on = "used u ON u.account_id = m.account_id AND u.feature IN"
    join = f"JOIN {on} ({feature_sql})" if feature_sql else ""
    if without_sql:
        join = f"LEFT JOIN {on} ({without_sql})"
        tests.append("u.account_id IS NULL")
    return f"""{lives_sql(asked)}{used}
SELECT m.account_id, m.started_on, m.ended_on, m.card, m.is_mature, m.is_converted,
       CASE WHEN m.is_converted = 1 THEN m.paid_on END AS paid_on,
       CASE WHEN m.is_converted = 1 THEN m.days END AS days, l.left_on, l.end_class, l.months,
       l.followed
FROM members m
LEFT JOIN lives l ON l.account_id = m.account_id
{join}
WHERE {" AND ".join(tests)}
ORDER BY m.account_id"""

