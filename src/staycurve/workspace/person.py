"""Person: what is held of one person, wherever it lies, exported or made nobody's."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any

from staycurve.retention_rules import RETENTION
from staycurve.state import personal
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.lake import alone
from staycurve.tables.person import tombstones
from staycurve.tables.person.arriving import known_again
from staycurve.tables.person.expiring import expired
from staycurve.tables.person.files import sweep
from staycurve.tables.person.finding import Person, find
from staycurve.tables.person.rewriting import finish, is_under_way, rewrite
from staycurve.tables.person.searching import files_of, search
from staycurve.tables.person.terms import Terms, is_strong
from staycurve.workspace.expiring_mails import expire_mails
from staycurve.workspace.forgetting import BEGUN, Begun, Forgetting, counted, move
from staycurve.workspace.held import Forgotten, Held, UnknownPersonError, whole_rows
from staycurve.workspace.inbox import Events
from staycurve.workspace.project import Project
from staycurve.workspace.state import State

LOCK, PATIENCE = ".forgetting.lock", 600
"""What the one who forgets holds, and for how many seconds another waits for it."""

__all__ = ["Forgotten", "Held", "PersonalData", "UnknownPersonError"]


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
        self._forgetting = Forgetting(company, state.database)

    def who(self, named: str) -> Person:
        """Who is meant by an id, an address or an account; nothing is searched for them yet.

        Raises
        ------
        UsageError
            If it is an account of several people.
        """
        with self._engine() as engine:
            return self._find(engine, named)

    def erased(self) -> tuple[personal.Erased, ...]:
        """Everybody who was forgotten, under the random key, the last first."""
        if not self._database.is_there:
            return ()
        with self._database.reading() as session:
            return personal.erased(session)

    def forgotten_count(self) -> int:
        """How many people the list holds by which a later import is kept from naming them."""
        return len(tombstones.read(self._folder).people)

    @property
    def is_forgetting(self) -> bool:
        """Whether somebody is being forgotten, or a forgetting was cut off."""
        return (self._folder / BEGUN).exists()

    def export(self, named: str, *, by: str = "") -> dict[str, Any]:
        """Everything held of a person, by table and file, as JSON; the audit log says so.

        Rows of `tables` are those of today; `earlier` has those that only earlier versions hold.

        Raises
        ------
        UnknownPersonError
            If nothing is held.
        """
        self.take_up()
        self._drain()
        with self._engine() as engine:
            held = self._held(engine, named)
            current = self._current_files()
            today: dict[str, list[dict[str, Any]]] = {}
            earlier: dict[str, list[dict[str, Any]]] = {}
            for file, hits in held.lake.files.items():
                place = today if file in current else earlier
                for table, rows in whole_rows(engine, file, hits).items():
                    known = place.setdefault(table, [])
                    known += [row for row in rows if row not in known]
        earlier = {
            table: kept for table, rows in earlier.items()
            if (kept := [row for row in rows if row not in today.get(table, [])])
        }
        if self._database.is_there:
            # A short id would stay there when the person is forgotten.
            shown = named.strip() if "@" in named or is_strong(named.strip()) else "a person"
            with self._database.writing() as session:
                personal.note_exported(session, shown[:200], who=by, now=self._company.clock())
        return {
            "person": held.person.as_dict(),
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
        self.take_up()
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
        with self._alone():
            return self._forget(named, by)

    def _forget(self, named: str, by: str) -> Forgotten:
        ended = self._taken_up()
        again = self._forgotten_before(named)
        self._drain()
        try:
            with self._engine() as engine:
                held = self._held(engine, named)
        except UnknownPersonError:
            if again is None:
                raise
            return ended if ended is not None and ended.key == again.key else again
        begun = Begun(held.terms, by, self._now(), counted(held))
        return self._forgetting.carry_out(begun, held=held)

    def take_up(self) -> Forgotten | None:
        """End what was cut off; None where nobody was being forgotten.

        Raises
        ------
        ProjectError
            If what is kept of it cannot be read.
        """
        with self._alone():
            return self._taken_up()

    def _taken_up(self) -> Forgotten | None:
        begun = Begun.of(self._folder)
        if begun is not None:
            return self._forgetting.carry_out(begun)
        lake = self._company.lake
        if is_under_way(lake):
            with lake.locked():
                finish(lake)
        return None

    def apply(self, listed: tombstones.Tombstones) -> int:
        """Forget those again whom a list names, as after restoring a backup; how many were found.

        The list becomes the project's own.
        """
        with self._alone():
            return self._apply(listed)

    def _apply(self, listed: tombstones.Tombstones) -> int:
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
            self._forgetting.carry_out(Begun(terms, "restore", self._now()), listed=listed)
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
        before = cutoffs.pop("mails", None)
        counts = self._expire_tables(cutoffs, is_dry_run=is_dry_run) if cutoffs else {}
        if before is not None:
            counts |= expire_mails(self._database, before, is_dry_run=is_dry_run)
        if counts and not is_dry_run:
            with self._database.writing() as session:
                personal.note_expired(session, counts=counts, now=company.clock())
        return counts

    def _expire_tables(
        self, cutoffs: dict[str, dt.datetime], *, is_dry_run: bool
    ) -> dict[str, int]:
        company = self._company
        with self._engine() as engine, company.lake.locked():
            finish(company.lake)
            hits = expired(engine, company.lake, cutoffs)
            if hits.files and not is_dry_run:
                engine.spill.mkdir(parents=True, exist_ok=True)
                rewrite(engine, company.lake, hits, engine.spill)
                move(company)
        return hits.by_table()

    def _held(self, engine: Engine, named: str) -> Held:
        person = self._find(engine, named)
        terms = Terms.of(person.ids, person.emails, person.names, marks=self._marks())
        if terms.is_empty:
            raise self._unknown(named)
        seq = self._company.lake.pointer.latest().seq
        lake = search(engine, terms, files_of(self._company.lake))
        state = personal.clean(self._database, terms, is_kept=True)
        files = sweep(self._folder, terms, skip=self._forgetting.skipped, is_kept=True)
        held = Held(person, terms, lake, files, state, seq)
        if not held.is_anything:
            raise self._unknown(named)
        return held

    def _find(self, engine: Engine, named: str) -> Person:
        lake, snapshot = self._company.lake, self._company.lake.pointer.latest()
        for table in CONFORMED.values():
            engine.view(table.name, lake.scan(snapshot, table.name, table.stored))
        return find(engine, named)

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

    def _alone(self) -> contextlib.AbstractContextManager[None]:
        return alone(self._folder / LOCK, "forgetting a person", wait=PATIENCE)

    def _now(self) -> str:
        return self._company.clock().isoformat(timespec="seconds")

    def _marks(self) -> list[str]:
        return [text for _, text in self._company.config.company.exclusions]

    def _drain(self) -> None:
        if self._events.is_there:
            self._events.drain()

    def _current_files(self) -> set[str]:
        lake, snapshot = self._company.lake, self._company.lake.pointer.latest()
        return {file for table in snapshot.tables for file in lake.files(snapshot, table)}

    @contextlib.contextmanager
    def _engine(self) -> Iterator[Engine]:
        with Engine(self._folder / ".tmp") as engine:
            yield engine
