"""Outcomes of two arms: what each account adds to the mean, and the difference with its error."""

from __future__ import annotations

from collections.abc import Sequence

from staycurve.insights.effects.taking import Taking
from staycurve.insights.statistics.trials import Estimate, estimated

SHOWN = ("retention", "upgrade", "usage", "active_days", "nrr", "mrr", "nps")
"""Beside the one that is proved: what must not become worse."""
BEFORE = ("mrr", "active_days")
"""Outcomes that each account had before too: its value then is taken out (CUPED)."""


def values(arm: Sequence[Taking], name: str) -> list[float]:
    """What each account adds: their mean is the arm's outcome, their spread its error.

    NRR and NPS are ratios of two sums, over accounts and over people. Each account's share in one
    is r + (above − r × below) / mean(below): the delta method.
    """
    if name not in ("nrr", "nps"):
        return [one.outcome(name) for one in arm]
    pairs = [
        (one.after, one.before) if name == "nrr" else (float(one.answer_sum), float(one.answers))
        for one in arm
    ]
    below = sum(under for _above, under in pairs)
    if not below:
        return []
    ratio = sum(above for above, _under in pairs) / below
    mean = below / len(pairs)
    return [ratio + (above - ratio * under) / mean for above, under in pairs]


def having(known: Sequence[Taking], name: str) -> list[Taking]:
    """Those of whom the outcome is known."""
    found = [one for one in known if one.has(name)]
    # What somebody did not pay before cannot be retained.
    return [one for one in found if one.before > 0] if name == "nrr" else found


def arms_of(known: Sequence[Taking]) -> tuple[list[Taking], list[Taking]]:
    """(treated, held out)."""
    return ([one for one in known if not one.is_held_out],
            [one for one in known if one.is_held_out])


def difference(known: Sequence[Taking], name: str) -> Estimate | None:
    """Treated less held out, adjusted for what was before where that is the same thing; None
    where an arm has fewer than two accounts."""
    treated, control = arms_of(having(known, name))
    before = None
    if name in BEFORE:
        pairs = [[_before(one, name) for one in arm] for arm in (treated, control)]
        if not any(value is None for arm in pairs for value in arm):
            before = (
                [float(value or 0) for value in pairs[0]], [float(value or 0) for value in pairs[1]]
            )
    return estimated(values(treated, name), values(control, name), before)


def _before(one: Taking, name: str) -> float | None:
    return one.before if name == "mrr" else one.active_before
