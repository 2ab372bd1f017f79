"""Forgetting: what is sent of forgotten people comes in under their keys.

Before the lake is asked what it knows of somebody: it knows them by the key.
"""

from __future__ import annotations

from typing import Any

from staycurve.sources.sent.facts import Facts
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.person.rows import cleaned
from staycurve.tables.person.tombstones import Tombstones

_TRAIT = tuple(column.name for column in CONFORMED["traits"].columns)
_LINK = ("source", "alias", "user_id", "since")


def strip(facts: Facts, forgotten: Tombstones) -> Facts:
    """The same facts; those of forgotten people under their keys."""
    if not forgotten:
        return facts
    return Facts(
        events=[_row(one, "events", forgotten) for one in facts.events],
        links=[_cells(one, _LINK, "identities", forgotten) for one in facts.links],
        traits=[_cells(one, _TRAIT, "traits", forgotten) for one in facts.traits],
        bad=[_cells(one, ("payload", "rule"), "rejects", forgotten) for one in facts.bad],
    )


def _row(row: dict[str, Any], table: str, forgotten: Tombstones) -> dict[str, Any]:
    terms = forgotten.terms_of(row)
    return row if terms.is_empty else {**row, **cleaned(terms, table, row)}


def _cells(
    cells: Any, names: tuple[str, ...], table: str, forgotten: Tombstones
) -> Any:
    row = dict(zip(names, cells, strict=False))
    new = _row(row, table, forgotten)
    return cells if new is row else type(cells)([*new.values(), *cells[len(names):]])
