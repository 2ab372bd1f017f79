"""Rules: at most three traits together that best accounts have, found by beam search.

A rule is worth its weighted relative accuracy: the share of accounts that it matches × how much
more frequent best accounts are among them than among all (Lavrač, Flach & Zupan 1999). It prefers
neither a tiny group of all-best accounts nor everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST = 3
"""Traits of a rule: more is no sentence that anybody sells by."""
WIDTH = 8
"""Rules that are carried on at each length."""
SHOWN = 5
SAMPLES = 50
"""Bootstrap samples; a stability is told to within 7 points either way."""
LEAST_SHARE, LEAST = 0.02, 10
"""A rule matches at least this share of accounts, and at least so many."""
ALIKE = 0.8
"""From this overlap (intersection over union) two rules say the same."""
SEED = 17

Condition = tuple[str, str]
"""Trait and value."""


@dataclass(frozen=True)
class Found:
    """A rule, its quality and in which share (0-1) of bootstrap samples it was found again."""

    conditions: tuple[Condition, ...]
    quality: float
    stability: float

    def matches(self, traits: Mapping[str, Sequence[str | None]]) -> Any:
        """Which accounts it matches, as an array of bool, shape (n,)."""
        import numpy as np

        parts = [np.array([one == value for one in traits[trait]], dtype=bool)
                 for trait, value in self.conditions]
        return np.logical_and.reduce(parts)


def searched(
    traits: Mapping[str, Sequence[str | None]], is_best: Sequence[bool], *,
    samples: int = SAMPLES,
) -> list[Found]:
    """Up to five rules that do not say the same, the best first.

    Parameters
    ----------
    traits : mapping
        Trait → its value for each account, shape (n,).
    is_best : sequence of bool, shape (n,)
    samples : int
        Bootstrap samples of the same accounts, drawn with a fixed seed.
    """
    import numpy as np

    best = np.array(is_best, dtype=float)
    if not best.any() or best.all():
        return []
    conditions, columns = _conditions(traits, len(best))
    if not conditions:
        return []
    every = np.ones(len(best))
    rules = _beam(columns, best, every, conditions)
    rng = np.random.default_rng(SEED)
    again = [0] * len(rules)
    for _ in range(samples):
        weights = np.bincount(
            rng.integers(len(best), size=len(best)), minlength=len(best)
        ).astype(float)
        others = _beam(columns, best, weights, conditions)
        for place, (chosen, _quality) in enumerate(rules):
            own = _matched(columns, chosen)
            again[place] += any(
                _overlap(own, _matched(columns, other)) >= ALIKE for other, _ in others
            )
    return [
        Found(tuple(conditions[one] for one in chosen), quality, again[place] / max(1, samples))
        for place, (chosen, quality) in enumerate(rules)
    ]


def _conditions(
    traits: Mapping[str, Sequence[str | None]], size: int
) -> tuple[list[Condition], Any]:
    import numpy as np

    conditions: list[Condition] = []
    columns: list[Any] = []
    least = max(LEAST, LEAST_SHARE * size)
    for trait, values in traits.items():
        for value in sorted({one for one in values if one is not None}):
            column = np.array([one == value for one in values], dtype=float)
            if least <= column.sum() < size:
                conditions.append((trait, value))
                columns.append(column)
    return conditions, np.array(columns)


def _matched(columns: Any, chosen: Sequence[int]) -> Any:
    import numpy as np

    return np.multiply.reduce(columns[list(chosen)], axis=0)


def _overlap(one: Any, other: Any) -> float:
    import numpy as np

    whole = float(np.maximum(one, other).sum())
    return float((one * other).sum()) / whole if whole else 0.0


def _beam(
    columns: Any, best: Any, weights: Any, conditions: Sequence[Condition]
) -> list[tuple[tuple[int, ...], float]]:
    """Rules as places of conditions, with their quality; weights say how often each account is in
    the sample."""
    import numpy as np

    whole = float(weights.sum())
    base = float((weights * best).sum()) / whole
    least = max(LEAST, LEAST_SHARE * whole)
    known: dict[tuple[int, ...], float] = {(): 0.0}
    beam: list[tuple[int, ...]] = [()]
    for _length in range(LONGEST):
        grown: dict[tuple[int, ...], float] = {}
        for chosen in beam:
            own = weights * (_matched(columns, chosen) if chosen else 1.0)
            sizes, hits = columns @ own, columns @ (own * best)
            worth = (hits - base * sizes) / whole
            taken = {conditions[place][0] for place in chosen}
            for place in np.flatnonzero((sizes >= least) & (worth > known[chosen])).tolist():
                if conditions[place][0] not in taken:
                    grown[tuple(sorted((*chosen, place)))] = float(worth[place])
        if not grown:
            break
        beam = sorted(grown, key=lambda rule: (-grown[rule], rule))[:WIDTH]
        known.update({rule: grown[rule] for rule in beam})
    found: list[tuple[tuple[int, ...], float]] = []
    for rule in sorted(known, key=lambda rule: (-known[rule], len(rule), rule)):
        if not rule or len(found) == SHOWN:
            continue
        own = _matched(columns, rule)
        if all(_overlap(own, _matched(columns, other)) < ALIKE for other, _ in found):
            found.append((rule, known[rule]))
    return found
