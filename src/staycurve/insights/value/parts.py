"""The parts of a metric: its formula as a tree, as it is declared.

A part is a metric, or a sum of rows. An operation between them, such as ARPA inside of lifetime
value, is a part of its own, unless something in it stands elsewhere in the formula too: then the
parts are the named ones alone. Metrics are opened in turn. A stock is made of the movements between
two closes, net revenue retention of what was added to the opening and what was lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from staycurve.insights.value.bridges import (
    ADDED,
    BRIDGES,
    LOST,
    RATES,
    SUMS,
    Bridge,
    Rates,
)
from staycurve.metrics import base
from staycurve.metrics.base import Choice, Constant, Formula, Measure, Metric, Operation, Unit
from staycurve.metrics.catalogue import METRICS

TWINS = {
    "month_mrr": "closing", "month_customers": "paying", "month_lost": "s_lost",
    "month_opened": "s_accounts", "month_base_lost": "b_lost", "month_base_opened": "b_accounts",
    "month_rolling_lost": "r_lost", "month_rolling_opened": "r_accounts",
}
"""A sum over the months of a period → the sum that it is where the period is one month."""

Found = Sequence[Fraction | None]
"""The values of parts, in their order."""

Shape = str | tuple[Any, ...]
"""What a formula is made of, whatever it is called."""


@dataclass(frozen=True)
class Titled(Formula):
    """A formula with a name of its own that is no metric: a share of something."""

    name: str
    label: str
    formula: Formula

    def resolve(self, conventions: Mapping[str, str]) -> Formula:
        return self.formula.resolve(conventions)

    def measures(self) -> Iterator[Measure]:
        yield from self.formula.measures()

    def text(self) -> str:
        return self.label


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a metric, or the metric itself.

    Attributes
    ----------
    name : str
        A metric's, a sum's, or for an operation its text: one name has one value.
    metric : str
        Where it is one.
    sign : str
        How it enters what it is a part of: + − × ÷; empty for the first, or where it does in
        several ways.
    formula : Formula
        As its value is computed, of measures alone.
    reads : tuple of str
        Metrics that have these measures.
    joined : Formula, optional
        As its parts make it up, each standing in for a measure; see `join`.
    bridge : Bridge, optional
        The movements that it is made of, where it is a stock: its parts are theirs, and the rest.
    """

    name: str
    label: str
    metric: str
    sign: str
    unit: Unit
    formula: Formula
    reads: tuple[str, ...] = ()
    joined: Formula | None = None
    bridge: Bridge | None = None
    parts: tuple[Part, ...] = ()

    def every(self) -> Iterator[Part]:
        """Itself and all parts below it, from the top."""
        yield self
        for one in self.parts:
            yield from one.every()

    def join(self, values: Found) -> Fraction | None:
        """Its value from those of its parts; None where one that is needed is empty."""
        assert self.joined is not None
        return base.evaluate(
            self.joined, {_hole(place): value for place, value in enumerate(values)}
        )


def _hole(place: int) -> str:
    return f"part{place}"


