"""Invoice periods: what invoices bill of each item for each stretch of time, by its exact length.

Lines that begin together and last as long bill one period together. How long it is decides what
interval it bills, and clocks that were put forward or back make it no longer.
"""

from __future__ import annotations

from staycurve.money import half_even_sql
from staycurve.tables.engine import quoted
from staycurve.tables.invoice_lines import UNBILLED

MONTH_DAYS = (
    (28, 31), (59, 62), (88, 92), (120, 123), (150, 153), (181, 184), (212, 215), (242, 245),
    (273, 276), (303, 306), (334, 337),
)
"""How many days one month, two months, … eleven months have, at least and at most."""
DAY = 86400
ITEM = "account_id, subscription_id, item"
TIMES = "starts_at, starts_on, ends_at, ends_on"


def seconds(start: str, end: str) -> str:
    """SQL for whole seconds between two instants."""
    return f"(CAST(floor(epoch({end})) AS BIGINT) - CAST(floor(epoch({start})) AS BIGINT))"


def days_between(start: str, end: str) -> str:
    """SQL for whole days between two dates."""
    return f"({seconds(f'CAST({start} AS TIMESTAMP)', f'CAST({end} AS TIMESTAMP)')} // {DAY})"


def _months() -> str:
    """SQL for how many months `days` are; NULL for another length."""
    # Each year among them may be a leap year.
    years, rest = "(days // 365)", "(days % 365)"
    cases = " ".join(
        f"WHEN {rest} BETWEEN {least} AND {most} + {years} THEN 12 * {years} + {months}"
        for months, (least, most) in enumerate(MONTH_DAYS, 1)
    )
    return f"CASE WHEN {years} > 0 AND {rest} <= {years} THEN 12 * {years} {cases} END"


def lines_sql(
    condition: str = "TRUE", *, described: str = "subscriptions", relation: str = "invoice_lines"
) -> str:
    """SQL: relation `lines`, those that can count, with what they bill; to be put after WITH.

    Parameters
    ----------
    condition : str
        SQL over invoice_lines `l`.
    described : str
        A relation like subscriptions; lines of what it describes do not count.
    relation : str
        One like invoice_lines.
    """
    priced = half_even_sql(
        "(CAST(CAST(l.quantity AS DECIMAL(25,6)) * 1000000 AS HUGEINT) * l.unit_amount)", "1000000"
    )
    return f"""lines AS (
    SELECT l.line_id, l.account_id,
           coalesce(l.subscription_id, l.account_id || '/' || coalesce(l.plan, ''))
               AS subscription_id,
           coalesce(l.item_id, CASE WHEN l.kind = 'base' THEN '' ELSE l.kind END) AS item,
           coalesce(l.plan, '') AS plan, l.product, l.kind, l.currency,
           coalesce(l.is_proration, FALSE) AS is_proration,
           l.period_start AS starts_at, l.period_start_on AS starts_on,
           l.period_end AS ends_at, l.period_end_on AS ends_on,
           l.amount + coalesce(l.discount_amount, 0) AS billed,
           CASE WHEN l.discount_recurring THEN coalesce(l.discount_amount, 0) ELSE 0 END
               AS taken_off,
           CASE WHEN l.discount_recurring THEN 0 ELSE coalesce(l.discount_amount, 0) END
               AS taken_off_once,
           CASE WHEN l.quantity >= 0 AND l.unit_amount >= 0 THEN {priced} END AS priced,
           l.canceled_at, l.canceled_on
    FROM {relation} l
    WHERE l.invoice_status NOT IN ({", ".join(quoted(state) for state in UNBILLED)})
      AND l.kind <> 'one_time' AND l.amount >= 0 AND l.period_end > l.period_start
      AND NOT EXISTS (SELECT 1 FROM {described} s WHERE s.subscription_id = l.subscription_id)
      AND NOT (l.subscription_id IS NULL AND EXISTS (
          SELECT 1 FROM {described} s WHERE s.account_id = l.account_id))
      AND {condition}
)"""


