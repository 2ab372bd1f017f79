"""leads: people who may become customers."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import Column, Table

LEADS = Table(
    name="leads",
    about=N_("People who showed interest, and how far they came."),
    grain=N_("one lead"),
    key=("lead_id",),
    derived_key="lead_id",
    has_attributes=True,
    columns=(
        Column("lead_id", "text", N_("The lead."), is_required=True),
        Column("created_at", "instant", N_("When it came."), is_required=True),
        Column("channel", "text", N_("What brought it.")),
        Column("qualified_at", "instant", N_("When it was found worth pursuing.")),
        Column("demo_at", "instant", N_("When it asked for a demonstration.")),
        Column("trial_at", "instant", N_("When its trial began.")),
        Column("won_at", "instant", N_("When it became a customer.")),
        Column("lost_at", "instant", N_("When it was given up.")),
        Column("lost_reason", "text", N_("Why it was given up.")),
        Column("account_id", "text", N_("The account that it became.")),
    ),
)
