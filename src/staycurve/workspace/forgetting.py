"""Forgetting: a person made nobody's, step by step, so that what is cut off can be taken up.

Before anything changes, whom it is about is kept in a file of the project; each step may be done
twice; the file goes last.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from staycurve.errors import ProjectError
from staycurve.state import personal
from staycurve.state.audit import ACTING
from staycurve.state.database import FILE_NAME as APP_STATE, Database
from staycurve.tables.duckdb_engine import Engine, remove_leftovers
from staycurve.tables.person import tombstones
from staycurve.tables.person.files import database, sweep
from staycurve.tables.person.rewriting import finish, rewrite
from staycurve.tables.person.searching import Hits, files_of, search
from staycurve.tables.person.terms import Terms
from staycurve.tables.pointer import note_of
from staycurve.tables.store import NOTES
from staycurve.workspace.held import Forgotten, Held
from staycurve.workspace.project import Project

BEGUN = ".forgetting.json"
"""What a forgetting that was cut off is taken up with; gone when it is done."""

Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Begun:
    """A forgetting that has begun.

    Attributes
    ----------
    at : str
        ISO 8601, UTC.
    counts : mapping
        What was found before anything changed, by kind: `tables`, `state` and `files`.
    """

    terms: Terms
    by: str
    at: str
    counts: Counts = field(default_factory=dict)

    def keep(self, folder: Path) -> None:
        """Write it durably, readable by its owner alone."""
        terms, path = self.terms, folder / BEGUN
        told = {
            "key": terms.key, "ids": dict(terms.ids), "emails": dict(terms.emails),
            "names": list(terms.names), "marks": list(terms.marks), "by": self.by, "at": self.at,
            "counts": self.counts,
        }
        part = _part(folder)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(told, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """The one that was cut off in a project; None for none.

        Raises
        ------
        ProjectError
            If what is kept of it cannot be read.
        """
        # Whoever was killed while writing this had changed nothing yet.
        _part(folder).unlink(missing_ok=True)
        path = folder / BEGUN
        try:
            told: Any = json.loads(path.read_text(encoding="utf-8"))
            terms = Terms(
                told["key"], told["ids"], told["emails"], tuple(told["names"]),
                tuple(told["marks"]),
            )
            return cls(terms, told["by"], told["at"], told.get("counts", {}))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ProjectError(
                f"{path} cannot be read, so the forgetting that was cut off cannot go on.",
                hint="Remove that file, and forget the person again by what is still held.",
            ) from error


class Forgetting:
    """Carries out what has begun, in one company.

    Parameters
    ----------
    company : Project
        Its directory and its lake are written anew.
    state : Database
        Its app state.
    """

    def __init__(self, company: Project, state: Database) -> None:
        self._company = company
        self._state = state
        self._folder = company.folder

    @property
    def skipped(self) -> tuple[Path, ...]:
        """What lies in the directory and is searched in another way, or has digests alone."""
        store, folder = self._company.lake.store, self._folder
        own = () if store.is_far else (Path(store.lock).parent,)
        return (*own, folder / ".tmp", folder / APP_STATE, folder / BEGUN,
                folder / tombstones.FILE_NAME)

    def carry_out(
        self, begun: Begun, *, listed: tombstones.Tombstones | None = None,
        held: Held | None = None,
    ) -> Forgotten:
        """Do every step, whichever was done already.

        Parameters
        ----------
        listed : Tombstones, optional
            The list to add the person to; the project's own without it.
        held : Held, optional
            What was found a moment ago, so that nothing is searched twice.
        """
        terms = begun.terms
        begun.keep(self._folder)
        hits, rewritten = self._lake(begun, listed, held)
        state = personal.clean(self._state, terms, is_kept=False)
        files = sweep(self._folder, terms, skip=self.skipped, is_kept=False)
        counts = begun.counts or {
            "tables": hits.by_table(), "state": {t: len(rows) for t, rows in state.items()},
            "files": {path: len(found) for path, found in files.found.items()},
        }
        backups = self._noted(begun, counts)
        self._state.vacuum({*state, *counts["state"]})
        self._state.close()
        own = self._folder / APP_STATE
        if own.is_file():
            # What was there before lies in its free pages until it is built anew.
            database(own, terms, is_kept=False)
        (self._folder / BEGUN).unlink(missing_ok=True)
        return Forgotten(
            terms.key, True, begun.at, counts["tables"], counts["state"], counts["files"],
            rewritten, tuple(files.left), backups,
        )

    def _lake(
        self, begun: Begun, listed: tombstones.Tombstones | None, held: Held | None
    ) -> tuple[Hits, int]:
        """Write anew what the tables hold; what was found, and how many files there were."""
        company, terms = self._company, begun.terms
        with Engine(self._folder / ".tmp") as engine, company.lake.locked():
            # First: what is loaded from now on comes in under the keys.
            known = listed or tombstones.read(self._folder)
            tombstones.write(self._folder, known.adding(terms, at=begun.at))
            finish(company.lake)
            hits = self._hits(engine, terms, held)
            engine.spill.mkdir(parents=True, exist_ok=True)
            rewritten = rewrite(engine, company.lake, hits, engine.spill)
            clean_notes(company, terms, engine.spill)
            move(company)
            _clear(engine, self._folder / ".tmp", terms)
        return hits, rewritten

    def _hits(self, engine: Engine, terms: Terms, held: Held | None) -> Hits:
        """What the lake holds, now that nobody writes; nothing is searched twice."""
        lake = self._company.lake
        if held is not None and held.seq == lake.pointer.latest().seq:
            return held.lake
        return search(engine, terms, files_of(lake))

    def _noted(self, begun: Begun, counts: Counts) -> tuple[str, ...]:
        """Keep in app state that it was done; the backups that hold the person get the list."""
        now = self._company.clock()
        # Who forgets themselves is nobody here either.
        by = begun.terms.id(ACTING.get() or begun.by)
        with self._state.writing() as session:
            personal.note(session, key=begun.terms.key, who=by, counts=counts, now=now)
            paths = personal.backups(session)
        backups = tuple(path for path in paths if Path(path).is_file())
        for path in backups:
            beside = Path(path + tombstones.BESIDE)
            with contextlib.suppress(OSError):
                beside.write_text(tombstones.read(self._folder).written(), encoding="utf-8")
                beside.chmod(0o600)
        return backups


def counted(held: Held) -> Counts:
    """What was found, as it is kept of a forgetting."""
    return {kind: dict(own) for kind, own in held.counts().items()}


def move(company: Project) -> None:
    """Let readers look anew: what they remember of the snapshot may name the person."""
    lake = company.lake
    before = lake.pointer.latest()
    if not before.seq:
        return
    now = company.clock()
    moved = lake.pointer.move(tables=before.tables, meta=before.meta, loads=[], now=now)
    lake.store.keep_note(moved.seq, note_of(moved, []))


def clean_notes(company: Project, terms: Terms, folder: Path) -> None:
    """Write the copies of the pointer's rows anew that lie in the lake."""
    store = company.lake.store
    for address in store.every(NOTES):
        text = store.read_bytes(address).decode("utf-8", "replace")
        new = terms.json(text)
        if new != text:
            made = folder / "note"
            made.write_text(new, encoding="utf-8")
            store.put(address, made)


def _clear(engine: Engine, folder: Path, terms: Terms) -> None:
    """Remove what was computed for later and holds something: it is computed again."""
    remove_leftovers(folder)
    paths = [
        path for path in folder.rglob("*") if path.is_file()
        and not path.relative_to(folder).parts[0].startswith("spill-")
    ]
    files = {"kept": sorted(str(path) for path in paths if path.suffix == ".parquet")}
    if files["kept"]:
        for file in search(engine, terms, files).files:
            Path(file).unlink(missing_ok=True)
    for path in paths:
        if path.suffix != ".parquet":
            with contextlib.suppress(OSError):
                body = path.read_bytes().decode("utf-8", "replace")
                if terms.text(body) != body:
                    path.unlink()


def _part(folder: Path) -> Path:
    return folder / f"{BEGUN}.part"
