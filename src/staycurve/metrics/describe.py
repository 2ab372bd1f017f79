"""A metric in words: for the command line, the API and the reference pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

from staycurve.config import parse
from staycurve.metrics.base import Choice, Metric, Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import Query, known_dims, plan
from staycurve.metrics.relations import RELATIONS
from staycurve.period import AsOf, period_of


def tables_of(metric: Metric) -> list[str]:
    """Conformed tables that a metric stands on."""
    return list(dict.fromkeys(RELATIONS[m.relation].base for m in metric.measures()))


def dims_of(metric: Metric) -> list[str]:
    """Dimensions that every measure of a metric carries, account attributes left out."""
    shared: list[str] | None = None
    for measure in metric.measures():
        known = known_dims(RELATIONS[measure.relation], ())
        shared = known if shared is None else [dim for dim in shared if dim in known]
    return shared or []


def as_dict(name: str, metric: Metric) -> dict[str, Any]:
    """A metric as the catalogue lists it."""
    found: dict[str, Any] = {
        "name": name,
        "label": metric.label,
        "about": metric.about,
        "formula": metric.formula.text(),
        "unit": metric.unit.value,
        "better": metric.better,
        "stage": metric.stage,
        "grains": list(metric.grains),
        "tables": tables_of(metric),
        "dimensions": dims_of(metric),
    }
    if isinstance(metric.formula, Choice):
        found["switch"] = metric.formula.switch
    if metric.benchmark:
        found["benchmark"] = {
            "at_least": metric.benchmark.at_least,
            "at_most": metric.benchmark.at_most,
            "origin": metric.benchmark.origin,
        }
    if metric.disagreements:
        found["disagreements"] = metric.disagreements
    return found


def as_text(name: str, metric: Metric) -> str:
    """A metric as `staycurve metrics NAME` prints it."""
    lines = [
        f"{name}: {metric.label}",
        "",
        metric.about,
        "",
        f"Formula     {metric.formula.text()}",
        f"Unit        {metric.unit.value}; {_direction(metric)}",
        f"Stage       {metric.stage}",
        f"Known at    {', '.join(metric.grains)}"
        + ("" if metric.is_to_date else "; empty until the period has closed"),
        f"Stands on   {', '.join(tables_of(metric))}",
        f"Cut by      {', '.join(dims_of(metric))}, and any attribute of the accounts"
        if "industry" in dims_of(metric)
        else f"Cut by      {', '.join(dims_of(metric)) or 'nothing'}",
    ]
    if metric.benchmark:
        lines.append(f"Benchmark   {_benchmark(metric)}")
    if metric.disagreements:
        lines += ["", f"Others count it otherwise: {metric.disagreements}"]
    lines += ["", "Worked example"]
    for table, rows in metric.example.rows.items():
        lines += [f"  {table}", *(f"    {row.strip()}" for row in rows.strip().splitlines())]
    for period, value in metric.example.answer.items():
        lines.append(f"  {name} {period} = {'empty' if value is None else value}")
    lines += ["", f"The statement: staycurve metrics {name} --sql"]
    return "\n".join(lines)


def _direction(metric: Metric) -> str:
    return {"higher": "higher is better", "lower": "lower is better"}.get(
        metric.better, "neither direction is better by itself"
    )


def _benchmark(metric: Metric) -> str:
    assert metric.benchmark is not None
    bound = (
        f"at least {bound_text(metric, metric.benchmark.at_least)}"
        if metric.benchmark.at_least is not None
        else f"at most {bound_text(metric, metric.benchmark.at_most)}"
    )
    return f"{bound} ({metric.benchmark.origin})"


def bound_text(metric: Metric, bound: float | None) -> str:
    """A benchmark's bound in the metric's unit: 100% for the 1 of a rate."""
    if bound is None:
        return ""
    if metric.unit is Unit.PERCENT:
        return f"{round(bound * 100, 4):g}%"
    return f"{bound:g}" + (" months" if metric.unit is Unit.MONTHS else "")


def example_sql(name: str) -> str:
    """The statement of a metric for one month under the default conventions, laid out."""
    import sqlglot

    month = period_of(dt.date(2024, 1, 1), METRICS[name].grains[-3])
    seen = AsOf(dt.datetime(2024, 2, 1, tzinfo=dt.UTC), dt.date(2024, 1, 31), True)
    made = plan(Query((name,), month.grain, (month,), seen), parse(""))
    return sqlglot.transpile(made.sql, read="duckdb", write="duckdb", pretty=True)[0]
