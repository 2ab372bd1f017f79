"""Searching: which rows of which files hold a person's texts, in every version of every table.

A file that no version names any more is searched as well: what counts is what lies on the disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import name, quoted
from staycurve.tables.lake import Lake
from staycurve.tables.person.rows import JSON_COLUMNS, cleaned
from staycurve.tables.person.terms import PERSON_COLUMNS, Terms, is_strong
from staycurve.tables.store import LOG

_SIGNS = "%\\@ "
"""Signs that few texts have, the rarest first."""
_AT_ONCE = 2_000
"""Files in one statement."""


@dataclass(frozen=True)
class Hit:
    """One row of one file that holds the person's texts.

    Attributes
    ----------
    row : mapping
        Every column of text.
    changes : mapping
        Column → what it becomes.
    """

    table: str
    file: str
    number: int
    row: Mapping[str, Any]
    changes: Mapping[str, Any]


@dataclass
class Hits:
    """All rows that were found, file by file."""

    files: dict[str, list[Hit]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many, in all versions together."""
        return sum(map(len, self.files.values()))

    def by_table(self) -> dict[str, int]:
        """Table → how many rows of it, in all versions together."""
        found: dict[str, int] = {}
        for hits in self.files.values():
            for hit in hits:
                found[hit.table] = found.get(hit.table, 0) + 1
        return dict(sorted(found.items()))


def files_of(lake: Lake) -> dict[str, list[str]]:
    """Table → the addresses of all its data files, those of no version too."""
    found: dict[str, list[str]] = {}
    for address in lake.store.every():
        path = PurePosixPath(address)
        if path.suffix == ".parquet" and path.parent.name != LOG:
            found.setdefault(path.parent.name, []).append(address)
    return {table: sorted(files) for table, files in sorted(found.items())}


def search(
    engine: Engine, terms: Terms, files: Mapping[str, Sequence[str]]
) -> Hits:
    """Every row of `files` (table → addresses) in which something of the person stands."""
    found = Hits()
    for table, paths in files.items():
        for start in range(0, len(paths), _AT_ONCE):
            for hit in _of_table(engine, terms, table, paths[start : start + _AT_ONCE]):
                found.files.setdefault(hit.file, []).append(hit)
    return found


def _of_table(
    engine: Engine, terms: Terms, table: str, paths: Sequence[str]
) -> Iterator[Hit]:
    listed = ", ".join(quoted(path) for path in paths)
    rows = (
        f"read_parquet([{listed}], filename=true, file_row_number=true, union_by_name=true, "
        "hive_partitioning=false)"
    )
    columns = [
        str(column) for column, kind, *_ in engine.rows(f"DESCRIBE SELECT * FROM {rows}")
        if kind == "VARCHAR" and column != "filename"
    ]
    conditions = [one for column in columns if (one := condition(terms, column))]
    if not conditions:
        return
    texts = ", ".join(name(column) for column in columns)
    for batch in engine.batches(
        f"SELECT filename, file_row_number, {texts} FROM {rows} WHERE {' OR '.join(conditions)}"
    ):
        for file, number, *cells in batch:
            row = dict(zip(columns, cells, strict=True))
            changes = cleaned(terms, table, row)
            if changes:
                yield Hit(table, str(file), int(number), row, changes)


def _within(terms: Terms, own: str) -> list[str]:
    """SQL that holds where one of the searched texts stands in a column, whatever its case."""
    parts = [f"contains({own}, {quoted(text)})" for text, _, is_exact in terms.searched if is_exact]
    by_sign: dict[str, list[str]] = {}
    for text, _, is_exact in terms.searched:
        if not is_exact:
            sign = next((one for one in _SIGNS if one in text), "")
            by_sign.setdefault(sign, []).append(f"contains(lower({own}), {quoted(text)})")
    for sign, several in by_sign.items():
        every = " OR ".join(several)
        # Most columns have no such sign anywhere: they need not be put in lower case.
        parts.append(f"(contains({own}, {quoted(sign)}) AND ({every}))" if sign else every)
    return parts


def condition(terms: Terms, column: str, *, alias: str = "") -> str:
    """SQL that holds for every row whose `column` may have to change; empty where none may."""
    own = f"{alias}{name(column)}"
    ids = ", ".join(quoted(one) for one in terms.ids)
    mails = ", ".join(quoted(one) for one in terms.emails)
    parts: list[str] = []
    if column in PERSON_COLUMNS:
        parts += [f"{own} IN ({ids})"] if ids else []
        parts += [f"lower({own}) IN ({mails})"] if mails else []
        return f"({' OR '.join(parts)})" if parts else ""
    parts += _within(terms, own)
    weak = [one for one in terms.ids if not is_strong(one)]
    if column in JSON_COLUMNS:
        parts += [f"contains({own}, {quoted(chr(34) + one + chr(34))})" for one in weak]
        parts += [
            rf"regexp_matches({own}, ':\s*{one}\b')" for one in terms.ids if one.isdigit()
        ]
    elif column == "value":
        parts += [f"{own} IN ({ids})"] if weak else []
    return f"({' OR '.join(parts)})" if parts else ""
