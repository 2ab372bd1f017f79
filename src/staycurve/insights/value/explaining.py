"""The parts of a change, as exact fractions: of each driver and of each segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.shapley import MOST, contributions
from staycurve.insights.value.bridges import ADDED, BRIDGES, COUNTED, LOST, RATES, Bridge, Rates
from staycurve.insights.value.effects import Effect, Pair, ratio_effects, sum_effects
from staycurve.insights.value.measured import Measured, Segment, is_sum, measured, planned, ratio_of
from staycurve.metrics import base
from staycurve.metrics.base import Formula, Measure, Unit, Values
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import order_of
from staycurve.metrics.query import STILL_OPEN, Plan, Query
from staycurve.period import AsOf, Period, check_count, periods_between

NO_MIX = N_("the metric has no value while some drivers have changed and others have not")
NOT_SUMS = N_("segments are known for sums and for ratios of sums, which this metric is not")
NO_ROWS = N_("there is nothing to split in either period")
OVERLAP = "(counted in several)"
"""What stands for a segment's value where segments overlap: what they count too much."""


Read = tuple[tuple[str, ...], tuple[Period, ...], tuple[str, ...]]
"""Metrics, periods and dimensions of what was read."""


@dataclass(frozen=True)
class Asking:
    """One metric of a company in two periods, its segments and filters."""

    company: Reader
    as_of: AsOf
    first: Period
    last: Period
    by: tuple[str, ...]
    filters: tuple[Filter, ...]
    metric: str
    _known: dict[Read, Measured] = field(default_factory=dict, repr=False, compare=False)

    def plan(self) -> Plan:
        """The statement of the metric by segment; it raises for what cannot be asked."""
        return planned(self.company, Query(
            (self.metric,), self.first.grain, (self.last,), self.as_of, self.by, self.filters
        ))

    def read(
        self, *metrics: str, periods: Sequence[Period], by: tuple[str, ...] = ()
    ) -> Measured:
        """The measures of metrics in periods, read once."""
        for known, found in self._known.items():
            if known[1:] == (tuple(periods), by) and set(metrics) <= set(known[0]):
                return found
        found = measured(self.company, Query(
            metrics, self.first.grain, tuple(periods), self.as_of, by, self.filters
        ))
        self._known[metrics, tuple(periods), by] = found
        return found

    def ends(self, *metrics: str, by: tuple[str, ...] = ()) -> tuple[Measured, Measured]:
        """The measures of metrics in the first and in the last period."""
        if self.first.end == self.last.start:
            # Neighbours cost hardly more than one of them.
            both = self.read(*metrics, periods=(self.first, self.last), by=by)
            return both, both
        first, last = (
            self.read(*metrics, periods=(period,), by=by) for period in (self.first, self.last)
        )
        return first, last


@dataclass(frozen=True)
class Part:
    """What one driver added.

    Attributes
    ----------
    before, after : Fraction, optional
        The driver itself.
    contribution : Fraction, optional
        None where `why` says so.
    """

    name: str
    label: str
    unit: Unit
    before: Fraction | None
    after: Fraction | None
    contribution: Fraction | None
    why: str | None = None


@dataclass(frozen=True)
class SegmentPart:
    """What one segment added, with its own value before and after."""

    segment: Segment
    before: Fraction | None
    after: Fraction | None
    effect: Effect


def values_of(asked: Asking) -> tuple[tuple[Fraction | None, Fraction | None], str | None, str]:
    """The metric before and after, why one of them is empty, and the statement."""
    found: list[Fraction | None] = []
    why, sql = None, ""
    rates = _rates(asked)
    ends = asked.ends(asked.metric, *([rates.gross] if rates else []))
    for own, period in zip(ends, (asked.first, asked.last), strict=True):
        formula = own.plan.formulas[asked.metric]
        values, sql = own.at((), period.start), own.plan.sql
        # A period that has not closed enters no comparison, whether or not it shows a value.
        is_open = asked.as_of.is_open(period)
        found.append(None if is_open else base.evaluate(formula, values))
        if found[-1] is None and why is None:
            why = STILL_OPEN if is_open else base.why_empty(
                formula, values, unknown=own.plan.unknown
            )
    before, after = found
    return (before, after), why, sql


def drivers(asked: Asking) -> list[Part]:
    """The parts of the metric's drivers, which sum to its change."""
    bridge = BRIDGES.get(asked.metric)
    if bridge is not None:
        return _bridged(asked, bridge)
    rates = _rates(asked)
    if rates:
        return _rated(asked, rates)
    own = asked.ends(asked.metric)
    formula = own[0].plan.formulas[asked.metric]
    before, after = (
        one.at((), period.start)
        for one, period in zip(own, (asked.first, asked.last), strict=True)
    )
    leaves = list({leaf.name: leaf for leaf in formula.measures()}.values())
    if len(leaves) > MOST:
        raise NotAnsweredError(
            f"{asked.metric} is made of {len(leaves)} sums; up to {MOST} are told apart.",
            hint="Ask for a metric that it is made of.", metric=asked.metric,
        )
    parts = contributions(lambda mix: _mixed(formula, leaves, before, after, mix), len(leaves))
    return [
        Part(
            name=_name_of(leaf), label=leaf.label, unit=_unit_of(leaf),
            before=base.evaluate(leaf, before), after=base.evaluate(leaf, after),
            contribution=parts[place] if parts else None, why=None if parts else NO_MIX,
        )
        for place, leaf in enumerate(leaves)
    ]


def _rates(asked: Asking) -> Rates | None:
    """What a revenue rate is told apart into, where accounts are what it counts."""
    if asked.company.config.convention("revenue_rates") != "accounts":
        return None
    return RATES.get(asked.metric)


