"""What questions about risk have in common."""

from __future__ import annotations

from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.base import Param

HORIZON = 90
"""Days after a day in which churn counts: a quarter, in which something can still be done."""
NEAR = 30
"""Days of the short horizon that stands beside the asked one: what this month can still do."""

Horizon = Annotated[
    int, Param(N_("Days after each day in which churn counts."), least=7, most=365, metavar="DAYS")
]

NOBODY_PAYS = N_("no account pays")
NO_HISTORY = N_("no past day has an outcome yet: the first ones pay for less than the horizon")
