"""The shifted-beta-geometric model: how churn goes on where customers differ and nothing else does.

Every customer leaves at each renewal with a chance of their own, which never changes; chances are
spread over customers as a Beta(α, β). Those with a high one leave first, so the share that stays
rises from month to month although nobody changes. The chance to leave in month k, of those who
paid into it, is α / (α + β + k − 1).

References
----------
Fader & Hardie (2007), J. Interact. Mark. 21(1):76-90, "How to project customer retention"; (2010),
Mark. Sci. 29(1):85-93, for the discounted lifetime.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MIN_LEAVERS = 10
"""Two parameters out of fewer leavers are noise that looks like a forecast."""

MIN_MONTHS = 3
"""With fewer months the two parameters cannot be told apart."""

# log(α + β): customers all but at one extreme or the other, and customers all but alike. Beyond
# these the curve no longer moves within the months that anybody asks for.
SPREAD_BOUNDS = (-6.0, 14.0)


@dataclass(frozen=True)
class ShiftedBetaGeometric:
    """A fitted model.

    Attributes
    ----------
    alpha, beta : float
        Of the Beta distribution of the chance to leave.
    """

    alpha: float
    beta: float

    def survival(self, months: int) -> Any:
        """S(0), …, S(months) as an array: the share still paying after so many months."""
        import numpy as np

        k = np.arange(months)
        kept = (self.beta + k) / (self.alpha + self.beta + k)
        return np.concatenate([[1.0], np.cumprod(kept)])

    def mean(self, horizon: int, *, discount: float = 0.0) -> float:
        """Expected months paid, of which only the first `horizon` count.

        Parameters
        ----------
        discount : float
            By month: each month is worth 1 / (1 + discount) of the one before.
        """
        import numpy as np

        worth = (1 + discount) ** -np.arange(horizon, dtype=float)
        return float(self.survival(horizon - 1) @ worth)

    def discounted_mean(self, discount: float) -> float:
        """Expected months paid, each worth 1 / (1 + discount) of the one before; without an end.

        Parameters
        ----------
        discount : float
            By month; above 0, as the mean without one can be infinite.
        """
        from scipy.special import hyp2f1

        whole = self.alpha + self.beta
        return float(hyp2f1(1.0, self.beta, whole, 1 / (1 + discount)))

    def discounted_residual(self, renewals: int, discount: float) -> float:
        """Expected discounted renewals still to come, the next one counted in full.

        Of who has paid for `renewals` periods and has not renewed for the next one yet.
        """
        from scipy.special import hyp2f1

        whole = self.alpha + self.beta + renewals
        kept = (self.beta + renewals) / whole
        return float(
            kept * hyp2f1(1.0, self.beta + renewals + 1, whole + 1, 1 / (1 + discount))
        )


def fit(at_risk: Sequence[int], left: Sequence[int]) -> ShiftedBetaGeometric | None:
    """The most likely model; None where there are too few leavers or months to tell.

    Parameters
    ----------
    at_risk, left : sequence of int, shape (n,)
        For month 1, 2, …, n: who paid into the month, and who of them left in it. Who is followed
        for fewer months is not at risk in later ones, so cohorts of any age go together.
    """
    import numpy as np
    from scipy.optimize import minimize

    risk, gone = np.asarray(at_risk, dtype=float), np.asarray(left, dtype=float)
    if len(risk) < MIN_MONTHS or gone.sum() < MIN_LEAVERS:
        return None
    k = np.arange(len(risk))

    def unlikely(point: Any) -> float:
        mean, whole = 1 / (1 + np.exp(-point[0])), np.exp(point[1])
        alpha, beta = mean * whole, (1 - mean) * whole
        spread = np.log(whole + k)
        leave, stay = np.log(alpha) - spread, np.log(beta + k) - spread
        return -float(gone @ leave + (risk - gone) @ stay) / float(risk.sum())

    rate = float(gone.sum() / risk.sum())
    start = np.log(rate / (1 - rate)) if rate < 1 else 10.0
    found = min(
        (
            minimize(
                unlikely, (start, spread), method="L-BFGS-B",
                bounds=((-20.0, 20.0), SPREAD_BOUNDS), options={"ftol": 1e-15, "gtol": 1e-9},
            )
            # One hill, but flat far out: from both sides of it.
            for spread in (0.5, 4.0)
        ),
        key=lambda one: float(one.fun),
    )
    # The last digits, which a gradient by differences does not reach.
    found = minimize(
        unlikely, found.x, method="Nelder-Mead",
        bounds=((-20.0, 20.0), SPREAD_BOUNDS),
        options={"xatol": 1e-9, "fatol": 1e-15, "maxiter": 2_000},
    )
    mean, whole = 1 / (1 + np.exp(-found.x[0])), np.exp(found.x[1])
    return ShiftedBetaGeometric(float(mean * whole), float((1 - mean) * whole))
