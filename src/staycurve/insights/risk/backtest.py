"""The track record: what models would have said on past days, and what they missed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

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
    Opens,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.risk.asked import HORIZON, NEAR, Horizon
from staycurve.insights.risk.drift import labels
from staycurve.insights.risk.horizons import HorizonRow, horizon_row
from staycurve.insights.risk.judged import tenths_of
from staycurve.insights.risk.models import label_of, value_of
from staycurve.insights.risk.score_rows import REASONS, Form, drifted
from staycurve.insights.risk.settings import RISK
from staycurve.insights.risk.track import (
    FORM_NAMES,
    NO_POINTS,
    Lacking,
    Track,
    band_of,
    first_day,
    is_told,
    last_day,
    leavers,
    strongest,
    tracked,
)
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit


@dataclass(frozen=True, kw_only=True)
class Plain(Row):
    """Figures of the baseline on the same rows."""

    auc: float | None
    pr_auc: float | None
    brier: float | None
    calibration_error: float | None
    lift_top_decile: float | None


@dataclass(frozen=True, kw_only=True)
class OfForm(Row):
    """One form of model on the test days."""

    form: Annotated[str, col(N_("Model"), Kind.NAME, named_by=FORM_NAMES)]
    auc: Annotated[float, col(N_("AUC"), Unit.RATIO)]
    pr_auc: Annotated[float, col(N_("PR-AUC"), Unit.RATIO)]
    brier: Annotated[float, col(N_("Brier score"), Unit.RATIO)]
    calibration_error: Annotated[float, col(N_("Calibration error"), Unit.RATIO)]
    lift_top_decile: Annotated[float, col(N_("Lift, top tenth"), Unit.RATIO)]


BEHIND_TENTH = Opens(
    "risk judged", {"tenth": "tenth", "form": "form", "horizon": "horizon"}
)


@dataclass(frozen=True, kw_only=True)
class Tenth(Row):
    """A tenth of the rows by probability."""

    tenth: Annotated[int, col(N_("Tenth"), Unit.COUNT)]
    rows: Annotated[int, col(N_("Accounts and days"), Unit.COUNT)]
    probability: Annotated[float, col(N_("Churn probability"), Unit.PERCENT, N_("Its mean."))]
    left: Annotated[
        float,
        col(N_("Churned"), Unit.PERCENT, ends=("low", "high"),
            opens=BEHIND_TENTH),
    ]
    low: LowField
    high: HighField


@dataclass(frozen=True, kw_only=True)
class OfOrigin(Row):
    """Test days that one set of models judged, and what these had learned from."""

    tested_from: Annotated[dt.date, col(N_("Tested from"), Kind.DAY)]
    tested_until: Annotated[dt.date, col(N_("Tested until"), Kind.DAY)]
    trained_until: Annotated[dt.date, col(N_("Trained until"), Kind.DAY)]
    trained: Annotated[int, col(N_("Accounts and days"), Unit.COUNT, N_("To learn from."))]
    left_trained: Annotated[int, col(N_("Churned"), Unit.COUNT, N_("Accounts to learn from."))]


@dataclass(frozen=True, kw_only=True)
class OfDay(Row):
    """One test day: how many were called healthy, and who of them churned."""

    day: Annotated[dt.date, col(N_("Day"), Kind.DAY)]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT)]
    left: Annotated[int, col(N_("Churned"), Unit.COUNT, N_("Within the horizon."))]
    healthy: Annotated[int, col(N_("Called healthy"), Unit.COUNT)]
    missed: Annotated[int, col(N_("Churned while healthy"), Unit.COUNT)]


@dataclass(frozen=True, kw_only=True)
class Missed(AccountRow):
    """An account that churned while it was called healthy."""

    account_id: AccountField
    day: Annotated[dt.date, col(N_("Called healthy on"), Kind.DAY, N_("The last such day."))]
    left_on: Annotated[dt.date, col(N_("Churned"), Kind.DAY)]
    probability: Annotated[float, col(N_("Churn probability"), Unit.PERCENT, N_("On that day."))]
    known: Annotated[str, col(N_("What was known"))]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY)]


@dataclass(frozen=True, kw_only=True)
class Backtest(Answer):
    """How good the probabilities were on days that the model had not seen."""

    as_of: AsOfField
    horizon: Annotated[int, Key(N_("Days after each day in which churn counts."))]
    form: Annotated[str, Key(N_("The form that is judged: points, boosting, by_hand or by_stage."))]
    auc: Annotated[float | None, col(N_("AUC"), Unit.RATIO)]
    pr_auc: Annotated[float | None, Key(N_("Average precision."))]
    brier: Annotated[float | None, Key(N_("Mean squared error of the probability."))]
    calibration_error: Annotated[
        float | None,
        Key(N_("Mean distance of probability and churn rate over tenths of the rows.")),
    ]
    lift_top_decile: Annotated[
        float | None,
        Key(N_("Churn rate of the tenth with the highest probability / of all.")),
    ]
    baseline: Annotated[Plain, Key(N_("The baseline on the same rows."))]
    difference: Annotated[float | None, Key(N_("AUC less the baseline's."))]
    difference_low: Annotated[float | None, Key(N_("The lower end of its 95% interval."))]
    difference_high: Annotated[float | None, Key(N_("The upper end of its 95% interval."))]
    beats_baseline: Annotated[
        bool, Key(N_("Whether that whole interval lies above 0, and AUC above chance."))
    ]
    trained_from: Annotated[dt.date | None, Key(N_("The first training day."))]
    trained_until: Annotated[
        dt.date | None,
        Key(N_("The last training day before the first test day: one horizon or more."))
    ]
    tested_from: Annotated[dt.date | None, Key(N_("The first test day."))]
    tested_until: Annotated[dt.date | None, Key(N_("The last test day."))]
    trained: Annotated[int, Key(N_("Rows to learn from, one an account and day."))]
    tested: Annotated[int, Key(N_("Rows to test on."))]
    left_trained: Annotated[int, Key(N_("Accounts that churned in the training rows."))]
    left_tested: Annotated[int, Key(N_("Accounts that churned in the test rows."))]
    rows: Annotated[tuple[OfForm, ...], Table(N_("Models on the same days"))] = ()
    horizons: Annotated[
        tuple[HorizonRow, ...],
        Table(N_("By horizon"), N_("Each with a model of its own.")),
    ] = ()
    without: Annotated[
        tuple[str, ...],
        Key(N_("Features that are known of no account now; nothing was learned from them.")),
    ] = ()
    reliability: Annotated[
        tuple[Tenth, ...], Table(N_("Reliability"), N_("Probability against what happened."))
    ] = ()
    days: Annotated[tuple[OfDay, ...], Table(N_("Misses by month"))] = ()
    origins: Annotated[
        tuple[OfOrigin, ...],
        Table(N_("Fitted anew"), N_("The models are fitted again on the way through the days.")),
    ] = ()
    missed: Annotated[
        tuple[Missed, ...], Table(N_("Churned while healthy"), is_list=True)
    ] = ()
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Track record of churn probabilities, as of %(as_of)s"),
                    {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        values: Mapping[str, Any] = {
            "own": (self.auc, Unit.RATIO), "plain": (self.baseline.auc, Unit.RATIO),
            "low": (self.difference_low, Unit.RATIO), "high": (self.difference_high, Unit.RATIO),
        }
        text = N_(
            "Better than the baseline: AUC %(own)s against %(plain)s (difference %(low)s to "
            "%(high)s)."
        ) if self.beats_baseline else N_(
            "Not better than the plain baseline of recency, tenure and plan: AUC %(own)s against "
            "%(plain)s (difference %(low)s to %(high)s). The baseline is shown."
        )
        return (Said(text, dict(values)), *drifted(self.without, ()))


@insight("risk backtest")
def backtest(
    company: Reader, *, horizon: Horizon = HORIZON, form: Form = "points",
    as_of: AsOfText = None,
) -> Backtest:
    """How good are churn probabilities here, and which accounts did they miss?

    The models learn from the ends of earlier months and are judged on later ones; on the way they
    are fitted anew (`origins`). The last training day of each lies one horizon before the first
    day that it judges. Beside it stands the plain baseline (recency,
    tenure, plan) on the same rows; the interval of the difference comes from resampling whole
    accounts. Accounts that had requested a cancellation are left out: they need no prediction.
    """
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        _moment, track = tracked(company, engine, seen, horizon, form)
        near = tracked(company, engine, seen, NEAR, form)[1] if horizon != NEAR else None
    tracks = [(NEAR, near)] if near is not None else []
    asked: dict[str, Any] = {
        "as_of": seen.at.isoformat(), "horizon": horizon, "form": form,
        "horizons": tuple(
            horizon_row(one, days, form) for days, one in sorted(
                [*tracks, (horizon, track)], key=lambda pair: pair[0]
            )
        ),
    }
    if not isinstance(track, Lacking) and form not in track.forms:
        track = Lacking(NO_POINTS)
    if isinstance(track, Lacking):
        empty: dict[str, Any] = dict.fromkeys(
            ("auc", "pr_auc", "brier", "calibration_error", "lift_top_decile")
        )
        return Backtest(
            **asked, **empty, baseline=Plain(**empty), difference=None, difference_low=None,
            difference_high=None, beats_baseline=False, trained_from=None, trained_until=None,
            tested_from=None, tested_until=None, trained=0, tested=0, left_trained=0,
            left_tested=0, why=track.why,
        )
    gap, low, high = track.difference(form)
    beats = track.beats(form)
    days, missed = misses(
        track, form if beats else "baseline", company.config[RISK].at_risk
    )
    own = track.forms[form]
    return Backtest(
        **asked, **asdict(own.figures), baseline=Plain(**asdict(track.forms["baseline"].figures)),
        difference=gap, difference_low=low, difference_high=high, beats_baseline=beats,
        trained_from=first_day(track.train), trained_until=last_day(track.train),
        tested_from=first_day(track.test), tested_until=last_day(track.test),
        trained=len(track.train), tested=len(track.test), left_trained=leavers(track.train),
        left_tested=leavers(track.test),
        rows=tuple(
            OfForm(form=name, **asdict(one.figures)) for name, one in track.forms.items()
        ),
        reliability=tuple(
            Tenth(
                tenth=place, rows=len(one.places), probability=one.mean, left=one.share,
                low=one.low, high=one.high,
            )
            for place, one in enumerate(tenths_of(track, form), start=1)
        ),
        days=days, missed=missed, without=labels(track.without),
        origins=tuple(OfOrigin(**asdict(one)) for one in track.origins),
    )


def misses(
    track: Track, form: str, at_risk: float
) -> tuple[tuple[OfDay, ...], tuple[Missed, ...]]:
    """Accounts that churned while the form that is shown called them healthy, and how many a day.

    An account is listed once, with the last day on which it was called healthy.
    """
    import numpy as np

    test, judged = track.test, track.forms[form]
    base = float(track.train.has_left.mean())
    is_healthy = is_told(test) & np.array([
        band_of(float(one), base, at_risk) == "healthy" for one in judged.probability
    ])
    is_missed = is_healthy & test.has_left
    days = tuple(
        OfDay(
            day=day.item(), accounts=int(on.sum()), left=int((on & test.has_left).sum()),
            healthy=int((on & is_healthy).sum()), missed=int((on & is_missed).sum()),
        )
        for day in np.unique(test.days) for on in [test.days == day]
    )
    last: dict[str, int] = {test.account_ids[place]: place for place in is_missed.nonzero()[0]}
    places = sorted(last.values(), key=lambda place: (test.left_on[place], test.account_ids[place]))
    if not places:
        return days, ()
    rows = test.where(np.array(places))
    effects = judged.effects(test, np.array(places))
    return days, tuple(
        Missed(
            account_id=rows.account_ids[place], day=rows.days[place].item(),
            left_on=rows.left_on[place].item(),
            probability=float(judged.probability[places[place]]),
            known="; ".join(
                f"{label_of(name)}: {value_of(rows, name, place)}"
                for name, _effect in strongest(effects, place, REASONS)
            ),
            mrr=float(rows.mrr[place]) / 1_000_000,
        )
        for place in range(len(rows))
    )
