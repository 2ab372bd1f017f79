"""Benchmarks of a company: ours or its own, at the grain and in the context that is asked about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from staycurve.config import Config
from staycurve.errors import StaycurveError
from staycurve.i18n import N_
from staycurve.metrics.benchmark import LEVELS, Benchmark
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.context import Filter
from staycurve.metrics.filters import parse_filters
from staycurve.metrics.own_benchmarks import BENCHMARKS

__all__ = ["BENCHMARKS", "LEVELS", "Context", "Fitting", "context_of", "fitting", "of_metric"]

MONTHS = {"month": 1, "quarter": 3, "year": 12}
LOST = ("customer_churn_rate", "gross_revenue_churn")
KEPT = ("customer_retention_rate", "grr")
"""Rates whose benchmarks are carried from one length of period to another: what is kept compounds.
Net rates are not, because what existing accounts add does not."""

TOO_YOUNG = N_("it speaks of companies of at least %d years")
TOO_OLD = N_("it speaks of companies younger than %d years")
AGE_UNKNOWN = N_("staycurve.toml does not say when the company was founded")
OTHER_GRAIN = N_("it was stated by %s, and cannot be carried to this length of period")
OTHER_SEGMENT = N_("it speaks of %s alone")


@dataclass(frozen=True)
class Context:
    """What benchmarks are chosen by.

    Attributes
    ----------
    age : int, optional
        Whole years of the company; None where `founded` does not say.
    at_least : int
        Whole years since it first was paid: it is no younger.
    filters : tuple of Filter
        The segment that is looked at.
    """

    age: int | None = None
    at_least: int = 0
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True)
class Fitting:
    """A benchmark in a context.

    Attributes
    ----------
    at_least, at_most : float, optional
        Its bounds for periods of `grain`.
    is_translated : bool
        Whether they were carried from another length of period.
    is_own : bool
        Whether it is the company's own.
    is_wider : bool
        Whether it speaks of all accounts where a segment is looked at.
    why_not : str
        Why it does not apply; empty where it does.
    """

    benchmark: Benchmark
    grain: str
    at_least: float | None
    at_most: float | None
    is_translated: bool = False
    is_own: bool = False
    is_wider: bool = False
    why_not: str = ""

    @property
    def per(self) -> str:
        """The length of period that its bounds are for; empty where they hold at any."""
        return self.grain if self.benchmark.grain else ""

    def as_dict(self) -> dict[str, object]:
        """As JSON."""
        one = self.benchmark
        return {
            "at_least": self.at_least, "at_most": self.at_most, "grain": self.grain,
            "is_translated": self.is_translated, "level": one.level, "source": one.source,
            "year": one.year, "companies": one.companies, "is_second_hand": one.is_second_hand,
            "is_own": self.is_own, "stated": {
                "at_least": one.at_least, "at_most": one.at_most, "grain": one.grain or None,
                "younger_than": one.younger_than, "older_than": one.older_than,
                "where": one.where or None,
            },
            "note": one.note, "applies": not self.why_not, "why_not": self.why_not or None,
        }


def of_metric(name: str, config: Config) -> tuple[tuple[Benchmark, ...], bool]:
    """The benchmarks of a metric, and whether they are the company's own: those replace ours."""
    own = config[BENCHMARKS].get(name)
    return (own, True) if own else (METRICS[name].benchmarks, False)


def context_of(
    config: Config, *, on: dt.date, first_paid: dt.date | None, filters: Sequence[Filter] = ()
) -> Context:
    """The context of a company on a day.

    Parameters
    ----------
    first_paid : date, optional
        The first day with revenue.
    """
    founded = config.company.founded
    lived = 0
    if first_paid is not None:
        has_been = (on.month, on.day) >= (first_paid.month, first_paid.day)
        lived = max(0, on.year - first_paid.year - (not has_been))
    return Context(max(0, on.year - founded) if founded else None, lived, tuple(filters))


