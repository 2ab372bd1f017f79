"""Events over HTTP: taken into the inbox of one company, and brought from there into its lake."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from concurrent.futures import Future

from staycurve import faults
from staycurve.errors import BusyError, StaycurveError
from staycurve.sources.draining import SENDER, Drained, drain
from staycurve.sources.inbox import FILE_NAME, Inbox, waiting_in
from staycurve.sources.sent.facts import Facts
from staycurve.sources.sent.forgetting import strip
from staycurve.sources.sent.knowing import Known, value_of
from staycurve.sources.stream_records import cursor_of
from staycurve.sources.writer import LakeWriter
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import quoted
from staycurve.tables.lake import alone
from staycurve.tables.person import tombstones
from staycurve.workspace.project import Project

LOCK = ".inbox.lock"
EVERY = 20.0
"""Seconds between two drains: with a refresh after each, an event is on a page within a minute."""

_log = logging.getLogger("staycurve.inbox")


class Events:
    """The events that programs send to one project.

    Parameters
    ----------
    project : Project
        Its directory holds the inbox, its lake gets what is in it.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._made: Inbox | None = None
        self._making = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_there(self) -> bool:
        """Whether anything was ever sent."""
        return (self._project.folder / FILE_NAME).exists()

    def waiting(self) -> tuple[int, int]:
        """How many events wait, and how many requests cannot be loaded."""
        return waiting_in(self._project.folder / FILE_NAME) if self.is_there else (0, 0)

    @property
    def inbox(self) -> Inbox:
        """The inbox, open."""
        with self._making:
            if self._made is None:
                cursor = cursor_of(self._project.loads(), SENDER)
                self._made = Inbox(
                    self._project.folder / FILE_NAME, after=int(cursor.at) if cursor else 0
                )
            return self._made

    def put(self, facts: Facts, *, dialect: str, received_at: str) -> Future[None]:
        """Take a request; the future is done once it is durable.

        Raises
        ------
        InboxFullError
            If there is no room.
        """
        count = len(facts.events) + len(facts.links) + len(facts.traits) + len(facts.bad)
        return self.inbox.put(
            facts.packed(), dialect=dialect, events=count, received_at=received_at
        )

    def drain(self, *, wait: float = 600.0) -> Drained:
        """Bring everything that waits into the lake.

        Raises
        ------
        BusyError
            If another process drains, or writes, for longer than `wait` seconds.
        """
        if not self.is_there:
            return Drained()
        project = self._project
        with alone(project.folder / LOCK, "loading events", wait=wait):
            writer = LakeWriter(project.lake, project.config, now=project.clock(), wait=wait)
            forgotten = tombstones.read(project.folder)
            return drain(
                self.inbox, writer, self._known, should_stop=self._stop.is_set,
                strip=lambda facts: strip(facts, forgotten),
            )

    def bring(self) -> Drained:
        """Drain, and refresh what rests on it; readers wait for neither."""
        done = self.drain()
        project = self._project
        if done.requests and project.is_due():
            # Not by project.refresh: readers of this process would wait for its lock.
            project.refresh_beside()
        return done

    def start(self, *, every: float = EVERY) -> None:
        """Drain in the background, as long as the process lives or until `close`."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, args=(every,), name="drain", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        """Commit what was taken, and stop draining after the commit that is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._made is not None:
            self._made.close()
            self._made = None
        self._stop.clear()

    def _run(self, every: float) -> None:
        while not self._stop.is_set():
            try:
                self.bring()
            except BusyError as error:
                _log.info("Events wait: %s", error.message)
            except StaycurveError as error:
                _log.warning("Events wait in the inbox: %s", error.message)
            except Exception as error:
                kept = faults.keep(
                    error, doing="loading events", at=self._project.clock(),
                    folder=self._project.folder,
                )
                _log.error("Events wait in the inbox: entry %s of %s", kept.number, kept.path)
            self._stop.wait(every)

    def _known(self, facts: Facts) -> Known:
        """What the lake knows of those of whom facts tell."""
        aliases = {link[1] for link in facts.links}
        subjects = {(trait[0], trait[1]) for trait in facts.traits}
        if not aliases and not subjects:
            return Known()
        lake, snapshot = self._project.lake, self._project.lake.pointer.latest()

        def scan(table: str) -> str:
            return f"({lake.scan(snapshot, table, CONFORMED[table].stored)})"

        since = "coalesce(strftime(since, '%Y-%m-%dT%H:%M:%S.%f+00:00'), '') AS since"
        with Engine(lake.folder / ".tmp") as engine:
            links = engine.rows(
                f"SELECT source, alias, user_id, {since} FROM {scan('identities')} i "
                f"WHERE alias IN {_listed(aliases)}"
            ) if aliases else []
            ids = _listed(one for _, one in subjects)
            traits = engine.rows(
                f"SELECT subject, subject_id, trait, value, {since}, is_initial "
                f"FROM {scan('traits')} t WHERE subject_id IN {ids}"
            ) if subjects else []
            owned = engine.rows(
                f"SELECT user_id, account_id FROM {scan('users')} u "
                f"WHERE user_id IN {ids} AND account_id IS NOT NULL"
            ) if subjects else []
        found: dict[tuple[str, str, str], tuple[bool, str, str]] = {}
        for subject, subject_id, trait, value, at, is_initial in traits:
            key = (subject, subject_id, trait)
            told = value_of(value, at, is_initial=bool(is_initial))
            found[key] = max(found.get(key, told), told)
        return Known(
            {(source, alias): (at, user) for source, alias, user, at in links}, found,
            dict(owned),
        )


def _listed(texts: Iterable[str]) -> str:
    return f"({', '.join(map(quoted, sorted(set(texts)))) or 'NULL'})"


