"""An association between doing something and staying, beside what else differs: never a cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    WhyField,
    col,
)
from staycurve.insights.statistics.proportions import (
    ALPHA,
    LEVEL,
    Share,
    adjusted,
    difference,
    different_by_chance,
    share,
)

MIN_COMPARED = 30
"""Fewer accounts on one side are shown and not tested: their shares move by luck."""

TOO_FEW = N_("fewer than {count} accounts on one side: not tested")
NOBODY = N_("no accounts to compare")

VERDICTS = {
    "not tested": N_("Not tested"),
    "no difference": N_("No statistically significant difference"),
    "holds": N_(
        "Statistically significant, among comparable accounts too; an association, no cause"
    ),
    "confounded": N_(
        "Differs, but not significantly among comparable accounts: what else differs may explain it"
    ),
    "not separable": N_("Differs, but hardly any accounts are comparable"),
}

METHOD = N_(
    "Difference of shares with Newcombe's 95% interval; statistically significant: Fisher's exact "
    "test at 1%, Holm-corrected for all that is tested. What else differs: chi-squared, "
    "Holm-corrected. Among comparable accounts: Mantel-Haenszel difference with Sato's 95% "
    "interval, stratified by all confounders. An association, not a cause."
)

Levels = tuple[str, ...]


@dataclass(frozen=True)
class Stratum:
    """Accounts alike in everything that may confound.

    Attributes
    ----------
    levels : tuple of str
        One level of each confounder, in their order.
    """

    levels: Levels
    users: int
    users_kept: int
    others: int
    others_kept: int


@dataclass(frozen=True)
class Confounder(Row):
    """Something else in which the two sides may differ."""

    name: Annotated[str, Key(N_("What it is called in `by`."))]
    label: Annotated[str, col(N_("What else differs"))]
    p_value: Annotated[
        float | None,
        Key(N_("Of the same distribution on both sides, raised by Holm; empty where not tested.")),
    ]
    differs: Annotated[bool, Key(N_("Whether the sides differ in it."))]


@dataclass(frozen=True)
class Within(Row):
    """The difference among comparable accounts: Mantel-Haenszel over strata."""

    by: Annotated[tuple[str, ...], Key(N_("The confounders that form the strata."))]
    difference: Annotated[
        float | None,
        col(N_("Difference"), Kind.POINTS, N_("Empty where no stratum has both sides."),
            ends=("difference_low", "difference_high")),
    ]
    difference_low: LowField
    difference_high: HighField
    accounts: Annotated[
        int, Key(N_("How many lie in strata with both sides; the rest is compared with nobody."))
    ]


@dataclass(frozen=True, kw_only=True)
class Association(Row):
    """How many stayed among those who did something, and among the others."""

    users: Annotated[Share, Key(N_("Of those who did it."))]
    others: Annotated[Share, Key(N_("Of those who did not."))]
    difference: Annotated[
        float | None,
        col(N_("Difference"), Kind.POINTS, N_("Users less others."),
            ends=("difference_low", "difference_high")),
    ]
    difference_low: LowField
    difference_high: HighField
    p_value: Annotated[
        float | None,
        Key(N_("Fisher's exact test, raised by Holm for all associations of the answer.")),
    ]
    confounders: Annotated[tuple[Confounder, ...], Key(N_("What else may differ."))] = ()
    among_comparable: Annotated[
        Within | None, Key(N_("Over strata of all that differs; empty where nothing does."))
    ] = None
    verdict: Annotated[str, Key(N_("What can be said, as a name."))] = "not tested"
    verdict_label: Annotated[str, col(N_("What can be said"))] = VERDICTS["not tested"]
    why: WhyField = None

    @property
    def differing(self) -> tuple[str, ...]:
        """The names of what else differs."""
        return tuple(one.name for one in self.confounders if one.differs)

    def judged(self, verdict: str) -> Association:
        """The same with a key of VERDICTS."""
        return replace(self, verdict=verdict, verdict_label=VERDICTS[verdict])


def associations(
    given: Mapping[str, Sequence[Stratum]], confounders: Mapping[str, str]
) -> dict[str, Association]:
    """The association of each thing that may be done with staying.

    Parameters
    ----------
    given : mapping
        What was done → its strata.
    confounders : mapping
        Name → label, in the order of `Stratum.levels`.
    """
    crude = {name: _crude(strata) for name, strata in given.items()}
    tested = [name for name, one in crude.items() if one.p_value is not None]
    raised = dict(zip(tested, adjusted([crude[n].p_value or 0.0 for n in tested]), strict=True))
    chances = {
        (name, place): _differs_by_chance(given[name], place)
        for name in tested
        for place in range(len(confounders))
    }
    apart = dict(zip(chances, adjusted(list(chances.values())), strict=True))
    found = {}
    for name, one in crude.items():
        named = tuple(
            Confounder(
                key, label, apart.get((name, place)),
                apart.get((name, place), 1.0) <= ALPHA,
            )
            for place, (key, label) in enumerate(confounders.items())
        )
        found[name] = _judged(one, given[name], named, raised.get(name))
    return found


def _crude(strata: Sequence[Stratum]) -> Association:
    users = share(sum(s.users_kept for s in strata), sum(s.users for s in strata))
    others = share(sum(s.others_kept for s in strata), sum(s.others for s in strata))
    why = None
    if not users.size and not others.size:
        why = NOBODY
    elif min(users.size, others.size) < MIN_COMPARED:
        why = TOO_FEW.format(count=MIN_COMPARED)
    chance = None if why else different_by_chance(users, others)
    gap, low, high = difference(users, others) or (None, None, None)
    return Association(
        users=users, others=others, difference=gap, difference_low=low, difference_high=high,
        p_value=chance, why=why,
    )


def _judged(
    one: Association, strata: Sequence[Stratum], confounders: tuple[Confounder, ...],
    p_value: float | None,
) -> Association:
    places = [place for place, c in enumerate(confounders) if c.differs]
    within = _within(strata, places, confounders) if places else None
    verdict = "not tested"
    if p_value is not None:
        verdict = "no difference" if p_value > ALPHA else "holds"
        if verdict == "holds" and within is not None:
            low, high = within.difference_low, within.difference_high
            if low is None or high is None:
                verdict = "not separable"
            elif low <= 0 <= high or (within.difference or 0) * (one.difference or 0) < 0:
                verdict = "confounded"
    found = replace(
        one, p_value=p_value, confounders=confounders, among_comparable=within
    )
    return found.judged(verdict)


def _within(
    strata: Sequence[Stratum], places: Sequence[int], confounders: Sequence[Confounder]
) -> Within:
    summed: dict[Levels, list[int]] = {}
    for s in strata:
        cell = summed.setdefault(tuple(s.levels[place] for place in places), [0, 0, 0, 0])
        for place, n in enumerate((s.users, s.users_kept, s.others, s.others_kept)):
            cell[place] += n
    cells = [cell for cell in summed.values() if cell[0] and cell[2]]
    by = tuple(confounders[place].name for place in places)
    found = mantel_haenszel([tuple(cell) for cell in cells])
    value, low, high = found or (None, None, None)
    return Within(by, value, low, high, sum(cell[0] + cell[2] for cell in cells))


def mantel_haenszel(
    cells: Sequence[tuple[int, ...]],
) -> tuple[float, float, float] | None:
    """The common difference of two shares over strata, and its 95% interval.

    Parameters
    ----------
    cells : sequence of (users, users_kept, others, others_kept)
        Strata with accounts on both sides.

    Returns
    -------
    tuple of float, optional
        None without strata.

    References
    ----------
    Sato (1989), Biometrics 45:1323-1324, for the variance, which holds for few large and for many
    small strata; as SAS documents it for PROC FREQ, "Common Risk Difference".
    """
    from scipy.stats import norm

    weight = pooled = p = q = 0.0
    for n1, a, n0, b in cells:
        n = n1 + n0
        weight += n1 * n0 / n
        pooled += (a * n0 - b * n1) / n
        p += (n1 * n1 * b - n0 * n0 * a + n1 * n0 * (n0 - n1) / 2) / (n * n)
        q += (a * (n0 - b) + b * (n1 - a)) / (2 * n)
    if not weight:
        return None
    value = pooled / weight
    half = float(norm.ppf((1 + LEVEL) / 2)) * max(value * p + q, 0.0) ** 0.5 / weight
    return value, max(-1.0, value - half), min(1.0, value + half)


def _differs_by_chance(strata: Sequence[Stratum], place: int) -> float:
    """Chance of distributions as far apart if both sides have the same: chi-squared."""
    from scipy.stats import chi2_contingency

    levels: dict[str, list[int]] = {}
    for s in strata:
        cell = levels.setdefault(s.levels[place], [0, 0])
        cell[0] += s.users
        cell[1] += s.others
    table = [cell for cell in levels.values() if sum(cell)]
    if len(table) < 2:
        return 1.0
    return float(chi2_contingency([list(row) for row in zip(*table, strict=True)]).pvalue)
