"""What an answer type says of itself: its fields, its JSON, and its rows as flat lines."""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from staycurve.insights.marks import Col, Hidden, Key, Table
from staycurve.metrics.base import Unit


@dataclass(frozen=True)
class Field:
    """One field of an answer or of a row.

    Attributes
    ----------
    attribute, key : str
        Its name in Python and in JSON.
    type : Any
        Without Annotated.
    mark : Key, Col or Table
    row : type, optional
        The dataclass of its rows, or of the object that it holds.
    is_many : bool
        Whether it holds several of them.
    """

    attribute: str
    key: str
    type: Any
    mark: Key | Table
    row: type | None
    is_many: bool

    @property
    def is_flat(self) -> bool:
        """Whether the keys of its mapping stand in its place."""
        return isinstance(self.mark, Key) and self.mark.is_flat

    @property
    def col(self) -> Col | None:
        """How it stands in tables for people; None where it does not."""
        return self.mark if isinstance(self.mark, Col) else None


@dataclass(frozen=True)
class Rows:
    """A field that holds rows, with its mark."""

    field: Field
    mark: Table
    row: type

    def of(self, answer: Any) -> Sequence[Any]:
        """The rows themselves."""
        found: Sequence[Any] = getattr(answer, self.field.attribute) or ()
        return found


@cache
def fields_of(shape: type) -> tuple[Field, ...]:
    """Every field that JSON has, in order."""
    return tuple(one for one in _fields_of(shape) if not _is_view(one))


def all_fields_of(shape: type) -> tuple[Field, ...]:
    """The fields of JSON, and those that say the same for people."""
    return _fields_of(shape)


def _is_view(field: Field) -> bool:
    return isinstance(field.mark, Table) and field.mark.is_view


@cache
def _fields_of(shape: type) -> tuple[Field, ...]:
    hints = get_type_hints(shape, include_extras=True)
    found = []
    names = [one.name for one in dataclasses.fields(shape)]
    # `notes` comes first in the dataclass, since its subclasses add to it, and last in JSON. What
    # every list of accounts has stands before what one of them adds.
    places: Mapping[str, int] = getattr(shape, "places", {})
    names.sort(key=lambda name: (name == "notes", places.get(name, len(places))))
    for name in names:
        inner, marks = _unwrapped(hints[name])
        if any(isinstance(mark, Hidden) for mark in marks):
            continue
        # The last mark is the field's own; those before come with a shared type.
        mark = next((m for m in reversed(marks) if isinstance(m, Key | Table)), Key())
        row, is_many = _row_of(inner)
        found.append(Field(name, mark.name or name, inner, mark, row, is_many))
    return tuple(found)


