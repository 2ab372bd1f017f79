"""What was planted, in numbers: the parameters of each cause and what came of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from staycurve.demo.causes import CAUSES, is_unguided
from staycurve.demo.clock import DAY, END, START
from staycurve.demo.ledger import Exposure, History
from staycurve.demo.market import Account
from staycurve.demo.money import Cost
from staycurve.demo.notes import CallNote
from staycurve.demo.planted import Cause, iso
from staycurve.demo.voice import Answer, Voice
from staycurve.demo.voiced import voiced


@dataclass(frozen=True)
class Truth:
    """Everything that is known about an example company because it was made."""

    seed: int
    accounts: int
    starts_at: str
    ends_at: str
    base_hazard: Mapping[str, float]
    causes: tuple[Cause, ...]
    rows: Mapping[str, int]

    def cause(self, name: str) -> Cause:
        """The cause of that name; `KeyError` names those there are."""
        for cause in self.causes:
            if cause.name == name:
                return cause
        raise KeyError(f"{name}; planted are {', '.join(c.name for c in self.causes)}")

    def json(self) -> str:
        """The content of `truth.json`."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def _tally(exposures: list[Exposure]) -> dict[str, float]:
    left = sum(e.has_left for e in exposures)
    size = len(exposures)
    expected = sum(e.chance for e in exposures)
    return {
        "at_risk": size,
        "left": left,
        "expected": round(expected, 2),
        "hazard": round(left / size, 5) if size else 0.0,
    }


Test = Callable[[Exposure], bool]


def _compare(exposures: list[Exposure], among: Test, affected: Test) -> dict[str, Any]:
    base = [e for e in exposures if among(e)]
    return {
        "affected": _tally([e for e in base if affected(e)]),
        "others": _tally([e for e in base if not affected(e)]),
    }


def causes_of(
    accounts: list[Account], history: History, voice: Voice, costs: list[Cost],
    notes: list[CallNote],
) -> tuple[Cause, ...]:
    """All planted causes with their realised counts; internal test accounts left out."""
    real = [e for e in history.exposures if not accounts[e.account].is_test]
    others = _others(accounts, history, voice.answers, costs, real)
    return (*_hazards(accounts, real), *others, *voiced(history, voice, notes))


def _hazards(accounts: list[Account], real: list[Exposure]) -> tuple[Cause, ...]:
    c = CAUSES

    def monthly(e: Exposure) -> bool:
        return e.months == 1

    def first(e: Exposure) -> bool:
        return e.months == 1 and e.is_first_life

    def always(e: Exposure) -> bool:
        return True

    def is_leaky(e: Exposure) -> bool:
        found = (accounts[e.account].industry, e.plan, e.interval)
        return found == (c.leaky_industry, c.leaky_plan, c.leaky_interval)

    return (
        Cause(
            "leaky_segment",
            "Retail accounts on monthly Starter leave far more often.",
            {"industry": c.leaky_industry, "plan": c.leaky_plan, "interval": c.leaky_interval},
            {"hazard_multiplier": c.leaky_multiplier},
            _compare(real, lambda e: e.plan == c.leaky_plan and e.interval == "month", is_leaky),
        ),
        Cause(
            "fourth_month",
            "The onboarding specialist leaves after three months; doubts surface one renewal on.",
            {"interval": ["month", "week"], "renewal": c.spike_renewal,
             "cohort_age": c.spike_renewal, "is_first_life": True},
            {"hazard_multiplier": c.spike_multiplier},
            _compare(real, lambda e: first(e) and e.renewal > 2,
                     lambda e: e.renewal == c.spike_renewal),
        ),
        Cause(
            "annual_renewal",
            "Contracts of a year end only at a renewal: a year of hazard falls on month 12.",
            {"term_months": 12, "renewal": 12},
            {"share_of_summed_hazard": c.annual_multiplier},
            _compare(real, always, lambda e: e.months == 12),
        ),
        Cause(
            "guided_setup",
            "Guided setup, released in January 2024, fixes the first two renewals.",
            {"interval": ["month", "week"], "renewals": list(c.guided_renewals),
             "cohort_ages": list(c.guided_renewals), "first_cohort": iso(c.guided_since)[:7],
             "is_first_life": True},
            {"hazard_multiplier_before": c.unguided_multiplier, "hazard_multiplier_since": 1.0},
            _compare(real, lambda e: first(e) and e.renewal in c.guided_renewals,
                     lambda e: is_unguided(e.started_at)),
        ),
        Cause(
            "early_automation",
            "Using automation_run within 14 days of sign-up lowers the hazard for good (causal).",
            {"event": "automation_run", "within_days": c.automation_days},
            {"hazard_multiplier": c.automation_multiplier, "share": c.automation_share},
            _compare(real, monthly, lambda e: accounts[e.account].has_early_automation),
        ),
        Cause(
            "sso_confounded",
            "sso_login does nothing by itself: large companies use it, and large companies stay.",
            {"event": c.confounded_feature, "confounder": "employees",
             "employees_at_least": c.large_employees},
            {"hazard_multiplier_of_event": 1.0, "hazard_multiplier_of_size": c.large_multiplier},
            _compare(real, always, lambda e: accounts[e.account].employees >= c.large_employees),
        ),
        Cause(
            "champion_left",
            "For 100 days after a champion leaves, the account is in danger.",
            {"users.is_champion": True, "days_after_left_at": c.champion_days},
            {"hazard_multiplier": c.champion_multiplier, "monthly_chance": c.champion_monthly},
            _compare(real, always, lambda e: e.is_champion_gone),
        ),
        Cause(
            "ticket_pain",
            "Slow first answers (+0.7) and reopened tickets (+0.8) hurt; half is gone each month.",
            {"tickets": "first response slow or reopened_at set"},
            {"hazard_coefficient": c.pain_coefficient, "limit": c.pain_limit,
             "nps_points_of_score": -c.pain_nps},
            _compare(real, always, lambda e: e.pain >= 0.35),
        ),
        Cause(
            "leaky_channel",
            "The affiliate channel brings customers who cost little and leave soon.",
            {"channel": c.leaky_channel},
            {"hazard_multiplier": c.channel_multiplier,
             "months_of_new_mrr_spent": c.channel_payback},
            _compare(real, monthly, lambda e: accounts[e.account].channel == c.leaky_channel),
        ),
        Cause(
            "card_trials",
            "Trials with a card convert more often, and leave more often afterwards.",
            {"path": "trial", "card_on_file": True},
            {"conversion_with_card": c.card_conversion,
             "conversion_without_card": c.no_card_conversion,
             "hazard_multiplier_after": c.card_multiplier},
            _compare(real, lambda e: monthly(e) and accounts[e.account].path == "trial",
                     lambda e: accounts[e.account].has_trial_card),
        ),
        Cause(
            "price_rise",
            "Team went from 29 to 34 dollars a seat: at once for new accounts, at the first "
            "renewal for others.",
            {"plan": c.rise_plan, "from": iso(c.rise_at)[:10]},
            {"unit_amount_before": c.rise_from / 100, "unit_amount_after": c.rise_to / 100,
             "hazard_multiplier_at_that_renewal": c.rise_multiplier},
            _compare(real, lambda e: e.plan == c.rise_plan, lambda e: e.is_price_rise),
        ),
    )  # fmt: skip


