"""Answers of insights as the command line prints them: JSON, CSV, or tables for people."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from staycurve.insights import shapes
from staycurve.insights.answers import Answer, Col, Kind, Measure, Shape
from staycurve.insights.shapes import (
    Field,
    Rows,
    columns_of,
    fields_of,
    lines_of,
    main_of,
    segment_of,
    tables_of,
)
from staycurve.interfaces import wording
from staycurve.interfaces.cli.options import option_of
from staycurve.interfaces.cli.output import (
    SHOWN,
    Format,
    print_csv,
    print_json,
    print_table,
    say,
    say_rest,
)
from staycurve.metrics.base import Unit

Cells = Sequence[str]


@dataclass(frozen=True)
class Column:
    """Columns of a table that one field makes: their headings, and a row's cells."""

    heads: Cells
    is_number: bool
    field: Field
    key: str = ""

    def cells(self, row: Any) -> Cells:
        """What stands in them."""
        value, col = shapes.shown(row, self.field), _col(self.field).of_row(row)
        if self.key:
            return [wording.cell((value or {}).get(self.key), col)]
        found = wording.cell(value, col)
        if self.field.key == "period" and getattr(row, "open", None):
            found += "*"
        if (self.field.key == "size" or col.is_size) and getattr(row, "is_small", None):
            found += " (small)"
        return [found, wording.interval(row, col)] if col.ends else [found]


def print_answer(answer: Answer, output: Format) -> None:
    """Print an answer as `--format` asks for it."""
    if output is Format.json:
        print_json(answer.as_dict())
    elif output is Format.csv:
        _print_lines(answer)
    else:
        _print_tables(answer)


def _print_lines(answer: Answer) -> None:
    own: type = type(answer)
    main = main_of(own)
    rows = main.of(answer) if main else (answer,)
    shape = main.row if main else own
    if rows:
        # An object that is there in some rows makes columns of its own parts.
        nested = {
            one.key for one in fields_of(shape)
            if one.row and not one.is_many and not issubclass(one.row, Measure)
        }
        nested |= {one.key for one in fields_of(shape) if isinstance(one.mark, Col)
                   and one.mark.spread}
        print_csv([
            {key: value for key, value in line.items() if key not in nested}
            for line in lines_of(rows)
        ])
        return
    names = [one.key for one in fields_of(shape) if one.key != "segment" and not one.row
             and not one.mark.is_omitted and getattr(one.mark, "is_in_csv", True)]
    sys.stdout.write(",".join(names) + "\n")


def _print_tables(answer: Answer) -> None:
    own: type = type(answer)
    title = wording.told(answer.title())
    seen = getattr(answer, "as_of", None)
    if seen and seen not in title:
        title += f", as of {seen}"
    figures = [line for field in fields_of(own) for line in _figure(answer, field)]
    tables, main = tables_of(own), main_of(own)
    shown = [one for one in tables if one.of(answer) or one is main]
    is_titled = bool(shown) and not figures
    if not is_titled:
        typer.echo(title)
        say(*figures, mark="")
    for place, table in enumerate(shown):
        is_first = place == 0 and is_titled
        heading = title if is_first else table.mark.title
        if is_first and len(shown) > 1 and table.mark.title and table.mark.title not in title:
            heading = f"{title}\n{table.mark.title}"
        _print_rows(heading, table, answer)
    say(*map(wording.told, answer.said()), mark="")
    say(getattr(answer, "why", None), *answer.notes)
    say(*_behind(shown, answer), mark="")


def _behind(tables: Sequence[Rows], answer: Answer) -> list[str]:
    """The commands that list the accounts behind cells."""
    from staycurve.insights.catalogue import INSIGHTS

    own: type = type(answer)
    asked = {one.attribute for one in fields_of(own)}
    opened: dict[str, dict[str, None]] = {}
    for table in tables:
        for field in fields_of(table.row) if table.of(answer) else ():
            if field.col and field.col.opens and field.col.opens.insight in INSIGHTS:
                opens = field.col.opens
                names = opened.setdefault(opens.insight, {})
                if len(INSIGHTS[opens.insight].answers) > 1:
                    # It answers with rows where it is told which.
                    names |= dict.fromkeys(
                        name for name, taken in opens.take.items()
                        if taken not in asked and not hasattr(answer, taken)
                    )
    return [
        " ".join(["Drill down: staycurve", name, *(
            f"{option_of(one)} …" for one in INSIGHTS[name].arguments
            if one.is_required or one.name in names
        )])
        for name, names in opened.items()
    ]


def _figure(answer: Answer, field: Field) -> list[str]:
    """A figure of the answer itself, on a line of its own."""
    col, value = field.col, getattr(answer, field.attribute)
    if col is None or field.key == "total":
        return []
    col = col.of_row(answer)
    shown = wording.cell(shapes.shown(answer, field), col)
    if value is None:
        why = getattr(answer, col.why, None)
        shown = f"{shown or wording.UNKNOWN} ({why})" if why else shown or wording.UNKNOWN
    elif col.ends and wording.interval(answer, col) != wording.UNKNOWN:
        shown += f" ({wording.INTERVAL} {wording.interval(answer, col)})"
    if col.spread and isinstance(value, Mapping):
        shown = ", ".join(
            f"{label} {wording.cell(value.get(key), col)}" for key, label in col.spread
        )
    return [f"{col.label}  {shown}"]


