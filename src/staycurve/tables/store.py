"""Where the files of the tables lie: a folder of this machine, or an object store.

lake.py and writing.py alone ask it. An engine is told by `mounted` how to read what lies at a URL.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from staycurve.config import LakePlace
from staycurve.errors import LakeError, ProjectError, StaycurveError
from staycurve.tables.engine import Written, mounted

NOTES = "_pointer"
"""Below it lies a copy of every row of the pointer, from which a lost state.db is built again."""
ASIDE = "_damaged"
LOG = "_delta_log"
_MAGIC = b"PAR1"
_FIRST = f"{0:020}"


class Store(ABC):
    """The files of all tables, each table below its own name.

    Attributes
    ----------
    lock : Path
        The file that the one writer holds; always on this machine.
    is_far : bool
        Whether each question takes a way through the network.
    """

    lock: Path
    is_far = False

    @property
    def options(self) -> dict[str, str] | None:
        """What deltalake needs to reach it."""
        return None

    @abstractmethod
    def table(self, table: str) -> str:
        """The address of a table."""

    def file(self, table: str, path: str) -> str:
        """The address of a file that a table's log names."""
        return f"{self.table(table)}/{path}"

    def learn(self, sizes: Mapping[str, int]) -> None:
        """Take note of the bytes of files, by address, so that nobody need ask."""
        return None

    @abstractmethod
    def create(self) -> None:
        """Make it, where that is this program's to do."""

    @abstractmethod
    def check(self) -> None:
        """Raise when it is not there, without a way through the network."""

    @abstractmethod
    def claim(self) -> None:
        """Raise when another project writes here; the lock is held."""

    @abstractmethod
    def target(self, table: str, spill: Path) -> Path:
        """The folder of this machine into which an engine writes files for a table.

        Parameters
        ----------
        spill : Path
            A folder that goes with the engine, or with the next writer when it was killed.
        """

    @abstractmethod
    def take(self, table: str, files: Sequence[Written]) -> list[str]:
        """Let files that lie in `target` be files of the table; their addresses."""

    @abstractmethod
    def remove(self, addresses: Iterable[str]) -> None:
        """Remove files as far as that can be done."""

    @abstractmethod
    def forget(self, table: str) -> None:
        """Make room for a table that no snapshot names."""

    @abstractmethod
    def put_aside(self, table: str, stamp: str) -> str:
        """Move a table to where nothing reads it; its address there."""

    @abstractmethod
    def renumber(self, table: str, version: int) -> None:
        """Let the only entry of a log, of which there is a checkpoint too, have this version."""

    @abstractmethod
    def cut(self, table: str, version: int) -> None:
        """Move the entries of a log after `version` to where nothing reads them."""

    @abstractmethod
    def tables(self) -> list[str]:
        """Every table that has a log."""

    @abstractmethod
    def keep_note(self, number: int, text: str) -> None:
        """Keep a note durably, and no other of this number or a greater one."""

    @abstractmethod
    def notes(self) -> dict[int, str]:
        """Number → text of every note."""

    def damaged(self, sizes: Mapping[str, int]) -> tuple[str, str] | None:
        """The first file that is not there with its bytes, and why; asks nothing far away."""
        return None

    @abstractmethod
    def make_durable(self, addresses: Sequence[str], tables: Collection[str]) -> None:
        """Let new files and the new log entries of `tables` outlast a power cut."""

    @abstractmethod
    def explained(self, error: Exception) -> StaycurveError | None:
        """What kept the store from doing its work; None when the error is not its own."""