def fitting(name: str, config: Config, *, grain: str, context: Context) -> tuple[Fitting, ...]:
    """Every benchmark of a metric at a grain, those that apply first, the most specific of them.

    The first is the one to draw; one that does not apply says why.
    """
    stated, is_own = of_metric(name, config)
    found = [_fitted(one, name, grain, context, is_own=is_own) for one in stated]
    return tuple(sorted(found, key=_order))


def _order(one: Fitting) -> tuple[bool, bool, bool]:
    stated = one.benchmark
    has_age = stated.younger_than is not None or stated.older_than is not None
    return bool(one.why_not), not stated.where, not has_age


def _fitted(
    one: Benchmark, name: str, grain: str, context: Context, *, is_own: bool
) -> Fitting:
    why = _why_not(one, context)
    low, high, is_translated = one.at_least, one.at_most, False
    if one.grain and one.grain != grain:
        carry = _carrier(name, one.grain, grain)
        if carry is None:
            why = why or OTHER_GRAIN % one.grain
        else:
            low, high = (None if bound is None else carry(bound) for bound in (low, high))
            is_translated = True
    shown = one.grain if why and not is_translated and one.grain else grain
    is_wider = bool(context.filters) and not one.where
    return Fitting(one, shown, low, high, is_translated, is_own, is_wider, why)


def _carrier(name: str, stated: str, asked: str) -> Callable[[float], float] | None:
    """What carries a bound from one length of period to another; None where nothing does."""
    if stated not in MONTHS or asked not in MONTHS or name not in (*LOST, *KEPT):
        return None
    power = MONTHS[asked] / MONTHS[stated]
    if name in KEPT:
        return lambda kept: float(kept**power)
    # 1 − (1 − m)^12 is a year's churn: 5% a year are 0.43% a month, not a twelfth of it.
    return lambda lost: 1 - float((1 - lost) ** power)


def _why_not(one: Benchmark, context: Context) -> str:
    if one.where and not _is_segment(one.where, context.filters):
        return OTHER_SEGMENT % one.where
    known = context.age
    if one.younger_than is not None:
        if (context.at_least if known is None else known) >= one.younger_than:
            return TOO_OLD % one.younger_than
        if known is None:
            return AGE_UNKNOWN
    # A company that has been paid for ten years is at least that old.
    if one.older_than is not None and max(known or 0, context.at_least) < one.older_than:
        return AGE_UNKNOWN if known is None else TOO_YOUNG % one.older_than
    return ""


def _is_segment(where: str, filters: Sequence[Filter]) -> bool:
    try:
        return set(parse_filters(where)) == set(filters)
    except StaycurveError:
        return False


def judged(
    value: float, one: Fitting, *, better: str, interval: tuple[float, float] | None = None
) -> tuple[str, str]:
    """Where a value stands to a benchmark, and its tone: 'good', 'bad' or 'neutral'.

    Parameters
    ----------
    interval : tuple of float, optional
        Of the value. Without one, or where it reaches over the bound, chance may explain the
        difference: the tone is neutral.

    Returns
    -------
    tuple of str
        'below', 'within' or 'above', and the tone.
    """
    low, high = one.at_least, one.at_most
    place = "within"
    if low is not None and value < low:
        place = "below"
    elif high is not None and value > high:
        place = "above"
    if place == "within" or better not in ("higher", "lower") or interval is None:
        return place, "neutral"
    bound = low if place == "below" else high
    assert bound is not None
    is_sure = interval[1] < bound if place == "below" else interval[0] > bound
    if not is_sure:
        return place, "neutral"
    return place, "good" if (place == "above") == (better == "higher") else "bad"


def applying(every: Sequence[Fitting]) -> Mapping[str, Fitting]:
    """Level → the first benchmark of it that applies."""
    found: dict[str, Fitting] = {}
    for one in every:
        if not one.why_not:
            found.setdefault(one.benchmark.level, one)
    return found


def drawn(every: Sequence[Fitting]) -> Fitting | None:
    """The benchmark that a chart draws: the first that applies, leaders left out."""
    return next(
        (one for one in every if not one.why_not and one.benchmark.level != "leading"), None
    )
