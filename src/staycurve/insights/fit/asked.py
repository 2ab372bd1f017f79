"""What is asked of a profile: by which value, at which age, and its two halves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.base import Param
from staycurve.insights.fit.contrast import Contrast, Side, contrasted
from staycurve.insights.fit.mature import Mature, mature_of
from staycurve.insights.fit.rules import Found, searched
from staycurve.insights.fit.worth import BESTS, Chosen, chosen_of
from staycurve.insights.shared.halves import is_held_out
from staycurve.insights.shared.reader import Reader
from staycurve.period import AsOf

SALT = "profile"
"""Of the hash that splits accounts: changing it draws other halves."""

BestName = Annotated[
    str, Param(N_("The value by which the best are chosen."), choices=tuple(BESTS))
]
AgeMonths = Annotated[
    int | None,
    Param(N_("Months after the first payment at which each account is judged. Default: 13, a "
             "month past a yearly renewal, or 7 or 4 where fewer than 80 accounts are so old."),
          least=1, most=60, metavar="MONTHS"),
]


@dataclass(frozen=True)
class Studied:
    """Mature accounts, the best of them, and what sets them apart.

    Attributes
    ----------
    held_out : tuple of bool
        Of each of `chosen.customers`: whether it is in the half that was not looked at.
    traits : mapping
        Trait → its value for each of them; None where it is not known.
    """

    mature: Mature
    chosen: Chosen
    held_out: tuple[bool, ...]
    traits: Mapping[str, Sequence[str | None]]
    contrasts: tuple[Contrast, ...]
    rules: tuple[Found, ...]

    def half(self, *, is_held_out: bool) -> list[int]:
        """Places of the accounts of one half."""
        return [place for place, one in enumerate(self.held_out) if one is is_held_out]

    def side(self, matches: Sequence[bool], *, is_held_out: bool | None = None) -> Side:
        """How often the best and the rest match, in one half or in both."""
        counts = [[0, 0], [0, 0]]
        for own, best, held in zip(matches, self.chosen.is_best, self.held_out, strict=True):
            if is_held_out is None or held is is_held_out:
                counts[not best][0] += bool(own)
                counts[not best][1] += 1
        return Side(counts[0][0], counts[0][1], counts[1][0], counts[1][1])


def studied(
    company: Reader, seen: AsOf, best: str, age: int | None, *, is_reversed: bool = False
) -> Studied:
    """What sets the best apart, found once for a snapshot."""
    return company.kept(
        "profile", (seen.at, best, age, is_reversed),
        lambda: studied_of(mature_of(company, seen, age), best, is_reversed=is_reversed), most=6,
    )


def studied_of(mature: Mature, best: str, *, is_reversed: bool = False) -> Studied:
    """The same of accounts that were read."""
    chosen = chosen_of(mature, best, is_reversed=is_reversed)
    held_out = tuple(is_held_out(SALT, one.account_id) for one in chosen.customers)
    traits = mature.traits(chosen.customers)
    if chosen.why:
        return Studied(mature, chosen, held_out, traits, (), ())
    seen_half = [place for place, held in enumerate(held_out) if not held]
    rules = searched(
        {name: [values[place] for place in seen_half] for name, values in traits.items()},
        [chosen.is_best[place] for place in seen_half],
    )
    contrasts = contrasted(traits, chosen.is_best, held_out)
    return Studied(mature, chosen, held_out, traits, tuple(contrasts), tuple(rules))


def rule_text(conditions: Sequence[tuple[str, str]]) -> str:
    """A rule as it is shown and asked for: 'industry=Software & plan=Team'."""
    return " & ".join(f"{trait}={value}" for trait, value in conditions)


def matching(studied: Studied, conditions: Sequence[tuple[str, str]]) -> list[bool]:
    """Which accounts match every condition; one of which a trait is not known does not."""
    return [
        all(studied.traits[trait][place] == value for trait, value in conditions)
        for place in range(len(studied.chosen.customers))
    ]


