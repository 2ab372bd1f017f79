"""What each insight answers, as /api/openapi.json states it: models made from answer types."""

from __future__ import annotations

import datetime as dt
import re
import types
import typing
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model

from staycurve.insights import shapes
from staycurve.insights.answers import Shape, Table
from staycurve.insights.base import Insight

OWN = "staycurve.insights."


class AnswerModel(BaseModel):
    """A JSON object; what is left out where it is empty is not required."""

    model_config = ConfigDict(protected_namespaces=())


class OpenModel(AnswerModel):
    """A JSON object with keys that hang on what was asked."""

    model_config = ConfigDict(extra="allow")


class Models:
    """A model for each answer type of some insights, and for each type of row inside.

    A model is called as its type, with the theme before it where two types share a name.
    """

    def __init__(self, insights: Sequence[Insight[Any, Any]]) -> None:
        self._made: dict[type, type[BaseModel]] = {}
        self._names = _names(insights)

    def of(self, insight: Insight[Any, Any]) -> Any:
        """What an insight answers: a model, or one of several."""
        return reduce(or_, (self.model(one) for one in insight.answers))

    def model(self, shape: type) -> type[BaseModel]:
        """The model of an answer or a row."""
        if shape not in self._made:
            fields: dict[str, Any] = {
                f"{field.attribute}_": self._field(field) for field in shapes.fields_of(shape)
                if not field.is_flat
            }
            about = (shape.__doc__ or "").partition("\n\n")[0]
            self._made[shape] = create_model(
                self._names[shape], __doc__=about,
                __base__=OpenModel if len(fields) < len(shapes.fields_of(shape)) else AnswerModel,
                **fields,
            )
        return self._made[shape]

    def _field(self, field: shapes.Field) -> Any:
        hint = self._typed(field.type)
        mark = field.mark
        label = mark.title if isinstance(mark, Table) else field.col.label if field.col else ""
        said = Field(
            alias=field.key, title=label or None, description=mark.about or label or None,
            json_schema_extra=_without_default,
        )
        if not mark.is_omitted:
            return Annotated[hint, said], ...
        # What is left out where it is empty is never null.
        return Annotated[_without_none(hint), said], None

    def _typed(self, hint: Any) -> Any:
        """A type of Python as JSON has it."""
        origin, args = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._typed(args[0])
        if origin in (Union, types.UnionType):
            return reduce(or_, (self._typed(one) for one in args))
        if origin is tuple and args[-1] is not Ellipsis:
            return tuple[tuple(self._typed(one) for one in args)]  # type: ignore[misc]
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return dict[str, self._typed(args[1])]  # type: ignore[misc]
        if isinstance(origin, type) and issubclass(origin, Sequence):
            return list[self._typed(args[0])]  # type: ignore[misc]
        if isinstance(hint, type):
            return self._plain(hint)
        return hint

    def _plain(self, hint: type) -> Any:
        if hint in self._names:
            return self.model(hint)
        if issubclass(hint, Enum):
            return Literal[tuple(one.value for one in hint)]
        if issubclass(hint, Fraction):
            return float
        # JSON has an instant as Python prints it, which is not what `date-time` promises.
        return str if issubclass(hint, dt.datetime) else hint


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _without_none(hint: Any) -> Any:
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    return reduce(or_, (one for one in get_args(hint) if one is not type(None)))


def shapes_of(insight: Insight[Any, Any]) -> list[type]:
    """The types of what an insight answers, and of every row and object inside."""
    found: dict[type, None] = {}

    def see(hint: Any) -> None:
        if isinstance(hint, type) and typing.cast(Any, hint) in found:
            return
        if isinstance(hint, type) and _is_shape(hint):
            found[hint] = None
            for field in shapes.fields_of(hint):
                see(field.type)
        for part in get_args(hint):
            see(part)

    for answer in insight.answers:
        see(answer)
    return list(found)


def _is_shape(hint: type) -> bool:
    return not get_origin(hint) and issubclass(hint, Shape)


def _names(insights: Sequence[Insight[Any, Any]]) -> dict[type, str]:
    """What each type is called: by itself, with its theme, or else with its module."""
    found = {shape: one.theme or one.name for one in reversed(insights) for shape in shapes_of(one)}

    def calls(shape: type) -> Iterator[str]:
        module = shape.__module__
        theme, _, rest = module.removeprefix(OWN).partition(".")
        yield shape.__name__
        yield _camel(theme if module.startswith(OWN) else found[shape]) + shape.__name__
        yield _camel(f"{theme}.{rest}") + shape.__name__

    names: dict[type, str] = {}
    left = {shape: list(calls(shape)) for shape in found}
    while left:
        counts = Counter(words[0] for words in left.values())
        taken = set(names.values())
        for shape, words in list(left.items()):
            if len(words) == 1 or (counts[words[0]] == 1 and words[0] not in taken):
                names[shape] = words[0]
                del left[shape]
            else:
                left[shape] = words[1:]
    return names


def _camel(text: str) -> str:
    return "".join(part.capitalize() for part in re.split(r"\W|_", text))
