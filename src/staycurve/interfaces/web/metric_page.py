"""One metric whole: the page at /metrics/{name}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.i18n import N_
from staycurve.interfaces.api.describe import describe, dimensions, parts, switch_about
from staycurve.interfaces.web import aimed, benchmarked, numbers
from staycurve.interfaces.web.annotated import annotated
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.lacking import bases_of
from staycurve.interfaces.web.metric_causes import CHANGED, COMPARED
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import reason
from staycurve.interfaces.web.segments import SEGMENTS
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.period import Period
from staycurve.workspace import Company

_UNITS = {
    Unit.MONEY: N_("money"), Unit.PERCENT: N_("percent"), Unit.COUNT: N_("count"),
    Unit.MONTHS: N_("months"), Unit.SCORE: N_("score, −100 to 100"), Unit.RATIO: N_("ratio"),
    Unit.DAYS: N_("days"),
}
_BETTER = {
    "higher": N_("higher is better"), "lower": N_("lower is better"),
    "neutral": N_("neither direction is better in itself"),
}


def _check(_company: Company, name: str) -> None:
    _known = METRICS[name]


def _values(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    name = ask.name
    metric = METRICS[name]
    answer = ask.answer(name)
    rows = {row["period"]: row for row in answer.rows}
    label = _(metric.label)
    unit_text = ask.currency if metric.unit is Unit.MONEY else _(_UNITS[metric.unit])
    series = [charts.Series(name, label, charts.ACCENT)]
    points = [
        charts.Point(
            str(p.start), name, rows[str(p.start)]["value"],
            f"{label}, {ask.label(p)}: "
            f"{numbers.full(rows[str(p.start)]['value'], metric.unit, ask.currency)}",
            ask.opens(name, p), ask.seen.is_open(p),
        )
        for p in ask.periods
    ]
    noted = annotated(ask, name)
    draw = charts.bars if metric.chart.kind == "bars" else charts.line
    low, high = benchmarked.bounds(ask, name)
    goals = aimed.on_metric(ask, name)
    planned, ahead = aimed.plan(ask, goals)
    beside = charts.Beside(low, high, planned)
    # Months to come have no value of their own; the plan alone stands in them.
    points += [charts.Point(str(p.start), name, None, label) for p in ahead]
    drawing = picture(
        ask, f"metric-{name}", points,
        lambda p, f: draw(p, series, f, reference=metric.chart.reference, beside=beside),
        unit=metric.unit, label=f"{label}, {unit_text}", series=series, has_legend=False,
        notes=noted.notes, beside=beside, periods=(*ask.periods, *ahead),
    )
    last = (ask.closed or ask.periods)[-1]
    table = [
        {
            "label": ask.label(p),
            "is_open": ask.seen.is_open(p),
            "cells": [{
                "text": numbers.full(rows[str(p.start)]["value"], metric.unit, ask.currency),
                "href": ask.opens(name, p),
                "why": reason(rows[str(p.start)]),
            }, _change(ask, p, rows)],
        }
        for p in reversed(ask.periods)
    ]
    return Shown(answer.rows, {
        "picture": drawing if any(point.value is not None for point in points) else None,
        "heads": [("", label), ("", _("Change, and why"))], "table": table,
        "unit": unit_text, "sql": answer.sql,
        "is_open": ask.seen.is_open(ask.periods[-1]),
        "why": next(filter(None, map(reason, reversed(answer.rows))), ""),
        "annotated": noted.view(metric=name),
        "benchmarks": benchmarked.lines(
            ask, name, value=rows[str(last.start)]["value"],
            counts=answer.counts.get((name, str(last.start))),
        ),
        "benchmarked": ask.label(last),
        "goals": goals,
    }, noted.json | {
        "benchmarks": benchmarked.told(benchmarked.every(ask, name)),
        "goals": [one.pace.as_dict() for one in goals],
    })


def _change(ask: Ask, period: Period, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """How the period compares, as a link to what explains it; empty where nothing is known."""
    before = ask.before(period)
    now, then = (rows.get(str(one.start), {}).get("value") for one in (period, before))
    metric = METRICS[ask.name]
    change = numbers.delta(now, then, metric.unit, metric.better)
    if change is None or ask.seen.is_open(period):
        return {"text": "", "href": "", "why": ""}
    why = ask.url(**{"from": str(before.start), "to": str(period.start), "panel": CHANGED.name})
    return {
        "text": f"{change.arrow} {change.size}", "href": f"{why}#{CHANGED.name}", "why": "",
    }


def _definition(ask: Ask) -> Shown:
    name = ask.name
    metric, config = METRICS[name], ask.company.config
    context = ask.company.benchmark_context(ask.seen, ask.filters)
    told = describe(name, metric, config, context)
    return Shown((), {
        "metric": metric,
        "told": told,
        "benchmarks": benchmarked.lines(ask, name, has_all=True),
        "unit": _(_UNITS[metric.unit]),
        "better": _(_BETTER[metric.better]),
        "parts": parts(metric, config),
        "dimensions": dimensions(metric, config, ask.company.attributes()),
        "switches": [
            {"name": switch, "value": value, "about": switch_about(switch)}
            for switch, value in told["switches"].items()
        ],
        "example": _example(name, ask),
    }, told)


def _example(name: str, ask: Ask) -> dict[str, Any]:
    metric = METRICS[name]
    tables = []
    for table, text in metric.example.rows.items():
        head, *lines = [line.split() for line in text.strip().splitlines()]
        cells = [[_cell(cell) for cell in line] for line in lines]
        tables.append({"name": table, "head": head, "lines": cells})
    answers = [
        {"period": period, "value": numbers.full(value, metric.unit)}
        for period, value in metric.example.answer.items()
    ]
    return {
        "tables": tables, "answers": answers, "as_of": metric.example.as_of,
        "grain": metric.example.grain, "conventions": dict(metric.example.conventions),
    }


def _cell(text: str) -> str:
    return "" if text == "-" else text.replace("_", " ")


METRIC = Page(
    address="/metrics/{name}",
    place=140,
    title=N_("Metric"),
    question=N_("What does this number mean, and how has it developed?"),
    panels=(
        Panel("definition", N_("Definition"), N_("What is counted?"), "definition.html",
              _definition, needs_data=False),
        Panel("values", N_("Over time"), N_("How has it developed?"), "series.html", _values),
        SEGMENTS,
        COMPARED,
        CHANGED,
    ),
    options=("by",),
    is_listed=False,
    look_up=_check,
    needs_of=lambda ask: bases_of(ask.name),
    heading=lambda ask: _(METRICS[ask.name].label),
    group=Group.BOOKS,
    has_comparison=True,
    above=lambda ask: ((_("Metrics"), ask.at("/catalogue")),),
)
