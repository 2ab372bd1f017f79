"""What accounts were worth, by which the best are chosen: every one judged at the same age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from staycurve.i18n import N_
from staycurve.insights.fit.mature import LEAST, Customer, Mature
from staycurve.insights.statistics.lifetimes import life_table
from staycurve.insights.statistics.sbg import fit

BESTS: Mapping[str, str] = {
    "ltv": N_("projected lifetime value"), "nrr": N_("net revenue retention"), "nps": N_("NPS"),
    "tenure": N_("months paid"), "mix": N_("mean rank by all of these"),
}
AHEAD = 24
"""Months after the judged age that a projected value counts."""
BEST_SHARE = 0.25
"""A quarter is best. A smaller share is more exclusive and says less surely what it has."""

TOO_FEW = N_("only {count} accounts are {age} months old with a known value; it takes {least}")
ALL_ALIKE = N_("all accounts have the same value: none is better than the others")


@dataclass(frozen=True)
class Chosen:
    """Mature accounts with a known value, and which are best (or worst, where so asked).

    Attributes
    ----------
    values : tuple of float
        Of each customer: money, a ratio, a score, months or a rank, by `best`.
    cutoff : float, optional
        The least value of the best (the largest of the worst).
    months_ahead : float, optional
        What a projected value counts each unit of MRR with, beyond the judged age.
    """

    customers: tuple[Customer, ...]
    values: tuple[float, ...]
    is_best: tuple[bool, ...]
    cutoff: float | None
    why: str | None = None
    months_ahead: float | None = None


def chosen_of(mature: Mature, best: str, *, is_reversed: bool = False) -> Chosen:
    """Who is best by a value; with `is_reversed` who is worst."""
    ahead = _months_ahead(mature) if best in ("ltv", "mix") else None
    known = [
        (one, value) for one, value in zip(
            mature.customers, _values(mature, best, ahead), strict=True
        ) if value is not None
    ]
    customers = tuple(one for one, _value in known)
    values = tuple(value for _one, value in known)
    if len(known) < LEAST:
        why = TOO_FEW.format(count=len(known), age=mature.age, least=LEAST)
        return Chosen(customers, values, (False,) * len(known), None, why, ahead)
    signed = [-value for value in values] if is_reversed else list(values)
    order = sorted(signed, reverse=True)
    cutoff = order[max(0, round(len(order) * BEST_SHARE) - 1)]
    flags = tuple(value >= cutoff for value in signed)
    # Ties at the border, such as everybody who stayed: those above it alone, if there are any.
    if sum(flags) > len(flags) * (1 + BEST_SHARE) / 2:
        above = tuple(value > cutoff for value in signed)
        flags = above if any(above) else flags
    if all(flags):
        return Chosen(customers, values, (False,) * len(known), None, ALL_ALIKE, ahead)
    least = min(value for value, flag in zip(signed, flags, strict=True) if flag)
    return Chosen(customers, values, flags, -least if is_reversed else least, None, ahead)


def _values(mature: Mature, best: str, ahead: float | None) -> list[float | None]:
    if best == "nps":
        return [one.nps for one in mature.customers]
    if best == "tenure":
        return [float(one.months) for one in mature.customers]
    if best == "nrr":
        return [
            one.mrr_then / one.mrr_first if one.mrr_first else None for one in mature.customers
        ]
    if best == "ltv":
        return [one.paid + one.mrr_then * (ahead or 0.0) for one in mature.customers]
    parts = [_ranks(_values(mature, name, ahead)) for name in ("ltv", "nrr", "tenure", "nps")]
    return [_mean([rank for rank in ranks if rank is not None])
            for ranks in zip(*parts, strict=True)]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _ranks(values: Sequence[float | None]) -> list[float | None]:
    """Each known value's mean rank, from 0 to 1."""
    from scipy.stats import rankdata

    known = [value for value in values if value is not None]
    if not known:
        return [None] * len(values)
    ranks = iter((rankdata(known) - 0.5) / len(known))
    return [None if value is None else float(next(ranks)) for value in values]


def _months_ahead(mature: Mature) -> float:
    """Expected further months, of the next 24, of an account that pays at the judged age.

    By the shifted-beta-geometric model; with too few that left to fit one, all of them.
    """
    table = life_table(mature.lives)
    model = fit([one.at_risk for one in table.months], [one.left for one in table.months])
    if model is None:
        return float(AHEAD)
    survival = model.survival(mature.age + AHEAD)
    return float(survival[mature.age:mature.age + AHEAD].sum() / survival[mature.age])
