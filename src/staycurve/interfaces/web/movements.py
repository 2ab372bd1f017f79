"""The movements panel: what moved MRR in each period."""

from __future__ import annotations

from typing import Any

from staycurve.i18n import N_
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.annotated import annotated
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import reason
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.period import Period

GAINS = ("new_mrr", "expansion_mrr", "reactivation_mrr")
LOST = ("contraction_mrr", "churned_mrr")
SEGMENT = ("entering_mrr", "leaving_mrr")


def _metrics(ask: Ask) -> list[str]:
    """Columns from opening to closing; what crosses a segment's border only where there is one."""
    crossing = SEGMENT if ask.filters else ()
    return [
        "opening_mrr", *GAINS, *crossing[:1], *LOST, *crossing[1:], "fx_impact", "mrr",
        "net_new_mrr",
    ]


def _show(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    names = _metrics(ask)
    answer = ask.answer(*names)
    values = {(row["metric"], row["period"]): row for row in answer.rows}
    # Where nobody crossed the segment's border, two columns of zeros would only be in the way.
    for name in (*SEGMENT, "fx_impact"):
        if name in names and not any(values[name, str(p.start)]["value"] for p in ask.periods):
            names.remove(name)
    moved = [name for name in names if name not in ("opening_mrr", "mrr")]
    series = [
        charts.Series(s.name, _(s.label), s.colour, s.is_hatched)
        for s in charts.MOVEMENTS if s.name in moved
    ]
    has_fx = "fx_impact" in moved
    net = _("Net new MRR, without FX impact") if has_fx else _("Net new MRR")
    labels = {s.name: s.label for s in series} | {"net_new_mrr": net}
    points = []
    for period in ask.periods:
        for name in moved:
            value = values[name, str(period.start)]["value"]
            sign = -1 if name in charts.LOSSES else 1
            drawn = None if value is None else sign * value
            about = _about(ask, labels[name], period, drawn)
            points.append(
                charts.Point(
                    str(period.start), name, drawn, about, ask.opens(name, period),
                    ask.seen.is_open(period),
                )
            )
    noted = annotated(ask, "mrr", *moved)
    drawing = picture(
        ask, "movements", points, lambda p, f: charts.movements(p, series, f),
        unit=Unit.MONEY, label=_("MRR movements by period, in %s") % ask.currency, series=series,
        notes=noted.notes,
    )
    table = [_line(ask, period, names, values) for period in reversed(ask.periods)]
    heads = [(ask.defines(name), _(METRICS[name].label)) for name in names]
    return Shown(
        [values[name, str(p.start)] for p in ask.periods for name in names],
        {"picture": drawing, "unit": ask.currency, "heads": heads, "table": table, "net_label": net,
         "about": _("FX impact is drawn too; the mark of net new MRR leaves it out.")
         if has_fx else "",
         "is_open": ask.seen.is_open(ask.periods[-1]), "annotated": noted.view()},
        noted.json,
    )


def _about(ask: Ask, label: str, period: Period, value: float | None) -> str:
    amount = numbers.full(value, Unit.MONEY, ask.currency)
    text = f"{label}, {ask.label(period)}: {amount} {ask.currency}"
    return text + " " + _("(to date)") if ask.seen.is_open(period) else text


def _line(
    ask: Ask, period: Period, names: list[str], values: dict[tuple[str, str], dict[str, Any]]
) -> dict[str, Any]:
    """One row of the table under the chart."""
    cells = []
    for name in names:
        row = values[name, str(period.start)]
        cells.append({
            "text": numbers.full(row["value"], Unit.MONEY, ask.currency),
            "href": ask.opens(name, period),
            "why": reason(row),
        })
    return {
        "label": ask.label(period), "is_open": ask.seen.is_open(period), "cells": cells,
    }


MOVEMENTS = Panel(
    "movements",
    N_("What moved MRR"),
    N_("Where does growth come from, and where does it leak?"),
    "series.html",
    _show,
)
