"""A metric in words, for the catalogue, its page and programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from staycurve.config import Config
from staycurve.conventions import SWITCHES
from staycurve.metrics.base import Choice, Formula, Metric, Operation
from staycurve.metrics.benchmarks import Context
from staycurve.metrics.describe import benchmarks_dict
from staycurve.metrics.query import known_dims
from staycurve.metrics.relations import RELATIONS


def describe(
    name: str, metric: Metric, config: Config, context: Context | None = None
) -> dict[str, Any]:
    """Everything that a metric says about itself.

    `formula` is the one that the conventions in force pick; `switches` are those that it hangs on.
    """
    told = benchmarks_dict(name, metric, config, context or Context())
    return {
        "name": name,
        "label": metric.label,
        "about": metric.about,
        "formula": formula_text(metric, config),
        "unit": metric.unit.value,
        "better": metric.better,
        "stage": metric.stage,
        "grains": list(metric.grains),
        "is_to_date": metric.is_to_date,
        "benchmark": told.get("benchmark"),
        "benchmarks": told.get("benchmarks", []),
        "disagreements": metric.disagreements,
        "switches": {
            switch: config.convention(switch) for switch in dict.fromkeys(_switches(metric))
        },
    }


def formula_text(metric: Metric, config: Config) -> str:
    """The formula as people read it, with other metrics by name and switches decided."""
    return _decided(metric.formula, config).text()


def parts(metric: Metric, config: Config) -> list[dict[str, Any]]:
    """What the formula is made of: each measure, what it reads and what can cut it."""
    measures = {m.name: m for m in metric.resolve(config.conventions).measures()}
    return [
        {
            "label": measure.label,
            "relation": measure.relation,
            "source": RELATIONS[measure.relation].source,
            "sql": measure.sql,
        }
        for measure in measures.values()
    ]


def dimensions(metric: Metric, config: Config, attributes: list[str]) -> list[str]:
    """What the metric can be cut by."""
    measures = list(metric.resolve(config.conventions).measures())
    every = [known_dims(RELATIONS[measure.relation], attributes) for measure in measures]
    return [dim for dim in every[0] if all(dim in dims for dims in every)] if every else []


def switch_about(switch: str) -> str:
    """What a switch decides."""
    return SWITCHES[switch].about


def _decided(formula: Formula, config: Config) -> Formula:
    if isinstance(formula, Choice):
        return _decided(formula.options[config.convention(formula.switch)], config)
    if isinstance(formula, Operation):
        left, right = _decided(formula.left, config), _decided(formula.right, config)
        return Operation(formula.sign, left, right)
    return formula


def _switches(formula: Formula) -> Iterator[str]:
    if isinstance(formula, Choice):
        yield formula.switch
        for option in formula.options.values():
            yield from _switches(option)
    elif isinstance(formula, Operation):
        yield from _switches(formula.left)
        yield from _switches(formula.right)
    elif isinstance(formula, Metric):
        yield from _switches(formula.formula)
