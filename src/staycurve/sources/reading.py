"""Reading: a file of any kind, staged as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from staycurve.errors import LoadError, StaycurveError
from staycurve.sources import lines
from staycurve.sources.lines import BadLine, Record
from staycurve.sources.options import ReadOptions
from staycurve.tables.engine import Engine
from staycurve.tables.staging import LINE, ROW, Staged, stage_csv, stage_parquet, staged_name

BATCH = 50_000
"""Records held in memory at a time where Python reads them."""

CSV, JSON, PARQUET = "csv", "json", "parquet"
KINDS = {
    ".csv": CSV, ".tsv": CSV, ".txt": CSV,
    ".ndjson": JSON, ".jsonl": JSON, ".json": JSON,
    ".parquet": PARQUET, ".pq": PARQUET,
}


@dataclass(frozen=True)
class Read:
    """A staged file, and the lines of it that are no records."""

    staged: Staged
    bad: tuple[BadLine, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)


def kind_of(path: Path) -> str:
    """csv, json or parquet, from the file's name."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    kind = KINDS.get(suffixes[-1]) if suffixes else None
    if kind is None or (kind == PARQUET and path.suffix.lower() == ".gz"):
        raise LoadError(
            f"{path.name} is of no kind that can be loaded.",
            hint=f"Known: {', '.join(KINDS)}; also with .gz after it (not .parquet).",
            file=path.name,
        )
    return kind


def stage(engine: Engine, path: Path, folder: Path, options: ReadOptions) -> Read:
    """Stage the file at `path` in `folder`, an existing one that nothing else uses.

    Raises
    ------
    LoadError
        If the file is missing, empty, cut off, not in its encoding, or has no usable header.
    """
    if not path.is_file():
        raise LoadError(
            f"{path} is not there." if not path.exists() else f"{path} is not a file.",
            hint="Check the path.", file=path.name,
        )
    if path.stat().st_size == 0:
        raise LoadError(f"{path.name} is empty.", hint="Export it again.", file=path.name)
    kind = kind_of(path)
    if kind == PARQUET:
        return _parquet(engine, path, folder)
    encoding = lines.encoding_of(path, options.encoding)
    if kind == JSON:
        return _json(path, folder, encoding)
    return _csv(engine, path, folder, replace(options, encoding=encoding))


def _link(path: Path, folder: Path, suffix: str) -> Path:
    # The engine takes [ ] * and ? in a path for a pattern: it gets a plain name instead.
    link = folder / f"source{suffix}"
    link.symlink_to(path.resolve())
    return link


def _parquet(engine: Engine, path: Path, folder: Path) -> Read:
    target = folder / "raw.parquet"
    try:
        pq.read_metadata(path)
        columns, rows = stage_parquet(engine, _link(path, folder, ".parquet"), target)
    except StaycurveError:
        raise
    except Exception as error:
        raise LoadError(
            f"{path.name} is not a whole Parquet file: {_first_line(error)}.",
            hint="Copy or export it again; it was cut off or is of another kind.",
            file=path.name,
        ) from None
    return Read(Staged(columns, (target,), rows, first_line=1))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(".")


def _csv(engine: Engine, path: Path, folder: Path, options: ReadOptions) -> Read:
    encoding = options.encoding or "utf-8"
    first = next((line for line in lines.text_of(path, encoding) if line.strip()), None)
    if first is None:
        raise LoadError(f"{path.name} is empty.", hint="Export it again.", file=path.name)
    delimiter = options.delimiter or lines.delimiter_of(first)
    if encoding in ("utf-8", "utf-8-sig") and first.count('"') % 2 == 0:
        regular = _regular_csv(engine, path, folder, first, delimiter)
        if regular is not None:
            return regular
    return _irregular_csv(path, folder, encoding, delimiter)


def _regular_csv(
    engine: Engine, path: Path, folder: Path, header: str, delimiter: str
) -> Read | None:
    """The file as the engine reads it, if its lines and records count the same."""
    record = next(lines.records(iter([header]), delimiter), None)
    if not isinstance(record, Record) or len(record.cells) < 2:
        return None
    columns = _header(path, [cell.lstrip("\ufeff") for cell in record.cells])
    ends, has_rest = lines.line_ends(path)
    target = folder / "raw.parquet"
    suffix = ".csv.gz" if path.suffix.lower() == ".gz" else ".csv"
    try:
        rows = stage_csv(
            engine, _link(path, folder, suffix), target, columns=len(columns), delimiter=delimiter
        )
    except StaycurveError:
        raise
    except Exception:
        # Which line it was, and why, is said by the reader that is used then.
        rows = -1
    if rows != ends + has_rest - 1:
        target.unlink(missing_ok=True)
        return None
    return Read(Staged(columns, (target,), rows, first_line=2))


def _header(path: Path, cells: list[str]) -> tuple[str, ...]:
    names = [
        cell.strip() or f"column_{place}" for place, cell in enumerate(cells, 1)
    ]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise LoadError(
            f"{path.name} has more than one column called {', '.join(repeated)}.",
            hint="Rename or remove one of them.",
            file=path.name,
        )
    return tuple(names)


