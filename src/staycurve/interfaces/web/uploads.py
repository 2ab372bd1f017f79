"""Uploads: a file that a form brings, written to disk as it comes, and never held in memory.

A file waits in the project's directory for temporary files, under a name that nobody can guess,
until it is loaded or thrown away; what is left there for a day is removed.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator
from email.message import Message
from pathlib import Path
from typing import BinaryIO

from starlette.requests import Request

from staycurve.errors import UsageError
from staycurve.interfaces.web import forms

MOST = 500_000_000
"""Bytes of one upload: some ten million rows."""
LONGEST = 4_096
"""Bytes of a field that is no file."""
KEPT = 86_400
"""Seconds after which a file that nobody came back to is removed."""
FOLDER = Path(".tmp") / "uploads"


async def read(request: Request, project: Path) -> dict[str, str]:
    """The fields of a form; a file of it as `upload`, the name of the place where it waits.

    Raises
    ------
    ForeignFormError
        If the form was sent from elsewhere.
    UsageError
        If it is too large, or holds no file that has a name.
    """
    kind = request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return await forms.read(request)
    forms.check_origin(request.headers, kind)
    root = project / FOLDER
    clean(root)
    place = root / secrets.token_hex(16)
    place.mkdir(parents=True)
    taker = _Taker(place)
    try:
        await _pour(request.stream(), kind, taker)
    except BaseException:
        taker.close()
        shutil.rmtree(place, ignore_errors=True)
        raise
    if taker.name:
        return taker.fields | {"upload": place.name}
    shutil.rmtree(place, ignore_errors=True)
    return taker.fields


def waiting(project: Path, token: str) -> Path:
    """The file that waits under a name.

    Raises
    ------
    UsageError
        If there is none.
    """
    place = project / FOLDER / token
    if re.fullmatch(r"[0-9a-f]{32}", token) and place.is_dir():
        found = sorted(place.iterdir())
        if len(found) == 1:
            return found[0]
    raise UsageError(
        "This file is no longer here.", hint="Choose it again: files wait for a day."
    )


def forget(project: Path, token: str) -> None:
    """Remove a file that waits; none is no fault."""
    if re.fullmatch(r"[0-9a-f]{32}", token):
        shutil.rmtree(project / FOLDER / token, ignore_errors=True)


def clean(root: Path) -> None:
    """Remove what has waited for too long."""
    if not root.is_dir():
        return
    for place in root.iterdir():
        if time.time() - place.stat().st_mtime > KEPT:
            shutil.rmtree(place, ignore_errors=True)


def plain_name(given: str) -> str:
    """The name of a file without its path and without signs that a path or a page minds."""
    own = given.replace("\\", "/").rsplit("/", 1)[-1]
    name = re.sub(r"[^A-Za-z0-9._ -]", "_", own).strip(". ")
    return name[-120:]


async def _pour(stream: AsyncIterator[bytes], kind: str, taker: _Taker) -> None:
    from python_multipart.exceptions import MultipartParseError
    from python_multipart.multipart import MultipartParser, parse_options_header

    _kind, options = parse_options_header(kind)
    boundary = options.get(b"boundary", b"")
    try:
        parser = MultipartParser(boundary, {
            "on_part_begin": taker.begin,
            "on_header_field": taker.header_name,
            "on_header_value": taker.header_value,
            "on_header_end": taker.header_end,
            "on_headers_finished": taker.headers_end,
            "on_part_data": taker.data,
            "on_part_end": taker.end,
        })
        size = 0
        async for chunk in stream:
            size += len(chunk)
            if size > MOST:
                raise UsageError(
                    f"The file is larger than {MOST // 1_000_000} MB.",
                    hint="Load it on the command line, which has no limit: staycurve load FILE",
                )
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError:
        raise UsageError("The form cannot be read.", hint="Send it from the page.") from None
    finally:
        taker.close()


class _Taker:
    """Takes the parts of a form as they come."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.fields: dict[str, str] = {}
        self.name = ""
        self._header = self._value = b""
        self._headers: dict[str, str] = {}
        self._field: str | None = None
        self._text = b""
        self._file: BinaryIO | None = None

    def begin(self) -> None:
        """A part begins."""
        self._headers, self._field, self._text = {}, None, b""

    def header_name(self, data: bytes, start: int, end: int) -> None:
        """A piece of a header's name."""
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        """A piece of a header's value."""
        self._value += data[start:end]

    def header_end(self) -> None:
        """A header is whole."""
        name = self._header.decode("latin-1").lower()
        self._headers[name] = self._value.decode("utf-8", "replace")
        self._header = self._value = b""

    def headers_end(self) -> None:
        """The part's content begins."""
        told = Message()
        told["content-disposition"] = self._headers.get("content-disposition", "")
        field = told.get_param("name", header="content-disposition")
        file = told.get_filename()
        if len(self.fields) >= forms.FIELDS:
            raise UsageError("The form has too many fields.", hint="Send it from the page.")
        if file is None:
            self._field = str(field) if field else None
            return
        name = plain_name(file)
        if name and not self.name:
            self.name = name
            self._file = (self.place / name).open("xb")

    def data(self, data: bytes, start: int, end: int) -> None:
        """A piece of the part's content."""
        if self._file is not None:
            self._file.write(data[start:end])
        elif self._field is not None:
            self._text += data[start:end]
            if len(self._text) > LONGEST:
                raise UsageError("A field is too long.", hint="Send it from the page.")

    def end(self) -> None:
        """The part is whole."""
        if self._field is not None:
            self.fields[self._field] = self._text.decode("utf-8", "replace")
        self.close()

    def close(self) -> None:
        """Close the file that is being written, if any is."""
        if self._file is not None:
            self._file.close()
            self._file = None
