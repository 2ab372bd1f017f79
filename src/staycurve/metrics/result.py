"""Result: values with their unit, as-of and statement, and the accounts behind each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from staycurve.metrics import base
from staycurve.metrics.base import Measure, Operation, Unit
from staycurve.metrics.cohorts import SMALL
from staycurve.metrics.dimensions import ITEM_TRAITS
from staycurve.metrics.query import STILL_OPEN, Plan
from staycurve.metrics.relations import RELATIONS
from staycurve.period import Period

if TYPE_CHECKING:
    import pandas

    from staycurve.metrics.chart_notes import Dated

Row = dict[str, Any]


SHOWN_SEGMENTS = 8
"""How many small samples a note names."""


@dataclass(frozen=True)
class Result:
    """The answer to a query.

    Attributes
    ----------
    rows : list of dict
        metric, period (its first day), grain, segment, value, open; `why` where value is None.
    as_of : str
        ISO 8601, UTC.
    currency : str
    sql : str
        The statement that was run.
    units : mapping
        Metric → unit.
    notes : tuple of str
        What a reader must know, such as that segments overlap.
    small : mapping
        Segment → the fewest accounts that a rate of it rests on, where they are fewer than SMALL.
    """

    rows: list[Row]
    as_of: str
    currency: str
    sql: str
    units: Mapping[str, Unit]
    notes: tuple[str, ...] = ()
    small: Mapping[tuple[str | None, ...], int] = field(default_factory=dict)
    is_additive: bool = True
    _accounts: Callable[[str, Period], AccountRows] | None = field(default=None, repr=False)
    _periods: tuple[Period, ...] = ()
    counts: Counts = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        found: dict[str, Any] = {"as_of": self.as_of, "currency": self.currency}
        if not self.is_additive:
            found["additive"] = False
        if self.said:
            found["notes"] = list(self.said)
        return found | {"rows": self.rows}

    @property
    def said(self) -> tuple[str, ...]:
        """All notes, small samples first."""
        if not self.small:
            return self.notes
        dims = list(self.rows[0]["segment"])
        listed = [_sized(dims, values, size) for values, size in self.small.items()]
        more = f" and {len(listed) - SHOWN_SEGMENTS} more" if len(listed) > SHOWN_SEGMENTS else ""
        text = f"{', '.join(listed[:SHOWN_SEGMENTS])}{more}"
        return (
            f"Small samples: a rate rests on fewer than {SMALL} accounts in {text}.", *self.notes,
        )

    @property
    def df(self) -> pandas.DataFrame:
        """One row a value, as a pandas DataFrame; segments become columns."""
        import pandas

        flat = [
            {k: v for k, v in row.items() if k != "segment"} | dict(row["segment"])
            for row in self.rows
        ]
        frame = pandas.DataFrame(flat)
        if not frame.empty:
            frame["period"] = pandas.to_datetime(frame["period"])
        return frame

    @property
    def arrow(self) -> Any:
        """One row a value, as a pyarrow Table."""
        import pyarrow

        return pyarrow.Table.from_pandas(self.df, preserve_index=False)

    @property
    def periods(self) -> tuple[Period, ...]:
        """The periods that were asked for, in order."""
        return self._periods

    def chart(self, annotations: Sequence[Dated] = ()) -> Any:
        """The values over time, as an Altair chart.

        Parameters
        ----------
        annotations : sequence, optional
            Dated notes to show in it, such as `company.state.annotations("mrr")`.
        """
        from staycurve.metrics.charts import chart_of

        name, unit = next(iter(self.units.items()))
        return chart_of(
            name, self.rows, unit=unit, currency=self.currency, as_of=self.as_of,
            annotations=annotations, periods=self.periods,
        )

    def accounts(self, period: str | None = None, metric: str | None = None) -> AccountRows:
        """The accounts behind one number: the last period's and the first metric's unless named."""
        assert self._accounts is not None
        names = list(self.units)
        chosen = self._periods[-1]
        if period is not None:
            chosen = next(p for p in self._periods if str(p.start).startswith(period))
        return self._accounts(metric or names[0], chosen)


@dataclass(frozen=True)
class AccountRows:
    """The accounts behind one number.

    Attributes
    ----------
    rows : list of dict
        account_id with `value`, or with `numerator` and `denominator`; and what else is known of
        the account, such as its name, plan and owner.
    reasons : list of dict
        Of accounts that gave something up: what the rows come to by end reason and churn type.
    total : dict
        `value`, and for a ratio its `numerator` and `denominator`.
    notes : tuple of str
        What a reader must know besides.
    """

    metric: str
    period: str
    as_of: str
    currency: str
    rows: list[Row]
    total: Row
    sql: str
    notes: tuple[str, ...] = ()
    reasons: list[Row] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "currency": self.currency,
            "metric": self.metric,
            "period": self.period,
            **({"notes": list(self.notes)} if self.notes else {}),
            "rows": self.rows,
            **({"reasons": self.reasons} if self.reasons else {}),
            "total": self.total,
        }


def values_of(plan: Plan, answer: Sequence[Sequence[Any]]) -> list[Row]:
    """Rows of a Result from the statement's answer."""
    by, measures = plan.query.by, plan.measures
    periods = {period.start: period for period in plan.query.periods}
    first_measure = 1 + len(by)
    rows = []
    for line in answer:
        period = periods[line[0]]
        is_open = plan.query.as_of.is_open(period)
        segment = dict(zip(by, line[1:first_measure], strict=True))
        numbers = dict(zip((m.name for m in measures), line[first_measure:], strict=False))
        after = first_measure + len(measures)
        shown = line[after : after + len(plan.metrics)]
        for (name, metric), value in zip(plan.metrics.items(), shown, strict=True):
            row: Row = {
                "metric": name,
                "period": str(period.start),
                "grain": period.grain,
                "segment": segment,
                "value": value,
                "open": is_open,
            }
            if is_open and not metric.is_to_date:
                row |= {"value": None, "why": STILL_OPEN}
            elif value is None:
                row["why"] = base.why_empty(
                    plan.formulas[name], numbers, unknown=plan.unknown
                )
            rows.append(row)
    rows.sort(key=lambda row: list(plan.metrics).index(row["metric"]))
    return rows


