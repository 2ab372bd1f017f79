"""Sources of files: one file that is read again when it changes, and a folder of files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from staycurve.errors import SourceError
from staycurve.i18n import N_
from staycurve.section_faults import Wrong, near, shown
from staycurve.sections import CLOSED, Takes
from staycurve.sources.base import Pull, Source, Stream
from staycurve.sources.batches import Batch
from staycurve.sources.cursors import Cursor
from staycurve.sources.exports import mapping_named
from staycurve.sources.mapping import Mapping, read_mapping
from staycurve.tables.conformed import CONFORMED


def _table(value: str) -> str:
    if value not in CONFORMED:
        raise Wrong(f"= {shown(value)} is not a table.{near(value, CONFORMED)}",
                    f"It takes: {', '.join(CONFORMED)}")
    return value


def _path(value: str) -> str:
    if not value.strip():
        raise Wrong("takes a path, not an empty text.")
    return value


def _pattern(value: str) -> str:
    parts = Path(value).parts
    if not parts or Path(value).is_absolute() or ".." in parts:
        raise Wrong(
            f"= {shown(value)} is no pattern of names inside the folder.",
            'Write: pattern = "*.csv"   (or "**/*.parquet")',
        )
    return value


_TABLE = Annotated[
    str | None, Takes(N_("the table that the files feed"), 'table = "accounts"', check=_table)
]
_MAP = Annotated[
    str | None,
    Takes(N_("the path of a mapping file, or the name of a known one"), 'map = "crm.toml"',
          check=_path),
]


@dataclass(frozen=True)
class OneFile:
    """[sources.NAME] of the kind `file`; paths are seen from the project's directory."""

    __pydantic_config__ = CLOSED

    path: Annotated[str, Takes(N_("the path of a file"), 'path = "crm.csv"', check=_path)]
    table: _TABLE = None
    map: _MAP = None
    replace: Annotated[
        bool,
        Takes(N_("true where the file is the complete export of its system"), "replace = true"),
    ] = False


@dataclass(frozen=True)
class Folder:
    """[sources.NAME] of the kind `files`; paths are seen from the project's directory."""

    __pydantic_config__ = CLOSED

    folder: Annotated[
        str, Takes(N_("the path of a directory"), 'folder = "exports"', check=_path)
    ]
    pattern: Annotated[
        str,
        Takes(N_("which names are meant, such as *.csv or **/*.parquet"), 'pattern = "*.csv"',
              check=_pattern),
    ] = "*"
    table: _TABLE = None
    map: _MAP = None


def _read_file(pull: Pull[OneFile]) -> Iterator[Batch]:
    asked = pull.settings
    path = pull.folder / asked.path
    if not path.is_file():
        raise SourceError(f"{path} is not there.", hint="Check the path in staycurve.toml.")
    yield from _changed(
        pull, [(asked.path, path)], table=asked.table, mapping=_mapping(pull, asked.map),
        is_complete=asked.replace,
    )


def _read_folder(pull: Pull[Folder]) -> Iterator[Batch]:
    from staycurve.sources.naming import is_data

    asked = pull.settings
    folder = pull.folder / asked.folder
    if not folder.is_dir():
        raise SourceError(
            f"{folder} is not a directory.", hint="Check the folder in staycurve.toml."
        )
    found = sorted(
        (path.relative_to(folder).as_posix(), path)
        for path in folder.glob(asked.pattern) if path.is_file() and is_data(path)
    )
    yield from _changed(pull, found, table=asked.table, mapping=_mapping(pull, asked.map))


def _mapping(pull: Pull[Any], given: str | None) -> Mapping | None:
    if not given:
        return None
    path = pull.folder / given
    return read_mapping(path) if path.is_file() else mapping_named(given, pull.folder)


def _changed(
    pull: Pull[Any], files: Sequence[tuple[str, Path]], *, table: str | None,
    mapping: Mapping | None, is_complete: bool = False,
) -> Iterator[Batch]:
    """Those of the files that were not loaded as they are now."""
    from staycurve.sources.loading import digest_of

    known = pull.cursor.kept if pull.cursor else {}
    # One number a sync: files are put in order by their tables, not by their names.
    turn = int(pull.cursor.at) + 1 if pull.cursor else 1
    for name, path in files:
        # Taken before the file is read: what is written to it meanwhile is another state.
        state = path.stat()
        before = known.get(name)
        is_asked = pull.since is not None and _modified(state.st_mtime) >= pull.since
        if before and before[:2] == [state.st_size, state.st_mtime_ns] and not is_asked:
            continue
        digest = digest_of(path)
        if before and [before[0], before[2]] == [state.st_size, digest] and not is_asked:
            continue
        yield Batch(
            path, Cursor(turn, {name: [state.st_size, state.st_mtime_ns, digest]}),
            table=table, mapping=mapping, is_complete=is_complete,
        )


def _modified(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


_CURSOR = N_("size, time of change and SHA-256 of every file that was loaded")

FILE = Source(
    "file",
    N_("One file"),
    N_("A file that an export or a script writes again and again; it is loaded when it changed."),
    OneFile,
    (Stream("file", N_("The rows of the file."), _read_file, cursor=_CURSOR),),
    '[sources.crm]\nkind = "file"\npath = "exports/accounts.csv"',
)
FILES = Source(
    "files",
    N_("A folder of files"),
    N_("A folder to which files come; those that are new or changed are loaded."),
    Folder,
    (Stream("files", N_("The rows of the files."), _read_folder, cursor=_CURSOR),),
    '[sources.exports]\nkind = "files"\nfolder = "exports"\npattern = "*.csv"',
)
