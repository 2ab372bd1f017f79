"""identities: which anonymous and former ids are whose."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import Column, Table

IDENTITIES = Table(
    name="identities",
    about=N_(
        "Anonymous and former ids, and the user that each turned out to be. Of what several "
        "sources say of one id, the earliest holds."
    ),
    grain=N_("one id, as one source tells of it"),
    key=("source", "alias"),
    columns=(
        Column("source", "text", N_("Which system says it."), is_required=True),
        Column("alias", "text", N_("The anonymous or former id."), is_required=True),
        Column("user_id", "text", N_("The user that it turned out to be."), is_required=True),
        Column("since", "instant", N_("When it was learned.")),
    ),
)
