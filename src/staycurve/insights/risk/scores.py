"""Health of every paying account: the probability that it churns, with reasons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.risk.asked import HORIZON, NOBODY_PAYS, Horizon
from staycurve.insights.risk.frames import Frame, frame_of, moment_of
from staycurve.insights.risk.judging import local_rates
from staycurve.insights.risk.models import Model, Points, label_of, value_of
from staycurve.insights.risk.pulse import mark_of
from staycurve.insights.risk.settings import RISK
from staycurve.insights.risk.track import (
    FORM_NAMES,
    FORMS,
    Judged,
    Lacking,
    Track,
    band_of,
    fitted,
    is_told,
    last_day,
    points_by_hand,
    strongest,
    track_of,
)
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import share
from staycurve.metrics.base import Unit

BANDS = {
    "at_risk": N_("At risk"), "watch": N_("Watch"), "healthy": N_("Healthy"),
    "unknown": N_("Unknown"),
}
REASONS = 3

NOTHING_KNOWN = N_("nothing is known of what it does or says: no usage, answers or tickets")
ASKED = N_("Cancellation requested")

Form = Annotated[str, Param(N_("The form of the model."), choices=FORMS)]


@dataclass(frozen=True)
class Reason(Row):
    """One factor of an account's probability."""

    reason: Annotated[str, Key(N_("The factor and its value."))]
    effect: Annotated[
        float, Key(N_("What it adds to the probability, against the average account."))
    ]


@dataclass(frozen=True, kw_only=True)
class Score(AccountRow):
    """One paying account."""

    account_id: AccountField
    band: Annotated[str, col(N_("Health"), Kind.NAME, named_by=BANDS)]
    health: Annotated[
        int | None, col(N_("Score"), Unit.COUNT, N_("100 × (1 − probability of churn)"))
    ]
    probability: Annotated[
        float | None,
        col(N_("Churn probability"), Unit.PERCENT,
            N_("Within the horizon. Its interval: how many churned of the accounts with the most "
               "similar probabilities on test days."), ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    points: Annotated[
        int | None, Key(N_("The sum of its points, where the model is one of points."))
    ]
    reasons: Annotated[tuple[Reason, ...], col(N_("Reasons"), shown_as="told")]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY)]
    why: Annotated[str | None, Key(N_("Why it is unknown."))] = None

    @property
    def told(self) -> str:
        """The reasons in one line, with points of percentage."""
        if self.why:
            return self.why
        return "; ".join(f"{one.reason} ({100 * one.effect:+.1f})" for one in self.reasons)


