"""Leads scored: the chance that each is won, with reasons and the model's track record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    Said,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.fit.lead_table import (
    HORIZON,
    Encoding,
    LeadFacts,
    encoding_of,
    leads_of,
)
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.logistic import (
    Logistic,
    auc,
    binned,
    bootstrapped_auc,
    brier,
    fitted,
)
from staycurve.insights.statistics.proportions import share
from staycurve.metrics.base import Unit
from staycurve.money import MICRO
from staycurve.tables.mrr_movements import rate_join, value_sql

LEAST_EACH = 20
"""Won and lost leads that a model is fitted to at least: with fewer it learns who they were."""
LEAST_TESTED = 10
"""Won and lost leads that a track record rests on at least, each."""
TEST_SHARE = 0.3
REASONS = 3

NO_LEADS = N_("no leads are loaded as of then")
NOT_ENOUGH = N_(
    "{won} won and {lost} lost leads whose {days} days have passed: a score takes {least} of each"
)
NONE_LOST = N_("no lead was lost: nothing tells a lead that will be won from one that will not")
NONE_WON = N_("no lead was won: nothing tells a lead that will be won from one that will not")
NO_TRAITS = N_("leads carry no channel or attribute that at least ten of them share")
NO_TEST = N_(
    "{won} won and {lost} lost leads came after the training: a track record takes {least} of each"
)


@dataclass(frozen=True)
class Reason(Row):
    """What moves a score, and by how much of the chance."""

    reason: Annotated[str, col(N_("Reason"))]
    effect: Annotated[
        float, col(N_("Effect"), Kind.POINTS, N_("Against an average lead, in points."))
    ]

    def brief(self) -> Said:
        return Said(N_("%(reason)s (%(effect)s)"), {
            "reason": (self.reason, Kind.TEXT), "effect": (self.effect, Kind.POINTS)})


@dataclass(frozen=True, kw_only=True)
class Scored(Row):
    """One open lead."""

    lead_id: Annotated[str, col(N_("Lead"))]
    channel: Annotated[str | None, col(N_("Channel"))]
    created_on: Annotated[dt.date, col(N_("Created"), Kind.DAY)]
    score: Annotated[
        float | None,
        col(N_("Score"), Unit.PERCENT, N_("The chance that it is won rather than lost.")),
    ]
    main_reasons: Annotated[str, col(N_("Main reasons"))]
    reasons: Annotated[tuple[Reason, ...], Key(N_("What moves the score, the largest first."))]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Calibrated(Row):
    """Test leads of one range of scores: what was predicted, and what came."""

    leads: Annotated[int, col(N_("Leads"), Unit.COUNT)]
    predicted: Annotated[float, col(N_("Predicted"), Unit.PERCENT, N_("Mean score."))]
    observed: Annotated[
        float | None, col(N_("Won"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: LowField
    high: HighField


@dataclass(frozen=True, kw_only=True)
class FitBand(Row):
    """Test leads of one third of the scores: how many were won, how fast, at what cost."""

    fit: Annotated[str, col(N_("Fit"), Kind.NAME, named_by={
        "low": N_("Low"), "middle": N_("Middle"), "high": N_("High")})]
    leads: Annotated[int, col(N_("Leads"), Unit.COUNT)]
    won: Annotated[float | None, col(N_("Won"), Unit.PERCENT, ends=("low", "high"))]
    low: LowField
    high: HighField
    days_to_close: Annotated[
        float | None, col(N_("Median days to close"), Unit.COUNT, N_("Of those won."), why="")
    ]
    cost_per_won: Annotated[
        float | None,
        col(N_("Cost per won lead"), Unit.MONEY, N_("Acquisition spend of each lead's channel and "
            "month, divided over the leads that it brought."), why=""),
    ]


@dataclass(frozen=True, kw_only=True)
class LeadScores(Answer):
    """Open leads, the likeliest first, and how far the score is to be believed."""

    as_of: AsOfField
    currency: CurrencyField
    horizon_days: Annotated[int, Key(N_("Days in which a lead is won or lost."))]
    trained_until: Annotated[
        dt.date | None, Key(N_("The track record's model saw leads created before this day."))
    ]
    tested_from: Annotated[dt.date | None, Key(N_("It is tested on leads from this day on."))]
    won: Annotated[int, Key(N_("Won leads that the scores rest on."))]
    lost: Annotated[int, Key(N_("Lost leads that the scores rest on."))]
    undecided: Annotated[
        int, Key(N_("Leads that were neither won nor lost within the horizon; left out."))
    ]
    auc: Annotated[
        float | None,
        Key(N_("Chance that a won test lead is scored above a lost one; 0.5 is by chance.")),
    ]
    auc_low: LowField
    auc_high: HighField
    baseline_auc: Annotated[
        float | None, Key(N_("The same of the plain baseline: the channel's share of won leads."))
    ]
    difference: Annotated[float | None, Key(N_("How far the AUC is above the baseline's."))]
    difference_low: LowField
    difference_high: HighField
    beats_baseline: Annotated[
        bool | None, Key(N_("Whether the difference's interval is above 0."))
    ]
    brier: Annotated[float | None, Key(N_("Mean squared error of the chance."))]
    tested: Annotated[int, Key(N_("Leads of the test."))]
    auc_why: Annotated[str | None, Key(N_("Why there is no AUC."), is_omitted=True)] = None
    calibration: Annotated[
        tuple[Calibrated, ...], Table(N_("Calibration"), N_("Test leads by score."))
    ]
    by_fit: Annotated[tuple[FitBand, ...], Table(N_("By fit"), N_("Test leads in thirds."))]
    rows: Annotated[tuple[Scored, ...], Table(N_("Open leads"), is_main=True)]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Scores of open leads, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return (Said(N_("Leads are not scored: %(why)s."), {"why": self.why}),)
        values: dict[str, str | Value | Said] = {
            "auc": (self.auc, Unit.RATIO), "plain": (self.baseline_auc, Unit.RATIO),
            "n": (self.tested, Unit.COUNT), "low": (self.auc_low, Unit.RATIO),
            "high": (self.auc_high, Unit.RATIO), "day": (self.trained_until, Kind.DAY),
            "why": self.auc_why or "", "won": (self.won, Unit.COUNT),
            "lost": (self.lost, Unit.COUNT), "as_of": self.as_of,
        }
        rests = Said(N_("Scores rest on %(won)s won and %(lost)s lost leads, as of %(as_of)s."),
                     values)
        if self.auc is None:
            return (Said(N_("The score has no track record: %(why)s."), values), rests)
        if not self.beats_baseline:
            return (Said(N_(
                "The score does not beat the channel's share of won leads: AUC %(auc)s (95%% "
                "interval %(low)s to %(high)s) against %(plain)s, on %(n)s later leads."
            ), values), rests)
        return (Said(N_(
            "AUC %(auc)s (95%% interval %(low)s to %(high)s), %(plain)s by the channel alone, on "
            "%(n)s leads; trained on leads created before %(day)s."
        ), values), rests)


HorizonDays = Annotated[
    int,
    Param(N_("Days in which a lead is won or lost."), metavar="DAYS", least=1, most=3660),
]


@insight("fit leads", comes_from="/scores#leads", needs="leads")
def leads(
    company: Reader, *, horizon: HorizonDays = HORIZON, as_of: AsOfText = None
) -> LeadScores:
    """Which open leads are likely to be won, why, and how good is the score?

    A logistic model of what is known when a lead comes: its channel and attributes. It is fitted to
    leads that were won or lost in time, and judged on later leads than those it was trained on,
    beside a plain baseline.
    """
    seen = company.as_of(as_of)
    every = leads_of(company, seen, horizon)
    spend = _spend(company, as_of) if every else {}
    return scores_of(
        every, horizon=horizon, as_of=seen.at.isoformat(), spend=spend,
        currency=company.config.company.currency,
    )


def _spend(company: Reader, as_of: str | None) -> Mapping[tuple[str, str], float]:
    """(channel, month) → acquisition spend in the company's currency."""
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        rows = engine.rows(
            "SELECT i.channel, i.month, "
            f"CAST(SUM({value_sql(company.config, item='i', rate='x')}) AS HUGEINT) AS amount "
            f"FROM spend i {rate_join(item='i', day='i.month', rate='x')} "
            "WHERE i.purpose = 'acquisition' AND i.channel IS NOT NULL "
            f"AND i.month <= DATE '{seen.last_day}' "
            "GROUP BY i.channel, i.month ORDER BY i.channel, i.month"
        )
    return {
        (channel, f"{month:%Y-%m}"): amount / MICRO
        for channel, month, amount in rows if amount is not None
    }


