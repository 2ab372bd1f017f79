"""Backups: one file that holds a whole project, and a project made from it again.

A backup is a tar archive: what it was made of and the digest of every file stand in its last
member, so a file that was cut off cannot pass for a whole one. App state is in it as rows, so that
it can be put into SQLite and PostgreSQL alike.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from staycurve import config as configuration
from staycurve.errors import ProjectError, StateError, StaycurveError, system_error
from staycurve.tables.person import tombstones
from staycurve.tables.pointer import FORMAT as LAKE_FORMAT, Pointer, copy_database
from staycurve.workspace.project import Clock, Project

if TYPE_CHECKING:
    from staycurve.state.database import Database

FORMAT = 1
"""The form of a backup that this version writes; a greater one is refused."""
MANIFEST = "manifest.json"
STATE = "state.json"
LAKE = "lake"
_PART = 1 << 20
_LEFT_OUT = (".tmp", ".lock", "_damaged")


@dataclass(frozen=True)
class Backup:
    """What a backup holds.

    Attributes
    ----------
    made_at : str
        ISO 8601, UTC.
    company : str
    seq : int
        The move of the pointer that readers see in it.
    lake : str
        Where the lake is, as staycurve.toml says it; one on an object store is not in the file.
    has_lake : bool
    migration : str
        The last migration of app state; empty where there is none yet.
    rows : int
        Rows of app state.
    files : mapping
        Member → (bytes, SHA-256).
    """

    made_at: str
    company: str
    seq: int
    lake: str
    has_lake: bool
    migration: str = ""
    rows: int = 0
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    format: int = FORMAT
    lake_format: int = LAKE_FORMAT

    @property
    def bytes(self) -> int:
        """Of all files together."""
        return sum(size for size, _digest in self.files.values())


def back_up(project: Project, target: Path) -> Backup:
    """Write a backup of a project, while it is served.

    Readers go on; who writes waits until its files are known, not until they are copied. The file
    appears under its name when it is whole, readable by its owner alone.

    Raises
    ------
    ProjectError, LakeError
        If there is such a file already, or it cannot be written.
    """
    from staycurve.state.copying import NUMBERS, copied
    from staycurve.state.database import Database

    if target.exists():
        raise ProjectError(f"{target} is there already.", hint="Name another file.")
    if not target.parent.is_dir():
        raise ProjectError(f"{target.parent} is not a directory.", hint="Make it first.")
    config = project.config
    database = Database(project.folder, config.state)
    migration, rows = copied(database) if database.is_there else ("", {})
    database.close()
    part = target.with_name(f".{target.name}.part")
    try:
        with _gathered(project) as (folder, seq), _written(part) as archive:
            digests: dict[str, tuple[int, str]] = {}
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                _add(archive, path.relative_to(folder).as_posix(), path, digests)
            _add_text(archive, STATE, json.dumps(rows), digests)
            made = Backup(
                made_at=project.clock().astimezone(dt.UTC).isoformat(),
                company=config.company.name, seq=seq, lake=config.lake.where,
                has_lake=not project.lake.store.is_far, migration=migration,
                rows=sum(len(own) for table, own in rows.items() if table != NUMBERS),
                files=digests,
            )
            _add_text(archive, MANIFEST, json.dumps(asdict(made)), {})
        os.replace(part, target)
    except OSError as error:
        raise system_error(error) or error from error
    finally:
        part.unlink(missing_ok=True)
    _note(database, target, project.clock())
    return made


def _note(database: Database, target: Path, now: dt.datetime) -> None:
    """Keep where the backup is: whoever is forgotten later is still in it.

    A list of the forgotten that lies beside a backup of the same name is that one's no more.
    """
    from staycurve.state import personal

    Path(f"{target.resolve()}{tombstones.BESIDE}").unlink(missing_ok=True)
    # A project that cannot be written can be backed up all the same.
    with contextlib.suppress(StateError), database.writing() as session:
        personal.note_backup(session, str(target.resolve())[:personal.LONGEST_PATH], now=now)
    database.close()


@contextlib.contextmanager
def _gathered(project: Project) -> Iterator[tuple[Path, int]]:
    """A folder with links to the files of one state of the project, and the state's number."""
    lake = project.lake
    (project.folder / ".tmp").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=project.folder / ".tmp") as made:
        folder = Path(made)
        with lake.locked():
            if not lake.store.is_far:
                _link(Path(lake.store.lock).parent, folder / LAKE)
            for path in sorted(project.folder.glob("*.db")):
                # App state goes as rows; what else is a database is copied while others read it.
                if path.name != "app.db":
                    copy_database(path, folder / path.name)
        seq = Pointer(folder).latest().seq
        for path in _texts(project.folder):
            copy = folder / path.relative_to(project.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        yield folder, seq


def _texts(folder: Path) -> list[Path]:
    """The files by which people configure a project: every TOML file, and when sources last ran."""
    found = [
        path for path in sorted(folder.rglob("*.toml"))
        if not any(part.startswith(".") or part == LAKE for part in path.relative_to(folder).parts)
    ]
    others = (folder / "logs" / "syncs.json", folder / tombstones.FILE_NAME)
    return [*found, *(path for path in others if path.is_file())]


def _link(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        own = path.relative_to(source)
        if any(part in _LEFT_OUT for part in own.parts) or not path.is_file():
            continue
        copy = target / own
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Files of a lake are never changed once they are there, so a link is a copy.
            os.link(path, copy)
        except OSError:
            shutil.copyfile(path, copy)


@contextlib.contextmanager
def _written(path: Path) -> Iterator[tarfile.TarFile]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        # Parquet is compressed already.
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            yield archive
        file.flush()
        os.fsync(file.fileno())


class _Digested(io.RawIOBase):
    """A file that is read once, and its digest."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(size)
        self.digest.update(found)
        return found

    def close(self) -> None:
        self._file.close()
        super().close()


def _add(
    archive: tarfile.TarFile, name: str, path: Path, digests: dict[str, tuple[int, str]]
) -> None:
    info = tarfile.TarInfo(name)
    info.size = path.stat().st_size
    info.mode = 0o600
    with _Digested(path) as file:
        archive.addfile(info, file)
        digests[name] = (info.size, file.digest.hexdigest())


def _add_text(
    archive: tarfile.TarFile, name: str, text: str, digests: dict[str, tuple[int, str]]
) -> None:
    body = text.encode()
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(body), 0o600
    archive.addfile(info, io.BytesIO(body))
    digests[name] = (len(body), hashlib.sha256(body).hexdigest())


def restore(
    source: Path, folder: Path, *, state_url: str = "", forgotten: Path | None = None,
    clock: Clock | None = None,
) -> Backup:
    """Make a project of a backup, in a folder that is empty or not there yet.

    Every byte is checked before the folder has anything in it; a failure leaves it as it was.

    Parameters
    ----------
    state_url : str
        Where app state goes, as `[state] url` takes it; without it as the backup's own
        staycurve.toml says.
    forgotten : Path, optional
        The `forgotten.json` of a project: whom it names is forgotten again. Without it the list
        that lies beside the backup, where one does.
    clock : callable, optional
        When that is; when the backup was made without it.

    Raises
    ------
    ProjectError
        If the file is no backup, was cut off or changed, or comes from a newer version; if the
        folder, the lake or the database is not empty.
    """
    from staycurve.state.copying import put
    from staycurve.state.database import Database

    if not source.is_file():
        raise ProjectError(f"There is no file {source}.", hint="Name what staycurve backup wrote.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError(f"{folder} is not empty.", hint="Restore into a new directory.")
    listed = _forgotten(source, forgotten)
    elsewhere: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".restoring-") as made:
            inside = Path(made) / "project"
            inside.mkdir()
            found = _unpacked(source, inside)
            rows = json.loads((inside / STATE).read_text(encoding="utf-8"))
            (inside / STATE).unlink()
            path = inside / configuration.FILE_NAME
            if state_url:
                _with_state(path, state_url)
            config = configuration.read(inside)
            elsewhere = _elsewhere(found, inside, folder)
            if found.migration:
                database = Database(inside, config.state)
                try:
                    put(database, found.migration, rows)
                finally:
                    database.close()
            if elsewhere is not None:
                shutil.copytree(inside / LAKE, elsewhere, dirs_exist_ok=True)
                shutil.rmtree(inside / LAKE)
            if folder.exists():
                folder.rmdir()
            os.rename(inside, folder)
    except OSError as error:
        raise system_error(error) or error from error
    if listed:
        made_at = dt.datetime.fromisoformat(found.made_at)
        try:
            _forget_again(folder, listed, clock or (lambda: made_at))
        except BaseException:
            # Nobody who was forgotten may be there, not even for a moment that lasts.
            shutil.rmtree(folder, ignore_errors=True)
            if elsewhere is not None:
                shutil.rmtree(elsewhere, ignore_errors=True)
            raise
    return found


def _forgotten(source: Path, given: Path | None) -> tombstones.Tombstones:
    """The list of the forgotten that holds for a backup beside its own."""
    path = given or Path(f"{source}{tombstones.BESIDE}")
    if not path.is_file():
        if given is None:
            return tombstones.Tombstones()
        raise ProjectError(
            f"There is no file {path}.", hint=f"Name a project's {tombstones.FILE_NAME}."
        )
    return tombstones.parsed(path.read_text(encoding="utf-8"), path)


def _forget_again(folder: Path, listed: tombstones.Tombstones, clock: Clock) -> None:
    from staycurve.workspace.company import Company

    with Company(folder, clock=clock) as company:
        company.personal.apply(listed)


def _elsewhere(found: Backup, inside: Path, folder: Path) -> Path | None:
    """The folder outside the project in which its lake lies; it may hold nothing yet."""
    if not found.has_lake or found.lake == LAKE:
        return None
    place = (folder / found.lake).resolve()
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ProjectError(
            f"The lake {place} is not empty: two projects would write to one.",
            hint="Move it away, or restore on another machine.",
        )
    return place


def _with_state(path: Path, url: str) -> None:
    text = path.read_text(encoding="utf-8")
    if "\n[state]" in f"\n{text}":
        raise ProjectError(
            "The backup's staycurve.toml has a [state] of its own.",
            hint="Restore without --state-url, or change [state] after restoring to SQLite.",
        )
    path.write_text(f'{text.rstrip()}\n\n[state]\nurl = {json.dumps(url)}\n', encoding="utf-8")


def _unpacked(source: Path, folder: Path) -> Backup:
    """Unpack a backup, and check that it is whole and nothing else."""
    digests: dict[str, tuple[int, str]] = {}
    told: dict[str, Any] | None = None
    try:
        with tarfile.open(source, mode="r:") as archive:
            for member in archive:
                if told is not None:
                    raise _no_backup(source, "something follows its end")
                file = archive.extractfile(member) if member.isreg() else None
                if file is None:
                    raise _no_backup(source, f"'{member.name}' is no file")
                if member.name == MANIFEST:
                    told = json.loads(file.read())
                    continue
                digests[member.name] = _unpack(file, _inside(folder, member.name, source))
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _no_backup(source, str(error)) from error
    if told is None:
        raise _no_backup(source, "its end is missing, it was cut off")
    if int(told.get("format", 0)) > FORMAT or int(told.get("lake_format", 0)) > LAKE_FORMAT:
        raise ProjectError(
            f"{source} was made by a newer staycurve.",
            hint="Upgrade: pip install --upgrade staycurve",
        )
    files = {name: tuple(one) for name, one in told.pop("files").items()}
    wrong = sorted(name for name in files.keys() | digests if files.get(name) != digests.get(name))
    if wrong:
        raise _no_backup(source, f"'{wrong[0]}' is not what was put in")
    return Backup(**told, files=files)


def _inside(folder: Path, name: str, source: Path) -> Path:
    parts: Sequence[str] = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name:
        raise _no_backup(source, f"'{name}' leads out of it")
    path = folder.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _unpack(file: Any, path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as target:
        while part := file.read(_PART):
            target.write(part)
            digest.update(part)
            size += len(part)
        target.flush()
        os.fsync(target.fileno())
    return size, digest.hexdigest()


def _no_backup(source: Path, why: str) -> StaycurveError:
    return ProjectError(
        f"{source} cannot be restored: {why}.",
        hint="Take another backup; nothing was changed.",
    )
