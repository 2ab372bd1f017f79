"""Scoring: what the models of a day say of every account that pays, and of what lies ahead."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from staycurve.i18n import N_
from staycurve.insights.risk.asked import HORIZON, NEAR, NOBODY_PAYS
from staycurve.insights.risk.drift import labels, shifted
from staycurve.insights.risk.frames import Frame, frame_of
from staycurve.insights.risk.horizons import horizon_row
from staycurve.insights.risk.judging import local_rates
from staycurve.insights.risk.models import Model, Points, label_of, value_of
from staycurve.insights.risk.pulse import mark_of
from staycurve.insights.risk.remaining import (
    BEFORE,
    LEAST_AT_RISK,
    OTHER_HORIZON,
    UNFOLLOWED,
    Ahead,
    ages,
    ahead,
    months_of,
)
from staycurve.insights.risk.score_rows import BANDS, REASONS, Reason, Score, Scores
from staycurve.insights.risk.settings import RISK
from staycurve.insights.risk.staged import Staged, in_stage, staged
from staycurve.insights.risk.track import (
    BY_STAGE,
    Lacking,
    Track,
    band_of,
    fitted,
    is_told,
    last_day,
    points_by_hand,
    strongest,
    tracked,
)
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.lifetimes import LifeMonth
from staycurve.insights.statistics.proportions import share

if TYPE_CHECKING:
    import numpy as np

NOTHING_KNOWN = N_("nothing is known of what it does or says: no usage, answers or tickets")
ASKED = N_("Cancellation requested")
SHORTER = N_("the horizon that was asked for is shorter than 30 days")
ALL = "all"


@dataclass(frozen=True)
class Fitted:
    """The scores of a day, with what gave them.

    Attributes
    ----------
    day : date
        The last day that they may know of.
    track, model
        None where there is too little to learn from.
    """

    day: dt.date
    scores: Scores
    track: Track | None
    model: Model | None


@dataclass(frozen=True)
class Chances:
    """Probabilities of churn within one horizon, one row an account; NaN where nothing is known.

    Attributes
    ----------
    probability, low, high : array, shape (n,)
        `low` and `high` are the ends of the 95% interval.
    form : str
        What is shown: the asked form, or the baseline.
    """

    probability: np.ndarray
    low: np.ndarray
    high: np.ndarray
    form: str
    model: Model


def fitted_now(
    company: Reader, *, form: str = "points", horizon: int = HORIZON, as_of: str | None = None
) -> Fitted:
    """The scores of every paying account, and the model that gives them."""
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        moment, track = tracked(company, engine, seen, horizon, form)
        near = tracked(company, engine, seen, NEAR, form)[1] if horizon > NEAR else track
        now = frame_of(company, engine, moment)
        if form == BY_STAGE:
            now = staged(engine, now)
        months = months_of(company, engine, seen) if horizon == HORIZON else None
    own = chances(company, seen.at, now, track, form=form, horizon=horizon)
    soon = own if horizon == NEAR else None
    if horizon > NEAR:
        soon = chances(company, seen.at, now, near, form=form, horizon=NEAR)
    lowered = 0
    if soon is not None and own is not None:
        soon, lowered = capped(soon, own)
    found = scored(company, now, own, track, horizon=horizon, at=seen.at)
    found = _with_horizons(
        found, [(NEAR, near, lowered)] if horizon > NEAR else [], (horizon, track), form
    )
    found = replace(found, rows=_with_ahead(found.rows, now, soon, own, months, near, horizon))
    if isinstance(track, Lacking) or own is None:
        return Fitted(moment.day, found, None, None)
    return Fitted(moment.day, found, track, own.model)


def model_of(
    company: Reader, at: dt.datetime, track: Track, *, form: str, horizon: int
) -> Model:
    """A form of model, fitted to every past day."""
    def fit() -> Model:
        return fitted(form, track.past, points_by_hand(company))

    return company.kept("risk model", (at, horizon, form, mark_of(company.pulses())), fit)


def chances(
    company: Reader, at: dt.datetime, now: Frame, track: Track | Lacking, *, form: str,
    horizon: int,
) -> Chances | None:
    """Probabilities of the accounts of a frame; None where there is too little to learn from.

    One that has requested a cancellation gets the share of such accounts that churned.
    """
    import numpy as np

    if isinstance(track, Lacking):
        return None
    shown = form if form in track.forms and track.beats(form) else "baseline"
    model = model_of(company, at, track, form=shown, horizon=horizon)
    if not len(now):
        nothing = np.zeros(0)
        return Chances(nothing, nothing, nothing, shown, model)
    judged, test = track.forms[shown], track.test
    probability = model.probability(now).astype(float)
    low, high = local_rates(
        probability, judged.probability, test.has_left, len(set(test.account_ids))
    )
    low, high = low.copy(), high.copy()
    size, left = track.requested
    of_asked = share(left, size)
    own = now.is_requested
    probability[own] = (left + 1) / (size + 2)
    low[own] = np.nan if of_asked.low is None else of_asked.low
    high[own] = np.nan if of_asked.high is None else of_asked.high
    unknown = ~own & ~is_told(now)
    for values in (probability, low, high):
        values[unknown] = np.nan
    return Chances(probability, low, high, shown, model)


def capped(near: Chances, far: Chances) -> tuple[Chances, int]:
    """A shorter horizon's chances, none above those of the longer one; and how many were lowered.

    Who leaves within 30 days leaves within 90. Two models that learned apart need not know that:
    the one of more leavers, the longer horizon, bounds the other.
    """
    import numpy as np

    lowered = int((near.probability > far.probability).sum())
    return replace(
        near, probability=np.fmin(near.probability, far.probability),
        low=np.fmin(near.low, far.low), high=np.fmin(near.high, far.high),
    ), lowered


def scored(
    company: Reader, now: Frame, own: Chances | None, track: Track | Lacking, *, horizon: int,
    at: dt.datetime,
) -> Scores:
    """The scores of a frame of one day, the highest probability first."""
    if isinstance(track, Lacking) or own is None:
        why = track.why if isinstance(track, Lacking) else ""
        rows = tuple(_unknown(now, place, why) for place in range(len(now)))
        return Scores(
            as_of=at.isoformat(), horizon=horizon, form=None, beats_baseline=None, base_rate=None,
            trained_until=None, trained_on=0, bands=_counted(rows), rows=rows,
            why=why if len(now) else NOBODY_PAYS,
        )
    rows = tuple(sorted(
        _rows(now, own, track, at_risk=company.config[RISK].at_risk),
        key=lambda row: (-(row.probability if row.probability is not None else -1.0),
                         row.account_id),
    ))
    return Scores(
        as_of=at.isoformat(), horizon=horizon, form=own.form,
        beats_baseline=own.form != "baseline", base_rate=track.base_rate,
        trained_until=last_day(track.past), trained_on=len(track.past), bands=_counted(rows),
        rows=rows, why=None if len(now) else NOBODY_PAYS, without=labels(track.without),
        shifted=labels(shifted(now, track.past)),
    )


def _rows(now: Frame, own: Chances, track: Track, *, at_risk: float) -> list[Score]:
    if not len(now):
        return []
    effects = own.model.effects(now)
    points = own.model.score(now) if isinstance(own.model, Points) else None
    stages = _stages(now, own.model)
    base, found = track.base_rate, []
    for place in range(len(now)):
        probability = float(own.probability[place])
        if now.is_requested[place]:
            found.append(_score(
                now, place, probability, "at_risk", (Reason(ASKED, probability - base),), own,
            ))
        elif probability != probability:
            found.append(_unknown(now, place, NOTHING_KNOWN))
        else:
            reasons = tuple(
                Reason(f"{label_of(name)}: {value_of(now, name, place)}", effect)
                for name, effect in strongest(effects, place, REASONS)
            )
            found.append(_score(
                now, place, probability, band_of(probability, base, at_risk), reasons, own,
                points=None if points is None else round(float(points[place])),
                stage=stages[place] if stages else None,
            ))
    return found


def _stages(now: Frame, model: Model) -> list[str]:
    """Which stage's model speaks of each row; nothing where models are not by stage."""
    if not isinstance(model, Staged):
        return []
    found = [ALL] * len(now)
    for stage in model.own:
        for place in in_stage(now, stage).nonzero()[0]:
            found[place] = stage
    return found


