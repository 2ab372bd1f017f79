"""Drift: features that are known of nobody now, and those that are distributed otherwise now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from staycurve.insights.risk.feature_table import features
from staycurve.insights.risk.frames import Frame
from staycurve.insights.risk.models import bins_of, edges_of
from staycurve.insights.statistics.proportions import ALPHA, adjusted

if TYPE_CHECKING:
    import numpy as np

SHIFTED = 0.25
"""Population stability index from which a feature counts as shifted: the convention of credit
scoring, where 0.1 to 0.25 is watched and more means that the scorecard meets other people."""


def lost(now: Frame, past: Iterable[Frame]) -> tuple[str, ...]:
    """Features that are known of nobody now and were known before: what no longer comes in.

    A model that learned from them would put everybody among the unknown, whom it hardly saw.
    """
    import numpy as np

    if not len(now):
        return ()
    silent = [name for name, values in now.values.items() if bool(np.isnan(values).all())]
    known = {
        name for part in past for name in silent
        if name in part.values and not bool(np.isnan(part.values[name]).all())
    }
    return tuple(name for name in silent if name in known)


def shifted(now: Frame, past: Frame) -> tuple[str, ...]:
    """Features that are distributed otherwise now than in what was learned from.

    By the population stability index over fifths of the past and the unknown, at least SHIFTED,
    and by a chi-squared test with the Holm correction: of few accounts the index alone is noise.
    """
    from scipy.stats import chi2

    if not len(now) or not len(past):
        return ()
    indices, chances = {}, {}
    for name in features():
        before, after = _counts(past.values[name], now.values[name])
        if len(before) < 2:
            continue
        # Half an account where nobody is: a share of 0 has no logarithm.
        was = (before + 0.5) / (before + 0.5).sum()
        is_now = (after + 0.5) / (after + 0.5).sum()
        indices[name] = float(((is_now - was) * _log(is_now / was)).sum())
        expected = was * after.sum()
        gap = float(((after - expected) ** 2 / expected).sum())
        chances[name] = float(chi2.sf(gap, len(before) - 1))
    raised = dict(zip(chances, adjusted(list(chances.values())), strict=True))
    return tuple(
        name for name, index in indices.items() if index >= SHIFTED and raised[name] <= ALPHA
    )


def labels(names: Sequence[str]) -> tuple[str, ...]:
    """What features are called."""
    return tuple(features()[name].label for name in names)


def _log(values: np.ndarray) -> np.ndarray:
    import numpy as np

    found: np.ndarray = np.log(values)
    return found


def _counts(past: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows by fifth of the past and unknown, then and now, without bins that are empty in both."""
    import numpy as np

    edges = edges_of(past[~np.isnan(past)])

    def counted(values: np.ndarray) -> np.ndarray:
        return np.bincount(bins_of(values, edges), minlength=len(edges) + 2).astype(float)

    before, after = counted(past), counted(now)
    used = (before > 0) | (after > 0)
    return before[used], after[used]
