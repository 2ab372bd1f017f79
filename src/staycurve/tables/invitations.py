"""invitations: whom a survey asked."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import Column, Table

INVITATIONS = Table(
    name="invitations",
    about=N_("Whom a survey asked, whether they answered or not."),
    grain=N_("one person asked once"),
    key=("invitation_id",),
    derived_key="invitation_id",
    columns=(
        Column("invitation_id", "text", N_("The invitation."), is_required=True),
        Column("survey", "text", N_("The survey."), is_required=True),
        Column("account_id", "text", N_("The account.")),
        Column("user_id", "text", N_("Who was asked.")),
        Column("asked_at", "instant", N_("When they were asked."), is_required=True),
    ),
)
