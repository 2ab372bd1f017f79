"""Where app state is kept: the section [state] of staycurve.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staycurve.i18n import N_
from staycurve.sections import Section, Wrong, near

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


def checked(url: object) -> str:
    """`url` if it names a PostgreSQL database.

    Raises
    ------
    Wrong
        Which never repeats it: it holds a password.
    """
    if not isinstance(url, str) or not url.startswith((DRIVER, "postgresql://")):
        raise Wrong("is not a PostgreSQL database.", _HINT, "url")
    return DRIVER + url.partition("://")[2]


def _place(given: Mapping[str, Any]) -> StatePlace:
    for key in given:
        if key != "url":
            raise Wrong(f"is not known.{near(key, ('url',))}", _HINT, key)
    url = given.get("url", "")
    if isinstance(url, Mapping) and list(url) == ["env"] and isinstance(url["env"], str):
        return StatePlace(variable=url["env"])
    return StatePlace(checked(url) if url != "" else "")


STATE = Section(
    "state",
    dict[str, Any],
    StatePlace(),
    N_("The database of saved views, annotations and the audit trail; SQLite without it."),
    f'[state]\nurl = "{DRIVER}user@host/database"',
    make=_place,
)
