"""Where MRR or customers are heading: cohorts followed on, beside two plain forecasts.

Each cohort goes on as cohorts of its age did in the last twelve months (who stays × what they pay);
new business goes on as in the last six. How good that is, the backtest says: the same from every
past month, with what was known in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
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
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.members import NO_CLOSED_MONTH, Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.projecting import (
    LEAST_ERRORS,
    LEAST_MONTHS,
    Track,
    around,
    projected,
    tracked,
    trailing,
    widths,
)
from staycurve.insights.value.cohort_series import Closed, closed_months
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.period import Period

WHATS = ("mrr", "customers")
TOO_YOUNG = N_("a forecast needs {least} closed months; there are {count}")
NO_TRACK = N_("an interval needs {least} past errors so many months ahead; there are {count}")

What = Annotated[
    str, Param(N_("mrr or customers."), choices=WHATS, metavar="METRIC", is_argument=True)
]
Months = Annotated[int, Param(N_("How many months ahead."), least=1, most=60, metavar="N")]


@dataclass(frozen=True, kw_only=True)
class Ahead(Row):
    """One month ahead."""

    period: Annotated[dt.date, col(N_("Month"), Kind.MONTH)]
    value: Annotated[
        float,
        col(N_("Forecast"), Unit.RATIO, unit_from="unit", ends=("low", "high"),
            opens=Opens("value ahead", {"metric": "metric", "period": "period"})),
    ]
    low: LowField
    high: HighField
    trailing: Annotated[
        float,
        col(N_("Trailing growth"), Unit.RATIO, unit_from="unit",
            about=N_("Baseline: the mean growth of the last three months continues.")),
    ]
    last: Annotated[
        float,
        col(N_("Last value"), Unit.RATIO, unit_from="unit",
            about=N_("Baseline: nothing changes."),
            opens=Opens("value accounts", {
                "metric": "metric", "start": "last_period", "end": "last_period",
            }, {"grain": "month"})),
    ]
    why: WhyField = None
    unit: Annotated[str, Hidden()]


JUDGED = Opens("value backtest", {"metric": "metric", "months": "months"})


@dataclass(frozen=True, kw_only=True)
class Backtest(Row):
    """What the same forecasts from past months came to."""

    origins: Annotated[
        int, col(N_("Origins"), Unit.COUNT, N_("Past months that were begun from."), opens=JUDGED)
    ]
    mape: Annotated[
        float | None,
        col(N_("Mean error"), Unit.PERCENT, N_("Mean absolute percentage error over all months "
                                               "ahead of all origins."), opens=JUDGED),
    ]
    trailing_mape: Annotated[
        float | None, col(N_("Mean error, trailing growth"), Unit.PERCENT, opens=JUDGED)
    ]
    last_mape: Annotated[
        float | None, col(N_("Mean error, last value"), Unit.PERCENT, opens=JUDGED)
    ]
    coverage: Annotated[
        float | None,
        col(N_("Coverage"), Unit.PERCENT, N_("Share of the values that lay in the interval as it "
                                             "was known at their origin."), opens=JUDGED),
    ]
    beats_plain: Annotated[
        bool | None, col(N_("Beats both"), Kind.FLAG, N_("Its mean error is below both others."))
    ]


@dataclass(frozen=True, kw_only=True)
class Forecast(Answer):
    """The months ahead, and the track record."""

    as_of: AsOfField
    currency: CurrencyField
    metric: Annotated[str, Key(N_("mrr or customers."))]
    last_period: Annotated[dt.date | None, Key(N_("The last month that has closed."))]
    best: Annotated[
        str | None, Key(N_("value, trailing or last: which did best in the backtest."))
    ]
    why: WhyField = None
    backtest: Annotated[Backtest, Key(N_("How good it was from past months."))]
    months: Annotated[int, Hidden()] = 12
    rows: Annotated[tuple[Ahead, ...], Table(N_("The months ahead"))]
    record: Annotated[tuple[Backtest, ...], Table(N_("The track record"), is_view=True)] = ()

    def title(self) -> Said:
        return Said(N_("Forecast of %(metric)s, %(currency)s"), {
            "metric": Said(METRICS[self.metric].label), "currency": self.currency,
        })

    def said(self) -> tuple[Said, ...]:
        return sentences(self.rows, self.backtest, self.best)


def sentences(
    rows: Sequence[Ahead], backtest: Backtest, best: str | None
) -> tuple[Said, ...]:
    """The last month ahead, by the forecast that did best, and the track record."""
    if not rows:
        return ()
    end = rows[-1]
    unit = Unit(end.unit)
    values: dict[str, str | Value | Said] = {
        "month": (end.period, Kind.MONTH), "value": (end.value, unit),
        "trailing": (end.trailing, unit), "last": (end.last, unit),
        "mape": (backtest.mape, Unit.PERCENT), "origins": (backtest.origins, Unit.COUNT),
        "trailing_mape": (backtest.trailing_mape, Unit.PERCENT),
        "last_mape": (backtest.last_mape, Unit.PERCENT),
    }
    if best == "trailing":
        first = N_("The trailing growth did best so far: %(trailing)s in %(month)s.")
    elif best == "last":
        first = N_("The last value did best so far: %(last)s in %(month)s.")
    else:
        first = N_("Forecast for %(month)s: %(value)s.")
    if best is None:
        return Said(first, values), Said(N_("It has no track record yet."))
    record = N_(
        "In a backtest from %(origins)s past months the mean error was %(mape)s; that of the "
        "trailing growth was %(trailing_mape)s, that of the last value %(last_mape)s."
    )
    if best != "value":
        record = N_(
            "The forecast by cohorts, %(value)s, does not beat it: in a backtest from %(origins)s "
            "past months its mean error was %(mape)s; that of the trailing growth was "
            "%(trailing_mape)s, that of the last value %(last_mape)s."
        )
    return Said(first, values), Said(record, values)


@insight("value forecast")
def forecast(
    company: Reader, *, metric: What = "mrr", months: Months = 12, where: Where = "",
    as_of: AsOfText = None,
) -> Forecast:
    """Where is MRR heading?

    Each cohort is followed on as cohorts of its age fared (survival × expansion), beside the
    trailing growth and the last value; with the errors of all three from past months.
    """
    asked = question_on_day(company, (), where, as_of)
    closed = closed_months(company, asked, metric)
    return forecast_of(asked, closed, metric, months)


def forecast_of(asked: Question, closed: Closed, metric: str, months: int) -> Forecast:
    """The forecast from closed months."""
    count = len(closed.months)
    if count < LEAST_MONTHS:
        return Forecast(
            as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency,
            metric=metric, last_period=closed.months[-1].start if count else None,
            best=None, rows=(), backtest=record_of(None),
            why=TOO_YOUNG.format(least=LEAST_MONTHS, count=count) if count else NO_CLOSED_MONTH,
        )
    is_money = metric == "mrr"
    track = tracked(
        closed.values, closed.accounts, closed.series, months, is_money=is_money
    )
    values = projected(closed.values, closed.accounts, months, is_money=is_money)
    best = None
    if track.misses:
        named = {"model": "value", "trailing": "trailing", "last": "last"}
        # At equal errors the plain one goes first.
        best = named[min(("last", "trailing", "model"), key=lambda name: track.misses[name])]
    return Forecast(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        metric=metric,
        last_period=closed.months[-1].start,
        best=best,
        backtest=record_of(track),
        months=months,
        record=(record_of(track),) if track.misses else (),
        rows=tuple(_ahead(closed, values, track, metric)),
        sql=closed.sql,
    )


def _ahead(
    closed: Closed, values: Sequence[float], track: Track, metric: str
) -> list[Ahead]:
    halves = widths(track.errors, len(values))
    growing = trailing(closed.series, len(values))
    rows = []
    month: Period = closed.months[-1]
    for place, (value, half) in enumerate(zip(values, halves, strict=True)):
        month = month.next()
        low, high = (None, None) if half is None else around(value, half)
        known = len(track.errors.get(place + 1, ()))
        rows.append(Ahead(
            period=month.start, value=value, low=low, high=high, trailing=growing[place],
            last=closed.series[-1], unit=METRICS[metric].unit.value,
            why=NO_TRACK.format(least=LEAST_ERRORS, count=known) if half is None else None,
        ))
    return rows


def record_of(track: Track | None) -> Backtest:
    """How good forecasts from past months were; empty where none can be judged."""
    if track is None or not track.misses:
        return Backtest(
            origins=0, mape=None, trailing_mape=None, last_mape=None, coverage=None,
            beats_plain=None,
        )
    own, growing, last = (track.misses[name] for name in ("model", "trailing", "last"))
    return Backtest(
        origins=track.origins, mape=own, trailing_mape=growing, last_mape=last,
        coverage=track.coverage, beats_plain=own < min(growing, last),
    )
