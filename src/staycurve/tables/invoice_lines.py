"""invoice_lines: what invoices bill, line by line, each for a service period."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.money import MICRO
from staycurve.tables.base import ACCOUNT, CURRENCY, MOST_MONEY, Check, Column, Table
from staycurve.tables.subscriptions import MOST_MONTHLY

_PRODUCT = "CAST(quantity AS DOUBLE) * unit_amount"
_DAYS = "greatest(period_end_on - period_start_on, 1)"
_BILLED = "(CAST(amount AS DOUBLE) + coalesce(discount_amount, 0))"
_MOST = f"is beyond {MOST_MONTHLY:,} a month, the most that is taken"
UNBILLED = ("void", "draft")
"""Of these states an invoice bills nothing; open and uncollectible ones were billed."""

INVOICE_LINES = Table(
    name="invoice_lines",
    about=N_("What invoices bill, line by line. Spans are derived from it for subscriptions that "
        "no subscriptions row describes."),
    grain=N_("one line of one invoice"),
    key=("line_id",),
    derived_key="line_id",
    makes_accounts=True,
    weight="CAST(abs(amount) AS DOUBLE)",
    columns=(
        Column("line_id", "text", N_("The line."), is_required=True),
        Column("invoice_id", "text", N_("The invoice that it stands on."), is_required=True),
        ACCOUNT,
        Column("subscription_id", "text", N_("The subscription; empty means one subscription for "
            "each plan of the account.")),
        Column("item_id", "text", N_("The item; empty means the subscription's only item of its "
            "kind.")),
        Column("plan", "text", N_("The plan's name.")),
        Column("product", "text", N_("The product that the plan belongs to.")),
        Column(
            "kind",
            "text",
            N_("What the item is; one_time lines never count."),
            choices=("base", "addon", "metered", "one_time"),
            default="base",
            spellings=(
                ("add_on", "addon"), ("add_ons", "addon"), ("addons", "addon"),
                ("onetime", "one_time"), ("one_off", "one_time"), ("oneoff", "one_time"),
            ),
        ),
        Column("period_start", "instant", N_("First instant of the service period."),
            is_required=True),
        Column("period_end", "instant", N_("First instant after it."), is_required=True),
        Column("quantity", "decimal", N_("Seats or units.")),
        Column("unit_amount", "money", N_("What one unit bills in a whole period.")),
        Column("amount", "money", N_("What the line bills, before tax and after discounts; "
            "negative for a credit."), is_required=True),
        Column("discount_amount", "money", N_("How much of it was taken off.")),
        Column(
            "discount_recurring",
            "boolean",
            N_("Whether the discount comes off every bill."),
            default="true",
        ),
        Column("is_proration", "boolean", N_("Whether it bills a part of a period, because "
            "something changed inside it."), default="false"),
        CURRENCY,
        Column("billed_at", "instant", N_("When the invoice was issued.")),
        Column("canceled_at", "instant", N_("When the subscription was canceled inside the "
            "period: its span ends then. Empty means that it lasts for the whole period.")),
        Column(
            "invoice_status",
            "text",
            N_("The invoice's state; void and draft ones count for nothing."),
            choices=("paid", "open", "void", "draft", "uncollectible"),
            default="paid",
            spellings=(("voided", "void"), ("unpaid", "open"), ("posted", "open")),
        ),
    ),
    checks=(
        Check(
            "period_end", "period_end < period_start", N_("is before period_start {period_start}")
        ),
        # A credit may say with its unit price, or with its quantity, that it is one.
        Check("quantity", "quantity < 0 AND amount >= 0", N_("is negative, and amount is not")),
        Check("unit_amount", "unit_amount < 0 AND amount >= 0",
            N_("is negative, and amount is not")),
        Check("discount_amount", "discount_amount < 0", N_("is negative")),
        Check(
            "unit_amount", f"amount >= 0 AND {_PRODUCT} > {MOST_MONTHLY * MICRO}",
            f"times quantity {{quantity}} is beyond {MOST_MONTHLY:,}, the most that is taken",
        ),
        Check("amount", f"abs(amount) > {MOST_MONEY * MICRO}",
            f"is beyond {MOST_MONEY:,}, the most that is taken"),
        Check("amount", f"{_BILLED} / {_DAYS} * 31 > {MOST_MONTHLY * MICRO}", _MOST),
        Check("discount_amount", f"discount_amount / {_DAYS} * 31 > {MOST_MONTHLY * MICRO}",
            _MOST),
    ),
)
