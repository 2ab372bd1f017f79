"""Arrivals: conformed rows on their way into the lake, and those that have to wait.

Whatever the source, a row is accepted, replaces the row of its key, or is rejected with its
reason; no row is lost, and the outcome does not depend on the order of loading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from staycurve.errors import LakeError, LoadError, MemoryLimitError
from staycurve.tables import corrections
from staycurve.tables.base import Table
from staycurve.tables.conform import BROKEN, Conforming, typed_sql
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.engine import name, quoted
from staycurve.tables.person import tombstones
from staycurve.tables.person.arriving import strip_rejected, stripped
from staycurve.tables.placing import Counts, Placing
from staycurve.tables.pointer import undone_by
from staycurve.tables.rejects import REJECTED, WAITING, Origin, row_key_sql
from staycurve.tables.staging import LINE, ROW, parquet_sql, store
from staycurve.tables.stale import (
    STALE_COLUMNS,
    STALE_DAYS_COLUMNS,
    STALE_DAYS_TABLE,
    STALE_TABLE,
)


def too_wide(file: str) -> LoadError:
    """What a file is answered whose rows do not fit into memory side by side."""
    return LoadError(
        f"{file} needs more memory than staycurve may use: its rows are too wide. Nothing of it "
        "was loaded.",
        hint="Leave out columns that nobody asks about, then load it again.",
        file=file,
    )


@dataclass(frozen=True)
class _Conformed:
    """Rows as the table's columns, on disk, before any of them is put in.

    Attributes
    ----------
    typed : str
        A relation of them; those that break a rule carry its number.
    broken, unread : int
        How many of the `total` break a rule, and how many lines were no records.
    """

    job: Conforming
    bad: str | None
    origin: Origin
    folder: Path
    typed: str
    total: int
    broken: int
    unread: int


class Arrivals(Placing):
    """Takes the rows of files into the tables of one unit of work."""

    def take(
        self, job: Conforming, bad: str | None, origin: Origin,
        earlier: Sequence[int] | None = None,
    ) -> Counts:
        """Take the rows of one staged file into one table; one without a good row is refused.

        Parameters
        ----------
        bad : str, optional
            A relation (line, value, rule) of the lines that are no records.
        earlier : sequence of int, optional
            Loads of the same source, of which this file is the complete export: what they brought
            and it does not hold is taken out. None when it is only a part.
        """
        found = self._conform(job, bad, origin)
        if found.total and found.broken + found.unread == found.total:
            first = self.rejects.first_complaint(job, found.typed, bad, origin)
            raise LoadError(
                f"None of the {found.total} rows of {origin.file} could be loaded. "
                f"The first: {first}",
                hint="Do the columns mean what their names say? A mapping (--map) tells otherwise.",
                file=origin.file, is_read=True,
            )
        return self._accept(found, earlier)

    def take_any(
        self, job: Conforming, bad: str | None, origin: Origin,
        whole: Mapping[str, Sequence[str]] | None = None,
    ) -> Counts:
        """Take rows into one table, however many of them have to be rejected; see `take`.

        Parameters
        ----------
        whole : mapping, optional
            Column → values of it; of the rows that have one there, these are all, and others are
            taken out.
        """
        return self._accept(self._conform(job, bad, origin), None, whole)

    @cached_property
    def _forgotten(self) -> tombstones.Tombstones:
        """By what people who were forgotten are known again; a lake without a project has none."""
        return tombstones.read(self.writing.lake.folder)

    def _conform(self, job: Conforming, bad: str | None, origin: Origin) -> _Conformed:
        folder = self._new_folder()
        self._files[origin.load] = (origin.file, origin.path)
        self._store_typed(job, folder / "typed.parquet", origin.file)
        typed = parquet_sql(folder / "typed.parquet")
        unread = self._count(bad) if bad else 0
        broken = self._count(f"{typed} WHERE {BROKEN} IS NOT NULL")
        total = self._count(typed) + unread
        return _Conformed(job, bad, origin, folder, typed, total, broken, unread)

    def _accept(
        self, found: _Conformed, earlier: Sequence[int] | None,
        whole: Mapping[str, Sequence[str]] | None = None,
    ) -> Counts:
        job, bad, origin, typed = found.job, found.bad, found.origin, found.typed
        table, broken, unread = job.table, found.broken, found.unread
        good = self._good_sql(job, typed, origin)
        if self._forgotten:
            marks = tuple(text for _, text in self.config.company.exclusions)
            good = stripped(
                self.engine, self._forgotten, table, good, found.folder, marks=marks
            )
        if table.makes_accounts:
            self._make_accounts(good, origin.load)
        doubled = self._doubled(table, good)
        if doubled:
            good = f"(SELECT * FROM {good} WHERE {ROW} NOT IN (SELECT {ROW} FROM doubled))"
        if job.is_partial:
            good = self._completed(table, good, found.folder)
        good = self._corrected(table, good)
        self.rejects.forget(table, good, origin)
        if broken or unread:
            self.rejects.reject(job, typed, bad, origin)
            if self._forgotten:
                strip_rejected(self.engine, self._forgotten, origin.load)
        removed = 0
        notes: tuple[str, ...] = ()
        if whole:
            removed = self._remove_others(table, good, whole, origin.load)
        if earlier:
            removed, notes = self._remove_missing(table, good, earlier, origin.load)
        waiting = self._set_waiting(table, good)
        if waiting:
            self.rejects.wait(table, good, origin)
            good = f"(SELECT * FROM {good} WHERE {ROW} NOT IN (SELECT {ROW} FROM waits))"
        put = self._put(table, good, origin.load, found.folder)
        counts = Counts(
            put.accepted,
            put.replaced + doubled,
            broken + unread + waiting + put.rejected,
            waiting=waiting + put.rejected,
            doubled=doubled,
            removed=removed,
            notes=notes + put.notes,
        )
        seen = counts.accepted + counts.replaced + counts.rejected
        if seen != found.total:
            raise LakeError(
                f"{origin.file} has {found.total} rows, but {seen} were accounted for.",
                hint="Nothing was loaded. Please report this, with the file if you may.",
            )
        return counts

    def settle(self, load: int) -> tuple[str, ...]:
        """Let the waiting rows join whose account or rate is known by now; notes about them."""
        notes: list[str] = []
        if self._is_unsettled:
            self._unsettle(load)
        for table in CONFORMED.values():
            if not self.rejects.count(table, WAITING):
                continue
            folder = self._new_folder()
            store(self.engine, self.rejects.waiting_sql(table), folder / "waiting.parquet")
            rows = parquet_sql(folder / "waiting.parquet")
            if self._set_waiting(table, rows):
                self.rejects.go_on_waiting(table, rows)
                rows = f"(SELECT * FROM {rows} WHERE {ROW} NOT IN (SELECT {ROW} FROM waits))"
            count = self._count(rows)
            if count:
                self.rejects.forget_joined(table, rows)
                if table.makes_accounts:
                    self._make_accounts(rows, load)
                self._put(table, rows, load, folder)
                notes.append(f"rows of {table.name} that waited and joined now: {count}")
        return tuple(notes)

    def _remove_missing(
        self, table: Table, good: str, earlier: Sequence[int], load: int
    ) -> tuple[int, tuple[str, ...]]:
        loads = ", ".join(str(number) for number in earlier)
        # A row that breaks a rule is in the file all the same.
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE in_file AS
            SELECT {row_key_sql(table, "g")} AS row_key FROM {good} g
            UNION
            SELECT row_key FROM rejected
            WHERE load = {load} AND "table" = {quoted(table.name)} AND row_key IS NOT NULL
        """)
        waited = self.rejects.forget_missing(table, loads=loads, keys="in_file")
        key = ", ".join(f"t.{name(column)}" for column in table.key)
        self.engine.execute(f"""
            CREATE OR REPLACE TEMP TABLE missing AS
            SELECT {key} FROM {table.name} t
            WHERE _load IN ({loads}) AND _line IS NOT NULL
              AND {row_key_sql(table, "t")} NOT IN (SELECT row_key FROM in_file)
        """)
        removed = self.take_out(table, "missing", load)
        if waited:
            return removed, (f"rows that waited and are not in the file any more: {waited}",)
        return removed, ()

    def _remove_others(
        self, table: Table, good: str, whole: Mapping[str, Sequence[str]], load: int
    ) -> int:
        """Take out the rows that `whole` means and `good` does not hold; how many."""
        self.engine.execute(
            "CREATE OR REPLACE TEMP TABLE at_hand AS "
            f"SELECT {row_key_sql(table, 'g')} AS row_key FROM {good} g"
        )
        key = ", ".join(f"t.{name(column)}" for column in table.key)
        removed = 0
        for column, values in whole.items():
            self.engine.put("meant", (("value", "VARCHAR"),), [(value,) for value in values])
            self.rejects.forget_whole(table, column, "meant", keys="at_hand", load=load)
            self.engine.execute(f"""
                CREATE OR REPLACE TEMP TABLE missing AS
                SELECT {key} FROM {table.name} t
                WHERE t.{name(column)} IN (SELECT value FROM meant) AND t._line IS NOT NULL
                  AND {row_key_sql(table, "t")} NOT IN (SELECT row_key FROM at_hand)
            """)
            removed += self.take_out(table, "missing", load)
        return removed

    def _unsettle(self, load: int) -> None:
        """Let the rows wait whose account or rate is known no longer, or whose rate is too high."""
        self._is_unsettled = False
        for table in CONFORMED.values():
            if table.makes_accounts:
                self._make_accounts(
                    f"(SELECT account_id FROM {table.name} UNION SELECT account_id FROM rejected "
                    f'WHERE "table" = {quoted(table.name)} AND state <> {quoted(REJECTED)} '
                    "AND account_id IS NOT NULL)",
                    load,
                )
            if not self._has_rows(table) or not self._set_waiting(table, self._numbered(table)):
                continue
            folder = self._new_folder()
            store(
                self.engine,
                f"SELECT t.* FROM {self._numbered(table)} t WHERE t.{ROW} IN "
                f"(SELECT {ROW} FROM waits)",
                folder / "unsettled.parquet",
            )
            rows = parquet_sql(folder / "unsettled.parquet")
            self.rejects.wait_again(table, rows)
            key = ", ".join(name(column) for column in table.key)
            self.engine.execute(
                f"CREATE OR REPLACE TEMP TABLE unsettled AS SELECT {key} FROM {rows}"
            )
            self.take_out(table, "unsettled", load)

    def _numbered(self, table: Table) -> str:
        key = ", ".join(name(column) for column in table.key)
        return f"(SELECT *, row_number() OVER (ORDER BY {key}) AS {ROW} FROM {table.name})"

    def save(self) -> None:
        """Write the rejects and the stale accounts; the tables are written already."""
        self.rejects.save()
        self.writing.append(
            self.engine, STALE_TABLE, STALE_COLUMNS,
            "SELECT DISTINCT account_id, load FROM newly_stale WHERE account_id IS NOT NULL",
        )
        self.writing.append(
            self.engine, STALE_DAYS_TABLE, STALE_DAYS_COLUMNS,
            "SELECT DISTINCT occurred_on, load FROM newly_stale_days",
        )

    def _store_typed(self, job: Conforming, target: Path, file: str) -> None:
        self.engine.execute(f"SET TimeZone = {quoted(self.config.company.timezone)}")
        try:
            store(self.engine, typed_sql(job), target)
        except MemoryLimitError:
            # Nothing of the file is in any table yet: the other files go on.
            raise too_wide(file) from None
        finally:
            self.engine.execute("SET TimeZone = 'UTC'")

    def _good_sql(self, job: Conforming, typed: str, origin: Origin) -> str:
        """A relation of the rows that keep every rule, with whole keys and provenance."""
        table = job.table
        columns = [f"t.{name(c)}" for c, _ in table.stored if not c.startswith("_")]
        join = ""
        if job.row_text is not None and table.derived_key:
            key = name(table.derived_key)
            # A row that occurs again is another row: its number makes its key.
            self.engine.execute(f"""
                CREATE OR REPLACE TEMP TABLE again AS
                SELECT {ROW} AS place, md5({key} || '#' || nth) AS derived FROM (
                    SELECT {ROW}, {key}, row_number() OVER (
                        PARTITION BY {key} ORDER BY {ROW}) AS nth
                    FROM {typed} WHERE hash({key}) IN (
                        SELECT hash({key}) FROM {typed} GROUP BY 1 HAVING COUNT(*) > 1)
                ) WHERE nth > 1
            """)
            join = f"LEFT JOIN again ON again.place = t.{ROW}"
            columns[columns.index(f"t.{key}")] = f"coalesce(again.derived, t.{key}) AS {key}"
        return (
            f"(SELECT {', '.join(columns)}, CAST({origin.load} AS BIGINT) AS _load, "
            f"t.{LINE}, t.{ROW} FROM {typed} t {join} WHERE t.{BROKEN} IS NULL)"
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
        return self._count("doubled")

    def _completed(self, table: Table, good: str, folder: Path) -> str:
        """Rows that tell only what changes, with what is known of the same key beside it."""
        if not self._has_rows(table):
            return good
        columns = []
        for column, _ in table.stored:
            own, known = f"g.{name(column)}", f"t.{name(column)}"
            if column in table.key or column.startswith("_"):
                columns.append(own)
            elif column == "attributes":
                columns.append(
                    f"nullif(CAST(json_merge_patch(coalesce({known}, '{{}}'), "
                    f"coalesce({own}, '{{}}')) AS VARCHAR), '{{}}') AS attributes"
                )
            else:
                columns.append(f"coalesce({own}, {known}) AS {name(column)}")
        same = " AND ".join(f"t.{name(key)} = g.{name(key)}" for key in table.key)
        store(
            self.engine,
            f"SELECT {', '.join(columns)}, g.{ROW} FROM {good} g "
            f"LEFT JOIN {table.name} t ON {same}",
            folder / "completed.parquet",
        )
        return parquet_sql(folder / "completed.parquet")

    def _corrected(self, table: Table, good: str) -> str:
        """The rows with what was adjusted by hand; they are kept as their source has them, too."""
        undone = undone_by(self.writing.lake.pointer.loads())
        found = corrections.in_force(self.writing, self.engine, undone).get(table.name)
        if not found:
            return good
        listed = ", ".join(quoted(row_key) for row_key in found)
        touched = f"(SELECT * FROM {good} g WHERE {row_key_sql(table, 'g')} IN ({listed}))"
        corrections.keep_source(self.writing, self.engine, table, touched)
        return corrections.corrected_sql(table, good, found)
