"""Sums of MRR over all accounts, from what changed instead of from what stands.

What stands at a day is the sum of everything that began up to it less everything that ended, and
most accounts change in few periods. So totals need no row for each account and period; the rows of
mrr_relations do, and give the same sums. Both ways are compared in tests/invariants.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from staycurve.metrics.context import Context
from staycurve.metrics.dimensions import MOVEMENT_COHORT
from staycurve.metrics.mrr_relations import ITEM_COLUMNS, rates_at
from staycurve.tables.engine import FAR, month_number, quoted
from staycurve.tables.mrr_movements import rate_join, value_sql


def has_still_segments(context: Context) -> bool:
    """Whether no asked dimension changes with time."""
    return not context.moving


def follows_accounts(context: Context) -> bool:
    """Whether the ledger's own movements tell who pays: not within items, nor inside a month."""
    nets_months = context.config.convention("netting") == "month"
    return (
        not context.moving
        and not context.traits
        and not (nets_months and context.grain in ("day", "week"))
    )


def counts_openers(context: Context) -> bool:
    """As `follows_accounts`, where only MRR makes a customer."""
    return follows_accounts(context) and context.config.convention("free_plan") == "churn"


def _has_month_ends(context: Context) -> bool:
    """Whether every day that is asked for is the last of a month."""
    one = dt.timedelta(days=1)
    ends = [context.close_on(period) for period in context.periods]
    opens = [period.start - one for period in context.periods]
    return all((day + one).day == 1 for day in (*ends, *opens))


def _month_end(day: str) -> str:
    return f"CAST(date_trunc('month', {day}) + INTERVAL 1 MONTH - INTERVAL 1 DAY AS DATE)"


def value_edges(context: Context) -> str:
    """SQL of `value_edges`: by segment and amount, how many stand from `day` on, to `until`."""
    own = quoted(context.config.company.currency)
    segments, joins = context.segments(account="i.account_id", own=ITEM_COLUMNS)
    seg = context.seg_names
    # A foreign item keeps its amount, so that each is valued and rounded as by itself.
    spans = f"""SELECT i.starts_on, i.ends_on, i.currency,
                   CASE WHEN i.currency = {own} THEN 1 ELSE i.amount END AS amount,
                   CASE WHEN i.currency = {own} THEN i.amount ELSE 1 END AS many{segments}
            FROM mrr_items i
            {joins}
            WHERE i.amount > 0 AND (i.ends_on IS NULL OR i.ends_on > i.starts_on)
            AND {context.item_where("i")}"""
    starts, ends = "s.starts_on", "s.ends_on"
    if _has_month_ends(context):
        spans = f"""SELECT {month_number("starts_on")} AS starts_in,
                   {month_number("ends_on")} AS ends_in,
                   currency, amount{seg}, MAX(starts_on) AS starts_on, MAX(ends_on) AS ends_on,
                   SUM(many) AS many
            FROM ({spans}) i GROUP BY ALL"""
        starts, ends = _month_end(starts), _month_end(ends)
    same = f"PARTITION BY currency, amount{seg} ORDER BY day"
    return f"""SELECT day{seg}, currency, amount, many, coalesce(until, {FAR}) AS until
FROM (
    SELECT *, SUM(change) OVER ({same}
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS many,
           lead(day) OVER ({same}) AS until
    FROM (
        SELECT CASE WHEN sides.sign = 1 THEN {starts} ELSE {ends} END AS day{seg},
               s.currency, s.amount, SUM(sides.sign * s.many) AS change
        FROM ({spans}) s
        CROSS JOIN (VALUES (1), (-1)) AS sides(sign)
        WHERE sides.sign = 1 OR s.ends_on IS NOT NULL
        GROUP BY ALL
    ) changes
) running WHERE many <> 0"""


def value_totals(points: str, point: str) -> Callable[[Context], str]:
    """Rows of (start_on, seg…, value) that sum to the MRR at a day of each of `points`.

    They read the shared relation `value_edges`.
    """

    def rows(context: Context) -> str:
        return f"""SELECT p.start_on{_prefixed(context, "e")},
       CAST(e.many AS HUGEINT) * {value_sql(context.config, item="e", rate="x")} AS value
FROM {points} p
JOIN value_edges e ON e.day <= p.{point} AND e.until > p.{point}
{rates_at(points, point, item="e", alias="x")}"""

    return rows


def _prefixed(context: Context, alias: str) -> str:
    return context.seg_names.replace(", ", f", {alias}.")


