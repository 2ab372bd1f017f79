"""How answers are printed: one JSON object, CSV, or a table for people."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence, Sized
from enum import StrEnum
from typing import Any

import typer

from staycurve.interfaces import sheets
from staycurve.metrics.base import Unit

Row = Mapping[str, Any]
SHOWN = 40
"""How many rows a table lists; --format csv lists them all."""


class Format(StrEnum):
    """What `--format` takes."""

    table = "table"
    json = "json"
    csv = "csv"


def print_data(
    answer: Row,
    output: Format,
    *,
    rows: Sequence[Row] | None = None,
    columns: Sequence[str] | None = None,
) -> bool:
    """Print JSON or CSV where that is asked for, and tell whether it was.

    Parameters
    ----------
    answer : mapping
        The object that JSON prints, with its `rows`.
    output : Format
        What was asked for; nothing is printed for a table.
    rows : sequence of mapping, optional
        The lines of the CSV, where they differ from those of the answer.
    columns : sequence of str, optional
        The columns of the CSV; every one without it.
    """
    if output is Format.json:
        print_json(answer)
    elif output is Format.csv:
        print_csv(answer["rows"] if rows is None else rows, columns=columns)
    return output is not Format.table


def print_json(value: Mapping[str, Any]) -> None:
    """One object and nothing else on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def print_csv(rows: Sequence[Row], *, columns: Sequence[str] | None = None) -> None:
    """Rows with a header line; segments become columns of their own."""
    flat = [_flat(row) for row in rows]
    names = list(columns or dict.fromkeys(name for row in flat for name in row))
    writer = csv.DictWriter(sys.stdout, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: sheets.cell(value) for key, value in row.items()} for row in flat)


def _flat(row: Row) -> dict[str, Any]:
    found = {key: value for key, value in row.items() if key != "segment"}
    return found | dict(row.get("segment") or {})


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]],
    *, are_numbers: Sequence[bool] | None = None,
) -> None:
    """A table for people, numbers to the right.

    Parameters
    ----------
    title : str
    columns, rows : sequence of str
    are_numbers : sequence of bool, optional
        For each column; without it the texts themselves tell.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for place, column in enumerate(columns):
        is_number = (
            are_numbers[place] if are_numbers
            else bool(rows) and all(_is_number(row[place]) for row in rows)
        )
        table.add_column(column, justify="right" if is_number else "left", no_wrap=is_number)
    for row in rows:
        table.add_row(*row)
    # What a customer is called may look like markup, and is printed as it is.
    console = Console(markup=False, emoji=False)
    if not console.is_terminal:
        # A pipe has no width of its own: never cut what a program or a file is to receive.
        console = Console(width=10_000, markup=False, emoji=False)
    console.print(title, style="bold", highlight=False, soft_wrap=True)
    console.print(table)


def _is_number(text: str) -> bool:
    return not text or text[0] in "-–0123456789" or text.endswith("%")


def say(*texts: str | None, mark: str = "–  ") -> None:
    """Lines below a table; those that are empty are left out."""
    for text in texts:
        if text:
            typer.echo(f"{mark}{text}")


def say_rest(rows: Sized, *, shown: int = SHOWN) -> None:
    """That a table lists the first of many."""
    if len(rows) > shown:
        typer.echo(f"The first {shown} of {len(rows):,}; all: --format csv")


def segment_of(row: Row) -> list[str]:
    """A row's segment, one cell for each dimension."""
    return ["(none)" if value is None else str(value) for value in row["segment"].values()]


def period_of(row: Row) -> str:
    """A row's period; an open one is marked with *."""
    return f"{row['period']}{'*' if row['open'] else ''}"


def size_of(row: Row) -> str:
    """How many a row counts, and that they are too few to say much."""
    return f"{row['size']:,}{' (small)' if row['is_small'] else ''}"


def count(value: float | None, *, blank: str = "–") -> str:
    """A whole number."""
    return blank if value is None else f"{value:,.0f}"


def money(value: float | None) -> str:
    """An amount to the cent."""
    return "–" if value is None else f"{value:,.2f}"


def percent(value: float | None, *, blank: str = "–") -> str:
    """A share."""
    return blank if value is None else f"{value * 100:.1f}%"


def points(value: float | None, *, unit: str = " pp") -> str:
    """A difference of two shares, in points of percent."""
    return "–" if value is None else f"{value * 100:+.1f}{unit}"


def between(row: Row) -> str:
    """The interval of a share, of a row's `low` and `high`."""
    return "–" if row["low"] is None else f"{percent(row['low'])} to {percent(row['high'])}"


def chance(value: float | None) -> str:
    """A p-value."""
    if value is None:
        return "–"
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def cell(value: object) -> str:
    """Any value of a row."""
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def number(value: float | None, unit: Unit, *, is_open: bool = False) -> str:
    """A value in full, as tables show it; an open period is marked with *."""
    if value is None:
        return "–"
    mark = "*" if is_open else ""
    if unit is Unit.PERCENT:
        return f"{value * 100:,.1f}%{mark}"
    if unit is Unit.COUNT:
        return f"{value:,.0f}{mark}" if float(value).is_integer() else f"{value:,.1f}{mark}"
    if unit is Unit.MONEY:
        return f"{value:,.2f}{mark}"
    return f"{value:,.1f}{mark}" if unit is Unit.SCORE else f"{value:,.2f}{mark}"
