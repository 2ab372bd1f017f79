"""Secret: a value that staycurve.toml names by its environment variable and never holds."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from staycurve.errors import ConfigError
from staycurve.section_faults import Wrong

HIDDEN = "•••"


@dataclass(frozen=True)
class Secret:
    """A secret, by the variable that holds it; it is looked up when it is used, and no sooner.

    In a section's model the annotation `Secret` makes the key take `{ env = "NAME" }`.
    """

    variable: str

    def reveal(self) -> str:
        """The secret itself.

        Raises
        ------
        ConfigError
            If the variable is not set, or empty.
        """
        found = os.environ.get(self.variable, "")
        if not found:
            raise ConfigError(
                f"The environment variable {self.variable} is not set.",
                hint=f"Set it where staycurve runs, such as: export {self.variable}=…",
                key=self.variable,
            )
        return found

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Read from a table; what else is given is refused and never shown."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(cls._read)

    @classmethod
    def _read(cls, given: object) -> Secret:
        if isinstance(given, Secret):
            return given
        if (
            isinstance(given, Mapping) and list(given) == ["env"]
            and isinstance(given["env"], str) and given["env"].strip()
        ):
            return cls(given["env"])
        raise Wrong(
            "takes the environment variable that holds the secret, never the secret itself.",
            'Write { env = "NAME" }',
        )


def secrets_in(settings: object) -> Iterator[Secret]:
    """Every secret of a section's value, however deep."""
    if isinstance(settings, Secret):
        yield settings
    elif dataclasses.is_dataclass(settings):
        for field in dataclasses.fields(settings):
            yield from secrets_in(getattr(settings, field.name))
    elif isinstance(settings, Mapping):
        for value in settings.values():
            yield from secrets_in(value)
    elif isinstance(settings, list | tuple):
        for value in settings:
            yield from secrets_in(value)


def without_secrets(text: str, settings: object) -> str:
    """The text with every secret of a section hidden, as they are now."""
    held = {os.environ.get(secret.variable, "") for secret in secrets_in(settings)}
    # The longest first: one secret may begin with another.
    for value in sorted(held - {""}, key=lambda value: (-len(value), value)):
        text = text.replace(value, HIDDEN)
    return text
