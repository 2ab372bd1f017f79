"""Blocks of features about usage: how often, how broadly, by whom, and how near to a limit."""

from __future__ import annotations

from staycurve.config import Config
from staycurve.insights.account.facts_sql import TRAILING
from staycurve.insights.risk.feature import LONGEST, Block, Days, days_between, known_from
from staycurve.insights.risk.reads import USED
from staycurve.tables.engine import quoted

_LAST_BIT = "floor(log2(CAST({0} AS DOUBLE) + 0.5))"
"""The place of a month's highest bit; the half keeps powers of two off the edge of rounding."""

_SEEN = """LEFT JOIN (
    SELECT account_id, MIN(first_day) AS seen_on FROM account_months GROUP BY account_id
) s ON s.account_id = b.account_id
"""


def _usage(config: Config, days: Days) -> str:
    del config, days
    # An account that was never seen may not be instrumented: that is unknown, not idle.
    return f"""
SELECT b.account_id, b.day,
       CASE WHEN {_told(TRAILING)} THEN coalesce(u.active28, 0) END AS active_days,
       CASE WHEN {_told(2 * TRAILING)} THEN coalesce(u.active28, 0) - coalesce(u.active56, 0)
       END AS active_days_change,
       CASE WHEN {_told(1)} THEN coalesce({days_between("u.last_on", "b.day")}, {LONGEST})
       END AS days_inactive,
       CASE WHEN {_told(LONGEST)} AND u.active90 >= 4 THEN
           CAST({days_between("u.last_on", "b.day")} AS DOUBLE) * u.active90 / {LONGEST}
       END AS engagement_gap
FROM base b
LEFT JOIN (
    SELECT m.account_id, w.day,
           CAST(SUM(bit_count(m.days & w.last28)) AS BIGINT) AS active28,
           CAST(SUM(bit_count(m.days & w.prior28)) AS BIGINT) AS active56,
           CAST(SUM(bit_count(m.days & w.last90)) AS BIGINT) AS active90,
           MAX(CASE WHEN (m.days & w.last90) > 0 THEN CAST(m.month_on
               + CAST({_LAST_BIT.format("(m.days & w.last90)")} AS INTEGER) AS DATE) END) AS last_on
    FROM account_months m
    JOIN windows w ON w.month_on = m.month_on
    GROUP BY m.account_id, w.day
) u ON u.account_id = b.account_id AND u.day = b.day
{_SEEN}"""


def _told(least: int) -> str:
    return f"s.seen_on <= b.day AND {known_from('account_months', least - 1)}"


def _breadth(config: Config, days: Days) -> str:
    del config, days
    return f"""
SELECT b.account_id, b.day,
       CASE WHEN {_told(TRAILING)} THEN coalesce(u.features28, 0) END AS features_used,
       CASE WHEN {_told(2 * TRAILING)} THEN coalesce(u.features28, 0) - coalesce(u.features56, 0)
       END AS features_change
FROM base b
LEFT JOIN (
    SELECT account_id, day,
           CAST(SUM(CASE WHEN last28 > 0 THEN 1 ELSE 0 END) AS BIGINT) AS features28,
           CAST(SUM(CASE WHEN prior28 > 0 THEN 1 ELSE 0 END) AS BIGINT) AS features56
    FROM (
        SELECT m.account_id, w.day, m.feature, SUM(bit_count(m.days & w.last28)) AS last28,
               SUM(bit_count(m.days & w.prior28)) AS prior28
        FROM feature_months m
        JOIN windows w ON w.month_on = m.month_on
        GROUP BY m.account_id, w.day, m.feature
    ) features
    GROUP BY account_id, day
) u ON u.account_id = b.account_id AND u.day = b.day
{_SEEN}"""


def _volume(config: Config, days: Days) -> str:
    del config, days
    # Months of bits know on which days, not how much: a product that is used daily by everybody
    # tells accounts apart by that alone.
    first = f"u.day > CAST(d.day - INTERVAL {TRAILING} DAY AS DATE)"
    return f"""
SELECT b.account_id, b.day,
       CASE WHEN {_told(TRAILING)} THEN coalesce(u.uses28, 0) END AS uses,
       CASE WHEN {_told(2 * TRAILING)} AND u.uses56 > 0
            THEN CAST(u.uses28 AS DOUBLE) / u.uses56 - 1 END AS uses_change
FROM base b
LEFT JOIN (
    SELECT u.account_id, d.day,
           CAST(SUM(CASE WHEN {first} THEN u.uses ELSE 0 END) AS BIGINT) AS uses28,
           CAST(SUM(CASE WHEN {first} THEN 0 ELSE u.uses END) AS BIGINT) AS uses56
    FROM usage_days u
    JOIN days d ON u.day <= d.day
        AND u.day > CAST(d.day - INTERVAL {2 * TRAILING} DAY AS DATE)
    WHERE u.is_active AND u.account_id IS NOT NULL
    GROUP BY u.account_id, d.day
) u ON u.account_id = b.account_id AND u.day = b.day
{_SEEN}"""


