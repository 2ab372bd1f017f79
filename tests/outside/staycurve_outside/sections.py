"""The section [greeting] of staycurve.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from staycurve.sections import CLOSED, Section, Takes


@dataclass(frozen=True)
class Greeting:
    """[greeting]: how often it is said, and what."""

    __pydantic_config__ = CLOSED

    text: Annotated[str, Takes("a text", 'text = "Hello"')] = "Hello"
    times: Annotated[
        int, Takes("a whole number from 1 to 9", "times = 2", least=1, most=9)
    ] = 1


GREETING = Section("greeting", Greeting, Greeting(), "What is said.", "[greeting]")
