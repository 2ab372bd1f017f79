"""Rows of MRR: what stands at a period's ends, what moved, and the accounts it opened with."""

from __future__ import annotations

from collections.abc import Callable

from staycurve.metrics.context import Context
from staycurve.metrics.dimensions import ITEM_TRAITS, MOVEMENT_COHORT
from staycurve.tables.engine import FAR
from staycurve.tables.mrr_movements import (
    in_force_after,
    in_force_before,
    marks_sql,
    rate_join,
    value_sql,
)

ITEM_COLUMNS = {trait: f'i."{trait}"' for trait in ITEM_TRAITS}
FIRSTS_JOIN = "LEFT JOIN firsts h ON h.account_id = i.account_id"


def items_of(context: Context, day: str) -> tuple[str, str, str]:
    """SQL of the items `i`, of their segment columns, and of the joins that these need.

    What does not change with time is joined to items, of which there are few, and not to what
    stands in each period.
    """
    chosen = f"WHERE {context.chosen('i.account_id')}"
    segments, joins = context.segments(account="i.account_id", own=ITEM_COLUMNS, day=day)
    if not context.dims:
        return "mrr_items i", segments, joins
    if context.moving:
        return f"(SELECT i.* FROM mrr_items i\n{chosen}) i", segments, joins
    columns = "".join(f", i.seg{place}" for place in range(len(context.dims)))
    return f"(SELECT i.*{segments} FROM mrr_items i\n{joins}\n{chosen}) i", columns, ""


def rates_at(points: str, point: str, *, item: str, alias: str) -> str:
    """SQL that joins the rates at a day of the joined row `p` of `points`.

    They are looked up once for a currency and a day, not for each amount.
    """
    return f"""LEFT JOIN (
    SELECT c.point_on, c.currency, x.rate
    FROM (
        SELECT DISTINCT q.{point} AS point_on, b.currency FROM {points} q CROSS JOIN fx_bounds b
    ) c
    {rate_join(item="c", day="c.point_on", rate="x")}
) {alias} ON {alias}.currency = {item}.currency AND {alias}.point_on = p.{point}"""


def _standing(
    context: Context, *, points: str, point: str, is_counting: bool = False, history: str = ""
) -> str:
    """Items in force at the close of a day of each period, valued that day."""
    items, segments, joins = items_of(context, f"p.{point}")
    paying = (
        f"CASE WHEN i.amount > 0 {free_sql(context, point)} THEN 1 ELSE 0 END AS is_paying,"
        if is_counting
        else ""
    )
    return f"""SELECT i.account_id, p.start_on{segments},
       {value_sql(context.config, item="i", rate="x")} AS value,
       {paying}
       CASE WHEN i.requested_on <= p.{point} OR (i.own_requested_on <= p.{point}
                 AND i.followed_on > DATE '{context.as_of.last_day}')
            THEN 1 ELSE 0 END AS is_requested,
       i.is_contracted, p.{point} AS point_on{history}
FROM {points} p
JOIN {items} ON i.starts_on <= p.{point} AND coalesce(i.ends_on, {FAR}) > p.{point}
{FIRSTS_JOIN if history or (is_counting and keeps_free(context)) else ""}
{rates_at(points, point, item="i", alias="x")}
{joins}"""


def history_rows(context: Context) -> str:
    """What stands at each period's close, and whether its account first paid in an earlier one."""
    first = ", CASE WHEN h.first_paid_on < p.start_on THEN 1 ELSE 0 END AS is_from_history"
    return _standing(context, points="periods", point="close_on", history=first)


def keeps_free(context: Context) -> bool:
    return context.config.convention("free_plan") == "active"


def free_sql(context: Context, point: str) -> str:
    """SQL that lets an account that has paid before, and is now on a free plan, count."""
    return f"OR h.first_paid_on <= p.{point}" if keeps_free(context) else ""


def standing_rows(
    points: str, point: str = "close_on", *, is_counting: bool = False
) -> Callable[[Context], str]:
    """What stands at a day of each of `points`: 'periods', or the 'months' in them.

    Parameters
    ----------
    is_counting : bool
        Whether rows say who is a customer, as `is_paying`; value needs no such thing.
    """

    def rows(context: Context) -> str:
        return _standing(context, points=points, point=point, is_counting=is_counting)

    return rows


def transfer(context: Context, changes: str, *, whole: str) -> str:
    """Add `entering` and `leaving` to rows of changes per segment.

    What one segment loses and another gains at once is a move, not a movement. The move is shared
    out in proportion, in whole micro-units, walking the segments in order, so that entering and
    leaving are equal and the rest sums to the account's own movement.
    """
    order = ", ".join(f"{context.seg(dim)} NULLS FIRST" for dim in context.dims)
    walk = f"PARTITION BY {whole} ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    big = "CAST({} AS HUGEINT)"
    return f"""SELECT *,
       CASE WHEN change > 0 THEN CAST({big.format("up_to")} * moved // ups
                 - {big.format("(up_to - change)")} * moved // ups AS BIGINT)
            ELSE 0 END AS entering,
       CASE WHEN change < 0 THEN CAST({big.format("down_to")} * moved // downs
                 - {big.format("(down_to + change)")} * moved // downs AS BIGINT)
            ELSE 0 END AS leaving
FROM (
    SELECT *, least(ups, downs) AS moved
    FROM (
        SELECT *,
               SUM(greatest(change, 0)) OVER (PARTITION BY {whole}) AS ups,
               SUM(greatest(-change, 0)) OVER (PARTITION BY {whole}) AS downs,
               SUM(greatest(change, 0)) OVER ({walk}) AS up_to,
               SUM(greatest(-change, 0)) OVER ({walk}) AS down_to
        FROM ({changes}) changes
    ) walked
) shared"""


