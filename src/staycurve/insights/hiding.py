"""Hiding: an answer without what tells who somebody is, for those who may not see it."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any, TypeVar

from staycurve import personal
from staycurve.insights.marks import Key
from staycurve.insights.shapes import Field, all_fields_of, is_shape

T = TypeVar("T")


def seen(answer: T) -> T:
    """The answer as the present request may see it; that it holds personal data is noted."""
    own: type = type(answer)
    if not has_personal(own):
        return answer
    if personal.is_shown():
        if _holds(answer):
            personal.note()
        return answer
    found: T = _hidden(answer)
    return found


@cache
def has_personal(shape: type) -> bool:
    """Whether a field of an answer, or of a row inside, is personal."""
    return _has_personal(shape, frozenset())


def _has_personal(shape: type, above: frozenset[type]) -> bool:
    return any(
        _is_marked(field)
        or (field.row is not None and field.row not in above
            and _has_personal(field.row, above | {shape}))
        for field in all_fields_of(shape)
    )


def _is_marked(field: Field) -> bool:
    return isinstance(field.mark, Key) and field.mark.is_personal


def _is_personal(field: Field, row: Any) -> bool:
    if not _is_marked(field):
        return False
    assert isinstance(field.mark, Key)
    if field.mark.personal_if is None:
        return True
    name, values = field.mark.personal_if
    return getattr(row, name) in values


def _holds(value: Any) -> bool:
    """Whether a personal field of it holds anything."""
    own: type = type(value)
    for field in all_fields_of(own):
        held = getattr(value, field.attribute)
        if _is_personal(field, value) and held not in (None, "", (), {}):
            return True
        if field.row is not None and any(
            is_shape(one) and _holds(one) for one in (held if field.is_many else (held,)) or ()
        ):
            return True
    return False


def _hidden(value: Any) -> Any:
    own: type = type(value)
    changes: dict[str, Any] = {}
    for field in all_fields_of(own):
        held = getattr(value, field.attribute)
        if _is_personal(field, value):
            assert isinstance(field.mark, Key)
            changes[field.attribute] = _stood_in(held) if field.mark.stands_in else _blank(held)
        elif field.row is not None and has_personal(field.row):
            if field.is_many:
                changes[field.attribute] = tuple(_hidden(one) for one in held or ())
            elif is_shape(held):
                changes[field.attribute] = _hidden(held)
    return dataclasses.replace(value, **changes) if changes else value


def _stood_in(held: Any) -> Any:
    if isinstance(held, tuple | list):
        return tuple(_stood_in(one) for one in held)
    return personal.stand_in(str(held)) if held else held


def _blank(held: Any) -> Any:
    if isinstance(held, dict):
        return {
            key: personal.HIDDEN if personal.is_named_so(key) else value
            for key, value in held.items()
        }
    if isinstance(held, tuple | list):
        return tuple(personal.HIDDEN for _one in held)
    if isinstance(held, str):
        return personal.HIDDEN if held else held
    return None
