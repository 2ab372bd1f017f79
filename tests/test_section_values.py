"""What is read without pydantic is what pydantic makes of it, for every key of the file."""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from staycurve.section_values import NotPlain, plain
from staycurve.sections import SECTIONS, fields_of, takes_of

ODD = (
    "-5", "0", "1", "7", "12", "13", "1.5", "true", '""', '"x"', '"USD"', '"UTC"', "[]", '["a"]',
    '["a~b", "a"]', '["a", 5]', "[[1]]", "{ x = 1 }", '{ x = ["a"] }', "[{ x = 1 }]", "1979-05-27",
    "07:32:00", '"24h"', '"duckdb"', '"monday"', '"simple"',
)


def given() -> Iterator[tuple[str, Any]]:
    """(section, what the file says): examples of the sections and keys, and odd values of each."""
    for name, section in SECTIONS.items():
        texts = [section.example, *(f"{name} = {value}" for value in ODD)]
        for key, kind in fields_of(section.model).items():
            takes = takes_of(kind)
            texts += [f"[{name}]\n{takes.example}"] if takes and takes.example else []
            texts += [f"[{name}]\n{key} = {value}" for value in ODD]
            texts += [f'[{name}]\n{key} = {value}\nunheard = "x"' for value in ODD[:3]]
        for text in texts:
            with contextlib.suppress(tomllib.TOMLDecodeError):
                # Some examples are parts of a line.
                yield name, tomllib.loads(text).get(name)




def test_a_value_that_is_plain_is_what_pydantic_makes_of_it() -> None:
    adapters: dict[str, TypeAdapter[Any]] = {}
    alike = left = 0
    for name, value in given():
        model = SECTIONS[name].model
        try:
            own = plain(model, value)
        except NotPlain:
            left += 1
            continue
        adapter = adapters.setdefault(name, TypeAdapter(model))
        its = adapter.validate_python(value)
        assert (own, repr(own), type(own)) == (its, repr(its), type(its)), (name, value)
        alike += 1
    # Plain values of many sections were met, and many that were not.
    assert alike > 150, alike
    assert left > 1000, left
    assert len(adapters) > 10, sorted(adapters)
