"""Trait against trait: the retention of one segment beside that of all other accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    Segment,
    SignificantField,
    WhyField,
    col,
)
from staycurve.insights.shared.members import Question, Segment as Values
from staycurve.insights.statistics.proportions import (
    ALPHA,
    Share,
    adjusted,
    difference,
    different_by_chance,
    share,
)
from staycurve.metrics.base import Unit

MIN_COMPARED = 30
"""Segments with fewer accounts, or with fewer beside them, are shown and not tested."""

NO_OTHERS = N_("there is no other segment to compare with")
TOO_FEW_ACCOUNTS = N_("fewer than {count} accounts on one side")


@dataclass(frozen=True)
class Kept(Row):
    """Those retained of some accounts."""

    size: Annotated[int, Key(N_("Accounts."))]
    retained: Annotated[int, Key(N_("Accounts that still pay."))]
    value: Annotated[
        float | None, col(N_("Retained"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: LowField
    high: HighField


def kept_of(found: Share) -> Kept:
    """A share of accounts as answers have it."""
    return Kept(found.size, found.count, found.value, found.low, found.high)


@dataclass(frozen=True, kw_only=True)
class Comparison(Row):
    """Retention of one segment against that of all other accounts, at one age."""

    segment: Segment
    age: Annotated[int, col(N_("Age"), Unit.COUNT, N_("Months after the activation month."))]
    size: Annotated[int, col(N_("Size"), Unit.COUNT)]
    retained: Annotated[int, Key(N_("Accounts that still pay."))]
    value: Annotated[
        float | None, col(N_("Retained"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    others: Annotated[Kept, col(N_("Others"), about=N_("All other accounts together."))]
    difference: Annotated[
        float | None,
        col(N_("Difference"), Kind.POINTS, ends=("difference_low", "difference_high")),
    ]
    difference_low: LowField
    difference_high: HighField
    p_value: Annotated[
        float | None,
        col(N_("p"), Kind.CHANCE,
            N_("Fisher's exact test, with the Holm correction.")),
    ]
    is_named: SignificantField
    why: WhyField = None


def compared(
    question: Question, totals: Mapping[tuple[Values, int], tuple[int, int]]
) -> list[Comparison]:
    """Every segment against the others, at each age.

    Parameters
    ----------
    totals : mapping
        (segment, age) → (kept, size), in the order in which they are shown.
    """
    found: list[Comparison] = []
    for values, age in totals:
        own = share(*totals[values, age])
        rest = [n for (other, at), n in totals.items() if at == age and other != values]
        others = share(sum(k for k, _ in rest), sum(n for _, n in rest))
        why = None
        if not others.size:
            why = NO_OTHERS
        elif min(own.size, others.size) < MIN_COMPARED:
            why = TOO_FEW_ACCOUNTS.format(count=MIN_COMPARED)
        chance = different_by_chance(own, others) if why is None else None
        gap, low, high = difference(own, others) or (None, None, None)
        found.append(
            Comparison(
                segment=question.segment(values),
                age=age,
                size=own.size,
                retained=own.count,
                value=own.value,
                low=own.low,
                high=own.high,
                others=kept_of(others),
                difference=gap,
                difference_low=low,
                difference_high=high,
                p_value=chance,
                is_named=False,
                why=why,
            )
        )
    raised = iter(adjusted([c.p_value for c in found if c.p_value is not None]))
    return [_judged(c, next(raised)) if c.p_value is not None else c for c in found]


def _judged(comparison: Comparison, p_value: float) -> Comparison:
    return replace(comparison, p_value=p_value, is_named=p_value <= ALPHA)
