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
from staycurve.tables.standing import (
    FAILED_REASONS,
    is_unconverted,
    listed,
    plain_reason,
    with_standing,
)

PERCENT_SCALE = 10**8
"""100% in the units of a discount: a percentage with six decimals."""

PLAIN_AMOUNT, PLAIN_COUNT = 10**15, 10**6
"""Below both, an amount without a discount is priced in 64 bits: no factor has over four digits."""

_ITEM = "account_id, subscription_id, item"


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
    return f"CASE s.interval {cases} ELSE 1 END"


def _discount(config: Config, column: str, scale: str = "") -> str:
    """SQL for a discount as it counts, 0 where there is none."""
    rule = config.convention("discounts")
    if rule == "none":
        return "0"
    counts = "" if rule == "all" else " AND coalesce(s.discount_recurring, TRUE)"
    return f"CASE WHEN s.{column} > 0{counts} THEN CAST(s.{column}{scale} AS BIGINT) ELSE 0 END"


def _money_off(config: Config) -> str:
    """SQL for the money that is taken off a bill, as far as it counts."""
    known = _discount(config, "discount_amount")
    once = " + s.discount_once" if config.convention("discounts") == "all" else ""
    return known + once


def _reason_class(config: Config) -> str:
    cases = " ".join(
        f"WHEN {quoted(text)} THEN '{kind}'" for text, kind in sorted(config.end_reasons.items())
    )
    return f"CASE lower(trim(s.end_reason)) {cases} ELSE 'unknown' END" if cases else "'unknown'"


def _pause_class(config: Config) -> str:
    """SQL for the churn type of a pause that follows: that of a payment that failed, or paused."""
    failed = {reason for reason, kind in config.end_reasons.items() if kind == "involuntary"}
    plain = {reason.replace(" ", "_").replace("-", "_") for reason in failed}
    reasons = listed(tuple(sorted(plain.union(FAILED_REASONS))))
    reason = plain_reason("next_status_reason")
    return f"CASE WHEN {reason} IN ({reasons}) THEN 'involuntary' ELSE 'paused' END"


