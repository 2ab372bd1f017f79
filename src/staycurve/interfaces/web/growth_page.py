"""Growth: whom to talk to, why, how sure that is, and what goes with upgrades: the page at /growth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.answers import Answer
from staycurve.insights.base import Insight
from staycurve.insights.growth.backtest import backtest
from staycurve.insights.growth.crosssell import next_things
from staycurve.insights.growth.drivers import drivers
from staycurve.insights.growth.expansion import expansion
from staycurve.insights.growth.signals import signals
from staycurve.insights.growth.worklist import worklist
from staycurve.interfaces.web.answered import answered
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Page, Panel, Shown


def _shows(insight: Insight[Any, Any]) -> Callable[[Ask], Shown]:
    def show(ask: Ask) -> Shown:
        answer: Answer = answer_of(ask, insight)
        return answered(ask, insight, answer)

    return show


GROWTH = Page(
    address="/growth",
    place=36,
    title=N_("Growth"),
    question=N_("Which accounts may grow, by how much, and on what evidence?"),
    panels=(
        Panel("worklist", N_("Worklist"), N_("Whom to talk to first, by the MRR that may come?"),
              "reading.html", _shows(worklist), is_late=True),
        Panel("signals", N_("Signals"), N_("Which limits, seats and features say so?"),
              "reading.html", _shows(signals), is_late=True),
        Panel("expansion", N_("Upgrade probability"),
              N_("How likely is an upgrade, and does that beat a plain baseline?"),
              "reading.html", _shows(expansion), is_late=True),
        Panel("backtest", N_("Expected and followed"),
              N_("What did the worklist expect on past days, and how much MRR followed?"),
              "reading.html", _shows(backtest), is_late=True),
        Panel("next", N_("Cross-sell"), N_("What do similar accounts add next?"), "reading.html",
              _shows(next_things), is_late=True),
        Panel("drivers", N_("What goes with upgrades"), N_("Which signs and traits say something?"),
              "reading.html", _shows(drivers), is_late=True),
    ),
    has_controls=False,
    can_be_cut=False,
)