def _others(
    accounts: list[Account], history: History, answers: list[Answer], costs: list[Cost],
    real: list[Exposure],
) -> tuple[Cause, ...]:  # fmt: skip
    c = CAUSES
    growth = {
        group: {"account_months": months, "seats_added": seats}
        for group, (months, seats) in history.growth.items()
    }
    converted = {"with_card": [0, 0], "without_card": [0, 0]}
    for index, (start, paid_at) in history.trials.items():
        if start + 45 * DAY < END and not accounts[index].is_test:
            pair = converted["with_card" if accounts[index].has_trial_card else "without_card"]
            pair[0] += 1
            pair[1] += paid_at is not None
    spent = sum(x.amount for x in costs if x.channel == c.leaky_channel)
    won = sum(accounts[i].channel == c.leaky_channel for i in history.first_paid)
    return (
        Cause(
            "seat_growth",
            "Software accounts on Team and Business add seats much more often.",
            {"industry": c.growth_industry, "plan": list(c.growth_plans)},
            {"monthly_chance": c.growth_monthly, "monthly_chance_others": c.growth_monthly_others,
             "step": c.growth_step, "step_others": c.growth_step_others},
            growth,
        ),
        Cause(
            "trial_conversion",
            "Conversion by card; an early project raises it by 12%, its absence lowers it by 30%.",
            {"path": "trial", "mature": True},
            {"with_card": c.card_conversion, "without_card": c.no_card_conversion},
            {g: {"trials": n, "converted": k} for g, (n, k) in converted.items()},
        ),
        Cause(
            "ticket_pain_nps",
            "Accounts in pain answer lower; in pain means a slow first response or a reopened "
            "ticket in the 60 days before.",
            {"survey": "relationship", "kind": "nps"},
            {"nps_points_of_score": -c.pain_nps},
            _scores(history, answers),
        ),
        Cause(
            "usage",
            "The hazard falls with the intensity of use.",
            {"table": "events"},
            {"hazard_coefficient_of_mood": -c.mood_coefficient},
            {"decisions": len(real)},
        ),
        Cause(
            "cheap_channel",
            "What the affiliate channel cost in dollars, and whom it won.",
            {"channel": c.leaky_channel},
            {"months_of_new_mrr_spent": c.channel_payback},
            {"spent": spent, "won": won, "spent_in_all_channels":
             sum(x.amount for x in costs if x.purpose == "acquisition"),
             "won_in_all_channels": len(history.first_paid)},
        ),
        Cause(
            "repriced",
            "Accounts that met the new Team price at a renewal and stayed.",
            {"plan": c.rise_plan},
            {"unit_amount_after": c.rise_to / 100},
            {"accounts": len(set(history.rises))},
        ),
    )  # fmt: skip


def _scores(history: History, answers: list[Answer]) -> dict[str, Any]:
    pains: dict[int, list[int]] = {}
    for t in history.tickets:
        if t.is_slow:
            pains.setdefault(t.account, []).append(t.opened_at)
        if t.reopened_at is not None:
            pains.setdefault(t.account, []).append(t.reopened_at)
    groups: dict[str, list[int]] = {"affected": [], "others": []}
    for a in answers:
        if a.kind == "nps" and a.score is not None:
            hurt = any(0 <= a.answered_at - at < 60 * DAY for at in pains.get(a.account, ()))
            groups["affected" if hurt else "others"].append(a.score)
    return {
        name: {"answers": len(s), "mean_score": round(sum(s) / len(s), 3) if s else None}
        for name, s in groups.items()
    }


def bounds() -> tuple[str, str]:
    """First and last instant of the history, ISO 8601."""
    return iso(START), iso(END)
