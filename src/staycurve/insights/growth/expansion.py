"""Expansion: the probability that an account is upgraded, with its track record."""

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
    LowField,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.growth.scoring import (
    HORIZON,
    Chances,
    Form,
    Horizon,
    chances_of,
    with_interval,
)
from staycurve.insights.risk.asked import NOBODY_PAYS
from staycurve.insights.risk.backtest import OfForm, Plain
from staycurve.insights.risk.drift import labels
from staycurve.insights.risk.feature_table import features
from staycurve.insights.risk.frames import Frame
from staycurve.insights.risk.judged import tenths_of
from staycurve.insights.risk.models import label_of, value_of
from staycurve.insights.risk.score_rows import REASONS, Reason, drifted
from staycurve.insights.risk.scoring import ASKED, NOTHING_KNOWN
from staycurve.insights.risk.track import (
    FORM_NAMES,
    Lacking,
    Track,
    first_day,
    is_told,
    last_day,
    leavers,
)
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.money import MICRO


@dataclass(frozen=True, kw_only=True)
class Chance(AccountRow):
    """One paying account, and how likely it is upgraded."""

    account_id: AccountField
    probability: Annotated[
        float | None,
        col(N_("Upgrade probability"), Unit.PERCENT,
            N_("Within the horizon. Its interval: how many were upgraded of the accounts with the "
               "most similar probabilities on test days."), ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    reasons: Annotated[tuple[Reason, ...], col(N_("Reasons"), shown_as="told")]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, is_summed=True)]
    why: Annotated[str | None, Key(N_("Why it is unknown."))] = None

    @property
    def told(self) -> str:
        """The reasons in one line, with points of percentage."""
        if self.why:
            return self.why
        return "; ".join(f"{one.reason} ({100 * one.effect:+.1f})" for one in self.reasons)


@dataclass(frozen=True, kw_only=True)
class Decile(Row):
    """A tenth of the test rows by probability, lowest first."""

    tenth: Annotated[int, col(N_("Tenth"), Unit.COUNT)]
    rows: Annotated[int, col(N_("Accounts and days"), Unit.COUNT)]
    probability: Annotated[float, col(N_("Upgrade probability"), Unit.PERCENT, N_("Its mean."))]
    upgraded: Annotated[float, col(N_("Upgraded"), Unit.PERCENT, ends=("low", "high"))]
    low: LowField
    high: HighField


