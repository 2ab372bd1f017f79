"""Placing: rows put into the tables of one unit of work, and taken out of them.

A row goes in when its account and its exchange rate are known and its amount can be told at that
rate, and of overlapping spans the earlier one; otherwise it is rejected with what it waits for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from staycurve.config import Config
from staycurve.money import MICRO, RATE_SCALE
from staycurve.tables import overlaps
from staycurve.tables.base import MOST_MONEY, MOST_OF_ACCOUNT, Table
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import name, quoted
from staycurve.tables.fx_days import ecb_rates
from staycurve.tables.rejects import OVERLAP, Rejects
from staycurve.tables.staging import ROW, parquet_sql, store
from staycurve.tables.stale import STALE_COLUMNS, STALE_DAYS_COLUMNS
from staycurve.tables.writing import Writing

HEAVY = 10**6
"""A month, in major units: nine million lighter rows of one account fit in 64 bits."""

FEW = 200_000
"""Rows whose keys are held in memory while they are looked up."""


@dataclass(frozen=True)
class Counts:
    """What became of the rows of a file; together they are all of its rows.

    Attributes
    ----------
    waiting : int
        How many of `rejected` join by themselves later.
    doubled : int
        How many of `replaced` were replaced by a later line of the same file.
    removed : int
        How many rows of an earlier load of the source were taken out: they are not in the file.
    notes : tuple of str
        What else happened.
    """

    accepted: int
    replaced: int
    rejected: int
    waiting: int = 0
    doubled: int = 0
    removed: int = 0
    notes: tuple[str, ...] = ()


class Placing:
    """Puts rows into the tables of one unit of work, and takes them out.

    Parameters
    ----------
    folder : Path
        An existing folder for what is in between; the caller removes it.
    files : mapping
        Load number → (file, path), of every load so far.
    """

    def __init__(
        self, engine: Engine, writing: Writing, config: Config, folder: Path,
        files: Mapping[int, tuple[str, str]],
    ) -> None:
        self.engine = engine
        self.writing = writing
        self.config = config
        self.folder = folder
        self._files = dict(files)
        self._step = 0
        self._is_unsettled = False
        self.rejects = Rejects(engine, writing, self._files)
        stale = ", ".join(f"{column} {kind}" for column, kind in STALE_COLUMNS)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE newly_stale ({stale})")
        days = ", ".join(f"{column} {kind}" for column, kind in STALE_DAYS_COLUMNS)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE newly_stale_days ({days})")
        for table in CONFORMED.values():
            self._see(table)

    def _see(self, table: Table) -> None:
        scan = self.writing.scan(table.name, table.stored)
        self.engine.execute(f"CREATE OR REPLACE TEMP VIEW {table.name} AS {scan}")

    def _has_rows(self, table: Table) -> bool:
        return bool(self.writing.files(table.name))

    def _count(self, relation: str) -> int:
        return int(self.engine.value(f"SELECT COUNT(*) FROM {relation}"))

    def _new_folder(self) -> Path:
        self._step += 1
        folder = self.folder / f"arrival-{self._step}"
        folder.mkdir()
        return folder

    def take_out(self, table: Table, keys: str, load: int) -> int:
        """Take the rows whose key is in table `keys` out of the lake; how many there were.

        Spans that were rejected because they overlapped one of them may join.
        """
        match = overlaps.same("t", "k", [name(column) for column in table.key])
        found = 0
        if self._has_rows(table):
            found = self._count(
                f"{table.name} t WHERE EXISTS (SELECT 1 FROM {keys} k WHERE {match})"
            )
        if not found:
            return 0
        none = f"(SELECT * FROM {table.name} WHERE 1 = 0)"
        self._touch(table, new=none, kept=none, keys=keys, load=load)
        self.writing.replace(
            self.engine, table.name, table.stored,
            new=f"SELECT * FROM {none}", keys=keys, key=table.key,
            partition=table.partition, held=self._held,
        )
        self._see(table)
        # Rows of other tables may have lost what they need.
        self._is_unsettled |= table.name in ("accounts", "fx_rates")
        if table.name == "subscriptions" and self.rejects.count(table, OVERLAP):
            folder = self._new_folder()
            item = overlaps.same("s", "k", overlaps.ITEM)
            aside = (
                f"SELECT * FROM ({self.rejects.overlapping_sql(table)}) s "
                f"WHERE EXISTS (SELECT 1 FROM {keys} k WHERE {item})"
            )
            store(self.engine, aside, folder / "aside.parquet")
            rows = parquet_sql(folder / "aside.parquet")
            self.rejects.forget_pending(table, rows)
            self._put(table, rows, load, folder)
        return found

    def put_back(self, table: Table, rows: str, load: int) -> None:
        """Put rows in that were loaded before; `rows` has the stored columns and ROW.

        Those that miss their account or rate now wait, as if they arrived.
        """
        if table.makes_accounts:
            self._make_accounts(rows, load)
        if self._set_waiting(table, rows):
            self.rejects.wait_again(table, rows)
            rows = f"(SELECT * FROM {rows} WHERE {ROW} NOT IN (SELECT {ROW} FROM waits))"
        self._put(table, rows, load, self._new_folder())

    def _set_waiting(self, table: Table, rows: str) -> int:
        """How many rows have to wait; they are in table `waits`, with what they wait for."""
        reasons = []
        if table.refers_to_account and not table.makes_accounts:
            reasons.append(
                f"SELECT {ROW}, 'account_id' AS what, account_id AS value, "
                "'waits: there is no such account yet' AS rule FROM "
                f"{rows} g WHERE account_id IS NOT NULL AND NOT EXISTS ("
                "SELECT 1 FROM accounts a WHERE a.account_id = g.account_id)"
            )
        highest = self._highest_rates(rows) if table.has_currency else {}
        unknown = [code for code, rate in highest.items() if rate is None]
        if unknown:
            reasons.append(
                f"SELECT {ROW}, 'currency' AS what, currency AS value, "
                "'waits: there is no exchange rate for it yet' AS rule FROM "
                f"{rows} WHERE currency IN ({', '.join(map(quoted, unknown))})"
            )
        own = self.config.company.currency
        money = next((c.name for c in table.columns if c.name == "amount"), "unit_amount")
        reasons += [
            f"SELECT {ROW}, '{money}' AS what, CAST({money} // {MICRO} AS VARCHAR) AS value, "
            f"'waits: by the highest known rate it is beyond {MOST_MONEY:,} {own}, the most that "
            f"is taken' AS rule FROM {rows} WHERE currency = {quoted(code)} AND {money} > {most}"
            for code, rate in highest.items()
            if rate and (most := MOST_MONEY * MICRO * RATE_SCALE // rate) < MOST_MONEY * MICRO
        ]
        reasons += self._heavy(table, rows, money)
        if not reasons:
            return 0
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE waits AS {' UNION ALL '.join(reasons)}")
        return self._count("waits")

    def _heavy(self, table: Table, rows: str, money: str) -> list[str]:
        """SQL of rows that with the others of their account come to more than is taken.

        Only rows that weigh something are added up: hardly any load has one.
        """
        heavy = f"{table.weight} > {HEAVY * MICRO}"
        if not table.weight or not self._count(f"{rows} WHERE {heavy}"):
            return []
        known = f"SELECT account_id, {table.weight} AS weight FROM"
        sums = f"""SELECT account_id FROM (
                {known} {rows} WHERE {heavy}
                UNION ALL
                {known} {table.name} s WHERE {heavy} AND EXISTS (
                    SELECT 1 FROM {rows} g WHERE g.account_id = s.account_id)
            ) weighed GROUP BY account_id HAVING SUM(weight) > {MOST_OF_ACCOUNT * MICRO}"""
        return [
            f"SELECT {ROW}, '{money}' AS what, CAST({money} // {MICRO} AS VARCHAR) AS value, "
            f"'with the other amounts of account ' || account_id || ' it is beyond "
            f"{MOST_OF_ACCOUNT:,}, the most that is taken' AS rule FROM {rows} "
            f"WHERE {heavy} AND account_id IN ({sums})"
        ]

    def _highest_rates(self, rows: str) -> dict[str, int | None]:
        """Foreign currency of `rows` → the highest rate that is known for it, if any is."""
        own = self.config.company.currency
        used = {str(row[0]) for row in self.engine.rows(f"SELECT DISTINCT currency FROM {rows}")}
        used.discard(own)
        if not used:
            return {}
        loaded: dict[str, int] = dict(
            self.engine.rows("SELECT currency, MAX(rate) FROM fx_rates GROUP BY currency")
        )
        return {
            code: loaded[code] if code in loaded
            else max(ecb_rates(code, own).values(), default=None)
            for code in sorted(used)
        }

    def _make_accounts(self, rows: str, load: int) -> None:
        """Add a bare account for every unknown one, counting rows that wait or are replaced too."""
        accounts = CONFORMED["accounts"]
        unknown = (
            f"SELECT DISTINCT account_id FROM {rows} g WHERE NOT EXISTS ("
            "SELECT 1 FROM accounts a WHERE a.account_id = g.account_id)"
        )
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE bare AS {unknown}")
        if not self._count("bare"):
            return
        empty = ", ".join(
            f"NULL AS {name(column)}"
            for column, _ in accounts.stored
            if column not in ("account_id", "_load")
        )
        self.writing.append(
            self.engine, accounts.name, accounts.stored,
            f"SELECT account_id, {empty}, {load} AS _load FROM bare",
        )
        self.engine.execute(f"INSERT INTO newly_stale SELECT account_id, {load} FROM bare")
        self._see(accounts)

    def _put(self, table: Table, rows: str, load: int, folder: Path) -> Counts:
        """Upsert rows that keep every rule and wait for nothing."""
        count = self._count(rows)
        if count == 0:
            return Counts(0, 0, 0)
        key = [name(column) for column in table.key]
        stored = ", ".join(name(column) for column, _ in table.stored)
        arriving = f"(SELECT {stored} FROM {rows})"
        kept, new, keys = arriving, arriving, f"(SELECT {', '.join(key)} FROM {rows})"
        aside = 0
        notes: tuple[str, ...] = ()
        if table.name == "subscriptions":
            decided = self._decide(table, arriving, folder)
            if decided is not None:
                aside, notes = self._set_overlapping(table, arriving, decided)
                out = (
                    f"SELECT 1 FROM {decided} d WHERE d.rule IS NOT NULL "
                    f"AND d.origin = {overlaps.ARRIVING} AND {overlaps.same('d', 's', table.key)}"
                )
                kept = f"(SELECT {stored} FROM {arriving} s WHERE NOT EXISTS ({out}))"
                new = f"(SELECT * FROM {kept} UNION ALL SELECT {stored} FROM flipped WHERE is_back)"
                keys = (
                    f"(SELECT {', '.join(key)} FROM {arriving} UNION ALL "
                    f"SELECT {', '.join(key)} FROM flipped)"
                )
        if count <= FEW:
            # Of a table the engine knows how many rows there are: see `Writing.largest_first`.
            self.engine.keep("arriving_keys", f"SELECT * FROM {keys} k")
            keys = "arriving_keys"
        replaced = self._touch(table, new=new, kept=kept, keys=keys, load=load)
        self.writing.replace(
            self.engine, table.name, table.stored,
            new=f"SELECT * FROM {new}", keys=keys, key=table.key,
            partition=table.partition, held=self._held,
        )
        self._see(table)
        # Another rate may value a row of another table beyond what is taken.
        self._is_unsettled |= table.name == "fx_rates"
        return Counts(count - aside - replaced, replaced, aside, notes=notes)

    def _decide(self, table: Table, arriving: str, folder: Path) -> str | None:
        has_aside = self.rejects.count(table, OVERLAP) > 0
        return overlaps.decide(
            self.engine,
            arriving=arriving,
            loaded=table.name if self._has_rows(table) else None,
            aside=f"({self.rejects.overlapping_sql(table)})" if has_aside else None,
            folder=folder,
        )

    def _set_overlapping(
        self, table: Table, arriving: str, decided: str
    ) -> tuple[int, tuple[str, ...]]:
        """How many arriving spans are rejected, and notes; the others are in table `flipped`."""
        stored = ", ".join(f"s.{name(column)}" for column, _ in table.stored)
        match = overlaps.same("d", "s", table.key)
        sources = (
            (overlaps.ARRIVING, arriving, "d.rule IS NOT NULL"),
            (overlaps.LOADED, table.name, "d.rule IS NOT NULL"),
            (overlaps.ASIDE, f"({self.rejects.overlapping_sql(table)})", "TRUE"),
        )
        union = " UNION ALL ".join(
            f"SELECT {stored}, d.origin, d.rule FROM {relation} s JOIN {decided} d "
            f"ON d.origin = {origin} AND {match} WHERE {which}"
            for origin, relation, which in sources
        )
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE judged AS {union}")
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE flipped AS
            SELECT *, rule IS NULL AS is_back FROM judged
            WHERE (origin = {overlaps.LOADED} AND rule IS NOT NULL)
               OR (origin = {overlaps.ASIDE} AND rule IS NULL)
        """)
        self.rejects.overlap(table, "judged")
        notes = []
        out = self._count("flipped WHERE NOT is_back")
        back = self._count("flipped WHERE is_back")
        if out:
            notes.append(f"spans loaded before that overlap an earlier one, rejected now: {out}")
        if back:
            notes.append(f"spans rejected before that no longer overlap anything, joined: {back}")
        return self._count(f"judged WHERE origin = {overlaps.ARRIVING}"), tuple(notes)

    def _touch(self, table: Table, *, new: str, kept: str, keys: str, load: int) -> int:
        """How many rows of the lake are replaced; the accounts touched go to `newly_stale`.

        The files that hold a row of `keys` are left in `self._held`, the days in `stale_days`.
        """
        engine = self.engine
        columns = {
            "accounts": ["account_id", "parent_id"],
            "subscriptions": ["account_id"],
            "invoice_lines": ["account_id"],
            "payments": ["account_id"],
        }.get(table.name, [])
        same = overlaps.same("t", "k", [name(column) for column in table.key])
        replaced = 0
        files = self.writing.largest_first(table.name)
        self._held: frozenset[str] = frozenset()
        days = [table.partition] if table.partition else []
        if files:
            listed = "".join(f"{column}, " for column in (*columns, *days))
            paths = ", ".join(quoted(path) for path in files)
            # One look through the keys of all of history tells what is there and where.
            engine.execute(f"""
                CREATE OR REPLACE TEMP TABLE old_rows AS
                SELECT {listed}filename, COUNT(_line) AS n
                FROM read_parquet([{paths}], filename=true) t
                WHERE EXISTS (SELECT 1 FROM {keys} k WHERE {same}) GROUP BY ALL
            """)
            held = engine.rows("SELECT DISTINCT filename FROM old_rows")
            self._held = frozenset(row[0] for row in held)
            # A bare account has no line: its first row is not a replacement.
            replaced = int(engine.value("SELECT coalesce(SUM(n), 0) FROM old_rows"))
            if kept is not new:
                replaced = self._count(
                    f"{table.name} t WHERE EXISTS (SELECT 1 FROM {kept} k WHERE {same})"
                )
            for column in columns:
                engine.execute(
                    f"INSERT INTO newly_stale SELECT DISTINCT {column}, {load} FROM old_rows"
                )
        for column in columns:
            engine.execute(f"INSERT INTO newly_stale SELECT DISTINCT {column}, {load} FROM {new}")
        for day in days:
            for relation in (["old_rows"] if files else []) + [new]:
                engine.execute(
                    f"INSERT INTO newly_stale_days SELECT DISTINCT {day}, {load} FROM {relation}"
                )
        for relation, condition in self._rests_on(table, new, keys):
            engine.execute(
                f"INSERT INTO newly_stale SELECT DISTINCT account_id, {load} FROM {relation} "
                f"WHERE {condition}"
            )
        return replaced

    def _rests_on(self, table: Table, new: str, keys: str) -> list[tuple[str, str]]:
        """(relation, condition): rows whose accounts are touched although they did not change."""
        found = []
        if table.name == "fx_rates":
            condition = f"currency IN (SELECT currency FROM {new})"
            found = [("subscriptions", condition), ("invoice_lines", condition)]
        if table.name == "plans":
            found = [("subscriptions", f"amount IS NULL AND plan IN (SELECT plan FROM {keys} k)")]
        if table.name == "subscriptions":
            # A row describes its subscription, whatever account the invoices are sent to.
            condition = f"subscription_id IN (SELECT subscription_id FROM {keys} k)"
            found = [("invoice_lines", condition)]
        return [(name, sql) for name, sql in found if self._has_rows(CONFORMED[name])]
