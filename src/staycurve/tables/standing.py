"""Standing: every span that is billed, whatever table tells of it, and payments that stayed unpaid.

A row of subscriptions that names a plan and no amount costs what the plan cost when it started.
Beside these rows stand the spans that are derived from invoice lines.

A row with `status_seen_at` says today's status. It was active until that status began, so it is
cut in two there; where nobody knows when it began, a failed payment that was not made good says
it, else the moment at which the row was exported.
"""

from __future__ import annotations

from staycurve.money import MICRO, half_even_sql
from staycurve.tables.engine import name, quoted
from staycurve.tables.invoice_spans import INVOICE_SPANS
from staycurve.tables.subscriptions import MOST_MONTHLY, SUBSCRIPTIONS

LATE = ("past_due", "unpaid", "paused")
"""What a subscription that was paid for may have come to."""
NEVER_PAID = ("incomplete", "incomplete_expired")

FAILED_REASONS = (
    "payment_failed", "payment_failure", "failed_payment", "first_payment_failure",
    "final_payment_failure", "past_due", "unpaid", "card_declined",
    "card_expired", "dunning",
)
TRIAL_REASONS = (
    "trial_end_without_payment_method", "trial_ended_without_payment_method",
    "trial_end_without_card", "trial_ended_without_card", "missing_payment_method",
    "no_payment_method", "trial_ended", "trial_end",
)


def plain_reason(column: str) -> str:
    """SQL for a reason without regard to case, blanks and hyphens."""
    return f"replace(replace(lower(trim({column})), ' ', '_'), '-', '_')"


def listed(texts: tuple[str, ...]) -> str:
    """SQL for the inside of IN (…)."""
    return ", ".join(quoted(text) for text in texts)


def is_unconverted(alias: str) -> str:
    """SQL, never null: a pause that follows a trial without a payment method."""
    reason = plain_reason(f"{alias}.status_reason")
    return (
        f"({alias}.status = 'paused' AND coalesce({reason}, '') IN ({listed(TRIAL_REASONS)}))"
    )


def unpaid_sql() -> str:
    """SQL: every failed payment that no later one made good.

    A later one is of the same invoice; where either names none, of the same subscription.
    """
    return """
    SELECT p.account_id, p.subscription_id, p.failed_at, p.failed_on
    FROM payments p
    LEFT JOIN (SELECT account_id, invoice_id, MAX(paid_at) AS paid_at FROM payments
               WHERE invoice_id IS NOT NULL GROUP BY account_id, invoice_id) i
      ON i.account_id = p.account_id AND i.invoice_id = p.invoice_id
    LEFT JOIN (SELECT account_id, coalesce(subscription_id, '') AS subscription,
                      MAX(paid_at) AS paid_at,
                      MAX(CASE WHEN invoice_id IS NULL THEN paid_at END) AS unnamed_at
               FROM payments GROUP BY account_id, coalesce(subscription_id, '')) s
      ON s.account_id = p.account_id AND s.subscription = coalesce(p.subscription_id, '')
    WHERE p.failed_at IS NOT NULL
      AND coalesce(p.paid_at < p.failed_at, TRUE)
      AND coalesce(i.paid_at < p.failed_at, TRUE)
      AND coalesce(CASE WHEN p.invoice_id IS NULL THEN s.paid_at ELSE s.unnamed_at END
                   < p.failed_at, TRUE)"""


def stated_columns() -> list[tuple[str, str]]:
    """(name, SQL type) of the columns of `stated`."""
    own = [pair for pair in SUBSCRIPTIONS.stored if not pair[0].startswith("_")]
    return [*own, ("discount_once", "BIGINT")]


def derived_columns() -> str:
    """SQL for the columns of `stated` out of invoice_spans `v`."""
    known = {column for column, _ in INVOICE_SPANS.columns}
    return ", ".join(
        f"v.{name(column)}" if column in known else f"CAST(NULL AS {kind}) AS {name(column)}"
        for column, kind in stated_columns()
    )


