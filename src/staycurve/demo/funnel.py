"""What happens before an account exists: reach by day and channel, and leads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from staycurve.demo.clock import DAY, DAYS, END, START, day_of
from staycurve.demo.ledger import History
from staycurve.demo.market import CHANNELS, INDUSTRIES, Account

_LOST: Final = ("no budget", "no reply", "chose competitor", "bad fit", "timing")
_VISITS_PER_LEAD: Final = 32.0
# Engagements and mentions for each visit of a channel; other channels have none.
_SOCIAL: Final = {"social": (0.40, 0.030), "content": (0.10, 0.012), "partner": (0.04, 0.008)}


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead with the instants of its way, in seconds; None where it did not get there."""

    created_at: int
    channel: str
    industry: str
    qualified_at: int | None
    demo_at: int | None
    trial_at: int | None
    won_at: int | None
    lost_at: int | None
    lost_reason: str | None
    account: int | None


@dataclass(frozen=True, slots=True)
class Reach:
    """A count of one kind on one local day in one channel."""

    day: date
    channel: str
    kind: str
    count: int


def leads_of(accounts: list[Account], history: History, seed: int) -> list[Lead]:
    """Leads in order of time: one for each account but internal ones, and those lost before."""
    rng = np.random.default_rng([seed, 7])
    leads = [_of_account(a, history, rng) for a in accounts if not a.is_test]
    industries, channels = list(INDUSTRIES), list(CHANNELS)
    weight = np.array(list(CHANNELS.values()))
    created = np.array([lead.created_at for lead in leads])
    # Lost leads come when the won ones do, so both grow with the company.
    for _ in range(round(1.3 * len(leads))):
        at = int(rng.choice(created)) + int(rng.normal(0, 6 * DAY))
        at = min(max(at, START), END - 3600)
        qualified = _later(at, rng.exponential(4), rng.random() < 0.35)
        demo = _later(qualified, rng.exponential(6), rng.random() < 0.4)
        lost = _later(demo or qualified or at, 5 + rng.exponential(25), True)
        leads.append(
            Lead(
                at,
                channels[int(rng.choice(len(channels), p=weight / weight.sum()))],
                industries[int(rng.integers(len(industries)))],
                qualified,
                demo,
                None,
                None,
                lost,
                _LOST[int(rng.integers(len(_LOST)))] if lost else None,
                None,
            )
        )
    leads.sort(key=lambda lead: (lead.created_at, -1 if lead.account is None else lead.account))
    return leads


def _later(at: int | None, days: float, happens: bool) -> int | None:
    """An instant some days later, or None when it does not happen before the end."""
    if at is None or not happens:
        return None
    later = at + int(days * DAY) + 60
    return later if later < END else None


def _of_account(account: Account, history: History, rng: np.random.Generator) -> Lead:
    is_sold = account.path == "sales"
    before = rng.exponential(16.0) if is_sold else rng.exponential(1.5)
    created = max(START, account.created_at - int(before * DAY) - 120)
    between = account.created_at - created
    qualified = created + int(between * rng.uniform(0.1, 0.5)) if is_sold else None
    demo = created + int(between * rng.uniform(0.55, 0.95)) if is_sold else None
    if account.path == "trial" and rng.random() < 0.25:
        qualified = created + int(between * rng.random())
    trial = history.trials.get(account.index)
    paid = history.first_paid.get(account.index)
    lost = None
    if trial is not None and paid is None:
        lost = _later(trial[0], 14 + rng.exponential(10), True)
    return Lead(
        created_at=created,
        channel=account.channel,
        industry=account.industry,
        qualified_at=qualified,
        demo_at=demo,
        trial_at=None if trial is None else trial[0],
        won_at=None if paid is None else paid[0],
        lost_at=lost,
        lost_reason=_LOST[int(rng.integers(len(_LOST)))] if lost else None,
        account=account.index,
    )


def reach_of(leads: list[Lead], seed: int) -> list[Reach]:
    """Daily reach by channel: visits follow a channel's leads, weekends are quiet."""
    rng = np.random.default_rng([seed, 8])
    rows: list[Reach] = []
    weekday = np.array([day_of(d).weekday() for d in range(DAYS)])
    rhythm = np.where(weekday >= 5, 0.55, 1.18)
    for channel in CHANNELS:
        at = [(lead.created_at - START) // DAY for lead in leads if lead.channel == channel]
        daily = np.bincount(np.array(at, dtype=np.int64), minlength=DAYS)[:DAYS]
        # Four weeks around each day; a flat window keeps the total of visits.
        smooth = np.convolve(daily, np.ones(29) / 29, mode="same")
        visits = rng.poisson(smooth * _VISITS_PER_LEAD * rhythm)
        social, mentions = _SOCIAL.get(channel, (0.0, 0.0))
        counts = {"visits": visits}
        if social:
            counts["social_engagements"] = rng.poisson(visits * social)
            counts["mentions"] = rng.poisson(visits * mentions)
        for kind, series in counts.items():
            rows += [Reach(day_of(d), channel, kind, int(n)) for d, n in enumerate(series)]
    rows.sort(key=lambda r: (r.day, r.channel, r.kind))
    return rows
