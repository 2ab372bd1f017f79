"""payments: money that came, or did not."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import ACCOUNT, CURRENCY, Check, Column, Table

PAYMENTS = Table(
    name="payments",
    about=N_("Every charge that was tried, whether it was paid, failed or refunded."),
    grain=N_("one charge"),
    key=("payment_id",),
    derived_key="payment_id",
    makes_accounts=True,
    columns=(
        Column("payment_id", "text", N_("The charge."), is_required=True),
        ACCOUNT,
        Column("subscription_id", "text", N_("The subscription that it is for.")),
        Column("invoice_id", "text", N_("The invoice that it settles.")),
        Column("amount", "money", N_("How much was asked for.")),
        CURRENCY,
        Column("paid_at", "instant", N_("When it was paid.")),
        Column("failed_at", "instant", N_("When it last failed.")),
        Column("failure_reason", "text", N_("Why it failed, in the source's words.")),
        Column("refunded_amount", "money", N_("How much of it was given back.")),
    ),
    checks=(
        Check("amount", "amount < 0", N_("is negative")),
        Check("refunded_amount", "refunded_amount < 0", N_("is negative")),
        Check("refunded_amount", "refunded_amount > amount", N_("is more than amount {amount}")),
    ),
)
