"""Closed months, loads and adjustments: the page at /books."""

from __future__ import annotations

from typing import Any

from staycurve.i18n import N_
from staycurve.insights.books.loads import KINDS, Load, loads
from staycurve.insights.books.restatements import STATES, adjustments, closed
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.restated import CHANGED, RESTATED, moment, next_month
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.period import parse_period

PER_PAGE = 50
COUNTS = ("accepted", "replaced", "rejected", "removed")


def _months(ask: Ask) -> Shown:
    rows = closed.ask(ask.company).rows
    return Shown([row.as_dict() for row in rows], {
        "command": f"staycurve close {next_month(ask)}",
        "lines": [
            {
                "label": ask.label(parse_period(row.month)),
                "href": ask.url(month=row.month, metric=None, load=None, page=None, panel=None)
                + "#restated",
                "closed_at": moment(row.closed_at, ask),
                "as_of": moment(row.as_of, ask),
                "seq": row.seq,
                "figures": row.figures_changed,
                "accounts": row.accounts_changed,
            }
            for row in reversed(rows)
        ],
    })


def _loads(ask: Ask) -> Shown:
    rows = loads.ask(ask.company).rows
    text = ask.options.get("loads_to", "")
    newest = [row for row in reversed(rows) if not text.isdecimal() or row.load <= int(text)]
    shown, older = newest[:PER_PAGE], newest[PER_PAGE:]
    return Shown([row.as_dict() for row in rows], {
        "lines": [_load_line(ask, row) for row in shown],
        "count": len(rows),
        "older": ask.url(loads_to=str(older[0].load), panel=None) + "#loads" if older else "",
        "newest": ask.url(loads_to=None, panel=None) + "#loads" if text else "",
        "rejected": sum(row.rejected for row in rows),
    })


def _load_line(ask: Ask, row: Load) -> dict[str, Any]:
    note = ""
    if row.undoes is not None:
        note = _("undid load %s") % row.undoes
    if row.undone_by is not None:
        note = _("undone by load %s") % row.undone_by
    return {
        "load": row.load,
        "at": moment(row.loaded_at, ask),
        "kind": _(KINDS.get(row.kind, row.kind)),
        "file": row.file,
        "table": row.table,
        "counts": [numbers.full(float(getattr(row, name)), Unit.COUNT) for name in COUNTS],
        "note": note,
        "is_undone": row.undone_by is not None,
    }


def _adjustments(ask: Ask) -> Shown:
    rows = adjustments.ask(ask.company).rows
    return Shown([row.as_dict() for row in rows], {
        "lines": [
            {
                **row.as_dict(),
                "at": moment(row.made_at, ask),
                "state": _(STATES[row.state]),
                "is_undone": row.state == "undone",
            }
            for row in reversed(rows)
        ],
    })


BOOKS = Page(
    address="/books",
    place=90,
    title=N_("Closed months"),
    question=N_("Why did last month's number change?"),
    panels=(
        RESTATED,
        CHANGED,
        Panel(
            "months", N_("Every closed month"), N_("Which months are closed, and which changed?"),
            "months.html", _months, is_late=True,
        ),
        Panel(
            "loads", N_("Loads"), N_("What came in, and what was rejected?"), "loads.html", _loads
        ),
        Panel(
            "adjustments", N_("Adjustments"), N_("What was set by hand, by whom, and why?"),
            "adjustments.html", _adjustments,
        ),
    ),
    has_controls=False,
    needs=(),
    group=Group.BOOKS,
    options=("month", "metric", "load", "loads_to"),
    can_be_cut=False,
)