@dataclass(frozen=True)
class Opening:
    """How metrics are opened: at one grain, under one company's conventions."""

    grain: str
    conventions: Mapping[str, str]

    def of(self, metric: str) -> Part:
        """A metric with all its parts.

        Raises
        ------
        UnknownNameError
            If there is no such metric.
        """
        return self._metric(metric, "", METRICS[metric].at(self.grain))

    def _metric(self, name: str, sign: str, declared: Formula) -> Part:
        own, formula = METRICS[name], declared.resolve(self.conventions)
        joined = self._joined(name, formula, declared)
        made = Part(
            name=name, label=own.label, metric=name, sign=sign, unit=own.unit, formula=formula,
            reads=(name, *((RATES[name].gross,) if name in RATES else ())),
        )
        bridge = BRIDGES.get(name)
        if bridge is not None and joined is None:
            return replace(made, bridge=bridge, parts=self._movements(bridge, own.unit))
        return made if joined is None else self._opened(made, joined)

    def _joined(self, name: str, formula: Formula, declared: Formula) -> Formula | None:
        """What a metric is made of; None for a sum of rows."""
        if name in SUMS:
            first, *others = (METRICS[one] for one in SUMS[name])
            whole: Formula = first
            for one in others:
                whole = whole + one
            return whole
        rates = RATES.get(name)
        if rates is not None and self.conventions["revenue_rates"] == "accounts":
            return self._rates(rates, formula)
        chosen = self._chosen(declared)
        return None if isinstance(chosen, Measure) else chosen

    def _rates(self, rates: Rates, net: Formula) -> Formula:
        """1 + what was added to the opening − what was lost of it; or the negative."""
        gross = METRICS[rates.gross].formula.resolve(self.conventions)
        assert isinstance(net, Operation)
        assert isinstance(gross, Operation)
        closing, opening = net.left, net.right
        if rates.sign < 0:
            # 1 − net: what is above the line is the opening less the closing MRR.
            assert isinstance(net.left, Operation)
            closing = net.left.right
        added: Formula = Titled(*ADDED, (closing - gross.left) / opening)
        lost: Formula = (opening - gross.left) / opening
        if not self._metric_of(lost):
            lost = Titled(*LOST, lost)
        return Constant(1) + added - lost if rates.sign > 0 else lost - added

    def _chosen(self, formula: Formula) -> Formula:
        """The same with conventions decided, and metrics left as they are."""
        if isinstance(formula, Choice):
            return self._chosen(formula.options[self.conventions[formula.switch]])
        if isinstance(formula, Operation):
            return Operation(
                formula.sign, self._chosen(formula.left), self._chosen(formula.right)
            )
        return formula

    def _movements(self, bridge: Bridge, unit: Unit) -> tuple[Part, ...]:
        moved = [
            self._metric(name, "+" if sign > 0 else "−", METRICS[name].formula)
            for name, sign in bridge.movements
        ]
        name, label = bridge.rest
        metric = name if name in METRICS else ""
        return (*moved, Part(
            name=name, label=label, metric=metric, sign="+", unit=unit, formula=Constant(0)
        ))

    def _opened(self, made: Part, joined: Formula) -> Part:
        """The part with those that it is made of."""
        operands = _operands(joined)
        atoms = [set(self._atoms(one)) for _sign, one in operands]
        names = [name for own in atoms for name in own]
        if len(names) > len(set(names)):
            own = {key: one for _sign, one in operands for key, one in self._atoms(one).items()}
            operands = [("", one) for one in own.values()]
        keys = [self._key(one) for _sign, one in operands]
        parts = tuple(self._part(one, sign) for sign, one in operands)
        reads = (*made.reads, *(name for one in parts if not one.metric for name in one.reads))
        return replace(made, joined=self._holed(joined, keys), parts=parts, reads=reads)

    def _part(self, formula: Formula, sign: str) -> Part:
        metric = self._metric_of(formula)
        if metric:
            return self._metric(metric, sign, METRICS[metric].formula)
        made = Part(
            name=self._key(formula), label=formula.text(), metric="", sign=sign,
            unit=_unit_of(formula), formula=formula.resolve(self.conventions),
        )
        if isinstance(formula, Measure):
            return made
        return self._opened(made, formula.formula if isinstance(formula, Titled) else formula)

    def _metric_of(self, formula: Formula) -> str:
        """The name of the metric that a part is; empty where it is none."""
        return "" if isinstance(formula, Titled) else self._metrics.get(self._shape(formula), "")

    @cached_property
    def _metrics(self) -> Mapping[Shape, str]:
        """Metrics by what they are made of."""
        found: dict[Shape, str] = {}
        for name, one in METRICS.items():
            found.setdefault(self._shape(self._chosen(one.formula)), name)
            found[name] = name
        return found

    def _shape(self, formula: Formula) -> Shape:
        if isinstance(formula, Operation):
            return (formula.sign, self._shape(formula.left), self._shape(formula.right))
        if isinstance(formula, Metric):
            own = self._chosen(formula.formula)
            if isinstance(own, Measure):
                return self._shape(own)
            return next(name for name, one in METRICS.items() if one is formula)
        if isinstance(formula, Measure):
            name = TWINS.get(formula.name) if self.grain == "month" else None
            return f"sum {name or formula.name}"
        return formula.text()

    def _key(self, formula: Formula) -> str:
        """What names the value of a part."""
        metric = self._metric_of(formula)
        if metric:
            return metric
        if isinstance(formula, Measure | Titled):
            return formula.name
        return formula.text()

    def _atoms(self, formula: Formula) -> dict[str, Formula]:
        """The nearest named parts, by their names."""
        if isinstance(formula, Constant):
            return {}
        if isinstance(formula, Operation) and not self._metric_of(formula):
            return {**self._atoms(formula.left), **self._atoms(formula.right)}
        return {self._key(formula): formula}

    def _holed(self, formula: Formula, keys: Sequence[str]) -> Formula:
        """The formula with its parts replaced by measures that stand for them."""
        key = "" if isinstance(formula, Constant) else self._key(formula)
        if key in keys:
            name = _hole(keys.index(key))
            return Measure(name, name, "", "")
        if isinstance(formula, Operation):
            return Operation(
                formula.sign, self._holed(formula.left, keys), self._holed(formula.right, keys)
            )
        return formula