def _score(
    now: Frame, place: int, probability: float, band: str, reasons: tuple[Reason, ...],
    own: Chances, *, points: int | None = None, stage: str | None = None,
) -> Score:
    return Score(
        account_id=now.account_ids[place], band=band, health=round(100 * (1 - probability)),
        probability=probability, low=_known(own.low[place]), high=_known(own.high[place]),
        points=points, reasons=reasons, mrr=float(now.mrr[place]) / 1_000_000, stage=stage,
    )


def _known(value: float) -> float | None:
    return float(value) if value == value else None


def _unknown(now: Frame, place: int, why: str) -> Score:
    return Score(
        account_id=now.account_ids[place], band="unknown", health=None, probability=None,
        low=None, high=None,
        points=None, reasons=(), mrr=float(now.mrr[place]) / 1_000_000, why=why,
    )


def _counted(rows: tuple[Score, ...]) -> dict[str, int]:
    return {band: sum(row.band == band for row in rows) for band in BANDS}


def _with_horizons(
    found: Scores, near: Sequence[tuple[int, Track | Lacking, int]],
    far: tuple[int, Track | Lacking], form: str,
) -> Scores:
    rows = [
        horizon_row(track, days, form, lowered=lowered) for days, track, lowered in near
    ]
    return replace(found, horizons=(*rows, horizon_row(far[1], far[0], form)))


