"""The pages of the metrics and their index."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator

from docs.generating.decisions import DECISIONS, LEDGER
from docs.generating.markdown import code, made, source_of, table
from staycurve.conventions import SWITCHES
from staycurve.metrics.base import STAGES, Choice, Formula, Metric, Operation
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.describe import dims_of, stated_text, tables_of
from staycurve.metrics.dimensions import COHORT, ITEM_TRAITS, MOVING

DIRECTIONS = {"higher": "higher is better", "lower": "lower is better"}


def choices_of(formula: Formula) -> Iterator[Choice]:
    """Every choice in a formula; metrics inside it keep theirs to their own pages."""
    if isinstance(formula, Choice):
        yield formula
    elif isinstance(formula, Operation):
        yield from choices_of(formula.left)
        yield from choices_of(formula.right)


def chosen(formula: Formula, value: str) -> Formula:
    """The formula in which every choice is decided for `value`."""
    if isinstance(formula, Choice):
        return formula.options[value]
    if isinstance(formula, Operation):
        return Operation(formula.sign, chosen(formula.left, value), chosen(formula.right, value))
    return formula


def _formula_part(metric: Metric) -> str:
    choices = list(choices_of(metric.formula))
    if not choices:
        return f"```text\n{metric.formula.text()}\n```"
    switch = choices[0].switch
    default = SWITCHES[switch].default
    rows = [
        [f"`{value}`" + (" (default)" if value == default else ""),
         chosen(metric.formula, value).text()]
        for value in choices[0].options
    ]
    link = f"[`{switch}`](../conventions.md#{switch})"
    return f"The switch {link} decides:\n\n" + table([switch, "formula"], rows)


def _metrics_in(formula: Formula) -> Iterator[Metric]:
    if isinstance(formula, Metric):
        yield formula
    elif isinstance(formula, Operation):
        yield from _metrics_in(formula.left)
        yield from _metrics_in(formula.right)
    elif isinstance(formula, Choice):
        for option in formula.options.values():
            yield from _metrics_in(option)


def _example_part(name: str, metric: Metric) -> str:
    parts = ["## Worked example"]
    if metric.example.conventions:
        switches = ", ".join(f"`{k} = {v}`" for k, v in metric.example.conventions.items())
        parts.append(f"With {switches}.")
    for source, rows in metric.example.rows.items():
        lines = [line.split() for line in rows.strip().splitlines()]
        # In examples `-` stands for empty and `_` for a blank.
        cells = [
            ["" if cell == "-" else cell.replace("_", " ") for cell in line] for line in lines[1:]
        ]
        parts += [f"`{source}`", table(lines[0], cells)]
    seen = f" as of {metric.example.as_of}" if metric.example.as_of else ""
    answers = [
        [period, "empty" if value is None else _plain(value)]
        for period, value in metric.example.answer.items()
    ]
    parts += [f"Then, by {metric.example.grain}{seen}:", table(["period", name], answers)]
    parts.append("The test suite computes this example.")
    return "\n\n".join(parts)


def _plain(value: float) -> str:
    """Six decimals at most: money is kept to a millionth."""
    shown = f"{value:,.6f}"
    return shown.rstrip("0").rstrip(".")


def module_of(name: str) -> str:
    """The module whose assignment declares a metric; others may import it."""
    declared = re.compile(rf"^{name}\b[^=\n]*= ", re.MULTILINE)
    return next(
        module for module in METRICS.sources()
        if declared.search(inspect.getsource(importlib.import_module(module)))
    )


def _facts(name: str, metric: Metric) -> str:
    dims = dims_of(metric)
    cut = code(dims) or "nothing"
    if "industry" in dims:
        cut += ", and any attribute of the accounts"
    rows = [
        ["name", f"`{name}`"],
        ["unit", f"{metric.unit.value}; "
                 f"{DIRECTIONS.get(metric.better, 'neither direction is better by itself')}"],
        ["lifecycle stage", metric.stage],
        ["known by", ", ".join(metric.grains)],
        ["open period", "shown to date, and marked" if metric.is_to_date else "empty"],
        ["declared in", f"`{source_of(module_of(name))}`"],
        ["stands on", ", ".join(f"[`{t}`](../tables.md#{t})" for t in tables_of(metric))],
        ["cut by", cut],
    ]
    rows += [["benchmark", stated_text(metric, one)] for one in metric.benchmarks]
    return table(["", ""], rows)


def metric_page(name: str, metric: Metric) -> str:
    """The reference page of one metric."""
    names = {id(found): key for key, found in METRICS.items()}
    parts = [metric.about, _facts(name, metric), "## Formula", _formula_part(metric)]
    used = dict.fromkeys(names[id(m)] for m in _metrics_in(metric.formula) if id(m) in names)
    if used:
        parts.append("Metrics in it: " + ", ".join(f"[{key}]({key}.md)" for key in used) + ".")
    if "subscriptions" in tables_of(metric):
        parts.append("What counts as MRR follows the [conventions](../conventions.md).")
    if metric.disagreements:
        parts += ["## How others count it", metric.disagreements]
    decided = [
        f"- [{title}]({LEDGER}#{anchor})" for anchor, (title, names_) in DECISIONS.items()
        if name in names_
    ]
    if decided:
        parts += ["## Decided here", "\n".join(decided)]
    parts.append(_example_part(name, metric))
    parts.append(f"The SQL statement: `staycurve metrics {name} --sql`.")
    return made(metric.label, *parts)


def metrics_index() -> str:
    """The list of every metric, by lifecycle stage."""
    parts = ["Every metric that `staycurve metrics` knows, by the lifecycle stage it indicates."]
    for stage in STAGES:
        rows = [
            [f"[`{name}`]({name}.md)", metric.label, metric.unit.value, metric.about]
            for name, metric in METRICS.items() if metric.stage == stage
        ]
        if rows:
            parts += [f"## {stage.capitalize()}",
                      table(["metric", "label", "unit", "what it is"], rows)]
    parts += ["## Dimensions", _dimensions()]
    return made("Metrics", *parts)


def _dimensions() -> str:
    rows = [[f"`{trait}`", "A trait of a subscription item."] for trait in ITEM_TRAITS]
    rows += [[f"`{moving.name}`", moving.about] for _, moving in MOVING.items()]
    rows += [
        [f"`{moving.now}`", f"`{moving.name}` as it is on the as-of's day, whichever day a number "
         "speaks of: who is there now, followed back."]
        for _, moving in MOVING.items()
    ]
    rows.append([f"`{COHORT}`", "The month in which the account first paid."])
    return (
        "Numbers about accounts can also be cut by any column or attribute of `accounts`.\n\n"
        + table(["dimension", "what it is"], rows)
    )
