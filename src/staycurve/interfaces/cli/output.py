"""How answers are printed: one JSON object, CSV, or a table for people."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from staycurve.metrics.base import Unit

Row = Mapping[str, Any]


class Format(StrEnum):
    """What `--format` takes."""

    table = "table"
    json = "json"
    csv = "csv"


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
    writer.writerows(flat)


def _flat(row: Row) -> dict[str, Any]:
    found = {key: value for key, value in row.items() if key != "segment"}
    return found | dict(row.get("segment") or {})


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table for people, numbers to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for place, column in enumerate(columns):
        is_number = bool(rows) and all(_is_number(row[place]) for row in rows)
        table.add_column(column, justify="right" if is_number else "left", no_wrap=is_number)
    for row in rows:
        table.add_row(*row)
    console = Console()
    if not console.is_terminal:
        # A pipe has no width of its own: never cut what a program or a file is to receive.
        console = Console(width=10_000)
    console.print(title, style="bold", highlight=False, soft_wrap=True)
    console.print(table)


def _is_number(text: str) -> bool:
    return not text or text[0] in "-–0123456789" or text.endswith("%")


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