def _with_ahead(
    rows: tuple[Score, ...], now: Frame, soon: Chances | None, own: Chances | None,
    months: tuple[LifeMonth, ...] | None, near: Track | Lacking, horizon: int,
) -> tuple[Score, ...]:
    """The same rows with the 30-day probability and the expected lifetime of each."""
    places = {account: place for place, account in enumerate(now.account_ids)}
    life = None if own is None or months is None else _ahead(now, soon, own, months)
    returned = now.values["returns"] > 0
    found = []
    for row in rows:
        place = places[row.account_id]
        given: dict[str, object] = {}
        if soon is not None and (value := _known(soon.probability[place])) is not None:
            given |= {"probability_30": value, "low_30": _known(soon.low[place]),
                      "high_30": _known(soon.high[place])}
        else:
            given["why_30"] = (
                SHORTER if horizon < NEAR
                else near.why if isinstance(near, Lacking) else row.why
            )
        months_to_come = None if life is None else _known(life.months[place])
        if row.probability is None:
            given["expected_why"] = row.why
        elif months is None:
            given["expected_why"] = OTHER_HORIZON
        elif returned[place]:
            given["expected_why"] = BEFORE
        elif months_to_come is None or life is None:
            given["expected_why"] = UNFOLLOWED.format(least=LEAST_AT_RISK)
        else:
            given |= {
                "expected_months": months_to_come, "expected_low": _known(life.low[place]),
                "expected_high": _known(life.high[place]),
                "expected_horizon": int(life.upto[place]),
            }
        found.append(replace(row, **given))  # type: ignore[arg-type]
    return tuple(found)


def _ahead(
    now: Frame, soon: Chances | None, own: Chances, months: tuple[LifeMonth, ...]
) -> Ahead:
    import numpy as np

    tenure = now.values["tenure_days"]
    first = now.days - np.nan_to_num(tenure).astype(int).astype("timedelta64[D]")

    def third(values: np.ndarray) -> np.ndarray:
        # Without a model of 30 days, churn within 90 is spread evenly over them.
        return 1 - (1 - values) ** (1 / 3)

    far = [own.probability, _or(own.low, own.probability), _or(own.high, own.probability)]
    near = [third(values) for values in far] if soon is None else [
        _or(values, third(other)) for values, other in zip(
            (soon.probability, soon.low, soon.high), far, strict=True
        )
    ]
    return ahead(months, ages(first, now.days), near, far)


def _or(values: np.ndarray, other: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.where(np.isnan(values), other, values)