def payer_totals(points: str, point: str) -> Callable[[Context], str]:
    """Rows of (start_on, seg…, change) that sum to the accounts that pay at a day of `points`."""

    def rows(context: Context) -> str:
        segments, joins = context.segments(account="v.account_id", own=MOVEMENT_COHORT)
        turns = f"""SELECT v.day{segments},
           CASE WHEN v.movement = 'churned' THEN -1 ELSE 1 END AS change
    FROM mrr_movements v
    {joins}
    WHERE v.movement IN ('new', 'reactivation', 'churned')"""
        seg = context.seg_names
        if _has_month_ends(context):
            turns = f"""SELECT {_month_end("day")} AS day{seg}, change FROM (
        SELECT {month_number("day")} AS turned_in{seg}, MAX(day) AS day, SUM(change) AS change
        FROM ({turns}) turns GROUP BY ALL
    ) turns"""
        else:
            turns = f"SELECT day{seg}, SUM(change) AS change FROM ({turns}) turns GROUP BY ALL"
        return f"""SELECT p.start_on{_prefixed(context, "e")}, e.change
FROM {points} p
JOIN ({turns}) e ON e.day <= p.{point}"""

    return rows


def opener_totals(points: str) -> Callable[[Context], str]:
    """Rows of (start_on, seg…, opening, closing, least, accounts, lost, grown).

    They sum over the accounts that paid when each of `points` opened: what stood at the opening,
    and for each account that changed since, the difference that it makes at the close.
    """

    def rows(context: Context) -> str:
        seg = context.seg_names
        return f"""SELECT start_on{seg}, value AS opening, value AS closing, value AS least,
       0 AS accounts, 0 AS lost, 0 AS grown
FROM ({value_totals(points, "open_on")(context)}) standing
UNION ALL
SELECT start_on{seg}, 0, 0, 0, change, 0, 0
FROM ({payer_totals(points, "open_on")(context)}) payers
UNION ALL
SELECT start_on{seg}, 0, closing - opening, least(opening, closing) - opening, 0,
       CASE WHEN closing = 0 THEN 1 ELSE 0 END, CASE WHEN closing > opening THEN 1 ELSE 0 END
FROM ({_changed(context, points)}
UNION ALL
{_changed_abroad(context, points)}) changed
WHERE opening > 0"""

    return rows


def _abroad(context: Context) -> str:
    """Accounts with an item in a foreign currency: their ends are valued at the opening's rate."""
    own = quoted(context.config.company.currency)
    return f"SELECT account_id FROM mrr_items WHERE currency <> {own}"


def _changed(context: Context, points: str) -> str:
    segments, joins = context.segments(account="v.account_id", own=MOVEMENT_COHORT)
    seg = context.seg_names
    whole = "PARTITION BY v.account_id, p.open_on"
    return f"""SELECT account_id, start_on, open_on{seg},
       SUM(CASE WHEN from_first = 1 THEN before ELSE 0 END) AS opening,
       SUM(CASE WHEN from_last = 1 THEN after ELSE 0 END) AS closing
FROM (
    SELECT v.account_id, p.start_on, p.open_on{segments}, v.before, v.after,
           row_number() OVER ({whole} ORDER BY v.day, v.last_mark) AS from_first,
           row_number() OVER ({whole} ORDER BY v.day DESC, v.last_mark DESC) AS from_last
    FROM mrr_movements v
    {context.join_period("v.day", periods=points)}
    {joins}
    WHERE v.movement <> 'none' AND NOT EXISTS (
        SELECT 1 FROM ({_abroad(context)}) f WHERE f.account_id = v.account_id)
) placed
GROUP BY account_id, start_on, open_on{seg}"""


def _changed_abroad(context: Context, points: str) -> str:
    segments, joins = context.segments(account="v.account_id", own=MOVEMENT_COHORT)
    value = value_sql(context.config, item="i", rate="x")
    at_open = f"i.starts_on <= c.open_on AND coalesce(i.ends_on, {FAR}) > c.open_on"
    at_close = f"i.starts_on <= c.close_on AND coalesce(i.ends_on, {FAR}) > c.close_on"
    return f"""SELECT c.account_id, c.start_on, c.open_on{_prefixed(context, "c")},
       SUM(CASE WHEN {at_open} THEN {value} ELSE 0 END) AS opening,
       SUM(CASE WHEN {at_close} THEN {value} ELSE 0 END) AS closing
FROM (
    SELECT DISTINCT v.account_id, p.start_on, p.open_on, p.close_on{segments}
    FROM mrr_movements v
    {context.join_period("v.day", periods=points)}
    {joins}
    WHERE v.movement <> 'none' AND v.account_id IN ({_abroad(context)})
) c
JOIN mrr_items i ON i.account_id = c.account_id
{rate_join(item="i", day="c.open_on", rate="x")}
GROUP BY c.account_id, c.start_on, c.open_on{_prefixed(context, "c")}"""