@dataclass(frozen=True, kw_only=True)
class Expansion(Answer):
    """Every paying account, the highest probability first, and how good the probabilities were."""

    as_of: AsOfField
    horizon: Annotated[int, Key(N_("Days after each day in which an upgrade counts."))]
    form: Annotated[str, Key(N_("The form that was asked for: points or boosting."))]
    shown: Annotated[str | None, Key(N_("What is shown: that form, or baseline."))] = None
    beats_baseline: Annotated[
        bool | None,
        Key(N_("Whether its AUC is above the baseline's and above chance, by whole intervals.")),
    ] = None
    auc: Annotated[float | None, col(N_("AUC"), Unit.RATIO)] = None
    pr_auc: Annotated[float | None, Key(N_("Average precision."))] = None
    brier: Annotated[float | None, Key(N_("Mean squared error of the probability."))] = None
    calibration_error: Annotated[
        float | None,
        Key(N_("Mean distance of probability and upgrade rate over tenths of the rows.")),
    ] = None
    lift_top_decile: Annotated[
        float | None,
        Key(N_("Upgrade rate of the tenth with the highest probability / of all.")),
    ] = None
    baseline: Annotated[
        Plain | None, Key(N_("The baseline (recency, tenure, plan) on the same rows."))
    ] = None
    difference: Annotated[float | None, Key(N_("AUC less the baseline's."))] = None
    difference_low: Annotated[float | None, Key(N_("The lower end of its 95% interval."))] = None
    difference_high: Annotated[float | None, Key(N_("The upper end of its 95% interval."))] = None
    base_rate: Annotated[
        float | None, Key(N_("Share of accounts that were upgraded on past days."))
    ] = None
    trained_until: Annotated[
        dt.date | None, Key(N_("The last day that it was fitted to; its horizon has passed."))
    ] = None
    trained_on: Annotated[int, Key(N_("Rows, one an account and day, it was fitted to."))] = 0
    tested_from: Annotated[dt.date | None, Key(N_("The first test day."))] = None
    tested_until: Annotated[dt.date | None, Key(N_("The last test day."))] = None
    tested: Annotated[int, Key(N_("Rows to test on."))] = 0
    upgraded_tested: Annotated[int, Key(N_("Accounts upgraded in the test rows."))] = 0
    models: Annotated[tuple[OfForm, ...], Table(N_("Models on the same days"))] = ()
    reliability: Annotated[
        tuple[Decile, ...], Table(N_("Reliability"), N_("Probability against what happened."))
    ] = ()
    without: Annotated[
        tuple[str, ...],
        Key(N_("Features that are known of no account now; nothing was learned from them.")),
    ] = ()
    rows: Annotated[tuple[Chance, ...], Table(N_("Upgrade probability by account"))] = ()
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Who may be upgraded, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why or self.shown is None or self.baseline is None:
            return ()
        values: dict[str, Any] = {
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
        return (Said(text, values), Said(
            N_("%(form)s, fitted to %(rows)s rows; %(base)s are upgraded within %(days)s days."),
            {"form": Said(FORM_NAMES[self.shown]), "rows": (self.trained_on, Unit.COUNT),
             "base": (self.base_rate, Unit.PERCENT), "days": (self.horizon, Unit.COUNT)},
        ), *drifted(self.without, ()))


@insight("growth expansion", comes_from="/growth#expansion")
def expansion(
    company: Reader, *, form: Form = "points", horizon: Horizon = HORIZON,
    as_of: AsOfText = None,
) -> Expansion:
    """How likely is it that a paying account is upgraded, and how good is that probability?

    Upgraded means that its MRR grew by a higher plan, more seats or units, or another item; prices
    that rise, discounts that end and metered usage do not count. The models use the features of
    risk and the account's industry, country, channel and size, learn from the ends of past months
    whose horizon has passed, and are judged on later ones beside a plain baseline (recency, tenure,
    plan). Where the form does not beat it, the baseline is shown. The interval of the difference
    comes from resampling whole accounts. An account of which nothing is known is unknown; one that
    has requested a cancellation gets no probability.
    """
    seen = company.as_of(as_of)
    found = chances_of(company, seen, form=form, horizon=horizon)
    told: dict[str, Any] = {"as_of": seen.at.isoformat(), "horizon": horizon, "form": form}
    rows = tuple(sorted(rows_of(found), key=lambda row: (
        -(row.probability if row.probability is not None else -1.0), row.account_id
    )))
    if isinstance(found.track, Lacking) or found.form is None:
        why = found.track.why if isinstance(found.track, Lacking) and rows else NOBODY_PAYS
        return Expansion(**told, rows=rows, why=why)
    return Expansion(
        **told, shown=found.form, beats_baseline=found.form != "baseline", rows=rows,
        **_record(found.track, form),
    )


def _record(track: Track, form: str) -> Mapping[str, Any]:
    """How the form did on test days, as fields of the answer."""
    gap, low, high = track.difference(form)
    return {
        **asdict(track.forms[form].figures),
        "baseline": Plain(**asdict(track.forms["baseline"].figures)),
        "difference": gap, "difference_low": low, "difference_high": high,
        "base_rate": track.base_rate, "trained_until": last_day(track.past),
        "trained_on": len(track.past), "tested_from": first_day(track.test),
        "tested_until": last_day(track.test), "tested": len(track.test),
        "upgraded_tested": leavers(track.test), "without": labels(track.without),
        "models": tuple(
            OfForm(form=name, **asdict(one.figures)) for name, one in track.forms.items()
        ),
        "reliability": tuple(
            Decile(
                tenth=place, rows=len(one.places), probability=one.mean, upgraded=one.share,
                low=one.low, high=one.high,
            )
            for place, one in enumerate(tenths_of(track, form), start=1)
        ),
    }


def rows_of(found: Chances) -> list[Chance]:
    """The accounts of a moment, in the order of its frame."""
    now, track = found.now, found.track
    if isinstance(track, Lacking) or found.model is None or found.probability is None:
        why = track.why if isinstance(track, Lacking) else NOBODY_PAYS
        return [_unknown(now, place, why) for place in range(len(now))]
    effects, told = found.model.effects(now), is_told(now)
    low, high = with_interval(found.probability, track, found.form or "baseline")
    rows = []
    for place in range(len(now)):
        if now.is_requested[place] or not told[place]:
            rows.append(_unknown(
                now, place, ASKED if now.is_requested[place] else NOTHING_KNOWN
            ))
            continue
        rows.append(Chance(
            account_id=now.account_ids[place], probability=float(found.probability[place]),
            low=float(low[place]), high=float(high[place]),
            reasons=reasons_of(now, effects, place), mrr=float(now.mrr[place]) / MICRO,
        ))
    return rows


def reasons_of(frame: Frame, effects: Mapping[str, Any], place: int) -> tuple[Reason, ...]:
    """What moves an account's probability most; of traits, those that it has."""
    known = features()
    parts = [
        (abs(float(values[place])), name) for name, values in effects.items()
        if name in known or name not in frame.values or frame.values[name][place] == 1
    ]
    found = []
    for size, name in sorted(parts, key=lambda one: (-one[0], one[1]))[:REASONS]:
        # As `strongest` of risk: what moves less than a twentieth of a point is no reason.
        if size >= 0.0005:
            is_trait = name in frame.values and name not in known
            told = name if is_trait else f"{label_of(name)}: {value_of(frame, name, place)}"
            found.append(Reason(told, float(effects[name][place])))
    return tuple(found)


def _unknown(now: Frame, place: int, why: str) -> Chance:
    return Chance(
        account_id=now.account_ids[place], probability=None, low=None, high=None, reasons=(),
        mrr=float(now.mrr[place]) / MICRO, why=why,
    )