def _irregular_csv(path: Path, folder: Path, encoding: str, delimiter: str) -> Read:
    found = lines.records(lines.text_of(path, encoding), delimiter)
    head = next(found, None)
    if not isinstance(head, Record):
        raise LoadError(
            f"{path.name} has no readable header line.",
            hint="Its first line must name the columns.",
            file=path.name,
        )
    columns = _header(path, head.cells)
    parts = _Parts(folder)
    bad: list[BadLine] = []
    for record in found:
        if isinstance(record, BadLine):
            bad.append(record)
        else:
            parts.add(record.line, record.cells)
    return Read(parts.staged(columns), tuple(bad))


class _Parts:
    """Records on their way into staged Parquet files, a batch at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = 0
        self._lines: list[int] = []
        self._cells: list[list[str | None]] = []
        self._paths: list[Path] = []

    def add(self, line: int, cells: Any) -> None:
        """Take one record."""
        self._lines.append(line)
        self._cells.append(cells)
        if len(self._lines) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        count = len(self._lines)
        if not count:
            return
        width = max(len(cells) for cells in self._cells)
        if any(len(cells) < width for cells in self._cells):
            self._cells = [cells + [None] * (width - len(cells)) for cells in self._cells]
        data = {
            staged_name(place): pa.array(column, pa.string())
            for place, column in enumerate(zip(*self._cells, strict=True))
        }
        data[ROW] = pa.array(range(self.rows, self.rows + count), pa.int64())
        data[LINE] = pa.array(self._lines, pa.int64())
        path = self.folder / f"part-{len(self._paths):06}.parquet"
        pq.write_table(pa.table(data), path, compression="snappy")
        self._paths.append(path)
        self.rows += count
        self._lines, self._cells = [], []

    def staged(self, columns: tuple[str, ...]) -> Staged:
        """Everything that was taken."""
        self._flush()
        return Staged(columns, tuple(self._paths), self.rows)


def _json(path: Path, folder: Path, encoding: str) -> Read:
    bad: list[BadLine] = []
    staged = stage_objects(_objects(path, encoding, bad), folder)
    if not staged.rows and not bad:
        raise LoadError(f"{path.name} holds no rows.", hint="Export it again.", file=path.name)
    return Read(staged, tuple(bad))


def stage_objects(rows: Iterable[tuple[int, dict[str, Any]]], folder: Path) -> Staged:
    """Stage (line, object) pairs; a column for every key that occurs, in order of appearance."""
    places: dict[str, int] = {}
    parts = _Parts(folder)
    for line, row in rows:
        cells: list[str | None] = [None] * len(places)
        for key, value in row.items():
            place = places.get(key)
            if place is None:
                place = places[key] = len(places)
                cells.append(None)
            cells[place] = _cell(value)
        parts.add(line, cells)
    return parts.staged(tuple(places))


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=float)
    return str(value)


def _objects(
    path: Path, encoding: str, bad: list[BadLine]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, object) of every object in a JSON array or in lines of JSON."""
    source = lines.text_of(path, encoding)
    number = 0
    for line in source:
        number += 1
        if line.strip():
            if line.lstrip().startswith("["):
                yield from _array(path, line, source, number)
                return
            yield from _one(line, number, bad)
            break
    for number, line in enumerate(source, number + 1):
        if line.strip():
            yield from _one(line, number, bad)


def _one(line: str, number: int, bad: list[BadLine]) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        value = json.loads(line, parse_float=Decimal, parse_constant=str)
    except ValueError as error:
        bad.append(BadLine(number, line.strip()[:1000], f"is not JSON: {error}"))
        return
    except RecursionError:
        bad.append(BadLine(number, line.strip()[:1000], "is not JSON: it is nested too deep"))
        return
    if isinstance(value, dict):
        yield number, value
    else:
        bad.append(BadLine(number, line.strip()[:1000], "is not a JSON object"))


def _array(
    path: Path, first: str, source: Iterator[str], number: int
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON array, decoded one after the other."""
    decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=str)
    text, place = first, first.index("[") + 1
    is_over = False
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            number += text[place] == "\n"
            place += 1
        if place < len(text) and text[place] == "]":
            return
        if place < len(text):
            try:
                value, end = decoder.raw_decode(text, place)
            except (ValueError, RecursionError) as error:
                if is_over:
                    raise LoadError(
                        f"{path.name} is not a whole JSON array: {error}.",
                        hint="Export it again; it was cut off or is not JSON.",
                        file=path.name,
                    ) from None
            else:
                if not isinstance(value, dict):
                    raise LoadError(
                        f"{path.name}:{number} is not a JSON object.",
                        hint="Every element of the array must be an object with the columns.",
                        file=path.name,
                    )
                yield number, value
                number += text.count("\n", place, end)
                place = end
                continue
        elif is_over:
            raise LoadError(
                f"{path.name} is not a whole JSON array: its end is missing.",
                hint="Export it again; it was cut off.", file=path.name,
            )
        more = _some(source)
        is_over = not more
        text, place = text[place:] + more, 0


def _some(source: Iterator[str]) -> str:
    """The next lines, about a megabyte of them."""
    taken, size = [], 0
    for line in source:
        taken.append(line)
        size += len(line)
        if size > 1 << 20:
            break
    return "".join(taken)
