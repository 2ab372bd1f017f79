"""Person: what is held of one person, wherever it lies, exported or made nobody's."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from staycurve.errors import StaycurveError
from staycurve.retention_rules import RETENTION
from staycurve.state import personal
from staycurve.state.database import FILE_NAME as APP_STATE
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine, remove_leftovers
from staycurve.tables.engine import quoted
from staycurve.tables.person import tombstones
from staycurve.tables.person.arriving import known_again
from staycurve.tables.person.expiring import expired
from staycurve.tables.person.files import FileHits, database, sweep
from staycurve.tables.person.finding import Person, find
from staycurve.tables.person.rewriting import rewrite
from staycurve.tables.person.searching import Hit, Hits, files_of, search
from staycurve.tables.person.terms import Terms
from staycurve.tables.pointer import note_of
from staycurve.tables.store import NOTES
from staycurve.workspace.inbox import Events
from staycurve.workspace.project import Project
from staycurve.workspace.state import State

BEGUN = ".forgetting.json"
"""What a forgetting that was cut off is taken up with; gone when it is done."""


class UnknownPersonError(StaycurveError):
    """Nothing is held of whoever was named."""

    code = "unknown_person"


@dataclass(frozen=True)
class Held:
    """What is held of a person.

    Attributes
    ----------
    lake : Hits
        Rows of tables, in every version.
    files : FileHits
        What else lies in the project's directory.
    state : mapping
        Table of app state → its rows.
    seq : int
        The move of the pointer at which the lake was searched. Whatever writes files anew moves it.
    """

    person: Person
    terms: Terms
    lake: Hits
    files: FileHits
    state: Mapping[str, Sequence[Mapping[str, Any]]]
    seq: int = -1

    @property
    def is_anything(self) -> bool:
        """Whether there is anything."""
        return bool(self.lake.files or self.files.found or self.state)

    def counts(self) -> dict[str, Any]:
        """How many rows of which table, in all versions, and which files."""
        return {
            "tables": self.lake.by_table(),
            "state": {table: len(rows) for table, rows in self.state.items()},
            "files": {path: len(found) for path, found in self.files.found.items()},
        }


@dataclass(frozen=True)
class Forgotten:
    """What forgetting did.

    Attributes
    ----------
    key : str
        The random key that took the person's place.
    is_new : bool
        Whether the person was known until now.
    forgotten_at : str
        ISO 8601, UTC.
    left : tuple of str
        Files with something of the person that staycurve does not write.
    backups : tuple of str
        Backups that hold the person; restoring them forgets the person again.
    """

    key: str
    is_new: bool
    forgotten_at: str
    tables: Mapping[str, int] = field(default_factory=dict)
    state: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    rewritten: int = 0
    left: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "key": self.key, "forgotten_at": self.forgotten_at, "is_new": self.is_new,
            "tables": dict(self.tables), "state": dict(self.state), "files": dict(self.files),
            "rewritten": self.rewritten, "left": list(self.left), "backups": list(self.backups),
        }


class PersonalData:
    """The personal data of one company.

    Parameters
    ----------
    company : Project
        Its directory and its lake are searched.
    state : State
        Its app state.
    events : Events
        Its inbox, which is loaded first.
    """

    def __init__(self, company: Project, state: State, events: Events) -> None:
        self._company = company
        self._database = state.database
        self._events = events
        self._folder = company.folder

    def export(self, named: str) -> dict[str, Any]:
        """Everything held of a person, by table and file, as JSON.

        Rows of `tables` are those of today; `earlier` has those that only earlier versions hold.

        Raises
        ------
        UnknownPersonError
            If nothing is held.
        """
        self._take_up()
        self._drain()
        with self._engine() as engine:
            held = self._held(engine, named)
            current = self._current_files()
            today: dict[str, list[dict[str, Any]]] = {}
            earlier: dict[str, list[dict[str, Any]]] = {}
            for file, hits in held.lake.files.items():
                place = today if file in current else earlier
                for table, rows in _rows(engine, file, hits).items():
                    known = place.setdefault(table, [])
                    known += [row for row in rows if row not in known]
        earlier = {
            table: kept for table, rows in earlier.items()
            if (kept := [row for row in rows if row not in today.get(table, [])])
        }
        person = held.person
        return {
            "person": {
                "ids": list(person.ids), "emails": list(person.emails),
                "names": list(person.names), "accounts": list(person.accounts),
            },
            "tables": dict(sorted(today.items())), "earlier": dict(sorted(earlier.items())),
            "state": {table: list(rows) for table, rows in held.state.items()},
            "files": dict(held.files.found), "unreadable": list(held.files.left),
        }

    def held(self, named: str) -> Held:
        """What is held of a person; only what waits in the inbox is loaded first.

        Raises
        ------
        UnknownPersonError
            If nothing is held.
        """
        self._take_up()
        self._drain()
        with self._engine() as engine:
            return self._held(engine, named)

    def forget(self, named: str, *, by: str = "") -> Forgotten:
        """Let nothing on this machine tell of a person any more; counts and money stay.

        Raises
        ------
        UnknownPersonError
            If nothing is held, and nobody of that name was forgotten.
        BusyError
            If another process writes for longer than ten minutes.
        """
        again = self._forgotten_before(named)
        if again is not None and again.forgotten_at:
            self._take_up()
        self._drain()
        try:
            with self._engine() as engine:
                held = self._held(engine, named)
        except UnknownPersonError:
            if again is None:
                raise
            return again
        return self._carry_out(held.terms, by=by, held=held)

    def apply(self, listed: tombstones.Tombstones) -> int:
        """Forget those again whom a list names, as after restoring a backup; how many were found.

        The list becomes the project's own.
        """
        found = 0
        with self._engine() as engine:
            known = listed.terms(known_again(engine, listed, files_of(self._company.lake)))
        people: dict[str, list[str]] = {}
        for text in known.ids:
            people.setdefault(listed.person_of(text) or text, []).append(text)
        for key, texts in people.items():
            with self._engine() as engine:
                one = self._find(engine, texts[0])
            texts_of = dict.fromkeys((*texts, *one.ids, *(mail.lower() for mail in one.emails)))
            # Each id has a key of its own, those that the list does not know as well.
            ids = {
                text: listed.key_of(text) or f"{key}-again{place}"
                for place, text in enumerate(texts_of)
            }
            mails = {text.lower(): own for text, own in ids.items() if "@" in text}
            marks = tuple(mark.lower() for mark in self._marks())
            terms = Terms(key, ids, mails, one.names, marks)
            self._carry_out(terms, by="restore", listed=listed)
            found += 1
        own = tombstones.read(self._folder)
        if len(own.digests) < len(listed.digests):
            tombstones.write(self._folder, listed)
        return found

    def expire(self, *, is_dry_run: bool = False) -> dict[str, int]:
        """Blank what rows say of people for longer than [retention] allows.

        Rows, ids and numbers stay; what a closed month rests on as well.

        Parameters
        ----------
        is_dry_run : bool
            Whether to count only.

        Returns
        -------
        dict
            Table → rows, in all versions together.

        Raises
        ------
        BusyError
            If another process writes for longer than ten minutes.
        """
        company = self._company
        cutoffs = company.config[RETENTION].cutoffs(company.clock())
        if not cutoffs:
            return {}
        with self._engine() as engine, company.lake.locked():
            hits = expired(engine, company.lake, cutoffs)
            if hits.files and not is_dry_run:
                engine.spill.mkdir(parents=True, exist_ok=True)
                rewrite(engine, company.lake, hits, engine.spill)
                self._move()
        if hits.files and not is_dry_run:
            with self._database.writing() as session:
                personal.note_expired(session, counts=hits.by_table(), now=company.clock())
        return hits.by_table()

    def _held(self, engine: Engine, named: str) -> Held:
        person = self._find(engine, named)
        terms = Terms.of(person.ids, person.emails, person.names, marks=self._marks())
        if terms.is_empty:
            raise self._unknown(named)
        seq = self._company.lake.pointer.latest().seq
        lake = search(engine, terms, files_of(self._company.lake))
        state = personal.clean(self._database, terms, is_kept=True)
        files = sweep(self._folder, terms, skip=self._skipped(), is_kept=True)
        held = Held(person, terms, lake, files, state, seq)
        if not held.is_anything:
            raise self._unknown(named)
        return held

    def _find(self, engine: Engine, named: str) -> Person:
        lake, snapshot = self._company.lake, self._company.lake.pointer.latest()
        for table in CONFORMED.values():
            engine.view(table.name, lake.scan(snapshot, table.name, table.stored))
        return find(engine, named)

    def _carry_out(
        self, terms: Terms, *, by: str, listed: tombstones.Tombstones | None = None,
        held: Held | None = None,
    ) -> Forgotten:
        company, now = self._company, self._company.clock()
        at = now.isoformat(timespec="seconds")
        begun = self._folder / BEGUN
        if not begun.exists():
            _keep(begun, terms, by, at)
        with self._engine() as engine, company.lake.locked():
            # First: what is loaded from now on comes in under the keys.
            known = listed or tombstones.read(self._folder)
            tombstones.write(self._folder, known.adding(terms, at=at))
            hits = self._hits(engine, terms, held)
            engine.spill.mkdir(parents=True, exist_ok=True)
            rewritten = rewrite(engine, company.lake, hits, engine.spill)
            _clean_notes(company, terms, engine.spill)
            self._move()
            _clear(engine, self._folder / ".tmp", terms)
        state = personal.clean(self._database, terms, is_kept=False)
        files = sweep(self._folder, terms, skip=self._skipped(), is_kept=False)
        counts = {
            "tables": hits.by_table(), "state": {t: len(rows) for t, rows in state.items()},
            "files": {path: len(found) for path, found in files.found.items()},
        }
        with self._database.writing() as session:
            personal.note(session, key=terms.key, who=by, counts=counts, now=now)
            paths = personal.backups(session)
        backups = tuple(path for path in paths if Path(path).is_file())
        for path in backups:
            beside = Path(path + tombstones.BESIDE)
            with contextlib.suppress(OSError):
                beside.write_text(tombstones.read(self._folder).written(), encoding="utf-8")
                beside.chmod(0o600)
        self._database.close()
        own = self._folder / APP_STATE
        if own.is_file():
            # What was there before lies in its free pages until it is built anew.
            database(own, terms, is_kept=False)
        begun.unlink(missing_ok=True)
        return Forgotten(
            terms.key, True, at, counts["tables"], counts["state"], counts["files"], rewritten,
            tuple(files.left), backups,
        )

    def _hits(self, engine: Engine, terms: Terms, held: Held | None) -> Hits:
        """What the lake holds, now that nobody writes; nothing is searched twice."""
        lake = self._company.lake
        if held is not None and held.seq == lake.pointer.latest().seq:
            return held.lake
        return search(engine, terms, files_of(lake))

    def _move(self) -> None:
        """Let readers look anew: what they remember of the snapshot may name the person."""
        lake = self._company.lake
        before = lake.pointer.latest()
        if not before.seq:
            return
        now = self._company.clock()
        moved = lake.pointer.move(tables=before.tables, meta=before.meta, loads=[], now=now)
        lake.store.keep_note(moved.seq, note_of(moved, []))

    def _forgotten_before(self, named: str) -> Forgotten | None:
        known = tombstones.read(self._folder)
        key = known.person_of(named.strip())
        if key is None and named.strip().startswith("forgotten-"):
            key = next((one for one in known.people if named.strip().startswith(one)), None)
        return None if key is None else Forgotten(key, False, known.people.get(key, ""))

    def _unknown(self, named: str) -> UnknownPersonError:
        before = self._forgotten_before(named)
        if before is not None:
            return UnknownPersonError(
                f"'{named}' was forgotten on {before.forgotten_at[:10]}, as {before.key}.",
                hint="Nothing is held under that name.",
            )
        return UnknownPersonError(
            f"Nothing is held of '{named}'.",
            hint="Name a user's id, an address, or the account of one person.",
        )

    def _marks(self) -> list[str]:
        return [text for _, text in self._company.config.company.exclusions]

    def _drain(self) -> None:
        if self._events.is_there:
            self._events.drain()

    def _take_up(self) -> None:
        """End a forgetting that was cut off."""
        begun = self._folder / BEGUN
        if begun.exists():
            told = json.loads(begun.read_text(encoding="utf-8"))
            terms = Terms(
                told["key"], told["ids"], told["emails"], tuple(told["names"]),
                tuple(told["marks"]),
            )
            self._carry_out(terms, by=told["by"])

    def _skipped(self) -> tuple[Path, ...]:
        store, folder = self._company.lake.store, self._folder
        own = () if store.is_far else (Path(store.lock).parent,)
        # App state is written by its own layer; the list holds digests alone.
        return (*own, folder / ".tmp", folder / APP_STATE, folder / BEGUN,
                folder / tombstones.FILE_NAME)

    def _current_files(self) -> set[str]:
        lake, snapshot = self._company.lake, self._company.lake.pointer.latest()
        return {file for table in snapshot.tables for file in lake.files(snapshot, table)}

    @contextlib.contextmanager
    def _engine(self) -> Iterator[Engine]:
        with Engine(self._folder / ".tmp") as engine:
            yield engine


def _rows(engine: Engine, file: str, hits: Sequence[Hit]) -> dict[str, list[dict[str, Any]]]:
    """Whole rows of a file, by table, as JSON."""
    places = ", ".join(str(hit.number) for hit in hits)
    names, rows = engine.table(
        f"SELECT * EXCLUDE (file_row_number) FROM read_parquet([{quoted(file)}], "
        f"file_row_number=true, hive_partitioning=false) WHERE file_row_number IN ({places}) "
        "ORDER BY file_row_number"
    )
    return {hits[0].table: [dict(zip(names, map(_shown, row), strict=True)) for row in rows]}


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _clean_notes(company: Project, terms: Terms, folder: Path) -> None:
    """The copies of the pointer's rows that lie in the lake."""
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


def _keep(path: Path, terms: Terms, by: str, at: str) -> None:
    told = {
        "key": terms.key, "ids": dict(terms.ids), "emails": dict(terms.emails),
        "names": list(terms.names), "marks": list(terms.marks), "by": by, "at": at,
    }
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(told, file)
        file.flush()
        os.fsync(file.fileno())
