"""What a page needs and is not loaded: what is there, what is missing, and what it unlocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.page import Page
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.relations import RELATIONS
from staycurve.tables import views
from staycurve.tables.conformed import CONFORMED
from staycurve.workspace import Company

MOST = 3
"""Metrics that a line names; the others are counted."""
ASKED_FOR = (
    "subscriptions", "events", "users", "leads", "reach", "spend", "answers", "invitations",
    "tickets",
)
"""Tables whose absence keeps something away; the others fill gaps in these."""


@dataclass(frozen=True)
class Line:
    """One table of the checklist.

    Attributes
    ----------
    rows : str
        How many are loaded, as people read it; empty for none.
    pages : tuple of (str, str)
        Address and title of each page that it unlocks.
    metrics : str
        Metrics that it unlocks, in words.
    """

    table: str
    about: str
    rows: str
    is_needed: bool
    pages: tuple[tuple[str, str], ...]
    metrics: str


def is_lacking(company: Company, needs: Sequence[str]) -> bool:
    """Whether none of the tables that a page can speak of has a row."""
    return bool(needs) and views.empty_tables(company.lake, company.snapshot).issuperset(needs)


def checklist(company: Company, needs: Sequence[str], pages: Iterable[Page]) -> dict[str, Any]:
    """What the template of a page without data shows, and its JSON."""
    snapshot = company.snapshot
    listed = [page for page in pages if page.is_listed]
    lines = []
    for table in dict.fromkeys((*needs, *ASKED_FOR)):
        count = company.lake.rows(snapshot, table)
        lines.append(Line(
            table, _(CONFORMED[table].about), numbers.full(count, Unit.COUNT) if count else "",
            table in needs,
            tuple((page.address, _(page.title)) for page in listed if table in page.needs),
            _metrics(table),
        ))
    any_rows = any(company.lake.rows(snapshot, table) for table in CONFORMED)
    return {"needs": list(needs), "lines": lines, "is_bare": not any_rows}


def told(checklist: dict[str, Any]) -> dict[str, Any]:
    """The same as JSON has it."""
    return {"needs": checklist["needs"], "tables": [
        {"table": line.table, "is_loaded": bool(line.rows), "is_needed": line.is_needed,
         "unlocks": [address for address, _title in line.pages]}
        for line in checklist["lines"]
    ]}


def bases_of(name: str) -> tuple[str, ...]:
    """The tables that a metric is counted from."""
    formula = METRICS[name].formula
    return tuple(dict.fromkeys(RELATIONS[one.relation].base for one in formula.measures()))


def _metrics(table: str) -> str:
    names = [_(metric.label) for name, metric in METRICS.items() if table in bases_of(name)]
    if len(names) <= MOST + 1:
        return ", ".join(names)
    return _("%(named)s and %(count)s more metrics") % {
        "named": ", ".join(names[:MOST]), "count": len(names) - MOST,
    }
