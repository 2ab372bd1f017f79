"""Answers of insights as a page shows them: figures, sentences, tables whose cells open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from staycurve.insights import shapes
from staycurve.insights.answers import SPREAD, Answer, Col, Kind, Measure, Opens, Said, Shape
from staycurve.insights.base import Insight
from staycurve.insights.catalogue import INSIGHTS
from staycurve.insights.shapes import (
    Field,
    Rows,
    columns_of,
    ends_of,
    fields_of,
    main_of,
    segment_of,
    tables_of,
)
from staycurve.interfaces import wording
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.accounts_at import account_at
from staycurve.interfaces.web.ask import Ask, link
from staycurve.interfaces.web.opened import Listed, shown_rows
from staycurve.interfaces.web.page import Shown
from staycurve.interfaces.web.reading import (
    Card,
    Cell,
    Head,
    Line,
    Reading,
    Switch,
    Table,
    between,
    named,
    points,
    shown,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.context import Filter
from staycurve.period import parse_period

MOST_LINES = 500
"""Lines of a table on a plain page; its twins have all."""
_IDS = ("account_id", "user_id", "lead_id")


def told(said: Said) -> str:
    """A sentence in the reader's language."""
    return wording.told(said, _, text)


def text(value: Any, unit: Unit | Kind, currency: str = "") -> str:
    """A value as people read it."""
    if value is None or value == "":
        return numbers.UNKNOWN
    if unit is Kind.DAY:
        return naming.day(dt.date.fromisoformat(str(value)[:10]))
    if unit is Kind.MONTH:
        return naming.label(parse_period(str(value)[:7]), 1)
    if unit is Kind.FLAG:
        return _("yes") if value else _("no")
    if unit is Kind.POINTS:
        return points(float(value))
    if isinstance(unit, Kind):
        return wording.text(value, unit, _)
    if unit is Unit.PERCENT:
        return numbers.compact(float(value), unit)
    return numbers.full(float(value), unit, currency)


def opened_at(
    ask: Ask, opens: Opens, row: Any, answer: Answer | None = None, *, key: str = ""
) -> str:
    """The address of the accounts behind a cell, in the segment of its row."""
    target: Insight[Any, Any] = INSIGHTS[opens.insight]
    options: dict[str, str | Sequence[str] | None] = {
        name: ask.options.get(name) for name in ("as_of", "known_at")
    }
    for name, field in opens.take.items():
        value = key if field == SPREAD else _taken(field, row, answer)
        options[name] = _written(value)
    options |= _options(opens.given)
    options = {target.outward.get(name, name): value for name, value in options.items()}
    segment = segment_of(row)
    extra = [Filter(dim, (value,)) for dim, value in segment.items()]
    filters = [own for own in ask.filters if own.dim not in segment or own.sign != "="]
    return link(target.page, options, (*filters, *extra))


def _taken(field: str, row: Any, answer: Answer | None) -> Any:
    return getattr(row, field) if hasattr(row, field) else getattr(answer, field, None)


