"""Openers: the accounts that paid when a period opened, and what they pay at its close."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from staycurve.metrics.context import Context
from staycurve.metrics.mrr_relations import (
    FIRSTS_JOIN,
    free_sql,
    items_of,
    keeps_free,
    movement_rows,
    rates_at,
    transfer,
)
from staycurve.metrics.points import POINTS
from staycurve.tables.engine import FAR, quoted
from staycurve.tables.mrr_movements import value_sql

WIDE = range(4, 49)
"""For so many points days become columns: fewer are joined faster, more make a long statement."""


def opener_rows(points: str) -> Callable[[Context], str]:
    """The accounts that paid when each of `points` opened, and what they pay at its close.

    Rows of (account_id, start_on, seg…, opening, closing, has_left). Both are valued at the
    opening's rates. In a cut by an item's trait an account that moves between segments is
    neither lost nor shrunk there: what it carried over is left out on both sides.
    """

    def rows(context: Context) -> str:
        key = f"account_id, start_on, open_on{context.seg_names}"
        is_wide = len(POINTS[points](context)) in WIDE
        if is_wide and not context.moving and not keeps_free(context):
            sums = "\nUNION ALL\n".join(
                (_by_columns(context, points), _by_joins(context, points, is_abroad=True))
            )
        else:
            sums = _by_joins(context, points)
        if context.traits:
            return _carried_over(context, sums)
        return f"""SELECT {key}, opening, closing,
       CASE WHEN is_paying = 0 THEN 1 ELSE 0 END AS has_left
FROM ({sums}) summed WHERE was_paying = 1"""

    return rows


def _abroad(context: Context) -> str:
    """Accounts with an item in another currency: its value at a day depends on the period."""
    own = quoted(context.config.company.currency)
    return f"SELECT account_id FROM mrr_items WHERE currency <> {own}"


def _by_joins(context: Context, points: str, *, is_abroad: bool = False) -> str:
    """Rows of (account_id, start_on, open_on, seg…, opening, closing, was_paying, is_paying).

    Parameters
    ----------
    is_abroad : bool
        Whether only accounts with an item in another currency are meant.
    """
    items, segments, joins = items_of(context, "p.open_on")
    at_open = f"i.starts_on <= p.open_on AND coalesce(i.ends_on, {FAR}) > p.open_on"
    at_close = f"i.starts_on <= p.close_on AND coalesce(i.ends_on, {FAR}) > p.close_on"
    base = f"""SELECT i.account_id, p.start_on, p.open_on{segments},
       {value_sql(context.config, item="i", rate="x")} AS value,
       CASE WHEN {at_open} THEN 1 ELSE 0 END AS is_open,
       CASE WHEN {at_close} THEN 1 ELSE 0 END AS is_close,
       CASE WHEN i.amount > 0 {free_sql(context, "open_on")} THEN 1 ELSE 0 END AS is_paying
FROM {points} p
JOIN {items} ON i.starts_on <= p.close_on AND coalesce(i.ends_on, {FAR}) > p.open_on
{FIRSTS_JOIN if keeps_free(context) else ""}
{rates_at(points, "open_on", item="i", alias="x")}
{joins}
{f"WHERE i.account_id IN ({_abroad(context)})" if is_abroad else ""}"""
    key = f"account_id, start_on, open_on{context.seg_names}"
    return f"""SELECT {key}, SUM(is_open * value) AS opening, SUM(is_close * value) AS closing,
       MAX(is_open * is_paying) AS was_paying, MAX(is_close * is_paying) AS is_paying
FROM ({base}) standing GROUP BY {key}"""


def _by_columns(context: Context, points: str) -> str:
    """The same for accounts that pay in the company's currency alone, whose value never changes.

    What they pay on each day is a column of one pass over their items; an item that stands at
    many days would otherwise be a row for each of them.
    """
    found = POINTS[points](context)
    days = sorted({day for _start, _month, *ends in found for day in ends})
    items, segments, _joins = items_of(context, "i.starts_on")
    names = context.seg_names
    sums = ",\n       ".join(
        f"SUM(CASE WHEN i.starts_on <= DATE '{day}' AND coalesce(i.ends_on, {FAR}) > DATE '{day}' "
        f"THEN i.amount ELSE 0 END) AS at_{place}"
        for place, day in enumerate(days)
    )
    return f"""SELECT account_id, start_on, open_on{names}, opening, closing,
       CASE WHEN opening > 0 THEN 1 ELSE 0 END AS was_paying,
       CASE WHEN closing > 0 THEN 1 ELSE 0 END AS is_paying
