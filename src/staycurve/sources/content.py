"""Content: what a file really is, where that is not what its name says."""

from __future__ import annotations

import zipfile
from pathlib import Path

from staycurve.errors import LoadError
from staycurve.sources.lines import opened, reading

HEAD = 4096
"""Bytes that are looked at: a zip says what it holds in its directory, the others at once."""

_SAVE_AS_CSV = "Open it and save it as CSV (UTF-8), then load that file."


def check_content(path: Path, *, is_parquet: bool, encoding: str | None) -> None:
    """Raise where the first bytes show another kind of file than its name.

    Raises
    ------
    LoadError
        Saying what the file is, and what to do with it.
    """
    with reading(path), path.open("rb") as file:
        raw = file.read(HEAD)
    is_packed = path.suffix.lower() == ".gz"
    if raw.startswith(b"\x1f\x8b") and not is_packed:
        raise _is(path, "is packed with gzip", f"Name it {path.name}.gz, then load it.")
    with reading(path), opened(path) as file:
        head = file.read(HEAD)
    found = _kind(path, head, is_packed=is_packed)
    if found:
        raise _is(path, *found)
    if head.startswith(b"PAR1") and not is_parquet:
        raise _is(path, "is a Parquet file", "Name it with .parquet at its end, then load it.")
    if not is_parquet and encoding is None:
        wide = _wide_encoding(head)
        if wide:
            raise _is(
                path, "looks like UTF-16 without the mark at its beginning that says so",
                f"State it: --encoding {wide}",
            )


def _is(path: Path, what: str, hint: str) -> LoadError:
    return LoadError(
        f"{path.name} {what}. Nothing of it was loaded.", hint=hint, file=path.name
    )


def _kind(path: Path, head: bytes, *, is_packed: bool) -> tuple[str, str] | None:
    if head.startswith(b"PK\x03\x04"):
        if not is_packed and _is_workbook(path):
            return "is an Excel workbook", f"{_SAVE_AS_CSV} Or name it with .xlsx at its end."
        return "is a zip archive", "Unpack it, then load the files in it."
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "is an old Excel workbook", _SAVE_AS_CSV
    if head.startswith(b"%PDF"):
        return "is a PDF", "Export the table itself, as CSV."
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return (
            "is a web page",
            "The export was not downloaded, perhaps because the sign-in had expired. Export again.",
        )
    return None


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def _wide_encoding(head: bytes) -> str:
    """UTF-16 by its order of bytes, where every other byte of the text is empty."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or len(head) < 8:
        return ""
    for encoding, empty, full in (("utf-16-le", head[1::2], head[::2]),
                                  ("utf-16-be", head[::2], head[1::2])):
        if empty.count(0) > 0.7 * len(empty) and full.count(0) < 0.1 * len(full):
            return encoding
    return ""
