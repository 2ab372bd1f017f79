"""plans: what a plan costs from a day on, for subscription rows that name no amount."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import CURRENCY, Check, Column, Table
from staycurve.tables.subscriptions import SUBSCRIPTIONS

PLANS = Table(
    name="plans",
    about=N_("What plans cost, and from when: the price of subscription rows that name a plan and "
        "no amount."),
    grain=N_("one price of one plan"),
    key=("plan", "valid_from"),
    columns=(
        Column("plan", "text", N_("The plan's name, as subscriptions have it."), is_required=True),
        Column("valid_from", "instant", N_("Since when it costs this; empty means always.")),
        Column("product", "text", N_("The product that the plan belongs to.")),
        SUBSCRIPTIONS.column("interval"),
        Column("interval_count", "integer", N_("Intervals between two bills."), default="1"),
        Column("unit_amount", "money", N_("What one unit bills in one interval."),
            is_required=True),
        CURRENCY,
    ),
    checks=(
        Check("interval_count", "interval_count < 1", N_("is below 1")),
        Check("unit_amount", "unit_amount < 0", N_("is negative")),
    ),
)
