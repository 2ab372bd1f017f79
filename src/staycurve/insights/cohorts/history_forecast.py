"""The forecast of an open quarter's share from history, and its record.

The forecast starts from what stands on the last day that is seen. Of the standing MRR of older
accounts the part is expected at the close that was still there at the close of the last four
quarters, from the same day of the quarter on. To the standing MRR of this quarter's new accounts
is added what the last four quarters added on average after that day.

Its record: the same forecast from the same day of each earlier quarter, with the quarters before it
alone, beside the naive forecast that the share stays that of the quarter before.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import Key, Kind, Row, Segment, WhyField, col
from staycurve.metrics.base import Unit
from staycurve.period import Period

TRAINED_ON = 4
"""Quarters that a forecast learns from: a year, so that each season is in it once."""

INTERVAL = 0.8
"""The chance that the interval is meant to hold the share.

With n earlier forecasts the interval is as wide as the k-th smallest of their n errors, where k is
(n + 1) × 0.8 rounded up. So four are enough; 0.95 would need nineteen quarters.
"""

TOO_FEW = N_("a forecast needs {count} closed quarters after the first one; there are {found}")
NO_RECORD = N_("an interval needs a backtest of {count} quarters; there are {found}")
NOTHING_STANDS = N_("there is no MRR to forecast from")
NOT_BETTER = N_(
    "The forecast does not beat the naive forecast: in a backtest over {count} quarters its mean "
    "error was {own} points, that of the last quarter's share {plain}."
)


@dataclass(frozen=True)
class Quarter:
    """One quarter's MRR in micro-units, on the day of the forecast and at the close.

    Attributes
    ----------
    old_then, new_then : int
        Of accounts from earlier quarters, and of those that first paid in this one.
    old, new : int, optional
        At the close; None where it has not closed.
    """

    period: Period
    old_then: int
    new_then: int
    old: int | None
    new: int | None

    @property
    def share(self) -> float | None:
        """Share from history at the close."""
        if self.old is None or self.new is None or self.old + self.new == 0:
            return None
        return self.old / (self.old + self.new)


@dataclass(frozen=True)
class Tried(Row):
    """A forecast of a quarter that has closed since, made from what was known before."""

    period: Annotated[dt.date, col(N_("Quarter"), Kind.DAY)]
    forecast: Annotated[float, col(N_("Forecast"), Unit.PERCENT)]
    actual: Annotated[float, col(N_("Share"), Unit.PERCENT)]
    plain: Annotated[
        float, col(N_("Naive forecast"), Unit.PERCENT, N_("The share of the quarter before."))
    ]


@dataclass(frozen=True, kw_only=True)
class Forecast(Row):
    """The share that the open quarter is expected to close with, and the forecast's record."""

    period: Annotated[dt.date, col(N_("Quarter"), Kind.DAY)]
    grain: Annotated[str, Key(N_("Always quarter."))] = "quarter"
    segment: Segment
    from_day: Annotated[
        dt.date, col(N_("From"), Kind.DAY, N_("The last day that the forecast rests on."))
    ]
    value: Annotated[
        float | None, col(N_("Forecast"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: Annotated[float | None, Key(N_("The lower end of its interval."))]
    high: Annotated[float | None, Key(N_("The upper end of its interval."))]
    interval: Annotated[
        float, Key(N_("The chance that the interval is meant to hold the share."))
    ] = INTERVAL
    plain: Annotated[
        float | None,
        col(N_("Naive forecast"), Unit.PERCENT, N_("The last closed quarter's share.")),
    ]
    beats_plain: Annotated[
        bool | None,
        col(N_("Beats it"), Kind.FLAG,
            N_("Whether its mean error is smaller; empty without a backtest.")),
    ]
    error: Annotated[
        float | None,
        col(N_("Mean error"), Unit.PERCENT, N_("Mean absolute error in the backtest.")),
    ]
    plain_error: Annotated[
        float | None, col(N_("Naive forecast, mean error"), Unit.PERCENT)
    ]
    backtest: Annotated[
        tuple[Tried, ...], Key(N_("Backtest: the same forecast for earlier quarters."))
    ]
    why: WhyField = None
    why_no_interval: Annotated[
        str | None, Key(N_("Why there is no interval."), is_omitted=True)
    ] = None
    note: Annotated[
        str | None, Key(N_("Caveats."), is_omitted=True)
    ] = None


def expected(quarter: Quarter, before: Sequence[Quarter]) -> float | None:
    """The share that a quarter will close with, from its day and the quarters before it.

    None with fewer than TRAINED_ON quarters that had something to keep, or nothing to start from.
    """
    known = [q for q in before if q.old_then > 0 and q.old is not None and q.new is not None]
    recent = known[-TRAINED_ON:]
    if len(recent) < TRAINED_ON:
        return None
    kept = sum(q.old or 0 for q in recent) / sum(q.old_then for q in recent)
    added = sum((q.new or 0) - q.new_then for q in recent) / len(recent)
    old, new = quarter.old_then * kept, max(quarter.new_then + added, 0.0)
    return old / (old + new) if old + new > 0 else None


def tried(series: Sequence[Quarter]) -> list[Tried]:
    """The forecast of every closed quarter that could be made, each from the quarters before it."""
    found = []
    for place, quarter in enumerate(series):
        value, plain = quarter.share, series[place - 1].share if place else None
        guess = expected(quarter, series[:place])
        if value is not None and plain is not None and guess is not None:
            found.append(Tried(quarter.period.start, guess, value, plain))
    return found


def half_width(errors: Sequence[float]) -> float | None:
    """How far the interval reaches to either side: a quantile of earlier absolute errors.

    None with too few of them.

    References
    ----------
    Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World, ch. 2: the rank, from
    errors that are exchangeable.
    """
    rank = math.ceil((len(errors) + 1) * INTERVAL)
    return sorted(errors)[rank - 1] if rank <= len(errors) else None


def forecast(
    segment: Mapping[str, str | None], series: Sequence[Quarter], last_day: dt.date
) -> Forecast:
    """The open quarter's share, its interval and its record.

    Parameters
    ----------
    series : sequence of Quarter
        In order; the last is the open one.
    last_day : date
        The last day that is seen.
    """
    current, before = series[-1], series[:-1]
    record = tried(before)
    value = expected(current, before)
    errors = [abs(t.forecast - t.actual) for t in record]
    reach = half_width(errors)
    usable = sum(q.old_then > 0 for q in before)
    why = why_no_interval = None
    if value is None:
        why = NOTHING_STANDS
        if usable < TRAINED_ON:
            why = TOO_FEW.format(count=TRAINED_ON, found=usable)
    elif reach is None:
        needed = next(n for n in range(1, 100) if math.ceil((n + 1) * INTERVAL) <= n)
        why_no_interval = NO_RECORD.format(count=needed, found=len(record))
    low = high = None
    if value is not None and reach is not None:
        low, high = max(0.0, value - reach), min(1.0, value + reach)
    error = sum(errors) / len(errors) if errors else None
    plain_error = sum(abs(t.plain - t.actual) for t in record) / len(record) if record else None
    beats_plain = None if error is None or plain_error is None else error < plain_error
    return Forecast(
        segment=segment,
        period=current.period.start,
        from_day=min(last_day, current.period.end - dt.timedelta(days=1)),
        value=value,
        low=low,
        high=high,
        plain=before[-1].share if before else None,
        beats_plain=beats_plain,
        error=error,
        plain_error=plain_error,
        backtest=tuple(record),
        why=why,
        why_no_interval=why_no_interval,
        note=None if beats_plain is not False else NOT_BETTER.format(
            count=len(record), own=f"{(error or 0) * 100:.1f}",
            plain=f"{(plain_error or 0) * 100:.1f}",
        ),
    )
