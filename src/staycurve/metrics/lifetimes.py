"""How long accounts have paid by the close of a period: rows of lives, and their mean.

The months are those of `cohorts riskiest` and `value lifetime`: month 1 begins on the first paid
day, an account leaves in the month that holds its last paid day, and counts until it first stops
paying. A month that is not over at the close counts for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from staycurve.metrics.context import Context
from staycurve.tables.engine import FAR, month_number


def whole_months(start: str, end: str) -> str:
    """SQL of the whole months from one day to another; the 31st turns on a month's last day."""
    return (
        f"(({month_number(end)}) - ({month_number(start)}) "
        f"- CASE WHEN day({end}) < least(day({start}), day(last_day({end}))) THEN 1 ELSE 0 END)"
    )


def _lives(context: Context) -> str:
    """Rows of (account_id, first_paid_on, left_on); `left_on` is empty for who still pays."""
    is_free = ""
    if context.config.convention("free_plan") == "active":
        is_free = " OR (items_after > 0 AND first_paid_on <= day)"
    is_paying = f"CASE WHEN after > 0{is_free} THEN 1 ELSE 0 END"
    ends = f"""SELECT account_id, day FROM mrr_movements
    WHERE day <= DATE '{context.as_of.last_day}' AND {is_paying} = 0"""
    if context.config.convention("netting") != "day":
        # Of several changes on one day the last is what the day closes with.
        ends = f"""SELECT account_id, day FROM (
        SELECT account_id, day, {is_paying} AS is_paying,
               coalesce(lead(day) OVER (PARTITION BY account_id ORDER BY day, last_mark),
                        {FAR}) AS next_day
        FROM mrr_movements
        WHERE day <= DATE '{context.as_of.last_day}'
    ) changes
    WHERE next_day > day AND is_paying = 0"""
    return f"""SELECT f.account_id, f.first_paid_on, MIN(x.day) AS left_on
FROM firsts f
LEFT JOIN (
    {ends}
) x ON x.account_id = f.account_id AND x.day >= f.first_paid_on
GROUP BY f.account_id, f.first_paid_on"""


PER_MONTH = 10**12
"""Parts of a month in which a mean is counted: integers that lose no digit that is shown."""

_LAST_PAID = "CAST(left_on - INTERVAL 1 DAY AS DATE)"
_LEFT = f"greatest({whole_months('first_paid_on', _LAST_PAID)} + 1, 1)"
_SEEN = f"greatest({whole_months('first_paid_on', 'close_on')}, 0)"


def _followed(rows: str, columns: str) -> str:
    """SQL of (…, months, has_left) from rows with first_paid_on, left_on and close_on."""
    return f"""SELECT {columns}, least(coalesce(left_month, seen_months), seen_months) AS months,
       CASE WHEN left_month <= seen_months THEN 1 ELSE 0 END AS has_left
FROM (
    SELECT {columns}, CASE WHEN left_on IS NOT NULL THEN {_LEFT} END AS left_month,
           {_SEEN} AS seen_months
    FROM ({rows}) followed
) lives"""


def life_rows(context: Context) -> str:
    """Rows of (account_id, start_on, seg…, months, has_left) of all that paid by the close."""
    segments, joins = context.segments(account="l.account_id", own={}, day="l.first_paid_on")
    columns = f"account_id, start_on{context.seg_names}"
    return _followed(
        f"""SELECT l.account_id, p.start_on{segments}, l.first_paid_on, l.left_on, p.close_on
FROM ({_lives(context)}) l
JOIN periods p ON l.first_paid_on <= p.close_on
{joins}""",
        columns,
    )


def mean_lifetimes(context: Context) -> str:
    """The restricted mean of the Kaplan-Meier curve for each period and segment.

    In parts of `PER_MONTH`, up to the longest time that anybody of the segment was followed.
    NULL where that is no whole month.
    """
    segments, joins = context.segments(account="l.account_id", own={}, day="l.first_paid_on")
    by = "".join(f", seg{place}" for place in range(context.by_count))
    key = f"start_on{by}"
    # Accounts that began and left on the same days are one row: periods multiply what is left.
    alike = f"""SELECT p.start_on{by}, a.first_paid_on, a.left_on, p.close_on, a.accounts
FROM (
    SELECT first_paid_on, left_on{by}, COUNT(*) AS accounts
    FROM (SELECT l.first_paid_on, l.left_on{segments}
          FROM ({_lives(context)}) l
          {joins}) placed
    WHERE {context.where()}
    GROUP BY first_paid_on, left_on{by}
) a
JOIN periods p ON a.first_paid_on <= p.close_on"""
    return f"""SELECT CAST(NULL AS VARCHAR) AS account_id, {key},
       CASE WHEN MAX(months) > 0 THEN CAST(floor((MIN(months)
            + SUM(exp(log_left) * (next_months - months))) * {PER_MONTH}.0 + 0.5) AS BIGINT)
       END AS mean_months
FROM (
    SELECT {key}, months, coalesce(lead(months) OVER (PARTITION BY {key} ORDER BY months), months)
           AS next_months,
           SUM(CASE WHEN gone = 0 THEN 0.0 WHEN gone = at_risk THEN -1000.0
               ELSE ln(1.0 - CAST(gone AS DOUBLE) / at_risk) END) OVER (
               PARTITION BY {key} ORDER BY months
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS log_left
    FROM (
        SELECT {key}, months, gone, SUM(accounts) OVER (
                   PARTITION BY {key} ORDER BY months DESC
                   ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS at_risk
        FROM (
            SELECT {key}, months, SUM(has_left * accounts) AS gone, SUM(accounts) AS accounts
            FROM ({_followed(alike, f"{key}, accounts")}) counted
            GROUP BY {key}, months
        ) steps
    ) risks
) curve GROUP BY {key}"""


def mean_lifetime(codes: Sequence[int]) -> int | None:
    """The same from the accounts, in parts of `PER_MONTH`; None without a whole month.

    Parameters
    ----------
    codes : sequence of int
        Of each account 2 × the months it was followed, and 1 more where it left in the last one.
    """
    months = sorted({code // 2 for code in codes})
    if not months or not months[-1]:
        return None
    area, survival = float(months[0]), 1.0
    for month, following in zip(months, [*months[1:], months[-1]], strict=True):
        at_risk = sum(1 for code in codes if code // 2 >= month)
        survival *= 1 - sum(1 for code in codes if code == 2 * month + 1) / at_risk
        area += survival * (following - month)
    return int(area * PER_MONTH + 0.5)


def shown(code: int) -> dict[str, object]:
    """One account as its row shows it."""
    return {"value": float(code // 2), "left": bool(code % 2)}
