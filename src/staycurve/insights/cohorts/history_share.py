"""Share from history by quarter: year over year, and forecast for the quarter that is open.

The share is the metric `share_from_history`: the part of a quarter's closing MRR that comes from
accounts which first paid in an earlier quarter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.cohorts.cohort_members import NOBODY, Question, Segment, segs_of
from staycurve.insights.cohorts.history_forecast import Forecast, Quarter, forecast
from staycurve.metrics.dimensions import FIRSTS_SQL
from staycurve.metrics.mrr_relations import history_rows
from staycurve.metrics.query import STILL_OPEN
from staycurve.money import MICRO
from staycurve.period import Period, periods_between

FIRST_YEAR = N_("there is no quarter four earlier")
FROM_NOTHING = N_("the quarter four earlier was the first, in which nothing can come from history")
NO_MRR = N_("division by zero: no MRR at the close")
NO_SHARE = N_("this quarter has no share to compare")


@dataclass(frozen=True)
class ShareRow:
    """One quarter as it is shown.

    Attributes
    ----------
    year_over_year : float, optional
        The share less that of the quarter four earlier; × 100 it is points.
    """

    segment: Mapping[str, str | None]
    period: dt.date
    is_open: bool
    value: float | None
    history_mrr: int | None
    mrr: int | None
    year_over_year: float | None
    why: str | None
    why_no_year: str | None

    def as_dict(self) -> dict[str, Any]:
        """One row as `--format json` prints it; money in major units."""
        return {
            "period": str(self.period),
            "grain": "quarter",
            "segment": dict(self.segment),
            "value": self.value,
            "open": self.is_open,
            "history_mrr": None if self.history_mrr is None else self.history_mrr / MICRO,
            "mrr": None if self.mrr is None else self.mrr / MICRO,
            "year_over_year": self.year_over_year,
            **({"why": self.why} if self.why else {}),
            **({"why_no_year": self.why_no_year} if self.why_no_year else {}),
        }


@dataclass(frozen=True)
class HistoryShare:
    """Share from history of every quarter, and the forecast of the open one."""

    as_of: str
    currency: str
    rows: tuple[ShareRow, ...]
    forecasts: tuple[Forecast, ...]
    is_additive: bool
    sql: str = field(repr=False, default="")
    why: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "currency": self.currency,
            **({} if self.is_additive else {"additive": False}),
            **({"why": self.why} if self.why else {}),
            "forecasts": [forecast.as_dict() for forecast in self.forecasts],
            "rows": [row.as_dict() for row in self.rows],
        }


def quarters(question: Question, first_paid_on: dt.date) -> list[Period]:
    """From the quarter of the first payment to the current one.

    Where a quarter has closed with the as-of, the current one is the next: none of it is seen yet.
    """
    fiscal = question.config.company.fiscal_year_start
    found = periods_between(first_paid_on, question.as_of.last_day, "quarter", fiscal)
    return found if question.as_of.is_open(found[-1]) else [*found, found[-1].next(fiscal)]


_DAY = dt.timedelta(days=1)


def _then(period: Period, days: int) -> dt.date:
    """The day of a quarter as many days after its opening; the day before it for none."""
    return min(period.start + (days - 1) * _DAY, period.end - _DAY)


def _days_seen(question: Question, current: Period) -> int:
    return max(0, (question.as_of.last_day - current.start).days + 1)


def statement(question: Question, periods: Sequence[Period]) -> str:
    """SQL of rows (start_on, point_on, seg…, history, total), money in micro-units."""
    days = _days_seen(question, periods[-1])
    points = [
        (period.start, point)
        for period in periods
        for point in dict.fromkeys((_then(period, days), period.end - _DAY))
        if point <= question.as_of.last_day
    ]
    rows = ", ".join(f"(DATE '{start}', DATE '{point}')" for start, point in points)
    context, segs = question.context, segs_of(question)
    order = "".join(f"seg{place} NULLS FIRST, " for place in range(len(question.by)))
    return f"""WITH periods AS (SELECT * FROM (VALUES {rows}) AS v(start_on, close_on)),
firsts AS ({FIRSTS_SQL}),
{question.context.segment_ctes}{context.shared()}standing AS ({history_rows(context)})
SELECT start_on, point_on{segs}, CAST(SUM(is_from_history * value) AS HUGEINT) AS history,
       CAST(SUM(value) AS HUGEINT) AS total
FROM standing
WHERE {context.where()}
GROUP BY start_on, point_on{segs}
ORDER BY {order}start_on, point_on"""


def history_share(
    question: Question,
    answer: Iterable[Sequence[Any]],
    periods: Sequence[Period],
    *,
    sql: str = "",
) -> HistoryShare:
    """What the statement's answer says: a row for each quarter, and a forecast for each segment."""
    found: dict[Segment, dict[tuple[dt.date, dt.date], tuple[int, int]]] = {}
    for start, point, *rest in answer:
        values, (history, total) = tuple(rest[:-2]), rest[-2:]
        found.setdefault(values, {})[start, point] = (history, total - history)
    if not question.by:
        found.setdefault((), {})
    rows: list[ShareRow] = []
    forecasts: list[Forecast] = []
    for values in sorted(found, key=question.order):
        series = _series(question, found[values], periods)
        segment = question.segment(values)
        rows += _rows(question, segment, series)
        forecasts.append(forecast(segment, series, question.as_of.last_day))
    return HistoryShare(
        as_of=question.as_of.at.isoformat(),
        currency=question.config.company.currency,
        rows=tuple(rows),
        forecasts=tuple(forecasts),
        is_additive=question.is_additive,
        sql=sql,
    )


def nothing_read(question: Question) -> HistoryShare:
    """The answer where nobody has paid yet."""
    return HistoryShare(
        question.as_of.at.isoformat(), question.config.company.currency, (), (),
        question.is_additive, why=NOBODY,
    )


def _series(
    question: Question,
    found: Mapping[tuple[dt.date, dt.date], tuple[int, int]],
    periods: Sequence[Period],
) -> list[Quarter]:
    days = _days_seen(question, periods[-1])
    series = []
    for period in periods:
        then = found.get((period.start, _then(period, days)), (0, 0))
        close: tuple[int, int] | tuple[None, None] = (None, None)
        if not question.as_of.is_open(period):
            close = found.get((period.start, period.end - _DAY), (0, 0))
        series.append(Quarter(period, *then, *close))
    return series


def _rows(
    question: Question, segment: Mapping[str, str | None], series: Sequence[Quarter]
) -> list[ShareRow]:
    rows = []
    for place, quarter in enumerate(series):
        value = quarter.share
        earlier = series[place - 4].share if place > 4 else None
        is_open = quarter.old is None
        why = None if value is not None else STILL_OPEN if is_open else NO_MRR
        gap = None if value is None or earlier is None else value - earlier
        rows.append(
            ShareRow(
                segment, quarter.period.start, is_open, value, quarter.old,
                None if quarter.old is None or quarter.new is None else quarter.old + quarter.new,
                gap, why, None if gap is not None or is_open else _why_no_year(place, earlier),
            )
        )
    return rows


def _why_no_year(place: int, earlier: float | None) -> str:
    if place < 4:
        return FIRST_YEAR
    return FROM_NOTHING if place == 4 else NO_MRR if earlier is None else NO_SHARE