def _written(value: Any) -> str | Sequence[str] | None:
    if value is None or value == "":
        return None
    if isinstance(value, tuple | list):
        return [str(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def answered(
    ask: Ask, insight: Insight[Any, Any], answer: Answer, *switches: Switch
) -> Shown:
    """The panel of a plain page: a list of rows, or figures with tables below switches."""
    own: type = type(answer)
    main = main_of(own)
    if main is not None and main.mark.is_list:
        return shown_rows(ask, listed(ask, insight, answer, main))
    reading = Reading(
        cards=cards_of(ask, answer),
        switches=switches,
        said=sentences(answer),
        tables=tables(ask, answer),
        notes=answer.notes,
        why=_(str(getattr(answer, "why", None) or "")),
        sql=answer.sql,
    )
    extra = answer.as_dict()
    rows: Sequence[Mapping[str, Any]] = ()
    if main:
        # A list with a name of its own keeps it, too; lines made for people are no key of JSON.
        kept = extra.get(main.field.key)
        rows = [one.as_dict() for one in main.of(answer)] if kept is None else kept
    extra.pop("rows", None)
    found = shown(rows, reading, extra)
    return Shown(found.rows, found.view, found.extra, template="reading.html")


def listed(
    ask: Ask, insight: Insight[Any, Any], answer: Answer, main: Rows | None = None
) -> Listed:
    """The accounts behind a number, as `rows_page` shows them."""
    own: type = type(answer)
    main = main or main_of(own)
    assert main is not None
    shape, rows = main.row, main.of(answer)
    fields = columns_of(shape, rows)
    head = next((one for one in fields if one.key in _IDS), fields[0])
    first = None if head.key in _IDS else (head.key, _(head.col.label if head.col else ""))
    columns: dict[str, tuple[str, Unit | Kind]] = {}
    for one in fields:
        # The name of an account stands beside its id.
        is_beside = one.key == "account_id" or (one.key == "name" and not first)
        if one.col and one is not head and not is_beside and not one.is_flat:
            columns |= _listed_column(one, one.col, rows)
    sums = [one.key for one in fields if one.col and one.col.is_summed]
    total = getattr(answer, "total", None)
    return Listed(
        told(answer.title()) or _(insight.question),
        [_listed_row(one) for one in rows],
        columns,
        _came_from(ask, insight, answer),
        sums,
        answer.sql,
        beside=[
            (told(one.label), ask.url(None, **{"page": None} | _options(one.given)))
            for one in answer.beside()
        ],
        head=first,
        number=main.mark.number,
        total=total.as_dict() if isinstance(total, Shape) else {},
        names={one.key: one.col.named_by for one in fields if one.col and one.col.named_by},
        notes=answer.notes,
    )


def _listed_column(
    field: Field, col: Col, rows: Sequence[Any]
) -> dict[str, tuple[str, Unit | Kind]]:
    """The column of a field; of a mapping one for each of its keys."""
    first = getattr(rows[0], field.attribute) if rows else None
    if not isinstance(first, Mapping):
        unit = col.of_row(rows[0]).unit if rows else col.unit
        return {field.key: (_(col.label), unit)}
    return {f"{field.key}_{key}": (named(key), col.unit) for key in first}


def _listed_row(row: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.as_dict().items():
        if isinstance(value, Mapping):
            found |= {f"{key}_{own}": part for own, part in value.items()}
        else:
            found[key] = value
    return found


def _came_from(ask: Ask, insight: Insight[Any, Any], answer: Answer) -> str:
    """The address of the panel whose number the rows are behind, as it was asked."""
    page, _sharp, panel = insight.comes_from.partition("#")
    address, _mark, own = page.partition("?")
    if not address:
        return ""
    kept = {name: ask.options.get(name) for name in own.split("&") if name}
    return f"{ask.url(address, **kept)}#{answer.stands_at() or panel}"


def _options(given: Mapping[str, Any]) -> dict[str, str | Sequence[str] | None]:
    return {name: _written(value) for name, value in given.items()}


def sentences(answer: Answer) -> list[str]:
    """What an answer says, in the reader's language."""
    return [told(one) for one in answer.said()]


def tables(
    ask: Ask, answer: Answer, *fields: str, is_folded: bool = False
) -> list[Table]:
    """Tables of an answer, made from its declaration.

    Parameters
    ----------
    *fields : str
        The fields whose rows they show; all without any.
    is_folded : bool
        Whether they stand behind a click, as under a chart.
    """
    own: type = type(answer)
    return [
        replace(table_of(ask, rows, answer), is_folded=is_folded)
        for rows in tables_of(own)
        if rows.of(answer) and (not fields or rows.field.attribute in fields)
    ]


def cards_of(ask: Ask, answer: Answer) -> list[Card]:
    """The figures of an answer that stand in no table."""
    own: type = type(answer)
    found = []
    for field in fields_of(own):
        col, value = field.col, getattr(answer, field.attribute)
        if col is None or isinstance(value, Mapping):
            continue
        href = opened_at(ask, col.opens, answer) if col.opens and value is not None else ""
        col = col.of_row(answer)
        low, high = ends_of(answer, col)
        found.append(Card(
            field.key, _(col.label), _cell_text(ask, shapes.shown(answer, field), col),
            str(value), href,
            note=between(low, high),
        ))
    return found


def table_of(ask: Ask, table: Rows, answer: Answer) -> Table:
    """Rows as a table; each cell that can be opened leads to what is behind it."""
    rows = table.of(answer)
    if table.mark.across:
        return _matrix(ask, table, answer)
    dims = list(segment_of(rows[0]))
    fields = columns_of(table.row, rows)
    heads = [Head(dim, is_text=True) for dim in dims]
    for field in fields:
        col = field.col
        assert col is not None
        if col.spread:
            heads += [Head(_(label), _(col.about)) for _key, label in col.spread]
        else:
            heads.append(Head(_(col.label), _(col.about), is_text=_is_text(col)))
    lines = []
    for row in rows[:MOST_LINES]:
        cells = [words(value or _("(none)")) for value in segment_of(row).values()]
        for field in fields:
            cells += _cells(ask, field, row, answer)
        lines.append(Line(cells[0], cells[1:], is_small=bool(getattr(row, "is_small", False))))
    title = _(table.mark.title)
    return Table(title, heads, lines, title=title)


def _matrix(ask: Ask, table: Rows, answer: Answer) -> Table:
    """One line for all rows that differ in the first field of `across` alone."""
    assert table.mark.across is not None
    across, filled = table.mark.across
    fields = {one.attribute: one for one in fields_of(table.row)}
    fixed = [
        one for one in fields.values()
        if one.col is not None and one.attribute not in (across, filled)
    ]
    rows = table.of(answer)
    steps = list(dict.fromkeys(getattr(row, across) for row in rows))
    lines: dict[tuple[str, ...], dict[Any, Any]] = {}
    for row in rows:
        key = (
            *(value or _("(none)") for value in segment_of(row).values()),
            *(_cell_text(ask, getattr(row, one.attribute), one.col) for one in fixed if one.col),
        )
        lines.setdefault(key, {})[getattr(row, across)] = row
    dims = list(segment_of(rows[0]))
    own = fields[across].col
    heads = [
        *(Head(dim, is_text=True) for dim in dims),
        *(Head(_(one.col.label), is_text=_is_text(one.col)) for one in fixed if one.col),
        *(Head(_cell_text(ask, step, own) if own else str(step)) for step in steps),
    ]
    made = []
    for key, found in list(lines.items())[:MOST_LINES]:
        cells = [words(part) for part in key]
        for step in steps:
            row = found.get(step)
            cells += [Cell("")] if row is None else _cells(ask, fields[filled], row, answer)[:1]
        made.append(Line(cells[0], cells[1:]))
    title = _(table.mark.title)
    return Table(title, heads, made, title=title)


def _is_text(col: Col) -> bool:
    return col.unit in (
        Kind.TEXT, Kind.NAME, Kind.ACCOUNT, Kind.FLAG, Kind.DAY, Kind.MONTH
    )


def _cells(ask: Ask, field: Field, row: Any, answer: Answer) -> list[Cell]:
    col, value = field.col, shapes.shown(row, field)
    assert col is not None
    col = col.of_row(row)
    if isinstance(value, Said):
        raw = getattr(row, field.attribute)
        about = _(str(getattr(row, col.why, None) or "")) if raw is None else ""
        href = opened_at(ask, col.opens, row, answer) if col.opens and raw is not None else ""
        return [Cell(_cell_text(ask, value, col), href, about, is_text=_is_text(col))]
    if col.spread:
        return [_spread(ask, col, value, row, answer, key) for key, _label in col.spread]
    href = opened_at(ask, col.opens, row, answer) if col.opens and value is not None else ""
    if col.unit is Kind.ACCOUNT and not href:
        href = account_at(ask, value)
    if isinstance(value, Measure):
        own: type = type(value)
        [(field, inner)] = [(one, one.col) for one in fields_of(own) if one.col]
        [cell] = _cells(ask, field, value, answer)
        return [replace(cell, href=href if getattr(value, inner.why, None) is None else "")]
    if isinstance(value, Shape):
        return [words(_cell_text(ask, value, col), href)]
    if _is_text(col):
        return [words(_cell_text(ask, value, col), href)]
    low, high = ends_of(row, col)
    why = _(str(getattr(row, col.why, None) or "")) if value is None else ""
    is_drawn = col.unit is Unit.PERCENT and value is not None and 0 <= value <= 1
    meter = (value, low, high) if is_drawn and low is not None and high is not None else None
    beneath = _between(col, low, high)
    return [Cell(_cell_text(ask, value, col), href, why, beneath=beneath, meter=meter)]


def _spread(
    ask: Ask, col: Col, found: Mapping[str, Any], row: Any, answer: Answer, key: str
) -> Cell:
    value = found.get(key)
    opens = col.opens if value else None
    href = opened_at(ask, opens, row, answer, key=key) if opens else ""
    return Cell(_cell_text(ask, value, col), href)


def _between(col: Col, low: float | None, high: float | None) -> str:
    if low is None or (high is None and col.unit is Unit.PERCENT):
        return ""
    if col.unit is Unit.PERCENT:
        return between(low, high)
    return _("%(low)s to %(high)s") % {"low": text(low, col.unit), "high": text(high, col.unit)}


def _cell_text(ask: Ask, value: Any, col: Col) -> str:
    return wording.cell(value, col, _, lambda one, unit: text(one, unit, ask.currency))
