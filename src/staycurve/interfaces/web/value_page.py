"""Value: the page at /value, on what customers are worth and where revenue is heading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.answers import Answer
from staycurve.insights.base import Insight
from staycurve.insights.value.forecast import forecast
from staycurve.insights.value.lifetime import lifetime
from staycurve.insights.value.ltv import ltv
from staycurve.interfaces.web.answered import answered
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.metric_tree import TREE
from staycurve.interfaces.web.page import Page, Panel, Shown


def _shows(insight: Insight[Any, Any]) -> Callable[[Ask], Shown]:
    def show(ask: Ask) -> Shown:
        answer: Answer = answer_of(ask, insight)
        return answered(ask, insight, answer)

    return show


VALUE = Page(
    address="/value",
    place=30,
    title=N_("Value"),
    question=N_("What are customers worth, and where is revenue heading?"),
    panels=(
        Panel("ltv", N_("Lifetime value"), N_("What is a customer worth, by each method?"),
              "reading.html", _shows(ltv)),
        Panel("lifetime", N_("Lifetime"), N_("How long do customers stay?"), "reading.html",
              _shows(lifetime), is_late=True),
        Panel("forecast", N_("Forecast"),
              N_("Where is MRR heading, and how far off were such forecasts?"), "reading.html",
              _shows(forecast), is_late=True),
        TREE,
    ),
    has_controls=False,
)