def _operands(formula: Formula) -> list[tuple[str, Formula]]:
    """What a formula joins at its top, each with its sign; numbers that are written in are none."""
    if isinstance(formula, Operation) and formula.sign == "÷":
        found = [("", formula.left), ("÷", formula.right)]
    elif isinstance(formula, Operation) and formula.sign == "×":
        first, *others = (one for one in _factors(formula) if not isinstance(one, Constant))
        found = [("", first), *(("×", one) for one in others)]
    else:
        found = _terms(formula, "+")
    return [
        (sign, _without_number(one)) for sign, one in found if not isinstance(one, Constant)
    ]


def _terms(formula: Formula, sign: str) -> list[tuple[str, Formula]]:
    if not (isinstance(formula, Operation) and formula.sign in "+−"):
        return [(sign, formula)]
    turned = sign if formula.sign == "+" else {"+": "−", "−": "+"}[sign]
    return [*_terms(formula.left, sign), *_terms(formula.right, turned)]


def _factors(formula: Formula) -> list[Formula]:
    if not (isinstance(formula, Operation) and formula.sign == "×"):
        return [formula]
    return [*_factors(formula.left), *_factors(formula.right)]


def _without_number(formula: Formula) -> Formula:
    """Of a number × a part, the part: the number moves nothing."""
    if isinstance(formula, Operation) and formula.sign == "×":
        kept = [one for one in _factors(formula) if not isinstance(one, Constant)]
        if len(kept) == 1:
            return kept[0]
    return formula


def _unit_of(formula: Formula) -> Unit:
    """What an operation, or a sum of rows, is counted in."""
    if isinstance(formula, Metric):
        return formula.unit
    if isinstance(formula, Titled):
        return Unit.PERCENT
    if isinstance(formula, Measure):
        if formula.is_money:
            return Unit.MONEY
        return Unit.MONTHS if formula.per_unit > 1 else Unit.COUNT
    if not isinstance(formula, Operation) or isinstance(formula.left, Constant):
        return Unit.COUNT
    left, right = _unit_of(formula.left), _unit_of(formula.right)
    if formula.sign == "×":
        return Unit.MONEY if Unit.MONEY in (left, right) else left
    if formula.sign == "÷":
        return Unit.MONEY if left is Unit.MONEY and right is Unit.COUNT else Unit.RATIO
    return left
