"""mrr_items: the spans that count, each with its exact monthly amount and how it ended.

Every rule of what is MRR is here: interval, discount, trial, free plan, metered usage, past due,
unpaid, paused, and when a cancellation is booked. Amounts stay in the item's own currency.
"""

from __future__ import annotations

from fractions import Fraction

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.money import half_even_sql
from staycurve.tables.derived import Derived
from staycurve.tables.engine import quoted

PERCENT_SCALE = 10**8
"""100% in the units of a discount: a percentage with six decimals."""


def _factor(config: Config, part: str) -> str:
    weeks = Fraction(config.convention("weeks_per_month"))
    days = Fraction(config.convention("days_per_month"))
    factors = {
        "year": Fraction(1, 12),
        "quarter": Fraction(1, 3),
        "week": weeks,
        "day": days,
    }
    cases = " ".join(f"WHEN '{unit}' THEN {getattr(f, part)}" for unit, f in factors.items())
    return f"CASE interval {cases} ELSE 1 END"


def _discount(config: Config, column: str) -> str:
    rule = config.convention("discounts")
    if rule == "none":
        return "0"
    value = f"coalesce({column}, 0)"
    return value if rule == "all" else f"CASE WHEN discount_recurring THEN {value} ELSE 0 END"


def _reason_class(config: Config) -> str:
    cases = " ".join(
        f"WHEN {quoted(text)} THEN '{kind}'" for text, kind in sorted(config.end_reasons.items())
    )
    return f"CASE lower(trim(end_reason)) {cases} ELSE 'unknown' END" if cases else "'unknown'"


