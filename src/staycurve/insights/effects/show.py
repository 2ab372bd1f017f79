"""What an experiment has shown so far: its planned looks, its arms, and what else moved.

An account takes part from the experiment's first day if it pays then, else from its first paid day
after it; where the experiment is of a playbook or an audience, from the day on which it entered
that. Its arm is a hash of its id, the same wherever it is asked, unless arms were drawn and kept or
come from elsewhere. Its outcome is read at the close of its last day; accounts whose days are not
over yet are in no number.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated, Any

from staycurve.errors import UnknownNameError
from staycurve.experiments import EXPERIMENTS, MEANS, Experiment
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
from staycurve.insights.effects.outcomes import SHOWN, arms_of, difference, having, values
from staycurve.insights.effects.plan import ALPHA, POWER
from staycurve.insights.effects.taking import Drawer, Taking, took
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.statistics.sequential import bounds, equal, inflation
from staycurve.insights.statistics.trials import MISMATCH, always_valid, mismatch
from staycurve.metrics.base import Unit

STATUSES = {
    "not_started": N_("not started"), "not_enough": N_("not enough data yet"),
    "helped": N_("helped"), "hurt": N_("hurt"), "not_seen": N_("no effect seen"),
    "mismatch": N_("arms do not have the sizes that were drawn"),
}
INTERFERENCE = N_(
    "An account counts by itself: where one tells another of what was done for it, the effect is "
    "larger than the difference shows."
)
WHO_ANSWERS = N_(
    "Only accounts whose people answered count: where what was done moves who answers, the "
    "difference is not the effect."
)
ELSEWHERE = N_(
    "Arms were drawn elsewhere: that they were drawn at random is not known here, only that their "
    "sizes are as stated."
)
Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, kw_only=True)
class LookSeen(Row):
    """One planned look, with what it saw; empty until there are enough accounts."""

    look: Annotated[int, col(N_("Look"), Unit.COUNT)]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, N_("That it takes, in both arms."))]
    difference: Annotated[
        float | None,
        col(N_("Difference"), Kind.POINTS, N_("Treated less holdout.")),
    ]
    low: Annotated[float | None, Key(N_("Lower end of its interval, as wide as the bound."))]
    high: Annotated[float | None, Key(N_("Upper end of its interval, as wide as the bound."))]
    z: Annotated[float | None, col(N_("z"), Unit.RATIO)]
    bound: Annotated[float, col(N_("Bound (z)"), Unit.RATIO)]
    has_crossed: Annotated[bool, col(N_("Crossed"), Kind.FLAG)]


@dataclass(frozen=True, kw_only=True)
class Outcome(Row):
    """One outcome in both arms, over all accounts that are known."""

    outcome: Annotated[str, col(N_("Outcome"), Kind.NAME)]
    is_guardrail: Annotated[
        bool, col(N_("Guardrail"), Kind.FLAG, N_("Watched for harm, not what is proved."))
    ]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, N_("Of which it is known."))]
    treated: Annotated[
        float, col(N_("Treated"), Unit.RATIO, N_("A share of 0 to 1, a mean, for nrr a rate and "
                   "for nps a score."))
    ]
    held_out: Annotated[float, col(N_("Holdout"), Unit.RATIO)]
    difference: Annotated[
        float,
        col(N_("Difference"), Unit.RATIO, N_("For MRR and active days adjusted for what they were "
            "before (CUPED)."), ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    variance_reduction: Annotated[
        float, col(N_("Variance taken away"), Unit.PERCENT, N_("By what was known before."))
    ]
    is_worse: Annotated[
        bool, col(N_("Worse"), Kind.FLAG, N_("Whether the 95% interval is below 0."))
    ]


@dataclass(frozen=True, kw_only=True)
class Effect(Answer):
    """One experiment as it stands."""

    as_of: AsOfField
    currency: CurrencyField
    name: Annotated[str, Key(N_("The experiment."))]
    outcome: Annotated[str, Key(N_("What is compared."))]
    starts_on: Annotated[dt.date, Key(N_("Its first day."))]
    status: Annotated[str, Key(N_("helped, hurt, not_seen, not_enough, not_started, mismatch."))]
    treated: Annotated[int, Key(N_("Treated accounts whose outcome is known."))]
    held_out: Annotated[int, Key(N_("Accounts of the holdout whose outcome is known."))]
    waiting: Annotated[int, Key(N_("Accounts that take part and whose days are not over."))]
    accounts_needed: Annotated[int, Key(N_("Accounts that the last look takes."))]
    accounts_missing: Annotated[int, Key(N_("Accounts more until then."))]
    weeks: Annotated[
        float | None, Key(N_("Weeks until then, at the pace of the last 13; empty without one."))
    ]
    mismatch_p: Annotated[
        float, Key(N_("Chance of arms so far from the drawn sizes; below 0.001 nothing is said."))
    ]
    sequence_low: Annotated[
        float | None, Key(N_("Confidence sequence: it holds however often it is looked at."))
    ]
    sequence_high: Annotated[float | None, Key(N_("Its upper end."))]
    rows: Annotated[tuple[LookSeen, ...], Table(N_("Planned looks"))]
    outcomes: Annotated[tuple[Outcome, ...], Table(N_("Outcomes"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("%(name)s, as of %(as_of)s"),
                    {"name": (self.name, Kind.TEXT), "as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        values: dict[str, str | Value | Said] = {
            "n": (self.accounts_missing, Unit.COUNT), "weeks": (self.weeks, Unit.COUNT),
            "status": Said(STATUSES[self.status]), "treated": (self.treated, Unit.COUNT),
            "held": (self.held_out, Unit.COUNT),
        }
        counted = Said(N_("%(treated)s treated accounts and %(held)s held out are known."), values)
        if self.status == "not_enough":
            text = N_("Not enough data yet: %(n)s more accounts, about %(weeks)s weeks.")
            if self.weeks is None:
                text = N_("Not enough data yet: %(n)s more accounts, and none are coming.")
            return (Said(text, values), counted)
        return (Said(N_("The verdict: %(status)s."), values), counted)


@dataclass(frozen=True, kw_only=True)
class Listed(Row):
    """One experiment."""

    name: Annotated[str, col(N_("Experiment"))]
    outcome: Annotated[str, col(N_("Outcome"), Kind.NAME)]
    starts_on: Annotated[dt.date, col(N_("Starts"), Kind.DAY)]
    status: Annotated[str, col(N_("Status"), Kind.NAME, named_by=STATUSES)]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, N_("Whose outcome is known."))]
    accounts_missing: Annotated[int, col(N_("Missing"), Unit.COUNT)]


@dataclass(frozen=True, kw_only=True)
class Effects(Answer):
    """Every experiment that staycurve.toml declares."""

    as_of: AsOfField
    rows: Annotated[tuple[Listed, ...], Table(N_("Experiments"))]
    why: WhyField = None


NONE = N_("staycurve.toml declares no [[experiments]]")


@insight("effects list", comes_from="/effects#experiments")
def listed(company: Drawer, *, as_of: AsOfText = None) -> Effects:
    """Which experiments run, and where does each stand?"""
    seen = company.as_of(as_of)
    found = [_show(company, one, as_of) for one in company.config[EXPERIMENTS]]
    return Effects(
        as_of=seen.at.isoformat(), why=None if found else NONE,
        rows=tuple(
            Listed(name=one.name, outcome=one.outcome, starts_on=one.starts_on, status=one.status,
                   accounts=one.treated + one.held_out, accounts_missing=one.accounts_missing)
            for one in found
        ),
    )


@insight("effects show", comes_from="/effects#looks")
def show(
    company: Drawer, *,
    name: Annotated[
        str, Param(N_("The experiment, from [[experiments]]."), metavar="NAME", is_argument=True)
    ],
    as_of: AsOfText = None,
) -> Effect:
    """Did it help, and if that is not known yet, how many accounts are missing?"""
    known = {one.name: one for one in company.config[EXPERIMENTS]}
    if name not in known:
        raise UnknownNameError("experiment", name, known)
    return _show(company, known[name], as_of)


def _show(company: Drawer, asked: Experiment, as_of: str | None) -> Effect:
    seen = company.as_of(as_of)
    question = Question(company.config, seen)
    found = took(company, asked, question)
    return judged(
        asked, found.known, found.waiting, last_day=question.last_whole_day,
        told={"as_of": seen.at.isoformat(), "currency": company.config.company.currency,
              "sql": found.sql},
    )


def needed(asked: Experiment) -> int:
    """Accounts in both arms that the last look takes, for a power of 80%."""
    z = NormalDist().inv_cdf(1 - ALPHA / 2) + NormalDist().inv_cdf(POWER)
    if asked.outcome in MEANS:
        spread = asked.spread**2 * (1 / asked.holdout + 1 / (1 - asked.holdout))
    else:
        spread = (asked.base * (1 - asked.base) / asked.holdout
                  + asked.effect * (1 - asked.effect) / (1 - asked.holdout))
    plain = z * z * spread / (asked.base - asked.effect) ** 2
    return math.ceil(plain * inflation(asked.looks, ALPHA, 1 - POWER) - 1e-9)


def judged(
    asked: Experiment, known: Sequence[Taking], waiting: int, *, last_day: dt.date,
    told: Mapping[str, Any],
) -> Effect:
    """An experiment from the accounts that are known."""
    whole = needed(asked)
    # Arms are weighed before anybody is left out for having no answer: that is an outcome as well.
    drawn = (sum(not one.is_held_out for one in known), sum(one.is_held_out for one in known))
    odd = mismatch(drawn, (1 - asked.holdout, asked.holdout))
    every, known = known, having(known, asked.outcome)
    rows = _looks(asked, known, whole)
    sizes = (sum(not one.is_held_out for one in known), sum(one.is_held_out for one in known))
    missing = max(0, whole - len(known))
    first = next((row for row in rows if row.has_crossed), None)
    status = "not_enough"
    if last_day < asked.starts_on:
        status = "not_started"
    elif odd < MISMATCH:
        status = "mismatch"
    elif first is not None:
        status = "helped" if (first.difference or 0) > 0 else "hurt"
    elif not missing:
        status = "not_seen"
    overall = difference(known, asked.outcome)
    low, high = (None, None)
    if overall is not None and overall.error:
        low, high = always_valid(overall, sizes, planned=whole, alpha=ALPHA)
    return Effect(
        **told, name=asked.name, outcome=asked.outcome, starts_on=asked.starts_on, status=status,
        treated=sizes[0], held_out=sizes[1], waiting=waiting, accounts_needed=whole,
        accounts_missing=missing, weeks=_weeks(asked, known, waiting, missing, last_day),
        mismatch_p=odd, sequence_low=low, sequence_high=high, rows=rows,
        outcomes=_outcomes(asked, every), notes=notes_of(asked),
    )


def _weeks(
    asked: Experiment, known: Sequence[Taking], waiting: int, missing: int, last_day: dt.date
) -> float | None:
    """Weeks until nobody is missing: those who wait, then new ones at the recent pace."""
    if not missing:
        return 0.0
    if waiting >= missing:
        return asked.days / 7
    # Who was there on the first day came at once: they say nothing of the pace.
    since = last_day - dt.timedelta(weeks=13)
    begun = asked.starts_on + dt.timedelta(days=asked.days)
    came = sum(one.known_on > max(since, begun) for one in known)
    return (missing - waiting) / (came / 13) + asked.days / 7 if came else None


def _looks(asked: Experiment, known: Sequence[Taking], whole: int) -> tuple[LookSeen, ...]:
    """Each look at the first accounts that it takes, whoever has come to be known since."""
    shares = equal(asked.looks)
    rows = []
    has_ended = False
    for place, (share, bound) in enumerate(zip(shares, bounds(shares, ALPHA), strict=True)):
        size = math.ceil(whole * share - 1e-9)
        found = difference(known[:size], asked.outcome) if size <= len(known) else None
        low, high = found.interval(bound) if found else (None, None)
        # What comes after an experiment has ended decides nothing.
        crossed = found is not None and not has_ended and abs(found.z) >= bound
        has_ended = has_ended or crossed
        rows.append(LookSeen(
            look=place + 1, accounts=size, difference=found.difference if found else None,
            low=low, high=high, z=found.z if found else None, bound=bound, has_crossed=crossed,
        ))
    return tuple(rows)


def _outcomes(asked: Experiment, known: Sequence[Taking]) -> tuple[Outcome, ...]:
    rows = []
    for name in dict.fromkeys((asked.outcome, *SHOWN)):
        found = difference(known, name)
        if found is None:
            continue
        arms = [values(arm, name) for arm in arms_of(having(known, name))]
        low, high = found.interval(Z)
        rows.append(Outcome(
            outcome=name, is_guardrail=name != asked.outcome, accounts=len(arms[0]) + len(arms[1]),
            treated=sum(arms[0]) / len(arms[0]), held_out=sum(arms[1]) / len(arms[1]),
            difference=found.difference, low=low, high=high,
            variance_reduction=found.reduction, is_worse=high < 0,
        ))
    return tuple(rows)


def notes_of(asked: Experiment) -> tuple[str, ...]:
    """What a reader must know of this experiment."""
    found = [INTERFERENCE]
    if asked.outcome == "nps":
        found.append(WHO_ANSWERS)
    if asked.arms is not None:
        found.append(ELSEWHERE)
    return tuple(found)
