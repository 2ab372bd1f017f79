"""What came in: loads, the tables that they filled, and the rows that were rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import Answer, Key, Row, Said, Table, col
from staycurve.insights.base import insight
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.tables.pointer import undone_by

KINDS = {
    "load": N_("load"), "replace": N_("complete export"), "undo": N_("undo"),
    "adjust": N_("adjustment"),
}


@dataclass(frozen=True)
class Load(Row):
    """One load, or one act that took a load back or set a row by hand."""

    load: Annotated[int, col(N_("Load"), Unit.COUNT)]
    loaded_at: Annotated[str, col(N_("Loaded at"))]
    kind: Annotated[str, col(N_("Kind"), named_by=KINDS)]
    file: Annotated[str, col(N_("File"))]
    table: Annotated[str, col(N_("Table"))]
    accepted: Annotated[int, col(N_("Accepted"), Unit.COUNT)]
    replaced: Annotated[int, col(N_("Replaced"), Unit.COUNT)]
    rejected: Annotated[int, col(N_("Rejected"), Unit.COUNT)]
    removed: Annotated[int, col(N_("Removed"), Unit.COUNT)]
    undoes: Annotated[
        int | None, col(N_("Undoes"), about=N_("The load that it undid."))
    ]
    undone_by: Annotated[
        int | None, col(N_("Undone by"), about=N_("The load that undid it."))
    ]


@dataclass(frozen=True, kw_only=True)
class Loads(Answer):
    """Every load, oldest first."""

    rows: Annotated[tuple[Load, ...], Table(N_("Loads"))]


@insight("loads", page="/books", needs="", has_history=False)
def loads(company: Reader) -> Loads:
    """What came in, what was rejected, and which loads were undone?"""
    records = company.loads()
    undone = undone_by(records)
    return Loads(rows=tuple(
        Load(
            r.load, r.loaded_at, r.kind, r.file, r.table, r.accepted, r.replaced, r.rejected,
            r.removed, r.details.get("undoes"), undone.get(r.load),
        )
        for r in records
    ))


@dataclass(frozen=True)
class TableRow(Row):
    """A table with its rows."""

    table: Annotated[str, col(N_("Table"))]
    rows: Annotated[int, col(N_("Rows"), Unit.COUNT)]
    set_aside: Annotated[int, Key(N_("The same as `rejected`, under its former name."))]
    rejected: Annotated[int, col(N_("Rejected"), Unit.COUNT)]


@dataclass(frozen=True, kw_only=True)
class Tables(Answer):
    """Every table that files are loaded into."""

    rows: Annotated[tuple[TableRow, ...], Table(N_("Tables"))]


@insight("tables", needs="")
def tables(company: Reader) -> Tables:
    """How many rows does each table have, and how many were rejected?"""
    return Tables(rows=tuple(TableRow(**row) for row in company.tables()))


@dataclass(frozen=True)
class Reject(Row):
    """A row that was rejected, with the reason."""

    load: Annotated[int, Key()]
    table: Annotated[str, col(N_("Table"))]
    file: Annotated[str, col(N_("File"))]
    line: Annotated[int | None, col(N_("Line"))]
    column: Annotated[str | None, col(N_("Column"))]
    value: Annotated[str | None, col(N_("Value"), is_personal=True)]
    rule: Annotated[str | None, col(N_("Rule"))]
    state: Annotated[
        str | None,
        col(N_("State"), about=N_("waiting: it joins by itself once what it needs is loaded.")),
    ]
    account_id: Annotated[str | None, Key()]
    payload: Annotated[str | None, Key(N_("The row, as JSON."))]


@dataclass(frozen=True, kw_only=True)
class Rejects(Answer):
    """Every row that was rejected."""

    rows: Annotated[tuple[Reject, ...], Table(N_("Rejected rows"), is_list=True)]

    def title(self) -> Said:
        return Said(N_("Rejected rows: %(count)s"), {"count": (len(self.rows), Unit.COUNT)})


@insight("rejects", needs="")
def rejects(company: Reader) -> Rejects:
    """Which rows were rejected, and why?"""
    return Rejects(rows=tuple(Reject(**row) for row in company.rejects()))
