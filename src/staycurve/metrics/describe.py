"""A metric in words: for the command line, the API and the reference pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

from staycurve.config import Config, parse
from staycurve.metrics.base import Choice, Metric, Unit
from staycurve.metrics.benchmark import Benchmark
from staycurve.metrics.benchmarks import Context, Fitting, fitting
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


def as_dict(
    name: str, metric: Metric, config: Config | None = None, context: Context | None = None
) -> dict[str, Any]:
    """A metric as the catalogue lists it.

    Parameters
    ----------
    config : Config, optional
        Of the company whose own benchmarks replace ours.
    context : Context, optional
        What its benchmarks are chosen by.
    """
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
    found |= benchmarks_dict(name, metric, config or Config(), context or Context())
    if metric.disagreements:
        found["disagreements"] = metric.disagreements
    return found


def benchmarks_dict(
    name: str, metric: Metric, config: Config, context: Context
) -> dict[str, Any]:
    """`benchmarks` by month, and the first that applies as `benchmark`."""
    every = benchmarks_at(name, metric, config, context)
    if not every:
        return {}
    found: dict[str, Any] = {"benchmarks": [one.as_dict() for one in every]}
    first = every[0]
    if not first.why_not:
        found["benchmark"] = {
            "at_least": first.at_least, "at_most": first.at_most,
            "origin": first.benchmark.source,
        }
    return found


def benchmarks_at(
    name: str, metric: Metric, config: Config, context: Context
) -> tuple[Fitting, ...]:
    """A metric's benchmarks by month."""
    return fitting(name, config, grain="month", context=context)


def as_text(
    name: str, metric: Metric, config: Config | None = None, context: Context | None = None
) -> str:
    """A metric as `staycurve metrics NAME` prints it; see `as_dict` for its parameters."""
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
    every = benchmarks_at(name, metric, config or Config(), context or Context())
    for place, one in enumerate(every):
        head = "Benchmark   " if place == 0 else " " * 12
        lines.append(f"{head}{benchmark_text(metric, one)}")
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


def benchmark_text(metric: Metric, one: Fitting) -> str:
    """A benchmark in words: its band as it reads here, as it was stated, and its source."""
    stated = one.benchmark
    parts = [f"{stated.level}: {band_text(metric, one.at_least, one.at_most, one.per)}"]
    if one.is_translated:
        at = band_text(metric, stated.at_least, stated.at_most, stated.grain)
        parts.append(f", from {at}")
    text = "".join(parts) + f" ({origin_text(stated, is_own=one.is_own)})"
    if stated.note:
        text += f" {stated.note}"
    return f"{text} Does not apply: {one.why_not}." if one.why_not else text


def stated_text(metric: Metric, stated: Benchmark) -> str:
    """A benchmark as its source states it, and the source."""
    band = band_text(metric, stated.at_least, stated.at_most, stated.grain)
    text = f"{stated.level}: {band} ({origin_text(stated, is_own=False)})"
    return f"{text} {stated.note}" if stated.note else text


def origin_text(stated: Benchmark, *, is_own: bool) -> str:
    """Who says so, when, and how many companies it rests on."""
    source = stated.source or ("your own" if is_own else "")
    is_plain = is_own or stated.level == "definition"
    year = [str(stated.year)] if stated.year else [] if is_plain else ["year not stated"]
    companies = "" if is_plain else "number of companies not stated"
    if stated.companies:
        companies = f"{stated.companies:,} " + (
            "company" if stated.companies == 1 else "companies"
        )
    parts = [source, *year, companies, "second-hand" if stated.is_second_hand else ""]
    return ", ".join(part for part in parts if part)


def band_text(metric: Metric, low: float | None, high: float | None, grain: str = "") -> str:
    """A band in the metric's unit, such as 5% to 7% a year; one value alone stands as it is."""
    per = f" a {grain}" if grain else ""
    if low is not None and high is not None:
        if low == high:
            return bound_text(metric, low) + per
        return f"{bound_text(metric, low)} to {bound_text(metric, high)}{per}"
    if low is not None:
        return f"at least {bound_text(metric, low)}{per}"
    return f"at most {bound_text(metric, high)}{per}"


def bound_text(metric: Metric, bound: float | None) -> str:
    """A benchmark's bound in the metric's unit: 100% for the 1 of a rate."""
    if bound is None:
        return ""
    if metric.unit is Unit.PERCENT:
        return f"{round(bound * 100, 2):g}%"
    return f"{bound:,.10g}" + (" months" if metric.unit is Unit.MONTHS else "")


def example_sql(name: str) -> str:
    """The statement of a metric for one month under the default conventions, laid out."""
    import sqlglot

    month = period_of(dt.date(2024, 1, 1), METRICS[name].grains[-3])
    seen = AsOf(dt.datetime(2024, 2, 1, tzinfo=dt.UTC), dt.date(2024, 1, 31), True)
    made = plan(Query((name,), month.grain, (month,), seen), parse(""))
    return sqlglot.transpile(made.sql, read="duckdb", write="duckdb", pretty=True)[0]