FROM (
    SELECT w.account_id, p.start_on, p.open_on{names.replace("seg", "w.seg")},
           {_at("p.open_on", days)} AS opening, {_at("p.close_on", days)} AS closing
    FROM (
        SELECT i.account_id{segments}, {sums}
        FROM {items}
        WHERE i.amount > 0 AND NOT EXISTS (
            SELECT 1 FROM ({_abroad(context)}) f WHERE f.account_id = i.account_id)
        GROUP BY i.account_id{segments}
    ) w
    CROSS JOIN {points} p
) placed WHERE opening > 0 OR closing > 0"""


def _at(day: str, days: Sequence[dt.date]) -> str:
    """SQL of the column that holds what stands at a day."""
    cases = " ".join(f"WHEN DATE '{one}' THEN w.at_{place}" for place, one in enumerate(days))
    return f"CASE {day} {cases} END"


def base_rows(points: str) -> Callable[[Context], str]:
    """The openers and the accounts that paid for the first time since, and whether they left."""

    def rows(context: Context) -> str:
        columns = f"account_id, start_on, open_on{context.seg_names}"
        return f"""SELECT {columns}, has_left FROM ({opener_rows(points)(context)}) openers
UNION ALL
SELECT {columns},
       CASE WHEN EXISTS (SELECT 1 FROM mrr_items k WHERE k.account_id = arrivals.account_id
                AND k.amount > 0 AND k.starts_on <= arrivals.close_on
                AND coalesce(k.ends_on, {FAR}) > arrivals.close_on) THEN 0 ELSE 1 END AS has_left
FROM ({movement_rows(context, points=points)}) arrivals WHERE movement = 'new'"""

    return rows


_STEADY = "was_paying = 1 AND is_paying = 1 AND opening = closing"
"""In most periods most accounts change nothing: they need not be walked through."""


def _carried_over(context: Context, sums: str) -> str:
    """Openers cut by item traits: less what an account carried over between its segments."""
    key = f"account_id, start_on, open_on{context.seg_names}"
    same = " AND ".join(f"k.{one} = g.{one}" for one in ("account_id", "start_on", "open_on"))
    return f"""WITH summed AS ({sums}),
walked AS ({_walked(context, f"SELECT * FROM summed WHERE NOT ({_STEADY})")}),
gone AS (SELECT DISTINCT account_id, start_on, open_on FROM walked WHERE has_left = 1),
kept AS (
    SELECT DISTINCT k.account_id, k.start_on, k.open_on
    FROM summed k JOIN gone g ON {same} WHERE {_STEADY}
)
SELECT {key}, opening, closing, 0 AS has_left FROM summed WHERE {_STEADY}
UNION ALL
SELECT {", ".join(f"g.{one}" for one in key.split(", "))}, g.opening, g.closing,
       CASE WHEN k.account_id IS NULL THEN g.has_left ELSE 0 END AS has_left
FROM walked g
LEFT JOIN kept k ON {same}"""


def _walked(context: Context, changes: str) -> str:
    """The segments in which an account changed: it has left where it pays in none of them."""
    carried = transfer(
        context,
        f"""SELECT *, closing - opening AS change,
       MAX(is_paying) OVER (PARTITION BY account_id, start_on, open_on) AS account_is_paying
FROM ({changes}) summed""",
        whole="account_id, start_on, open_on",
    )
    return f"""SELECT account_id, start_on, open_on{context.seg_names}, opening,
       closing - entering + leaving AS closing,
       CASE WHEN account_is_paying = 0 THEN 1 ELSE 0 END AS has_left
FROM ({carried}) carried WHERE was_paying = 1"""