def _same(left: str, right: str) -> str:
    return " AND ".join(f"{left}.{key} = {right}.{key}" for key in _ITEM.split(", "))


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
    metered = "" if config.convention("usage") == "include" else "AND f.kind <> 'metered'"
    is_at_request = config.convention("churn_booked") == "request"
    asked_on = "q.requested_on" if is_at_request else "CAST(NULL AS DATE)"
    paused_class = (
        f"WHEN next_starts_on = ends_on AND next_status = 'paused' THEN {_pause_class(config)}"
        if config.convention("paused") == "churn"
        else ""
    )
    # Several spans of an item may end on one day; where the day nets, the last one says why.
    nets = config.convention("netting") in ("day", "month")
    end_class = "coalesce(l.end_class, e.end_class)" if nets else "e.end_class"
    last_of_day = (
        f"LEFT JOIN last_of_day l ON {_same('l', 'e')} AND l.stops_on = e.stops_on" if nets else ""
    )
    return f"""
WITH {with_standing()},
terms AS (
    SELECT r.root_id AS account_id, s.account_id AS billing_account_id, s.subscription_id,
           s.item_id, coalesce(s.item_id, '') AS item, s.plan, s.product, s.kind, s.interval,
           s.currency, s.status, s.status_reason, s.starts_at, s.starts_on, s.ends_at, s.ends_on,
           s.cancel_requested_at, s.cancel_requested_on, s.amount, s.interval_count,
           {_discount(config, "discount_percent", " * 1000000")} AS percent_off,
           {_money_off(config)} AS money_off,
           {_factor(config, "numerator")} AS times, {_factor(config, "denominator")} AS parts,
           {_reason_class(config)} AS reason_class,
           CASE WHEN s.term_months >= 12 THEN TRUE
                WHEN s.interval = 'year' THEN TRUE
                WHEN s.interval = 'quarter' THEN s.interval_count >= 4
                WHEN s.interval = 'month' THEN s.interval_count >= 12
                WHEN s.interval = 'week' THEN s.interval_count >= 52
                ELSE s.interval_count >= 365 END AS is_contracted
    FROM stated s
    JOIN account_roots r ON r.account_id = s.account_id
    WHERE NOT r.is_excluded AND (s.ends_at IS NULL OR s.ends_at > s.starts_at)
),
sized AS (
    SELECT *, percent_off = 0 AND money_off = 0 AND amount < {PLAIN_AMOUNT}
              AND interval_count < {PLAIN_COUNT} AS is_plain
    FROM terms
),
divided AS (
    SELECT *,
           CASE WHEN is_plain THEN amount * times END AS plain_numerator,
           CASE WHEN is_plain THEN interval_count * parts END AS plain_denominator,
           CASE WHEN NOT is_plain THEN
               greatest(CAST(amount AS HUGEINT) * ({PERCENT_SCALE} - percent_off)
                   - CAST(money_off AS HUGEINT) * {PERCENT_SCALE}, 0) * times END AS numerator,
           CASE WHEN NOT is_plain THEN
               CAST({PERCENT_SCALE} AS HUGEINT) * interval_count * parts END AS denominator
    FROM sized
),
spans AS (
    SELECT {_ITEM}, billing_account_id, item_id, plan, product, kind, interval, currency, status,
           status_reason, starts_at, starts_on, ends_at, ends_on,
           cancel_requested_at, cancel_requested_on,
           reason_class, is_contracted,
           CASE WHEN is_plain AND plain_denominator = 1 THEN plain_numerator
                WHEN is_plain THEN {_plain_half_even("plain_numerator", "plain_denominator")}
                ELSE {half_even_sql("numerator", "denominator")} END AS amount
    FROM divided
),
seen AS (
    SELECT *,
           lag(status) OVER w AS previous_status,
           lag(ends_on) OVER w AS previous_ends_on,
           lead(starts_at) OVER w AS next_starts_at,
           lead(starts_on) OVER w AS next_starts_on,
           lead(status) OVER w AS next_status, lead(status_reason) OVER w AS next_status_reason
    FROM spans WINDOW w AS (PARTITION BY {_ITEM} ORDER BY starts_at, billing_account_id)
),
late AS (
    SELECT {_ITEM}, billing_account_id, starts_at, starts_on, ends_at,
           SUM(CASE WHEN previous_status = 'past_due' AND previous_ends_on = starts_on
                    THEN 0 ELSE 1 END) OVER (PARTITION BY {_ITEM} ORDER BY starts_at
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run
    FROM seen WHERE status = 'past_due'
),
runs AS (
    SELECT {_ITEM}, run, MIN(billing_account_id) AS billing_account_id,
           MIN(starts_at) AS starts_at, MIN(starts_on) AS starts_on,
           CASE WHEN COUNT(*) = COUNT(ends_at) THEN MAX(ends_at) END AS ends_at
    FROM late GROUP BY {_ITEM}, run
),
clocks AS (
    SELECT r.account_id, r.subscription_id, r.item, r.run, MIN(p.failed_on) AS failed_on
    FROM runs r
    JOIN unpaid_failures p ON p.account_id = r.billing_account_id
    WHERE (p.subscription_id IS NULL OR p.subscription_id = r.subscription_id)
      AND p.failed_at >= r.starts_at AND (r.ends_at IS NULL OR p.failed_at < r.ends_at)
    GROUP BY r.account_id, r.subscription_id, r.item, r.run
),
deadlines AS (
    SELECT s.account_id, s.subscription_id, s.item, s.starts_at, {grace_on} AS grace_on
    FROM late s
    JOIN runs r ON {_same("r", "s")} AND r.run = s.run
    LEFT JOIN clocks c ON {_same("c", "s")} AND c.run = s.run
),
asked AS (
    SELECT DISTINCT {_ITEM} FROM seen WHERE cancel_requested_at IS NOT NULL
),
chained AS (
    SELECT s.account_id, s.subscription_id, s.item, s.starts_at, s.cancel_requested_at,
           s.cancel_requested_on, s.reason_class,
           coalesce(s.next_starts_on = s.ends_on, FALSE) AS is_followed,
           SUM(CASE WHEN s.previous_ends_on = s.starts_on THEN 0 ELSE 1 END) OVER (
               PARTITION BY s.account_id, s.subscription_id, s.item ORDER BY s.starts_at
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS chain
    FROM seen s
    JOIN asked a ON {_same("a", "s")}
),
requests AS (
    SELECT s.account_id, s.subscription_id, s.item, s.starts_at,
           q.cancel_requested_at AS requested_at, q.cancel_requested_on AS requested_on,
           q.reason_class AS requested_class
    FROM chained s
    JOIN chained q ON {_same("q", "s")} AND q.chain = s.chain
    WHERE NOT q.is_followed AND q.cancel_requested_at IS NOT NULL
),
booked AS (
    SELECT f.*, d.grace_on, n.grace_on AS next_grace_on, q.requested_at, q.requested_on,
           q.requested_class, {asked_on} AS asked_on
    FROM seen f
    LEFT JOIN deadlines d ON {_same("d", "f")} AND d.starts_at = f.starts_at
    LEFT JOIN deadlines n ON {_same("n", "f")} AND n.starts_at = f.next_starts_at
    LEFT JOIN requests q ON {_same("q", "f")} AND q.starts_at = f.starts_at
    WHERE f.status IN ({kept}) AND NOT {is_unconverted("f")} {metered}
),
cut AS (
    SELECT *,
           CASE WHEN asked_on IS NOT NULL AND (ends_on IS NULL OR asked_on < ends_on)
                     AND (grace_on IS NULL OR asked_on <= grace_on) THEN 'request'
                WHEN grace_on IS NOT NULL AND (ends_on IS NULL OR grace_on <= ends_on) THEN 'grace'
                ELSE 'end' END AS ended_by
    FROM booked
),
ended AS (
    SELECT *,
           CASE ended_by WHEN 'request' THEN asked_on WHEN 'grace' THEN grace_on
                ELSE ends_on END AS stops_on,
           CASE ended_by WHEN 'request' THEN requested_at
                WHEN 'grace' THEN CASE WHEN grace_on = ends_on THEN ends_at END
                ELSE ends_at END AS stops_at,
           CASE WHEN ended_by = 'request' THEN requested_class
                WHEN ended_by = 'grace' THEN 'involuntary'
                WHEN next_starts_on = ends_on AND (next_status = 'unpaid'
                     OR next_grace_on <= next_starts_on) THEN 'involuntary'
                {paused_class}
                ELSE reason_class END AS end_class
    FROM cut
),
last_of_day AS (
    SELECT {_ITEM}, stops_on, arg_max(end_class, starts_at) AS end_class
    FROM ended WHERE stops_on = starts_on AND stops_at > starts_at
    GROUP BY {_ITEM}, stops_on
)
SELECT e.account_id, e.subscription_id, e.item_id, e.plan, e.product, e.kind, e.interval,
       e.currency, e.status, e.starts_on, e.starts_at, e.stops_on AS ends_on,
       e.stops_at AS ends_at, e.amount,
       CASE WHEN e.stops_on IS NOT NULL THEN {end_class} END AS end_class,
       e.requested_on, e.cancel_requested_on AS own_requested_on,
       CASE WHEN e.next_starts_on = e.ends_on THEN e.next_starts_on END AS followed_on,
       e.is_contracted
FROM ended e
{last_of_day}
WHERE e.stops_on IS NULL OR e.stops_on > e.starts_on
   OR (e.stops_on = e.starts_on AND e.stops_at > e.starts_at)
"""


def _plain_half_even(n: str, d: str) -> str:
    up = f"2 * ({n} % {d}) > {d} OR (2 * ({n} % {d}) = {d} AND ({n} // {d}) % 2 = 1)"
    return f"{n} // {d} + CASE WHEN {up} THEN 1 ELSE 0 END"


MRR_ITEMS = Derived(
    name="mrr_items",
    about=N_("Every span that counts, with its exact monthly amount in its own currency."),
    grain=N_("one span of one item in force"),
    columns=(
        ("account_id", "VARCHAR"),
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
    reads=("subscriptions", "plans", "invoice_spans", "account_roots", "payments"),
    statement=_statement,
)