class Folder(Store):
    """A folder of this machine."""

    def __init__(self, root: Path, *, is_elsewhere: bool = False) -> None:
        self.root = root
        self.is_elsewhere = is_elsewhere
        self.lock = root / ".lock"

    def table(self, table: str) -> str:
        return str(self.root / table)

    def file(self, table: str, path: str) -> str:
        return str(self.root / table / path)

    def create(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)

    def check(self) -> None:
        if self.root.is_dir():
            return
        if self.is_elsewhere:
            raise ProjectError(
                f"The lake {self.root} is not there.",
                hint=f"Is its disk mounted? To begin one: mkdir -p '{self.root}'",
            )
        raise ProjectError(
            f"The lake {self.root} is missing.",
            hint="Restore it from a backup, or begin an empty one: staycurve recover",
        )

    def claim(self) -> None:
        """Nothing: a folder's lock is enough."""

    def target(self, table: str, spill: Path) -> Path:
        return self.root / table

    def take(self, table: str, files: Sequence[Written]) -> list[str]:
        return [str(file.path) for file in files]

    def remove(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            with contextlib.suppress(OSError):
                os.unlink(address)

    def forget(self, table: str) -> None:
        folder = self.root / table
        shutil.rmtree(folder / LOG, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)

    def put_aside(self, table: str, stamp: str) -> str:
        target = self.root / ASIDE / f"{table}-{stamp}"
        target.parent.mkdir(exist_ok=True)
        os.rename(self.root / table, target)
        return str(target)

    def renumber(self, table: str, version: int) -> None:
        log = self.root / table / LOG
        for kind in ("checkpoint.parquet", "json"):
            os.rename(log / f"{_FIRST}.{kind}", log / f"{version:020}.{kind}")
        # It names the version that was; without it the log is listed.
        (log / "_last_checkpoint").unlink(missing_ok=True)

    def cut(self, table: str, version: int) -> None:
        log = self.root / table / LOG
        for entry in sorted(log.glob("*.json")):
            if entry.stem.isdigit() and int(entry.stem) > version:
                os.rename(entry, entry.with_suffix(".cut"))

    def tables(self) -> list[str]:
        return sorted(log.parent.name for log in self.root.glob(f"*/{LOG}"))

    def keep_note(self, number: int, text: str) -> None:
        folder = self.root / NOTES
        folder.mkdir(exist_ok=True)
        path = folder / f"{number:020}.json"
        for other in folder.glob("*.json"):
            if other.name > path.name:
                other.unlink()
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        _sync(part)
        os.replace(part, path)
        _sync(folder)

    def notes(self) -> dict[int, str]:
        return {
            int(path.stem): path.read_text(encoding="utf-8", errors="replace")
            for path in sorted((self.root / NOTES).glob("*.json"))
            if path.stem.isdigit()
        }

    def damaged(self, sizes: Mapping[str, int]) -> tuple[str, str] | None:
        for path, size in sizes.items():
            try:
                with open(path, "rb", buffering=0) as file:
                    found = file.seek(0, os.SEEK_END)
                    if found != size:
                        return path, f"has {found:,} bytes instead of {size:,}"
                    file.seek(-len(_MAGIC), os.SEEK_END)
                    if file.read(len(_MAGIC)) != _MAGIC:
                        return path, "is not a Parquet file any more"
            except (FileNotFoundError, NotADirectoryError):
                return path, "is missing"
        return None

    def make_durable(self, addresses: Sequence[str], tables: Collection[str]) -> None:
        # deltalake issues no fsync of its own.
        folders = {self.root}
        for address in addresses:
            _sync(Path(address))
            folders.add(Path(address).parent)
        for table in tables:
            log = self.root / table / LOG
            for entry in log.iterdir():
                if entry.suffix in (".json", ".parquet"):
                    _sync(entry)
            folders |= {log, log.parent}
        for folder in folders:
            _sync(folder)

    def explained(self, error: Exception) -> StaycurveError | None:
        return None


def check_root(folder: Path) -> None:
    """Refuse a path that the Delta library cannot address."""
    path = str(folder)
    found = [sign for sign in path if sign in "[]%*?\\" or not sign.isprintable()]
    if found:
        raise ProjectError(
            f"{path!r} cannot hold a project: its path contains {found[0]!r}.",
            hint="Choose a directory whose path has none of [ ] % * ? \\ and no line break.",
        )


def open_store(folder: Path, place: LakePlace) -> Store:
    """The store that a project's configuration names.

    Parameters
    ----------
    folder : Path
        The project's directory.

    Raises
    ------
    LakeError
        If the packages for an object store are not installed.
    """
    if not place.is_url:
        check_root((folder / place.where).resolve())
        return Folder(folder / place.where, is_elsewhere=place != LakePlace())
    # Its packages take a while to import, so only those who have a lake there pay.
    try:
        from staycurve.tables.object_store import FileSystem, ObjectStore
    except ModuleNotFoundError as error:
        raise _missing_package(place.where, error) from None
    store = ObjectStore(folder, place)
    mounted.setdefault(store.scheme, FileSystem(store.scheme)).stores[store.url] = store
    return store


_EXTRAS = {"s3": "s3", "gs": "gcs", "abfss": "azure"}


def _missing_package(url: str, error: ModuleNotFoundError) -> LakeError:
    extra = _EXTRAS[url.partition(":")[0]]
    return LakeError(
        f"A lake at {url} needs the package {error.name}, which is not installed.",
        hint=f"pip install 'staycurve[{extra}]'",
    )


def opened(path: str) -> Any:
    """What pyarrow reads a file from: its path, or an open file where it lies at a URL."""
    scheme, is_url, _ = path.partition("://")
    return mounted[scheme].open(path) if is_url else path


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
