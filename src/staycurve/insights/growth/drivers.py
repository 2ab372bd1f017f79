"""Drivers: which signs and traits went with upgrades in this company, and which say nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AlphaField,
    Answer,
    AsOfField,
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    Said,
    SignificantField,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.fit.contrast import MIN_ACCOUNTS
from staycurve.insights.growth.scoring import HORIZON, Horizon, kept_traits
from staycurve.insights.growth.settings import GROWTH, Growth
from staycurve.insights.growth.sign import SIGNS
from staycurve.insights.growth.upgrades import expansions_sql
from staycurve.insights.risk.asked import NO_HISTORY
from staycurve.insights.risk.frames import Frame, joined, moment_of
from staycurve.insights.risk.learned import learned, sampled
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.clustered import Lift, clustered_lift
from staycurve.insights.statistics.proportions import ALPHA, adjusted
from staycurve.metrics.base import Unit

if TYPE_CHECKING:
    import numpy as np

NEVER_KNOWN = N_("nothing that it rests on is loaded")
NEVER = N_("it never stood")
TOO_FEW = N_("fewer than {count} accounts with it, or without it, or fewer than {expected} "
             "upgrades to be expected there")
SAYS_NOTHING = N_("upgrades are not significantly more or less frequent with it")
EXPECTED = 10
"""Upgrades that the smaller side must be expected to have where nothing differs. With ten the test
keeps its level; with three it names seven times as often as it says (simulated, none being there).
"""
PLANS = 8

KINDS = {"sign": N_("Sign"), "trait": N_("Trait")}


@dataclass(frozen=True, kw_only=True)
class Driver(Row):
    """One sign or trait, and how often an upgrade followed."""

    kind: Annotated[str, col(N_("Kind"), Kind.NAME, named_by=KINDS)]
    driver: Annotated[str, Key(N_("Its name."))]
    label: Annotated[str, col(N_("Sign or trait"), Kind.NAME)]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, N_("With it, on any of the days."))]
    upgraded: Annotated[
        float | None,
        col(N_("Upgraded"), Unit.PERCENT, N_("Of accounts and days with it, within the horizon.")),
    ]
    others: Annotated[
        float | None, col(N_("Others"), Unit.PERCENT, N_("Of accounts and days without it."))
    ]
    lift: Annotated[
        float | None, col(N_("Lift"), Unit.RATIO, N_("Upgraded with it / without it"),
                          ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    p_value: Annotated[
        float | None,
        col(N_("p"), Kind.CHANCE, N_("Score test by accounts, with the Holm correction.")),
    ]
    is_significant: SignificantField
    why: Annotated[str | None, col(N_("Note"))] = None


@dataclass(frozen=True, kw_only=True)
class Drivers(Answer):
    """Signs and traits, the significant ones first."""

    as_of: AsOfField
    horizon: Annotated[int, Key(N_("Days after each day in which an upgrade counts."))]
    first_day: Annotated[dt.date | None, Key(N_("The first day of history that is used."))]
    last_day: Annotated[dt.date | None, Key(N_("The last one: its horizon has passed."))]
    tested: Annotated[int, Key(N_("How many were tested: the correction covers them all."))]
    alpha: AlphaField
    rows: Annotated[tuple[Driver, ...], Table(N_("What goes with upgrades"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("What goes with upgrades, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        found = [row for row in self.rows if row.is_significant]
        if not self.tested:
            return (Said(N_("Too few accounts were upgraded to test any sign or trait.")),)
        if not found:
            return (Said(
                N_("None of %(tested)s signs and traits that were tested goes with upgrades here."),
                {"tested": (self.tested, Unit.COUNT)},
            ),)
        return tuple(
            Said(N_("%(driver)s: %(own)s upgraded within %(days)s days, %(others)s of the "
                    "others."), {
                "driver": Said(row.label), "own": (row.upgraded, Unit.PERCENT),
                "days": (self.horizon, Unit.COUNT), "others": (row.others, Unit.PERCENT),
            })
            for row in found
        )


@insight("growth drivers", comes_from="/growth#drivers")
def drivers(
    company: Reader, *, horizon: Horizon = HORIZON, as_of: AsOfText = None
) -> Drivers:
    """Which signs and traits went with upgrades in this company, and which say nothing?

    Looked at are the paying accounts at the ends of the last 24 months whose horizon has passed.
    Lift is the share upgraded within the horizon with the sign or trait / without it. Interval and
    test take whole accounts as what varies, since an account's months are no independent rows;
    Holm's correction covers all that were tested. None of them need be why an account grows.
    """
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        moment = moment_of(engine, seen, horizon)
        traits = kept_traits(company, engine, moment)
        past = joined([
            traits.beside(sampled(part.where(~part.is_requested)))
            for part in learned(company, engine, moment, horizon, expansions_sql)
        ])
    has_past = past is not None and len(past) > 0
    rows = driven(past, company.config[GROWTH]) if past is not None and has_past else ()
    return Drivers(
        as_of=seen.at.isoformat(), horizon=horizon, alpha=ALPHA,
        first_day=moment.past[0] if has_past else None,
        last_day=moment.past[-1] if has_past else None,
        tested=sum(row.p_value is not None for row in rows), rows=rows,
        why=None if has_past else NO_HISTORY,
    )


def driven(past: Frame, growth: Growth) -> tuple[Driver, ...]:
    """Every sign and trait over a frame of past days, whose `left_on` says who was upgraded."""
    import numpy as np

    _names, accounts = np.unique(past.account_ids.astype(str), return_inverse=True)
    upgraded = past.has_left
    found = [
        (kind, name, label, clustered_lift(upgraded[known], stands[known], accounts[known]),
         bool(known.any()))
        for kind, name, label, known, stands in _candidates(past, growth)
    ]
    tested = {
        name: lift.p_value for _kind, name, _label, lift, _known in found
        if lift.p_value is not None and min(lift.exposed, lift.others) >= MIN_ACCOUNTS
        and lift.expected >= EXPECTED
    }
    raised = dict(zip(tested, adjusted(list(tested.values())), strict=True))
    rows = [
        _driver(kind, name, label, lift, raised.get(name), is_known=is_known)
        for kind, name, label, lift, is_known in found
    ]
    return tuple(sorted(rows, key=lambda row: (
        not row.is_significant, 2.0 if row.p_value is None else row.p_value,
        -(row.lift or 0.0), row.driver,
    )))


def _candidates(
    past: Frame, growth: Growth
) -> Iterator[tuple[str, str, str, np.ndarray, np.ndarray]]:
    """(kind, name, label, whether it is known, whether it stands) of every sign and trait."""
    import numpy as np

    from staycurve.insights.risk.feature_table import features

    for name, sign in SIGNS.items():
        known, stands = sign.on(past, growth)
        yield "sign", name, sign.label, known, stands
    of_features = features()
    for name, values in past.values.items():
        if name not in of_features:
            yield "trait", name, name, ~np.isnan(values), values == 1
    for plan in frequent_plans(past.plans):
        name = f"plan: {plan}"
        is_known = np.array([one is not None for one in past.plans], dtype=bool)
        yield "trait", name, name, is_known, past.plans == plan


def frequent_plans(plans: np.ndarray) -> Sequence[str]:
    """The plans that most rows are on; none where all are on the same."""
    from collections import Counter

    counts: Mapping[str, int] = Counter(str(plan) for plan in plans if plan is not None)
    return sorted(counts, key=lambda one: (-counts[one], one))[:PLANS] if len(counts) > 1 else ()


def _driver(
    kind: str, name: str, label: str, lift: Lift, p_value: float | None, *, is_known: bool
) -> Driver:
    is_significant = p_value is not None and p_value <= ALPHA
    why = None
    if not is_known:
        why = NEVER_KNOWN
    elif not lift.exposed:
        why = NEVER
    elif p_value is None:
        why = TOO_FEW.format(count=MIN_ACCOUNTS, expected=EXPECTED)
    elif not is_significant:
        why = SAYS_NOTHING
    return Driver(
        kind=kind, driver=name, label=label, accounts=lift.exposed, upgraded=lift.share,
        others=lift.rest, lift=lift.value, low=lift.low, high=lift.high, p_value=p_value,
        is_significant=is_significant, why=why,
    )
