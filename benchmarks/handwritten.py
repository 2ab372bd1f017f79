"""The figures that staycurve is compared with: SQL written by hand for this one question.

It knows less than staycurve does, on purpose: one currency, netting by day, no trials, no past-due
grace, no pauses, no filters, no as-of inside the data. It takes every shortcut that this allows:
figures at the month's close come from running sums of the day's changes, so no item is ever joined
to a calendar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

MOVEMENTS = (
    "opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr",
    "churned_mrr", "mrr", "customers", "new_customers", "churned_customers",
)
"""The columns of `movements`, after the month; money in micro-units."""

_CHANGES = """
CREATE TEMP TABLE changes AS
WITH priced AS (
    SELECT account_id, starts_on, ends_on,
           amount * CAST(100 - coalesce(discount_percent, 0) AS BIGINT)
               * CASE interval WHEN 'week' THEN 52 ELSE 1 END AS n,
           100 * interval_count
               * CASE interval WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 ELSE 12 END AS d
    FROM read_parquet({files})
    WHERE ends_on IS NULL OR ends_on > starts_on
),
items AS (
    SELECT account_id, starts_on, ends_on,
           n // d + CASE WHEN 2 * (n % d) > d OR (2 * (n % d) = d AND (n // d) % 2 = 1)
                         THEN 1 ELSE 0 END AS amount
    FROM priced
),
days AS (
    SELECT account_id, day, SUM(change) AS change
    FROM (
        SELECT account_id, starts_on AS day, amount AS change FROM items
        UNION ALL
        SELECT account_id, ends_on, -amount FROM items WHERE ends_on IS NOT NULL
    )
    GROUP BY account_id, day
    HAVING SUM(change) <> 0
),
running AS (
    SELECT account_id, day, CAST(change AS BIGINT) AS change,
           CAST(SUM(change) OVER w AS BIGINT) AS after,
           row_number() OVER w AS place,
           MIN(day) OVER (PARTITION BY account_id) AS first_day
    FROM days
    WINDOW w AS (PARTITION BY account_id ORDER BY day)
)
SELECT year(first_day) * 12 + month(first_day) - 1 AS cohort,
       year(day) * 12 + month(day) - 1 AS month,
       account_id, change, after, after - change AS before, place = 1 AS is_first
FROM running
"""

_MOVEMENTS = """
WITH monthly AS (
    SELECT month,
           CAST(SUM(change) FILTER (is_first) AS BIGINT) AS new_mrr,
           CAST(SUM(change) FILTER (before = 0 AND NOT is_first) AS BIGINT) AS reactivation_mrr,
           CAST(SUM(change) FILTER (before > 0 AND change > 0) AS BIGINT) AS expansion_mrr,
           CAST(-SUM(change) FILTER (after > 0 AND change < 0) AS BIGINT) AS contraction_mrr,
           CAST(-SUM(change) FILTER (after = 0) AS BIGINT) AS churned_mrr,
           CAST(SUM(change) AS BIGINT) AS net,
           COUNT(*) FILTER (before = 0) - COUNT(*) FILTER (after = 0) AS net_customers,
           COUNT(*) FILTER (is_first) AS new_customers,
           COUNT(DISTINCT account_id) FILTER (after = 0) AS churned_customers
    FROM changes GROUP BY month
)
SELECT month, CAST(SUM(net) OVER w - net AS BIGINT) AS opening_mrr,
       coalesce(new_mrr, 0), coalesce(reactivation_mrr, 0), coalesce(expansion_mrr, 0),
       coalesce(contraction_mrr, 0), coalesce(churned_mrr, 0),
       CAST(SUM(net) OVER w AS BIGINT) AS mrr,
       CAST(SUM(net_customers) OVER w AS BIGINT) AS customers,
       new_customers, churned_customers
FROM monthly WINDOW w AS (ORDER BY month)
ORDER BY month
"""

_COHORTS = """
WITH sums AS (
    SELECT cohort, month, CAST(SUM(change) AS BIGINT) AS net,
           COUNT(*) FILTER (before = 0) - COUNT(*) FILTER (after = 0) AS net_customers,
           COUNT(*) FILTER (is_first) AS size,
           SUM(change) FILTER (is_first) AS start_mrr
    FROM changes GROUP BY cohort, month
),
cells AS (
    SELECT c.cohort, m.month, coalesce(s.net, 0) AS net,
           coalesce(s.net_customers, 0) AS net_customers, s.size, s.start_mrr
    FROM (SELECT DISTINCT cohort FROM sums) c
    JOIN (SELECT DISTINCT month FROM sums) m ON m.month >= c.cohort
    LEFT JOIN sums s ON s.cohort = c.cohort AND s.month = m.month
)
SELECT cohort, month - cohort AS age,
       CAST(CASE WHEN month = cohort THEN size ELSE SUM(net_customers) OVER w END AS BIGINT),
       CAST(CASE WHEN month = cohort THEN start_mrr ELSE SUM(net) OVER w END AS BIGINT)
FROM cells WINDOW w AS (PARTITION BY cohort ORDER BY month)
ORDER BY cohort, age
"""


def figures(files: Sequence[str]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Movements by month and the cohort matrix, from the Parquet files of `subscriptions`.

    Returns
    -------
    list, list
        (month index, *MOVEMENTS) a month; (cohort, age, customers, net MRR) a cell.
    """
    listed = "[" + ", ".join(f"'{path}'" for path in files) + "]"
    with duckdb.connect() as engine:
        engine.execute(_CHANGES.format(files=listed))
        return engine.execute(_MOVEMENTS).fetchall(), engine.execute(_COHORTS).fetchall()
