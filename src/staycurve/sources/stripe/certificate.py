"""Certificate: whether everything that Stripe listed and announced is here, kind by kind.

Stripe counts nothing, so a count at the source is that of its last complete list. Four witnesses
are compared: that list, the objects that are kept, the events that said that one was created, and
the objects that name another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from staycurve.sources.base import Kept
from staycurve.sources.stripe.kinds import KINDS, Kind
from staycurve.sources.stripe.named import missing_sql
from staycurve.tables.engine import quoted
from staycurve.tables.raw import newest_sql

MOST_NAMED = 1_000
"""Ids that one line of a certificate names; the others are counted."""

CONFORMED_AS: Mapping[str, tuple[str, str, str]] = MappingProxyType({
    "customer": ("accounts", "account_id", "TRUE"),
    "subscription": ("subscriptions", "subscription_id", "TRUE"),
    # A draft may have no line yet, and nothing would be left of it.
    "invoice": ("invoice_lines", "invoice_id", "json_array_length(n.body, '$.lines.data') > 0"),
    "charge": ("payments", "payment_id", "TRUE"),
})
"""Object → the table that it becomes rows of, the column with its id, and which of them do."""

DIFFERENCES = (
    "listed_not_kept", "kept_not_listed", "announced_not_kept", "named_not_kept",
    "not_conformed",
)


@dataclass(frozen=True)
class Line:
    """One kind of object.

    Attributes
    ----------
    listed_at : str, optional
        When the last complete list began; None where there is none.
    at_source : int, optional
        Objects on that list.
    in_lake, deleted : int
        Objects that are kept and are there, and that are gone.
    conformed : int, optional
        How many of them have rows; None for kinds that have none.
    announced : int
        Objects that an event said were created; Stripe keeps events for 30 days.
    differences : mapping
        One of DIFFERENCES → the ids, the first of them.
    counts : mapping
        The same → how many.
    """

    source: str
    object: str
    listed_at: str | None
    at_source: int | None
    in_lake: int
    deleted: int
    conformed: int | None
    announced: int
    differences: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, int]

    @property
    def is_complete(self) -> bool:
        """Whether a complete list was read, and nothing differs."""
        return self.listed_at is not None and not any(self.counts.values())

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "source": self.source, "object": self.object, "listed_at": self.listed_at,
            "at_source": self.at_source, "in_lake": self.in_lake, "deleted": self.deleted,
            "conformed": self.conformed, "announced": self.announced,
            "is_complete": self.is_complete,
            **{name: list(self.differences[name]) for name in DIFFERENCES},
            "counts": dict(self.counts),
        }


def certificate(kept: Kept, source: str) -> list[Line]:
    """Every kind of object of a source that was listed or kept."""
    lines = [_line(kept, source, kind) for kind in KINDS if kind.is_whole]
    return [one for one in lines if one.listed_at or one.in_lake or one.announced]


def _line(kept: Kept, source: str, kind: Kind) -> Line:
    cursor = kept.cursor(kind.stream)
    told = cursor.kept if cursor else {}
    listed_at = told.get("listed_at")
    listing = int(told.get("last_listing") or 0)
    name = quoted(kind.object)
    # Asked for once: an account has millions of some kinds, and five questions follow.
    kept.keep("newest_kept", newest_sql(
        "raw_objects", object_name=kind.object, columns="r.id, r.created, r.is_deleted"
    ))
    newest = "SELECT * FROM newest_kept"
    listed = f"SELECT DISTINCT id FROM raw_listed WHERE object = {name} AND listing = {listing}"
    # The same moment on Stripe's clock and on ours may be a day apart at most.
    began = f"epoch(CAST({quoted(str(listed_at))} AS TIMESTAMPTZ)) - 86400" if listed_at else "0"
    announced = (
        "SELECT DISTINCT parent AS id FROM raw_objects WHERE object = 'event' AND parent <> '' "
        f"AND json_extract_string(body, '$.data.object.object') = {name} "
        "AND json_extract_string(body, '$.type') LIKE '%.{}'"
    )
    in_lake, deleted = kept.rows(
        "SELECT count(*) FILTER (NOT is_deleted), count(*) FILTER (is_deleted) "
        f"FROM ({newest})"
    )[0]
    questions = {
        "listed_not_kept": f"SELECT l.id FROM ({listed}) l WHERE NOT EXISTS "
            f"(SELECT 1 FROM raw_objects r WHERE r.object = {name} AND r.id = l.id)",
        "kept_not_listed": f"SELECT n.id FROM ({newest}) n WHERE NOT n.is_deleted "
            f"AND n.created < {began} AND NOT EXISTS "
            f"(SELECT 1 FROM ({listed}) l WHERE l.id = n.id)" if listed_at else "",
        "announced_not_kept": f"SELECT a.id FROM ({announced.format('created')}) a WHERE NOT "
            f"EXISTS (SELECT 1 FROM ({newest}) n WHERE n.id = a.id AND NOT n.is_deleted) "
            f"AND NOT EXISTS (SELECT 1 FROM ({announced.format('deleted')}) d WHERE d.id = a.id)",
        "named_not_kept": missing_sql(kind.object),
        "not_conformed": "",
    }
    conformed = None
    if kind.object in CONFORMED_AS:
        table, column, which = CONFORMED_AS[kind.object]
        there = f"EXISTS (SELECT 1 FROM {table} t WHERE t.{column} = n.id)"
        conformed = int(kept.rows(
            f"SELECT count(*) FROM ({newest}) n WHERE NOT n.is_deleted AND {there}"
        )[0][0])
        kept.keep(
            "without_rows",
            f"SELECT n.id FROM newest_kept n WHERE NOT n.is_deleted AND NOT {there}",
        )
        # Hardly any of them has to be looked into.
        found = newest_sql(
            "raw_objects", object_name=kind.object, columns="r.*",
            among="SELECT id FROM without_rows",
        )
        questions["not_conformed"] = f"SELECT n.id FROM ({found}) n WHERE {which}"
    differences, counts = {}, {}
    for question, sql in questions.items():
        rows = kept.rows(
            f"SELECT id, COUNT(*) OVER () FROM ({sql}) ORDER BY id LIMIT {MOST_NAMED}"
        ) if sql else []
        differences[question] = tuple(str(row[0]) for row in rows)
        counts[question] = int(rows[0][1]) if rows else 0
    return Line(
        source, kind.object, str(listed_at) if listed_at else None,
        int(kept.rows(f"SELECT count(*) FROM ({listed})")[0][0]) if listed_at else None,
        int(in_lake), int(deleted), conformed,
        int(kept.rows(f"SELECT count(*) FROM ({announced.format('created')})")[0][0]),
        differences, counts,
    )
