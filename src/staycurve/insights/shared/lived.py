"""Lived: fields of rows about one month of subscriptions, and what they open into."""

from __future__ import annotations

from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import Opens, col
from staycurve.metrics.base import Unit

MonthField = Annotated[int, col(N_("Month"), Unit.COUNT, N_("Of the subscription, from 1."))]
AtRiskField = Annotated[
    int,
    col(N_("At risk"), Unit.COUNT, N_("Paid into the month, which is seen whole."),
        opens=Opens("cohorts leavers", {"month": "month"}, {"is_at_risk": True})),
]
