"""Exchange rates and costs of the example company."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from staycurve.demo.causes import CAUSES
from staycurve.demo.clock import MONTHS, START, month_first, month_of
from staycurve.demo.ledger import History
from staycurve.demo.market import CHANNELS, Account

# First rate, drift a year and weekly standard deviation of a geometric random walk.
_RATES: Final = {"EUR": (1.13, -0.005, 0.009), "GBP": (1.33, -0.01, 0.010),
                 "JPY": (0.00870, -0.07, 0.011)}  # fmt: skip
# Months of new MRR at full price that each channel's acquisition spend amounts to.
_PAYBACK: Final = {
    "organic search": 4.5, "paid search": 14.0, "content": 8.0, "outbound": 14.5,
    CAUSES.leaky_channel: CAUSES.channel_payback, "referral": 5.0, "partner": 10.0, "social": 12.0,
}  # fmt: skip
_ACQUISITION: Final = {
    "organic search": {"staff": 0.8, "tools": 0.2}, "paid search": {"ads": 0.85, "staff": 0.15},
    "content": {"content": 0.6, "staff": 0.4}, "outbound": {"staff": 0.8, "tools": 0.2},
    CAUSES.leaky_channel: {"commission": 1.0}, "referral": {"rewards": 1.0},
    "partner": {"commission": 0.7, "staff": 0.3}, "social": {"ads": 0.7, "staff": 0.3},
}  # fmt: skip
# Share of MRR, and what is spent each month whatever the revenue, at 4,000 accounts.
_RETENTION: Final = {"staff": (0.045, 9000.0), "tools": (0.008, 1500.0),
                     "customer marketing": (0.008, 1200.0), "training": (0.005, 800.0),
                     "loyalty": (0.006, 500.0)}  # fmt: skip
_DELIVERY: Final = {"hosting": (0.125, 4000.0), "support": (0.085, 3000.0)}


@dataclass(frozen=True, slots=True)
class Rate:
    """Dollars for one unit of a currency from a day on."""

    day: date
    currency: str
    rate: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What one purpose cost in a month, in whole dollars."""

    month: date
    purpose: str
    kind: str
    channel: str | None
    amount: int


def rates_of(seed: int) -> list[Rate]:
    """Weekly rates: the first on 2022-01-01, then each Monday; a drifting random walk."""
    rng = np.random.default_rng([seed, 5])
    days = [date(2022, 1, 1)] + [date(2022, 1, 3) + timedelta(weeks=n) for n in range(209)]
    days = [d for d in days if d < date(2026, 1, 1)]
    rates: list[Rate] = []
    for currency, (first, drift, spread) in _RATES.items():
        steps = rng.normal(drift / 52, spread, len(days))
        steps[0] = 0.0
        walk = first * np.exp(np.cumsum(steps))
        rates += [Rate(d, currency, float(r)) for d, r in zip(days, walk, strict=True)]
    return rates


def costs_of(accounts: list[Account], history: History, rates: list[Rate], seed: int) -> list[Cost]:
    """Costs by month that follow the revenue they serve, with noise.

    Acquisition is a channel's new MRR, smoothed over three months, times the channel's months
    of payback; delivery and retention are a share of MRR and a fixed part.
    """
    rng = np.random.default_rng([seed, 6])
    scale = len(accounts) / 4000
    mrr = _closing_mrr(history, rates)
    new = _new_mrr(accounts, history, rates)
    costs: list[Cost] = []
    for month in range(MONTHS):
        first = month_first(month)
        noise = iter(np.exp(rng.normal(0.0, 0.06, 64)))
        for channel, months in _PAYBACK.items():
            near = new[channel][max(0, month - 1) : month + 2].mean()
            for kind, share in _ACQUISITION[channel].items():
                amount = round(float(near * months * share * next(noise)))
                costs.append(Cost(first, "acquisition", kind, channel, amount))
        for purpose, kinds in (("retention", _RETENTION), ("delivery", _DELIVERY)):
            for kind, (share, fixed) in kinds.items():
                amount = round(float((mrr[month] * share + fixed * scale) * next(noise)))
                costs.append(Cost(first, purpose, kind, None, amount))
    return costs


def _dollars(rates: list[Rate]) -> dict[str, npt.NDArray[np.float64]]:
    """Last rate of each month by currency, each of shape (months,)."""
    table = {"USD": np.ones(MONTHS)}
    for currency in _RATES:
        row = np.zeros(MONTHS)
        for rate in rates:
            if rate.currency == currency:
                row[(rate.day.year - 2022) * 12 + rate.day.month - 1] = rate.rate
        table[currency] = row
    return table


def _closing_mrr(history: History, rates: list[Rate]) -> npt.NDArray[np.float64]:
    """Approximate MRR in dollars at the close of each month, shape (months,)."""
    steps = {c: np.zeros(MONTHS + 1) for c in ("USD", *_RATES)}
    for span in history.spans:
        if span.status in ("active", "past_due"):
            row = steps[span.terms.currency]
            amount = span.terms.monthly
            row[max(0, month_of(max(span.starts_at, START)))] += amount
            if span.ends_at is not None:
                row[month_of(span.ends_at)] -= amount
    dollars = _dollars(rates)
    total = np.zeros(MONTHS)
    for currency, row in steps.items():
        total += np.cumsum(row)[:MONTHS] * dollars[currency]
    return total


def _new_mrr(
    accounts: list[Account], history: History, rates: list[Rate]
) -> dict[str, npt.NDArray[np.float64]]:
    """First MRR of new accounts in dollars, by channel, each of shape (months,)."""
    dollars = _dollars(rates)
    new = {channel: np.zeros(MONTHS) for channel in CHANNELS}
    for index, (at, terms) in history.first_paid.items():
        month = min(month_of(at), MONTHS - 1)
        new[accounts[index].channel][month] += terms.monthly * dollars[terms.currency][month]
    return new
