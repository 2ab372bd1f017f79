"""traits: what programs told of users and accounts, and when."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import Column, Table

SUBJECTS = ("user", "visitor", "account")

TRAITS = Table(
    name="traits",
    about=N_(
        "The history of what programs told of users, visitors and accounts. The latest value of "
        "each trait is an attribute of its user or account."
    ),
    grain=N_("one trait of one subject from one instant on"),
    key=("subject", "subject_id", "trait", "since"),
    columns=(
        Column("subject", "text", N_("Of whom it tells."), is_required=True, choices=SUBJECTS),
        Column("subject_id", "text", N_("The user, visitor or account."), is_required=True),
        Column("trait", "text", N_("What it tells."), is_required=True),
        Column("value", "text", N_("The value as JSON; null where it was taken away.")),
        Column("since", "instant", N_("From when on it holds."), is_required=True),
        Column(
            "is_initial", "boolean", N_("Whether it holds only where nothing else was told."),
            default="false",
        ),
    ),
)
