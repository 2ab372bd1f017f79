"""Cells of CSV files as spreadsheets may safely open them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a formula begins, in the letters of either width."""


def cell(value: object) -> object:
    """A spreadsheet runs a text that begins like a formula: such a text gets an apostrophe."""
    if isinstance(value, str) and value.startswith(_BEGINS):
        return "'" + value
    return "" if value is None else value


def written(lines: Sequence[Mapping[str, object]], columns: Sequence[str] = ()) -> str:
    """Flat lines as the text of a CSV file, with a header line.

    Parameters
    ----------
    columns : sequence of str
        The header of a file without lines; otherwise they have every column.
    """
    names = list(dict.fromkeys(name for line in lines for name in line)) or list(columns)
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in line.items()} for line in lines)
    return text.getvalue()
