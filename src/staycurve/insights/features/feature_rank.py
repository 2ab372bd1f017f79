"""Which features work, need work or lie unused: the rule, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from staycurve.i18n import N_
from staycurve.insights.features.feature_use import FeatureQuestion
from staycurve.insights.statistics.proportions import Share
from staycurve.metrics.query import STILL_OPEN

# What the ranking rests on. A larger UNUSED_BELOW calls more features unused, a larger
# AGAIN_BELOW, or smaller ERRORS_ABOVE or FALLS_BY, more of them in need of work.
UNUSED_BELOW = 0.05
AGAIN_BELOW = 0.5
ERRORS_ABOVE = 0.05
FALLS_BY = 0.05
MIN_ACTIVE = 30

RULE = N_(
    "Unused: fewer than 5% of the active accounts use it. Needs work: fewer than half of its "
    "accounts came back to it within 28 days, or over 5% of its uses fail, or its adoption fell by "
    "5 points or more against three months before (the period before, where that is not known). "
    "Works: none of these. Steps of onboarding are done once and are not ranked; neither is "
    "anything below 30 active accounts, or in a period that is still open."
)

RANKS = {
    "works": N_("Works"), "needs work": N_("Needs work"), "unused": N_("Unused"),
    "step": N_("Step of onboarding"), "": N_("Not ranked"),
}

FEW_AGAIN = N_("fewer than half of its accounts came back to it within 28 days")
MANY_ERRORS = N_("over 5% of its uses fail")
FALLING = N_("its adoption fell by 5 points or more")
FEW_ACTIVE = N_("fewer than 30 active accounts")


def rank_of(
    asked: FeatureQuestion, name: str, adoption: Share, again: Share, error_rate: float | None,
    changes: Sequence[float | None],
) -> tuple[str, tuple[str, ...], str | None]:
    """A key of RANKS, the reasons for needing work, and why a feature is not ranked.

    Parameters
    ----------
    changes : sequence of float
        Of its adoption, against the period before and against three months before.
    """
    activation = asked.question.config.behaviour.activation
    if name in (*activation.events, *activation.checklist):
        return "step", (), None
    if asked.window.is_open:
        return "", (), STILL_OPEN
    if adoption.value is None or adoption.size < MIN_ACTIVE:
        return "", (), FEW_ACTIVE
    if adoption.value < UNUSED_BELOW:
        return "unused", (), None
    earlier, three_months = changes
    fall = earlier if three_months is None else three_months
    reasons = [
        reason
        for reason, holds in (
            (FEW_AGAIN, again.value is not None and again.value < AGAIN_BELOW),
            (MANY_ERRORS, error_rate is not None and error_rate > ERRORS_ABOVE),
            (FALLING, fall is not None and fall <= -FALLS_BY),
        )
        if holds
    ]
    return ("needs work" if reasons else "works"), tuple(reasons), None
