"""Two shares of trials beside each other, and whether they differ significantly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    WhyField,
    col,
)
from staycurve.insights.statistics.association import MIN_COMPARED, TOO_FEW
from staycurve.insights.statistics.proportions import (
    ALPHA,
    Share,
    adjusted,
    difference,
    different_by_chance,
)
from staycurve.metrics.base import Unit

DifferenceField = Annotated[
    float | None,
    col(N_("Difference"), Kind.POINTS, N_("With Newcombe's 95% interval"),
        ends=("difference_low", "difference_high")),
]
ChanceField = Annotated[
    float | None,
    Key(N_("Fisher's exact test, raised by Holm where several were tested; empty where not "
           "tested.")),
]
NamedField = Annotated[
    bool, col(N_("Statistically significant"), Kind.FLAG, N_("At 1%."))
]


@dataclass(frozen=True)
class Gap:
    """Two shares beside each other, and their difference with its interval."""

    one: Share
    other: Share
    gap: tuple[float, float, float] | None
    p_value: float | None
    is_named: bool = False
    why: str | None = None


@dataclass(frozen=True, kw_only=True)
class CardGap(Row):
    """Trials with a card beside those without."""

    with_card: Annotated[Share, col(N_("With a card"), Unit.PERCENT, name="with")]
    without_card: Annotated[Share, col(N_("Without a card"), Unit.PERCENT, name="without")]
    difference: DifferenceField
    difference_low: LowField
    difference_high: HighField
    p_value: ChanceField
    is_named: NamedField
    why: WhyField = None


def apart(gap: Gap) -> dict[str, Any]:
    """The fields of a difference."""
    value, low, high = gap.gap or (None, None, None)
    return {
        "difference": value, "difference_low": low, "difference_high": high,
        "p_value": gap.p_value, "is_named": gap.is_named, "why": gap.why,
    }


def gaps(pairs: Iterable[tuple[Share, Share]]) -> list[Gap]:
    """Pairs of shares, those that are large enough tested; chances raised by Holm."""
    found = []
    for one, other in pairs:
        is_small = min(one.size, other.size) < MIN_COMPARED
        chance = None if is_small else different_by_chance(one, other)
        why = TOO_FEW.format(count=MIN_COMPARED) if is_small else None
        found.append(Gap(one, other, difference(one, other), chance, why=why))
    raised = iter(adjusted([gap.p_value for gap in found if gap.p_value is not None]))
    judged = []
    for gap in found:
        chance = None if gap.p_value is None else next(raised)
        is_named = chance is not None and chance <= ALPHA
        judged.append(replace(gap, p_value=chance, is_named=is_named))
    return judged