@dataclass(frozen=True, kw_only=True)
class Scores(Answer):
    """Every paying account, the highest probability first."""

    as_of: AsOfField
    horizon: Annotated[int, Key(N_("Days after the day in which churn counts."))]
    form: Annotated[str | None, Key(N_("points, boosting or baseline: what is shown."))]
    beats_baseline: Annotated[
        bool | None, Key(N_("Whether the asked form beats the baseline in the backtest."))
    ]
    base_rate: Annotated[
        float | None, Key(N_("Share of accounts that churned within the horizon on past days."))
    ]
    trained_until: Annotated[
        dt.date | None, Key(N_("The last day that it was fitted to; its horizon has passed."))
    ]
    trained_on: Annotated[int, Key(N_("Rows, one an account and day, that it was fitted to."))]
    bands: Annotated[Mapping[str, int], Key(N_("Band → accounts."))]
    rows: Annotated[tuple[Score, ...], Table(N_("Health by account"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Health of paying accounts, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why or self.form is None:
            return ()
        found = []
        if not self.beats_baseline:
            found.append(Said(N_(
                "The model does not beat the plain baseline of recency, tenure and plan on past "
                "days: the baseline is shown."
            )))
        found.append(Said(
            N_("%(form)s, fitted to %(rows)s rows up to %(day)s; %(base)s churn within %(days)s "
               "days."),
            {"form": Said(FORM_NAMES[self.form]), "rows": (self.trained_on, Unit.COUNT),
             "day": (self.trained_until, Kind.DAY), "base": (self.base_rate, Unit.PERCENT),
             "days": (self.horizon, Unit.COUNT)},
        ))
        return tuple(found)


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


def fitted_now(
    company: Reader, *, form: str = "points", horizon: int = HORIZON, as_of: str | None = None
) -> Fitted:
    """The scores of every paying account, and the model that gives them."""
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        moment = moment_of(engine, seen, horizon)
        track = track_of(company, engine, moment, horizon)
        now = frame_of(company, engine, moment)
    found = scored(company, seen.at, now, track, form=form, horizon=horizon)
    if isinstance(track, Lacking) or found.form is None:
        return Fitted(moment.day, found, None, None)
    model = model_of(company, seen.at, track, form=found.form, horizon=horizon)
    return Fitted(moment.day, found, track, model)


@insight("risk scores")
def scores(
    company: Reader, *, form: Form = "points", horizon: Horizon = HORIZON,
    as_of: AsOfText = None,
) -> Scores:
    """Which paying accounts may churn, how likely, and why?

    The model is fitted to the ends of past months whose horizon has passed. Where it did not beat
    the plain baseline on later days (see `risk backtest`), the baseline is shown. An account of
    which nothing is known is unknown, never healthy. One that has requested a cancellation gets
    the share of such accounts that churned, and no model.
    """
    return fitted_now(company, form=form, horizon=horizon, as_of=as_of).scores


def model_of(
    company: Reader, at: dt.datetime, track: Track, *, form: str, horizon: int
) -> Model:
    """A form of model, fitted to every past day."""
    def fit() -> Model:
        return fitted(form, track.past, points_by_hand(company))

    return company.kept("risk model", (at, horizon, form, mark_of(company.pulses())), fit)


def scored(
    company: Reader, at: dt.datetime, now: Frame, track: Track | Lacking, *, form: str,
    horizon: int,
) -> Scores:
    """The scores of a frame of one day, under what was learned from the past."""
    if isinstance(track, Lacking):
        rows = tuple(_unknown(now, place, track.why) for place in range(len(now)))
        return Scores(
            as_of=at.isoformat(), horizon=horizon, form=None, beats_baseline=None, base_rate=None,
            trained_until=None, trained_on=0, bands=_counted(rows), rows=rows,
            why=track.why if len(now) else NOBODY_PAYS,
        )
    risk = company.config[RISK]
    beats = form in track.forms and track.beats(form)
    shown = form if beats else "baseline"

    model = model_of(company, at, track, form=shown, horizon=horizon)
    rows = tuple(sorted(
        _rows(now, model, track, track.forms[shown], at_risk=risk.at_risk),
        key=lambda row: (-(row.probability if row.probability is not None else -1.0),
                         row.account_id),
    ))
    return Scores(
        as_of=at.isoformat(), horizon=horizon, form=shown, beats_baseline=beats,
        base_rate=track.base_rate, trained_until=last_day(track.past),
        trained_on=len(track.past), bands=_counted(rows), rows=rows,
        why=None if len(now) else NOBODY_PAYS,
    )


def _rows(
    now: Frame, model: Model, track: Track, judged: Judged, *, at_risk: float
) -> list[Score]:
    if not len(now):
        return []
    probability, effects = model.probability(now), model.effects(now)
    points = model.score(now) if isinstance(model, Points) else None
    told, base = is_told(now), track.base_rate
    size, left = track.requested
    asked = (left + 1) / (size + 2)
    of_asked = share(left, size)
    test = track.test
    low, high = local_rates(
        probability, judged.probability, test.has_left, len(set(test.account_ids))
    )
    found = []
    for place in range(len(now)):
        if now.is_requested[place]:
            found.append(_score(
                now, place, asked, "at_risk", (Reason(ASKED, asked - base),),
                ends=(of_asked.low, of_asked.high),
            ))
        elif not told[place]:
            found.append(_unknown(now, place, NOTHING_KNOWN))
        else:
            own = float(probability[place])
            reasons = tuple(
                Reason(f"{label_of(name)}: {value_of(now, name, place)}", effect)
                for name, effect in strongest(effects, place, REASONS)
            )
            found.append(_score(
                now, place, own, band_of(own, base, at_risk), reasons,
                ends=(float(low[place]), float(high[place])),
                points=None if points is None else round(float(points[place])),
            ))
    return found


def _score(
    now: Frame, place: int, probability: float, band: str, reasons: tuple[Reason, ...],
    *, ends: tuple[float | None, float | None], points: int | None = None,
) -> Score:
    return Score(
        account_id=now.account_ids[place], band=band, health=round(100 * (1 - probability)),
        probability=probability, low=ends[0], high=ends[1], points=points, reasons=reasons,
        mrr=float(now.mrr[place]) / 1_000_000,
    )


def _unknown(now: Frame, place: int, why: str) -> Score:
    return Score(
        account_id=now.account_ids[place], band="unknown", health=None, probability=None,
        low=None, high=None,
        points=None, reasons=(), mrr=float(now.mrr[place]) / 1_000_000, why=why,
    )


def _counted(rows: tuple[Score, ...]) -> dict[str, int]:
    return {band: sum(row.band == band for row in rows) for band in BANDS}