def _users(config: Config, days: Days) -> str:
    del config, days
    return f"""
SELECT b.account_id, b.day,
       CASE WHEN {_told(TRAILING)} AND u.account_id IS NOT NULL THEN u.users28 END AS active_users,
       CASE WHEN {_told(2 * TRAILING)} AND u.account_id IS NOT NULL THEN u.users28 - u.users56
       END AS active_users_change,
       CASE WHEN {_told(2 * TRAILING)} AND u.account_id IS NOT NULL THEN u.gone
       END AS users_gone
FROM base b
LEFT JOIN (
    SELECT account_id, day,
           CAST(SUM(CASE WHEN last28 > 0 THEN 1 ELSE 0 END) AS BIGINT) AS users28,
           CAST(SUM(CASE WHEN prior28 > 0 THEN 1 ELSE 0 END) AS BIGINT) AS users56,
           CAST(SUM(CASE WHEN prior28 > 0 AND last28 = 0 THEN 1 ELSE 0 END) AS BIGINT) AS gone
    FROM (
        SELECT m.account_id, w.day, m.user_id, SUM(bit_count(m.days & w.last28)) AS last28,
               SUM(bit_count(m.days & w.prior28)) AS prior28
        FROM user_months m
        JOIN windows w ON w.month_on = m.month_on
        WHERE m.account_id IS NOT NULL
        GROUP BY m.account_id, w.day, m.user_id
    ) each_user
    GROUP BY account_id, day
) u ON u.account_id = b.account_id AND u.day = b.day
{_SEEN}"""


def _limits(config: Config, days: Days) -> str:
    stated = config.behaviour.limits
    if not stated:
        return """
SELECT account_id, day, CAST(NULL AS DOUBLE) AS limit_share FROM base WHERE 1 = 0
"""
    del days
    rows = ", ".join(
        f"({quoted(one.feature)}, {quoted(one.plan)}, {int(one.allowance)})" for one in stated
    )
    # A plan's own allowance goes before that of every plan, as in `features limits`.
    return f"""
SELECT b.account_id, b.day,
       MAX(CAST(u.uses AS DOUBLE) / nullif(coalesce(o.allowance, e.allowance), 0)) AS limit_share
FROM base b
JOIN (
    SELECT d.day, u.account_id, u.feature, CAST(SUM(u.uses) AS BIGINT) AS uses
    FROM usage_days u
    JOIN days d ON u.day <= d.day AND u.day > CAST(d.day - INTERVAL 30 DAY AS DATE)
    WHERE u.feature IN ({", ".join(sorted({quoted(one.feature) for one in stated}))})
    GROUP BY d.day, u.account_id, u.feature
) u ON u.account_id = b.account_id AND u.day = b.day
LEFT JOIN (SELECT * FROM (VALUES {rows}) AS v(feature, plan, allowance)) o
  ON o.feature = u.feature AND o.plan = b.plan AND o.plan <> ''
LEFT JOIN (SELECT * FROM (VALUES {rows}) AS v(feature, plan, allowance)) e
  ON e.feature = u.feature AND e.plan = ''
GROUP BY b.account_id, b.day
"""


def _onboarding(config: Config, days: Days) -> str:
    del config, days
    return f"""
SELECT b.account_id, b.day,
       CASE WHEN {_told(1)} THEN CASE WHEN a.activated_on <= b.day THEN 0
            ELSE {days_between("b.first_paid_on", "b.day")} END END AS days_not_activated
FROM base b
LEFT JOIN (
    SELECT account_id, MIN(activated_on) AS activated_on, MIN(first_day) AS seen_on
    FROM account_months GROUP BY account_id
) a ON a.account_id = b.account_id
{_SEEN}"""


USAGE = Block("usage", _usage, (USED,))
BREADTH = Block("breadth", _breadth, (USED,))
VOLUME = Block("volume", _volume, (USED,))
USERS = Block("active_people", _users, (USED,))
LIMITS = Block("limit_use", _limits, (USED,))
ONBOARDING = Block("onboarding", _onboarding, (USED,))