def movement_rows(context: Context, *, points: str = "periods") -> str:
    """Movements in each period: (account_id, start_on, …, seg…, movement, amount, end_class)."""
    if context.traits:
        rows = _cut_by_traits(context, points)
    else:
        segments, joins = context.segments(
            account="v.account_id",
            own=MOVEMENT_COHORT,
            day="v.day",
            fallback_day=_day_before("v.day"),
        )
        rows = f"""SELECT v.account_id, p.start_on, p.open_on, p.close_on{segments}, v.movement,
       v.amount, v.end_class
FROM mrr_movements v
{context.join_period("v.day", periods=points)}
{joins}
WHERE v.movement <> 'none'"""
    if context.moving:
        rows += f"\nUNION ALL\n{_transitions(context, points)}"
    return rows


def _day_before(day: str) -> str:
    return f"CAST({day} - INTERVAL 1 DAY AS DATE)"


def _cut_by_traits(context: Context, points: str) -> str:
    segments, joins = context.segments(
        account="i.account_id", own=ITEM_COLUMNS, day="g.day", fallback_day=_day_before("g.day")
    )
    group = "account_id, day, last_mark"
    placed = f"start_on, open_on, close_on{context.seg_names}"
    standing = f"""SELECT g.account_id, g.day, g.last_mark, g.movement, g.end_class,
       p.start_on, p.open_on, p.close_on{segments},
       CASE WHEN {in_force_before("i", "g")} THEN 1 ELSE 0 END AS is_before,
       CASE WHEN {in_force_after("i", "g")} THEN 1 ELSE 0 END AS is_after,
       {value_sql(context.config, item="i", rate="x")} AS value
FROM mrr_movements g
{context.join_period("g.day", periods=points)}
JOIN ({marks_sql(context.config)}) i ON i.account_id = g.account_id AND i.starts_on <= g.day
     AND coalesce(i.ends_on, {FAR}) >= g.first_day
{rate_join(item="i", day="g.day", rate="x")}
{joins}
WHERE {context.chosen("g.account_id")}"""
    changes = f"""SELECT {group}, movement, end_class, {placed},
       CAST(SUM(is_after * value) - SUM(is_before * value) AS BIGINT) AS change
FROM ({standing}) standing GROUP BY {group}, movement, end_class, {placed}"""
    parts = transfer(context, changes, whole=group)
    columns = f"account_id, {placed}"
    # A customer on a free plan leaves without any MRR.
    free_churn = (
        "OR (movement = 'churned' AND change = 0)"
        if context.config.convention("free_plan") == "active"
        else ""
    )
    # One walk over the parts: a union of three would compute them once for each.
    return f"""SELECT {columns},
       CASE side WHEN 'own' THEN parts.movement ELSE side END AS movement,
       CASE side WHEN 'own' THEN abs(change) - entering - leaving
                 WHEN 'entering' THEN entering ELSE leaving END AS amount,
       CASE WHEN side = 'own' THEN end_class END AS end_class
FROM ({parts}) parts
CROSS JOIN (VALUES ('own'), ('entering'), ('leaving')) AS sides(side)
WHERE CASE side
      WHEN 'own' THEN movement <> 'none' AND (abs(change) > entering + leaving {free_churn})
      WHEN 'entering' THEN entering > 0 ELSE leaving > 0 END"""


def _transitions(context: Context, points: str) -> str:
    """Standing MRR that changes segment because the account's own value of a dimension did."""
    turns = " UNION ".join(
        f"SELECT account_id, starts_on AS day FROM moving_{dim}" for dim in context.moving
    )

    def side(day: str, movement: str) -> str:
        segments, joins = context.segments(account="i.account_id", own=ITEM_COLUMNS, day=day)
        others = context.segments(
            account="i.account_id",
            own=ITEM_COLUMNS,
            day="t.day" if movement == "leaving" else _day_before("t.day"),
        )
        # The other side's values decide whether anything changed at all.
        other_joins = others[1].replace("seg", "other")
        names = [context.seg(dim) + "a" for dim in context.moving]
        changed = " OR ".join(f"{n}.value <> {n.replace('seg', 'other')}.value" for n in names)
        both = " AND ".join(
            f"{n}.value IS NOT NULL AND {n.replace('seg', 'other')}.value IS NOT NULL"
            for n in names
        )
        return f"""SELECT i.account_id, p.start_on, p.open_on, p.close_on{segments},
       '{movement}' AS movement,
       {value_sql(context.config, item="i", rate="x")} AS amount, NULL AS end_class
FROM ({turns}) t
{context.join_period("t.day", periods=points)}
JOIN mrr_items i ON i.account_id = t.account_id AND i.starts_on < t.day
     AND coalesce(i.ends_on, {FAR}) >= t.day
{rate_join(item="i", day="t.day", rate="x")}
{joins}
{other_joins}
WHERE ({both}) AND ({changed})"""

    return side(_day_before("t.day"), "leaving") + "\nUNION ALL\n" + side("t.day", "entering")
