"""Arrivals: conformed rows on their way into the lake, and those that have to wait.

Whatever the source, a row is accepted, replaces the row of its key, or is set aside with its
reason; no row is lost, and the outcome does not depend on the order of loading.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from staycurve.config import Config
from staycurve.errors import LakeError
from staycurve.tables import overlaps
from staycurve.tables.base import Table
from staycurve.tables.conform import BROKEN, Conforming, rules, texts_sql, typed_sql
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.engine import Engine, name, quoted
from staycurve.tables.fx_days import ecb_rates
from staycurve.tables.lake import Writing
from staycurve.tables.rejects import (
    OVERLAP,
    REJECTS_COLUMNS,
    REJECTS_TABLE,
    SET_ASIDE,
    WAITING,
)
from staycurve.tables.stale import STALE_COLUMNS, STALE_TABLE
from staycurve.tables.staging import LINE, ROW, parquet_sql, store


@dataclass(frozen=True)
class Origin:
    """Where rows come from: the load's number, the file's name, and its whole path."""

    load: int
    file: str
    path: str


@dataclass(frozen=True)
class Counts:
    """What became of the rows of a file; together they are all of its rows.

    Attributes
    ----------
    waiting : int
        How many of `rejected` join by themselves later.
    doubled : int
        How many of `replaced` were replaced by a later line of the same file.
    notes : tuple of str
        What else happened.
    """

    accepted: int
    replaced: int
    rejected: int
    waiting: int = 0
    doubled: int = 0
    notes: tuple[str, ...] = ()


class Arrivals:
    """Takes rows into the tables of one unit of work.

    Parameters
    ----------
    folder : Path
        An existing folder for what is in between; the caller removes it.
    names : mapping
        Load number → (file, path), of every load so far.
    """

    def __init__(
        self, engine: Engine, writing: Writing, config: Config, folder: Path,
        names: dict[int, tuple[str, str]],
    ) -> None:
        self.engine = engine
        self.writing = writing
        self.config = config
        self.folder = folder
        self.names = names
        self._step = 0
        self._rejects_changed = False
        engine.execute(
            "CREATE OR REPLACE TEMP TABLE rejected AS "
            + writing.scan(REJECTS_TABLE, REJECTS_COLUMNS)
        )
        stale = ", ".join(f"{column} {kind}" for column, kind in STALE_COLUMNS)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE newly_stale ({stale})")
        for table in CONFORMED.values():
            self._see(table)

    def _see(self, table: Table) -> None:
        scan = self.writing.scan(table.name, table.stored)
        self.engine.execute(f"CREATE OR REPLACE TEMP VIEW {table.name} AS {scan}")

    def _has_rows(self, table: Table) -> bool:
        return bool(self.writing.files(table.name))

    def _new_folder(self) -> Path:
        self._step += 1
        folder = self.folder / f"arrival-{self._step}"
        folder.mkdir()
        return folder

    def take(self, job: Conforming, bad: str | None, origin: Origin) -> Counts:
        """Take the rows of one staged file into one table.

        Parameters
        ----------
        bad : str, optional
            A relation (line, value, rule) of the lines that are no records.
        """
        engine, table = self.engine, job.table
        folder = self._new_folder()
        self.names[origin.load] = (origin.file, origin.path)
        typed_path = folder / "typed.parquet"
        self._in_zone(lambda: store(engine, typed_sql(job), typed_path))
        typed = parquet_sql(typed_path)
        total = int(engine.value(f"SELECT COUNT(*) FROM {typed}"))
        unread = int(engine.value(f"SELECT COUNT(*) FROM ({bad})")) if bad else 0
        broken = int(engine.value(f"SELECT COUNT(*) FROM {typed} WHERE {BROKEN} IS NOT NULL"))
        good = self._good_sql(job, typed, origin)
        doubled = self._doubled(table, good)
        if doubled:
            good = f"{good} WHERE {ROW} NOT IN (SELECT {ROW} FROM doubled)"
        good_path = folder / "good.parquet"
        store(engine, f"SELECT * FROM {good}", good_path)
        good = parquet_sql(good_path)
        self._forget(table, good, origin, [])
        waiting = self._set_waiting(table, good)
        if broken or unread:
            self._set_aside(job, typed, bad, origin)
        arriving = good
        if waiting:
            self._reject_waiting(table, good)
            arriving = f"(SELECT * FROM {good} WHERE {ROW} NOT IN (SELECT {ROW} FROM waits))"
        put = self._put(table, arriving, origin.load, folder)
        rejected = broken + unread + waiting + put.rejected
        counts = Counts(
            put.accepted, put.replaced + doubled, rejected,
            waiting=waiting + put.rejected, doubled=doubled, notes=put.notes,
        )
        if counts.accepted + counts.replaced + counts.rejected != total + unread:
            raise LakeError(
                f"{origin.file} has {total + unread} rows, but "
                f"{counts.accepted + counts.replaced + counts.rejected} were accounted for.",
                hint="Nothing was loaded. Please report this, with the file if you may.",
            )
        return counts

    def _in_zone(self, step: object) -> None:
        assert callable(step)
        self.engine.execute(f"SET TimeZone = {quoted(self.config.company.timezone)}")
        try:
            step()
        finally:
            self.engine.execute("SET TimeZone = 'UTC'")

    def _good_sql(self, job: Conforming, typed: str, origin: Origin) -> str:
        """A relation of the rows that keep every rule, with whole keys and provenance."""
        table, engine = job.table, self.engine
        columns = [name(c) for c, _ in table.stored if not c.startswith("_")]
        join = ""
        if job.row_text is not None and table.derived_key:
            key = name(table.derived_key)
            # A row that occurs again is another row: its number makes its key.
            engine.execute(f"""
                CREATE OR REPLACE TEMP TABLE again AS
                SELECT {ROW} AS place, md5({key} || '#' || nth) AS derived FROM (
                    SELECT {ROW}, {key}, row_number() OVER (
                        PARTITION BY {key} ORDER BY {ROW}) AS nth
                    FROM {typed} WHERE hash({key}) IN (
                        SELECT hash({key}) FROM {typed} GROUP BY 1 HAVING COUNT(*) > 1)
                ) WHERE nth > 1
            """)
            join = f"LEFT JOIN again ON again.place = t.{ROW}"
            columns[columns.index(key)] = f"coalesce(again.derived, t.{key}) AS {key}"
        return (
            f"(SELECT {', '.join(columns)}, CAST({origin.load} AS BIGINT) AS _load, "
            f"t.{LINE} AS {LINE}, t.{ROW} AS {ROW} FROM {typed} t {join} "
            f"WHERE {BROKEN} IS NULL)"
        )

    def _doubled(self, table: Table, good: str) -> int:
        """How many rows a later line of the same key replaces; they are in table `doubled`."""
        key = ", ".join(name(column) for column in table.key)
        # Hashes only find the candidates; the keys themselves decide.
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE doubled AS
            SELECT {ROW} FROM (
                SELECT {ROW}, row_number() OVER (PARTITION BY {key} ORDER BY {ROW} DESC) AS nth
                FROM {good} WHERE hash({key}) IN (
                    SELECT hash({key}) FROM {good} GROUP BY 1 HAVING COUNT(*) > 1)
            ) WHERE nth > 1
        """)
        return int(self.engine.value("SELECT COUNT(*) FROM doubled"))

    def _set_waiting(self, table: Table, good: str) -> int:
        """How many rows have to wait; they are in table `waits`, with what they wait for."""
        reasons = self._waiting_sql(table, good)
        if not reasons:
            self.engine.execute(
                f"CREATE OR REPLACE TEMP TABLE waits AS SELECT 0 AS {ROW} WHERE 1 = 0"
            )
            return 0
        union = " UNION ALL ".join(reasons)
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE waits AS
            SELECT {ROW}, min(what) AS what, arg_min(value, what) AS value,
                   arg_min(rule, what) AS rule
            FROM ({union}) GROUP BY {ROW}
        """)
        return int(self.engine.value("SELECT COUNT(*) FROM waits"))

    def _waiting_sql(self, table: Table, rows: str) -> list[str]:
        found = []
        if table.refers_to_account and not table.makes_accounts:
            found.append(
                f"SELECT {ROW}, 'account_id' AS what, account_id AS value, "
                "'waits: no such account yet' AS rule "
                f"FROM {rows} g WHERE account_id IS NOT NULL AND NOT EXISTS ("
                "SELECT 1 FROM accounts a WHERE a.account_id = g.account_id)"
            )
        if table.has_currency:
            unknown = self._currencies_without_rate(rows)
            if unknown:
                listed = ", ".join(quoted(code) for code in unknown)
                found.append(
                    f"SELECT {ROW}, 'currency' AS what, currency AS value, "
                    "'waits: no exchange rate yet' AS rule "
                    f"FROM {rows} WHERE currency IN ({listed})"
                )
        return found

    def _currencies_without_rate(self, rows: str) -> list[str]:
        own = self.config.company.currency
        used = {
            str(row[0])
            for row in self.engine.rows(f"SELECT DISTINCT currency FROM {rows}")
            if row[0] != own
        }
        if used:
            used -= {
                str(row[0]) for row in self.engine.rows("SELECT DISTINCT currency FROM fx_rates")
            }
        return sorted(code for code in used if not ecb_rates(code, own))

    def _put(self, table: Table, arriving: str, load: int, folder: Path) -> Counts:
        """Upsert rows that keep every rule and wait for nothing."""
        engine = self.engine
        if table.makes_accounts:
            self._make_accounts(arriving, load)
        key = [name(column) for column in table.key]
        stored = ", ".join(name(column) for column, _ in table.stored)
        keys = f"(SELECT {', '.join(key)} FROM {arriving})"
        new = f"SELECT {stored} FROM {arriving}"
        aside, notes = 0, ()
        if table.name == "subscriptions":
            decided = self._decide(arriving, folder)
            if decided is not None:
                aside, notes = self._overlapping(arriving, decided, load)
                match = overlaps.same("d", "s", key)
                new = (
                    f"SELECT {stored} FROM {arriving} s WHERE NOT EXISTS (SELECT 1 FROM {decided} "
                    f"d WHERE d.origin = {overlaps.ARRIVING} AND d.rule IS NOT NULL AND {match}) "
                    f"UNION ALL SELECT {stored} FROM released"
                )
                keys = (
                    f"(SELECT {', '.join(key)} FROM {arriving} UNION ALL "
                    f"SELECT {', '.join(key)} FROM {decided} "
                    f"WHERE origin = {overlaps.LOADED} AND rule IS NOT NULL)"
                )
        count = int(engine.value(f"SELECT COUNT(*) FROM {arriving}"))
        if count == 0:
            return Counts(0, 0, 0)
        replaced = self._touch(table, arriving, keys, load)
        if table.name == "subscriptions" and aside:
            replaced -= self._replaced_aside
        self.writing.replace(
            engine, table.name, table.stored, new=new, keys=keys, key=table.key
        )
        self._see(table)
        return Counts(count - aside - replaced, replaced, aside, notes=notes)
