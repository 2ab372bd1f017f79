"""Files beside the lake: databases, logs, mappings and what waits; searched and written anew."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from staycurve.errors import LakeError
from staycurve.tables.person.terms import Terms

WAIT = 30.0
"""Seconds to wait for another process that holds a database."""
_TEXTS = {".json", ".jsonl", ".ndjson", ".log", ".txt", ".csv", ".toml", ".md", ".1", ".old", ""}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class FileHits:
    """What was found beside the lake.

    Attributes
    ----------
    found : mapping
        Path below the project → what of the person stands there: lines, or rows of a database.
    left : list of str
        Files that hold something and cannot be written anew.
    """

    found: dict[str, list[Any]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


def sweep(folder: Path, terms: Terms, *, skip: tuple[Path, ...], is_kept: bool) -> FileHits:
    """Search every file of a project beside its lake, and write anew what holds a person's texts.

    Parameters
    ----------
    skip : tuple of Path
        Folders and files that others see to.
    is_kept : bool
        Whether to search alone.
    """
    hits = FileHits()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink() or any(
            path == one or one in path.parents for one in skip
        ):
            continue
        shown = str(path.relative_to(folder))
        found: list[Any] | None
        try:
            if path.suffix == ".db" or ".db." in path.name:
                found = database(path, terms, is_kept=is_kept)
            elif path.suffix in (".db-wal", ".db-shm", ".lock"):
                continue
            else:
                found = _file(path, terms, is_kept=is_kept)
        except OSError as error:
            raise LakeError(f"{path} cannot be read: {error.strerror}.") from error
        if found is None:
            hits.left.append(shown)
        elif found:
            hits.found[shown] = found
    return hits


def _file(path: Path, terms: Terms, *, is_kept: bool) -> list[Any] | None:
    """The lines of a file with something of the person; None where it stays as it is."""
    body = path.read_bytes()
    low = body.lower()
    texts = [text for text, _, _ in terms.searched]
    if not any(text.lower().encode() in low for text in texts):
        return []
    if path.suffix not in _TEXTS or b"\0" in body:
        return None
    text = body.decode("utf-8", "surrogateescape")
    if path.suffix == ".json":
        new = _json(text, terms)
    elif path.suffix in (".jsonl", ".ndjson", ".log"):
        new = "".join(_json(line, terms) for line in text.splitlines(keepends=True))
    else:
        new = terms.text(text)
    if new == text:
        return []
    found = [line for line in text.splitlines() if terms.text(line) != line]
    if not is_kept:
        _replace(path, new.encode("utf-8", "surrogateescape"))
    return found


def _json(text: str, terms: Terms) -> str:
    end = "\n" if text.endswith("\n") else ""
    return terms.json(text.removesuffix("\n")) + end


def _replace(path: Path, body: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, path.stat().st_mode & 0o777)
    with os.fdopen(handle, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def database(path: Path, terms: Terms, *, is_kept: bool) -> list[Any]:
    """Rows of a SQLite database with something of the person, written anew unless `is_kept`.

    What was deleted is overwritten: the file is built anew, its log emptied.
    """
    found: list[Any] = []
    try:
        with closing(sqlite3.connect(path, timeout=WAIT, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("BEGIN" if is_kept else "BEGIN IMMEDIATE")
            for table, columns in _tables(connection):
                found += _rows(connection, table, columns, terms, is_kept=is_kept)
            connection.execute("COMMIT")
            if not is_kept:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.DatabaseError as error:
        raise LakeError(
            f"{path} cannot be searched: {error}.",
            hint="Is it damaged, or held by another program? Nothing in it was changed.",
        ) from error
    return found


def compact(path: Path) -> None:
    """Build a SQLite database anew: nothing of changed rows lies in its free pages any more.

    Raises
    ------
    LakeError
        If another program holds it.
    """
    try:
        with closing(sqlite3.connect(path, timeout=WAIT, isolation_level=None)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.DatabaseError as error:
        raise LakeError(
            f"{path} cannot be built anew: {error}.",
            hint="What was blanked may lie in its free pages until it is.",
        ) from error


def _tables(connection: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    for (table,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
        "ORDER BY name"
    ).fetchall():
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        yield table, [one for one in columns if _NAME.fullmatch(one)]


def _rows(
    connection: sqlite3.Connection, table: str, columns: list[str], terms: Terms, *,
    is_kept: bool,
) -> list[Any]:
    listed = ", ".join(f'"{column}"' for column in columns)
    found = []
    for place, *cells in connection.execute(
        f'SELECT rowid, {listed} FROM "{table}" ORDER BY rowid'
    ).fetchall():
        changes = {}
        for column, value in zip(columns, cells, strict=True):
            new = _cell(value, terms)
            if new != value:
                changes[column] = new
        if not changes:
            continue
        row = {c: _shown(v) for c, v in zip(columns, cells, strict=True)}
        found.append({"table": table, **row})
        if not is_kept:
            names = ", ".join(f'"{column}" = ?' for column in changes)
            connection.execute(
                f'UPDATE "{table}" SET {names} WHERE rowid = ?', (*changes.values(), place)
            )
    return found


def _cell(value: Any, terms: Terms) -> Any:
    if isinstance(value, str):
        return terms.json(value) if value[:1] in "{[" else terms.text(value)
    if isinstance(value, bytes):
        # A request in the inbox is compressed.
        with contextlib.suppress(zlib.error, UnicodeDecodeError):
            text = zlib.decompress(value).decode()
            new = terms.json(text)
            return value if new == text else zlib.compress(new.encode(), 1)
    return value


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        with contextlib.suppress(zlib.error, ValueError):
            return json.loads(zlib.decompress(value))
        return f"{len(value)} bytes"
    return value
