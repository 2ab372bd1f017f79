"""spend: what it cost to win, keep and serve customers."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import CURRENCY, Check, Column, Table

SPEND = Table(
    name="spend",
    about=N_("What it cost to win, keep and serve customers, by month."),
    grain=N_("one kind of cost in one month, of one channel where it has one"),
    key=("month", "purpose", "kind", "channel"),
    columns=(
        Column("month", "month", N_("The month."), is_required=True),
        Column(
            "purpose",
            "text",
            N_("What it was spent on; delivery is the cost of revenue."),
            is_required=True,
            choices=("acquisition", "retention", "delivery"),
        ),
        Column("kind", "text", N_("The kind of cost, such as staff or tools."), is_required=True),
        Column("channel", "text", N_("The channel that it was spent on.")),
        Column("amount", "money", N_("How much."), is_required=True),
        CURRENCY,
    ),
    checks=(Check("amount", "amount < 0", N_("is negative")),),
)
