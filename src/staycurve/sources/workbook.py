"""Workbook: the one sheet of an .xlsx file as rows of text, where the extra `xlsx` is installed."""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from staycurve.errors import LoadError

SAVE_AS_CSV = "Open it and save it as CSV (UTF-8), then load that file."


def can_read() -> bool:
    """Whether the library that reads workbooks is installed."""
    return importlib.util.find_spec("python_calamine") is not None


def sheet_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(row number from 1, cells as text) of the one sheet that holds anything.

    A day is written as ISO 8601 has it, a number with every digit that it has.

    Raises
    ------
    LoadError
        If the library is not installed, the file is no workbook, or several sheets hold rows.
    """
    if not can_read():
        raise LoadError(
            f"{path.name} is an Excel workbook, and what reads one is not installed. Nothing of "
            "it was loaded.",
            hint=f"{SAVE_AS_CSV} Or install it: pip install 'staycurve[xlsx]'",
            file=path.name,
        )
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
        sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
        filled = [name for name, sheet in sheets.items() if sheet.height and sheet.width]
        if len(filled) > 1:
            raise LoadError(
                f"{path.name} has several sheets with rows: {', '.join(filled)}. Nothing of it was "
                "loaded.",
                hint="Save the one that you mean as CSV (UTF-8), or as a workbook of its own.",
                file=path.name,
            )
        rows = sheets[filled[0]].to_python(skip_empty_area=False) if filled else []
    except CalamineError as error:
        raise LoadError(
            f"{path.name} is not a whole Excel workbook: {str(error).splitlines()[0]}.",
            hint=SAVE_AS_CSV, file=path.name,
        ) from None
    for number, row in enumerate(rows, 1):
        cells = [_text(value) for value in row]
        if any(cells):
            yield number, cells


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return "" if value is None else str(value)