def scores_of(
    every: Sequence[LeadFacts], *, horizon: int, as_of: str, currency: str,
    spend: Mapping[tuple[str, str], float],
) -> LeadScores:
    """The same from leads that were read."""
    decided = [one for one in every if one.is_mature and one.outcome is not None]
    opened = [one for one in every if one.is_open]
    won = sum(bool(one.outcome) for one in decided)
    told: dict[str, Any] = {
        "as_of": as_of, "currency": currency, "horizon_days": horizon, "won": won,
        "lost": len(decided) - won,
        "undecided": sum(one.is_mature and one.outcome is None for one in every),
    }
    encoding = encoding_of([one.traits for one in decided])
    why = _why(every, decided, won, encoding, horizon)
    if why:
        return LeadScores(
            **told, **_untested(why), by_fit=(), calibration=(), why=why,
            rows=tuple(_row(one, None, (), why) for one in opened),
        )
    model = fitted(_matrix(encoding, decided), [bool(one.outcome) for one in decided])
    rows = [_scored(one, model, encoding) for one in opened]
    return LeadScores(
        **told, **_judged(every, decided, horizon, spend),
        rows=tuple(sorted(rows, key=lambda row: (-(row.score or 0.0), row.lead_id))),
    )


def _why(
    every: Sequence[LeadFacts], decided: Sequence[LeadFacts], won: int, encoding: Encoding,
    horizon: int,
) -> str | None:
    if not every:
        return NO_LEADS
    if not any(one.lost_on for one in every):
        return NONE_LOST
    if not any(one.won_on for one in every):
        return NONE_WON
    lost = len(decided) - won
    if min(won, lost) < LEAST_EACH:
        return NOT_ENOUGH.format(won=won, lost=lost, days=horizon, least=LEAST_EACH)
    return None if encoding.columns else NO_TRAITS


