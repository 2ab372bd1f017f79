"""[risk]: thresholds of the churn triggers, bands of health, and points that are set by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, near

THRESHOLDS: Mapping[str, float] = {
    # Half of what it was, of at least one active day a week: below that a fall is noise.
    "usage_drop": 0.5, "usage_before": 4,
    "features_lost": 2,
    # Detractors answer 0 to 6; three points are the way from promoter to detractor.
    "nps_low": 6, "nps_fall": 3,
    "champions": 1,
    # As `features limits` calls an account near its limit.
    "limit_share": 0.8,
    # Three usual gaps and two weeks: a single holiday fires neither alone.
    "gap": 3, "gap_days": 14,
    "old_tickets": 1, "reopened_tickets": 1,
    "failed_payments": 1,
    # Two months are what a renewal takes to talk over.
    "renewal_days": 60,
    "downgrades": 1,
    "onboarding_days": 30,
}
"""Name → the value from which a trigger fires, without `[risk.triggers]`."""


@dataclass(frozen=True)
class Risk:
    """[risk]: how churn risk is judged.

    Attributes
    ----------
    triggers : mapping
        Thresholds of churn triggers that differ from the defaults.
    points : mapping
        Points by hand, by the name of a feature: added to an account's score for each unit of it.
    keep_from : int
        From this many customers on, a refresh keeps everybody's features in the lake; for fewer,
        computing them when they are asked for takes less time than every refresh would.
    at_risk : float
        An account is at risk from this multiple of the company's own churn rate.
    keep_scores : bool
        Whether a server keeps each day's scores by itself, as `staycurve health keep` does.
    """

    __pydantic_config__ = CLOSED

    triggers: Annotated[
        Mapping[str, float],
        Takes(N_("names of thresholds, each with a number"), "triggers = {renewal_days = 90}"),
    ] = field(default_factory=dict)
    points: Annotated[
        Mapping[str, float],
        Takes(N_("names of features, each with a number of points"),
              "points = {old_tickets = 10}"),
    ] = field(default_factory=dict)
    keep_from: Annotated[
        int, Takes(N_("a number of customers"), "keep_from = 1000", least=0, most=10**9)
    ] = 1000
    at_risk: Annotated[
        float, Takes(N_("a number from 1 to 100"), "at_risk = 2.0", least=1, most=100)
    ] = 2.0
    keep_scores: Annotated[
        bool, Takes(N_("true or false"), "keep_scores = true")
    ] = False

    def threshold(self, name: str) -> float:
        """From where a trigger fires."""
        return self.triggers.get(name, THRESHOLDS[name])


def _known(stated: Risk) -> Risk:
    for name in stated.triggers:
        if name not in THRESHOLDS:
            raise Wrong(
                f"has no threshold '{name}'.{near(name, THRESHOLDS)}",
                f"Known: {', '.join(THRESHOLDS)}", "triggers",
            )
    return stated


RISK = Section(
    "risk", Risk, Risk(), N_("Thresholds of churn triggers, and points that are set by hand."),
    "[risk.triggers]\nrenewal_days = 90", make=_known,
)
