"""Damage: what of the lake is gone or broken, and what can be computed again."""

from __future__ import annotations

from collections.abc import Iterable

from staycurve.errors import DamagedError
from staycurve.tables import kept_features, people
from staycurve.tables.delta import DeltaTables
from staycurve.tables.duckdb_engine import Engine, Failure
from staycurve.tables.engine import quoted
from staycurve.tables.pointer import Snapshot
from staycurve.tables.stale import STALE_DAYS_TABLE, STALE_TABLE
from staycurve.tables.views import DERIVED, USAGE
from staycurve.tables.writing import Writing

RECOMPUTED = frozenset((
    *DERIVED, *USAGE, "fx_days", people.NAME, kept_features.NAME, STALE_TABLE, STALE_DAYS_TABLE,
))
"""Tables that a full refresh makes from the conformed ones, whatever they hold before."""

COMPUTED_AGAIN = "%s It is computed again from the conformed tables."
"""What is said of one of them that is damaged, after what is wrong with it."""


def damage_of(lake: DeltaTables, snapshot: Snapshot, table: str) -> DamagedError | None:
    """What is wrong with a table; every byte of its files is read."""
    found = lake.damage(snapshot, table)
    if found is not None:
        return found
    with Engine(lake.folder / ".tmp") as engine:
        for path in lake.files(snapshot, table):
            try:
                # A hash of whole rows decodes every column.
                engine.value(f"SELECT bit_xor(hash(t)) FROM read_parquet([{quoted(path)}]) t")
            except Failure as error:
                reason = str(error).partition("\n")[0].strip().rstrip(".")
                return DamagedError(table, path, f"cannot be read ({reason})")
    return None


def first_damage(
    lake: DeltaTables, snapshot: Snapshot, tables: Iterable[str] | None = None
) -> DamagedError | None:
    """The first table that is damaged; conformed ones first, which nothing computes again."""
    names = snapshot.tables if tables is None else tables
    for table in sorted(names, key=lambda table: (table in RECOMPUTED, table)):
        found = damage_of(lake, snapshot, table)
        if found is not None:
            return found
    return None


def recomputable_damage(lake: DeltaTables, snapshot: Snapshot) -> DamagedError | None:
    """The first table that a refresh can make again and must, as far as names and bytes tell."""
    for table in sorted(RECOMPUTED & set(snapshot.tables)):
        try:
            lake.check(snapshot, table)
        except DamagedError as error:
            return error
    return None


def leave_unreadable(writing: Writing) -> None:
    """Let tables whose log cannot be read be made anew."""
    for table in sorted(RECOMPUTED & set(writing.tables)):
        try:
            writing.files(table)
        except DamagedError:
            writing.leave(table)