def small_segments(
    plan: Plan, answer: Sequence[Sequence[Any]]
) -> dict[tuple[str | None, ...], int]:
    """Segment → the fewest accounts that a rate of it rests on, where they are few."""
    by = len(plan.query.by)
    columns = [*plan.measures, *plan.metrics, *plan.added]
    counted = [1 + by + columns.index(size) for size in plan.sizes.values()]
    found: dict[tuple[str | None, ...], int] = {}
    for line in answer:
        sizes = [line[place] for place in counted if line[place]]
        if sizes and min(sizes) < SMALL:
            segment = tuple(line[1 : 1 + by])
            found[segment] = min(min(sizes), found.get(segment, SMALL))
    return dict(sorted(found.items(), key=lambda one: [value or "" for value in one[0]]))


Counts = dict[tuple[str, str], tuple[int, int]]


def counts_of(plan: Plan, answer: Sequence[Sequence[Any]]) -> Counts:
    """(metric, first day) → (numerator, denominator) of each undivided share of accounts.

    Money has none: its shares are of amounts, of which no count tells how sure they are.
    """
    if plan.query.by:
        return {}
    found: Counts = {}
    for name, formula in plan.formulas.items():
        if not (isinstance(formula, Operation) and formula.sign == "÷"):
            continue
        if any(measure.is_money for measure in formula.measures()):
            continue
        for line in answer:
            values = dict(zip((one.name for one in plan.measures), line[1:], strict=False))
            over, under = (base.evaluate(side, values) for side in (formula.left, formula.right))
            if over is None or under is None or over != int(over) or under != int(under):
                continue
            if 0 <= over <= under and under > 0:
                found[name, str(line[0])] = int(over), int(under)
    return found


def _sized(dims: Sequence[str], values: Sequence[str | None], size: int) -> str:
    named = ", ".join(f"{dim}={value or ''}" for dim, value in zip(dims, values, strict=True))
    return f"{named} ({size})"


