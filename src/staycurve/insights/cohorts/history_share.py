"""Share from history by quarter: year over year, and forecast for the quarter that is open.

The share is the metric `share_from_history`: the part of a quarter's closing MRR that comes from
accounts which first paid in an earlier quarter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AdditiveField,
    Answer,
    AsOfField,
    CurrencyField,
    Key,
    Kind,
    Row,
    Said,
    Segment,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.cohorts.history_forecast import Forecast, Quarter, forecast
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.asking import first_paid_on, question_of, seeing
from staycurve.insights.shared.members import NOBODY, Question, Segment as Values
from staycurve.insights.shared.params import AsOfText, By, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.saying import of_segment
from staycurve.metrics.base import Unit
from staycurve.metrics.dimensions import FIRSTS_SQL
from staycurve.metrics.mrr_relations import history_rows
from staycurve.metrics.query import STILL_OPEN
from staycurve.money import major
from staycurve.period import Period, periods_between

FIRST_YEAR = N_("there is no quarter four earlier")
FROM_NOTHING = N_("the quarter four earlier was the first, in which nothing can come from history")
NO_MRR = N_("division by zero: no MRR at the close")
NO_SHARE = N_("this quarter has no share to compare")


@dataclass(frozen=True, kw_only=True)
class ShareRow(Row):
    """One quarter's share from history."""

    period: Annotated[dt.date, col(N_("Quarter"), Kind.DAY)]
    grain: Annotated[str, Key(N_("Always quarter."))] = "quarter"
    segment: Segment
    value: Annotated[float | None, col(N_("Share"), Unit.PERCENT)]
    open: Annotated[bool, Key(N_("Whether the quarter has not closed: it has no value yet."))]
    history_mrr: Annotated[
        float | None,
        col(N_("From history"), Unit.MONEY, N_("Of accounts that first paid in an earlier one.")),
    ]
    mrr: Annotated[float | None, col(N_("Closing MRR"), Unit.MONEY)]
    year_over_year: Annotated[
        float | None,
        col(N_("Year over year"), Kind.POINTS,
            N_("The share less that of the quarter four earlier, in points."),
            why="why_no_year"),
    ]
    why: WhyField = None
    why_no_year: Annotated[
        str | None, Key(N_("Why it is not compared with a year earlier."), is_omitted=True)
    ] = None


@dataclass(frozen=True, kw_only=True)
class HistoryShare(Answer):
    """Share from history of every quarter, and the forecast of the open one."""

    as_of: AsOfField
    currency: CurrencyField
    additive: AdditiveField = None
    why: WhyField = None
    forecasts: Annotated[tuple[Forecast, ...], Table(N_("Forecast of the open quarter"))]
    rows: Annotated[tuple[ShareRow, ...], Table(N_("Share from history by quarter"))]

    def said(self) -> tuple[Said, ...]:
        return tuple(_told(one) for one in self.forecasts)


def _told(one: Forecast) -> Said:
    values: dict[str, str | Value | Said] = {
        "quarter": (one.period, Kind.DAY), "segment": of_segment(one.segment),
        "why": one.why or one.why_no_interval or "", "share": (one.value, Unit.PERCENT),
        "low": (one.low, Unit.PERCENT), "high": (one.high, Unit.PERCENT),
        "level": f"{one.interval:.0%}", "count": (len(one.backtest), Unit.COUNT),
        "error": f"{(one.error or 0) * 100:.1f}", "plain": f"{(one.plain_error or 0) * 100:.1f}",
    }
    if one.value is None:
        text = N_("No forecast for the quarter from %(quarter)s%(segment)s: %(why)s.")
    elif one.low is None:
        text = N_("Forecast for the quarter from %(quarter)s%(segment)s: %(share)s, without an "
                  "interval: %(why)s.")
    elif one.beats_plain is False:
        text = N_("Forecast for the quarter from %(quarter)s%(segment)s: %(share)s, %(level)s "
                  "interval %(low)s to %(high)s. It does not beat the naive forecast: in a "
                  "backtest over %(count)s quarters its mean error was %(error)s points, that of "
                  "the last quarter's share %(plain)s.")
    else:
        text = N_("Forecast for the quarter from %(quarter)s%(segment)s: %(share)s, %(level)s "
                  "interval %(low)s to %(high)s. In a backtest over %(count)s quarters its "
                  "mean error was %(error)s points, that of the last quarter's share %(plain)s.")
    return Said(text, values)


@insight("cohorts history", comes_from="/cohorts#history")
def history(
    company: Reader, *, by: By = "", where: Where = "", as_of: AsOfText = None
) -> HistoryShare:
    """How much of each quarter's MRR comes from accounts that first paid in an earlier one?

    Share from history by quarter, year over year, and a forecast for the open quarter.
    """
    asked = question_of(company, by, where, as_of)
    with seeing(company, asked) as engine:
        first = first_paid_on(engine, asked)
        if first is None:
            return nothing_read(asked)
        periods = quarters(asked, first)
        sql = statement(asked, periods)
        return history_share(asked, engine.rows(sql), periods, sql=sql)


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
    found: dict[Values, dict[tuple[dt.date, dt.date], tuple[int, int]]] = {}
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
        additive=None if question.is_additive else False,
        sql=sql,
    )


def nothing_read(question: Question) -> HistoryShare:
    """The answer where nobody has paid yet."""
    return HistoryShare(
        as_of=question.as_of.at.isoformat(),
        currency=question.config.company.currency,
        additive=None if question.is_additive else False,
        why=NOBODY,
        forecasts=(),
        rows=(),
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
                period=quarter.period.start,
                segment=segment,
                value=value,
                open=is_open,
                history_mrr=major(quarter.old),
                mrr=major(
                    None if quarter.old is None or quarter.new is None
                    else quarter.old + quarter.new
                ),
                year_over_year=gap,
                why=why,
                why_no_year=(
                    None if gap is not None or is_open else _why_no_year(place, earlier)
                ),
            )
        )
    return rows


def _why_no_year(place: int, earlier: float | None) -> str:
    if place < 4:
        return FIRST_YEAR
    return FROM_NOTHING if place == 4 else NO_MRR if earlier is None else NO_SHARE
