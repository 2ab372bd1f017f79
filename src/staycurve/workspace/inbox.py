"""Events over HTTP: taken into the inbox of one company, and brought from there into its lake."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future

from staycurve.sources.draining import SENDER, Drained, drain
from staycurve.sources.inbox import FILE_NAME, Inbox, has_any, waiting_in
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

    @property
    def is_there(self) -> bool:
        """Whether anything was ever sent."""
        return (self._project.folder / FILE_NAME).exists()

    @property
    def is_waiting(self) -> bool:
        """Whether anything waits that can be loaded."""
        return self.is_there and has_any(self._project.folder / FILE_NAME)

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

    def drain(self, *, wait: float = 600.0, within: float = math.inf) -> Drained:
        """Bring everything that waits into the lake.

        Parameters
        ----------
        within : float
            Seconds after which no further commit is begun; the rest waits for the next drain.

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
            ends = time.monotonic() + within
            return drain(
                self.inbox, writer, self._known,
                should_stop=lambda: self._stop.is_set() or time.monotonic() > ends,
                strip=lambda facts: strip(facts, forgotten),
            )

    def bring(self, *, is_owed: bool = False, within: float = math.inf) -> Drained:
        """Drain, and refresh what rests on it; readers wait for neither.

        Parameters
        ----------
        within : float
            Seconds for draining, as in `drain`.
        is_owed : bool
            Whether a refresh may be due although nothing was drained: who drained last may have
            been killed before it.
        """
        done = self.drain(within=within)
        project = self._project
        if (done.requests or is_owed) and project.is_due():
            # Not by project.refresh: readers of this process would wait for its lock.
            project.refresh_beside()
        return done

    def stop(self) -> None:
        """Let a drain that is under way end after its commit, and begin no other."""
        self._stop.set()

    def look_again(self) -> None:
        """Find out how much room the inbox has, once another process has drained it."""
        if self._made is not None:
            self._made.look_again()

    def close(self) -> None:
        """Commit what was taken, and stop draining after the commit that is under way."""
        self._stop.set()
        if self._made is not None:
            self._made.close()
            self._made = None
        self._stop.clear()

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


