"""The worklist's track record in money: what it expected on past days, and what followed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
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
from staycurve.insights.growth.looks import Looks, Part, Sums, looks_of, sums_of
from staycurve.insights.growth.scoring import HORIZON, Form, Horizon, track_of
from staycurve.insights.risk.frames import moment_of
from staycurve.insights.risk.track import FORM_NAMES, Lacking
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit

LEAST = 10
"""Upgrades that must have followed: fewer are a few names, as in the tests of models."""

NO_GAINS = N_("of no account was an expected gain known on the past days: {accounts} stood on "
              "them")
FEW = N_("{upgraded} upgrades followed the past days where a gain was expected; {least} are needed")


@dataclass(frozen=True, kw_only=True)
class Tenth(Row):
    """A tenth of the accounts and days by expected gain, lowest first."""

    tenth: Annotated[int, col(N_("Tenth"), Unit.COUNT)]
    rows: Annotated[int, col(N_("Accounts and days"), Unit.COUNT)]
    upgrades: Annotated[
        float, col(N_("Upgrades expected"), Unit.COUNT, N_("The sum of the probabilities."))
    ]
    upgraded: Annotated[int, col(N_("Upgraded"), Unit.COUNT)]
    expected: Annotated[
        float, col(N_("Expected gain"), Unit.MONEY, N_("The sum of probability × possible gain."))
    ]
    followed: Annotated[
        float,
        col(N_("What followed"), Unit.MONEY, N_("Expansion MRR of upgrades within the horizon."),
            ends=("low", "high")),
    ]
    low: LowField
    high: HighField


@dataclass(frozen=True, kw_only=True)
class GainBacktest(Answer):
    """What the worklist expected on past days, and the expansion MRR that followed."""

    as_of: AsOfField
    currency: CurrencyField
    horizon: Annotated[int, Key(N_("Days after each past day in which an upgrade counts."))]
    form: Annotated[str, Key(N_("The form that was asked for: points or boosting."))]
    shown: Annotated[str | None, Key(N_("What is judged: that form, or baseline."))] = None
    looks: Annotated[
        tuple[dt.date, ...], Key(N_("The past days, one horizon apart or more."))
    ] = ()
    accounts: Annotated[int, Key(N_("Accounts and past days whose expected gain was known."))] = 0
    unknown: Annotated[int, Key(N_("Those whose probability or gain was not known."))] = 0
    unknown_followed: Annotated[
        float, Key(N_("Expansion MRR of their upgrades: the list could not expect it."))
    ] = 0.0
    upgrades: Annotated[
        float | None, Key(N_("Upgrades expected: the sum of the probabilities."))
    ] = None
    upgraded: Annotated[int, Key(N_("Accounts and past days that an upgrade followed."))] = 0
    expected: Annotated[
        float | None, col(N_("Expected gain"), Unit.MONEY, N_("Over all past days."))
    ] = None
    followed: Annotated[
        float | None, col(N_("What followed"), Unit.MONEY, N_("Over all past days."))
    ] = None
    ratio: Annotated[
        float | None, col(N_("Followed / expected"), Unit.RATIO)
    ] = None
    ratio_low: Annotated[float | None, Key(N_("The lower end of its 95% interval."))] = None
    ratio_high: Annotated[float | None, Key(N_("The upper end of its 95% interval."))] = None
    gain: Annotated[
        float | None, Key(N_("The mean possible gain of those that were upgraded."))
    ] = None
    gained: Annotated[
        float | None, Key(N_("The mean expansion MRR of those that were upgraded."))
    ] = None
    rows: Annotated[tuple[Tenth, ...], Table(N_("Expected gain and what followed"))] = ()
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("What the growth worklist expected, and what followed, as of %(as_of)s"),
                    {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why or self.ratio is None or self.shown is None:
            return ()
        found = [
            Said(N_("Within %(days)s days of the past days that were looked at, %(expected)s of "
                    "MRR was expected and %(followed)s followed: %(ratio)s of it (%(low)s to "
                    "%(high)s)."), {
                "days": (self.horizon, Unit.COUNT), "expected": (self.expected, Unit.MONEY),
                "followed": (self.followed, Unit.MONEY),
                "ratio": (self.ratio, Unit.PERCENT), "low": (self.ratio_low, Unit.PERCENT),
                "high": (self.ratio_high, Unit.PERCENT),
            }),
            Said(self._verdict()),
            Said(N_("Upgrades: %(upgrades)s expected and %(upgraded)s that came (%(form)s); one "
                    "brought %(gained)s, where %(gain)s was thought possible."), {
                "upgrades": (round(self.upgrades or 0), Unit.COUNT),
                "upgraded": (self.upgraded, Unit.COUNT), "form": Said(FORM_NAMES[self.shown]),
                "gained": (self.gained, Unit.MONEY), "gain": (self.gain, Unit.MONEY),
            }),
        ]
        for text, own in (
            (N_("Tenths in which too much is expected: %(tenths)s."),
             [row.tenth for row in self.rows if row.high is not None and row.expected > row.high]),
            (N_("Tenths in which too little is expected: %(tenths)s."),
             [row.tenth for row in self.rows if row.low is not None and row.expected < row.low]),
        ):
            if own:
                found.append(Said(text, {"tenths": ", ".join(map(str, own))}))
        if self.followed and self.rows:
            found.append(Said(
                N_("The top tenth brought %(share)s of what followed."),
                {"share": (self.rows[-1].followed / self.followed, Unit.PERCENT)},
            ))
        return tuple(found)

    def _verdict(self) -> str:
        if (self.ratio_high or 0) < 1:
            return N_("The worklist promises too much: read it as an order, not as a forecast.")
        if (self.ratio_low or 0) > 1:
            return N_("The worklist promises too little: read it as an order, not as a forecast.")
        return N_("What was expected and what followed differ by no more than chance.")


@insight("growth backtest", comes_from="/growth#backtest")
def backtest(
    company: Reader, *, form: Form = "points", horizon: Horizon = HORIZON,
    as_of: AsOfText = None,
) -> GainBacktest:
    """What did the worklist expect on past days, and how much MRR followed?

    The past days are the test days of `growth expansion` that lie one horizon apart. The
    probability is that of a model that was fitted to what had an outcome before; the step of each
    account, its price and the usual next plan are those that were known on the day. What followed
    is the expansion MRR of upgrades within the horizon; later contraction or churn takes nothing
    away. Accounts at risk are among them, and of a large company a drawn part of each day.
    Intervals come from resampling whole accounts.
    """
    seen = company.as_of(as_of)
    told: dict[str, Any] = {
        "as_of": seen.at.isoformat(), "currency": company.config.company.currency,
        "horizon": horizon, "form": form,
    }
    with company.seeing(seen) as engine:
        track = track_of(company, engine, moment_of(engine, seen, horizon), horizon)
        if isinstance(track, Lacking):
            return GainBacktest(**told, why=track.why)
        shown = form if track.beats(form) else "baseline"
        looks = looks_of(company, engine, seen, track, shown)
    return GainBacktest(**told, shown=shown, looks=looks.days, **_summed(looks, sums_of(looks)))


def _summed(looks: Looks, sums: Sums) -> Mapping[str, Any]:
    """The sums as fields of the answer."""
    import numpy as np

    known = ~np.isnan(looks.expected)
    whole = sums.whole
    found: dict[str, Any] = {
        "accounts": whole.rows, "unknown": int((~known).sum()), "upgraded": whole.upgraded,
        "unknown_followed": float(looks.followed[~known].sum()),
    }
    if not whole.rows:
        return {**found, "why": NO_GAINS.format(accounts=len(known))}
    found |= {
        "upgrades": whole.upgrades, "expected": whole.expected, "followed": whole.followed,
        "rows": tuple(_tenth(place, one) for place, one in enumerate(sums.tenths, start=1)),
    }
    if whole.upgraded < LEAST:
        return {**found, "why": FEW.format(upgraded=whole.upgraded, least=LEAST)}
    upgraded = known & looks.is_upgraded
    return {
        **found, "ratio": sums.ratio, "ratio_low": sums.low, "ratio_high": sums.high,
        "gain": float(looks.gain[upgraded].mean()), "gained": whole.followed / whole.upgraded,
    }


def _tenth(place: int, one: Part) -> Tenth:
    return Tenth(
        tenth=place, rows=one.rows, upgrades=one.upgrades, upgraded=one.upgraded,
        expected=one.expected, followed=one.followed, low=one.low, high=one.high,
    )
