"""reach: how many people each channel reached."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import Check, Column, Table

REACH = Table(
    name="reach",
    about=N_("How many visits, social engagements or mentions each channel brought, by day."),
    grain=N_("one kind of one channel on one day"),
    key=("day", "channel", "kind"),
    columns=(
        Column("day", "day", N_("The local day."), is_required=True),
        Column("channel", "text", N_("The channel."), is_required=True),
        Column(
            "kind",
            "text",
            N_("What is counted."),
            is_required=True,
            choices=("visits", "social_engagements", "mentions"),
            spellings=(
                ("visit", "visits"), ("social_engagement", "social_engagements"),
                ("mention", "mentions"),
            ),
        ),
        Column("count", "integer", N_("How many.")),
    ),
    checks=(
        Check("count", "count IS NULL", N_("is missing")),
        Check("count", "count < 0", N_("is negative")),
    ),
)
