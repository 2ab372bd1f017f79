"""Scoring: the models of expansion, made and judged by the machinery of risk on the same features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from staycurve.i18n import N_
from staycurve.insights.base import Param
from staycurve.insights.growth.traits import Traits, traits_of
from staycurve.insights.growth.upgrades import EXPANSION, expansions_sql
from staycurve.insights.risk.drift import lost
from staycurve.insights.risk.frames import Frame, Moment, frame_of, moment_of
from staycurve.insights.risk.judging import local_rates
from staycurve.insights.risk.learned import learned, sampled
from staycurve.insights.risk.models import Model
from staycurve.insights.risk.pulse import mark_of
from staycurve.insights.risk.track import Lacking, Track, answered, fitted, made
from staycurve.insights.shared.reader import Reader
from staycurve.period import AsOf
from staycurve.tables.engine import AnyEngine

if TYPE_CHECKING:
    import numpy as np

FORMS = ("points", "boosting")
HORIZON = 90
"""Days after a day in which an upgrade counts: as far ahead as risk looks, so that the two stand
beside each other."""

Horizon = Annotated[
    int,
    Param(N_("Days after each day in which an upgrade counts."), least=7, most=365, metavar="DAYS"),
]
Form = Annotated[str, Param(N_("The form of the model."), choices=FORMS)]


def track_of(
    company: Reader, engine: AnyEngine, moment: Moment, horizon: int
) -> Track | Lacking:
    """The models of expansion and how they did, or why that cannot be known."""
    key = (moment.seen.at, horizon, mark_of(company.pulses()))

    def make() -> Track | Lacking:
        traits = kept_traits(company, engine, moment)
        parts = learned(company, engine, moment, horizon, expansions_sql)
        now = frame_of(company, engine, moment)
        without = lost(now, parts)
        return answered(now, made(
            (traits.beside(sampled(part).without(without)) for part in parts), horizon, {},
            outcome=EXPANSION, forms=FORMS, without=without,
        ))

    return company.kept("growth track", key, make, most=4)


def kept_traits(company: Reader, engine: AnyEngine, moment: Moment) -> Traits:
    """The traits of accounts as of a moment, read once."""
    return company.kept(
        "growth traits", moment.day, lambda: traits_of(engine, moment.day), most=2
    )


@dataclass(frozen=True)
class Chances:
    """Who may be upgraded, as of a moment.

    Attributes
    ----------
    now : Frame
        The accounts that pay on the day.
    track : Track or Lacking
    form : str, optional
        What is shown: the asked form, or the baseline where that does not lose to it; None where
        there is too little to learn from.
    model : Model, optional
        That form, fitted to every past day.
    probability : array of float, shape (n,), optional
        Of the accounts of `now`.
    """

    moment: Moment
    now: Frame
    track: Track | Lacking
    form: str | None = None
    model: Model | None = None
    probability: np.ndarray | None = None


def chances_of(company: Reader, seen: AsOf, *, form: str, horizon: int) -> Chances:
    """The probability of an upgrade of every paying account, by the form that may be shown; found
    once for a moment."""
    key = (seen.at, form, horizon, mark_of(company.pulses()))
    return company.kept(
        "growth chances", key, lambda: _chances(company, seen, form=form, horizon=horizon), most=2
    )


def _chances(company: Reader, seen: AsOf, *, form: str, horizon: int) -> Chances:
    with company.seeing(seen) as engine:
        moment = moment_of(engine, seen, horizon)
        track = track_of(company, engine, moment, horizon)
        now = kept_traits(company, engine, moment).beside(frame_of(company, engine, moment))
    if isinstance(track, Lacking) or not len(now):
        return Chances(moment, now, track)
    shown = form if track.beats(form) else "baseline"
    model = fitted(shown, track.past, {})
    return Chances(moment, now, track, shown, model, model.probability(now))


def with_interval(
    probability: np.ndarray, track: Track, form: str
) -> tuple[np.ndarray, np.ndarray]:
    """How many were upgraded of the test rows with the most similar probabilities: (low, high)."""
    test = track.test
    return local_rates(
        probability, track.forms[form].probability, test.has_left, len(set(test.account_ids))
    )
