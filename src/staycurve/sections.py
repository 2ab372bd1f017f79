"""Sections of staycurve.toml: each is declared once, by the module whose business it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from staycurve.errors import ConfigError
from staycurve.registry import Registry
from staycurve.section_faults import (
    FILE_NAME,
    LARGEST,
    Takes,
    Wrong,
    fault,
    fields_of,
    near,
    not_a_choice,
    odd_values,
    shown,
    str_of,
    takes_of,
    translated,
)
from staycurve.section_values import NotPlain, plain

__all__ = [
    "CLOSED", "FILE_NAME", "LARGEST", "SECTIONS", "Section", "Takes", "Wrong", "fields_of", "near",
    "not_a_choice", "shown", "str_of", "takes_of",
]

T = TypeVar("T")

CLOSED: Any = {"extra": "forbid", "arbitrary_types_allowed": True}
"""`__pydantic_config__` of a section's dataclass: a key that is not declared is an error."""


@dataclass(frozen=True, eq=False)
class Section(Generic[T]):
    """One section, or one key above the first table, of staycurve.toml.

    Attributes
    ----------
    name : str
        As it stands in the file.
    model : type
        What pydantic reads it as: a frozen dataclass for a table, `tuple[Limit, ...]` for a list
        of tables, a mapping for keys that nobody knows beforehand, or an annotated value.
    default : object
        What holds where the file does not have it.
    about : str
        One sentence for the reference.
    example : str
        What could be written.
    make : callable, optional
        Turns the model's value into what programs use; raises `Wrong` for what cannot be followed.
    """

    name: str
    model: Any
    default: T
    about: str
    example: str
    make: Callable[[Any], T] | None = None

    def read(self, given: object) -> tuple[T, list[ConfigError]]:
        """What the file says, and what is wrong with it; the default where anything is."""
        odd = [
            fault(self.name, path, text, f"Write: {self.example}")
            for path, text in odd_values(given)
        ]
        if odd:
            return self.default, odd
        try:
            found = plain(self.model, given)
        except NotPlain:
            found, wrong_values = self._validated(given)
            if wrong_values:
                return self.default, wrong_values
        try:
            return (self.make(found) if self.make else found), []
        except Wrong as wrong:
            path = (wrong.key,) if wrong.key else ()
            hint = wrong.hint or f"Write: {self.example}"
            if wrong.key or not isinstance(given, Mapping):
                return self.default, [fault(self.name, path, wrong.text, hint)]
            whole = ConfigError(f"{FILE_NAME}: [{self.name}] {wrong.text}", hint=hint,
                                key=self.name, place=f"[{self.name}]")
            return self.default, [whole]

    def _validated(self, given: object) -> tuple[Any, list[ConfigError]]:
        """What pydantic makes of it, and what pydantic found wrong."""
        from pydantic import ValidationError

        try:
            return _adapter(self).validate_python(given), []
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
            return None, translated(self.name, self.model, given, errors, example=self.example)


@functools.cache
def _adapter(section: Section[Any]) -> Any:
    # Built when a section is first read: a model takes a millisecond, pydantic itself a hundred.
    from pydantic import TypeAdapter

    return TypeAdapter(section.model)


SECTIONS: Registry[Section[Any]] = Registry(
    "section",
    Section,
    (
        "staycurve.company",
        "staycurve.conventions",
        "staycurve.end_reasons",
        "staycurve.behaviour",
        "staycurve.experiments",
        "staycurve.lifecycle_rules",
        "staycurve.engine_choice",
        "staycurve.lake_place",
        "staycurve.sources.configured",
        "staycurve.sources.ingest_settings",
        "staycurve.metrics.benchmarks",
        "staycurve.state_place",
        "staycurve.retention_rules",
        "staycurve.support_hours",
        "staycurve.chartmogul_keys",
        "staycurve.login_settings",
        "staycurve.mail_settings",
        "staycurve.actions.surveys.settings",
        "staycurve.insights.risk.settings",
        "staycurve.insights.growth.settings",
        "staycurve.actions.settings",
        "staycurve.actions.channels.settings",
        "staycurve.actions.ticket_settings",
        "staycurve.actions.mails.settings",
        "staycurve.actions.goal_settings",
    ),
    group="staycurve.sections",
    named=lambda section: section.name,
)
"""Everything that may stand in staycurve.toml; other packages add theirs."""
