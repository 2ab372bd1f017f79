"""What answers say of themselves in JSON: their columns in words, which number rows are behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import Key, Kind, Row
from staycurve.insights.shapes import fields_of
from staycurve.metrics.base import Unit

AboutField = Annotated[str, Key(N_("Which number, or how it is counted, in words."))]
TotalField = Annotated[Mapping[str, float], Key(N_("The sum of the rows."))]

_WORDS: Mapping[Unit | Kind, str] = {
    Unit.RATIO: "number", Kind.MONTH: "period", Kind.DAY: "date", Kind.NAME: "text",
    Kind.ACCOUNT: "text",
}


@dataclass(frozen=True)
class Column(Row):
    """One column of an answer in words."""

    name: Annotated[str, Key(N_("Its key."))]
    label: Annotated[str, Key(N_("Its heading."))]
    unit: Annotated[str, Key(N_("What its values are counted in."))]
    about: Annotated[str, Key(N_("What it means."))]


ColumnsField = Annotated[tuple[Column, ...], Key(N_("The columns in words."))]


@dataclass(frozen=True)
class Named(Row):
    """A name, and what it is called."""

    name: Annotated[str, Key(N_("The name."))]
    label: Annotated[str, Key(N_("What it is called."))]


@dataclass(frozen=True, kw_only=True)
class Rest(Row):
    """What is not shown one by one."""

    features: Annotated[int, Key(N_("How many features."))]
    names: Annotated[tuple[str, ...], Key(N_("Their names."))]


def columns_of(shape: type, *names: str, **units: str) -> tuple[Column, ...]:
    """The columns of a row in words, those named or all; `units` name what has no unit."""
    found = {
        one.key: Column(
            one.key, one.col.label,
            units.get(one.key) or _WORDS.get(one.col.unit, one.col.unit.value), one.col.about,
        )
        for one in fields_of(shape)
        if one.col is not None
    }
    return tuple(found[name] for name in names or found)


def named(texts: Mapping[str, str]) -> tuple[Named, ...]:
    """Names with what they are called."""
    return tuple(Named(name, label) for name, label in texts.items())
