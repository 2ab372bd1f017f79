"""trials: the first trial of each account, and the first day from then on that it paid."""

from __future__ import annotations

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.tables.derived import Derived
from staycurve.tables.standing import with_standing


def _statement(config: Config) -> str:
    del config
    return f"""
WITH {with_standing()},
spans AS (
    SELECT r.root_id AS account_id, s.subscription_id, coalesce(s.item_id, '') AS item,
           s.starts_at, s.starts_on, s.ends_at, s.ends_on, s.card_on_file,
           lag(s.ends_on) OVER (PARTITION BY r.root_id, s.subscription_id, coalesce(s.item_id, '')
               ORDER BY s.starts_at) AS previous_ends_on
    FROM stated s
    JOIN account_roots r ON r.account_id = s.account_id
    WHERE NOT r.is_excluded AND s.status = 'trialing'
      AND (s.ends_at IS NULL OR s.ends_at > s.starts_at)
),
numbered AS (
    SELECT *, SUM(CASE WHEN previous_ends_on = starts_on THEN 0 ELSE 1 END) OVER (
               PARTITION BY account_id, subscription_id, item ORDER BY starts_at
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run
    FROM spans
),
runs AS (
    SELECT account_id, subscription_id, item, run, MIN(starts_at) AS started_at,
           MIN(starts_on) AS started_on,
           CASE WHEN COUNT(*) = COUNT(ends_at) THEN MAX(ends_at) END AS ended_at,
           CASE WHEN COUNT(*) = COUNT(ends_on) THEN MAX(ends_on) END AS ended_on,
           MAX(CASE WHEN card_on_file THEN 1 WHEN NOT card_on_file THEN 0 END) AS card
    FROM numbered GROUP BY account_id, subscription_id, item, run
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY account_id
        ORDER BY started_at, subscription_id, item) AS place
    FROM runs
),
paid AS (
    SELECT t.account_id, MIN(greatest(i.starts_on, t.started_on)) AS paid_on
    FROM ranked t
    JOIN mrr_items i ON i.account_id = t.account_id
    WHERE t.place = 1 AND i.amount > 0
      AND (i.ends_on IS NULL OR (i.ends_on > i.starts_on AND i.ends_on > t.started_on))
    GROUP BY t.account_id
)
SELECT t.account_id, t.started_at, t.started_on, t.ended_at, t.ended_on,
       CASE t.card WHEN 1 THEN TRUE WHEN 0 THEN FALSE END AS card_on_file,
       p.paid_on
FROM ranked t
LEFT JOIN paid p ON p.account_id = t.account_id
WHERE t.place = 1
"""


TRIALS = Derived(
    name="trials",
    about=N_("The first trial of each account, and the first day since its start that was paid."),
    grain=N_("one account that had a trial"),
    columns=(
        ("account_id", "VARCHAR"),
        ("started_at", "TIMESTAMP"),
        ("started_on", "DATE"),
        ("ended_at", "TIMESTAMP"),
        ("ended_on", "DATE"),
        ("card_on_file", "BOOLEAN"),
        ("paid_on", "DATE"),
    ),
    reads=(
        "subscriptions", "plans", "invoice_spans", "account_roots", "payments", "mrr_items",
    ),
    statement=_statement,
)
