"""The figures on top of the page at /cohorts, and the share of revenue from history."""

from __future__ import annotations

import datetime as dt
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.cohorts.cohort_churn import churn
from staycurve.insights.cohorts.cohort_retention import Trend, retention as asked_retention
from staycurve.insights.cohorts.history_forecast import Forecast
from staycurve.insights.cohorts.history_share import (
    HistoryShare,
    ShareRow,
    history as asked_history,
)
from staycurve.insights.cohorts.riskiest_months import RiskiestMonths, riskiest_months
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.intervals import Ends, whiskers
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Card,
    Cell,
    Head,
    Line,
    Reading,
    Table,
    about_95,
    change,
    money,
    nothing,
    percent,
    points,
    shown,
    told,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.period import Period, period_of

AGE_LABELS = {1: N_("Second-month retention"), 12: N_("Annual retention")}


def quarter(ask: Ask, first_day: dt.date) -> Period:
    """The quarter that begins on a day."""
    return period_of(first_day, "quarter", ask.fiscal)


def _figures(ask: Ask) -> Shown:
    history = answer_of(ask, asked_history)
    if not history.rows:
        return nothing(ask, told(history.why))
    cards = [
        *(_retained(trend) for trend in answer_of(ask, asked_retention).trends),
        *_from_history(ask, history),
        *_lost(ask),
        *_riskiest(ask, answer_of(ask, riskiest_months)),
    ][:6]
    rows = [{"figure": card.name, "label": card.label, "value": card.full} for card in cards]
    return shown(rows, Reading(cards=cards))


def _retained(trend: Trend) -> Card:
    newer, older = trend.newer, trend.older
    label = _(AGE_LABELS[trend.age])
    whole = newer or trend
    changed = change(
        whole.value, older.value if older else None, Unit.PERCENT, "higher",
        _("among older cohorts"),
    )
    return Card(
        f"retention_{trend.age}", label, percent(whole.value), str(whole.value),
        "#retention", note=about_95(whole.low, whole.high), **changed,
    )


def _from_history(ask: Ask, history: HistoryShare) -> list[Card]:
    closed = [row for row in history.rows if not row.open and row.value is not None]
    found = []
    if closed:
        last = closed[-1]
        before = (last.value or 0) - last.year_over_year if last.year_over_year else None
        found.append(Card(
            "share_from_history", _("Share from history"), percent(last.value),
            str(last.value), ask.opens("share_from_history", quarter(ask, last.period)),
            note=ask.label(quarter(ask, last.period)), defined_at=ask.defines("share_from_history"),
            **change(last.value, before, Unit.PERCENT, "neutral", _("a year earlier")),
        ))
    for forecast in history.forecasts:
        if forecast.value is None:
            continue
        found.append(Card(
            "forecast", _("Forecast share from history"), percent(forecast.value),
            str(forecast.value), "#history",
            note=f"{ask.label(quarter(ask, forecast.period))}, {_ends(forecast)}",
        ))
    return found


def _ends(forecast: Forecast) -> str:
    """The interval of a forecast, or why it has none."""
    if forecast.low is None:
        return told(forecast.why_no_interval)
    return _("%(level)s interval: %(low)s to %(high)s") % {
        "level": percent(forecast.interval).replace(".0", ""),
        "low": percent(forecast.low), "high": percent(forecast.high),
    }


def _lost(ask: Ask) -> list[Card]:
    found = answer_of(ask, churn, over="12m", per="all").rows
    if not found:
        return []
    row = found[0]
    everybody = ask.url("/cohorts/accounts", over="12m")
    return [
        Card(
            "customers_left", _("Customers who left in twelve months"),
            percent(row.customers_left), str(row.customers_left),
            ask.url("/cohorts/accounts", over="12m", group="left"),
            note=about_95(row.low, row.high),
        ),
        Card(
            "mrr_lost", _("MRR that the same customers lost"), percent(row.mrr_lost),
            str(row.mrr_lost), everybody,
            note=_("below 0 where those who stayed grew by more"),
        ),
    ]


def _riskiest(ask: Ask, found: RiskiestMonths) -> list[Card]:
    names = {one.month for one in found.named}
    months = [row for row in found.rows if row.month in names]
    if not months:
        return []
    worst = max(months, key=lambda row: row.hazard or 0)
    return [Card(
        "riskiest", _("Riskiest subscription month"), _("month %s") % worst.month,
        str(worst.month), ask.url("/cohorts/months", month=str(worst.month)),
        note=_("%(share)s of those still there leave in it; %(ends)s") % {
            "share": percent(worst.hazard), "ends": about_95(worst.low, worst.high),
        },
    )]


