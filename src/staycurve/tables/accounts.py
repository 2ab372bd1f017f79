"""accounts: who pays, or may pay one day."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import Check, Column, Table

ACCOUNTS = Table(
    name="accounts",
    about=N_("Every company or person that pays, or may pay one day."),
    grain=N_("one account"),
    key=("account_id",),
    has_attributes=True,
    columns=(
        Column("account_id", "text", N_("The account."), is_required=True),
        Column("name", "text", N_("What people call it.")),
        Column("created_at", "instant", N_("When it signed up.")),
        Column("industry", "text", N_("Its trade.")),
        Column("country", "text", N_("Its country.")),
        Column("employees", "integer", N_("How many people work there.")),
        Column("channel", "text", N_("What brought it.")),
        Column("owner", "text", N_("Who looks after it.")),
        Column("currency", "text", N_("The currency that it is billed in, ISO 4217.")),
        Column("referred_by", "text", N_("The account that referred it.")),
        Column("parent_id", "text", N_("The account that it is a part of.")),
    ),
    checks=(Check("employees", "employees < 0", N_("is negative")),),
)