def _rated(asked: Asking, rates: Rates) -> list[Part]:
    """What was added and what was lost, each as a share of the opening."""
    ends: list[tuple[Fraction, Fraction]] = []
    read = asked.ends(asked.metric, rates.gross)
    for own, period in zip(read, (asked.first, asked.last), strict=True):
        values = own.at((), period.start)
        net, gross = (
            base.evaluate(own.plan.formulas[name], values) or Fraction(0)
            for name in (asked.metric, rates.gross)
        )
        # Net is 1 + added − lost, or 1 less that; gross is 1 − lost.
        lost = 1 - gross
        whole = net if rates.sign > 0 else 1 - net
        ends.append((whole - gross, lost))
    (added_before, lost_before), (added_after, lost_after) = ends
    return [
        Part(*ADDED, Unit.PERCENT, added_before, added_after,
             rates.sign * (added_after - added_before)),
        Part(*LOST, Unit.PERCENT, lost_before, lost_after,
             -rates.sign * (lost_after - lost_before)),
    ]


def _mixed(
    formula: Formula, leaves: Sequence[Measure], before: Values, after: Values, mix: int
) -> Fraction | None:
    return base.evaluate(formula, {
        leaf.name: (after if mix >> place & 1 else before)[leaf.name]
        for place, leaf in enumerate(leaves)
    })


def _name_of(leaf: Measure) -> str:
    """The metric that a measure is by itself, else the measure's own name."""
    return next((name for name, one in METRICS.items() if one.formula == leaf), leaf.name)


def _unit_of(leaf: Measure) -> Unit:
    if leaf.is_money:
        return Unit.MONEY
    return Unit.MONTHS if leaf.per_unit > 1 else Unit.COUNT


def _between(asked: Asking) -> list[Period]:
    """The periods after the first up to the last."""
    fiscal = asked.company.config.company.fiscal_year_start
    periods = periods_between(asked.first.end, asked.last.start, asked.first.grain, fiscal)
    check_count(len(periods), asked.first.grain)
    return list(periods)


def _bridged(asked: Asking, bridge: Bridge) -> list[Part]:
    (before, after), _, _ = values_of(asked)
    rest = (after or Fraction(0)) - (before or Fraction(0))
    periods = _between(asked)
    names = [name for name, _ in bridge.movements]
    moved = asked.read(*names, periods=periods) if periods else None
    found = []
    for name, sign in bridge.movements:
        total = Fraction(0)
        if moved is not None:
            total = sum((
                base.evaluate(moved.plan.formulas[name], moved.at((), period.start)) or Fraction(0)
                for period in periods
            ), Fraction(0))
        part = sign * bridge.factor * total
        rest -= part
        metric = METRICS[name]
        found.append(Part(name, metric.formula.text(), metric.unit, None, total, part))
    unit = METRICS[asked.metric].unit
    name, label = bridge.rest
    found.append(Part(name, label, unit, None, rest / bridge.factor, rest))
    # In no segment nothing enters or leaves one.
    return [one for one in found if one.contribution or one.name not in SEGMENT_MOVES]


SEGMENT_MOVES = ("entering_mrr", "leaving_mrr")


def segment_parts(asked: Asking) -> tuple[list[SegmentPart], str | None]:
    """The parts of the segments, which sum to the change; or why there are none."""
    metrics = [asked.metric]
    counted = COUNTED.get(asked.metric)
    if counted:
        metrics.append(counted)
    ends = (asked.first, asked.last)
    split, whole = asked.ends(*metrics, by=asked.by), asked.ends(*metrics)
    formula = split[0].plan.formulas[asked.metric]
    segments = sorted(
        {*split[0].values, *split[1].values},
        key=lambda values: tuple(
            order_of(dim, value) for dim, value in zip(asked.by, values, strict=True)
        ),
    )

    if not segments:
        return [], NO_ROWS

    def pair(part: Formula, read: Sequence[Measured], segment: Segment) -> Pair:
        before, after = (
            base.evaluate(part, one.at(segment, period.start)) or Fraction(0)
            for one, period in zip(read, ends, strict=True)
        )
        return before, after

    def pairs(part: Formula) -> list[Pair]:
        return [pair(part, split, segment) for segment in segments]

    ratio = ratio_of(formula)
    if ratio is not None:
        top, bottom = ratio
        all_of = (pair(top, whole, ()), pair(bottom, whole, ()))
        effects = ratio_effects(pairs(top), pairs(bottom), all_of)
        change = all_of[0][1] / all_of[1][1] - all_of[0][0] / all_of[1][0]
        shown = [
            (_quotient(n[0], d[0]), _quotient(n[1], d[1]))
            for n, d in zip(pairs(top), pairs(bottom), strict=True)
        ]
    elif is_sum(formula):
        sizes = pairs(split[0].plan.formulas[counted]) if counted else None
        effects = sum_effects(pairs(formula), sizes)
        before, after = pair(formula, whole, ())
        change = after - before
        shown = [(one[0], one[1]) for one in pairs(formula)]
    else:
        return [], NOT_SUMS
    found = [
        SegmentPart(segment, *values, effect)
        for segment, values, effect in zip(segments, shown, effects, strict=True)
    ]
    rest = change - sum((one.effect.whole for one in found), Fraction(0))
    if rest:
        mark = tuple(OVERLAP for _ in asked.by)
        found.append(SegmentPart(mark, None, None, Effect(rest, Fraction(0))))
    return found, None


def _quotient(top: Fraction, bottom: Fraction) -> Fraction | None:
    return top / bottom if bottom else None
