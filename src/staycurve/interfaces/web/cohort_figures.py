"""The figures on top of the page at /cohorts, and the share of revenue from history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.i18n import N_
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.intervals import Ends, whiskers
from staycurve.interfaces.web.kept import asked_of, kept
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
    reason,
    shown,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.period import Period, parse_period, period_of

Row = Mapping[str, Any]

AGE_LABELS = {1: N_("Second-month retention"), 12: N_("Annual retention")}


def history_of(ask: Ask) -> dict[str, Any]:
    """The share from history, as the command line prints it."""
    return kept(ask, "history", lambda: ask.company.cohorts.history(**asked_of(ask)).as_dict())


def retention_of(ask: Ask) -> dict[str, Any]:
    """Second-month and annual retention by activation month."""
    return kept(ask, "retention", lambda: ask.company.cohorts.retention(**asked_of(ask)).as_dict())


def risk_of(ask: Ask) -> dict[str, Any]:
    """The hazard of leaving by subscription month."""
    return kept(
        ask, "risk", lambda: ask.company.cohorts.riskiest_months(**asked_of(ask)).as_dict()
    )


def churn_of(ask: Ask, over: str, per: str) -> dict[str, Any]:
    """Sales churn against customer churn."""
    return kept(
        ask, "churn",
        lambda: ask.company.cohorts.churn(over=over, per=per, **asked_of(ask)).as_dict(),
        over, per,
    )


def quarter(ask: Ask, row: Row) -> Period:
    """The quarter of a row of the share from history."""
    return period_of(parse_period(row["period"]).start, "quarter", ask.fiscal)


def _figures(ask: Ask) -> Shown:
    history = history_of(ask)
    if not history["rows"]:
        return nothing(ask, reason(history))
    cards = [
        *(_retained(trend) for trend in retention_of(ask).get("trends", [])),
        *_from_history(ask, history),
        *_lost(ask),
        *_riskiest(ask, risk_of(ask)),
    ][:6]
    rows = [{"figure": card.name, "label": card.label, "value": card.full} for card in cards]
    return shown(rows, Reading(cards=cards))


def _retained(trend: Row) -> Card:
    newer, older = trend.get("newer"), trend.get("older")
    label = _(AGE_LABELS[trend["age"]])
    whole = newer or trend
    told = change(
        whole["value"], older["value"] if older else None, Unit.PERCENT, "higher",
        _("among older cohorts"),
    )
    return Card(
        f"retention_{trend['age']}", label, percent(whole["value"]), str(whole["value"]),
        "#retention", note=about_95(whole["low"], whole["high"]), **told,
    )


def _from_history(ask: Ask, history: Row) -> list[Card]:
    closed = [row for row in history["rows"] if not row["open"] and row["value"] is not None]
    found = []
    if closed:
        last = closed[-1]
        before = last["value"] - last["year_over_year"] if last["year_over_year"] else None
        found.append(Card(
            "share_from_history", _("Share from history"), percent(last["value"]),
            str(last["value"]), ask.opens("share_from_history", quarter(ask, last)),
            note=ask.label(quarter(ask, last)), defined_at=ask.defines("share_from_history"),
            **change(last["value"], before, Unit.PERCENT, "neutral", _("a year earlier")),
        ))
    for forecast in history["forecasts"]:
        if forecast["value"] is None:
            continue
        found.append(Card(
            "forecast", _("Forecast share from history"), percent(forecast["value"]),
            str(forecast["value"]), "#history",
            note=f"{ask.label(quarter(ask, forecast))}, {_ends(forecast)}",
        ))
    return found


def _ends(forecast: Row) -> str:
    """The interval of a forecast, or why it has none."""
    if forecast["low"] is None:
        return reason(forecast, "why_no_interval")
    return _("%(level)s interval: %(low)s to %(high)s") % {
        "level": percent(forecast["interval"]).replace(".0", ""),
        "low": percent(forecast["low"]), "high": percent(forecast["high"]),
    }


def _lost(ask: Ask) -> list[Card]:
    found = churn_of(ask, "12m", "all")["rows"]
    if not found:
        return []
    row = found[0]
    everybody = ask.url("/cohorts/accounts", over="12m")
    return [
        Card(
            "customers_left", _("Customers who left in twelve months"),
            percent(row["customers_left"]), str(row["customers_left"]),
            ask.url("/cohorts/accounts", over="12m", group="left"),
            note=about_95(row["low"], row["high"]),
        ),
        Card(
            "mrr_lost", _("MRR that the same customers lost"), percent(row["mrr_lost"]),
            str(row["mrr_lost"]), everybody,
            note=_("below 0 where those who stayed grew by more"),
        ),
    ]


def _riskiest(ask: Ask, found: Row) -> list[Card]:
    names = {one["month"] for one in found["named"]}
    months = [row for row in found["rows"] if row["month"] in names]
    if not months:
        return []
    worst = max(months, key=lambda row: float(row["hazard"]))
    return [Card(
        "riskiest", _("Riskiest subscription month"), _("month %s") % worst["month"],
        str(worst["month"]), ask.url("/cohorts/months", month=str(worst["month"])),
        note=_("%(share)s of those still there leave in it; %(ends)s") % {
            "share": percent(worst["hazard"]), "ends": about_95(worst["low"], worst["high"]),
        },
    )]


def _history(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = history_of(ask)
    if not found["rows"]:
        return nothing(ask, reason(found))
    rows, lines, drawn = [], [], []
    ends: dict[tuple[str, str], tuple[float, float]] = {}
    forecasts = {row["period"]: row for row in found["forecasts"]}
    series = [
        charts.Series("history", _("Share from history"), charts.ACCENT),
        charts.Series("forecast", _("Forecast, with its interval"), "#E69F00"),
    ]
    for row in found["rows"]:
        period = quarter(ask, row)
        label = ask.label(period)
        href = ask.opens("share_from_history", period)
        rows.append({**row, "rows_at": href if row["value"] is not None else None})
        forecast = forecasts.get(row["period"])
        if forecast and forecast["value"] is not None:
            if forecast["low"] is not None:
                ends[row["period"], "forecast"] = forecast["low"], forecast["high"]
            about = f"{label}: {percent(forecast['value'])}, {_ends(forecast)}"
            drawn.append(
                charts.Point(row["period"], "forecast", forecast["value"], about, "/cohorts")
            )
        elif row["value"] is not None:
            about = f"{label}: {percent(row['value'])}"
            drawn.append(charts.Point(row["period"], "history", row["value"], about, href))
        lines.append(_history_line(ask, row, forecast, label, href))
    periods = [quarter(ask, row) for row in found["rows"]]
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
            said=[_record(ask, one) for one in found["forecasts"]], picture=drawing,
            unit=_("share of closing MRR"), tables=[table],
            notes=[_("The part of a quarter's closing MRR that comes from customers who first "
                     "paid in an earlier quarter. A quarter that is still open has a forecast "
                     "and no value.")],
        ),
        {"forecasts": found["forecasts"]},
    )


def _drawing(series: Any, ends: Ends) -> Any:
    return whiskers("line", series, ends)


def _history_line(ask: Ask, row: Row, forecast: Row | None, label: str, href: str) -> Line:
    if row["value"] is None and forecast and forecast["value"] is not None:
        share = Cell(
            _("forecast %s") % percent(forecast["value"]), beneath=_ends(forecast),
            about=reason(row),
        )
    else:
        share = Cell(
            percent(row["value"]), href if row["value"] is not None else "",
            reason(row),
        )
    why = reason(row)
    opened = ask.opens("mrr", quarter(ask, row)) if row["mrr"] is not None else ""
    return Line(words(label), [
        share,
        Cell(points(row["year_over_year"]), about=reason(row, "why_no_year")),
        money(ask, row["history_mrr"], href if row["history_mrr"] is not None else "", why=why),
        money(ask, row["mrr"], opened, why=why),
    ])


def _record(ask: Ask, forecast: Row) -> str:
    """A forecast with how well the same method did before."""
    name = ask.label(quarter(ask, forecast))
    if forecast["value"] is None:
        return _("No forecast for %(quarter)s: %(why)s.") % {
            "quarter": name, "why": reason(forecast),
        }
    told = _("Forecast for %(quarter)s: %(share)s, %(ends)s.") % {
        "quarter": name, "share": percent(forecast["value"]), "ends": _ends(forecast),
    }
    if forecast["error"] is None:
        return told
    return told + " " + (
        _("Made so for %(count)s earlier quarters it was off by %(error)s points on average; "
          "repeating the quarter before, by %(plain)s.") % {
            "count": len(forecast["backtest"]),
            "error": points(forecast["error"]).lstrip("+"),
            "plain": points(forecast["plain_error"]).lstrip("+"),
        }
    )


FIGURES = Panel(
    "figures", N_("Where cohorts stand"), N_("Do newer customers stay longer?"), "reading.html",
    _figures,
)
HISTORY = Panel(
    "history", N_("Share from history"),
    N_("How much of each quarter's revenue was won in earlier ones?"), "reading.html", _history,
)
