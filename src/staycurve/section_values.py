"""Values of staycurve.toml that are what their keys take already, read without pydantic."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from staycurve.section_faults import Takes, fields_of

# Pydantic and its schemas are a third of what a short command imports, and nearly every file
# needs nothing of it: each value has its type and lies in its bounds. What is not so plain goes to
# pydantic, which alone says what is wrong, converts, and reads the rarer types.


class NotPlain(Exception):
    """A value that pydantic has to look at: wrong, to be converted, or of a rarer type."""


def plain(model: Any, given: object) -> Any:
    """What pydantic would make of `given`, a value as TOML has it.

    Parameters
    ----------
    model : type
        A section's model: annotated with `Takes` or not.
    given : object
        What stands in the file.

    Raises
    ------
    NotPlain
        For everything but a value that has its type exactly and lies within its bounds.
    """
    origin = typing.get_origin(model)
    if origin is Annotated:
        value = plain(model.__origin__, given)
        for one in model.__metadata__:
            value = _taken(one, value)
        return value
    if model in (str, int, float, bool):
        if type(given) is not model:
            raise NotPlain
        return given
    if dataclasses.is_dataclass(model):
        return _table(model, given)
    return _composed(origin, typing.get_args(model), given)


def _taken(takes: object, value: Any) -> Any:
    if not isinstance(takes, Takes):
        raise NotPlain
    below = takes.least is not None and value < takes.least
    above = takes.most is not None and value > takes.most
    if below or above or (takes.choices and value not in takes.choices):
        raise NotPlain
    try:
        return takes.check(value) if takes.check else value
    except (ValueError, AssertionError):
        raise NotPlain from None


def _table(model: Any, given: object) -> Any:
    fields = {field.name: field for field in dataclasses.fields(model)}
    known = getattr(model, "__pydantic_config__", None) is not None
    if not (known and isinstance(given, Mapping) and given.keys() <= fields.keys()):
        raise NotPlain
    kinds = fields_of(model)
    values = {name: plain(kinds[name], value) for name, value in given.items()}
    needed = {
        name for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    if needed - values.keys() or not all(fields[name].init for name in values):
        raise NotPlain
    return model(**values)


def _composed(origin: Any, inner: tuple[Any, ...], given: object) -> Any:
    """Lists, tables of names that nobody knows beforehand, one of several texts, or nothing."""
    if origin is Literal:
        if type(given) is not str or given not in inner:
            raise NotPlain
        return given
    if origin is tuple and len(inner) == 2 and inner[1] is ... and type(given) is list:
        return tuple(plain(inner[0], one) for one in given)
    if origin in (typing.Union, types.UnionType):
        kinds = [one for one in inner if one is not type(None)]
        if len(kinds) == 1:
            return plain(kinds[0], given)
    raise NotPlain
