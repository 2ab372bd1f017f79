"""Alike accounts: what churn hangs on anyway, whatever sign they show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.insights.risk.frames import Frame

if TYPE_CHECKING:
    import numpy as np

TENURES = (91, 182, 365, 730)
"""Days at which a band of tenure begins: churn falls fast at first, and slower later."""
RENEWAL = "days_to_renewal"


@dataclass(frozen=True)
class Alike:
    """Rows of past days, each with its account and with those that it is compared with.

    Alike are accounts on the same plan, in the same band of tenure, both or neither on a contract
    of a year or longer, and both or neither free to leave: those whose contract runs beyond the
    horizon cannot.

    Attributes
    ----------
    left : array of bool, shape (n,)
        Whether each churned within the horizon.
    accounts : array of int, shape (n,)
    strata, undated : array of int, shape (n,)
        With the date of the renewal, and without it.
    """

    left: np.ndarray
    accounts: np.ndarray
    strata: np.ndarray
    undated: np.ndarray

    def strata_for(self, evidence: Collection[str]) -> np.ndarray:
        """The strata for a sign that rests on some features: its own cannot tell rows apart."""
        return self.undated if RENEWAL in evidence else self.strata


def alike(parts: Sequence[Frame], horizon: int) -> Alike:
    """The rows of some frames, in their order."""
    import numpy as np

    plans: dict[object, int] = {}
    accounts: dict[object, int] = {}
    found: list[list[np.ndarray]] = [[], [], [], []]
    for part in parts:
        own = np.array([plans.setdefault(one, len(plans)) for one in part.plans], dtype=int)
        tenure = np.digitize(np.nan_to_num(part.values["tenure_days"]), TENURES)
        undated = (own * (len(TENURES) + 1) + tenure) * 2 + (part.values["is_annual"] == 1)
        renews = part.values[RENEWAL]
        due = np.where(np.isnan(renews), 0, np.where(renews <= horizon, 1, 2))
        numbers = [accounts.setdefault(one, len(accounts)) for one in part.account_ids]
        for place, column in enumerate(
            (part.has_left, np.array(numbers, dtype=int), undated * 3 + due, undated)
        ):
            found[place].append(column)
    if not parts:
        none = np.array([], dtype=int)
        return Alike(none.astype(bool), none, none, none)
    return Alike(*(np.concatenate(columns) for columns in found))
