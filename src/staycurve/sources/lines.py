"""Lines: the text of a file, decoded, and its records where the file is not regular.

The engine reads regular CSV by itself. A file that it refuses, or whose lines and records do not
count the same, is read here record by record, so that every bad line is named and no good one lost.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from staycurve.errors import LoadError

LONGEST = 1 << 20
"""Characters that one record may span: beyond, a quote was opened and never closed."""

SHOWN = 1000
"""Characters of a bad line that complaints repeat."""
TOO_LONG = f"holds a value of more than {LONGEST:,} characters, or a quote that is never closed"

CHUNK = 1 << 22
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Record:
    """One record: the line on which it begins, and its cells."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class BadLine:
    """A line that is no record: what it holds, and the rule that it breaks."""

    line: int
    text: str
    rule: str


def opened(path: Path) -> gzip.GzipFile | IO[bytes]:
    """The bytes of a file, unpacked if its name ends in .gz."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")
    return path.open("rb")


def encoding_of(path: Path, stated: str | None) -> str:
    """The encoding that the file's first bytes show, else the stated one, else UTF-8."""
    with reading(path), opened(path) as file:
        head = file.read(4)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    return stated or "utf-8"


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what can go wrong with a file's bytes into an error that names the file."""
    try:
        yield
    except UnicodeError as error:
        raise LoadError(
            f"{path.name} is not written in {getattr(error, 'encoding', 'this encoding')}: "
            f"{getattr(error, 'reason', error)}. Nothing of it was loaded.",
            hint="State how it is written, such as --encoding latin-1 or --encoding utf-16",
            file=path.name,
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise LoadError(
            f"{path.name} is not a whole gzip file: {error}. Nothing of it was loaded.",
            hint="Copy or export it again; it was cut off or is not packed at all.",
            file=path.name,
        ) from None
    except OSError as error:
        raise LoadError(
            f"{path} cannot be read: {error.strerror or error}.",
            hint="Does it exist, and may you read it?",
            file=path.name,
        ) from None


def text_of(path: Path, encoding: str) -> Iterator[str]:
    """The lines of a file with their ends.

    A byte that is no text in this encoding is kept as half of a surrogate pair, which no text
    holds, so that it costs its own line and no other; see `broken_text`. In encodings of two and
    more bytes all that follows would be out of step: there it is an error.
    """
    is_wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    errors = "strict" if is_wide else "surrogateescape"
    with reading(path), opened(path) as file:
        # Any of \n, \r\n and \r ends a line, and is kept.
        yield from io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")


def broken_text(text: str) -> str:
    """The rule that a text breaks which holds what no text can hold; nothing for a sound one."""
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        if 0xDC80 <= code <= 0xDCFF:
            byte = f"0x{code - 0xDC00:02x}"
            return f"is not written in this encoding: it holds the byte {byte} (see --encoding)"
        return f"holds half of a surrogate pair (\\u{code:04x}), which is no text"
    return ""


def printable(text: str) -> str:
    """The text with what is none written as an escape."""
    return "".join(
        sign if not 0xD800 <= ord(sign) <= 0xDFFF
        # A byte that was no text is shown as it was, half of a pair by its number.
        else f"\\x{ord(sign) - 0xDC00:02x}" if 0xDC80 <= ord(sign) <= 0xDCFF
        else f"\\u{ord(sign):04x}"
        for sign in text
    )


def line_ends(path: Path) -> tuple[int, bool]:
    """Line feeds in a file, and whether a last line without one follows."""
    count, last = 0, b"\n"
    with reading(path), opened(path) as file:
        while chunk := file.read(CHUNK):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count, last != b"\n"


def delimiter_of(header: str) -> str:
    """The sign among , ; tab and | that cuts the header line into most columns."""
    counts = {sign: len(next(csv.reader([header], delimiter=sign), [])) for sign in ",;\t|"}
    return max(counts, key=lambda sign: counts[sign])


def records(lines: Iterator[str], delimiter: str) -> Iterator[Record | BadLine]:
    """Every record of a CSV text, the header first; bad lines in between.

    A record that spans lines has to come out whole and with the header's number of cells; else
    its first line alone is bad, and reading goes on with the second.
    """
    source = _Pushback(lines)
    width: int | None = None
    for line, first in source:
        if not first.strip("\r\n"):
            continue
        taken, cells = _cells(first, source, delimiter, width)
        if cells is None:
            source.push(taken[1:], line + 1)
            yield BadLine(line, _clean(first), "has a quote that is never closed"
                          if len(first) <= LONGEST else TOO_LONG)
            continue
        if width is None:
            width = len(cells)
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            cells = cells[:width]
        if len(cells) != width:
            rule = f"has {_fields(len(cells))} where the header has {width}"
            yield BadLine(line, _clean(first), rule)
            continue
        yield Record(line, cells)


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _clean(line: str) -> str:
    return line.strip("\r\n")[:SHOWN]


class _Pushback:
    """Lines with their numbers from 1, which can be put back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._back: list[str] = []
        self._next = 1

    def __iter__(self) -> _Pushback:
        return self

    def __next__(self) -> tuple[int, str]:
        line = self._back.pop() if self._back else next(self._lines)
        self._next += 1
        return self._next - 1, line

    def push(self, lines: list[str], first: int) -> None:
        """Put `lines` back; the first of them is line number `first`."""
        self._back.extend(reversed(lines))
        self._next = first


def _cells(
    first: str, source: _Pushback, delimiter: str, width: int | None
) -> tuple[list[str], list[str] | None]:
    """The lines of the record that begins with `first`, and its cells unless it is broken."""
    if '"' not in first:
        return [first], first.rstrip("\r\n").split(delimiter)
    taken, size = [first], len(first)
    while True:
        text = "".join(taken)
        cells = _parsed(text, delimiter)
        if cells is not None:
            if len(taken) > 1 and width is not None and len(cells) != width:
                return taken, None
            return taken, cells
        # An open quote: the record goes on in the next line that holds a quote.
        while True:
            following = next(source, None)
            if following is None or size > LONGEST:
                if following is not None:
                    taken.append(following[1])
                return taken, None
            taken.append(following[1])
            size += len(following[1])
            if '"' in following[1]:
                break


def _parsed(text: str, delimiter: str) -> list[str] | None:
    """The cells of one record, or None while a quote is open or closes in the middle of a cell."""
    csv.field_size_limit(4 * LONGEST)
    try:
        found = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else None
