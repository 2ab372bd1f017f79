"""Recognising: which known export a file is, by its headers alone."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

from staycurve.errors import LoadError
from staycurve.sources import lines
from staycurve.sources.exports import Export, check_used, fitting
from staycurve.sources.fitting import plain
from staycurve.sources.lines import Record
from staycurve.sources.naming import table_of
from staycurve.sources.objects import objects
from staycurve.sources.options import ReadOptions
from staycurve.sources.reading import JSON, PARQUET, WORKBOOK, kind_of
from staycurve.sources.workbook import sheet_rows
from staycurve.tables.conformed import CONFORMED

LOOKED_AT = 20
"""Objects of a JSON file whose fields are looked at: rows leave empty ones out."""


def headers_of(path: Path, options: ReadOptions) -> tuple[str, ...]:
    """The names of a file's columns; none where they cannot be read.

    What is wrong with the file is for the reader to say, who reads all of it.
    """
    try:
        kind = kind_of(path)
        if kind == PARQUET:
            import pyarrow.parquet as pq

            return tuple(pq.read_schema(path).names)
        if kind == WORKBOOK:
            return tuple(next(sheet_rows(path), (0, []))[1])
        encoding = lines.encoding_of(path, options.encoding)
        if kind == JSON:
            found: dict[str, None] = {}
            for place, (_line, row) in enumerate(objects(path, encoding, lambda bad: None)):
                found |= dict.fromkeys(row)
                if place + 1 >= LOOKED_AT:
                    break
            return tuple(found)
        text = lines.text_of(path, encoding)
        first = next((line for line in text if line.strip()), "")
        cut = options.delimiter or lines.delimiter_of(first)
        record = next(lines.records(iter([first]), cut), None)
        cells = record.cells if isinstance(record, Record) else []
        return tuple(cell.lstrip("\ufeff").strip() for cell in cells)
    except (LoadError, OSError, ValueError, gzip.BadGzipFile, json.JSONDecodeError):
        return ()
    except Exception as error:
        # A cut-off Parquet file fails in its own library's way.
        if type(error).__module__.startswith("pyarrow"):
            return ()
        raise


def is_ours(name: str, headers: Sequence[str]) -> bool:
    """Whether a file is named like a conformed table and has what that table requires."""
    try:
        table = CONFORMED[table_of(name)]
    except LoadError:
        return False
    known = {plain(header) for header in headers}
    needed = {
        column.name for column in table.columns
        if column.is_required and column.name != table.derived_key
    }
    return needed <= known


def recognised(path: Path, options: ReadOptions, known: Sequence[Export]) -> Export | None:
    """The known export that a file is; None for any other.

    Raises
    ------
    LoadError
        If the headers are those of two, or of one of which nothing is loaded.
    """
    headers = headers_of(path, options)
    if not headers or is_ours(path.name, headers):
        return None
    found = fitting(headers, known)
    if len(found) > 1:
        names = [one.name for one in found]
        raise LoadError(
            f"{path.name} looks like more than one known export: {', '.join(names)}.",
            hint=f"Say which: --map {names[0]}   (or --map {names[1]})",
            file=path.name, names=names,
        )
    if found:
        check_used(found[0], path.name)
    return found[0] if found else None