def _statement(config: Config) -> str:
    grace = config.convention("past_due_grace")
    grace_on = (
        "CAST(NULL AS DATE)"
        if grace == "forever"
        else f"CAST(coalesce(c.failed_on, r.starts_on) + INTERVAL {int(grace[:-1])} DAY AS DATE)"
    )
    kept = "'active', 'past_due', 'canceled'"
    if config.convention("paused") == "keep":
        kept += ", 'paused'"
    metered = "" if config.convention("usage") == "include" else "AND kind <> 'metered'"
    is_at_request = config.convention("churn_booked") == "request"
    asked_on = "chain_requested_on" if is_at_request else "CAST(NULL AS DATE)"
    percent = _discount(config, "CAST(discount_percent * 1000000 AS BIGINT)")
    money_off = _discount(config, "discount_amount")
    paused_class = (
        "WHEN next_status = 'paused' THEN 'paused'"
        if config.convention("paused") == "churn"
        else ""
    )
    item = "account_id, subscription_id, item"
    # Several spans of an item may end on one day; where the day nets, the last one says why.
    last_class = (
        f"last_value(end_class) OVER (PARTITION BY {item}, stops_on ORDER BY starts_at "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
        if config.convention("netting") in ("day", "month")
        else "end_class"
    )
    return f"""
WITH spans AS (
    SELECT r.root_id AS account_id, s.subscription_id, s.item_id,
           coalesce(s.item_id, '') AS item, s.account_id AS billing_account_id,
           s.plan, s.product, s.kind, s.interval, s.interval_count, s.amount,
           s.discount_percent, s.discount_amount, coalesce(s.discount_recurring, TRUE)
               AS discount_recurring, s.currency, s.status, s.end_reason, s.term_months,
           s.starts_at, s.starts_on, s.ends_at, s.ends_on,
           s.cancel_requested_at, s.cancel_requested_on
    FROM subscriptions s
    JOIN account_roots r ON r.account_id = s.account_id
    WHERE NOT r.is_excluded AND (s.ends_at IS NULL OR s.ends_at > s.starts_at)
),
neighbours AS (
    SELECT *,
           lag(status) OVER w AS previous_status,
           lag(ends_on) OVER w AS previous_ends_on
    FROM spans WINDOW w AS (PARTITION BY {item} ORDER BY starts_at)
),
marked AS (
    SELECT *,
           CASE WHEN previous_ends_on = starts_on THEN 0 ELSE 1 END AS begins_chain,
           CASE WHEN status = 'past_due' AND previous_status = 'past_due'
                     AND previous_ends_on = starts_on THEN 0 ELSE 1 END AS begins_run
    FROM neighbours
),
numbered AS (
    SELECT *,
           SUM(begins_chain) OVER (PARTITION BY {item} ORDER BY starts_at
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS chain,
           SUM(begins_run) OVER (PARTITION BY {item} ORDER BY starts_at
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run
    FROM marked
),
runs AS (
    SELECT {item}, run, MIN(billing_account_id) AS billing_account_id,
           MIN(starts_at) AS starts_at, MIN(starts_on) AS starts_on,
           CASE WHEN COUNT(*) = COUNT(ends_at) THEN MAX(ends_at) END AS ends_at
    FROM numbered WHERE status = 'past_due' GROUP BY {item}, run
),
clocks AS (
    SELECT r.account_id, r.subscription_id, r.item, r.run, MIN(p.failed_on) AS failed_on
    FROM runs r
    JOIN payments p ON p.account_id = r.billing_account_id
    WHERE (p.subscription_id IS NULL OR p.subscription_id = r.subscription_id)
      AND p.failed_at >= r.starts_at AND (r.ends_at IS NULL OR p.failed_at < r.ends_at)
    GROUP BY r.account_id, r.subscription_id, r.item, r.run
),
deadlines AS (
    SELECT r.account_id, r.subscription_id, r.item, r.run, {grace_on} AS grace_on
    FROM runs r
    LEFT JOIN clocks c ON c.account_id = r.account_id AND c.run = r.run
         AND c.subscription_id = r.subscription_id AND c.item = r.item
),
timed AS (
    SELECT n.*, d.grace_on
    FROM numbered n
    LEFT JOIN deadlines d ON n.status = 'past_due' AND d.account_id = n.account_id
         AND d.subscription_id = n.subscription_id AND d.item = n.item AND d.run = n.run
),
followed AS (
    SELECT *,
           lead(starts_on) OVER w AS next_starts_on,
           lead(status) OVER w AS next_status,
           lead(grace_on) OVER w AS next_grace_on,
           lead(chain) OVER w AS next_chain
    FROM timed WINDOW w AS (PARTITION BY {item} ORDER BY starts_at)
),
requests AS (
    SELECT {item}, chain, cancel_requested_at AS chain_requested_at,
           cancel_requested_on AS chain_requested_on, end_reason AS chain_end_reason
    FROM followed
    WHERE (next_chain IS NULL OR next_chain <> chain) AND cancel_requested_at IS NOT NULL
),
booked AS (
    SELECT f.*, q.chain_requested_at, q.chain_requested_on, q.chain_end_reason,
           {asked_on} AS asked_on
    FROM followed f
    LEFT JOIN requests q ON q.account_id = f.account_id AND q.chain = f.chain
         AND q.subscription_id = f.subscription_id AND q.item = f.item
),
cut AS (
    SELECT *,
           CASE WHEN asked_on IS NOT NULL AND (ends_on IS NULL OR asked_on < ends_on)
                     AND (grace_on IS NULL OR asked_on <= grace_on) THEN 'request'
                WHEN grace_on IS NOT NULL AND (ends_on IS NULL OR grace_on <= ends_on) THEN 'grace'
                ELSE 'end' END AS ended_by
    FROM booked
    WHERE status IN ({kept}) {metered}
),
ended AS (
    SELECT *,
           CASE ended_by WHEN 'request' THEN asked_on WHEN 'grace' THEN grace_on
                ELSE ends_on END AS stops_on,
           CASE ended_by WHEN 'request' THEN chain_requested_at
                WHEN 'grace' THEN CASE WHEN grace_on = ends_on THEN ends_at END
                ELSE ends_at END AS stops_at,
           CASE ended_by WHEN 'request' THEN {_reason_class(config).replace(
               "end_reason", "chain_end_reason")}
                WHEN 'grace' THEN 'involuntary'
                ELSE CASE WHEN next_starts_on = ends_on THEN
                     CASE WHEN next_status = 'unpaid' OR next_grace_on <= next_starts_on
                          THEN 'involuntary' {paused_class} ELSE {_reason_class(config)} END
                     ELSE {_reason_class(config)} END
           END AS end_class
    FROM cut
),
priced AS (
    SELECT *,
           greatest(CAST(amount AS HUGEINT) * ({PERCENT_SCALE} - {percent})
               - CAST({money_off} AS HUGEINT) * {PERCENT_SCALE}, 0)
               * ({_factor(config, "numerator")}) AS numerator,
           CAST({PERCENT_SCALE} AS HUGEINT) * interval_count
               * ({_factor(config, "denominator")}) AS denominator
    FROM ended
)
SELECT account_id, billing_account_id, subscription_id, item_id, plan, product, kind, interval,
       currency, status, starts_on, starts_at, stops_on AS ends_on, stops_at AS ends_at,
       {half_even_sql("numerator", "denominator")} AS amount,
       CASE WHEN stops_on IS NULL THEN NULL ELSE {last_class} END AS end_class,
       chain_requested_on AS requested_on, cancel_requested_on AS own_requested_on,
       CASE WHEN next_chain = chain THEN next_starts_on END AS followed_on,
       CASE WHEN term_months >= 12 THEN TRUE
            WHEN interval = 'year' THEN TRUE
            WHEN interval = 'quarter' THEN interval_count >= 4
            WHEN interval = 'month' THEN interval_count >= 12
            WHEN interval = 'week' THEN interval_count >= 52
            ELSE interval_count >= 365 END AS is_contracted
FROM priced
WHERE stops_on IS NULL OR stops_on > starts_on OR (stops_on = starts_on AND stops_at > starts_at)
"""


MRR_ITEMS = Derived(
    name="mrr_items",
    about=N_("Every span that counts, with its exact monthly amount in its own currency."),
    grain=N_("one span of one item in force"),
    columns=(
        ("account_id", "VARCHAR"),
        ("billing_account_id", "VARCHAR"),
        ("subscription_id", "VARCHAR"),
        ("item_id", "VARCHAR"),
        ("plan", "VARCHAR"),
        ("product", "VARCHAR"),
        ("kind", "VARCHAR"),
        ("interval", "VARCHAR"),
        ("currency", "VARCHAR"),
        ("status", "VARCHAR"),
        ("starts_on", "DATE"),
        ("starts_at", "TIMESTAMP"),
        ("ends_on", "DATE"),
        ("ends_at", "TIMESTAMP"),
        ("amount", "BIGINT"),
        ("end_class", "VARCHAR"),
        ("requested_on", "DATE"),
        ("own_requested_on", "DATE"),
        ("followed_on", "DATE"),
        ("is_contracted", "BOOLEAN"),
    ),
    reads=("subscriptions", "account_roots", "payments"),
    statement=_statement,
)
