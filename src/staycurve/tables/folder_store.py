"""Tables in a folder of this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from staycurve.errors import ProjectError, StaycurveError
from staycurve.tables.engine import Written
from staycurve.tables.store import ASIDE, LOG, NOTES, Store

_MAGIC = b"PAR1"
_FIRST = f"{0:020}"


class Folder(Store):
    """A folder of this machine."""

    def __init__(self, root: Path, *, is_elsewhere: bool = False) -> None:
        self.root = root
        self.is_elsewhere = is_elsewhere
        self.lock = root / ".lock"

    def table(self, table: str) -> str:
        return str(self.root / table)

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
                found, last = _end_of(path)
            except (FileNotFoundError, NotADirectoryError):
                return path, "is missing"
            if found != size:
                return path, f"has {found:,} bytes instead of {size:,}"
            if last != _MAGIC:
                return path, "is not a Parquet file any more"
        return None

    def every(self, below: str = "") -> list[str]:
        return sorted(str(path) for path in (self.root / below).rglob("*") if path.is_file())

    def read_bytes(self, address: str) -> bytes:
        return Path(address).read_bytes()

    def measured(self, address: str) -> int:
        return Path(address).stat().st_size

    def put(self, address: str, made: Path) -> None:
        target = Path(address)
        # Beside its place first: the folder for files on their way may be on another disk.
        part = target.with_name(f".{target.name}.part")
        shutil.move(made, part)
        _sync(part)
        os.replace(part, target)
        _sync(target.parent)

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


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _end_of(path: str) -> tuple[int, bytes]:
    """Size and last bytes of a file; a table may have thousands, so no file object is made."""
    # Windows would change line ends otherwise.
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(opened).st_size
        os.lseek(opened, max(0, size - len(_MAGIC)), os.SEEK_SET)
        return size, os.read(opened, len(_MAGIC))
    finally:
        os.close(opened)
