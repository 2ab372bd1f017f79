"""What is known of each account, as stretches of days: the facts that lifecycle rules ask for.

Each relation here is SQL over the tables and the relations before it.
"""

from __future__ import annotations

from staycurve.config import Config
from staycurve.lifecycle_rules import LifecycleRules
from staycurve.tables.engine import FAR

ACTIVE_STEPS = """SELECT account_id, day, 'active' AS fact,
           CASE WHEN held > 0 THEN 1 ELSE -1 END AS step
    FROM windows WHERE (held > 0) <> (held_before > 0)"""
"""The steps of an active day in the trailing window."""

BY_DAY = "OVER (PARTITION BY account_id ORDER BY day)"


def _plus(day: str, days: int) -> str:
    return f"CAST({day} + INTERVAL {days} DAY AS DATE)"


def _seen(column: str, at: str) -> str:
    """SQL for the local day of an instant, empty where it is not seen yet."""
    day = f"{column.removesuffix('_at')}_on"
    return f"CASE WHEN {column} < {at} THEN {day} END" if at else day


def known(at: str) -> dict[str, str]:
    """Relations of what was heard of accounts: leads, sign-ups, trials and use.

    Parameters
    ----------
    at : str
        An SQL timestamp after which no facts are seen; empty for none.
    """
    return {
        "own": """SELECT account_id, root_id FROM account_roots WHERE NOT is_excluded""",
        "led": f"""SELECT r.root_id AS account_id, l.created_on,
       {_seen("qualified_at", at)} AS qualified_on,
       {_seen("demo_at", at)} AS demo_on, {_seen("trial_at", at)} AS trial_on,
       {_seen("won_at", at)} AS won_on, {_seen("lost_at", at)} AS lost_on
FROM leads l
JOIN own r ON r.account_id = l.account_id
{f"WHERE l.created_at < {at}" if at else ""}""",
        "signs": f"""
SELECT account_id, 'interested' AS fact, qualified_on AS day FROM led
UNION ALL SELECT account_id, 'interested', demo_on FROM led
UNION ALL SELECT account_id, 'interested', trial_on FROM led
UNION ALL SELECT account_id, 'interested', won_on FROM led
UNION ALL SELECT account_id, 'recent', created_on FROM led
UNION ALL
SELECT r.root_id, 'recent', a.created_on
FROM accounts a
JOIN own r ON r.account_id = a.account_id
{f"WHERE a.created_at < {at}" if at else ""}""",
        "trials_seen": f"""
SELECT account_id, started_on, ended_on FROM trials
{f"WHERE started_at < {at}" if at else ""}""",
        "used": """
SELECT account_id, month_on, days, first_day, activated_on FROM account_months
WHERE account_id IS NOT NULL""",
    }


def paid(config: Config) -> dict[str, str]:
    """Relations of paying: its stretches, and what MRR grew by in them."""
    rules = config.lifecycle
    keeps_free = config.convention("free_plan") == "active"
    is_free = " OR (items_after > 0 AND first_paid_on <= day)" if keeps_free else ""
    return {
        "changes": f"""
SELECT account_id, day, movement, amount,
       CASE WHEN after > 0{is_free} THEN 1 ELSE 0 END AS is_paying,
       lead(day) OVER (PARTITION BY account_id ORDER BY day, last_mark) AS next_day
FROM mrr_movements""",
        "flips": f"""
-- Of several changes on one day the last is what the day closes with.
SELECT account_id, day, is_paying, lag(is_paying) {BY_DAY} AS was_paying
FROM changes WHERE next_day IS NULL OR next_day > day""",
        "turns": f"""
SELECT account_id, day AS starts_on, is_paying,
       coalesce(lead(day) {BY_DAY}, {FAR}) AS ends_on
FROM flips WHERE is_paying <> coalesce(was_paying, 0)""",
        "stretches": """SELECT account_id, starts_on, ends_on FROM turns WHERE is_paying = 1""",
        "growth": f"""
-- A contraction weighs against the expansions beside it; both are forgotten together.
SELECT c.account_id, c.day,
       least({_plus("c.day", rules.expansion_days)}, s.ends_on) AS ends_on,
       CAST(SUM(CASE WHEN c.movement = 'expansion' THEN c.amount ELSE -c.amount END)
           AS HUGEINT) AS amount
FROM changes c
JOIN stretches s ON s.account_id = c.account_id AND s.starts_on <= c.day AND s.ends_on > c.day
WHERE c.movement IN ('expansion', 'contraction')
GROUP BY c.account_id, c.day, s.ends_on""",
    }


