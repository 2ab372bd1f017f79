"""Registries: the names that commands, pages and docs know, and where other packages add theirs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from staycurve.errors import UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind, gathered from modules and from installed packages.

    Parameters
    ----------
    kind : str
        As error messages call one.
    of : type
        Module-level values of this type are the registry's.
    modules : tuple of str
        Our own modules, imported when the registry is first read.
    group : str
        The entry-point group in which other packages name their modules.
    hint : str
        What an error about an unknown name ends with.
    """

    def __init__(
        self, kind: str, of: type[T], modules: tuple[str, ...], *, group: str, hint: str = ""
    ) -> None:
        self.kind = kind
        self.of = of
        self.modules = modules
        self.group = group
        self.hint = hint
        self._found: dict[str, T] | None = None

    def _all(self) -> dict[str, T]:
        if self._found is None:
            found: dict[str, T] = {}
            for module in self.modules:
                importlib.import_module(module)
                found |= self._in(module)
            for point in entry_points(group=self.group):
                point.load()
                found |= self._in(point.module)
            self._found = found
        return self._found

    def _in(self, module: str) -> dict[str, T]:
        # A module may import another's; only names that begin without _ are its own to show.
        return {
            name: value
            for name, value in vars(sys.modules[module]).items()
            if isinstance(value, self.of) and not name.startswith("_")
        }

    def __getitem__(self, name: str) -> T:
        found = self._all()
        if name not in found:
            raise UnknownNameError(self.kind, name, found, hint=self.hint)
        return found[name]

    def __contains__(self, name: str) -> bool:
        return name in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def items(self) -> Iterator[tuple[str, T]]:
        """Names and things, in the order of definition."""
        return iter(self._all().items())
