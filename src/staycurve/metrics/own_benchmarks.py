"""A company's own benchmarks: the section [benchmarks] of staycurve.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.errors import StaycurveError, UnknownNameError
from staycurve.i18n import N_
from staycurve.metrics.base import Metric
from staycurve.metrics.benchmark import Benchmark
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.filters import parse_filters
from staycurve.metrics.typed_values import text_of, value_of
from staycurve.sections import Section, Wrong, near, shown

KEYS = ("value", "at_least", "at_most", "source", "year", "companies", "grain", "where")
GRAINS = ("day", "week", "month", "quarter", "year")
YEARS = range(1900, 2200)
PER_PERIOD = (
    "customer_churn_rate", "customer_retention_rate", "gross_revenue_churn", "net_revenue_churn",
    "nrr", "grr", "upgrade_rate", "crc", "net_new_mrr", "new_mrr", "reactivation_mrr",
    "expansion_mrr", "contraction_mrr", "churned_mrr", "voluntary_churned_mrr",
    "involuntary_churned_mrr", "paused_churned_mrr", "unknown_churned_mrr", "entering_mrr",
    "leaving_mrr", "fx_impact", "new_customers", "churned_customers", "trial_starts",
    "demo_requests", "visits", "social_engagements", "mentions",
)
"""Metrics that are others over a longer period; one that is not here is alike at any."""
EXAMPLE = (
    '[benchmarks]\nnps = 45\n'
    'customer_churn_rate = { at_most = "8%", grain = "year", source = "our board", year = 2026 }'
)

Own = Mapping[str, tuple[Benchmark, ...]]


def _own(stated: Mapping[str, Any]) -> Own:
    found: dict[str, tuple[Benchmark, ...]] = {}
    for name, given in stated.items():
        try:
            metric = METRICS[name]
        except UnknownNameError as error:
            raise Wrong(
                f"names no metric.{near(name, METRICS)}", error.hint, name
            ) from None
        every = given if isinstance(given, list) else [given]
        if not every:
            raise Wrong("is an empty list.", "", name)
        found[name] = tuple(_benchmark(name, metric, one) for one in every)
    return found


def _benchmark(name: str, metric: Metric, given: Any) -> Benchmark:
    if not isinstance(given, Mapping):
        low, high = _single(name, metric, given)
        return Benchmark("", low, high, "own", grain=_default_grain(name))
    for key in given:
        if key not in KEYS:
            raise Wrong(
                f"has the unknown key {shown(key)}.{near(key, KEYS)}",
                f"Known here: {', '.join(KEYS)}", name,
            )
    bounds = [key for key in ("at_least", "at_most") if key in given]
    if ("value" in given and bounds) or not ("value" in given or bounds):
        raise Wrong("takes a value, or at_least, at_most or both.", _hint(name), name)
    if "value" in given:
        low, high = _single(name, metric, given["value"])
    else:
        low, high = (
            _value(name, metric, given[key]) if key in given else None
            for key in ("at_least", "at_most")
        )
        if low is not None and high is not None and low > high:
            raise Wrong("has at_least above at_most.", "Exchange the two.", name)
    grain = given.get("grain", _default_grain(name))
    if grain and grain not in GRAINS:
        raise Wrong(
            f"grain = {shown(grain)} is not a length of period.", f"It takes: {', '.join(GRAINS)}",
            name,
        )
    return Benchmark(
        _text(name, given, "source"), low, high, "own",
        year=_number(name, given, "year"), companies=_number(name, given, "companies"),
        grain=grain, where=_where(name, given),
    )


def _default_grain(name: str) -> str:
    return "month" if name in PER_PERIOD else ""


def _single(name: str, metric: Metric, given: Any) -> tuple[float | None, float | None]:
    """One value: what it is better to reach, or not to pass."""
    value = _value(name, metric, given)
    low = None if metric.better == "lower" else value
    return low, None if metric.better == "higher" else value


def _value(name: str, metric: Metric, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise Wrong(f"takes a value or a table, not {shown(given)}.", _hint(name), name)
    text = given if isinstance(given, str) else text_of(given)
    try:
        return value_of(text, name, metric.unit)
    except StaycurveError as error:
        raise Wrong(f"cannot be read: {error.message}", error.hint, name) from None


def _text(name: str, given: Mapping[str, Any], key: str) -> str:
    found = given.get(key, "")
    if not isinstance(found, str):
        raise Wrong(f"{key} takes a text, not {shown(found)}.", _hint(name), name)
    return found


def _number(name: str, given: Mapping[str, Any], key: str) -> int | None:
    found = given.get(key)
    if found is None:
        return None
    is_whole = isinstance(found, int) and not isinstance(found, bool)
    if not is_whole or (found not in YEARS if key == "year" else found < 1):
        what = "a year" if key == "year" else "a whole number from 1"
        raise Wrong(f"{key} takes {what}, not {shown(found)}.", _hint(name), name)
    return int(found)


def _where(name: str, given: Mapping[str, Any]) -> str:
    text = _text(name, given, "where")
    try:
        parse_filters(text)
    except StaycurveError as error:
        raise Wrong(f"where cannot be read: {error.message}", error.hint, name) from None
    return text


def _hint(name: str) -> str:
    return f'Write: {name} = {{ at_least = …, source = "our board", year = 2026 }}'


_NONE: Own = {}
BENCHMARKS = Section(
    "benchmarks", dict[str, Any], _NONE,
    N_("Your own benchmarks: a metric, its value or band, and where that comes from. They replace "
       "ours. Keys of a table: value, or at_least and at_most; source; year; companies; grain, "
       "the length of period that it was stated for; where, the segment that it speaks of. A "
       "metric takes a list of tables too."),
    EXAMPLE, make=_own,
)
