"""Sign: what may go before an upgrade, read from the features of a day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.insights.growth.settings import Growth
from staycurve.insights.risk.frames import Frame
from staycurve.registry import Registry

if TYPE_CHECKING:
    import numpy as np

Values = Mapping[str, "np.ndarray"]


@dataclass(frozen=True)
class Sign:
    """One sign of growth.

    Attributes
    ----------
    label, why : str
        What it is, and why practice looks at it.
    feature : str
        The feature that it rests on: where that is not known, neither is the sign.
    fires : callable
        (feature → array, settings) → array of bool. Comparisons with NaN are False.
    """

    label: str
    why: str
    feature: str
    fires: Callable[[Values, Growth], np.ndarray]

    def on(self, frame: Frame, growth: Growth) -> tuple[np.ndarray, np.ndarray]:
        """Whether it is known, and whether it stands, as bool of shape (n,) each."""
        import numpy as np

        known: np.ndarray = ~np.isnan(frame.values[self.feature])
        return known, known & self.fires(frame.values, growth)


SIGNS: Registry[Sign] = Registry(
    "sign of growth", Sign, ("staycurve.insights.growth.signs",), group="staycurve.growth_signs",
)
"""Name → sign; other packages add theirs."""
