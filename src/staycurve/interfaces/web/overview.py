"""The overview: the page at /."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.interfaces.web.cohort_grid import COHORTS
from staycurve.interfaces.web.data_page import FRESH
from staycurve.interfaces.web.doubts_page import DOUBTED
from staycurve.interfaces.web.figures import FIGURES
from staycurve.interfaces.web.morning import AIMS, CALLS, CHANGES, MOVES, TEN_METRICS
from staycurve.interfaces.web.movements import MOVEMENTS
from staycurve.interfaces.web.page import Page
from staycurve.interfaces.web.revenue_layers import LAYERS

OVERVIEW = Page(
    address="/",
    place=10,
    title=N_("Overview"),
    question=N_("How is recurring revenue doing, and why?"),
    panels=(
        DOUBTED, FRESH, FIGURES, AIMS, CALLS, CHANGES, TEN_METRICS, MOVES, MOVEMENTS, COHORTS,
        LAYERS,
    ),
    has_comparison=True,
)
