"""Registries: the names that commands, pages and docs know, and where other packages add theirs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from staycurve.errors import PackageError, UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind, gathered from modules and from installed packages.

    Parameters
    ----------
    kind : str
        As error messages call one.
    of : type
        Module-level values of this type are the registry's.
    modules : tuple of str, or callable
        Our own modules, or what finds them; imported when the registry is first read.
    group : str
        The entry-point group in which other packages name their modules; empty where none may.
    hint : str
        What an error about an unknown name ends with.
    named : callable, optional
        The name of a thing, where it is not the name of the variable.
    """

    def __init__(
        self,
        kind: str,
        of: type[T],
        modules: tuple[str, ...] | Callable[[], tuple[str, ...]],
        *,
        group: str,
        hint: str = "",
        named: Callable[[T], str] | None = None,
    ) -> None:
        self.kind = kind
        self.of = of
        self.modules = modules
        self.group = group
        self.hint = hint
        self.named = named
        self._own: dict[str, T] = {}
        self._left: list[str] | None = None
        self._found: dict[str, T] | None = None

    def forget(self) -> None:
        """Look for everything anew when next asked."""
        self._own, self._left, self._found = {}, None, None

    def _ours(self, until: str | None = None) -> dict[str, T]:
        """Our own things, in order; where a name is asked for, up to the module that has it."""
        if self._left is None:
            self._left = list(self.modules() if callable(self.modules) else self.modules)
        while self._left and (until is None or until not in self._own):
            importlib.import_module(self._left[0])
            self._own |= self._in(self._left.pop(0))
        return self._own

    def _all(self) -> dict[str, T]:
        if self._found is None:
            found = dict(self._ours())
            for point in entry_points(group=self.group) if self.group else ():
                for name, value in self._from(point).items():
                    if found.setdefault(name, value) is not value:
                        raise PackageError(
                            f"The {self.kind} '{name}' of {_package(point)} exists already.",
                            hint=f"Rename it there, or uninstall {_package(point)}.",
                        )
            self._found = found
        return self._found

    def _from(self, point: EntryPoint) -> dict[str, T]:
        try:
            point.load()
        except Exception as error:
            # Whatever a package does when it is imported, it is not the user's traceback.
            raise PackageError(
                f"{_package(point)} cannot be loaded for {self.group}: "
                f"{type(error).__name__}: {error}",
                hint=f"Update {_package(point)}, or uninstall it.",
            ) from error
        return self._in(point.module)

    def _in(self, module: str) -> dict[str, T]:
        # A module may import another's; only names that begin without _ are its own to show.
        return {
            self.named(value) if self.named else name: value
            for name, value in vars(sys.modules[module]).items()
            if isinstance(value, self.of) and not name.startswith("_")
        }

    def sources(self) -> list[str]:
        """Every module that things are looked for in: our own, then those of packages."""
        own = self.modules() if callable(self.modules) else self.modules
        return [*own, *(p.module for p in (entry_points(group=self.group) if self.group else ()))]

    def _known(self, name: str) -> dict[str, T]:
        # Looking through what is installed takes time, which a name of our own does not need.
        # Nor does it need the modules that come after the one that has it.
        own = self._ours(until=name)
        return own if name in own else self._all()

    def __getitem__(self, name: str) -> T:
        found = self._known(name)
        if name not in found:
            raise UnknownNameError(self.kind, name, found, hint=self.hint)
        return found[name]

    def __contains__(self, name: str) -> bool:
        return name in self._known(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def items(self) -> Iterator[tuple[str, T]]:
        """Names and things, in the order of definition."""
        return iter(self._all().items())


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value