def _untested(why: str) -> dict[str, Any]:
    return {
        "trained_until": None, "tested_from": None, "auc": None, "auc_low": None, "auc_high": None,
        "baseline_auc": None, "difference": None, "difference_low": None, "difference_high": None,
        "beats_baseline": None, "brier": None, "tested": 0, "auc_why": why,
    }


def _matrix(encoding: Encoding, leads: Sequence[LeadFacts]) -> list[list[float]]:
    return encoding.matrix([one.traits for one in leads])


def _row(
    lead: LeadFacts, score: float | None, reasons: tuple[Reason, ...], why: str | None = None
) -> Scored:
    return Scored(
        lead_id=lead.lead_id, channel=lead.channel, created_on=lead.created_on, score=score,
        reasons=reasons, why=why,
        main_reasons="; ".join(f"{one.reason} ({one.effect * 100:+.0f})" for one in reasons[:2]),
    )


def _scored(lead: LeadFacts, model: Logistic, encoding: Encoding) -> Scored:
    from scipy.special import expit

    (row,) = _matrix(encoding, [lead])
    (whole,) = model.log_odds([row])
    parts: dict[str, float] = {}
    for (trait, _value), x, mean, weight in zip(
        encoding.columns, row, model.means, model.coefficients, strict=True
    ):
        parts[trait] = parts.get(trait, 0.0) + weight * (x - mean)
    # What the chance would be with the trait as it is on average.
    effects = {trait: float(expit(whole) - expit(whole - part)) for trait, part in parts.items()}
    order = sorted(effects, key=lambda trait: (-abs(effects[trait]), trait))[:REASONS]
    reasons = tuple(
        Reason(f"{trait}: {lead.traits.get(trait, '–')}", effects[trait]) for trait in order
    )
    return _row(lead, float(expit(whole)), reasons)


