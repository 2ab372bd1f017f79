"""What is wrong in a section of staycurve.toml: the place, the value, what it takes and a hint."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.errors import ConfigError, UnknownNameError

FILE_NAME = "staycurve.toml"

Path = tuple[str | int, ...]
"""Keys and places in lists, from a section inwards."""

LARGEST = 2**63 - 1
"""TOML's integers, and those of every engine, have 64 bits."""
_LONGEST = 60
"""Characters of a value that a message shows."""


class Wrong(ValueError):
    """A value that its owner cannot follow; raised by checks, which know no place.

    Parameters
    ----------
    text : str
        What follows the place in the message, such as "'Mars/Base' is not known."
    hint : str
        The next step; what the key's `Takes` says without it.
    key : str
        The key within the section, where the check looked at all of the section.
    """

    def __init__(self, text: str, hint: str = "", key: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint
        self.key = key


@dataclass(frozen=True)
class Takes:
    """What a key takes: beside its type in `Annotated[int, Takes(…)]`.

    Attributes
    ----------
    words : str
        What follows 'takes', such as 'a month from 1 to 12'.
    example : str
        A line that can be written.
    choices : tuple of str
        The only values, where they can be listed.
    least, most : int, optional
        Bounds of a number, both allowed.
    check : callable, optional
        Gets the value once its type is right, and returns it or raises `Wrong`.
    """

    words: str
    example: str = ""
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    check: typing.Callable[[Any], Any] | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """The same for pydantic, which calls it when a section is first read."""
        from pydantic_core import core_schema

        schema = dict(handler(source))
        if schema["type"] in ("int", "float", "bool"):
            # true is no 1, and "5" no 5.
            schema["strict"] = True
        if self.least is not None:
            schema["ge"] = self.least
        if self.most is not None:
            schema["le"] = self.most
        found = typing.cast(core_schema.CoreSchema, schema)
        if self.choices:
            found = core_schema.no_info_after_validator_function(self._chosen, found)
        if self.check:
            found = core_schema.no_info_after_validator_function(self.check, found)
        return found

    def _chosen(self, value: str) -> str:
        if value not in self.choices:
            raise not_a_choice(value, self.choices)
        return value


def not_a_choice(value: object, choices: Sequence[str]) -> Wrong:
    """A value that is not in its list, with the nearest that is."""
    return Wrong(
        f"= {shown(value)} is not a value it takes.{near(str_of(value), choices)}",
        f"It takes: {', '.join(choices)}",
    )


def near(name: str, known: Iterable[str]) -> str:
    """' Did you mean …?' where a known name is near, else nothing."""
    found = UnknownNameError("", name, known).suggestion
    return f" Did you mean '{found}'?" if found else ""


def str_of(value: object) -> str:
    """A value as text; empty for what no name is."""
    return value if isinstance(value, str) else ""


def shown(value: object) -> str:
    """A value as a message shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
        return f"'{''.join(sign if sign.isprintable() else '�' for sign in text)}'"
    if isinstance(value, int):
        return str(value) if abs(value) <= LARGEST else "a number of more than 64 bits"
    if isinstance(value, float | dt.date | dt.time):
        return str(value)
    if isinstance(value, Mapping):
        return "a table"
    return "an empty list" if value == [] else "a list"


def place_of(section: str, path: Path) -> str:
    """Where a value stands, such as `[company] currency` or `[[limits]] 2: feature`."""
    keys = [str(part) for part in path if not isinstance(part, int)]
    numbers = [number for number, part in enumerate(path) if isinstance(part, int)]
    if not numbers:
        return f"[{section}] {'.'.join(keys)}" if keys else section
    first = numbers[0]
    rest = [str(part) for part in path[first + 1 :] if not isinstance(part, int)]
    before = ".".join([section, *(str(part) for part in path[:first])])
    item = int(path[first]) + 1
    if rest or first == 0:
        return f"[[{before}]] {item}" + (f": {'.'.join(rest)}" if rest else "")
    return f"[{section}] {'.'.join(keys)}, item {item},"


def _table_of(section: str, path: Path) -> str:
    """The table in which the last key of a path stands."""
    return place_of(section, path)[: -len(str(path[-1]))].rstrip(" .:")


def unknown_key(section: str, path: Path, known: Iterable[str]) -> ConfigError:
    """A key that is not known, with the nearest that is and all that are."""
    names, key = tuple(known), str(path[-1])
    where = _table_of(section, path)
    return ConfigError(
        f"{FILE_NAME}: unknown key {where} {shown(key)}.{near(key, names)}",
        hint=f"Known here: {', '.join(names)}",
        key=key, place=f"{where} {key}",
    )


def fault(section: str, path: Path, text: str, hint: str) -> ConfigError:
    """An error about the value at `path` of a section."""
    place = place_of(section, path)
    keys = [str(part) for part in path if not isinstance(part, int)]
    return ConfigError(
        f"{FILE_NAME}: {place} {text}", hint=hint, key=keys[-1] if keys else section,
        place=place.removesuffix(","),
    )


def odd_values(given: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Values that no key takes, wherever they stand: their path, and what is wrong."""
    if isinstance(given, Mapping):
        for key, value in given.items():
            yield from odd_values(value, (*path, key))
    elif isinstance(given, list):
        for number, value in enumerate(given):
            yield from odd_values(value, (*path, number))
    elif isinstance(given, str) and "\0" in given:
        yield path, "holds the character U+0000."
    elif isinstance(given, float) and not math.isfinite(given):
        yield path, f"= {given} is not a number that can be used."
    elif isinstance(given, int) and abs(given) > LARGEST:
        yield path, "is a number of more than 64 bits."


def translated(
    section: str, model: Any, given: object, errors: Sequence[Mapping[str, Any]], *, example: str
) -> list[ConfigError]:
    """What pydantic found wrong in a section, in our words; one error a place."""
    found: dict[str, ConfigError] = {}
    for error in errors:
        path = _followed(given, error["loc"])
        kind, takes = _asked_at(model, path)
        value = _value_at(given, path)
        wrong = error.get("ctx", {}).get("error")
        key = str(path[-1]) if path else section
        if error["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            one = unknown_key(section, path, fields_of(_asked_at(model, path[:-1])[0]))
        elif error["type"] in ("missing", "missing_argument"):
            name = str(error["loc"][-1])
            where = _table_of(section, (*path, name))
            one = ConfigError(
                f"{FILE_NAME}: {where} needs {name}.", hint=f"Write: {example}",
                key=name, place=f"{where} {name}",
            )
        elif isinstance(wrong, Wrong):
            hint = wrong.hint or f"Write: {(takes and takes.example) or example}"
            one = fault(section, path, wrong.text, hint)
        elif takes and takes.choices:
            again = not_a_choice(value, takes.choices)
            one = fault(section, path, again.text, again.hint)
        elif _is_table(kind):
            head = example if not path else f"[{place_of(section, path)}]"
            one = fault(section, path, f"is a table, not {shown(value)}.", f"Write: {head}")
        elif not path and takes is None:
            text = f"is a list of tables, not {shown(value)}."
            one = fault(section, path, text, f"Write: {example}")
        else:
            words = takes.words if takes else _WORDS.get(_bare(kind), "another kind of value")
            line = (takes and takes.example) or f"{key} = …"
            text = f"takes {words}, not {shown(value)}."
            one = fault(section, path, text, f"Write: {line}")
        found.setdefault(one.message, one)
    return list(found.values())


_WORDS: Mapping[Any, str] = {
    str: "a text", int: "a whole number", bool: "true or false", float: "a number",
}


def fields_of(model: Any) -> dict[str, Any]:
    """The keys of a table with their annotations; none for what is no table of known keys."""
    bare = _bare(model)
    if not (dataclasses.is_dataclass(bare) or hasattr(bare, "model_fields")):
        return {}
    hints = typing.get_type_hints(bare, include_extras=True)
    names = bare.model_fields if hasattr(bare, "model_fields") else [
        field.name for field in dataclasses.fields(bare)
    ]
    return {name: hints[name] for name in names}


def takes_of(annotation: Any) -> Takes | None:
    """What is said beside a type."""
    if typing.get_origin(annotation) is not Annotated:
        return None
    return next((one for one in annotation.__metadata__ if isinstance(one, Takes)), None)


def _bare(annotation: Any) -> Any:
    while typing.get_origin(annotation) is Annotated:
        annotation = annotation.__origin__
    return annotation


def _is_table(annotation: Any) -> bool:
    bare = _bare(annotation)
    origin = typing.get_origin(bare) or bare
    is_mapping = isinstance(origin, type) and issubclass(origin, Mapping)
    return is_mapping or bool(fields_of(bare))


def _followed(given: object, loc: Sequence[Any]) -> Path:
    """The part of pydantic's location that stands in the file; the rest names its own branches."""
    found: list[str | int] = []
    for part in loc:
        is_key = isinstance(given, Mapping) and part in given
        is_item = isinstance(given, list) and isinstance(part, int) and part < len(given)
        if not (is_key or is_item):
            break
        found.append(part)
        given = given[part]  # type: ignore[index]
    return tuple(found)


def _value_at(given: object, path: Path) -> object:
    for part in path:
        given = given[part]  # type: ignore[index]
    return given


def _asked_at(model: Any, path: Path) -> tuple[Any, Takes | None]:
    """The annotation at a path, and what is said beside it or the list that it stands in."""
    takes = takes_of(model)
    for part in path:
        fields, bare = fields_of(model), _bare(model)
        if part in fields:
            model = fields[str(part)]
            takes = takes_of(model)
            continue
        inner = [one for one in typing.get_args(bare) if one is not Ellipsis]
        if isinstance(bare, types.UnionType) or not inner:
            return Any, takes
        model = inner[-1]
        takes = takes_of(model) or takes
    return model, takes
