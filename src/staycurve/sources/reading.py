"""Reading: a file of any kind, staged as text."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staycurve.errors import LoadError, StaycurveError
from staycurve.sources import lines
from staycurve.sources.batches import Unreadable
from staycurve.sources.content import check_content
from staycurve.sources.lines import SHOWN, BadLine, Record
from staycurve.sources.objects import cell, objects, plain_row
from staycurve.sources.options import ReadOptions
from staycurve.sources.workbook import sheet_rows
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.staging import LINE, ROW, Staged, stage_csv, stage_parquet, staged_name

if TYPE_CHECKING:
    # Its libraries take 50 MiB, which a server that loads nothing itself does without.
    import pyarrow as pa

BATCH = 50_000
"""Records held in memory at a time where Python reads them."""
MOST_COLUMNS = 5_000
"""A file with more is turned on its side, or has its values where its names should be."""

CSV, JSON, PARQUET, WORKBOOK = "csv", "json", "parquet", "workbook"
KINDS = {
    ".csv": CSV, ".tsv": CSV, ".txt": CSV,
    ".ndjson": JSON, ".jsonl": JSON, ".json": JSON,
    ".parquet": PARQUET, ".pq": PARQUET,
    ".xlsx": WORKBOOK,
}


@dataclass(frozen=True)
class Read:
    """A staged file, and a relation (line, value, rule) of its lines that are no records."""

    staged: Staged
    bad: str | None = None


def kind_of(path: Path) -> str:
    """csv, json, parquet or workbook, from the file's name."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    kind = KINDS.get(suffixes[-1]) if suffixes else None
    if kind is None or (kind in (PARQUET, WORKBOOK) and path.suffix.lower() == ".gz"):
        if kind is None and path.is_file():
            # An archive, an old workbook or a PDF says by its content what to do with it.
            check_content(path, is_parquet=True, encoding="utf-8")
        raise LoadError(
            f"{path.name} is of no kind that can be loaded.",
            hint=f"Known: {', '.join(KINDS)}; also with .gz after it (not .parquet and .xlsx).",
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
    if kind == WORKBOOK:
        return _workbook(path, folder)
    check_content(path, is_parquet=kind == PARQUET, encoding=options.encoding)
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
    import pyarrow.parquet as pq

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
    check_width(path, len(columns))
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


def check_width(path: Path, count: int) -> None:
    """Raise for more columns than any table of accounts has."""
    if count > MOST_COLUMNS:
        raise LoadError(
            f"{path.name} has more than {MOST_COLUMNS:,} columns. Nothing of it was loaded.",
            hint="Is it turned on its side, or cut by another sign? See --delimiter.",
            file=path.name,
        )


def _header(path: Path, cells: list[str]) -> tuple[str, ...]:
    rule = lines.broken_text("".join(cells))
    if rule:
        raise LoadError(
            f"{path.name}: its header line {rule}. Nothing of it was loaded.",
            hint="State how it is written, such as --encoding latin-1 or --encoding utf-16",
            file=path.name,
        )
    names = [
        cell.strip() or f"column_{place}" for place, cell in enumerate(cells, 1)
    ]
    check_width(path, len(names))
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
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
    rows, refused = _Parts(folder, "part"), _Parts(folder, "bad")
    for record in found:
        if isinstance(record, BadLine):
            refused.refuse(record)
            continue
        text = delimiter.join(record.cells)
        rule = lines.broken_text(text)
        if rule:
            refused.refuse(BadLine(record.line, text[:SHOWN], rule))
        else:
            rows.add(record.line, record.cells)
    return Read(rows.staged(columns), refused.bad_lines())


def _workbook(path: Path, folder: Path) -> Read:
    found = sheet_rows(path)
    head = next(found, None)
    if head is None:
        raise LoadError(f"{path.name} holds no rows.", hint="Export it again.", file=path.name)
    columns = _header(path, head[1])
    rows = _Parts(folder, "part")
    for number, cells in found:
        rows.add(number, cells)
    return Read(rows.staged(columns))


def _json(path: Path, folder: Path, encoding: str) -> Read:
    refused = _Parts(folder, "bad")
    found = objects(path, encoding, refused.refuse)
    staged = stage_objects(found, folder, check=lambda count: check_width(path, count))
    if not staged.rows and not refused.rows:
        raise LoadError(f"{path.name} holds no rows.", hint="Export it again.", file=path.name)
    return Read(staged, refused.bad_lines())


def stage_rows(rows: Iterable[object], fields: Sequence[str], folder: Path) -> Read:
    """Stage rows as a system sends them; what is no row of texts and numbers is refused.

    Parameters
    ----------
    fields : sequence of str
        Columns that there are although no row holds a value.
    """
    refused = _Parts(folder, "bad")
    found = _sound_rows(rows, refused.refuse)
    staged = stage_objects(found, folder, columns=fields, check=_check_fields)
    return Read(staged, refused.bad_lines())


def _sound_rows(
    rows: Iterable[object], refuse: Callable[[BadLine], None]
) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, row in enumerate(rows, 1):
        if isinstance(row, Unreadable):
            refuse(BadLine(number, row.text[:SHOWN], row.rule))
            continue
        if not isinstance(row, Mapping):
            refuse(BadLine(number, str(row)[:SHOWN], "is no object of fields and values"))
            continue
        cells, rule = plain_row(row)
        if rule:
            refuse(BadLine(number, repr(dict(row))[:SHOWN], rule))
        else:
            yield number, cells


def _check_fields(count: int) -> None:
    if count > MOST_COLUMNS:
        raise LoadError(
            f"The rows have more than {MOST_COLUMNS:,} fields.",
            hint="A value stands where a field's name should be.",
        )


def stage_objects(
    rows: Iterable[tuple[int, dict[str, Any]]], folder: Path, *, columns: Sequence[str] = (),
    check: Callable[[int], None] = lambda count: None,
) -> Staged:
    """Stage (line, object) pairs; a column for every key that occurs, in order of appearance.

    Parameters
    ----------
    columns : sequence of str
        Columns that there are before any row is seen.
    check : callable
        Told how many columns there are, each time that there is one more.
    """
    places = {column: place for place, column in enumerate(columns)}
    parts = _Parts(folder, "part")
    for line, row in rows:
        cells: list[str | None] = [None] * len(places)
        for key, value in row.items():
            place = places.get(key)
            if place is None:
                place = places[key] = len(places)
                check(len(places))
                cells.append(None)
            # Nearly every value is a text.
            cells[place] = value if type(value) is str else cell(value)
        parts.add(line, cells)
    return parts.staged(tuple(places))


class _Parts:
    """Records on their way into staged Parquet files, a batch at a time."""

    def __init__(self, folder: Path, stem: str) -> None:
        self.folder = folder
        self.stem = stem
        self.rows = 0
        self._lines: list[int] = []
        self._cells: list[Sequence[str | None]] = []
        self._paths: list[Path] = []

    def add(self, line: int, cells: Sequence[str | None]) -> None:
        """Take one record."""
        self._lines.append(line)
        self._cells.append(cells)
        self.rows += 1
        if len(self._lines) >= BATCH:
            self._flush()

    def refuse(self, bad: BadLine) -> None:
        """Take a line that is no record; what is no text in it is written as an escape."""
        self.add(bad.line, [lines.printable(bad.text), lines.printable(bad.rule)])

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        count = len(self._lines)
        if not count:
            return
        columns = zip_longest(*self._cells)
        data = {staged_name(place): _texts(column) for place, column in enumerate(columns)}
        data[ROW] = _numbers(range(self.rows - count, self.rows))
        data[LINE] = _numbers(self._lines)
        path = self.folder / f"{self.stem}-{len(self._paths):06}.parquet"
        pq.write_table(pa.table(data), path, compression="snappy")
        self._paths.append(path)
        self._lines, self._cells = [], []

    def staged(self, columns: tuple[str, ...]) -> Staged:
        """Everything that was taken."""
        self._flush()
        return Staged(columns, tuple(self._paths), self.rows)

    def bad_lines(self) -> str | None:
        """A relation (line, value, rule) of records [text, rule]; None without any."""
        staged = self.staged(("value", "rule"))
        if not staged.rows:
            return None
        value, rule = staged.read("value"), staged.read("rule")
        return f"(SELECT r.{LINE} AS line, {value} AS value, {rule} AS rule FROM ({staged.sql}) r)"


# Not by pa.array: it imports pandas, 55 MiB that stay with a server, and half a second.


def _texts(values: Sequence[str | None]) -> pa.Array | pa.ChunkedArray:
    import pyarrow as pa

    builder = pa.lib.StringBuilder()
    try:
        builder.append_values(values)
        return builder.finish()
    except pa.ArrowCapacityError:
        # More than 2 GiB of text in one column: in several chunks.
        return pa.array(values, pa.string())


def _numbers(values: Iterable[int]) -> pa.Array:
    import pyarrow as pa

    found = array("q", values)
    return pa.Array.from_buffers(pa.int64(), len(found), [None, pa.py_buffer(found)])
