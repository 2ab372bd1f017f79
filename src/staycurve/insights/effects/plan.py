"""Before an experiment: how many accounts it takes, how long that lasts, and what can be seen."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from statistics import stdev
from typing import Annotated, Any

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.experiments import MEANS
from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    Key,
    Row,
    Said,
    Table,
    Value,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.account_facts import paying_sql
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.sequential import alpha_tail, bounds, equal, inflation
from staycurve.insights.statistics.trials import (
    accounts_an_arm,
    accounts_for_means,
    smallest_gap,
    smallest_seen,
)
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.dimensions import FIRSTS_SQL
from staycurve.period import AsOf

OUTCOMES = ("retention", "churn", "usage", "upgrade", "conversion", *MEANS)
"""Outcomes of one account, beside the metrics that are shares."""
PACE_WEEKS = 13
"""Weeks whose new accounts give the pace: a quarter evens out holidays and campaigns."""
POWER, ALPHA = 0.8, 0.05

NO_PACE = N_("no account first paid in the last {weeks} weeks: there is no pace to go by")


@dataclass(frozen=True, kw_only=True)
class Look(Row):
    """One planned look."""

    look: Annotated[int, col(N_("Look"), Unit.COUNT)]
    accounts: Annotated[
        int, col(N_("Accounts"), Unit.COUNT, N_("In both arms, whose outcome is known."))
    ]
    z: Annotated[
        float,
        col(N_("Bound (z)"), Unit.RATIO, N_("A difference of so many standard errors ends the "
            "experiment at this look.")),
    ]
    p_value: Annotated[
        float, col(N_("As p"), Unit.RATIO, N_("The same as an unadjusted two-sided p-value."))
    ]


@dataclass(frozen=True, kw_only=True)
class Plan(Answer):
    """What it takes to see an effect."""

    as_of: AsOfField
    outcome: Annotated[str, Key(N_("What is compared: an outcome of accounts."))]
    base: Annotated[
        float, Key(N_("The outcome without what is tried: a share; for nrr a rate, nps a score."))
    ]
    effect: Annotated[float, Key(N_("The one that is hoped for with it."))]
    spread: Annotated[
        float | None,
        Key(N_("For nrr and nps the standard deviation between accounts, on this company's own "
               "past; empty for shares."), is_omitted=True),
    ] = None
    alpha: Annotated[float, Key(N_("Significance level, two-sided."))]
    power: Annotated[float, Key(N_("The chance to see the effect if it is there."))]
    accounts_per_arm: Annotated[int, Key(N_("Accounts in each arm, with one look at the end."))]
    accounts: Annotated[int, Key(N_("Accounts in both arms, with the planned looks."))]
    inflation: Annotated[
        float, Key(N_("How many times as many accounts the planned looks take as one look."))
    ]
    available: Annotated[int, Key(N_("Accounts that pay now and could take part at once."))]
    per_week: Annotated[float, Key(N_("New accounts a week, over the last 13 weeks."))]
    days: Annotated[int, Key(N_("Days until an account's outcome is known."))]
    weeks: Annotated[
        float | None, Key(N_("Weeks until every outcome is known; empty where no account comes."))
    ]
    why: Annotated[str | None, Key(N_("Why weeks are empty."), is_omitted=True)] = None
    smallest_fall: Annotated[
        float | None,
        Key(N_("The nearest lower share that the accounts of now could tell from the base.")),
    ]
    smallest_rise: Annotated[float | None, Key(N_("The nearest higher one."))]
    rows: Annotated[
        tuple[Look, ...], Table(N_("Planned looks"), N_("O'Brien–Fleming bounds, by Lan–DeMets "
                                                       "spending."))
    ]

    def title(self) -> Said:
        return Said(N_("Plan for %(outcome)s, as of %(as_of)s"),
                    {"outcome": self.outcome, "as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        unit = Unit.PERCENT if self.outcome != "nps" else Unit.SCORE
        values: dict[str, str | Value | Said] = {
            "base": (self.base, unit), "effect": (self.effect, unit),
            "spread": (self.spread, unit),
            "arm": (self.accounts_per_arm, Unit.COUNT), "all": (self.accounts, Unit.COUNT),
            "looks": (len(self.rows), Unit.COUNT), "available": (self.available, Unit.COUNT),
            "fall": (self.smallest_fall, unit), "rise": (self.smallest_rise, unit),
            "weeks": (self.weeks, Unit.COUNT), "why": self.why or "",
        }
        found = [Said(N_("From %(base)s to %(effect)s takes %(arm)s accounts an arm with one look; "
                         "%(all)s in both arms with %(looks)s looks."), values)]
        if self.spread is not None:
            found.append(Said(N_("Accounts lie %(spread)s apart (standard deviation, over the past "
                                 "that is as long)."), values))
        if self.weeks is None:
            found.append(Said(N_("How long that takes is not known: %(why)s."), values))
        else:
            found.append(Said(N_("Every outcome is known in about %(weeks)s weeks."), values))
        if self.smallest_fall is not None or self.smallest_rise is not None:
            found.append(Said(N_("The %(available)s accounts that pay now can tell %(base)s from "
                                 "%(fall)s or %(rise)s, and nothing nearer."), values))
        return tuple(found)



@insight("effects plan", comes_from="/effects#experiments")
def plan(
    company: Reader, *,
    outcome: Annotated[
        str, Param(N_("What is compared: retention, churn, usage, upgrade, conversion, nrr, nps, "
                      "or a metric that is a share."), metavar="M")
    ],
    base: Annotated[
        str, Param(N_("The share without what is tried, such as 10% or 0.1."), metavar="X")
    ],
    effect: Annotated[
        str,
        Param(N_("The share that is hoped for, such as 5% or 0.05; with a sign or pt a change, "
                 "such as -5pt."), metavar="Y"),
    ],
    looks: Annotated[int, Param(N_("Looks, equally spaced."), least=1, most=52)] = 4,
    days: Annotated[
        int, Param(N_("Days until an account's outcome is known."), least=1, most=730)
    ] = 30,
    as_of: AsOfText = None,
) -> Plan:
    """How many accounts does it take to see an effect, how long, and which effect is the smallest?

    Two arms of equal size, two-sided at 5%, power 80%, normal approximation without a continuity
    correction. Looks are planned with O'Brien–Fleming bounds.
    """
    if outcome not in OUTCOMES and outcome not in METRICS:
        raise UnknownNameError("outcome", outcome, (*OUTCOMES, *METRICS))
    if outcome in METRICS and METRICS[outcome].unit is not Unit.PERCENT:
        raise UsageError(
            f"{outcome} is no share: this plans shares of accounts.",
            hint=f"Such as: {', '.join(OUTCOMES)}", parameter="outcome",
        )
    seen = company.as_of(as_of)
    is_mean = outcome in MEANS
    start = mean_of(base, "base") if is_mean else share_of(base, "base")
    hoped = hoped_mean(effect, start) if is_mean else hoped_of(effect, start)
    spread = spread_of(company, seen, outcome, days) if is_mean else None
    available, per_week = _pace(company, seen)
    if spread is not None:
        arm = accounts_for_means(spread, hoped - start, alpha=ALPHA, power=POWER)
    else:
        arm = accounts_an_arm(start, hoped, alpha=ALPHA, power=POWER)
    factor = inflation(looks, ALPHA, 1 - POWER)
    # With looks in mind the arms grow together, and stay whole.
    whole = 2 * math.ceil(arm * factor - 1e-9)
    lacking = max(0, whole - available)
    weeks = (lacking / per_week if lacking else 0.0) + days / 7 if per_week or not lacking else None
    information = equal(looks)
    told: dict[str, Any] = {}
    for name in ("fall", "rise"):
        told[f"smallest_{name}"] = None
        if available >= 4 and spread is not None:
            least = smallest_gap(spread, available // 2, alpha=ALPHA, power=POWER)
            told[f"smallest_{name}"] = start + (least if name == "rise" else -least)
        elif available >= 4:
            told[f"smallest_{name}"] = smallest_seen(
                start, available // 2, is_rise=name == "rise", alpha=ALPHA, power=POWER
            )
    return Plan(
        as_of=seen.at.isoformat(), outcome=outcome, base=start, effect=hoped, spread=spread,
        alpha=ALPHA,
        power=POWER, accounts_per_arm=arm, accounts=whole, inflation=factor,
        available=available, per_week=per_week, days=days, weeks=weeks,
        why=NO_PACE.format(weeks=PACE_WEEKS) if weeks is None else None, **told,
        rows=tuple(
            Look(look=place + 1, accounts=math.ceil(whole * share - 1e-9), z=z,
                 p_value=alpha_tail(z))
            for place, (share, z) in enumerate(
                zip(information, bounds(information, ALPHA), strict=True)
            )
        ),
    )


def mean_of(text: str, name: str) -> float:
    """A number from '104%', '1.04' or '41'."""
    plain = text.strip()
    try:
        value = float(plain.removesuffix("%")) / (100 if plain.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"'{text}' is no number.", hint=f"Such as: --{name} 1.04",
                         parameter=name)
    return value


def hoped_mean(text: str, base: float) -> float:
    """The value that is hoped for: itself, or with a sign a change from the base."""
    value = mean_of(text, "effect")
    # An NPS may be below 0: a minus is a value there, unless it says pt.
    found = base + value if text.strip()[:1] == "+" or text.strip().endswith("pt") else value
    if math.isclose(found, base, abs_tol=1e-9):
        raise UsageError(
            "The effect is the base itself: no number of accounts tells them apart.",
            hint="Give the value that is hoped for, such as: --effect 1.06", parameter="effect",
        )
    return found


def spread_of(company: Reader, seen: AsOf, outcome: str, days: int) -> float:
    """The standard deviation between accounts, over the last days that an outcome takes.

    Raises
    ------
    NotAnsweredError
        With fewer than two accounts that have the outcome.
    """
    from staycurve.insights.effects.outcomes import having, values
    from staycurve.insights.effects.taking import past

    found = values(having(past(company, Question(company.config, seen), days), outcome), outcome)
    if len(found) < 2:
        raise NotAnsweredError(
            f"How far accounts lie apart in {outcome} is not known: fewer than two have it in the "
            f"last {days} days.",
            hint="Choose an outcome that is a share, such as: --outcome usage",
        )
    return stdev(found)


def share_of(text: str, name: str) -> float:
    """A share (0-1, its ends excluded) from '10%', '0.1' or '.1'."""
    try:
        value = float(text.strip().removesuffix("%")) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not 0 < value < 1:
        raise UsageError(
            f"'{text}' is no share between 0% and 100%.", hint=f"Such as: --{name} 10%",
            parameter=name,
        )
    return value


def hoped_of(text: str, base: float) -> float:
    """The share that is hoped for: a share itself, or a change in points from the base."""
    plain = text.strip()
    is_change = plain[:1] in "+-" or plain.endswith("pt")
    if is_change:
        number = plain.removesuffix("pt").removesuffix("%")
        try:
            size = float(number) / (100 if number != plain else 1)
        except ValueError:
            raise UsageError(
                f"'{text}' is no change in points.", hint="Such as: --effect -5pt",
                parameter="effect",
            ) from None
        plain = repr(base + size)
    found = share_of(plain, "effect")
    if math.isclose(found, base, abs_tol=1e-9):
        raise UsageError(
            "The effect is the base itself: no number of accounts tells them apart.",
            hint="Give the share that is hoped for, such as: --effect 5%", parameter="effect",
        )
    return found


def _pace(company: Reader, seen: AsOf) -> tuple[int, float]:
    """Accounts that pay now, and new ones a week."""
    question = Question(company.config, seen)
    last = question.last_whole_day
    first = last - dt.timedelta(days=PACE_WEEKS * 7 - 1)
    with company.seeing(seen) as engine:
        available = engine.value(
            f"WITH {paying_sql('payers', last, question)}\nSELECT COUNT(*) FROM payers"
        )
        came = engine.value(
            f"SELECT COUNT(*) FROM ({FIRSTS_SQL}) f "
            f"WHERE first_paid_on >= DATE '{first}' AND first_paid_on <= DATE '{last}'"
        )
    return int(available or 0), int(came or 0) / PACE_WEEKS
