"""The metric tree as a nested list: on /value whole, elsewhere as deep as there is room.

Without scripts it is a list of links; with them it is one tab stop, and arrow keys move in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from staycurve.i18n import N_
from staycurve.insights.shapes import Field, fields_of
from staycurve.insights.value.tree import Branch, Node, Tree, branches, tree
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.answered import opened_at, sentences, tables
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import Reading, points, shown
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit


@dataclass(frozen=True)
class Figure:
    """One number of a part: what is printed, and the accounts behind it."""

    text: str
    href: str = ""
    why: str = ""


@dataclass(frozen=True)
class Item:
    """One part of the tree as a page shows it.

    Attributes
    ----------
    sign : str
        How it enters what it is a part of.
    href : str
        The page of the metric; empty for a part that is none.
    note : str
        What is said of it besides.
    """

    id: str
    sign: str
    label: str
    href: str
    before: Figure
    after: Figure
    change: Figure
    contribution: Figure
    note: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class TreeView:
    """A tree as a page shows it.

    Attributes
    ----------
    when : str
        The two periods.
    """

    when: str
    items: tuple[Item, ...]
    why: str = ""


def compact(ask: Ask, depth: int = 1) -> TreeView:
    """The tree of MRR, net revenue retention and lifetime value, so many parts deep.

    For pages that show it beside other things; draw it with panels/tree.html.
    """
    return view_of(ask, answer_of(ask, tree), depth=depth)


def view_of(ask: Ask, found: Tree, *, depth: int | None = None) -> TreeView:
    """A tree as a page shows it, down to so many parts below the tops."""
    when = _("%(from)s to %(to)s") % {"from": found.names[0], "to": found.names[1]}
    return TreeView(
        when="" if found.why else when, why=_(found.why or ""),
        items=tuple(_item(ask, one, found) for one in branches(found, depth=depth)),
    )


def _item(ask: Ask, branch: Branch, found: Tree) -> Item:
    row = branch.row
    unit = Unit(row.unit)
    why = _(row.why or "")
    return Item(
        id=f"part-{row.path.replace(' ', '-')}",
        sign=row.sign,
        label=_(row.label),
        href=ask.defines(row.metric) if row.metric else "",
        before=_figure(ask, row, found, "value_from", unit, why),
        after=_figure(ask, row, found, "value_to", unit, why),
        change=Figure(_signed(row.change, unit), why=why),
        contribution=Figure(
            "" if row.depth == 0 else _signed(row.contribution, _counts_in(row)), why=why
        ),
        note=_("its parts are shown above") if row.is_repeated else "",
        items=tuple(_item(ask, one, found) for one in branch.branches),
    )


def _counts_in(row: Node) -> Unit:
    """The unit of what a part is a part of."""
    return next((one for one in Unit if one.value == row.counts_in), Unit.PERCENT)


def _signed(value: float | None, unit: Unit) -> str:
    if value is None:
        return numbers.UNKNOWN
    if unit is Unit.PERCENT:
        # Parts of a share may be money: which numbers are points has to be said.
        return _("%s pp") % points(value)
    text = numbers.compact(abs(value), unit)
    return text if not value else f"{'+' if value > 0 else '−'}{text}"


def _figure(
    ask: Ask, row: Node, found: Tree, name: str, unit: Unit, why: str
) -> Figure:
    value: float | None = getattr(row, name)
    if value is None:
        return Figure(numbers.UNKNOWN, why=why)
    opens = _FIELDS[name].col
    href = opened_at(ask, opens.opens, row, found) if opens and opens.opens else ""
    return Figure(numbers.compact(value, unit), href)


_FIELDS: dict[str, Field] = {one.attribute: one for one in fields_of(Node)}


def _show(ask: Ask) -> Shown:
    found = answer_of(ask, tree)
    reading = Reading(
        said=sentences(found), tables=tables(ask, found, "linked"), sql=found.sql,
    )
    extra = found.as_dict()
    rows: Sequence[dict[str, object]] = extra.pop("rows")
    made = shown(rows, reading, extra)
    return Shown(made.rows, {**made.view, "tree": view_of(ask, found)}, made.extra)


TREE = Panel(
    "tree", N_("Metric tree"),
    N_("What are MRR, retention and lifetime value made of, and which part moved?"), "tree.html",
    _show, is_late=True,
)
