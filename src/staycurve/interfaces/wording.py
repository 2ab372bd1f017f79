"""Wording: values, intervals and sentences of answers as text, for the command line and pages.

Whoever prints passes the function that translates; nothing here knows a language. Digits follow
tables of the command line: a share to a tenth of a percent, an amount to a hundredth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.answers import Col, Kind, Said, Shape
from staycurve.insights.shapes import ends_of, fields_of
from staycurve.metrics.base import Unit

Translate = Callable[[str], str]
Show = Callable[[Any, Unit | Kind], str]
"""Prints one value; whoever prints may have a way of its own."""
UNKNOWN = "–"
NONE = N_("(none)")
INTERVAL = N_("95% interval")
_WORDS = (Kind.TEXT, Kind.NAME, Kind.ACCOUNT, Kind.DAY)
_LENGTHS = ((86_400, N_("%s d")), (3600, N_("%s h")), (60, N_("%s min")))


def in_english(text: str) -> str:
    """`text` as it was written."""
    return text


def is_number(unit: Unit | Kind) -> bool:
    """Whether values stand at the right of their column."""
    return isinstance(unit, Unit) or unit in (Kind.POINTS, Kind.CHANCE, Kind.LENGTH)


def text(value: Any, unit: Unit | Kind, _: Translate = in_english) -> str:
    """A value as people read it.

    An unknown number is –; a day, a name or a text that there is not is blank.
    """
    if value is None or value == "":
        return "" if unit in _WORDS else UNKNOWN
    if isinstance(value, Fraction):
        value = float(value)
    if isinstance(unit, Kind):
        return _of_kind(value, unit, _)
    if unit is Unit.PERCENT:
        return f"{value * 100:,.1f}%"
    if unit is Unit.COUNT:
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    if unit is Unit.SCORE:
        return f"{value:,.1f}"
    return f"{value:,.2f}"


def _of_kind(value: Any, unit: Kind, _: Translate) -> str:
    if unit is Kind.DAY:
        return str(value)[:10]
    if unit is Kind.MONTH:
        return str(value)[:7]
    if unit is Kind.FLAG:
        return _(N_("yes")) if value else ""
    if unit is Kind.POINTS:
        return _(N_("%s pp")) % f"{value * 100:+.1f}"
    if unit is Kind.CHANCE:
        return "<0.0001" if value < 0.0001 else f"{value:.4f}"
    if unit is Kind.LENGTH:
        return _length(float(value), _)
    if unit is Kind.NAME:
        return _(str(value).replace("_", " "))
    return str(value)


def _length(seconds: float, _: Translate) -> str:
    for size, words in _LENGTHS:
        if seconds >= size:
            return _(words) % f"{seconds / size:.1f}"
    return _(N_("%s s")) % f"{seconds:.0f}"


def told(said: Said, _: Translate = in_english, show: Show | None = None) -> str:
    """A sentence."""
    values = {name: _told_value(value, _, show) for name, value in said.values.items()}
    return _(said.text) % values if values else _(said.text) if said.text else ""


def _told_value(value: Any, _: Translate, show: Show | None) -> str:
    if isinstance(value, Said):
        return told(value, _, show)
    if isinstance(value, tuple):
        return show(*value) if show else text(value[0], value[1], _)
    return _(str(value)) if value else ""


def segment(values: Mapping[str, str | None], _: Translate = in_english) -> list[str]:
    """A segment, one text for each dimension."""
    return [_(NONE) if value is None else str(value) for value in values.values()]


def between(low: Any, high: Any, unit: Unit | Kind, _: Translate = in_english) -> str:
    """An interval; – where it is unknown, and at an end that lies beyond what is seen."""
    if low is None and high is None:
        return UNKNOWN
    return _(N_("%(low)s to %(high)s")) % {"low": text(low, unit, _), "high": text(high, unit, _)}


def interval(row: Any, col: Col, _: Translate = in_english) -> str:
    """The interval beside a column's value."""
    return between(*ends_of(row, col), col.unit, _)


def cell(value: Any, col: Col, _: Translate = in_english, show: Show | None = None) -> str:
    """A value of a column, whatever it holds; several stand with commas between."""
    key = "" if value is None else value
    if isinstance(key, str) and key in col.named_by:
        return _(col.named_by[key])
    if isinstance(value, Shape):
        return brief(value, _, show)
    if isinstance(value, Said):
        return told(value, _, show)
    if isinstance(value, Mapping):
        known = {key: one for key, one in value.items() if one is not None}
        return ", ".join(f"{key} {cell(one, col, _, show)}".strip() for key, one in known.items())
    if isinstance(value, tuple | list):
        return ", ".join(cell(one, col, _, show) for one in value)
    return show(value, col.unit) if show else text(value, col.unit, _)


def brief(row: Shape, _: Translate = in_english, show: Show | None = None) -> str:
    """An object inside a row, in one cell."""
    said = row.brief()
    if said is not None:
        return told(said, _, show)
    own: type = type(row)
    shown = [
        cell(getattr(row, field.attribute), field.col, _, show)
        for field in fields_of(own)
        if field.col
    ]
    shown = [one for one in shown if one]
    return shown[0] + (f" ({', '.join(shown[1:])})" if shown[1:] else "") if shown else ""
