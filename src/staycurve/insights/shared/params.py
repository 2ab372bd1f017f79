"""Parameters that many insights take, each declared once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.base import Param
from staycurve.metrics.context import Filter

By = Annotated[
    str | Sequence[str], Param(N_("Split by dimensions, with commas."), metavar="DIM,…")
]
Where = Annotated[
    str | Sequence[Filter], Param(N_("Such as 'industry=EdTech,country=US'."), metavar="FILTER,…")
]
AsOfText = Annotated[
    str | None, Param(N_("Ignore data after this time."), metavar="INSTANT", examples="2026-07-31")
]
Grain = Annotated[
    str,
    Param(N_("The length of a period."), choices=("day", "week", "month", "quarter", "year")),
]
From = Annotated[
    str | None, Param(N_("First period, such as 2024-01."), name="from", metavar="P",
                      formerly=("start",)),
]
To = Annotated[str | None, Param(N_("Last period, included."), name="to", metavar="P",
                      formerly=("end",)),
]

CLASSES = ("voluntary", "involuntary", "paused", "unknown")
CLASS_NAMES = {
    "voluntary": N_("Voluntary"), "involuntary": N_("Involuntary"), "paused": N_("Paused"),
    "unknown": N_("Unknown"),
}
EndClass = Annotated[
    str | None, Param(N_("Only accounts with this churn type."), choices=CLASSES, metavar="CLASS",
          formerly=("class",)),
]

FIRST_FEATURES = 50
"""How many features are shown one by one; the rest is counted and named."""

Top = Annotated[int, Param(N_("How many features are shown one by one."), least=1, most=1000)]
Cohort = Annotated[str | None, Param(N_("A month, such as 2024-05."), metavar="P")]
