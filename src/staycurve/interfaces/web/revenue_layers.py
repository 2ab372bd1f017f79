"""The layers panel: closing MRR by when its accounts began to pay."""

from __future__ import annotations

from collections import defaultdict

from staycurve.i18n import N_
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.annotated import annotated
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.context import Filter
from staycurve.period import Period, parse_period, period_of

MOST = 8
"""Layers beyond which neighbours can no longer be told apart: quarters give way to years."""


def _layer_of(cohorts: list[str], ask: Ask) -> dict[str, Period]:
    """Cohort month → the quarter or year whose layer it is in."""
    months = [parse_period(cohort) for cohort in cohorts]
    for grain in ("quarter", "year"):
        found = [period_of(month.start, grain, ask.fiscal) for month in months]
        if len(set(found)) <= MOST or grain == "year":
            return dict(zip(cohorts, found, strict=True))
    return {}


def _show(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    rows = [row for row in ask.answer("mrr", by=("cohort",)).rows if row["segment"]["cohort"]]
    layer_of = _layer_of(sorted({row["segment"]["cohort"] for row in rows}), ask)
    layers = sorted(set(layer_of.values()), key=lambda layer: layer.start)
    members: dict[Period, list[str]] = defaultdict(list)
    for cohort, layer in layer_of.items():
        members[layer].append(cohort)
    sums: dict[tuple[Period, str], float] = defaultdict(float)
    for row in rows:
        sums[layer_of[row["segment"]["cohort"]], row["period"]] += row["value"] or 0.0
    series = charts.layer_series([naming.name(layer, ask.fiscal) for layer in layers])
    labels = {s.name: ask.label(layer) for s, layer in zip(series, layers, strict=True)}
    series = [charts.Series(s.name, labels[s.name], s.colour) for s in series]
    points, flat = [], []
    for period in ask.periods:
        is_open = ask.seen.is_open(period)
        for layer, own in zip(layers, series, strict=True):
            value = sums[layer, str(period.start)]
            if layer.start > period.start and not value:
                continue
            where = Filter("cohort", tuple(members[layer]))
            href = ask.opens("mrr", period, where)
            amount = numbers.full(value, Unit.MONEY, ask.currency)
            about = _("Began in %(layer)s, %(period)s: %(amount)s %(currency)s") % {
                "layer": own.label, "period": ask.label(period), "amount": amount,
                "currency": ask.currency,
            }
            points.append(
                charts.Point(str(period.start), own.name, value, about, href, is_open)
            )
            flat.append({
                "metric": "mrr", "period": str(period.start), "grain": period.grain,
                "layer": own.name, "value": value, "open": is_open, "rows_at": href,
            })
    noted = annotated(ask, "mrr")
    drawing = picture(
        ask, "layers", points, lambda p, f: charts.layers(p, series, f), unit=Unit.MONEY,
        label=_("Closing MRR by when accounts began to pay, in %s") % ask.currency,
        series=series, notes=noted.notes,
    )
    by_place = {(row["period"], row["layer"]): row for row in flat}
    table = [
        {
            "label": ask.label(period),
            "is_open": ask.seen.is_open(period),
            "cells": [_cell(by_place.get((str(period.start), s.name)), ask) for s in series],
        }
        for period in reversed(ask.periods)
    ]
    return Shown(flat, {
        "picture": drawing,
        "unit": ask.currency,
        "heads": [("", s.label) for s in series],
        "table": table,
        "is_open": ask.seen.is_open(ask.periods[-1]),
        "annotated": noted.view(can_add=False),
    }, noted.json)


def _cell(row: dict[str, object] | None, ask: Ask) -> dict[str, str]:
    if row is None:
        return {"text": "", "href": "", "why": ""}
    value = row["value"]
    assert isinstance(value, float)
    return {
        "text": numbers.full(value, Unit.MONEY, ask.currency),
        "href": str(row["rows_at"]),
        "why": "",
    }


LAYERS = Panel(
    "layers",
    N_("Revenue layers"),
    N_("How much of today's MRR comes from accounts won long ago?"),
    "series.html",
    _show,
)
