"""Exports: ready mappings of the files that other tools export, one TOML file each.

A file of this folder is a mapping as anybody writes one, and says besides what it is (`about`), by
which headers its file is known ([recognise]), where its column names are documented, and whether
they were verified ([export]). The folder is read as it is: adding a mapping touches its file alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Dict, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from staycurve.errors import LoadError, UnknownNameError
from staycurve.sources.mapping import Mapping, Recognise, mapping_of, read_mapping
from staycurve.tables.conformed import CONFORMED

KEPT = "mappings"
"""The folder of a project, beside staycurve.toml, whose mappings are known by their headers."""


@dataclass(frozen=True)
class Export:
    """A mapping that is known by a name and by its file's headers.

    Attributes
    ----------
    name : str
        As `--map` takes it: the name of its file.
    about : str
        What the file is, and where the tool writes it.
    table : str
        The conformed table that its rows feed first.
    source : tuple of str
        Addresses of public documentation of its column names.
    is_verified : bool
        Whether its headers were seen in documentation or in public readers of the export.
    verified, unsure : str
        How they were verified, and what could not be; empty where there is nothing to say.
    unused : str
        Why nothing of such a file is loaded; empty for a mapping that loads.
    is_own : bool
        Whether it is kept in the project.
    """

    name: str
    about: str
    tool: str
    table: str
    mapping: Mapping
    source: tuple[str, ...] = ()
    is_verified: bool = False
    verified: str = ""
    unsure: str = ""
    unused: str = ""
    is_own: bool = False

    @property
    def title(self) -> str:
        """What a file of it is: `a Stripe subscriptions export`."""
        if self.is_own:
            return f"a file that {self.about} describes"
        what = f"{self.tool} {self.name.partition('-')[2].replace('-', ' ')}"
        return f"{'an' if what[0] in 'AEIO' else 'a'} {what} export"

    @property
    def recognise(self) -> Recognise:
        """By which headers it is known."""
        return self.mapping.recognise or Recognise()

    def as_dict(self) -> dict[str, Any]:
        """A row of `staycurve maps --format json`."""
        return {
            "name": self.name, "tool": self.tool, "about": self.about, "table": self.table,
            "tables": sorted({self.table, *(feed.table or "" for feed in self.mapping.also)}),
            "is_verified": self.is_verified, "verified": self.verified, "unsure": self.unsure,
            "unused": self.unused, "source": list(self.source), "is_own": self.is_own,
        }


def export_of(text: str, name: str) -> Export | None:
    """The ready mapping that `text` states; None for a table that this version does not have."""
    raw = tomllib.loads(text)
    if not _tables(raw) <= set(CONFORMED):
        return None
    told = raw.get("export", {})
    mapping = mapping_of(raw, name)
    return Export(
        name=name, about=str(raw["about"]), tool=str(told["tool"]),
        table=str(mapping.main.table), mapping=mapping, source=tuple(told["source"]),
        is_verified=bool(told["is_verified"]), verified=str(told["verified"]),
        unsure=str(told["unsure"]), unused=str(told.get("unused", "")),
    )


def _tables(raw: Dict[str, Any]) -> set[str]:
    looked = [one["from"] for one in raw.get("lookup", {}).values()]
    return {raw["table"], *looked, *(feed["table"] for feed in raw.get("also", []))}


@cache
def ready_exports() -> tuple[Export, ...]:
    """Every ready mapping, by name."""
    found = []
    for file in sorted(files(__name__).iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            one = export_of(file.read_text(encoding="utf-8"), file.name.removesuffix(".toml"))
            if one is not None:
                found.append(one)
    return tuple(found)


def kept_exports(project: Path) -> tuple[Export, ...]:
    """The mappings that a project keeps in its folder `mappings`, by name."""
    folder = project / KEPT
    found = []
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
        mapping = read_mapping(path)
        found.append(
            Export(
                name=path.stem, about=f"{KEPT}/{path.name} of this project", tool="",
                table=mapping.main.table or "", mapping=mapping, is_own=True,
            )
        )
    return tuple(found)


def known_exports(project: Path | None = None) -> tuple[Export, ...]:
    """The project's own mappings, then the ready ones that none of those replaces by its name."""
    own = kept_exports(project) if project is not None else ()
    names = {one.name for one in own}
    return (*own, *(one for one in ready_exports() if one.name not in names))


def mapping_named(given: str, project: Path | None = None) -> Mapping:
    """The mapping at a path, or a known one by its name; a path that is there comes first.

    Raises
    ------
    LoadError
        If there is no such file and no such name.
    """
    path = Path(given)
    if path.is_file():
        return read_mapping(path)
    known = {one.name: one for one in known_exports(project)}
    if given in known:
        check_used(known[given], given)
        return known[given].mapping
    near = UnknownNameError("mapping", given.removesuffix(".toml"), known).suggestion
    meant = f" Did you mean '{near}'?" if near else ""
    raise LoadError(
        f"{given} is neither a file that can be read nor a known mapping.{meant}",
        hint="All known mappings: staycurve maps   (or check the path of --map)",
        name=given,
    )


def check_used(export: Export, file: str) -> None:
    """Raise a LoadError with the reason if nothing of such files is loaded."""
    if export.unused:
        raise LoadError(
            f"{file} is {export.title}, of which nothing is loaded. {export.unused}",
            hint=f"What of {export.tool} is loaded: staycurve maps", file=file,
        )


def fitting(headers: Sequence[str], known: Sequence[Export]) -> list[Export]:
    """The mappings whose files have such headers; the project's own go before ready ones."""
    found = [one for one in known if one.recognise.fits(headers)]
    return [one for one in found if one.is_own] or found
