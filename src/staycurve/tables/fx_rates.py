"""fx_rates: the company's own exchange rates."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import Check, Column, Table

FX_RATES = Table(
    name="fx_rates",
    about=N_("The company's own exchange rates; a rate holds until the next one."),
    grain=N_("one currency on one day"),
    key=("day", "currency"),
    columns=(
        Column("day", "day", N_("The local day."), is_required=True),
        Column("currency", "text", N_("ISO 4217 code."), is_required=True),
        Column("rate", "rate", N_("Units of the company's currency for one unit.")),
    ),
    checks=(
        Check("rate", "rate IS NULL", N_("is missing")),
        Check("rate", "rate <= 0", N_("is not above 0")),
    ),
)
