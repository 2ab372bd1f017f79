"""Themes: `company.cohorts.riskiest_months(…)` asks the insight of that name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from staycurve.errors import did_you_mean

if TYPE_CHECKING:
    from staycurve.insights.shared.reader import Reader


@dataclass(frozen=True)
class Theme:
    """The insights of one theme, asked of one company.

    Each is a method by the name of its function, or by the last word of its command.
    """

    company: Reader
    name: str

    def __getattr__(self, name: str) -> Callable[..., Any]:
        from staycurve.insights.catalogue import in_theme, of_method

        found = None if name.startswith("_") else of_method(self.name, name)
        if found is None:
            known = [one.method for one in in_theme(self.name)]
            raise AttributeError(
                f"{self.name} has no insight '{name}'.{did_you_mean(name, known)}"
            )
        return partial(found.ask, self.company)

    def __dir__(self) -> list[str]:
        from staycurve.insights.catalogue import in_theme

        return [one.method for one in in_theme(self.name)]
