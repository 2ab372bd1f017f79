"""Project: one project directory that is open, with its configuration, lake and engine."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from staycurve import config as configuration, personal
from staycurve.config import Config
from staycurve.errors import DamagedError, ProjectError, system_error
from staycurve.insights.lifecycle import lifecycle_spans
from staycurve.insights.lifecycle.lifecycle_spans import SPANS
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import PROPERTY
from staycurve.metrics.segment_values import check_filters, check_property
from staycurve.period import AsOf, as_of, as_of_latest, local_day, parse_instant
from staycurve.tables import asof, refresh, views
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.damage import COMPUTED_AGAIN, RECOMPUTED
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import AnyEngine
from staycurve.tables.engines import open_engine
from staycurve.tables.folder_store import check_root
from staycurve.tables.kept import keep_for_files
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import LoadRecord, Snapshot
from staycurve.tables.refresh import RefreshReport
from staycurve.tables.rejects import REJECTS_COLUMNS, REJECTS_TABLE
from staycurve.workspace import asking
from staycurve.workspace.cache import Cache
from staycurve.workspace.readers import Reader, Readers

if TYPE_CHECKING:
    # Commands that do not need them start faster without.
    from staycurve.insights.books.ledgers import Ledgers
    from staycurve.tables.doubts import Doubt
    from staycurve.tables.recovery import Plan
    from staycurve.tables.refresh import RefreshReport
    from staycurve.tables.writing import Writing

_log = logging.getLogger("staycurve.project")

Clock = Callable[[], dt.datetime]
T = TypeVar("T")
_LEDGERS = threading.Lock()


def _keep_features(
    engine: AnyEngine, config: Config, writing: Writing, *, seen: AsOf, is_full: bool
) -> Mapping[str, object]:
    # Reading what is kept needs none of this.
    from staycurve.insights.risk import kept_refresh

    return kept_refresh.refresh(engine, config, writing, seen=seen, is_full=is_full)


@dataclass(frozen=True)
class Recovery:
    """What `recover` found and did.

    Attributes
    ----------
    is_done : bool
        Whether nothing is left to do.
    kept : tuple of str
        Where what was there before is kept.
    """

    plan: Plan
    is_done: bool
    kept: tuple[str, ...] = ()


class Project:
    """A project directory that is open: what is loaded, and an engine that sees it.

    Parameters
    ----------
    folder : Path
        The project directory.
    clock : callable
        Tells the time; nothing below reads it otherwise.
    """

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self.folder = folder
        self.config: Config = configuration.read(folder)
        self.lake = Lake(folder)
        self.clock = clock
        self.readers = Readers(lambda: open_engine(self.config, self.folder / ".tmp"))
        self._lock = threading.RLock()
        self._pinned: Snapshot | None = None
        self._suspects: set[str] = set()
        self._found: dict[str, Cache[Any]] = {}
        self.refresh_seconds: float | None = None
        """How long the last refresh of this process took; what watches it asks."""

    @staticmethod
    def create(folder: Path, *, name: str, currency: str, timezone: str) -> Path:
        """Make a project in `folder`: its staycurve.toml, lake and state database.

        An existing staycurve.toml is an error: it is never overwritten.
        """
        path = folder / configuration.FILE_NAME
        if path.exists():
            raise ProjectError(
                f"{folder} is a project already: it has a {configuration.FILE_NAME}.",
                hint="Edit that file, or choose another directory. If its state.db or its lake is "
                "lost: staycurve recover",
            )
        check_root(folder.resolve())
        text = configuration.default_text(name=name, currency=currency, timezone=timezone)
        configuration.parse(text)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lake = Lake(folder)
            if lake.pointer.path.exists() or not lake.store.tables():
                lake.create()
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise system_error(error) or error from error
        return path

    def close(self) -> None:
        """Give back memory and spill files."""
        self.readers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def snapshot(self) -> Snapshot:
        """What readers see now; inside one request always the same."""
        asked = asking.current()
        found = self._pinned or (asked and asked.seen.get(id(self))) or self.lake.pointer.latest()
        for key in ("timezone", "currency"):
            kept, own = found.meta.get(key), getattr(self.config.company, key)
            if kept is not None and kept != own:
                raise ProjectError(
                    f"staycurve.toml says {key} = '{own}', but what is loaded was read with "
                    f"'{kept}'.",
                    hint=f"Set it back to '{kept}', or load the files into another project.",
                )
        if asked is not None:
            asked.seen[id(self)] = found
        return found

    def _made_ready(self, reader: Reader, snapshot: Snapshot) -> Snapshot:
        """Let the reader name every table of the snapshot, and say which snapshot that is.

        What is damaged and can be computed again is computed first.
        """
        if reader.seq != snapshot.seq or self._suspects:
            reader.seq, reader.visits_of = None, ()
            snapshot = self._sound(snapshot)
            # On Spark a view costs next to nothing, and names are looked up in more places.
            name_tables = views.offer if isinstance(reader.engine, Engine) else views.create
            name_tables(reader.engine, self.lake, snapshot)
            reader.seq = snapshot.seq
        self._put_off_visits(reader, snapshot, None)
        return snapshot

    def _sound(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot, or a newer one in which what was damaged has been computed again."""
        with self._lock:
            suspects, self._suspects = self._suspects, set()
            is_suspect = self._pinned is None and bool(suspects & RECOMPUTED)
            try:
                for table in snapshot.tables:
                    self.lake.check(snapshot, table)
            except DamagedError as error:
                if self._pinned is not None or error.table not in RECOMPUTED:
                    raise
                _log.warning(COMPUTED_AGAIN, error.message)
                is_suspect = True
            if is_suspect:
                self.refresh(is_full=True)
                asked = asking.current()
                if asked is not None:
                    asked.seen.pop(id(self), None)
                snapshot = self.snapshot
        return snapshot

    @contextmanager
    def _noting_damage(self, snapshot: Snapshot) -> Iterator[None]:
        """Name the file that made the engine fail, and let the next reader have it made again."""
        try:
            with self.lake.explaining(snapshot):
                yield
        except DamagedError as error:
            self._suspects.add(error.table)
            raise

    def _put_off_visits(self, reader: Reader, snapshot: Snapshot, cut: AsOf | None) -> None:
        """Let the lifecycle's visits be computed when they are first named.

        A day's stage never rests on what comes later, so all whole days share one answer.
        """
        made_of = (snapshot.seq, cut, self.config.lifecycle)
        if reader.visits_of == made_of:
            return
        reader.engine.later(SPANS, partial(self._keep_visits, reader.engine, snapshot, cut))
        reader.visits_of = made_of

    def _keep_visits(
        self, engine: AnyEngine, snapshot: Snapshot, cut: AsOf | None
    ) -> None:
        compute = partial(lifecycle_spans.keep, engine, self.config, cut)
        if cut is not None:
            compute()
            return
        statement = lifecycle_spans.statement(self.config)
        folder = self.folder / ".tmp"
        keep_for_files(engine, self.lake, snapshot, folder, SPANS, statement, compute=compute)

    @contextmanager
    def reading(self) -> Iterator[AnyEngine]:
        """An engine that sees the snapshot, for this thread alone; inside another, the same."""
        with self.readers.one() as reader:
            snapshot = self.snapshot
            if reader.cut is None:
                snapshot = self._made_ready(reader, snapshot)
            with self._noting_damage(snapshot):
                yield reader.engine

    def refresh(self, *, is_full: bool = False) -> RefreshReport:
        """Bring derived tables up to date; see `staycurve.tables.refresh`."""
        with self._lock:
            _ = self.snapshot
            return self.refresh_beside(is_full=is_full)

    def refresh_beside(self, *, is_full: bool = False) -> RefreshReport:
        """The same without this process's readers having to wait."""
        began = time.perf_counter()
        with open_engine(self.config, self.folder / ".tmp") as engine:
            found = refresh.refresh(
                self.lake, self.config, engine, now=self.clock(), is_full=is_full,
                then=(_keep_features,),
            )
        self.refresh_seconds = time.perf_counter() - began
        return found

    def recover(self, *, is_agreed: bool = False) -> Recovery:
        """Build a lost or damaged state database or lake again, as far as the rest can tell.

        Parameters
        ----------
        is_agreed : bool
            Whether to go on where something is lost; without it nothing is changed then.
        """
        from staycurve.tables import recovery

        with self._lock:
            plan = recovery.plan(self.lake, now=self.clock())
            if not plan.wrong or (plan.lost and not is_agreed):
                return Recovery(plan, is_done=not plan.wrong)
            kept = recovery.carry_out(self.lake, plan, now=self.clock())
            self.lake = Lake(self.folder)
            self._found = {}
            # What they name may lie elsewhere now, under the number of the same snapshot.
            self.readers.close()
            if plan.is_refreshed or (self.snapshot.tables and self.is_due()):
                self.refresh(is_full=plan.is_refreshed)
            return Recovery(plan, is_done=True, kept=tuple(kept))

    def kept(
        self, name: str, key: Hashable, make: Callable[[], T], *, most: int = 16
    ) -> T:
        """What `make` finds, found once for a snapshot and its conventions.

        Parameters
        ----------
        name : str
            Of what is found.
        key : hashable
            What else it hangs on.
        most : int
            How many findings of that name are remembered.
        """
        cache = self._found.setdefault(name, Cache(most))
        whole = (self.snapshot.seq, self.config.ledger_hash, key, personal.is_shown())
        return cast(T, cache.get(whole, make))

    def is_due(self) -> bool:
        """Whether a refresh has anything to do."""
        return refresh.is_due(self.lake, self.config)

    def as_of(self, text: str | None = None) -> AsOf:
        """The as-of that `text` names; without one, the end of the last observed local day."""
        zone = self.config.company.zone
        if text:
            return as_of(parse_instant(text, zone), zone)
        return as_of_latest(self.snapshot.meta.get("latest_at"), self.clock(), zone)

    def attributes(self) -> list[str]:
        """Names of account attributes beside the declared columns."""
        return personal.may_see(self.snapshot.meta.get("attributes", []))

    def traits(self) -> list[str]:
        """Names of what is loaded of users beside the declared columns."""
        return personal.may_see(self.snapshot.meta.get("traits", []))

    def check_properties(self, dims: Iterable[str]) -> None:
        """Raise for a property among dimensions that no event has; see `segment_values`."""
        for dim in dict.fromkeys(dims):
            if dim.startswith(PROPERTY):
                key = dim.removeprefix(PROPERTY)

                def check(key: str = key) -> bool:
                    with self.reading() as engine:
                        check_property(key, engine)
                    return True

                self.kept("checked properties", key, check, most=256)

    def check_filters(self, filters: Sequence[Filter]) -> None:
        """Raise for a value of a filter that nothing loaded has; see `segment_values`."""

        def check() -> bool:
            with self.reading() as engine:
                check_filters(
                    filters, engine, self.config, attributes=self.attributes(),
                    traits=self.traits(),
                )
            return True

        if any(any(one.values) for one in filters):
            self.kept("checked filters", tuple(filters), check, most=256)

    @contextmanager
    def seeing(self, seen: AsOf) -> Iterator[AnyEngine]:
        """An engine as of an instant, for this thread alone.

        Inside a day, items are cut at the instant and netted anew, and its use is counted anew.
        """
        with self.readers.one() as reader:
            if reader.cut == seen:
                yield reader.engine
                return
            outer, engine, snapshot = reader.cut, reader.engine, self.snapshot
            if outer is not None:
                reader.seq, reader.cut = None, None
            snapshot = self._made_ready(reader, snapshot)
            try:
                self._cut(reader, seen, snapshot)
                with self._noting_damage(snapshot):
                    yield engine
            finally:
                # Made anew when next asked: a question that was stopped may have left half a cut.
                if reader.cut is not None:
                    reader.cut, reader.seq = None, None
                if outer is not None:
                    self._made_ready(reader, snapshot)
                    self._cut(reader, outer, snapshot)

    def _cut(self, reader: Reader, seen: AsOf, snapshot: Snapshot) -> None:
        engine = reader.engine
        if seen.is_whole:
            return
        reader.cut = seen
        if asof.needs_cut(engine, seen, self.config.company.zone):
            asof.cut(engine, self.config, seen)
        if asof.needs_usage_cut(engine, seen, self.lake, snapshot):
            asof.cut_usage(engine, self.config, seen, self.lake, snapshot)
        self._put_off_visits(reader, snapshot, seen)

    def tables(self) -> list[dict[str, Any]]:
        """Every conformed table with its rows and how many were rejected."""
        snapshot = self.snapshot
        with self.reading() as engine:
            scan = self.lake.scan(snapshot, REJECTS_TABLE, REJECTS_COLUMNS)
            answer = engine.rows(f'SELECT "table", COUNT(*) FROM ({scan}) GROUP BY "table"')
        rejected: dict[str, int] = dict(answer)
        return [
            {
                "table": table,
                "rows": self.lake.rows(snapshot, table),
                "set_aside": int(rejected.get(table, 0)),
                "rejected": int(rejected.get(table, 0)),
            }
            for table in CONFORMED
        ]

    def rejects(self) -> list[dict[str, Any]]:
        """Every rejected row, with the reason."""
        names = [column for column, _ in REJECTS_COLUMNS if column not in ("row_key", "path")]
        listed = ", ".join(f'"{column}"' for column in names)
        with self.reading() as engine:
            scan = self.lake.scan(self.snapshot, REJECTS_TABLE, REJECTS_COLUMNS)
            answer = engine.rows(
                f'SELECT {listed} FROM ({scan}) ORDER BY load, "table", file, line'
            )
        return [dict(zip(names, row, strict=True)) for row in answer]

    def loads(self) -> list[LoadRecord]:
        """Every load, oldest first."""
        return self.lake.pointer.loads()

    def doubts(self) -> tuple[Doubt, ...]:
        """What is loaded looks like when a file means something else than it says.

        Of the rows as they are now, and of each file as it was loaded last.
        """
        return self.kept("doubts", (), self._doubts)

    def _doubts(self) -> tuple[Doubt, ...]:
        # Few commands ask for them, and reading files is what they are near to.
        from staycurve.sources.doubting import standing_doubts
        from staycurve.tables.doubts import doubts

        with self.reading() as engine:
            now = doubts(engine, self.config, local_day(self.clock(), self.config.company.zone))
        return (*now, *standing_doubts(self.loads()))

    @contextmanager
    def ledgers(self) -> Iterator[Ledgers]:
        """The company under any conventions, in an engine that is given back.

        Raises
        ------
        TooSlowError
            When the time of the request is up, as from any reader.
        """
        from staycurve.insights.books.ledgers import Ledgers

        # They take a lot of memory: one is open at a time.
        with (
            asking.holding(_LEDGERS),
            open_engine(self.config, self.folder / ".tmp") as engine,
            asking.watched(engine),
        ):
            yield Ledgers(engine, self.lake, self.snapshot, self.config)

    @property
    def lock(self) -> threading.RLock:
        """Held by whoever writes; readers do not wait for it."""
        return self._lock

    def notes(self) -> tuple[str, ...]:
        """What a reader of an earlier state must know."""
        if self.snapshot.meta.get("ledger_hash") in (None, self.config.ledger_hash):
            return ()
        return (
            "The configuration has changed since: MRR and its movements were computed under the "
            "staycurve.toml of that time, rates and the rest under today's.",
        )
