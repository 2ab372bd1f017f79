"""The rows of one panel as CSV, long or wide, with money in the digits of its currency."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from babel.numbers import get_currency_precision

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.insights.catalogue import INSIGHTS
from staycurve.insights.shapes import money_fields
from staycurve.interfaces import sheets
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Laid
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS

SHAPES = ("long", "wide")
Rows = Sequence[Mapping[str, Any]]


def sheet(one: Laid | None, ask: Ask) -> str:
    """The rows of a panel as the text of a CSV file.

    With `shape=wide` a line is a period (or a cohort) and a column a segment (or an age). With
    `exact=true` money has all the digits that it was computed with.

    Raises
    ------
    NotAnsweredError
        For a wide sheet of rows that have no such form.
    """
    shape = ask.options.get("shape", "long")
    if shape not in SHAPES:
        raise UnknownNameError("shape", shape, SHAPES)
    rows: Rows = one.shown.rows if one else ()
    if ask.options.get("exact") != "true":
        rows = [_rounded(row, ask.currency) for row in rows]
    lines = wide(rows) if shape == "wide" else [_flat(row) for row in rows]
    columns = list(dict.fromkeys(key for line in lines for key in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    if columns:
        writer.writeheader()
    writer.writerows({key: sheets.cell(value) for key, value in line.items()} for line in lines)
    return text.getvalue()


def has_wide(rows: Rows) -> bool:
    """Whether rows can be laid out with a column for each segment, metric or age."""
    return bool(rows) and (_are_periods(rows) or _are_cohorts(rows))


def wide(rows: Rows) -> list[dict[str, Any]]:
    """A line for each period or cohort, with a column for each segment, metric or age."""
    if not rows:
        return []
    if not has_wide(rows):
        raise NotAnsweredError(
            "These rows have no wide form: it takes periods and values.", hint="Ask without shape."
        )
    key = "period" if _are_periods(rows) else "cohort"
    several = len({row.get("metric") for row in rows}) > 1
    lines: dict[Any, dict[str, Any]] = {}
    for row in rows:
        line = lines.setdefault(row[key], {key: row[key]})
        if key == "cohort":
            line.setdefault("size", row.get("size", ""))
            line[str(row["age"])] = row["value"]
        else:
            line[_column(row, has_metric=several)] = row["value"]
    return list(lines.values())


def _are_periods(rows: Rows) -> bool:
    return all("period" in row and "value" in row and "metric" in row for row in rows)


def _are_cohorts(rows: Rows) -> bool:
    return all({"cohort", "age", "value"} <= set(row) for row in rows) and all(
        not row.get("segment") for row in rows
    )


def _column(row: Mapping[str, Any], *, has_metric: bool) -> str:
    parts = [str(row["metric"])] if has_metric or not row.get("segment") else []
    segment = row.get("segment") or {}
    parts += ["(none)" if value is None else str(value) for value in segment.values()]
    return " / ".join(parts)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            found |= {f"{key}_{inner}": part for inner, part in value.items()}
        else:
            found[key] = value
    return found


@cache
def _money_keys() -> frozenset[str]:
    """Keys of rows that are amounts wherever they stand."""
    metrics = {name for name, metric in METRICS.items() if metric.unit is Unit.MONEY}
    return frozenset(metrics | money_fields(one for _, one in INSIGHTS.items()))


def _rounded(row: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """A row whose amounts have the digits of the currency: none for yen, two for dollars."""
    digits = get_currency_precision(currency)
    name = str(row.get("metric", ""))
    is_money = name in METRICS and METRICS[name].unit is Unit.MONEY
    own = {"value", "before"} if is_money else set()
    return {
        key: _round(value, digits)
        if isinstance(value, float) and (key in own or key in _money_keys()) else value
        for key, value in row.items()
    }


def _round(value: float, digits: int) -> float | int:
    found = round(value, digits)
    return found if digits else int(found)
