"""Why customers of the example company leave, stay and grow: every planted cause in one place.

The numbers are choices, not estimates from any company. `hazard` is the whole truth about
voluntary leaving; `staycurve.demo.truth` writes the same parameters into `truth.json`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp
from typing import Final

from staycurve.demo.clock import instant, month_of
from staycurve.demo.market import Account

BASE_HAZARD: Final = {"Starter": 0.0220, "Team": 0.0140, "Business": 0.0065, "Enterprise": 0.0030}


@dataclass(frozen=True)
class Causes:
    """Multipliers on the monthly hazard of leaving, and the rates of growth."""

    leaky_industry: str = "Retail"
    leaky_plan: str = "Starter"
    leaky_interval: str = "month"
    leaky_multiplier: float = 3.2
    spike_renewal: int = 4
    spike_multiplier: float = 3.2
    annual_multiplier: float = 1.15
    guided_since: int = field(default_factory=lambda: instant(2024, 1))
    guided_renewals: tuple[int, ...] = (1, 2)
    unguided_multiplier: float = 4.0
    automation_share: float = 0.35
    automation_days: int = 14
    automation_multiplier: float = 0.42
    confounded_feature: str = "sso_login"
    large_employees: int = 200
    large_multiplier: float = 0.6
    champion_monthly: float = 0.014
    champion_days: int = 100
    champion_multiplier: float = 3.5
    pain_coefficient: float = 0.75
    pain_limit: float = 2.0
    pain_nps: float = 1.9
    leaky_channel: str = "affiliate"
    channel_multiplier: float = 2.1
    channel_payback: float = 3.5
    growth_industry: str = "Software"
    growth_plans: tuple[str, ...] = ("Team", "Business")
    growth_monthly: float = 0.26
    growth_monthly_others: float = 0.105
    growth_step: float = 0.12
    growth_step_others: float = 0.09
    card_conversion: float = 0.56
    no_card_conversion: float = 0.26
    card_multiplier: float = 1.6
    rise_plan: str = "Team"
    rise_at: int = field(default_factory=lambda: instant(2024, 9))
    rise_from: int = 2900
    rise_to: int = 3400
    rise_multiplier: float = 1.8
    mood_coefficient: float = 0.5
    return_multiplier: float = 1.2
    failed_payment: float = 0.024
    silent_rate: float = 0.26
    silent_coefficient: float = 1.0
    silent_most: float = 0.8
    rise_billing: float = 0.5
    comparing_share: float = 0.7
    reviewing_monthly: float = 0.006


CAUSES: Final = Causes()


@dataclass(frozen=True, slots=True)
class Moment:
    """What is true of one account when it may leave.

    `renewal` counts monthly renewals since the first paid day, from 1. `mood` is the latent
    intensity of use around 0. `pain` is 0 or more. `started_at` is the first paid instant.
    """

    renewal: int
    mood: float
    pain: float
    is_champion_gone: bool
    is_price_rise: bool
    is_monthly: bool
    is_return: bool
    started_at: int


def hazard(account: Account, plan: str, interval: str, moment: Moment) -> float:
    """Chance (0-1) that the account decides to leave at the end of this month."""
    c = CAUSES
    rate = BASE_HAZARD[plan] * exp(-c.mood_coefficient * moment.mood)
    rate *= exp(c.pain_coefficient * min(moment.pain, c.pain_limit))
    if (account.industry, plan, interval) == (c.leaky_industry, c.leaky_plan, c.leaky_interval):
        rate *= c.leaky_multiplier
    if account.has_early_automation:
        rate *= c.automation_multiplier
    if account.employees >= c.large_employees:
        rate *= c.large_multiplier
    if account.channel == c.leaky_channel:
        rate *= c.channel_multiplier
    if account.path == "trial" and account.has_trial_card:
        rate *= c.card_multiplier
    if moment.is_champion_gone:
        rate *= c.champion_multiplier
    if moment.is_price_rise:
        rate *= c.rise_multiplier
    if moment.is_return:
        rate *= c.return_multiplier
    elif moment.is_monthly:
        if moment.renewal == c.spike_renewal:
            rate *= c.spike_multiplier
        if moment.renewal in c.guided_renewals and is_unguided(moment.started_at):
            rate *= c.unguided_multiplier
    return min(rate, 0.6)


def is_unguided(started_at: int) -> bool:
    """Whether a cohort began before the guided setup was released."""
    return month_of(started_at) < month_of(CAUSES.guided_since)
