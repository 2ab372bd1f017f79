"""What metrics are made of, as exact numbers: the measures behind a query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Constant, Formula, Measure, Operation, Values
from staycurve.metrics.query import Plan, Query, plan
from staycurve.metrics.relations import RESTED_ON
from staycurve.tables import views

Segment = tuple[str | None, ...]


@dataclass(frozen=True)
class Measured:
    """The measures of a query, by segment and period.

    Attributes
    ----------
    values : mapping
        Segment → first day of the period → measure → its integer.
    """

    plan: Plan
    values: Mapping[Segment, Mapping[dt.date, Values]]

    def at(self, segment: Segment, start: dt.date) -> Values:
        """The measures of a segment in a period; without rows nothing happened, or nobody knows."""
        empty = {one.name: self.plan.without_rows(one) for one in self.plan.measures}
        return self.values.get(segment, {}).get(start, empty)


def planned(
    company: Reader, query: Query, *, is_by_account: bool = False, is_ordered: bool = True
) -> Plan:
    """The plan of a query of a company."""
    empty = views.empty_tables(company.lake, company.snapshot, RESTED_ON)
    return plan(
        query, company.config, attributes=company.attributes(), empty_tables=empty,
        is_by_account=is_by_account, is_ordered=is_ordered,
    )


def measured(company: Reader, query: Query) -> Measured:
    """The measures of a query."""
    made = planned(company, query)
    places = 1 + len(query.by)
    names = [measure.name for measure in made.measures]
    found: dict[Segment, dict[dt.date, Values]] = {}
    with company.seeing(query.as_of) as engine:
        for row in engine.rows(made.sql):
            own = dict(zip(names, row[places:], strict=False))
            found.setdefault(tuple(row[1:places]), {})[row[0]] = own
    return Measured(made, found)


def is_sum(formula: Formula) -> bool:
    """Whether a resolved formula is a sum over accounts: segments sum to the whole."""
    if isinstance(formula, Measure):
        return formula.estimate is None
    if isinstance(formula, Operation) and formula.sign in "+−":
        return is_sum(formula.left) and is_sum(formula.right)
    if isinstance(formula, Operation) and formula.sign == "×":
        return is_sum(formula.left) and isinstance(formula.right, Constant)
    return False


def ratio_of(formula: Formula) -> tuple[Formula, Formula] | None:
    """What is above and below the line, where both are sums over accounts."""
    if not isinstance(formula, Operation) or formula.sign != "÷":
        return None
    is_known = is_sum(formula.left) and is_sum(formula.right)
    return (formula.left, formula.right) if is_known else None
