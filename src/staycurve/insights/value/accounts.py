"""The accounts behind a change: what each was of a number, or of a part, before and after.

Each account's own part sums to the number: of a ratio it is what the account is above the line,
over what all are below it. So the list says which accounts weigh most in a change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountOrNoneField,
    AccountRow,
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.shapley import shared_out, units_of
from staycurve.insights.value.bridges import BRIDGES, LOST, Bridge
from staycurve.insights.value.change import (
    MetricName,
    difference_unit,
    periods_of,
    places_of,
)
from staycurve.insights.value.explaining import Asking
from staycurve.insights.value.measured import planned
from staycurve.insights.value.parts import Opening, Part
from staycurve.metrics import base
from staycurve.metrics.base import Constant, Formula, Measure, Unit, Values
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.filters import filters_of
from staycurve.metrics.query import STILL_OPEN, Query
from staycurve.period import GRAINS, Period, periods_between

NO_SUM = N_("This number is estimated from how long each account was followed: it is no sum.")

Shares = dict[str | None, Fraction]
"""Account → its part of a number; what belongs to no account stands under None."""


@dataclass(frozen=True, kw_only=True)
class Weight(AccountRow):
    """One account's part of the number."""

    account_id: AccountOrNoneField
    before: Annotated[
        float | None, col(N_("Before"), Unit.RATIO, unit_from="unit", is_summed=True)
    ]
    after: Annotated[float | None, col(N_("After"), Unit.RATIO, unit_from="unit", is_summed=True)]
    difference: Annotated[
        float | None,
        col(N_("Difference"), Unit.RATIO, unit_from="changes_in", is_summed=True),
    ]
    unit: Annotated[str, Hidden()]
    changes_in: Annotated[str, Hidden()]


@dataclass(frozen=True, kw_only=True)
class Weights(Answer):
    """The accounts behind a number in two periods, those that moved it most first."""

    as_of: AsOfField
    currency: CurrencyField
    metric: Annotated[str, Key(N_("Its name."))]
    part: Annotated[str | None, Key(N_("The part of it that the rows sum to."))]
    period_from: Annotated[str, Key(N_("The earlier period, by its first day."), name="from")]
    period_to: Annotated[str, Key(N_("The later period, by its first day."), name="to")]
    value_from: Annotated[float | None, Key(N_("What the rows sum to before."))]
    value_to: Annotated[float | None, Key(N_("What the rows sum to after."))]
    unit: Annotated[str, Key(N_("Of the values."))]
    why: WhyField = None
    rows: Annotated[
        tuple[Weight, ...], Table(N_("Accounts"), is_list=True, number="after")
    ]
    label: Annotated[str, Hidden()]
    names: Annotated[tuple[str, str], Hidden()]

    def title(self) -> Said:
        return Said(N_("%(part)s, %(from)s to %(to)s: the accounts behind it"), {
            "part": Said(self.label), "from": self.names[0], "to": self.names[1],
        })


@insight("value accounts", comes_from="/value#tree", needs="")
def accounts(
    company: Reader, *,
    metric: MetricName,
    start: Annotated[str, Param(N_("The earlier period, such as 2024-06."), name="from",
                                metavar="P", formerly=("start",))],
    end: Annotated[str, Param(N_("The later period, such as 2024-07."), name="to", metavar="P",
                              formerly=("end",))],
    part: Annotated[
        str, Param(N_("A driver of `value change`, or a part of `value tree`; the metric itself "
                      "without it."), metavar="PART", has_commas=True)
    ] = "",
    grain: Annotated[str | None, Param(N_("The length of the periods; as they are written "
                                          "without it."), choices=GRAINS)] = None,
    where: Where = "", as_of: AsOfText = None,
) -> Weights:
    """Which accounts are behind a number, and behind its change?

    Each account's own part of the metric, or of one of its parts, in both periods. They sum to the
    numbers of `value change` and `value tree`.
    """
    METRICS[metric]
    first, last = periods_of(company, start, end, grain)
    asked = Asking(company, company.as_of(as_of), first, last, (), filters_of(where), metric)
    found = _sought(asked, part)
    fiscal = company.config.company.fiscal_year_start
    ends = _ends(asked, found)
    notes: tuple[str, ...] = ()
    why = STILL_OPEN if any(asked.as_of.is_open(one) for one in (first, last)) else None
    if isinstance(found.formula, Measure) and found.formula.estimate:
        notes = (NO_SUM,)
    values, rows = _rows(found, ends)
    return Weights(
        as_of=asked.as_of.at.isoformat(), currency=company.config.company.currency,
        metric=metric, part=part or None, period_from=str(first.start),
        period_to=str(last.start), value_from=values[0], value_to=values[1],
        unit=found.unit.value, why=why if not rows else None, rows=rows, label=found.label,
        names=(first.name(fiscal), last.name(fiscal)), notes=notes,
    )


@dataclass(frozen=True)
class _Sought:
    """What is looked for: a formula in both periods, or movements between their closes.

    Attributes
    ----------
    moved : tuple of (metric, sign)
        Movements that are added up over the periods after the first; with `stock` what they do not
        explain of its change.
    """

    label: str
    unit: Unit
    formula: Formula
    reads: tuple[str, ...]
    moved: tuple[tuple[str, int], ...] = ()
    stock: str = ""


