"""Which metrics went together, at once or some months later: never which caused which.

Pairs of monthly metrics, as differences from month to month, by Spearman's rank correlation at
each lag in both directions. The correction covers every pair at every lag. Pairs that are computed
from the same rows are left out: they go together by how they are made, and `value tree` says how.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Annotated

from staycurve.errors import NotAnsweredError, UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AlphaField,
    Answer,
    AsOfField,
    Hidden,
    Key,
    Kind,
    Row,
    Said,
    SignificantField,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.lagged import (
    LEAST_MONTHS,
    Lagged,
    corrected,
    differences,
    lagged,
)
from staycurve.insights.statistics.proportions import ALPHA
from staycurve.insights.value.measured import planned
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.filters import filters_of
from staycurve.metrics.query import Query
from staycurve.metrics.relations import RELATIONS
from staycurve.period import Period, period_of, periods_between

WATCHED = (
    "nps", "csat", "fcr", "response_rate", "active_accounts", "stickiness", "activation_rate",
    "time_to_first_value", "trial_conversion_rate", "lead_rate", "visits",
    "acquisition_retention_ratio", "customer_churn_rate", "gross_revenue_churn", "nrr",
    "upgrade_rate", "new_mrr", "arpa",
)
"""What is compared where no metrics are named: each more raises the bar for all others."""

MOST_LAG = 12
OWN_ROWS = ("trials", "nps_answers", "answers")
"""Relations that share a table with others and none of its rows: trials bill nothing."""

TOO_FEW = N_("fewer than {count} months in which both changed from the month before")
STILL = N_("one of the two never changed")
NO_MONTH = N_("no month has closed")
NO_PAIR = N_("no two metrics that rest on different rows are known by month")
NO_VALUES = N_("no value in any month")
NO_CAUSE = N_(
    "What went together need not have caused one another: both may follow something else, such as "
    "the season."
)


@dataclass(frozen=True, kw_only=True)
class AtLag(Row):
    """One pair at one lag."""

    lag: Annotated[int, Key(N_("Months by which the second comes later; below 0 it comes first."))]
    correlation: Annotated[float | None, Key(N_("Spearman's rank correlation of the changes."))]
    months: Annotated[int, Key(N_("Months that it rests on."))]
    p_value: Annotated[float | None, Key(N_("With the Holm correction over all pairs and lags."))]


@dataclass(frozen=True, kw_only=True)
class Pair(Row):
    """Two metrics at the lag at which they went together most clearly."""

    first: Annotated[str, Key(N_("The metric that comes first; of lag 0 either."))]
    second: Annotated[str, Key(N_("The other one."))]
    first_label: Annotated[str, col(N_("Metric"))]
    second_label: Annotated[str, col(N_("And"))]
    lag: Annotated[
        int | None, col(N_("Months later"), Unit.COUNT, N_("By which the second one follows."))
    ]
    correlation: Annotated[
        float | None,
        col(N_("Correlation"), Unit.RATIO,
            N_("Spearman's rank correlation of the changes from month to month.")),
    ]
    months: Annotated[int, col(N_("Months"), Unit.COUNT, N_("That it rests on."))]
    p_value: Annotated[
        float | None,
        col(N_("p"), Kind.CHANCE, N_("With the Holm correction over all pairs and lags.")),
    ]
    is_significant: SignificantField
    lags: Annotated[tuple[AtLag, ...], Key(N_("The same pair at every lag."), is_in_csv=False)]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class LeftOut(Row):
    """A metric that was not compared."""

    metric: Annotated[str, Key(N_("Its name."))]
    label: Annotated[str, col(N_("Metric"))]
    reason: Annotated[str, col(N_("Why"))]


@dataclass(frozen=True, kw_only=True)
class Correlations(Answer):
    """Pairs of metrics, those that went together most clearly first."""

    as_of: AsOfField
    period_from: Annotated[str | None, Key(N_("The first month, by its first day."), name="from")]
    period_to: Annotated[str | None, Key(N_("The last month, by its first day."), name="to")]
    months: Annotated[int, Key(N_("Months that have closed and are looked at."))]
    tests: Annotated[int, Key(N_("Pairs × lags that were tested and are corrected for."))]
    alpha: AlphaField
    why: WhyField = None
    rows: Annotated[tuple[Pair, ...], Table(N_("Pairs of metrics"))]
    left_out: Annotated[tuple[LeftOut, ...], Table(N_("Not compared"))]
    ends: Annotated[tuple[dt.date | None, dt.date | None], Hidden()]

    def title(self) -> Said:
        if self.ends[0] is None:
            return Said(N_("Metrics that went together"))
        return Said(N_("Metrics that went together, %(from)s to %(to)s"), {
            "from": (self.ends[0], Kind.MONTH), "to": (self.ends[1], Kind.MONTH),
        })

    def said(self) -> tuple[Said, ...]:
        named = [row for row in self.rows if row.is_significant]
        if named:
            return tuple(_told(row) for row in named)
        if self.tests:
            tested = {"tests": (self.tests, Unit.COUNT)}
            return (Said(N_("No two metrics went together significantly, of %(tests)s pairs and "
                            "lags that were tested."), tested),)
        why = self.why or next((row.why for row in self.rows if row.why), None) or ""
        return (Said(N_("Nothing could be tested: %(why)s."), {"why": why}),)


def _told(row: Pair) -> Said:
    values: dict[str, str | Value | Said] = {
        "first": Said(row.first_label), "second": Said(row.second_label),
        "lag": (row.lag, Unit.COUNT), "months": (row.months, Unit.COUNT),
        "own": (row.correlation, Unit.RATIO),
    }
    is_same = (row.correlation or 0) > 0
    if not row.lag:
        return Said(
            N_("%(first)s and %(second)s went together in the same month: correlation %(own)s over "
               "%(months)s months.") if is_same else
            N_("%(first)s and %(second)s went opposite ways in the same month: correlation %(own)s "
               "over %(months)s months."), values,
        )
    return Said(
        N_("%(second)s went the way of %(first)s %(lag)s months later: correlation %(own)s over "
           "%(months)s months.") if is_same else
        N_("%(second)s went against %(first)s %(lag)s months later: correlation %(own)s over "
           "%(months)s months."), values,
    )


@insight("value correlations", needs="")
def correlations(
    company: Reader, *,
    metrics: Annotated[
        str, Param(N_("The metrics that are compared, with commas; without it those that say how "
                      "customers fare."), metavar="METRIC,…")
    ] = "",
    months: Annotated[
        int | None, Param(N_("How many closed months are looked at; all without it."), least=2,
                          most=600, metavar="N"),
    ] = None,
    lag: Annotated[
        int, Param(N_("How many months later at most."), least=0, most=MOST_LAG, metavar="N")
    ] = 6,
    where: Where = "", as_of: AsOfText = None,
) -> Correlations:
    """Which metrics went together, at once or some months later?

    Changes from month to month by Spearman's rank correlation, at each lag in both directions,
    with the number of months and a p-value that is corrected for all pairs and lags. Never called
    causes.
    """
    names = _named(metrics)
    seen = company.as_of(as_of)
    closed = _closed(company, names, months, as_of)
    if not closed:
        return _answer(company, as_of, closed, (), (), 0, why=NO_MONTH)
    refused: dict[str, str] = {}
    query = Query((), "month", tuple(closed), seen, (), filters_of(where))
    for name in names:
        try:
            planned(company, replace(query, metrics=(name,)))
        except NotAnsweredError as error:
            # One that cannot be cut this way, or is not known by month, leaves the others.
            refused[name] = error.message
    series = _series(company, query, [name for name in names if name not in refused])
    for name, own in series.items():
        if all(value is None for value in own):
            refused[name] = NO_VALUES
    kept = [name for name in names if name not in refused]
    pairs = [(a, b) for a, b in combinations(kept, 2) if not kin(a) & kin(b)]
    rows, tests = paired({name: differences(series[name]) for name in kept}, pairs, lag)
    left = tuple(
        LeftOut(metric=name, label=METRICS[name].label, reason=why)
        for name, why in refused.items()
    )
    return _answer(company, as_of, closed, rows, left, tests, why=None if pairs else NO_PAIR)


def _named(metrics: str) -> list[str]:
    names = [one.strip() for one in metrics.split(",") if one.strip()] or list(WATCHED)
    for name in names:
        METRICS[name]
    found = list(dict.fromkeys(names))
    if len(found) < 2:
        raise UsageError(
            "One metric goes together with none.", hint="Name two or more, with commas.",
            parameter="metrics",
        )
    return found


def kin(metric: str) -> set[str]:
    """What rows a metric rests on: two that share some go together by how they are computed."""
    return {
        measure.relation if measure.relation in OWN_ROWS else RELATIONS[measure.relation].base
        for measure in METRICS[metric].measures()
    }


def _closed(
    company: Reader, names: Sequence[str], months: int | None, as_of: str | None
) -> list[Period]:
    """The months that have closed, from the first with data of any of the metrics on."""
    seen, first = company.as_of(as_of), company.first_day(names)
    if first is None or first > seen.last_day:
        return []
    every = periods_between(
        period_of(first, "month").start, period_of(seen.last_day, "month").start, "month",
        company.config.company.fiscal_year_start,
    )
    closed = [one for one in every if not seen.is_open(one)]
    return closed[-months:] if months else closed


def _series(
    company: Reader, query: Query, names: Sequence[str]
) -> dict[str, list[float | None]]:
    if not names:
        return {}
    places = {str(one.start): place for place, one in enumerate(query.periods)}
    found: dict[str, list[float | None]] = {
        name: [None] * len(query.periods) for name in names
    }
    for row in company.answer(replace(query, metrics=tuple(names))).rows:
        found[row["metric"]][places[row["period"]]] = row["value"]
    return found


def paired(
    changes: Mapping[str, Sequence[float | None]], pairs: Sequence[tuple[str, str]], lag: int
) -> tuple[tuple[Pair, ...], int]:
    """Every pair at its clearest lag, and how many tests there were.

    Parameters
    ----------
    changes : mapping
        Metric → its changes from month to month.
    lag : int
        The most months that one comes after the other.
    """
    lags = range(-lag, lag + 1)
    found = [
        [_either(changes[a], changes[b], own) for own in lags] for a, b in pairs
    ]
    raised = corrected(found)
    rows = [
        _pair(pair, own, p_values)
        for pair, own, p_values in zip(pairs, found, raised, strict=True)
    ]
    rows.sort(key=lambda row: (
        row.p_value is None, row.p_value or 0, -abs(row.correlation or 0), row.first, row.second,
    ))
    tests = sum(one.chance is not None for own in found for one in own)
    return tuple(rows), tests


def _either(first: Sequence[float | None], second: Sequence[float | None], lag: int) -> Lagged:
    """At a lag below 0 the second comes first."""
    if lag >= 0:
        return lagged(first, second, lag)
    return replace(lagged(second, first, -lag), lag=lag)


def _pair(
    names: tuple[str, str], found: Sequence[Lagged], p_values: Sequence[float | None]
) -> Pair:
    best = min(
        range(len(found)),
        key=lambda place: (
            found[place].chance is None, found[place].chance or 0,
            -abs(found[place].correlation or 0), abs(found[place].lag), found[place].lag,
        ),
    )
    own, p_value = found[best], p_values[best]
    # Whoever comes first is named first.
    turned = -1 if own.lag < 0 else 1
    first, second = names[::turned]
    why = None
    if p_value is None:
        why = STILL if own.months >= LEAST_MONTHS else TOO_FEW.format(count=LEAST_MONTHS)
    at = [
        AtLag(lag=turned * one.lag, correlation=one.correlation, months=one.months, p_value=chance)
        for one, chance in zip(found, p_values, strict=True)
    ]
    return Pair(
        first=first, second=second, first_label=METRICS[first].label,
        second_label=METRICS[second].label,
        lag=None if own.correlation is None else turned * own.lag, correlation=own.correlation,
        months=own.months, p_value=p_value,
        is_significant=p_value is not None and p_value <= ALPHA,
        lags=tuple(sorted(at, key=lambda one: one.lag)), why=why,
    )


def _answer(
    company: Reader, as_of: str | None, closed: Sequence[Period], rows: tuple[Pair, ...],
    left: tuple[LeftOut, ...], tests: int, *, why: str | None,
) -> Correlations:
    first, last = (closed[0].start, closed[-1].start) if closed else (None, None)
    return Correlations(
        as_of=company.as_of(as_of).at.isoformat(),
        period_from=str(first) if first else None, period_to=str(last) if last else None,
        months=len(closed), tests=tests, alpha=ALPHA, why=why, rows=rows, left_out=left,
        ends=(first, last),
        notes=(NO_CAUSE,) if any(row.is_significant for row in rows) else (),
    )
