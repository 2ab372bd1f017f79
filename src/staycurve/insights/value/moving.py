"""How the parts of metrics moved between two periods, and what each brought: exact fractions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from staycurve.errors import NotAnsweredError
from staycurve.insights.statistics.shapley import MOST, contributions
from staycurve.insights.value.explaining import NO_MIX, SEGMENT_MOVES, Asking
from staycurve.insights.value.parts import Part
from staycurve.metrics import base
from staycurve.metrics.base import Values
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import STILL_OPEN
from staycurve.period import Period, check_count, periods_between

Ends = tuple[Fraction | None, Fraction | None]
"""Before and after."""


@dataclass(frozen=True)
class Moved:
    """A part in both periods.

    Attributes
    ----------
    brought : Fraction, optional
        What it added to the change of what it is a part of; None for the first, and where that
        cannot be told.
    why : str, optional
        Why a value, or what it brought, is empty.
    parts : tuple of Moved
        Their `brought` sum to its own change exactly, where they are known.
    """

    part: Part
    ends: Ends
    brought: Fraction | None = None
    why: str | None = None
    parts: tuple[Moved, ...] = ()

    @property
    def change(self) -> Fraction | None:
        """After less before."""
        before, after = self.ends
        return None if before is None or after is None else after - before


@dataclass(frozen=True)
class Readings:
    """The sums of rows that metrics are made of, in every period that is needed.

    Attributes
    ----------
    values : mapping
        First day of a period → sum of rows → its integer.
    unknown : frozenset of str
        Sums of which nothing at all is loaded.
    """

    values: Mapping[dt.date, Values]
    unknown: frozenset[str]
    sql: str


def read(asked: Asking, parts: Iterable[Part]) -> Readings:
    """What these parts need: the formulas in both periods, movements in those between as well.

    Raises
    ------
    NotAnsweredError
        For a metric that is not known at the grain or in the cut.
    """
    every = [one for part in parts for one in part.every()]
    bridged = {
        name for one in every if one.bridge
        for name in (one.name, *(moved for moved, _sign in one.bridge.movements))
    }
    metrics = dict.fromkeys(name for one in every for name in one.reads)
    ends = [asked.first] if asked.first == asked.last else [asked.first, asked.last]
    is_next = asked.first.end == asked.last.start
    reads: list[tuple[Sequence[str], Sequence[Period]]] = []
    around = _around(asked) if bridged else ()
    if bridged and is_next:
        # One more period costs less than one more statement.
        reads = [(list(metrics), around)]
    else:
        reads = [(list(metrics), ends)] if is_next else [(list(metrics), [one]) for one in ends]
        if bridged:
            reads.append((sorted(bridged), around))
    values: dict[dt.date, dict[str, int | Fraction | None]] = {}
    unknown: set[str] = set()
    sql = ""
    for names, periods in reads:
        found = asked.read(*names, periods=periods)
        for period in periods:
            values.setdefault(period.start, {}).update(found.at((), period.start))
        unknown |= set(found.plan.unknown)
        sql = sql or found.plan.sql
    return Readings(values, frozenset(unknown), sql)


def _around(asked: Asking) -> Sequence[Period]:
    """From the period before the first to the last: what stood before the first is needed too."""
    fiscal = asked.company.config.company.fiscal_year_start
    week = asked.company.config.company.week_start
    first = asked.first.previous(fiscal)
    found = list(periods_between(
        first.start, asked.last.start, asked.first.grain, fiscal, week_start=week
    ))
    check_count(len(found), asked.first.grain)
    return found


def moved(asked: Asking, part: Part, known: Readings) -> Moved:
    """A metric and all its parts in both periods.

    Raises
    ------
    NotAnsweredError
        If something is made of more parts than are told apart.
    """
    found = tuple(_worth(asked, part, period, known) for period in (asked.first, asked.last))
    (before, no_before), (after, no_after) = found
    made = Moved(part, (before, after), why=no_before or no_after)
    if part.bridge is not None:
        return replace(made, parts=_bridged(asked, made, known))
    if not part.parts:
        return made
    own = tuple(moved(asked, one, known) for one in part.parts)
    return replace(made, parts=_shared(made, own))


def _worth(
    asked: Asking, part: Part, period: Period, known: Readings
) -> tuple[Fraction | None, str | None]:
    """The value of a part in a period, or why it is empty."""
    if asked.as_of.is_open(period):
        return None, STILL_OPEN
    values = known.values[period.start]
    found = base.evaluate(part.formula, values)
    return found, None if found is not None else base.why_empty(
        part.formula, values, unknown=known.unknown
    )


def _shared(made: Moved, own: tuple[Moved, ...]) -> tuple[Moved, ...]:
    """The parts with what each brought, by its Shapley value over the formula."""
    if made.change is None:
        return own
    if len(own) > MOST:
        raise NotAnsweredError(
            f"{made.part.label} is made of {len(own)} parts; up to {MOST} are told apart.",
            hint="Ask for one of its parts.",
        )

    def value(mix: int) -> Fraction | None:
        return made.part.join([one.ends[mix >> place & 1] for place, one in enumerate(own)])

    found = contributions(value, len(own))
    if found is None:
        return tuple(replace(one, why=one.why or NO_MIX) for one in own)
    return tuple(replace(one, brought=part) for one, part in zip(own, found, strict=True))


def _bridged(asked: Asking, made: Moved, known: Readings) -> tuple[Moved, ...]:
    """The movements between the two closes; what they do not explain comes last."""
    bridge = made.part.bridge
    assert bridge is not None
    periods = [one for one in _around(asked) if one.start > asked.first.start]
    fiscal = asked.company.config.company.fiscal_year_start
    found: list[Moved] = []
    rest = made.change
    left = [_rest(made, period, fiscal, known) for period in (asked.first, asked.last)]
    *movements, last = made.part.parts
    for part, (name, sign) in zip(movements, bridge.movements, strict=True):
        one = moved(asked, part, known)
        brought = None
        if rest is not None:
            brought = sign * bridge.factor * sum(
                (_sum(name, period, known) for period in periods), Fraction(0)
            )
            rest -= brought
        if name in SEGMENT_MOVES and not brought and not any(one.ends):
            # In no segment nothing enters or leaves one.
            continue
        found.append(replace(one, brought=brought))
    ends = (left[0], left[1]) if made.change is not None else (None, None)
    why = made.why if rest is None else None
    return (*found, Moved(last, ends, brought=rest, why=why))


def _sum(metric: str, period: Period, known: Readings) -> Fraction:
    return base.evaluate(METRICS[metric].formula, known.values[period.start]) or Fraction(0)


def _rest(made: Moved, period: Period, fiscal: int, known: Readings) -> Fraction | None:
    """What the movements of one period do not explain."""
    assert made.part.bridge is not None
    values = known.values
    stocks = [
        base.evaluate(made.part.formula, values[one.start])
        for one in (period.previous(fiscal), period)
        if one.start in values
    ]
    if len(stocks) < 2 or stocks[0] is None or stocks[1] is None:
        return None
    return stocks[1] - stocks[0] - sum(
        (sign * made.part.bridge.factor * _sum(name, period, known)
         for name, sign in made.part.bridge.movements), Fraction(0)
    )