def _print_rows(title: str, table: Rows, answer: Answer) -> None:
    rows = table.of(answer)
    is_long = table.mark.is_list or "account_id" in {one.key for one in fields_of(table.row)}
    listed = rows[:SHOWN] if is_long else rows
    dims = list(segment_of(rows[0])) if rows else []
    columns = _columns(table.row, rows)
    if table.mark.across and rows:
        _print_matrix(title, table, rows, dims)
        return
    reasons = [_reason(row, columns) for row in listed]
    heads = [*dims, *(head for column in columns for head in column.heads)]
    numbers = [*(False for _ in dims), *(
        column.is_number for column in columns for _ in column.heads
    )]
    lines = [
        [*wording.segment(segment_of(row)),
         *(one for column in columns for one in column.cells(row))]
        for row in listed
    ]
    if any(reasons):
        heads, numbers = [*heads, ""], [*numbers, False]
        lines = [[*line, reason] for line, reason in zip(lines, reasons, strict=True)]
    print_table(title, heads, lines, are_numbers=numbers)
    if is_long:
        say_rest(rows)
    if table.mark.is_list:
        _say_sums(rows, columns, getattr(answer, "total", None))


def _columns(shape: type, rows: Sequence[Any]) -> list[Column]:
    found = []
    for field in columns_of(shape, rows):
        col = _col(field)
        is_number = wording.is_number(col.unit)
        if col.spread:
            if not col.is_folded:
                found += [Column([label], is_number, field, key) for key, label in col.spread]
            continue
        if col.is_folded and field.row:
            # What it holds has a table of its own.
            continue
        heads = [col.label, wording.INTERVAL] if col.ends else [col.label]
        found.append(Column(heads, is_number, field))
    return found


def _reason(row: Any, columns: Sequence[Column]) -> str:
    """Why a value of the row is empty, where no column of its own says so."""
    own = {column.field.attribute for column in columns}
    for column in columns:
        why = _col(column.field).why
        if getattr(row, column.field.attribute) is None and why not in own:
            found = getattr(row, why, None)
            if found:
                return str(found)
    return ""


def _print_matrix(title: str, table: Rows, rows: Sequence[Any], dims: Cells) -> None:
    """One line for all rows that differ in the first field of `across` alone."""
    assert table.mark.across is not None
    across, filled = table.mark.across
    fields = {one.attribute: one for one in fields_of(table.row)}
    fixed = [
        column for column in _columns(table.row, rows)
        if column.field.attribute not in (across, filled)
    ]
    steps = list(dict.fromkeys(getattr(row, across) for row in rows))
    lines: dict[tuple[str, ...], dict[Any, str]] = {}
    for row in rows:
        key = (*wording.segment(segment_of(row)),
               *(one for column in fixed for one in column.cells(row)))
        mark = "*" if getattr(row, "open", None) and fields[across].key == "period" else ""
        value = wording.cell(shapes.shown(row, fields[filled]), _col(fields[filled]))
        lines.setdefault(key, {})[getattr(row, across)] = value + mark
    heads = [*dims, *(head for column in fixed for head in column.heads),
             *(wording.cell(step, _col(fields[across])) for step in steps)]
    numbers = [*(False for _ in dims),
               *(column.is_number for column in fixed for _ in column.heads),
               *(wording.is_number(_col(fields[filled]).unit) for _ in steps)]
    print_table(
        title, heads, [[*key, *(found.get(step, "") for step in steps)]
                       for key, found in lines.items()],
        are_numbers=numbers,
    )


def _say_sums(rows: Sequence[Any], columns: Sequence[Column], total: Any) -> None:
    if isinstance(total, Shape):
        typer.echo(wording.brief(total))
        return
    if isinstance(total, Mapping):
        typer.echo(", ".join(f"{key} {wording.text(value, Unit.COUNT)}"
                             if isinstance(value, int) else f"{key} {value:,.2f}"
                             for key, value in total.items() if value is not None))
        return
    sums = []
    for column in columns:
        col = _col(column.field)
        if not col.is_summed or column.key:
            continue
        known = [value for row in rows
                 if (value := getattr(row, column.field.attribute)) is not None]
        rest = len(rows) - len(known)
        missing = f" ({rest:,} without)" if rest else ""
        sums.append(f"{col.label} {wording.text(sum(known), col.unit)}{missing}")
    if rows and sums:
        typer.echo(f"In all {len(rows):,}: {', '.join(sums)}")


def _col(field: Field) -> Col:
    return field.col or Col(label=field.key, unit=Kind.TEXT)
