"""Objects: the rows of NDJSON and JSON files."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from staycurve.errors import LoadError
from staycurve.sources.lines import LONGEST, SHOWN, BadLine, broken_text, text_of

Row = tuple[int, dict[str, Any]]
"""The line on which an object begins, and the object."""

_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=str)
_PLAIN = frozenset((type(None), bool, int, float, Decimal))
"""Types of values whose texts every cell can hold."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=float)
_AT_ONCE = 1 << 20


def objects(path: Path, encoding: str, refuse: Callable[[BadLine], None]) -> Iterator[Row]:
    """Every object in lines of JSON, or in one JSON array; a line that is none is refused.

    Raises
    ------
    LoadError
        If an array is cut off or holds anything but objects.
    """
    lines = enumerate(text_of(path, encoding), 1)
    for number, line in lines:
        if line.lstrip().startswith("["):
            yield from _array(path, line, (text for _, text in lines), number, refuse)
            return
        if line.strip():
            yield from _one(line, number, refuse)
            break
    for number, line in lines:
        if line.strip():
            yield from _one(line, number, refuse)


def cell(value: Any) -> str | None:
    """A value as the text of a cell; numbers keep every digit."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return _ENCODER.encode(value)
    return str(value)


def plain_row(row: Mapping[Any, Any]) -> tuple[dict[str, Any], str]:
    """A row that Python holds as JSON would hold it, and the rule that it breaks, if any."""
    cells: dict[str, Any] = {}
    for key, value in row.items():
        # Nearly every cell is one of these; it need not be looked at any closer.
        if type(value) is str and type(key) is str and value.isascii() and key.isascii():
            cells[key] = value
            continue
        if type(value) in _PLAIN and type(key) is str and key.isascii():
            cells[key] = value
            continue
        if not isinstance(key, str):
            return {}, f"has a field whose name is no text: {key!r}"
        try:
            cells[key] = _plain(value)
        except (TypeError, ValueError, RecursionError):
            return {}, f"has a value in '{key}' that is no text, number, list or object"
        rule = broken_text(key) or broken_text(cell(cells[key]) or "")
        if rule:
            return {}, rule
    return cells, ""


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float | Decimal):
        return value
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, dict | list):
        # Its own encoder: an object inside may be anything.
        return json.dumps(value, ensure_ascii=False, default=_inner)
    raise TypeError


def _inner(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    raise TypeError


def _one(line: str, number: int, refuse: Callable[[BadLine], None]) -> Iterator[Row]:
    shown = line.strip()[:SHOWN]
    try:
        value = _DECODER.decode(line)
    except ValueError as error:
        refuse(BadLine(number, shown, f"is not JSON: {error}"))
    except RecursionError:
        refuse(BadLine(number, shown, "is not JSON: it is nested too deep"))
    else:
        rule = _rule(line, value)
        if rule:
            refuse(BadLine(number, shown, rule))
        elif isinstance(value, dict):
            yield number, value
        else:
            refuse(BadLine(number, shown, "is not a JSON object"))


def _rule(text: str, value: Any) -> str:
    """The rule that an object breaks whose text or values no cell can hold."""
    if len(text) > LONGEST:
        return f"holds more than {LONGEST:,} characters"
    # Only an escape can hide what the text itself does not show.
    return broken_text(text) or (broken_text(_ENCODER.encode(value)) if "\\u" in text else "")


def _array(
    path: Path, first: str, source: Iterator[str], number: int, refuse: Callable[[BadLine], None]
) -> Iterator[Row]:
    """The objects of a JSON array, decoded one after the other."""
    text, place = first, first.index("[") + 1
    is_over = False
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            number += text[place] == "\n"
            place += 1
        if place < len(text) and text[place] == "]":
            return
        if place < len(text):
            try:
                value, end = _DECODER.raw_decode(text, place)
            except (ValueError, RecursionError) as error:
                if is_over:
                    raise _cut_off(path, str(error)) from None
            else:
                if not isinstance(value, dict):
                    raise LoadError(
                        f"{path.name}:{number} is not a JSON object.",
                        hint="Every element of the array must be an object with the columns.",
                        file=path.name,
                    )
                rule = _rule(text[place:end], value)
                if rule:
                    refuse(BadLine(number, text[place:end][:SHOWN], rule))
                else:
                    yield number, value
                number += text.count("\n", place, end)
                place = end
                continue
        elif is_over:
            raise _cut_off(path, "its end is missing")
        more = _some(source)
        is_over = not more
        text, place = text[place:] + more, 0


def _cut_off(path: Path, why: str) -> LoadError:
    return LoadError(
        f"{path.name} is not a whole JSON array: {why}.",
        hint="Export it again; it was cut off or is not JSON.",
        file=path.name,
    )


def _some(source: Iterator[str]) -> str:
    """The next lines, about a megabyte of them."""
    taken, size = [], 0
    for line in source:
        taken.append(line)
        size += len(line)
        if size > _AT_ONCE:
            break
    return "".join(taken)
