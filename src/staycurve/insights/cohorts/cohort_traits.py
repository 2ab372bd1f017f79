"""Trait against trait: the retention of one segment beside that of all other accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.shared.members import Question, Segment
from staycurve.insights.statistics.proportions import (
    ALPHA,
    Share,
    adjusted,
    difference,
    different_by_chance,
    share,
)

MIN_COMPARED = 30
"""Segments with fewer accounts, or with fewer beside them, are shown and not tested."""

NO_OTHERS = N_("there is no other segment to compare with")
TOO_FEW_ACCOUNTS = N_("fewer than {count} accounts on one side")


def shown(kept: Share) -> dict[str, Any]:
    return {
        "size": kept.size, "retained": kept.count, "value": kept.value, "low": kept.low,
        "high": kept.high,
    }


def gap_shown(found: tuple[float, float, float] | None) -> dict[str, Any]:
    gap, low, high = found or (None, None, None)
    return {"difference": gap, "difference_low": low, "difference_high": high}


@dataclass(frozen=True)
class Comparison:
    """Retention of one segment against that of all other accounts, at one age.

    Attributes
    ----------
    p_value : float, optional
        Fisher's exact test, raised for the number of comparisons of the answer (Holm).
    """

    segment: Mapping[str, str | None]
    age: int
    own: Share
    others: Share
    difference: tuple[float, float, float] | None
    p_value: float | None
    is_named: bool
    why: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """One row as `--format json` prints it."""
        return {
            "segment": dict(self.segment),
            "age": self.age,
            **shown(self.own),
            "others": shown(self.others),
            **gap_shown(self.difference),
            "p_value": self.p_value,
            "is_named": self.is_named,
            **({"why": self.why} if self.why else {}),
        }


def compared(
    question: Question, totals: Mapping[tuple[Segment, int], tuple[int, int]]
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
        found.append(
            Comparison(
                question.segment(values), age, own, others, difference(own, others), chance,
                False, why,
            )
        )
    raised = iter(adjusted([c.p_value for c in found if c.p_value is not None]))
    return [_judged(c, next(raised)) if c.p_value is not None else c for c in found]


def _judged(comparison: Comparison, p_value: float) -> Comparison:
    return replace(comparison, p_value=p_value, is_named=p_value <= ALPHA)
