"""Naming: which table a file's name names, and which files of a folder hold data."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from staycurve.errors import LoadError, UnknownNameError
from staycurve.sources.reading import KINDS
from staycurve.tables.conformed import CONFORMED


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Files, and the data files that directories among `paths` hold; each once."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.is_file() and is_data(file))
            if not inside:
                raise LoadError(
                    f"{path} holds no file that can be loaded.", hint=f"Known: {', '.join(KINDS)}"
                )
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def is_data(path: Path) -> bool:
    """Whether the name is one of a file that can be loaded."""
    name = path.name.lower().removesuffix(".gz")
    return not name.startswith(".") and any(name.endswith(suffix) for suffix in KINDS)


def known_table(table: str) -> str:
    """The same name; an UnknownNameError for what is no conformed table."""
    if table not in CONFORMED:
        raise UnknownNameError("table", table, CONFORMED)
    return table


def table_of(file: str) -> str:
    """The table that a file's name names: the one whose words occur in it.

    Raises
    ------
    LoadError
        If it names none, or more than one.
    """
    stem = file.lower().removesuffix(".gz")
    words = "_".join(word for word in re.split(r"[^a-z]+", stem.rsplit(".", 1)[0]) if word)
    found = [table for table in CONFORMED if f"_{table}_" in f"_{words}_"]
    if len(found) == 1:
        return found[0]
    hint = (
        f"Say which: --table NAME; known: {', '.join(CONFORMED)}   "
        f"(or let a mapping be proposed: staycurve map {file})"
    )
    if found:
        raise LoadError(f"{file} names more than one table: {', '.join(found)}.", hint=hint)
    near = [
        match
        for word in words.split("_")
        for match in difflib.get_close_matches(word, CONFORMED, n=1, cutoff=0.7)
    ]
    meant = f" Did you mean '{near[0]}'?" if near else ""
    raise LoadError(f"{file} does not name a table.{meant}", hint=hint, file=file)
