"""Metric: one assignment that states what a number means. All that shows it is drawn from here."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

from staycurve.metrics.benchmark import Benchmark

_COUNTS_ACCOUNTS = re.compile(r"COUNT\(DISTINCT CASE WHEN (.+) THEN account_id END\)")
_OF_ONE_ROW = re.compile(r"(?:SUM|MAX)\(((?:(?!SUM|MAX|MIN|COUNT|AVG).)+)\)", re.DOTALL)

Number = int | Fraction
Values = Mapping[str, Number | None]


class Unit(Enum):
    """What a value is counted in."""

    MONEY = "money"
    PERCENT = "percent"
    COUNT = "count"
    MONTHS = "months"
    DAYS = "days"
    SCORE = "score"
    RATIO = "ratio"


class Formula(ABC):
    """A tree of measures and metrics, joined by + − × ÷."""

    def __add__(self, other: Formula) -> Formula:
        return Operation("+", self, other)

    def __sub__(self, other: Formula) -> Formula:
        return Operation("−", self, other)

    def __mul__(self, other: Formula | int) -> Formula:
        return Operation("×", self, _formula(other))

    def __truediv__(self, other: Formula) -> Formula:
        return Operation("÷", self, other)

    def __rsub__(self, other: int) -> Formula:
        return Operation("−", Constant(other), self)

    @abstractmethod
    def resolve(self, conventions: Mapping[str, str]) -> Formula:
        """The same tree with metrics opened and switches decided."""

    @abstractmethod
    def measures(self) -> Iterator[Measure]:
        """Every measure in a resolved tree."""

    @abstractmethod
    def text(self) -> str:
        """The formula as people read it."""


def _formula(value: Formula | int) -> Formula:
    return Constant(value) if isinstance(value, int) else value


@dataclass(frozen=True)
class Constant(Formula):
    """A number that is written into a formula."""

    value: int

    def resolve(self, conventions: Mapping[str, str]) -> Formula:
        return self

    def measures(self) -> Iterator[Measure]:
        return iter(())

    def text(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Estimate:
    """How a measure that is no sum comes out of its accounts' values.

    Attributes
    ----------
    combine : callable
        The accounts' values → the measure, as the statement computes it; None where it is empty.
    shown : callable
        One account's value → what its row shows.
    why_empty : str
        The reason when there are accounts and no value.
    """

    combine: Callable[[Sequence[int]], int | None]
    shown: Callable[[int], Mapping[str, object]]
    why_empty: str


@dataclass(frozen=True)
class Measure(Formula):
    """A sum or a count over the rows of one relation: what formulas are made of.

    Attributes
    ----------
    name : str
        Unique among measures.
    label : str
        As formulas and reasons print it.
    relation : str
        A name in metrics.relations.
    sql : str
        An aggregate over the relation's rows, an integer.
    is_money : bool
        Whether the integer counts micro-units of the company's currency.
    is_empty_without_rows : bool
        Whether a period without rows means unknown instead of zero.
    total_sql : str
        The aggregate over the relation's `totals`, where it differs from `sql`.
    estimate : Estimate, optional
        For what is no sum over accounts; `totals` compute it.
    per_unit : int
        How many of the integer make one, where it is no money.
    counted_by : Measure, optional
        For money below the line: how many it rests on, which says whether a segment is small.
    """

    name: str
    label: str
    relation: str
    sql: str
    is_money: bool = False
    is_empty_without_rows: bool = False
    total_sql: str = ""
    estimate: Estimate | None = None
    counted_by: Measure | None = None
    per_unit: int = 1

    @property
    def scale(self) -> int:
        """How many of the integer make one of what formulas count in."""
        return 1_000_000 if self.is_money else self.per_unit

    @property
    def account_sql(self) -> str:
        """The aggregate over the rows of one account, which counts itself once or not at all."""
        counted = _COUNTS_ACCOUNTS.fullmatch(self.sql)
        if counted is None:
            return self.sql
        # A distinct count of hundreds of thousands of groups of one is by far the dearest way.
        return f"MAX(CASE WHEN ({counted[1]}) AND account_id IS NOT NULL THEN 1 ELSE 0 END)"

    @property
    def row_sql(self) -> str | None:
        """What one row alone adds up to for its account; None where that cannot be told."""
        added = _OF_ONE_ROW.fullmatch(self.account_sql)
        return f"({added[1]})" if added else None

    def resolve(self, conventions: Mapping[str, str]) -> Formula:
        return self

    def measures(self) -> Iterator[Measure]:
        yield self

    def text(self) -> str:
        return self.label


@dataclass(frozen=True)
class Operation(Formula):
    """Two formulas joined by a sign."""

    sign: str
    left: Formula
    right: Formula

    def resolve(self, conventions: Mapping[str, str]) -> Formula:
        return Operation(
            self.sign, self.left.resolve(conventions), self.right.resolve(conventions)
        )

    def measures(self) -> Iterator[Measure]:
        yield from self.left.measures()
        yield from self.right.measures()

    def text(self) -> str:
        left, right = self.left.text(), self.right.text()
        if self.sign in "×÷":
            left = f"({left})" if _is_loose(self.left) else left
            right = f"({right})" if _is_loose(self.right) or _is_division(self.right) else right
        elif self.sign == "−" and _is_loose(self.right):
            right = f"({right})"
        return f"{left} {self.sign} {right}"


def _is_loose(formula: Formula) -> bool:
    """Whether the text of a formula needs brackets beside × or ÷."""
    return isinstance(formula, Choice) or (
        isinstance(formula, Operation) and formula.sign in "+−"
    )


def _is_division(formula: Formula) -> bool:
    return isinstance(formula, Operation) and formula.sign == "÷"


@dataclass(frozen=True)
class Choice(Formula):
    """The formula that a convention picks."""

    switch: str
    options: Mapping[str, Formula]

    def resolve(self, conventions: Mapping[str, str]) -> Formula:
        return self.options[conventions[self.switch]].resolve(conventions)

    def measures(self) -> Iterator[Measure]:
        for option in self.options.values():
            yield from option.measures()

    def text(self) -> str:
        return "; ".join(
            f"{option.text()} ({self.switch} = {value})" for value, option in self.options.items()
        )


@dataclass(frozen=True)
class Chart:
    """How a metric is drawn: 'line' or 'bars', with a reference value."""

    kind: str = "line"
    reference: float | None = None


@dataclass(frozen=True)
class Example:
    """A worked example: conformed rows as text, and the answers computed by hand.

    Attributes
    ----------
    rows : mapping
        Table → a header line and rows, cells separated by blanks; `-` is empty, `_` in a cell
        stands for a blank.
    answer : mapping
        Period → value.
    """

    rows: Mapping[str, str]
    answer: Mapping[str, float | None]
    as_of: str = ""
    grain: str = "month"
    conventions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric(Formula):
    """What a number means.

    Attributes
    ----------
    label, about : str
        Its name, and its definition in words.
    formula : Formula
        What is computed.
    better : str
        'higher', 'lower' or 'neutral'.
    stage : str
        The lifecycle stage that it indicates.
    is_to_date : bool
        Whether a period that has not closed shows a value; rates do not.
    grains : tuple of str
        The grains at which it is known.
    by_grain : mapping
        Grain → formula, where it is another one there.
    benchmarks : tuple of Benchmark
        What others report, the most general first.
    disagreements : str
        How other tools count it, with the source.
    """

    label: str
    about: str
    formula: Formula
    unit: Unit
    better: str
    stage: str
    example: Example
    is_to_date: bool = True
    chart: Chart = field(default_factory=Chart)
    benchmarks: tuple[Benchmark, ...] = ()
    disagreements: str = ""
    grains: tuple[str, ...] = ("day", "week", "month", "quarter", "year")
    by_grain: Mapping[str, Formula] = field(default_factory=dict)

    def resolve(self, conventions: Mapping[str, str]) -> Formula:
        return self.formula.resolve(conventions)

    def at(self, grain: str) -> Formula:
        """What is computed at this grain."""
        return self.by_grain.get(grain, self.formula)

    def measures(self) -> Iterator[Measure]:
        yield from self.formula.measures()

    def text(self) -> str:
        return self.label


MONTHLY = ("month", "quarter", "year")
STAGES = (
    "awareness", "consideration", "purchase", "activation", "adoption", "retention", "expansion",
)


def sql(formula: Formula) -> str:
    """SQL, over columns named like the measures, for a resolved formula; a double or NULL."""
    if isinstance(formula, Constant):
        return str(formula.value)
    whole, scales = _whole_sql(formula)
    if whole:
        (scale,) = scales
        return f"CAST({whole} AS DOUBLE)" + (f" / {scale}" if scale > 1 else "")
    if isinstance(formula, Operation):
        left, right = sql(formula.left), sql(formula.right)
        if formula.sign == "÷":
            return f"({left}) / nullif({right}, 0)"
        sign = {"+": "+", "−": "-", "×": "*"}[formula.sign]
        return f"({left}) {sign} ({right})"
    raise TypeError(f"{formula!r} is not resolved")


def _whole_sql(formula: Formula) -> tuple[str, set[int]]:
    """SQL for measures that are added or subtracted as integers, and their scale.

    Empty where the formula is anything else. Doubles depend on the order in which they are added,
    and an engine may take another one; integers do not.
    """
    if isinstance(formula, Measure):
        return f"m.{formula.name}", {formula.scale}
    if isinstance(formula, Operation) and formula.sign in "+−":
        left, left_scales = _whole_sql(formula.left)
        right, right_scales = _whole_sql(formula.right)
        scales = left_scales | right_scales
        if left and right and len(scales) == 1:
            sign = "+" if formula.sign == "+" else "-"
            bracketed = f"({right})" if isinstance(formula.right, Operation) else right
            return f"{left} {sign} {bracketed}", scales
    return "", set()


def evaluate(formula: Formula, values: Values) -> Fraction | None:
    """The exact value of a resolved formula; None where it is empty."""
    if isinstance(formula, Constant):
        return Fraction(formula.value)
    if isinstance(formula, Measure):
        value = values[formula.name]
        if value is None:
            return None
        return Fraction(value, formula.scale)
    if isinstance(formula, Operation):
        left, right = evaluate(formula.left, values), evaluate(formula.right, values)
        if left is None or right is None or (formula.sign == "÷" and right == 0):
            return None
        return _calculate(formula.sign, left, right)
    raise TypeError(f"{formula!r} is not resolved")


def _calculate(sign: str, left: Fraction, right: Fraction) -> Fraction:
    if sign == "+":
        return left + right
    if sign == "−":
        return left - right
    return left * right if sign == "×" else left / right


def why_empty(
    formula: Formula, values: Values, *, unknown: Collection[str] = ()
) -> str | None:
    """The reason why a resolved formula has no value, in words; None where it has one.

    `unknown` names the measures of which nothing at all is loaded.
    """
    if isinstance(formula, Measure):
        if values[formula.name] is None:
            if formula.estimate and formula.name not in unknown:
                return formula.estimate.why_empty
            return f"{formula.label}: no data is loaded for this period"
        return None
    if isinstance(formula, Operation):
        for side in (formula.left, formula.right):
            reason = why_empty(side, values, unknown=unknown)
            if reason:
                return reason
        if formula.sign == "÷" and evaluate(formula.right, values) == 0:
            return f"division by zero: {formula.right.text()} is 0"
    return None


def share(formula: Formula, own: Values, total: Values) -> Fraction:
    """One account's part of a resolved formula: the parts of all accounts sum to its value.

    A quotient or product is shared by its left side, with the right side taken as a whole.
    """
    if isinstance(formula, Constant):
        return Fraction(0)
    if isinstance(formula, Measure):
        return evaluate(formula, {formula.name: own.get(formula.name) or 0}) or Fraction(0)
    if isinstance(formula, Operation):
        left = share(formula.left, own, total)
        if formula.sign in "+−":
            return _calculate(formula.sign, left, share(formula.right, own, total))
        whole = evaluate(formula.right, total)
        if whole is None or (whole == 0 and formula.sign == "÷"):
            return Fraction(0)
        if isinstance(formula.left, Constant):
            return _calculate(formula.sign, Fraction(formula.left.value), whole) * 0
        return _calculate(formula.sign, left, whole)
    raise TypeError(f"{formula!r} is not resolved")



