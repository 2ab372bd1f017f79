"""Which engine computes, and what Spark is told: the key `engine` and the section [spark]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.sections import Section, Takes, Wrong, near, shown

_ENGINE = re.compile(r"duckdb|spark|spark://[^\s/,:]+:\d+(,[^\s/,:]+:\d+)*|sc://[^\s/:;]+(:\d+)?(/.*)?")
_EXAMPLE = 'engine = "duckdb"   (or "spark", "spark://host:7077", "sc://host:15002")'


def _engine(text: str) -> str:
    if not _ENGINE.fullmatch(text):
        raise Wrong(f"{shown(text)} is not available.{near(text, ('duckdb', 'spark'))}")
    return text


ENGINE = Section(
    "engine",
    Annotated[str, Takes(N_("the name of an engine"), _EXAMPLE, check=_engine)],
    "duckdb",
    N_("What computes."),
    _EXAMPLE,
)


def _options(given: Mapping[str, Any]) -> Mapping[str, str]:
    """Options by their whole names; `spark.executor.memory` needs no quotes in the file."""
    found: dict[str, str] = {}

    def walk(path: str, value: object) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                walk(f"{path}.{key}" if path else key, inner)
            return
        if isinstance(value, bool):
            value = str(value).lower()
        if not isinstance(value, str | int | float) or not path.startswith("spark."):
            raise Wrong(f"{shown(path)} is not an option of Spark.")
        found[path] = str(value)

    walk("", given)
    return found


_NO_OPTIONS: Mapping[str, str] = {}

SPARK = Section(
    "spark",
    dict[str, Any],
    _NO_OPTIONS,
    N_("Options of Spark under their own names."),
    '"spark.executor.memory" = "4g"',
    make=_options,
)
