"""Raw objects: how connectors' objects come into the lake, and how they are read again."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staycurve.sources.batches import Batch, RawObject
from staycurve.sources.cursors import Cursor
from staycurve.sources.stream_records import cursor_in
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import quoted
from staycurve.tables.lake import Lake
from staycurve.tables.person import tombstones
from staycurve.tables.person.tombstones import Tombstones
from staycurve.tables.raw import (
    LISTED_COLUMNS,
    LISTED_TABLE,
    RAW_COLUMNS,
    RAW_TABLE,
    digest_of,
)
from staycurve.tables.staging import parquet_sql
from staycurve.tables.writing import Writing

if TYPE_CHECKING:
    # Only a sync needs it, and its libraries take 50 MiB.
    import pyarrow as pa

MEMORY = "400MB"
"""What the engine takes that looks through what is kept, beside the one that writes."""
AT_ONCE = 5_000
"""Objects that are written side by side."""


def keep_objects(
    engine: Engine, writing: Writing, batches: Sequence[Batch], *, source: str, load: int,
    now: dt.datetime, folder: Path,
) -> tuple[int, int]:
    """Append the objects that differ from what is kept; how many are new, and how many changed.

    Of an object that is there twice, the later one counts.
    """
    path = folder / "objects.parquet"
    kinds = _stage(batches, tombstones.read(writing.lake.folder), path)
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE arriving_objects AS SELECT object, id, digest, place FROM "
        f"(SELECT object, id, digest, place, row_number() OVER (PARTITION BY object, id "
        f"ORDER BY place DESC) AS nth FROM {parquet_sql(path)}) WHERE nth = 1"
    )
    scan = writing.scan(RAW_TABLE, RAW_COLUMNS)
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE kept_objects AS "
        "SELECT object, id, arg_max(digest, load) AS digest "
        f"FROM ({scan}) k WHERE source = {quoted(source)} AND object IN ({kinds}) "
        "AND EXISTS (SELECT 1 FROM arriving_objects a WHERE a.object = k.object AND a.id = k.id) "
        "GROUP BY object, id"
    )
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE fresh_objects AS SELECT a.place, k.id IS NULL AS is_new "
        "FROM arriving_objects a LEFT JOIN kept_objects k ON k.object = a.object AND k.id = a.id "
        "WHERE k.digest IS DISTINCT FROM a.digest"
    )
    new = int(engine.value("SELECT COUNT(*) FROM fresh_objects WHERE is_new"))
    changed = int(engine.value("SELECT COUNT(*) FROM fresh_objects WHERE NOT is_new"))
    at = now.astimezone(dt.UTC).replace(tzinfo=None).isoformat()
    if new or changed:
        writing.append(
            engine, RAW_TABLE, RAW_COLUMNS,
            f"SELECT {quoted(source)} AS source, object, id, CAST({load} AS BIGINT) AS load, "
            f"parent, created, CAST({quoted(at)} AS TIMESTAMP) AS fetched_at, digest, is_deleted, "
            f"body FROM {parquet_sql(path)} WHERE place IN (SELECT place FROM fresh_objects)",
        )
    if any(batch.listing for batch in batches):
        writing.append(
            engine, LISTED_TABLE, LISTED_COLUMNS,
            f"SELECT DISTINCT {quoted(source)} AS source, object, listing, id "
            f"FROM {parquet_sql(path)} WHERE listing > 0",
        )
    return new, changed


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([
        ("object", pa.string()), ("id", pa.string()), ("parent", pa.string()),
        ("created", pa.int64()), ("digest", pa.string()), ("is_deleted", pa.bool_()),
        ("body", pa.string()), ("listing", pa.int64()), ("place", pa.int64()),
    ])


def _stage(batches: Sequence[Batch], forgotten: Tombstones, path: Path) -> str:
    """Write the objects of batches into a file; their kinds, as a list for SQL."""
    import pyarrow.parquet as pq

    found = ((one, batch.listing) for batch in batches for one in batch.objects)
    kinds: set[str] = set()
    place = 0
    # Side by side and as columns, all of them would take their memory three times.
    with pq.ParquetWriter(path, _schema(), compression="zstd") as file:
        while some := list(itertools.islice(found, AT_ONCE)):
            file.write_table(_arrow(some, forgotten, place))
            kinds.update(one.object for one, _ in some)
            place += len(some)
    # What nobody looks for is in no file, whose statistics say so.
    return ", ".join(quoted(one) for one in sorted(kinds)) or "NULL"


def _arrow(
    given: Sequence[tuple[RawObject, int]], forgotten: Tombstones, place: int
) -> pa.Table:
    import pyarrow as pa

    found = [(_stripped(one, forgotten) if forgotten else one, listing) for one, listing in given]
    texts = [one.body.decode("utf-8", "replace").replace("\\u0000", "\\ufffd") for one, _ in found]
    return pa.table(
        [
            [one.object for one, _ in found], [one.id for one, _ in found],
            [one.parent for one, _ in found], [one.created for one, _ in found],
            [_digest(one) for one, _ in found], [one.is_deleted for one, _ in found],
            texts, [listing for _, listing in found],
            list(range(place, place + len(found))),
        ],
        schema=_schema(),
    )


def _digest(one: RawObject) -> str:
    return digest_of(one.body, parent=one.parent, is_deleted=one.is_deleted)


def _stripped(one: RawObject, forgotten: Tombstones) -> RawObject:
    """An object without what tells of forgotten people: as it became when they were forgotten."""
    body = one.body.decode("utf-8", "replace")
    terms = forgotten.terms_of([one.id, one.parent, body])
    if terms.is_empty:
        return one
    return replace(
        one, id=terms.text(one.id), parent=terms.text(one.parent), body=terms.json(body).encode()
    )


class LakeKept:
    """What the lake holds of one source, as it is now; see `staycurve.sources.base.Kept`."""

    def __init__(
        self, lake: Lake, source: str, kind: str, closing: contextlib.ExitStack
    ) -> None:
        self._lake = lake
        self._own = (source, kind)
        self._closing = closing
        self._snapshot = lake.pointer.latest()

    @functools.cached_property
    def _engine(self) -> Engine:
        # Many streams ask for nothing.
        return self._seeing(
            self._closing.enter_context(Engine(self._lake.folder / ".tmp", memory=MEMORY))
        )

    def _seeing(self, engine: Engine) -> Engine:
        lake, snapshot, (source, _) = self._lake, self._snapshot, self._own
        raw = lake.scan(snapshot, RAW_TABLE, RAW_COLUMNS)
        listed = lake.scan(snapshot, LISTED_TABLE, LISTED_COLUMNS)
        of_source = f"WHERE source = {quoted(source)}"
        engine.view(RAW_TABLE, f"SELECT * FROM ({raw}) {of_source}")
        engine.view(LISTED_TABLE, f"SELECT * FROM ({listed}) {of_source}")
        for table in CONFORMED.values():
            engine.view(table.name, lake.scan(snapshot, table.name, table.stored))
        return engine

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return self._engine.rows(sql)

    def batches(self, sql: str, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a statement, `size` at a time; other statements may be run meanwhile."""
        with contextlib.closing(self._engine.beside()) as beside:
            yield from self._seeing(beside).batches(sql, size)

    def keep(self, relation: str, sql: str) -> None:
        """Make a relation of what a statement answers, for statements to come."""
        self._engine.keep(relation, sql)

    def put(
        self, relation: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]]
    ) -> None:
        """Make a relation of rows, for statements to come."""
        self._engine.put(relation, tuple(columns), rows)

    def cursor(self, stream: str) -> Cursor | None:
        """Where another stream of the same source stands."""
        return cursor_in(self._lake.pointer.loads(), (*self._own, stream))


@contextlib.contextmanager
def kept(lake: Lake, source: str, kind: str) -> Iterator[LakeKept]:
    """What the lake holds of one source; its engine is given back at the end."""
    with contextlib.ExitStack() as closing:
        yield LakeKept(lake, source, kind, closing)
