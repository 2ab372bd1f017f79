"""At risk: the health of the accounts that may grow, as `risk scores` has it, without its reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from staycurve.insights.risk.asked import HORIZON
from staycurve.insights.risk.frames import frame_of, moment_of
from staycurve.insights.risk.pulse import mark_of
from staycurve.insights.risk.scoring import model_of
from staycurve.insights.risk.settings import RISK
from staycurve.insights.risk.track import Lacking, band_of, is_told, track_of
from staycurve.insights.shared.reader import Reader
from staycurve.period import AsOf

if TYPE_CHECKING:
    import numpy as np

FORM = "points"


@dataclass(frozen=True)
class Risks:
    """Health of the accounts of a day, in the order of its frame.

    Attributes
    ----------
    bands : array of object, shape (n,)
        at_risk, watch, healthy or unknown.
    probability : array of float, shape (n,)
        Of churn; NaN where it is unknown.
    """

    bands: np.ndarray
    probability: np.ndarray

    @property
    def is_at_risk(self) -> np.ndarray:
        """Whether each is left out of the worklist, as bool of shape (n,)."""
        found: np.ndarray = self.bands == "at_risk"
        return found


def risks_of(company: Reader, seen: AsOf) -> Risks:
    """Health of every paying account: bands and probabilities are those of `risk scores`.

    Where nothing can be learned of churn, an account that has requested a cancellation is at risk
    all the same.
    """
    key = (seen.at, mark_of(company.pulses()))
    return company.kept("growth risks", key, lambda: _risks(company, seen), most=2)


def _risks(company: Reader, seen: AsOf) -> Risks:
    import numpy as np

    with company.seeing(seen) as engine:
        moment = moment_of(engine, seen, HORIZON)
        track = track_of(company, engine, moment, HORIZON)
        now = frame_of(company, engine, moment)
    bands = np.full(len(now), "unknown", dtype=object)
    probability = np.full(len(now), np.nan)
    if not isinstance(track, Lacking) and len(now):
        shown = FORM if track.beats(FORM) else "baseline"
        model = model_of(company, seen.at, track, form=shown, horizon=HORIZON)
        told, multiple = is_told(now), company.config[RISK].at_risk
        probability[told] = model.probability(now)[told]
        for place in told.nonzero()[0]:
            bands[place] = band_of(float(probability[place]), track.base_rate, multiple)
        size, left = track.requested
        probability[now.is_requested] = (left + 1) / (size + 2)
    bands[now.is_requested] = "at_risk"
    return Risks(bands, probability)