def _priced() -> str:
    """SQL: relation `priced`, subscriptions with the price of their plan where they name none."""
    product = half_even_sql(
        "(CAST(CAST(s.quantity AS DECIMAL(25,6)) * 1000000 AS HUGEINT) * p.unit_amount)", "1000000"
    )
    from_plan = {
        "amount": product, "unit_amount": "p.unit_amount", "interval": "p.interval",
        "interval_count": "p.interval_count", "currency": "p.currency",
        "product": "coalesce(s.product, p.product)",
    }
    columns = stated_columns()
    as_loaded = ", ".join(
        f"s.{name(column)}" if column != "discount_once" else "CAST(0 AS BIGINT) AS discount_once"
        for column, _ in columns
    )
    with_price = ", ".join(
        f"CAST({from_plan.get(column, '0' if column == 'discount_once' else 's.' + name(column))} "
        f"AS {kind}) AS {name(column)}"
        for column, kind in columns
    )
    key = "subscription_id, item, starts_at"
    return f"""unpriced AS (
    SELECT s.subscription_id, coalesce(s.item_id, '') AS item, s.starts_at, p.plan,
           p.valid_from, row_number() OVER (
               PARTITION BY s.subscription_id, coalesce(s.item_id, ''), s.starts_at
               ORDER BY CASE WHEN p.valid_from IS NULL THEN 1 ELSE 0 END, p.valid_from DESC)
               AS place
    FROM subscriptions s
    JOIN plans p ON p.plan = s.plan AND (p.valid_from IS NULL OR p.valid_from <= s.starts_at)
    WHERE s.amount IS NULL
),
priced AS (
    SELECT {as_loaded} FROM subscriptions s WHERE s.amount IS NOT NULL
    UNION ALL
    SELECT {with_price}
    FROM (SELECT {key}, plan, valid_from FROM unpriced WHERE place = 1) u
    JOIN subscriptions s ON s.subscription_id = u.subscription_id
         AND coalesce(s.item_id, '') = u.item AND s.starts_at = u.starts_at
    JOIN plans p ON p.plan = u.plan
         AND (p.valid_from = u.valid_from OR (p.valid_from IS NULL AND u.valid_from IS NULL))
    WHERE CAST(s.quantity AS DOUBLE) * p.unit_amount <= {MOST_MONTHLY * MICRO}
)"""


def with_standing() -> str:
    """SQL: relations `unpaid_failures` and `stated`, to be put after WITH.

    `stated` has the columns of subscriptions, without provenance, and `discount_once`: money taken
    off one bill beside `discount_amount`. Its rows are spans. Rows of subscriptions whose price
    nobody knows are not among them.
    """
    columns = [column for column, _ in stated_columns()]
    whole = ", ".join(f"s.{name(column)}" for column in columns)
    before = _listed(columns, {
        "status": f"CASE WHEN {is_unconverted('t')} THEN 'trialing' ELSE 'active' END",
        "ends_at": "CASE WHEN t.ends_at < t.turned_at THEN t.ends_at ELSE t.turned_at END",
        "ends_on": "CASE WHEN t.ends_at < t.turned_at THEN t.ends_on ELSE t.turned_on END",
    })
    after = _listed(columns, {
        "starts_at": "CASE WHEN t.starts_at > t.turned_at THEN t.starts_at ELSE t.turned_at END",
        "starts_on": "CASE WHEN t.starts_at > t.turned_at THEN t.starts_on ELSE t.turned_on END",
    })
    late = f"s.status_seen_at IS NOT NULL AND s.status IN ({listed(LATE)})"
    return f"""unpaid_failures AS ({unpaid_sql()}
),
{_priced()},
failed_first AS (
    SELECT s.subscription_id, coalesce(s.item_id, '') AS item, s.starts_at,
           MIN(f.failed_at) AS failed_at, MIN(f.failed_on) AS failed_on
    FROM priced s
    JOIN unpaid_failures f ON f.account_id = s.account_id
    WHERE {late} AND s.status_since IS NULL
      AND (f.subscription_id IS NULL OR f.subscription_id = s.subscription_id)
      AND f.failed_at >= s.starts_at AND (s.ends_at IS NULL OR f.failed_at < s.ends_at)
    GROUP BY s.subscription_id, coalesce(s.item_id, ''), s.starts_at
),
turned AS (
    SELECT {whole},
           coalesce(s.status_since, f.failed_at, s.status_seen_at) AS turned_at,
           coalesce(s.status_since_on, f.failed_on, s.status_seen_on) AS turned_on
    FROM priced s
    LEFT JOIN failed_first f ON f.subscription_id = s.subscription_id
         AND f.item = coalesce(s.item_id, '') AND f.starts_at = s.starts_at
    WHERE {late}
),
stated AS (
    SELECT {whole} FROM priced s WHERE NOT ({late})
    UNION ALL
    SELECT {before} FROM turned t WHERE t.turned_at > t.starts_at
    UNION ALL
    SELECT {after} FROM turned t WHERE t.ends_at IS NULL OR t.ends_at > t.turned_at
    UNION ALL
    SELECT {derived_columns()} FROM invoice_spans v
)"""


def _listed(columns: list[str], changed: dict[str, str]) -> str:
    return ", ".join(
        f"{changed.get(column, 't.' + name(column))} AS {name(column)}" for column in columns
    )


def spans_sql() -> str:
    """SQL for every span as it was loaded or derived: when, whose, of what; its price aside."""
    columns = (
        "account_id", "subscription_id", "item_id", "plan", "product", "kind", "currency", "status",
        "starts_at", "starts_on", "ends_at", "ends_on",
    )
    listed_columns = ", ".join(columns)
    return (
        f"(SELECT {listed_columns} FROM subscriptions UNION ALL "
        f"SELECT {listed_columns} FROM invoice_spans)"
    )
