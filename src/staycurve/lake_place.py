"""Where the tables lie: the key `lake` and the section [lake_options]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.sections import Section, Takes, Wrong, shown

STORES = ("s3", "gs", "abfss")
_STORE_URL = re.compile(rf"({'|'.join(STORES)})://[\w.@-]+(/[\w.=~-]+)*/?", re.ASCII)


@dataclass(frozen=True)
class FromEnvironment:
    """A value that stands in an environment variable, so that no secret stands in the file."""

    variable: str


@dataclass(frozen=True)
class LakePlace:
    """Where the tables lie.

    Attributes
    ----------
    where : str
        A path, seen from the project's directory, or a URL such as `s3://bucket/prefix`.
    options : mapping
        What an object store needs, under deltalake's names.
    """

    where: str = "lake"
    options: Mapping[str, str | FromEnvironment] = field(default_factory=dict)

    @property
    def is_url(self) -> bool:
        """Whether it is an object store."""
        return "://" in self.where


def _where(where: str) -> str:
    if not where or any(sign in where for sign in "[]%*?"):
        raise Wrong(f"takes a path or a URL without [ ] % * ?, not {shown(where)}.")
    if "://" not in where:
        return where
    if not _STORE_URL.fullmatch(where):
        raise Wrong(
            f"= {shown(where)} is not an object store that can be used.",
            'Write "s3://bucket/prefix", "gs://bucket/prefix" or '
            '"abfss://container@account.dfs.core.windows.net/prefix"; letters, digits and . _ - = '
            "~ in a prefix.",
        )
    return where.rstrip("/")


def _option(key: str, value: object) -> str | FromEnvironment:
    if isinstance(value, Mapping) and list(value) == ["env"] and isinstance(value["env"], str):
        return FromEnvironment(value["env"])
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise Wrong(
        f"takes a text, or the variable that holds it, not {shown(value)}.",
        f'Write: {key} = {{ env = "{key}" }}',
        key,
    )


def _options(given: Mapping[str, Any]) -> Mapping[str, str | FromEnvironment]:
    return {key: _option(key, value) for key, value in given.items()}


_EXAMPLE = 'lake = "s3://bucket/prefix"'
_NO_OPTIONS: Mapping[str, str | FromEnvironment] = {}

LAKE = Section(
    "lake",
    Annotated[str, Takes(N_("a path or a URL"), _EXAMPLE, check=_where)],
    "lake",
    N_("Where the tables lie: a directory, or a place on an object store."),
    _EXAMPLE,
)
LAKE_OPTIONS = Section(
    "lake_options",
    dict[str, Any],
    _NO_OPTIONS,
    N_("What an object store needs, under deltalake's names."),
    '[lake_options]\nAWS_REGION = "eu-central-1"',
    make=_options,
)


def place(where: str, options: Mapping[str, str | FromEnvironment]) -> LakePlace:
    """Both together.

    Raises
    ------
    Wrong
        For options of a lake that is no object store.
    """
    found = LakePlace(where, options)
    if options and not found.is_url:
        raise Wrong(
            "is for a lake on an object store.", f"Write, above the first table: {_EXAMPLE}"
        )
    return found