def _unwrapped(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        return inner, tuple(marks)
    return hint, ()


def _row_of(hint: Any) -> tuple[type | None, bool]:
    """The dataclass inside a type, and whether there are several."""
    hint, _marks = _unwrapped(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint, False
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return next((found for found in map(_row_of, args) if found[0]), (None, False))
    if origin in (tuple, list) or (isinstance(origin, type) and issubclass(origin, Sequence)):
        row, _ = _row_of(args[0])
        return row, row is not None
    return None, False


@cache
def tables_of(shape: type) -> tuple[Rows, ...]:
    """The fields that hold rows, in the order in which they are shown."""
    return tuple(
        Rows(field, field.mark, field.row)
        for field in _fields_of(shape)
        if isinstance(field.mark, Table) and field.row is not None
    )


def main_of(shape: type) -> Rows | None:
    """The rows that CSV prints."""
    tables = tables_of(shape)
    return next(
        (one for one in tables if one.mark.is_main),
        next((one for one in tables if one.field.key == "rows"), tables[0] if tables else None),
    )


def as_dict(answer: Any) -> dict[str, Any]:
    """An answer, or a row of it, as a JSON object; see `Shape.as_dict`."""
    own: type = type(answer)
    found: dict[str, Any] = {}
    for field in fields_of(own):
        value = getattr(answer, field.attribute)
        if field.mark.is_omitted and (value is None or value == "" or value == ()):
            continue
        if field.is_flat:
            found |= _written(value)
            continue
        found[field.key] = _written(value)
    return found


def is_shape(value: object) -> bool:
    """Whether a value is an object of JSON: a row, or what is inside one."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _written(value: Any) -> Any:
    if value is None or type(value) in (str, int, float, bool):
        return value
    if is_shape(value):
        return as_dict(value)
    if isinstance(value, tuple | list):
        return [_written(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _written(one) for key, one in value.items()}
    return plain(value)


def shown(row: Any, field: Field) -> Any:
    """What tables for people show of a field."""
    name = field.col.shown_as if field.col else ""
    return getattr(row, name or field.attribute)


def ends_of(row: Any, col: Col) -> tuple[Any, Any]:
    """The ends of the interval beside a column's value; None where they are unknown."""
    if col.ends is None:
        return None, None
    low, high = (attrgetter(name)(row) for name in col.ends)
    return low, high


def segment_of(row: Any) -> Mapping[str, str | None]:
    """The segment of a row; empty where nothing splits the answer."""
    found: Mapping[str, str | None] = getattr(row, "segment", None) or {}
    return found


def columns_of(shape: type, rows: Sequence[Any]) -> list[Field]:
    """The fields that stand in a table of rows: without those that all of them leave out."""
    return [
        one for one in fields_of(shape)
        if one.col is not None and not (
            one.mark.is_omitted and rows
            and all(getattr(row, one.attribute) in (None, "", ()) for row in rows)
        )
    ]


def lines_of(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows as flat lines for CSV.

    A segment's dimensions and the keys of a mapping stand by their own names; the fields of an
    object inside, such as `older`, as older_value, and the value of a measure by its field's name.
    """
    return [_flat(row) for row in rows]


def _flat(row: Any) -> dict[str, Any]:
    own: type = type(row)
    found: dict[str, Any] = {}
    segment: Mapping[str, Any] = {}
    for field in fields_of(own):
        value = getattr(row, field.attribute)
        if isinstance(field.mark, Key) and not field.mark.is_in_csv:
            continue
        if field.key == "segment" and isinstance(value, Mapping):
            segment = value
        elif is_shape(value):
            for key, part in _flat(value).items():
                is_own = key == "value" and getattr(value, "is_measure", False)
                found[field.key if is_own else f"{field.key}_{key}"] = part
        elif isinstance(value, Mapping):
            found |= {str(key): _written(part) for key, part in value.items()}
        elif isinstance(value, tuple | list) and value and is_shape(value[0]):
            found |= _numbered(field.key, value)
        elif isinstance(value, tuple | list):
            found[field.key] = " | ".join(str(_written(one)) for one in value)
        elif not (field.mark.is_omitted and value in (None, "")):
            found[field.key] = _written(value)
    return found | dict(segment)


def _numbered(name: str, rows: Sequence[Any]) -> dict[str, Any]:
    """Rows inside a row: the fields of each by the value of its first, as retention_12_size."""
    found: dict[str, Any] = {}
    for row in rows:
        (_first, key), *rest = _flat(row).items()
        found |= {f"{name}_{key}_{own}": part for own, part in rest}
    return found


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dt.date | dt.datetime):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Fraction):
        return float(value)
    return value


def money_fields(insights: Iterable[Any]) -> frozenset[str]:
    """Keys that are amounts of money in every answer that has them."""
    money: set[str] = set()
    others: set[str] = set()
    seen: set[type] = set()

    def look(shape: type) -> None:
        if shape in seen:
            return
        seen.add(shape)
        for field in _fields_of(shape):
            if field.row is not None:
                look(field.row)
            elif field.col is not None:
                (money if field.col.unit is Unit.MONEY else others).add(field.key)

    for insight in insights:
        for shape in insight.answers:
            look(shape)
    return frozenset(money - others)
