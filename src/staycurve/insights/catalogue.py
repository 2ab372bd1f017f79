"""Every insight: those of the folders here, and those of other packages."""

from __future__ import annotations

import pkgutil
from typing import Any

from staycurve.insights.base import Insight
from staycurve.registry import Registry


def _modules() -> tuple[str, ...]:
    import staycurve.insights as own

    return tuple(
        found.name
        for found in pkgutil.walk_packages(own.__path__, f"{own.__name__}.")
        if not found.ispkg and found.name != __name__
    )


INSIGHTS: Registry[Insight[Any, Any]] = Registry(
    "insight",
    Insight,
    _modules,
    group="staycurve.insights",
    hint="staycurve insights lists them.",
    named=lambda one: one.name,
)


def in_theme(theme: str) -> list[Insight[Any, Any]]:
    """The insights whose names begin with a word; with an empty one those of one word."""
    return [one for _name, one in INSIGHTS.items() if one.theme == theme]


def of_method(theme: str, method: str) -> Insight[Any, Any] | None:
    """The insight that Python calls `company.THEME.METHOD`."""
    found = in_theme(theme)
    return next((one for one in found if method in (one.method, one.word)), None)
