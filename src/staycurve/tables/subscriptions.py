"""subscriptions: one row is one span, a stretch in which nothing about an item changed."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.money import MICRO, half_even_sql
from staycurve.tables.base import ACCOUNT, CURRENCY, MOST_MONEY, Check, Column, Table

_MICRO_PRODUCT = half_even_sql(
    "(CAST(CAST(quantity AS DECIMAL(25,6)) * 1000000 AS HUGEINT) * unit_amount)", "1000000"
)
MOST_MONTHLY = 10**10
"""Of a row's monthly amount, in major units of its currency.

Those of one account are bounded too (MOST_OF_ACCOUNT); sums over accounts are wider than 64 bits.
"""
_PRODUCT = "CAST(quantity AS DOUBLE) * unit_amount"
_AMOUNT = f"""CASE
    WHEN quantity >= 0 AND unit_amount >= 0 AND {_PRODUCT} <= {MOST_MONEY * MICRO} THEN
        {_MICRO_PRODUCT}
    WHEN unit_amount IS NULL AND status = 'trialing' THEN 0
END"""
_MONTHLY = (
    "CAST(amount AS DOUBLE) / interval_count * CASE interval WHEN 'day' THEN 31.0 "
    "WHEN 'week' THEN 5.0 WHEN 'quarter' THEN 0.34 WHEN 'year' THEN 0.09 ELSE 1.0 END"
)

SUBSCRIPTIONS = Table(
    name="subscriptions",
    about=N_("What each account was charged for, and when: one row a span [starts_at, ends_at)."),
    grain=N_("one span of one subscription item"),
    key=("subscription_id", "item_id", "starts_at"),
    makes_accounts=True,
    weight=_MONTHLY,
    columns=(
        Column("subscription_id", "text", N_("The subscription."), is_required=True),
        Column("item_id", "text", N_("The item; empty means the subscription's only item.")),
        ACCOUNT,
        Column("plan", "text", N_("The plan's name.")),
        Column("product", "text", N_("The product that the plan belongs to.")),
        Column(
            "kind",
            "text",
            N_("What the item is."),
            choices=("base", "addon", "metered"),
            default="base",
            spellings=(("add_on", "addon"), ("add_ons", "addon"), ("addons", "addon")),
        ),
        Column(
            "interval",
            "text",
            N_("How often it bills."),
            choices=("month", "year", "week", "day", "quarter"),
            default="month",
            spellings=(
                ("months", "month"), ("monthly", "month"),
                ("years", "year"), ("yearly", "year"), ("annual", "year"), ("annually", "year"),
                ("weeks", "week"), ("weekly", "week"),
                ("days", "day"), ("daily", "day"),
                ("quarters", "quarter"), ("quarterly", "quarter"),
            ),
        ),
        Column("interval_count", "integer", N_("Intervals between two bills."), default="1"),
        Column("quantity", "decimal", N_("Seats or units."), default="1"),
        Column("unit_amount", "money", N_("What one unit bills in one interval.")),
        Column("amount", "money", N_("What one interval bills before discount; quantity × "
            "unit_amount where it is empty, else what the plan costs."), fallback=_AMOUNT),
        Column("discount_percent", "decimal", N_("Taken off first, in percent.")),
        Column("discount_amount", "money", N_("Then taken off, in money an interval.")),
        Column(
            "discount_recurring",
            "boolean",
            N_("Whether the discount comes off every bill."),
            default="true",
        ),
        CURRENCY,
        Column(
            "status",
            "text",
            N_("The state during the span."),
            choices=(
                "trialing", "active", "past_due", "unpaid", "paused", "canceled", "incomplete",
                "incomplete_expired",
            ),
            default="active",
            spellings=(
                ("cancelled", "canceled"), ("trial", "trialing"), ("in_trial", "trialing"),
                ("pastdue", "past_due"),
                # It does not renew, and is paid for until it ends.
                ("non_renewing", "active"),
            ),
        ),
        Column("status_reason", "text", N_("Why it has this status, in the source's words.")),
        Column("status_since", "instant", N_("Since when it has this status, where the row says "
            "today's (status = \"current\").")),
        Column("status_seen_at", "instant", N_("When a row that says today's status was exported; "
            "the load fills it in, and it is empty for spans.")),
        Column("starts_at", "instant", N_("First instant of the span."), is_required=True),
        Column("ends_at", "instant", N_("First instant after it; empty means still running.")),
        Column("card_on_file", "boolean", N_("Whether a card was known, in a trial.")),
        Column("cancel_requested_at", "instant", N_("When the customer asked to end it.")),
        Column("end_reason", "text", N_("Why it ended, in the source's words.")),
        Column("term_months", "integer", N_("Length of the contract.")),
        Column("renews_at", "instant", N_("When the contract renews.")),
    ),
    checks=(
        Check("ends_at", "ends_at < starts_at", N_("is before starts_at {starts_at}")),
        Check("quantity", "quantity < 0", N_("is negative")),
        Check("unit_amount", "unit_amount < 0", N_("is negative")),
        Check(
            "unit_amount", f"amount IS NULL AND {_PRODUCT} > {MOST_MONEY * MICRO}",
            f"times quantity {{quantity}} is beyond {MOST_MONEY:,}, the most that is taken",
        ),
        # What a plan costs may be loaded later; without any price the row counts nothing.
        Check("amount", "amount IS NULL AND (plan IS NULL OR unit_amount IS NOT NULL)",
            N_("is missing, and so is quantity × unit_amount")),
        Check("amount", "amount < 0", N_("is negative")),
        Check("interval_count", "interval_count < 1", N_("is below 1")),
        Check(
            "amount", f"{_MONTHLY} > {MOST_MONTHLY * MICRO}",
            f"is beyond {MOST_MONTHLY:,} a month, the most that is taken",
        ),
        Check(
            "discount_percent",
            "discount_percent < 0 OR discount_percent > 100",
            N_("is not between 0 and 100"),
        ),
        Check("discount_amount", "discount_amount < 0", N_("is negative")),
        Check("term_months", "term_months < 0", N_("is negative")),
        Check(
            "ends_at",
            "status = 'canceled' AND ends_at IS NULL",
            N_("is missing: nobody knows when this canceled span ended"),
        ),
    ),
)
