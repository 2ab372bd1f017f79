"""A segment against the rest: which segments differ in a rate, and which only seem to.

Everything in the range is pooled: a ratio of sums over all its periods. For rates of accounts that
have at most one such event (churn, retention, trial conversion, activation) each account-period is
a trial: Wilson's interval, Newcombe's for the difference, Fisher's exact test. For every other
ratio, such as of money, the accounts are what chance draws: intervals by linearisation, a
permutation test. Holm's correction covers the segments that are tested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.errors import NotAnsweredError, UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AdditiveField,
    AlphaField,
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
    Row,
    Said,
    Segment,
    SignificantField,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, From, Grain, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.saying import of_segment
from staycurve.insights.statistics import clusters, proportions
from staycurve.insights.statistics.proportions import ALPHA, adjusted
from staycurve.insights.value.change import MetricName
from staycurve.insights.value.measured import planned, ratio_of
from staycurve.metrics import base
from staycurve.metrics.base import Formula, Measure, Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import ITEM_TRAITS, dims_of, order_of
from staycurve.metrics.filters import filters_of, where_text
from staycurve.metrics.query import Plan, Query
from staycurve.metrics.relations import RELATIONS

EVENTS = (
    "customer_churn_rate", "customer_retention_rate", "trial_conversion_rate", "activation_rate",
)
"""Rates of accounts with at most one such event each, but for those that come back and leave again:
the periods of an account are then as good as independent trials."""

MIN_COMPARED = 30
"""Segments with fewer accounts, or with fewer beside them, are shown and not tested: one account
moves such a rate by far, and each test more raises the bar for the others."""

_ASKED = {"metric": "metric", "start": "period_from", "end": "period_to", "grain": "grain"}
OWN = Opens("value pooled", _ASKED)
OTHERS = Opens("value pooled", {**_ASKED, "apart_from": "named"})

NO_OTHERS = N_("there is no other segment to compare with")
TOO_FEW = N_("fewer than {count} accounts on one side")
NO_PERIOD = N_("no period of the range has closed")
NOTHING = N_("there is nothing to compare in the range")
NO_CAUSE = N_(
    "A significant difference is unlikely to be chance; its cause may still be something else in "
    "which the segments differ."
)


@dataclass(frozen=True, kw_only=True)
class Compared(Row):
    """One segment beside all others."""

    segment: Segment
    accounts: Annotated[
        int, col(N_("Accounts"), Unit.COUNT, N_("In the denominator, in any period."), opens=OWN)
    ]
    value: Annotated[
        float | None,
        col(N_("Value"), Unit.RATIO, unit_from="unit", ends=("low", "high"), opens=OWN),
    ]
    low: LowField
    high: HighField
    rest: Annotated[
        float | None,
        col(N_("All others"), Unit.RATIO, unit_from="unit", about=N_("All others together."),
            opens=OTHERS),
    ]
    difference: Annotated[
        float | None,
        col(N_("Difference"), Unit.RATIO, unit_from="changes_in",
            ends=("difference_low", "difference_high")),
    ]
    difference_low: LowField
    difference_high: HighField
    p_value: Annotated[
        float | None, col(N_("p"), Kind.CHANCE, N_("With the Holm correction."))
    ]
    is_significant: SignificantField
    why: WhyField = None
    unit: Annotated[str, Hidden()]
    changes_in: Annotated[str, Hidden()]

    @property
    def named(self) -> str:
        """The segment as filters are written."""
        return where_text([Filter(dim, (value,)) for dim, value in self.segment.items()])


@dataclass(frozen=True, kw_only=True)
class Comparison(Answer):
    """Every segment beside the rest."""

    as_of: AsOfField
    currency: CurrencyField
    metric: Annotated[str, Key(N_("Its name."))]
    unit: Annotated[str, Key(N_("Of the metric."))]
    grain: Annotated[str, Key(N_("How long the periods are."))]
    period_from: Annotated[
        str | None, Key(N_("The first period that is pooled, by its first day."), name="from")
    ]
    period_to: Annotated[
        str | None, Key(N_("The last period that is pooled, by its first day."), name="to")
    ]
    alpha: AlphaField
    method: Annotated[str, Key(N_("proportions or accounts: the sampling unit of the test."))]
    additive: AdditiveField = None
    why: WhyField = None
    rows: Annotated[tuple[Compared, ...], Table(N_("Each segment compared with the others"))]

    def title(self) -> Said:
        return Said(N_("%(metric)s by segment, %(from)s to %(to)s, %(currency)s"), {
            "metric": Said(METRICS[self.metric].label), "currency": self.currency,
            "from": (self.period_from, Kind.DAY), "to": (self.period_to, Kind.DAY),
        })

    def said(self) -> tuple[Said, ...]:
        named = sorted(
            (row for row in self.rows if row.is_significant), key=lambda row: row.p_value or 0
        )
        if named:
            return tuple(_told(row) for row in named)
        if any(row.p_value is not None for row in self.rows):
            return (Said(N_("No segment differs significantly from the others.")),)
        why = self.why or next((row.why for row in self.rows if row.why), None) or ""
        return (Said(N_("No segment could be tested: %(why)s."), {"why": why}),)


def _told(row: Compared) -> Said:
    unit = Unit(row.unit)
    values: dict[str, str | Value | Said] = {
        "segment": of_segment(row.segment), "own": (row.value, unit), "rest": (row.rest, unit),
    }
    if (row.difference or 0) > 0:
        return Said(N_("Higher%(segment)s: %(own)s, %(rest)s in all others."), values)
    return Said(N_("Lower%(segment)s: %(own)s, %(rest)s in all others."), values)


@insight("value compare", needs="")
def compare(
    company: Reader, *,
    metric: MetricName,
    by: Annotated[
        str | Sequence[str], Param(N_("Split by dimensions, with commas."), metavar="DIM,…")
    ],
    start: From = None, end: To = None, grain: Grain = "month", where: Where = "",
    as_of: AsOfText = None,
) -> Comparison:
    """Which segments differ from the rest?

    A rate of each segment over the whole range beside that of all others, with intervals; a
    difference is called significant, or it is not named.
    """
    dims = dims_of(by)
    if not dims:
        raise UsageError(
            "'by' names no dimension.", hint="Such as: --by industry", parameter="by"
        )
    named = company.query(metric, grain=grain, start=start, end=end, by=dims, at=as_of)
    closed = tuple(one for one in named.periods if not named.as_of.is_open(one))
    asked = replace(named, periods=closed or named.periods[:1], filters=filters_of(where))
    made = planned(company, asked, is_by_account=True, is_ordered=False)
    top, bottom = sides_of(metric, made)
    sql = pooled_sql(made)
    rows: tuple[Compared, ...] = ()
    if closed:
        with company.seeing(asked.as_of) as engine:
            found = engine.arrow(sql)
        rows = compared(asked, made, found, (top, bottom))
    return Comparison(
        as_of=asked.as_of.at.isoformat(),
        currency=company.config.company.currency,
        metric=metric,
        unit=METRICS[metric].unit.value,
        grain=grain,
        period_from=str(closed[0].start) if closed else None,
        period_to=str(closed[-1].start) if closed else None,
        alpha=ALPHA,
        method="proportions" if metric in EVENTS else "accounts",
        additive=False if any(dim in ITEM_TRAITS for dim in dims) else None,
        why=None if rows else NOTHING if closed else NO_PERIOD,
        rows=rows,
        notes=(NO_CAUSE,) if any(row.is_significant for row in rows) else (),
        sql=sql,
    )


def sides_of(metric: str, made: Plan) -> tuple[Formula, Formula]:
    """What is above and below the line; an error where accounts do not sum to both."""
    sides = ratio_of(made.formulas[metric])
    if sides is None:
        raise NotAnsweredError(
            f"{metric} is no ratio of sums: its segments cannot be compared with the rest.",
            hint="Ask for a ratio, such as customer_churn_rate, nrr or arpa.", metric=metric,
        )
    for measure in made.measures:
        if not RELATIONS[measure.relation].has_account:
            raise NotAnsweredError(
                f"{metric} does not rest on accounts: {measure.label} belong to none.",
                hint="Ask for a ratio of accounts, such as customer_churn_rate.", metric=metric,
            )
    return sides


def pooled_sql(made: Plan) -> str:
    """SQL of rows (seg…, account_id, measures), one an account and segment, summed over periods."""
    keys = [*(f"seg{place}" for place in range(len(made.query.by))), "account_id"]
    sums = ", ".join(
        f"CAST(SUM({measure.name}) AS HUGEINT) AS {measure.name}" for measure in made.measures
    )
    order = ", ".join(f"{key} NULLS FIRST" for key in keys)
    listed = ", ".join(keys)
    return (
        f"SELECT {listed}, {sums}\nFROM ({made.sql}) by_account\nGROUP BY {listed}\n"
        f"ORDER BY {order}"
    )


def compared(
    asked: Query, made: Plan, found: Any, sides: tuple[Formula, Formula]
) -> tuple[Compared, ...]:
    """Every segment beside the others.

    Parameters
    ----------
    found : pyarrow.Table
        The answer of `pooled_sql`, in its order.
    """
    import numpy as np

    (metric,) = asked.metrics
    columns = found.select([f"seg{place}" for place in range(len(asked.by))]).to_pydict()
    keys = list(zip(*columns.values(), strict=True))
    tops, bottoms = (_amounts(side, made, found) for side in sides)
    # Rows come by segment: each begins where the key differs from that of the row before.
    begins = [place for place, key in enumerate(keys) if not place or key != keys[place - 1]]
    parts: dict[tuple[str | None, ...], Any] = {}
    for begin, end in zip(begins, [*begins[1:], len(keys)], strict=True):
        own = np.array([tops[begin:end], bottoms[begin:end]])
        counted = own[:, own[1] != 0]
        if counted.size:
            parts[keys[begin]] = counted
    segments = sorted(parts, key=lambda values: tuple(
        order_of(dim, value) for dim, value in zip(asked.by, values, strict=True)
    ))
    if not segments:
        return ()
    ordered = [parts[values] for values in segments]
    if metric in EVENTS:
        rows = _proportions(asked, segments, ordered)
    else:
        rows = _ratios(asked, segments, ordered)
    return _corrected(rows)


def _amounts(side: Formula, made: Plan, found: Any) -> Any:
    """What each account adds to a side; 0 where that is unknown."""
    import numpy as np

    if isinstance(side, Measure):
        # Hundreds of thousands of accounts need no fractions: one division, rounded once.
        return _whole(found, side) / side.scale
    names = list(dict.fromkeys(measure.name for measure in side.measures()))
    columns = [found.column(name).to_pylist() for name in names]
    return np.array([
        float(base.evaluate(side, {
            name: None if value is None else int(value)
            for name, value in zip(names, values, strict=True)
        }) or 0)
        for values in zip(*columns, strict=True)
    ], dtype=float)


def _whole(found: Any, measure: Measure) -> Any:
    """A measure of each account, as integers; 0 where it is unknown."""
    import numpy as np

    column = found.column(measure.name)
    if column.null_count == len(column):
        return np.zeros(len(column))
    filled = column.fill_null(0)
    try:
        return filled.cast("int64").to_numpy()
    except ValueError:
        # One account alone beyond 64 bits: as exact as a division of large integers is.
        return np.array([int(value) for value in filled.to_pylist()], dtype=object)


def _units(metric: str) -> dict[str, str]:
    unit = METRICS[metric].unit
    return {
        "unit": unit.value,
        "changes_in": Kind.POINTS.value if unit is Unit.PERCENT else unit.value,
    }


def _why(own: int, rest: int) -> str | None:
    if not rest:
        return NO_OTHERS
    return TOO_FEW.format(count=MIN_COMPARED) if min(own, rest) < MIN_COMPARED else None


def _segment(asked: Query, values: Sequence[str | None]) -> Mapping[str, str | None]:
    return dict(zip(asked.by, values, strict=True))


def _proportions(
    asked: Query, segments: Sequence[tuple[str | None, ...]], parts: Sequence[Any]
) -> list[Compared]:
    counts = [(round(part[0].sum()), round(part[1].sum()), part.shape[1]) for part in parts]
    events, trials, accounts = (sum(column) for column in zip(*counts, strict=True))
    rows = []
    for values, (own_events, own_trials, own_accounts) in zip(segments, counts, strict=True):
        own = proportions.share(own_events, own_trials)
        rest = proportions.share(events - own_events, trials - own_trials)
        why = _why(own_accounts, accounts - own_accounts)
        gap, low, high = proportions.difference(own, rest) or (None, None, None)
        rows.append(Compared(
            segment=_segment(asked, values), accounts=own_accounts, value=own.value, low=own.low,
            high=own.high, rest=rest.value, difference=gap, difference_low=low,
            difference_high=high, is_significant=False, why=why,
            p_value=None if why else proportions.different_by_chance(own, rest),
            **_units(asked.metrics[0]),
        ))
    return rows


def _ratios(
    asked: Query, segments: Sequence[tuple[str | None, ...]], parts: Sequence[Any]
) -> list[Compared]:
    import numpy as np

    sizes = [part.shape[1] for part in parts]
    whole = np.concatenate(parts, axis=1)
    p_values = clusters.chances(whole[0], whole[1], sizes) if len(parts) > 1 else [1.0]
    rows, first = [], 0
    for values, part, size, chance in zip(segments, parts, sizes, p_values, strict=True):
        others = np.delete(whole, np.s_[first:first + size], axis=1)
        first += size
        own, rest = clusters.ratio(*part), clusters.ratio(*others)
        why = _why(size, others.shape[1])
        low, high = own.interval() if own else (None, None)
        gap = clusters.difference(own, rest) if own and rest else (None, None, None)
        below = float(part[1].sum())
        rows.append(Compared(
            segment=_segment(asked, values), accounts=size,
            value=float(part[0].sum()) / below if below else None, low=low, high=high,
            rest=rest.value if rest else None, difference=gap[0], difference_low=gap[1],
            difference_high=gap[2], p_value=None if why else chance, is_significant=False, why=why,
            **_units(asked.metrics[0]),
        ))
    return rows


def _corrected(rows: Sequence[Compared]) -> tuple[Compared, ...]:
    tested = [row.p_value for row in rows if row.p_value is not None]
    raised = iter(adjusted(tested))
    found = []
    for row in rows:
        p_value = None if row.p_value is None else next(raised)
        found.append(replace(
            row, p_value=p_value, is_significant=p_value is not None and p_value <= ALPHA,
        ))
    return tuple(found)
