"""Where app state is kept: the section [state] of staycurve.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from staycurve.errors import ConfigError

_FILE = "staycurve.toml"
SECTION = "state"
DRIVER = "postgresql+psycopg://"
_HINT = f'Write: url = "{DRIVER}user@host/database"; without url, SQLite in the project.'


@dataclass(frozen=True)
class StatePlace:
    """[state]: the database of app state.

    Attributes
    ----------
    url : str
        A PostgreSQL database; empty for SQLite in the project's directory.
    variable : str
        The environment variable that holds the URL, so that no password stands in the file.
    """

    url: str = ""
    variable: str = ""


def parse_state(given: object) -> StatePlace:
    """The place that the section states; SQLite in the project without it."""
    if not isinstance(given, Mapping):
        raise ConfigError(f"{_FILE}: [state] is a table.", hint=_HINT, key=SECTION)
    for key in given:
        if key != "url":
            raise ConfigError(f"{_FILE}: unknown key [state] '{key}'.", hint=_HINT, key=str(key))
    url = given.get("url", "")
    if isinstance(url, Mapping) and list(url) == ["env"] and isinstance(url["env"], str):
        return StatePlace(variable=url["env"])
    return StatePlace(checked(url) if url != "" else "")


def checked(url: object) -> str:
    """`url` if it names a PostgreSQL database; the error never repeats it: it holds a password."""
    if not isinstance(url, str) or not url.startswith((DRIVER, "postgresql://")):
        raise ConfigError(
            f"{_FILE}: [state] url is not a PostgreSQL database.", hint=_HINT, key="url"
        )
    return DRIVER + url.partition("://")[2]