def periods_sql() -> str:
    """SQL: relation `periods` over `lines`, what each period of an item bills and how long it is.

    `place` is 1 for the period that holds where several begin together.
    """
    return f"""plan_bills AS (
    SELECT {ITEM}, {TIMES}, is_proration, currency, plan, MIN(product) AS product,
           MIN(kind) AS kind, COUNT(*) AS parts, COUNT(priced) AS priced_parts,
           CAST(SUM(billed) AS BIGINT) AS billed, CAST(SUM(taken_off) AS BIGINT) AS taken_off,
           CAST(SUM(taken_off_once) AS BIGINT) AS taken_off_once,
           CAST(SUM(CASE WHEN priced IS NULL THEN billed ELSE 0 END) AS BIGINT) AS unpriced,
           CAST(SUM(CASE WHEN billed = 0 THEN 0 ELSE coalesce(priced, billed) END) AS BIGINT)
               AS charged,
           CAST(SUM(priced) AS BIGINT) AS priced, MIN(priced) AS least_priced,
           MAX(priced) AS most_priced
    FROM lines GROUP BY {ITEM}, {TIMES}, is_proration, currency, plan
),
ranked_plans AS (
    SELECT *, row_number() OVER (PARTITION BY {ITEM}, starts_at, ends_at, is_proration, currency
                  ORDER BY billed DESC, plan) AS rank
    FROM plan_bills
),
bills AS (
    SELECT {ITEM}, {TIMES}, is_proration, currency,
           MAX(CASE WHEN rank = 1 THEN plan END) AS plan,
           MAX(CASE WHEN rank = 1 THEN product END) AS product,
           MAX(CASE WHEN rank = 1 THEN kind END) AS kind,
           CAST(SUM(parts) AS BIGINT) AS parts, CAST(SUM(priced_parts) AS BIGINT) AS priced_parts,
           CAST(SUM(billed) AS BIGINT) AS billed, CAST(SUM(taken_off) AS BIGINT) AS taken_off,
           CAST(SUM(taken_off_once) AS BIGINT) AS taken_off_once,
           CAST(SUM(unpriced) AS BIGINT) AS unpriced, CAST(SUM(charged) AS BIGINT) AS charged,
           CAST(SUM(priced) AS BIGINT) AS priced, MIN(least_priced) AS least_priced,
           MAX(most_priced) AS most_priced, {seconds("starts_at", "ends_at")} AS seconds
    FROM ranked_plans GROUP BY {ITEM}, {TIMES}, is_proration, currency
),
measured AS (
    SELECT *, (seconds + {DAY // 2}) // {DAY} AS days,
           {days_between("starts_on", "ends_on")} AS local_days
    FROM bills
),
timed AS (
    SELECT {ITEM}, {TIMES}, is_proration, currency, nullif(plan, '') AS plan, product, kind,
           parts, priced_parts, billed, taken_off, taken_off_once, unpriced, priced, least_priced,
           most_priced, days, {_months()} AS months,
           -- A part that repeats the whole's unit price and quantity does not bill it again.
           CASE WHEN parts > 1 AND priced_parts = parts AND least_priced = most_priced
                     AND billed = most_priced THEN most_priced ELSE charged END AS charged,
           -- Clocks that were put forward or back make no day longer.
           CASE WHEN local_days = days AND abs(seconds - days * {DAY}) <= 3600
                     AND (seconds - days * {DAY}) % 1800 = 0
                THEN days * {DAY} ELSE seconds END AS seconds
    FROM measured
),
periods AS (
    SELECT *, row_number() OVER (PARTITION BY {ITEM}, is_proration, starts_at
                  ORDER BY ends_at DESC, currency) AS place
    FROM timed WHERE days > 0 OR (is_proration AND priced_parts = parts)
)"""
