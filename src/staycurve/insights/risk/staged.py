"""Models by lifecycle stage: one of its own where a stage has enough accounts that churned.

What goes with churn in the first weeks is not what goes with it after years. A stage with few
leavers keeps the model of all accounts: its own would learn names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from staycurve.i18n import N_
from staycurve.insights.lifecycle.lifecycle_spans import SPANS
from staycurve.insights.risk.frames import Frame
from staycurve.insights.risk.models import Points, fit_points
from staycurve.tables.engine import AnyEngine

if TYPE_CHECKING:
    import numpy as np

LEAST_LEFT = 40
"""Accounts of a stage that must have churned in what its model learns from: twice what the model
of all accounts needs, since that one is there to fall back on."""
LEAST_ACCOUNTS = 200
"""Accounts that must have been in the stage on those days."""

FEW_LEFT = N_("{left} accounts churned in this stage in the days to learn from; {least} are needed")
FEW_ACCOUNTS = N_("{accounts} accounts were in this stage in the days to learn from; {least} are "
                  "needed")
ALL_LEFT = N_("every account of this stage churned in the days to learn from")


@dataclass(frozen=True)
class Staged:
    """Points of each stage that has enough to learn from, and of all accounts for the others."""

    whole: Points
    own: Mapping[str, Points]

    def probability(self, frame: Frame) -> np.ndarray:
        """Probability of churn within the horizon, shape (n,)."""
        found = self.whole.probability(frame)
        for stage, model in self.own.items():
            places = in_stage(frame, stage).nonzero()[0]
            if len(places):
                found[places] = model.probability(frame.where(places))
        return found

    def effects(self, frame: Frame) -> Mapping[str, np.ndarray]:
        """Factor → what it adds to the probability, against the average account of the model."""
        import numpy as np

        found = {name: values.copy() for name, values in self.whole.effects(frame).items()}
        for stage, model in self.own.items():
            places = in_stage(frame, stage).nonzero()[0]
            if not len(places):
                continue
            for values in found.values():
                values[places] = 0.0
            for name, values in model.effects(frame.where(places)).items():
                found.setdefault(name, np.zeros(len(frame)))[places] = values
        return found


def fit_by_stage(frame: Frame, by_hand: Mapping[str, float]) -> Staged:
    """The points of all accounts, and of each stage that has enough accounts that churned."""
    return Staged(fit_points(frame, by_hand), {
        stage: fit_points(part, by_hand)
        for stage in stages_in(frame)
        if too_few(part := frame.where(in_stage(frame, stage))) is None
    })


def stages_in(frame: Frame) -> Sequence[str]:
    """The stages that any row is in, by name."""
    return sorted({one for one in frame.stages if one}) if frame.stages is not None else []


def in_stage(frame: Frame, stage: str) -> np.ndarray:
    """Which rows are in a stage, as bool of shape (n,)."""
    import numpy as np

    if frame.stages is None:
        return np.zeros(len(frame), dtype=bool)
    found: np.ndarray = frame.stages == stage
    return found


def too_few(part: Frame) -> str | None:
    """Why a stage's rows give no model of their own; None where they do."""
    accounts = len(set(part.account_ids))
    if accounts < LEAST_ACCOUNTS:
        return FEW_ACCOUNTS.format(accounts=accounts, least=LEAST_ACCOUNTS)
    left = len(set(part.account_ids[part.has_left]))
    if left < LEAST_LEFT:
        return FEW_LEFT.format(left=left, least=LEAST_LEFT)
    return ALL_LEFT if part.has_left.all() else None


def staged(engine: AnyEngine, part: Frame) -> Frame:
    """The same rows with the lifecycle stage of each at the close of its day."""
    import numpy as np

    if not len(part):
        return replace(part, stages=np.array([], dtype=object))
    days = sorted(set(part.days.tolist()))
    found = {
        (account, day): stage for account, day, stage in engine.rows(stages_sql(days))
    }
    stages = np.empty(len(part), dtype=object)
    stages[:] = [
        found.get(one) for one in zip(part.account_ids, part.days.tolist(), strict=True)
    ]
    return replace(part, stages=stages)


def stages_sql(days: Sequence[object]) -> str:
    """SQL of the stage of every account at the close of some days: (account_id, day, stage)."""
    listed = ", ".join(f"(DATE '{day}')" for day in days)
    return f"""SELECT s.account_id, CAST(d.day AS DATE) AS day, s.stage
FROM {SPANS} s
JOIN (SELECT CAST(day AS DATE) AS day FROM (VALUES {listed}) AS v(day)) d
  ON d.day >= s.starts_on AND d.day < s.ends_on
ORDER BY day, s.account_id"""
