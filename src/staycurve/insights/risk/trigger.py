"""Trigger: a sign of churn from practice, fired by thresholds on features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.insights.risk.feature_table import features
from staycurve.insights.risk.frames import Frame
from staycurve.insights.risk.settings import Risk
from staycurve.registry import Registry

if TYPE_CHECKING:
    import numpy as np

Values = Mapping[str, "np.ndarray"]


@dataclass(frozen=True)
class Trigger:
    """One sign of churn.

    Attributes
    ----------
    label, why : str
        What it is, and why practice looks at it.
    evidence : sequence of str
        The features that it rests on. Where the first of them is not known, neither is the
        trigger; of the others an unknown one does not fire.
    fires : callable
        (feature → array, thresholds) → array of bool. Comparisons with NaN are False.
    """

    label: str
    why: str
    evidence: Sequence[str]
    fires: Callable[[Values, Risk], np.ndarray]

    def on(self, frame: Frame, risk: Risk) -> tuple[np.ndarray, np.ndarray]:
        """Whether it is known, and whether it fires, as bool of shape (n,) each."""
        import numpy as np

        known = np.zeros(len(frame), dtype=bool)
        for name in self.evidence:
            known |= ~np.isnan(frame.values[name])
        return known, known & self.fires(frame.values, risk)

    def told(self, frame: Frame, place: int) -> str:
        """The evidence of one row, in words."""
        found = []
        for name in self.evidence:
            value = float(frame.values[name][place])
            if value == value:
                found.append(f"{features()[name].label}: {value:,.4g}")
        return "; ".join(found)


TRIGGERS: Registry[Trigger] = Registry(
    "trigger", Trigger, ("staycurve.insights.risk.signs",), group="staycurve.risk_triggers",
)
"""Name → trigger; other packages add theirs."""