def _history(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = answer_of(ask, asked_history)
    if not found.rows:
        return nothing(ask, told(found.why))
    rows, lines, drawn = [], [], []
    ends: dict[tuple[str, str], tuple[float, float]] = {}
    forecasts = {row.period: row for row in found.forecasts}
    series = [
        charts.Series("history", _("Share from history"), charts.ACCENT),
        charts.Series("forecast", _("Forecast, with its interval"), "#E69F00"),
    ]
    for row in found.rows:
        period = quarter(ask, row.period)
        label = ask.label(period)
        href = ask.opens("share_from_history", period)
        rows.append({**row.as_dict(), "rows_at": href if row.value is not None else None})
        forecast = forecasts.get(row.period)
        if forecast and forecast.value is not None:
            if forecast.low is not None and forecast.high is not None:
                ends[str(row.period), "forecast"] = forecast.low, forecast.high
            about = f"{label}: {percent(forecast.value)}, {_ends(forecast)}"
            drawn.append(
                charts.Point(str(row.period), "forecast", forecast.value, about, "/cohorts")
            )
        elif row.value is not None:
            about = f"{label}: {percent(row.value)}"
            drawn.append(charts.Point(str(row.period), "history", row.value, about, href))
        lines.append(_history_line(ask, row, forecast, label, href))
    periods = [quarter(ask, row.period) for row in found.rows]
    drawing = picture(
        ask, "history", drawn, _drawing(series, ends), unit=Unit.PERCENT,
        label=_("Share of closing MRR from earlier quarters' customers"), series=series,
        periods=periods,
    )
    heads = [
        Head(_("Quarter")), Head(_("Share")), Head(_("Year over year, points")),
        Head(_("From history")), Head(_("Closing MRR")),
    ]
    table = Table(_("Share from history by quarter"), heads, lines[::-1], is_folded=True)
    return shown(
        rows,
        Reading(
            said=[_record(ask, one) for one in found.forecasts], picture=drawing,
            unit=_("share of closing MRR"), tables=[table],
            notes=[_("The part of a quarter's closing MRR that comes from customers who first "
                     "paid in an earlier quarter. A quarter that is still open has a forecast "
                     "and no value.")],
        ),
        {"forecasts": [one.as_dict() for one in found.forecasts]},
    )


def _drawing(series: Any, ends: Ends) -> Any:
    return whiskers("line", series, ends)


def _history_line(
    ask: Ask, row: ShareRow, forecast: Forecast | None, label: str, href: str
) -> Line:
    if row.value is None and forecast and forecast.value is not None:
        share = Cell(
            _("forecast %s") % percent(forecast.value), beneath=_ends(forecast),
            about=told(row.why),
        )
    else:
        share = Cell(
            percent(row.value), href if row.value is not None else "",
            told(row.why),
        )
    why = told(row.why)
    opened = ask.opens("mrr", quarter(ask, row.period)) if row.mrr is not None else ""
    return Line(words(label), [
        share,
        Cell(points(row.year_over_year), about=told(row.why_no_year)),
        money(ask, row.history_mrr, href if row.history_mrr is not None else "", why=why),
        money(ask, row.mrr, opened, why=why),
    ])


def _record(ask: Ask, forecast: Forecast) -> str:
    """A forecast with how well the same method did before."""
    name = ask.label(quarter(ask, forecast.period))
    if forecast.value is None:
        return _("No forecast for %(quarter)s: %(why)s.") % {
            "quarter": name, "why": told(forecast.why),
        }
    text = _("Forecast for %(quarter)s: %(share)s, %(ends)s.") % {
        "quarter": name, "share": percent(forecast.value), "ends": _ends(forecast),
    }
    if forecast.error is None:
        return text
    return text + " " + (
        _("In a backtest over %(count)s quarters its mean error was %(error)s points; that of "
          "repeating the quarter before, %(plain)s.") % {
            "count": len(forecast.backtest),
            "error": points(forecast.error).lstrip("+"),
            "plain": points(forecast.plain_error).lstrip("+"),
        }
    )


FIGURES = Panel(
    "figures", N_("Cohorts at a glance"), N_("Do newer customers stay longer?"), "reading.html",
    _figures,
)
HISTORY = Panel(
    "history", N_("Share from history"),
    N_("How much of a quarter's revenue was won in earlier ones?"), "reading.html", _history,
)
