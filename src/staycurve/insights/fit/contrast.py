"""Traits contrasted: which are more frequent among the best accounts than among the rest.

Half of the accounts, chosen by a hash of their ids, is looked at: Fisher's exact test of each value
of each trait, with Holm's correction over all of them. The other half is not looked at until then;
a trait is called significant where its half agrees, so that a lucky half alone names nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.statistics.proportions import adjusted

ALPHA = 0.05
"""Chance that a profile names any trait where there is none, before the other half has its say:
traits without effect agree there by chance in one case of two, so in fact half of it."""

MIN_ACCOUNTS = 10
"""Values with fewer accounts, or with fewer beside them, are shown and not tested: no table of
theirs could be significant after correction, and each test more raises the bar for the others."""

TOO_FEW = N_("fewer than {count} accounts on one side")

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Side:
    """One value of a trait in one half: `with_best` of `best` accounts have it, and so on."""

    with_best: int
    best: int
    with_rest: int
    rest: int

    @property
    def accounts(self) -> int:
        """Accounts that have the value."""
        return self.with_best + self.with_rest

    @property
    def share_best(self) -> float | None:
        """Share (0-1) of the best accounts that have it."""
        return self.with_best / self.best if self.best else None

    @property
    def share_rest(self) -> float | None:
        """Share (0-1) of all others that have it."""
        return self.with_rest / self.rest if self.rest else None

    @property
    def lift(self) -> float | None:
        """How many times as frequent it is among the best as among the rest.

        Where it never is among the rest, half an account is added on both sides, as in the
        interval: a finite number that is too small rather than too large.
        """
        if not (self.best and self.rest and self.accounts):
            return None
        if not self.with_rest:
            return (self.with_best + 0.5) / (self.best + 0.5) / (0.5 / (self.rest + 0.5))
        return (self.with_best / self.best) / (self.with_rest / self.rest)

    def interval(self) -> tuple[float | None, float | None]:
        """The 95% interval of the lift, by its logarithm; half an account is added where one of
        the two counts is 0.

        References
        ----------
        Katz et al. (1978), Biometrics 34:469-474.
        """
        if not self.best or not self.rest or not self.accounts:
            return None, None
        add = 0.0 if self.with_best and self.with_rest else 0.5
        a, n = self.with_best + add, self.best + add
        b, m = self.with_rest + add, self.rest + add
        middle = math.log(a / n) - math.log(b / m)
        spread = Z * math.sqrt(max(0.0, 1 / a - 1 / n + 1 / b - 1 / m))
        return math.exp(middle - spread), math.exp(middle + spread)

    def chance(self) -> float:
        """Fisher's exact test, two-sided: the tables that are no likelier than this one.

        scipy's `fisher_exact` gives the same and takes 30 times as long: a profile asks for a
        hundred tables, and its simulations for ten thousand.
        """
        import numpy as np
        from scipy.special import gammaln

        whole, marked = self.best + self.rest, self.accounts
        own = np.arange(max(0, marked - self.rest), min(marked, self.best) + 1)

        def ways(n: float, k: Any) -> Any:
            return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)

        chances = np.exp(
            ways(self.best, own) + ways(self.rest, marked - own) - ways(whole, marked)
        )
        here = chances[self.with_best - own[0]]
        return min(1.0, float(chances[chances <= here * (1 + 1e-9)].sum()))


@dataclass(frozen=True)
class Contrast:
    """One value of a trait, in the half that was looked at and in the other one."""

    trait: str
    value: str
    seen: Side
    held_out: Side
    p_value: float | None
    is_significant: bool
    why: str | None = None


def agrees(seen: Side, held_out: Side) -> bool:
    """Whether the half that was not looked at points the same way."""
    if not (seen.best and seen.rest and held_out.best and held_out.rest):
        return False
    here = seen.with_best * seen.rest - seen.with_rest * seen.best
    there = held_out.with_best * held_out.rest - held_out.with_rest * held_out.best
    return here * there > 0


def contrasted(
    traits: Mapping[str, Sequence[str | None]], is_best: Sequence[bool],
    is_held_out: Sequence[bool],
) -> list[Contrast]:
    """Every value of every trait, the surest first.

    Parameters
    ----------
    traits : mapping
        Trait → its value for each account, shape (n,). An account of which it is not known takes
        no part in the trait's tests: not known is no value.
    is_best, is_held_out : sequence of bool, shape (n,)
    """
    found: list[tuple[str, str, Side, Side]] = []
    tested: dict[tuple[str, str], float] = {}
    doubles: dict[tuple[str, str], tuple[str, str]] = {}
    for trait, values in traits.items():
        sides = _sides(values, is_best, is_held_out)
        # Of two values the second says what the first does: it is no test more.
        first: tuple[str, str] | None = None
        for value, (seen, held_out) in sides.items():
            found.append((trait, value, seen, held_out))
            others = seen.best + seen.rest - seen.accounts
            if min(seen.accounts, others) < MIN_ACCOUNTS or not seen.best or not seen.rest:
                continue
            if len(sides) == 2 and first is not None:
                doubles[trait, value] = first
                continue
            first = first or (trait, value)
            tested[trait, value] = seen.chance()
    raised = dict(zip(tested, adjusted(list(tested.values())), strict=True))
    rows = []
    for trait, value, seen, held_out in found:
        key = doubles.get((trait, value), (trait, value))
        chance = raised.get(key)
        rows.append(Contrast(
            trait, value, seen, held_out, chance,
            chance is not None and chance <= ALPHA and agrees(seen, held_out),
            None if chance is not None else TOO_FEW.format(count=MIN_ACCOUNTS),
        ))
    return sorted(rows, key=lambda one: (
        not one.is_significant, 2.0 if one.p_value is None else one.p_value,
        -abs(math.log(one.seen.lift)) if one.seen.lift else 0.0, one.trait, one.value,
    ))


def _sides(
    values: Sequence[str | None], is_best: Sequence[bool], is_held_out: Sequence[bool]
) -> dict[str, tuple[Side, Side]]:
    """Each value's counts in the half that is looked at, and in the other."""
    counts: dict[tuple[str, bool, bool], int] = {}
    totals: dict[tuple[bool, bool], int] = {}
    for value, best, held in zip(values, is_best, is_held_out, strict=True):
        if value is None:
            continue
        counts[value, held, best] = counts.get((value, held, best), 0) + 1
        totals[held, best] = totals.get((held, best), 0) + 1
    names = sorted({value for value, _held, _best in counts})

    def side(value: str, held: bool) -> Side:
        return Side(
            counts.get((value, held, True), 0), totals.get((held, True), 0),
            counts.get((value, held, False), 0), totals.get((held, False), 0),
        )

    return {value: (side(value, False), side(value, True)) for value in names}