def shown(rules: LifecycleRules) -> dict[str, str]:
    """Relations of what accounts showed before they paid, and how long it counts."""
    return {
        "first_known": """
SELECT account_id, MIN(day) AS day
FROM (
    SELECT account_id, day FROM signs
    UNION ALL SELECT account_id, lost_on FROM led
    UNION ALL SELECT account_id, started_on FROM trials_seen
    UNION ALL SELECT account_id, day FROM changes
    UNION ALL SELECT account_id, first_day FROM used
) facts
WHERE day IS NOT NULL AND account_id IS NOT NULL
GROUP BY account_id""",
        "unseen": f"""
SELECT f.account_id, f.day AS starts_on,
       coalesce({_plus("b.day", rules.trailing_days - 1)}, {FAR}) AS ends_on
FROM first_known f
CROSS JOIN (SELECT MIN(first_day) AS day FROM used) b""",
        "shown": f"""
-- Paying, or being given up, ends what was shown before.
SELECT s.account_id, s.fact, s.day AS starts_on,
       least({_plus("s.day", rules.interest_days)}, coalesce(MIN(c.day), {FAR})) AS ends_on
FROM (SELECT DISTINCT account_id, fact, day FROM signs WHERE day IS NOT NULL) s
LEFT JOIN (
    SELECT account_id, starts_on AS day FROM stretches
    UNION ALL SELECT account_id, lost_on FROM led WHERE lost_on IS NOT NULL
) c ON c.account_id = s.account_id AND c.day >= s.day
GROUP BY s.account_id, s.fact, s.day""",
        "tried": f"""
SELECT t.account_id, t.started_on AS starts_on,
       least(
           CASE WHEN t.ended_on IS NULL THEN {FAR} ELSE greatest(t.ended_on,
               least({_plus("t.ended_on", rules.trial_days)}, coalesce(MIN(l.lost_on), {FAR}))
           ) END,
           coalesce(MIN(s.starts_on), {FAR})
       ) AS ends_on
FROM trials_seen t
LEFT JOIN stretches s ON s.account_id = t.account_id AND s.starts_on >= t.started_on
LEFT JOIN led l ON l.account_id = t.account_id AND l.lost_on >= t.started_on
GROUP BY t.account_id, t.started_on, t.ended_on""",
    }


def used(rules: LifecycleRules) -> dict[str, str]:
    """Relations of use: what trailing windows hold, habits, and first value."""
    return {
        "windows": _windows(rules),
        "habits": _adopted(rules),
        "activated": _activated(),
    }


def lasting(rules: LifecycleRules) -> dict[str, str]:
    """`lasting`: rows (account_id, fact, starts_on, ends_on, weight) of all facts but use."""
    return {"lasting": f"""SELECT account_id, 'paying' AS fact, starts_on, ends_on, 1 AS weight
    FROM stretches
    UNION ALL
    SELECT account_id, 'tenured', {_plus("starts_on", rules.tenure_days)}, ends_on, 1
    FROM stretches
    UNION ALL
    SELECT account_id, 'paid_before', MIN(starts_on), {FAR}, 1 FROM stretches GROUP BY account_id
    UNION ALL
    SELECT account_id, 'expanded', day, ends_on, amount FROM growth
    UNION ALL
    SELECT account_id, 'activated', day, {FAR}, 1 FROM activated
    UNION ALL
    SELECT account_id, 'untracked', starts_on, ends_on, 1 FROM unseen
    UNION ALL
    SELECT account_id, 'trialing', starts_on, ends_on, 1 FROM tried
    UNION ALL
    SELECT account_id, fact, starts_on, ends_on, 1 FROM shown"""}