def notes_of(plan: Plan, rows: Sequence[Row]) -> tuple[str, ...]:
    """What else a reader of the answer must know."""
    if not rows:
        bases = ", ".join(dict.fromkeys(RELATIONS[m.relation].base for m in plan.measures))
        return (f"There is nothing to split: no rows of {bases} lie in the range and filters.",)
    if is_additive(plan):
        return ()
    shared = _shared_by(plan)
    if shared:
        return (f"Who did something in several values of {', '.join(shared)} counts in each: "
                "counts do not add up.",)
    traits = ", ".join(dim for dim in plan.query.by if dim in ITEM_TRAITS)
    return (f"An account with several values of {traits} counts in each: counts do not add up.",)


def is_additive(plan: Plan) -> bool:
    """Whether the segments of every count sum to the whole."""
    is_cut = any(dim in ITEM_TRAITS for dim in plan.query.by)
    if is_cut and not all(measure.is_money for measure in plan.measures):
        return False
    return not _shared_by(plan)


def _shared_by(plan: Plan) -> list[str]:
    """Dimensions of the split in several of whose segments somebody may be active."""
    told = {
        dim for measure in plan.measures
        for dim in RELATIONS[measure.relation].told(plan.context)
    }
    return [dim for dim in plan.query.by if dim in told]


def account_rows(plan: Plan, answer: Sequence[Sequence[Any]]) -> tuple[list[Row], Row]:
    """One row an account, and the total that they sum (or divide) to, for a one-metric plan.

    What belongs to no account, such as a month's costs, stands in a row whose account_id is None.
    """
    metric, formula = next(iter(plan.metrics.values())), next(iter(plan.formulas.values()))
    period = plan.query.periods[0]
    names = [measure.name for measure in plan.measures]
    own = [(line[0], dict(zip(names, line[2:], strict=False))) for line in answer]
    total: dict[str, int | Fraction | None] = {
        measure.name: _whole(
            measure, [numbers[measure.name] for _, numbers in own], plan.without_rows(measure)
        )
        for measure in plan.measures
    }
    whole = base.evaluate(formula, total)
    is_unknown = plan.query.as_of.is_open(period) and not metric.is_to_date
    value = None if whole is None or is_unknown else float(whole)
    if isinstance(formula, Operation) and formula.sign == "÷":
        rows = [
            _pair(account, base.share(formula.left, numbers, total),
                  base.share(formula.right, numbers, total))
            for account, numbers in own
        ]
        sums: Row = {
            "numerator": _float(base.evaluate(formula.left, total)),
            "denominator": _float(base.evaluate(formula.right, total)),
            "value": value,
        }
        rows = [row for row in rows if row["numerator"] or row["denominator"]]
    else:
        # Of a plain sum each account's part is its own: no fractions for ten thousands of them.
        part = _own_of(formula) if isinstance(formula, Measure) else None
        rows = [
            {"account_id": account,
             "value": part(numbers) if part else float(base.share(formula, numbers, total))}
            for account, numbers in own
        ]
        rows = [row for row in rows if row["value"]]
        sums = {"value": value}
        if isinstance(formula, Measure) and formula.estimate:
            rows = [
                {"account_id": account, **formula.estimate.shown(numbers[formula.name])}
                for account, numbers in own
            ]
    if value is None:
        sums["why"] = (
            STILL_OPEN
            if is_unknown
            else base.why_empty(formula, total, unknown=plan.unknown)
        )
    return rows, sums


def _own_of(measure: Measure) -> Callable[[base.Values], float]:
    """What an account adds to a sum; one division of integers, rounded once."""
    name, scale = measure.name, measure.scale
    return lambda numbers: float((numbers.get(name) or 0) / scale)


def _whole(measure: Measure, values: Sequence[int | None], without: int | None) -> int | None:
    known = [value for value in values if value is not None]
    if measure.estimate:
        return measure.estimate.combine(known)
    return sum(known) if known else without


def _pair(account: str | None, numerator: Fraction, denominator: Fraction) -> Row:
    return {
        "account_id": account,
        "numerator": float(numerator),
        "denominator": float(denominator),
    }


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
