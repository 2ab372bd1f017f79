"""Upgrades: expansion of MRR because an account took more, and which of them it came to how."""

from __future__ import annotations

import datetime as dt

from staycurve.i18n import N_
from staycurve.insights.risk.feature import Days
from staycurve.insights.risk.track import Outcome

EXPANSION = Outcome(
    N_("no account was upgraded in the days with a known outcome: there is nothing to learn"),
    N_("every account was upgraded in the days with a known outcome: there is nobody else"),
    N_("{trained} accounts were upgraded in the days to learn from and {tested} in those to test "
       "on; {least_trained} and {least_tested} are needed{when}"),
    N_(": in about {months} months, at this pace"),
)
"""Expansion of an account that pays on a day."""

WAYS = {
    "plan": N_("A higher plan"), "seats": N_("More seats or units"), "item": N_("Another item"),
}
"""How MRR grows. A discount that ends, a price that rises and metered usage, which goes up and down
by itself, are no upgrade."""


def steps_sql(until: dt.date, since: dt.date | None = None) -> str:
    """SQL of the steps up of subscription items, up to a day.

    Rows of (account_id, day, way, plan, before_plan, product, quantity, before_quantity): a span
    that begins with another plan, with a larger quantity, or as a new item, on a day on which the
    account's MRR expanded. A span whose quantity is not known and that bills more counts as more
    units. One subscription that takes over from another on the same day is a new plan, or more
    units, as the two differ.
    """
    from_on = f"AND s.starts_on > DATE '{since}'" if since else ""
    return f"""SELECT s.account_id, s.starts_on AS day,
       CASE WHEN s.before_plan IS NULL AND s.before_amount IS NULL THEN 'item'
            WHEN s.plan IS DISTINCT FROM s.before_plan THEN 'plan'
            ELSE 'seats' END AS way,
       s.plan, s.before_plan, s.product, s.kind, s.quantity, s.before_quantity, s.amount,
       s.before_amount
FROM (
    SELECT i.account_id, i.starts_on, i.plan, i.product, i.kind, i.amount, i.quantity,
           coalesce(i.own_plan, r.plan) AS before_plan,
           coalesce(i.own_amount, r.amount) AS before_amount,
           coalesce(i.own_quantity, r.quantity) AS before_quantity
    FROM ({_spans_sql("lag")}) i
    LEFT JOIN (
        SELECT account_id, ends_on, kind, product, MAX(plan) AS plan, SUM(amount) AS amount,
               SUM(quantity) AS quantity
        FROM ({_spans_sql("lead")}) gone
        WHERE next_on IS NULL OR next_on > ends_on
        GROUP BY account_id, ends_on, kind, product
        HAVING COUNT(*) = 1
    ) r ON i.own_amount IS NULL AND r.account_id = i.account_id AND r.ends_on = i.starts_on
       AND r.kind IS NOT DISTINCT FROM i.kind AND r.product IS NOT DISTINCT FROM i.product
    WHERE i.starts_on <= DATE '{until}'
) s
JOIN mrr_movements m ON m.account_id = s.account_id AND m.movement = 'expansion'
 AND m.first_day <= s.starts_on AND m.day >= s.starts_on
WHERE s.amount > 0 {from_on}
  AND (s.before_amount IS NULL OR s.plan IS DISTINCT FROM s.before_plan
       OR s.quantity > s.before_quantity
       OR ((s.quantity IS NULL OR s.before_quantity IS NULL) AND s.amount > s.before_amount))"""


def _spans_sql(side: str) -> str:
    """SQL of the items that bill something, each with the span before it, or with the next day.

    A span follows another of its item where the two touch; after a gap it is a new item.
    """
    over = (
        "(PARTITION BY i.account_id, i.subscription_id, coalesce(i.item_id, '') "
        "ORDER BY i.starts_at)"
    )
    if side == "lag":
        def own(name: str) -> str:
            return (
                f"CASE WHEN lag(i.ends_on) OVER {over} >= i.starts_on "
                f"THEN lag({name}) OVER {over} END"
            )

        more = (
            f"{own('i.plan')} AS own_plan, {own('i.amount')} AS own_amount, "
            f"{own('s.quantity')} AS own_quantity"
        )
    else:
        more = f"lead(i.starts_on) OVER {over} AS next_on"
    return f"""SELECT i.account_id, i.starts_on, i.ends_on, i.plan, i.product, i.kind, i.amount,
               s.quantity, {more}
        FROM mrr_items i
        LEFT JOIN (
            SELECT subscription_id, starts_at, coalesce(item_id, '') AS item,
                   MAX(CAST(quantity AS DOUBLE)) AS quantity
            FROM subscriptions GROUP BY subscription_id, starts_at, coalesce(item_id, '')
        ) s ON s.subscription_id = i.subscription_id AND s.starts_at = i.starts_at
           AND s.item = coalesce(i.item_id, '')
        WHERE i.amount > 0 AND i.kind IS DISTINCT FROM 'metered'"""


def expansions_sql(days: Days, horizon: int) -> str:
    """SQL of who is upgraded within the horizon: (account_id, day, left_on), the first day of it.

    A label of day D looks at (D, D + horizon]; its columns are those of `leavers_sql`.
    """
    until = max(days) + dt.timedelta(days=horizon)
    return f"""SELECT u.account_id, d.day, MIN(u.day) AS left_on
FROM ({steps_sql(until, min(days))}) u
JOIN ({_windows_sql(days, horizon)}) d ON u.day > d.day AND u.day <= d.until
GROUP BY u.account_id, d.day
ORDER BY d.day, u.account_id"""


def gained_sql(days: Days, horizon: int) -> str:
    """SQL of the expansion MRR of upgrades within the horizon: (account_id, day, gained), in
    micro-units.

    As in MRR movements: what nets with the step counts with it, and a contraction or churn that
    follows takes nothing away.
    """
    until = max(days) + dt.timedelta(days=horizon)
    return f"""SELECT g.account_id, d.day, CAST(SUM(g.amount) AS BIGINT) AS gained
FROM (
    SELECT s.account_id, m.day AS moved_on, m.last_mark, MIN(s.day) AS day, MAX(m.amount) AS amount
    FROM ({steps_sql(until, min(days))}) s
    JOIN mrr_movements m ON m.account_id = s.account_id AND m.movement = 'expansion'
     AND m.first_day <= s.day AND m.day >= s.day
    GROUP BY s.account_id, m.day, m.last_mark
) g
JOIN ({_windows_sql(days, horizon)}) d ON g.day > d.day AND g.day <= d.until
GROUP BY g.account_id, d.day
ORDER BY d.day, g.account_id"""


def _windows_sql(days: Days, horizon: int) -> str:
    listed = ", ".join(
        f"(DATE '{day}', DATE '{day + dt.timedelta(days=horizon)}')" for day in days
    )
    return f"""SELECT CAST(day AS DATE) AS day, CAST(until AS DATE) AS until
    FROM (VALUES {listed}) AS v(day, until)"""