def _sought(asked: Asking, name: str) -> _Sought:
    """The metric, or a part of it.

    Raises
    ------
    UnknownNameError
        If it has no such part.
    """
    opening = Opening(asked.first.grain, asked.company.config.conventions)
    whole = opening.of(asked.metric)
    if not name:
        return _Sought(whole.label, whole.unit, whole.formula, whole.reads)
    bridge = BRIDGES.get(asked.metric)
    if bridge is not None:
        found = _movement(asked.metric, bridge, name)
        if found is not None:
            return found
    reads = tuple(dict.fromkeys(one for part in whole.every() for one in part.reads))
    parts = {part.name: part for part in whole.every()}
    leaves = {leaf.name: leaf for leaf in whole.formula.measures()}
    if name == LOST[0] and name not in parts and whole.parts:
        # Where it is a metric, the tree calls it by that name.
        name = next((one.name for one in whole.parts if one.metric), name)
    if name in parts:
        part: Part = parts[name]
        return _Sought(part.label, part.unit, part.formula, part.reads or reads)
    if name in leaves:
        leaf = leaves[name]
        unit = Unit.MONEY if leaf.is_money else Unit.MONTHS if leaf.per_unit > 1 else Unit.COUNT
        return _Sought(leaf.label, unit, leaf, whole.reads)
    raise UnknownNameError(
        "part", name, [*parts, *leaves],
        hint=f"Its parts: staycurve value tree {asked.metric}",
    )


def _movement(metric: str, bridge: Bridge, name: str) -> _Sought | None:
    """A movement between the two closes of a stock, or what they do not explain."""
    for moved, sign in bridge.movements:
        if moved == name:
            own = METRICS[moved]
            return _Sought(own.label, own.unit, own.formula, (moved,), ((moved, sign),))
    if name != bridge.rest[0]:
        return None
    return _Sought(
        bridge.rest[1], METRICS[metric].unit, Constant(0),
        (metric, *(one for one, _sign in bridge.movements)), bridge.movements, metric,
    )


def _ends(asked: Asking, found: _Sought) -> tuple[Shares | None, Shares | None]:
    """Each account's part before and after; None where a period is open."""
    ends = (asked.first, asked.last)
    if any(asked.as_of.is_open(one) for one in ends):
        return None, None
    if not found.moved:
        before, after = (_shares(asked, found.formula, found.reads, one) for one in ends)
        return before, after
    moved: Shares = {}
    if found.stock:
        stock = METRICS[found.stock].at(asked.first.grain)
        formula = stock.resolve(asked.company.config.conventions)
        for sign, period in zip((-1, 1), ends, strict=True):
            _add(moved, _shares(asked, formula, (found.stock,), period), sign)
    fiscal = asked.company.config.company.fiscal_year_start
    between = periods_between(asked.first.end, asked.last.start, asked.first.grain, fiscal)
    for period in between:
        for name, sign in found.moved:
            own = _shares(asked, METRICS[name].formula, (name,), period)
            factor = BRIDGES[asked.metric].factor
            # Without a stock the movement itself is shown, whichever way it counts.
            _add(moved, own, -sign * factor if found.stock else 1)
    if found.stock:
        factor = BRIDGES[asked.metric].factor
        moved = {account: value / factor for account, value in moved.items()}
    return None, moved


def _add(whole: Shares, own: Shares, sign: int) -> None:
    for account, value in own.items():
        whole[account] = whole.get(account, Fraction(0)) + sign * value


def _shares(
    asked: Asking, formula: Formula, reads: Sequence[str], period: Period
) -> Shares:
    """Account → its part of a formula in a period; empty where the formula has no value."""
    query = Query(
        tuple(dict.fromkeys(reads)), asked.first.grain, (period,), asked.as_of, (), asked.filters
    )
    made = planned(asked.company, query, is_by_account=True)
    whole = asked.read(*query.metrics, periods=(period,)).at((), period.start)
    if base.evaluate(formula, whole) is None:
        return {}
    names = [measure.name for measure in made.measures]
    with asked.company.seeing(asked.as_of) as engine:
        lines = [line for piece in engine.batches(made.sql) for line in piece]
    found: Shares = {}
    for line in lines:
        own: Values = dict(zip(names, line[2:], strict=False))
        found[line[0]] = found.get(line[0], Fraction(0)) + _own(formula, own, whole)
    return found


def _own(formula: Formula, own: Values, whole: Values) -> Fraction:
    if isinstance(formula, Measure) and formula.estimate:
        value = own.get(formula.name)
        return Fraction((value or 0) // 2)
    return base.share(formula, own, whole)


def _rows(
    found: _Sought, ends: tuple[Shares | None, Shares | None]
) -> tuple[tuple[float | None, float | None], tuple[Weight, ...]]:
    """The rows, and what they sum to: digits as they are printed."""
    places = places_of(found.unit)
    digits: list[Mapping[str | None, int] | None] = []
    for own in ends:
        if own is None:
            digits.append(None)
            continue
        known = {account: value for account, value in own.items() if value}
        whole = units_of(sum(known.values(), Fraction(0)), places)
        shared = shared_out(list(known.values()), whole, places)
        digits.append(dict(zip(known, shared, strict=True)))
    before, after = digits
    names = {*(before or {}), *(after or {})}
    scale = 10**places
    rows = []
    for account in names:
        left = None if before is None else before.get(account, 0)
        right = None if after is None else after.get(account, 0)
        rows.append(Weight(
            account_id=account,
            before=None if left is None else left / scale,
            after=None if right is None else right / scale,
            difference=((right or 0) - (left or 0)) / scale,
            unit=found.unit.value, changes_in=difference_unit(found.unit).value,
        ))
    rows.sort(key=lambda row: (
        -abs(row.difference or 0), -abs(row.after or 0), row.account_id or "",
    ))
    sums = [None if own is None else sum(own.values()) / scale for own in digits]
    return (sums[0], sums[1]), tuple(rows)
