"""Every insight: those of the folders here, and those of other packages."""

from __future__ import annotations

import pkgutil
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.base import Insight
from staycurve.registry import Registry

THEMES = {
    "overview": N_("The morning's page: the ten metrics, what changed, and whom to call."),
    "account": N_("One account: its facts, what happened to it, its users and features."),
    "lifecycle": N_("The stage of each account: how many are in each, who moved, who is stuck."),
    "acquisition": N_(
        "How customers are won: channels, how far leads get, and who referred whom."
    ),
    "cohorts": N_("What cohorts show, with intervals and tests."),
    "value": N_(
        "What customers are worth, why a number changed, which segments differ, and a forecast."
    ),
    "fit": N_(
        "Who is like the best customers: their profile, its opposite, and leads that match it."
    ),
    "effects": N_("Experiments: how many accounts they take, and whether what was done helped."),
    "features": N_(
        "Which features are used, and used again; which ones work, and who is near a limit."
    ),
    "onboarding": N_(
        "How new accounts reach first value: how fast, how many, and along which steps."
    ),
    "trials": N_("Trials: who converts, what converters did, and churn after conversion."),
    "usage": N_("What users do: who comes back, in which order, how often."),
    "satisfaction": N_(
        "How content customers are: scores with intervals, who answers, and who is unhappy."
    ),
    "feedback": N_("What customers write: themes, comments, and the codebook that tells them."),
    "support": N_("How fast tickets are answered and solved, what waits, and for whom."),
    "risk": N_(
        "Who may churn, on which evidence, and how good such judgements were on past days."
    ),
    "growth": N_(
        "Who may grow: signals with their evidence, how likely an upgrade is, and whom to talk to."
    ),
    "invoices": N_("What invoices bill, and which lines are behind an account's MRR."),
    "books": N_(
        "Closed months and what changed them, what came in, and how other tools count."
    ),
}
"""The first word of insights' names → what they are about, in one line."""


def _modules() -> tuple[str, ...]:
    import staycurve.insights as own

    return tuple(
        found.name
        for found in pkgutil.walk_packages(own.__path__, f"{own.__name__}.")
        if not found.ispkg and found.name != __name__
    )


INSIGHTS: Registry[Insight[Any, Any]] = Registry(
    "insight",
    Insight,
    _modules,
    group="staycurve.insights",
    hint="staycurve insights lists them.",
    named=lambda one: one.name,
)


def in_theme(theme: str) -> list[Insight[Any, Any]]:
    """The insights whose names begin with a word; with an empty one those of one word."""
    return [one for _name, one in INSIGHTS.items() if one.theme == theme]


def of_method(theme: str, method: str) -> Insight[Any, Any] | None:
    """The insight that Python calls `company.THEME.METHOD`."""
    found = in_theme(theme)
    return next((one for one in found if method in (one.method, one.word)), None)