def _judged(
    every: Sequence[LeadFacts], decided: Sequence[LeadFacts], horizon: int,
    spend: Mapping[tuple[str, str], float],
) -> dict[str, Any]:
    """The track record: later leads, scored by a model that saw earlier ones alone."""
    start = decided[int(len(decided) * (1 - TEST_SHARE))].created_on
    # What became of a training lead was known before the first test lead came.
    until = start - dt.timedelta(days=horizon)
    train = [one for one in decided if one.created_on < until]
    test = [one for one in decided if one.created_on >= start]
    for leads, least, text in (
        (train, LEAST_EACH, NOT_ENOUGH), (test, LEAST_TESTED, NO_TEST)
    ):
        won = sum(bool(one.outcome) for one in leads)
        if min(won, len(leads) - won) < least:
            why = text.format(won=won, lost=len(leads) - won, days=horizon, least=least)
            return _untested(why) | {"calibration": (), "by_fit": ()}
    encoding = encoding_of([one.traits for one in train])
    outcomes = [bool(one.outcome) for one in train]
    model = fitted(_matrix(encoding, train), outcomes)
    scores = [float(one) for one in model.chances(_matrix(encoding, test))]
    plain = _plain(train, test)
    came = [bool(one.outcome) for one in test]
    area, base = auc(scores, came), auc(plain, came)
    assert area is not None
    assert base is not None
    (low, high), (gap_low, gap_high) = bootstrapped_auc(scores, plain, came)
    return {
        "trained_until": until, "tested_from": start, "auc": area, "auc_low": low,
        "auc_high": high, "baseline_auc": base, "difference": area - base,
        "difference_low": gap_low, "difference_high": gap_high, "beats_baseline": gap_low > 0,
        "brier": brier(scores, came), "tested": len(test), "auc_why": None,
        "calibration": tuple(_calibrated(scores, came)),
        "by_fit": tuple(_bands(every, test, scores, spend)),
    }


def _plain(train: Sequence[LeadFacts], test: Sequence[LeadFacts]) -> list[float]:
    """The channel's share of won leads in training; one more lead as all are is in each."""
    whole = sum(bool(one.outcome) for one in train) / len(train)
    counts: dict[str | None, list[int]] = {}
    for one in train:
        own = counts.setdefault(one.channel, [0, 0])
        own[0] += bool(one.outcome)
        own[1] += 1
    return [
        (won + whole) / (size + 1)
        for won, size in (counts.get(one.channel, [0, 0]) for one in test)
    ]


def _calibrated(scores: Sequence[float], came: Sequence[bool]) -> list[Calibrated]:
    rows = []
    for places in binned(scores, bins=5):
        part = share(sum(came[place] for place in places), len(places))
        rows.append(Calibrated(
            leads=len(places), predicted=sum(scores[place] for place in places) / len(places),
            observed=part.value, low=part.low, high=part.high,
        ))
    return rows


def _bands(
    every: Sequence[LeadFacts], test: Sequence[LeadFacts], scores: Sequence[float],
    spend: Mapping[tuple[str, str], float],
) -> list[FitBand]:
    brought: dict[tuple[str, str], int] = {}
    for one in every:
        if one.channel:
            key = (one.channel, f"{one.created_on:%Y-%m}")
            brought[key] = brought.get(key, 0) + 1
    bins = binned(scores, bins=3)
    names = {1: ("middle",), 2: ("low", "high"), 3: ("low", "middle", "high")}[len(bins)]
    rows = []
    for name, places in zip(names, bins, strict=True):
        own = [test[place] for place in places]
        won = [one for one in own if one.outcome]
        days = [(one.won_on - one.created_on).days for one in won if one.won_on]
        keys = [(one.channel or "", f"{one.created_on:%Y-%m}") for one in own]
        cost = sum(spend.get(key, 0.0) / brought[key] for key in keys if key in brought)
        part = share(len(won), len(own))
        rows.append(FitBand(
            fit=name, leads=len(own), won=part.value, low=part.low, high=part.high,
            days_to_close=float(median(days)) if days else None,
            cost_per_won=cost / len(won) if won and spend else None,
        ))
    return rows
