"""Reaching: columns inside the objects and lists that a cell of a JSON file holds.

`billing_cycle.interval` is the field `interval` of the object in the column `billing_cycle`, and
`items.0.quantity` that of the first object of the list in `items`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from staycurve.sources.mapping import Mapping
from staycurve.tables.engine import quoted
from staycurve.tables.staging import Staged


@dataclass(frozen=True)
class Reached(Staged):
    """A staged file whose last columns lie inside others.

    Attributes
    ----------
    inside : tuple of (str, str, str)
        Column, the column that holds it, and its path as the engine writes it.
    """

    inside: tuple[tuple[str, str, str], ...] = ()

    @property
    def width(self) -> int:
        """How many of the columns are staged."""
        return len(self.columns) - len(self.inside)

    def read(self, column: str) -> str:
        """SQL for what the file has in `column`, in the relation `r`."""
        for own, holder, path in self.inside:
            if own == column:
                text = super().read(holder)
                found = f"json_extract_string({text}, {quoted(path)})"
                return f"CASE WHEN json_valid({text}) THEN {found} END"
        return super().read(column)


def reached(staged: Staged, mapping: Mapping) -> Staged:
    """The file with a column for every path that the mapping names and the file can hold."""
    named = {column for feed in (mapping.main, *mapping.also) for column in feed.mentioned}
    inside = []
    for column in sorted(named):
        holder, dot, path = column.partition(".")
        if dot and column not in staged.columns and holder in staged.columns:
            inside.append((column, holder, _path(path)))
    if not inside:
        return staged
    return Reached(
        (*staged.columns, *(column for column, _, _ in inside)), staged.parts, staged.rows,
        staged.first_line, tuple(inside),
    )


def _path(dotted: str) -> str:
    steps = (
        f"[{step}]" if re.fullmatch(r"[0-9]{1,4}", step) else f'."{step}"'
        for step in dotted.split(".")
    )
    return "$" + "".join(steps)