def _activated() -> str:
    """SQL of rows (account_id, day): when accounts reached first value.

    Whoever made the product a habit has. An account that became known before the first loaded
    event may have reached it unseen, so any use of it counts.
    """
    return """SELECT account_id, MIN(day) AS day
    FROM (
        SELECT account_id, activated_on AS day FROM used
        UNION ALL
        SELECT account_id, day FROM habits WHERE step = 1
        UNION ALL
        SELECT u.account_id, u.first_day
        FROM used u
        JOIN first_known f ON f.account_id = u.account_id
        CROSS JOIN (SELECT MIN(first_day) AS day FROM used) b
        WHERE f.day < b.day
    ) reached WHERE day IS NOT NULL GROUP BY account_id"""


def _windows(rules: LifecycleRules) -> str:
    """SQL of the days on which the trailing window gains or loses what the rules look at.

    Rows of (account_id, day, held, held_before): active days in the window at the close of a day,
    and of the day before. A month and the one before it lie side by side in 62 bits, so a window
    of four weeks is a mask over them; a month without use still sees windows run out.
    """
    width = rules.trailing_days
    window = (1 << width) - 1
    masks = ", ".join(
        f"({before}, {n}, {window << (before + n - width + 1)}, {window << (before + n - width)})"
        for before in (28, 29, 30, 31)
        for n in range(31)
    )
    sizes = sorted({1, rules.adoption_keep_days, rules.adoption_days})
    crossed = " OR ".join(f"(held >= {size}) <> (held_before >= {size})" for size in sizes)
    month_before = "CAST(day(CAST(month_on - INTERVAL 1 DAY AS DATE)) AS INTEGER)"
    return f"""SELECT account_id, CAST(month_on + n AS DATE) AS day, held, held_before
    FROM (
        SELECT m.account_id, m.month_on, k.n, bit_count(m.bits & k.today) AS held,
               bit_count(m.bits & k.yesterday) AS held_before
        FROM (
            SELECT account_id, month_on, {month_before} AS size_before,
                   day(last_day(month_on)) AS size, before + (here << {month_before}) AS bits
            FROM (
                SELECT account_id, month_on, CAST(SUM(here) AS BIGINT) AS here,
                       CAST(SUM(before) AS BIGINT) AS before
                FROM (
                    SELECT account_id, month_on, days AS here, CAST(0 AS BIGINT) AS before
                    FROM used
                    UNION ALL
                    SELECT account_id, CAST(month_on + INTERVAL 1 MONTH AS DATE), 0, days FROM used
                ) apart GROUP BY account_id, month_on
            ) paired
        ) m
        JOIN (VALUES {masks}) AS k(size_before, n, today, yesterday)
          ON k.size_before = m.size_before AND k.n < m.size
    ) windows WHERE {crossed}"""


def _adopted(rules: LifecycleRules) -> str:
    """SQL of the steps of a habit, which is formed by more active days than keep it."""
    forms, keeps = rules.adoption_days, rules.adoption_keep_days
    return f"""SELECT account_id, day, 'adopted' AS fact, 2 * is_formed - 1 AS step
    FROM (
        SELECT account_id, day, is_formed,
               lag(is_formed) OVER (PARTITION BY account_id ORDER BY day) AS was_formed
        FROM (
            SELECT account_id, day, CASE WHEN held >= {forms} THEN 1 ELSE 0 END AS is_formed
            FROM windows
            WHERE (held >= {forms} AND held_before < {forms})
               OR (held < {keeps} AND held_before >= {keeps})
        ) turns
    ) turned WHERE is_formed <> coalesce(was_formed, 0)"""
