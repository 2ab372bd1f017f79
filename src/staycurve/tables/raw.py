"""Raw objects: what connectors fetched, as it came, so that rows can be derived from it again.

Every version of an object that differs from the one before it stays. Of one id the version with
the greatest load is the newest: whatever says that an object changed, the object is fetched then,
so what arrived later is what its system said later.
"""

from __future__ import annotations

import hashlib

from staycurve.tables.engine import quoted

RAW_TABLE = "raw_objects"
RAW_COLUMNS = (
    ("source", "VARCHAR"),
    ("object", "VARCHAR"),
    ("id", "VARCHAR"),
    ("load", "BIGINT"),
    ("parent", "VARCHAR"),
    ("created", "BIGINT"),
    ("fetched_at", "TIMESTAMP"),
    ("digest", "VARCHAR"),
    ("is_deleted", "BOOLEAN"),
    ("body", "VARCHAR"),
)
"""`parent` is the id by which an object is looked for beside its own, `created` in seconds."""

LISTED_TABLE = "raw_listed"
LISTED_COLUMNS = (
    ("source", "VARCHAR"), ("object", "VARCHAR"), ("listing", "BIGINT"), ("id", "VARCHAR"),
)
"""Which objects a complete listing of a source showed, listing by listing."""


def digest_of(body: bytes, *, parent: str, is_deleted: bool) -> str:
    """What tells one version of an object from another."""
    told = (b"gone:" if is_deleted else b"") + parent.encode() + b"\0"
    return hashlib.blake2b(told + body, digest_size=16).hexdigest()


def newest_sql(
    relation: str, *, object_name: str, columns: str = "r.*", among: str = ""
) -> str:
    """SQL for the newest version of each object of one kind; conditions without a subquery may
    follow it.

    Parameters
    ----------
    relation : str
        A relation with RAW_COLUMNS, of one source.
    among : str
        SQL of the ids that are meant; all of them without it.
    """
    kind = quoted(object_name)
    if among:
        # Beside NOT EXISTS, another subquery has the engine read every body of every kind.
        return (
            f"SELECT {columns} FROM {relation} r JOIN (SELECT n.id, MAX(n.load) AS load "
            f"FROM {relation} n WHERE n.object = {kind} AND n.id IN ({among}) GROUP BY n.id) newer "
            f"ON newer.id = r.id AND newer.load = r.load WHERE r.object = {kind}"
        )
    return (
        f"SELECT {columns} FROM {relation} r WHERE r.object = {kind} AND NOT EXISTS ("
        f"SELECT 1 FROM {relation} n WHERE n.object = {kind} AND n.id = r.id AND n.load > r.load)"
    )
