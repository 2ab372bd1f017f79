"""users: the people of an account."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import ACCOUNT, Check, Column, Table

USERS = Table(
    name="users",
    about=N_("The people who use the product, and the account that each belongs to."),
    grain=N_("one user"),
    key=("user_id",),
    has_attributes=True,
    columns=(
        Column("user_id", "text", N_("The user."), is_required=True),
        ACCOUNT,
        Column("email", "text", N_("Where to write to.")),
        Column("name", "text", N_("What people call them.")),
        Column("role", "text", N_("What they do there.")),
        Column("is_champion", "boolean", N_("Whether they speak for the product.")),
        Column("created_at", "instant", N_("When they signed up.")),
        Column("left_at", "instant", N_("When they left the account.")),
        Column("bounced_at", "instant", N_("When a message to them last came back.")),
    ),
    checks=(Check("left_at", "left_at < created_at", N_("is before created_at {created_at}")),),
)
