"""Document: one TOML file of a playbook or an audience; what is wrong is told with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from staycurve.errors import StaycurveError, did_you_mean, system_error

Path_ = tuple[str | int, ...]
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-\"']+)\s*=")
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
MOST_BYTES = 100_000


class RuleError(StaycurveError):
    """A playbook or an audience says something that cannot be followed."""

    code = "bad_rule"


class Document:
    """A TOML file, read.

    Parameters
    ----------
    file : str
        As errors name it.
    text : str

    Attributes
    ----------
    values : mapping
        What the file says.

    Raises
    ------
    RuleError
        If it is no TOML.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._lines = text.splitlines()
        try:
            self.values: Mapping[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = _AT_LINE.search(str(error))
            line = int(found[1]) if found else len(self._lines) or 1
            said = _AT_LINE.sub("", str(error)).strip().rstrip(".")
            raise RuleError(f"{file}:{line} is not valid TOML: {said}.",
                            hint="Fix that line.", file=file, line=line) from None

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line on which a key or table stands, or the nearest that holds it; from 1."""
        want, best = tuple(path), 1
        best_length, at, counts = 0, (), {}  # type: int, Path_, dict[tuple[str, ...], int]
        for number, line in enumerate(self._lines, 1):
            header = _HEADER.match(line)
            if header:
                names = tuple(part.strip().strip("\"'") for part in header[2].split("."))
                at = names
                if header[1] == "[[":
                    counts[names] = counts.get(names, -1) + 1
                    at = (*names, counts[names])
                here: Path_ = at
            else:
                key = _KEY.match(line)
                if not key:
                    continue
                here = (*at, key[1].strip("\"'"))
            if want[: len(here)] == here and len(here) > best_length:
                best, best_length = number, len(here)
        return best

    def wrong(self, path: Sequence[str | int], text: str, hint: str) -> RuleError:
        """The error of what stands at a path."""
        line = self.line_of(path)
        return RuleError(f"{self.file}:{line} {text}", hint=hint, file=self.file, line=line)

    def closed(
        self, table: Mapping[str, Any], known: Collection[str], path: Sequence[str | int] = ()
    ) -> None:
        """Refuse keys that are not known."""
        for key in table:
            if key not in known:
                raise self.wrong(
                    (*path, key), f"'{key}' is not known here.{did_you_mean(key, known)}",
                    f"Known: {', '.join(sorted(known))}",
                )

    def text(
        self, table: Mapping[str, Any], key: str, path: Sequence[str | int] = (),
        *, default: str | None = None, choices: Collection[str] = (),
    ) -> str:
        """A text; it is needed without a default."""
        value = table.get(key, default)
        if value is None:
            raise self.wrong(path, f"has no {key}.", f'Write: {key} = "…"')
        if not isinstance(value, str) or (not value.strip() and default is None):
            raise self.wrong((*path, key), f"{key} takes a text.", f'Write: {key} = "…"')
        if choices and value not in choices:
            raise self.wrong(
                (*path, key), f"{key} = '{value}' is not known.{did_you_mean(value, choices)}",
                f"One of: {', '.join(choices)}",
            )
        return value

    def number(
        self, table: Mapping[str, Any], key: str, path: Sequence[str | int] = (),
        *, default: float | None = None, least: float = 0, most: float = 1e15,
        is_whole: bool = False,
    ) -> float | None:
        """A number within bounds; the default where the key is absent."""
        value: Any = table.get(key, default)
        if value is None:
            return None
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or (is_whole and isinstance(value, float)) or not least <= value <= most:
            what = "a whole number" if is_whole else "a number"
            raise self.wrong(
                (*path, key), f"{key} takes {what} from {least:g} to {most:g}.",
                f"Write: {key} = {least:g}",
            )
        return float(value)

    def whole(
        self, table: Mapping[str, Any], key: str, path: Sequence[str | int] = (),
        *, default: int, least: int = 0, most: int = 3660,
    ) -> int:
        """A whole number within bounds."""
        found = self.number(
            table, key, path, default=default, least=least, most=most, is_whole=True
        )
        return default if found is None else int(found)

    def flag(
        self, table: Mapping[str, Any], key: str, path: Sequence[str | int] = (),
        *, default: bool,
    ) -> bool:
        """true or false."""
        value = table.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong((*path, key), f"{key} takes true or false.", f"Write: {key} = true")
        return value

    def texts(
        self, table: Mapping[str, Any], key: str, path: Sequence[str | int] = (),
        *, default: Sequence[str] = (),
    ) -> tuple[str, ...]:
        """A list of texts."""
        value = table.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise self.wrong((*path, key), f"{key} takes a list of texts.",
                             f'Write: {key} = ["…"]')
        return tuple(value)

    def tables(self, key: str) -> list[Mapping[str, Any]]:
        """A list of tables."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise self.wrong((key,), f"{key} takes tables.", f"Write: [[{key}]]")
        return value

    def table(self, key: str) -> Mapping[str, Any]:
        """A table."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong((key,), f"{key} takes a table.", f"Write: [{key}]")
        return value


def read_file(path: Path, shown: str) -> Document:
    """The document in a file.

    Raises
    ------
    RuleError
        If the file's name is no name, or its text cannot be read.
    """
    if not NAME.fullmatch(path.stem):
        raise RuleError(
            f"{shown}:1 cannot be named: '{path.stem}' is no name of small letters, digits, - "
            "and _.", hint="Rename the file.", file=shown, line=1,
        )
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RuleError(f"{shown}:1 is larger than {MOST_BYTES // 1000} KB.",
                            hint="Shorten it.", file=shown, line=1)
        return Document(shown, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise RuleError(f"{shown}:1 is not UTF-8.", hint="Save it as UTF-8.", file=shown,
                        line=1) from None
    except OSError as error:
        raise system_error(error) or error from error
