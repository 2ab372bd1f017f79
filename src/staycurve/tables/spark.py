"""Spark as an engine: the same statements, translated, over the same files.

Spark reads the files that a snapshot lists and writes files that the lake commits. Through this
process go answers at the grain that was asked for, never tables.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from staycurve.tables import spark_session
from staycurve.tables.engine import AnyEngine, Columns, Row, Written, name, quoted
from staycurve.tables.spark_errors import explained
from staycurve.tables.spark_sql import Scan, Translated, translated
from staycurve.tables.store import opened

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MOST_SCANS = 64
"""More file lists than this are forgotten; a session that lives long sees many snapshots."""

_PART = "_part"

_ARROW = {
    "VARCHAR": pa.string(), "BIGINT": pa.int64(), "INTEGER": pa.int32(), "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(), "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"),
}
_SPARK = {
    "string": "STRING", "large_string": "STRING", "int64": "BIGINT", "int32": "INT",
    "double": "DOUBLE", "bool": "BOOLEAN", "date32[day]": "DATE", "timestamp[us]": "TIMESTAMP_NTZ",
}


@dataclass
class _Relation:
    """What a name stands for.

    Attributes
    ----------
    sql : str
        The statement of a view; empty for rows that were kept.
    kept : Path, optional
        The folder or file of rows that were kept.
    schema : str
        Their columns, as Spark declares them.
    needs : frozenset of str
        Relations that the view names, known once it is bound.
    """

    sql: str = ""
    kept: Path | None = None
    schema: str = ""
    needs: frozenset[str] = frozenset()
    is_bound: bool = False


class SparkEngine(AnyEngine):
    """Spark: `local[*]` in this process, a cluster, or a Spark Connect server.

    Parameters
    ----------
    url : str
        `spark`, `spark://host:port` or `sc://host:port`.
    spill : Path
        A folder that the cluster sees too: relations that are kept lie there as files.
    options : mapping
        Options of Spark, such as `spark.executor.memory`.
    """

    def __init__(self, url: str, spill: Path, *, options: Mapping[str, str]) -> None:
        self.url = url
        self.spill = (spill / f"spill-{os.getpid()}-{uuid.uuid4().hex[:8]}").absolute()
        known = {**spark_session.OWN_OPTIONS, **options}
        self._later = {}
        self._before_path = known["spark.staycurve.files"]
        self._relations: dict[str, _Relation] = {}
        self._scans: set[str] = set()
        self._steps: list[str] = []
        self._options = options
        self._session: SparkSession | None = None
        self._spark()

    def close(self) -> None:
        if self._session is not None:
            spark_session.close_session(self.url, self._session, user=id(self))
        shutil.rmtree(self.spill, ignore_errors=True)

    def keep(self, relation: str, sql: str) -> None:
        self._prepare(sql)
        with self._working():
            self._keep(relation, self._frame(sql))

    def put(self, relation: str, columns: Columns, rows: Iterable[Sequence[object]]) -> None:
        schema = pa.schema([(column, _ARROW[kind]) for column, kind in columns])
        cells: list[list[object]] = [[] for _ in columns]
        for row in rows:
            for column, cell in zip(cells, row, strict=True):
                column.append(cell)
        table = pa.table(
            [pa.array(column, field.type) for column, field in zip(cells, schema, strict=True)],
            schema=schema,
        )
        self.spill.mkdir(parents=True, exist_ok=True)
        path = self.spill / f"{uuid.uuid4().hex}.parquet"
        pq.write_table(table, path)
        self._define(relation, _Relation(kept=path, schema=_schema_of(path)))

    def view(self, relation: str, sql: str) -> None:
        self._define(relation, _Relation(sql=sql))

    def drop(self, relation: str) -> None:
        found = self._relations.pop(relation.lower(), None)
        if found is not None:
            self._unbind(relation.lower())
            self._remove(found)

    def batches(self, sql: str, size: int = 50_000) -> Iterator[list[Row]]:
        self._prepare(sql)
        with self._working():
            batch: list[Row] = []
            for row in self._frame(sql).toLocalIterator():
                batch.append(_plain(row))
                if len(batch) == size:
                    yield batch
                    batch = []
            if batch:
                yield batch

    def table(self, sql: str) -> tuple[list[str], list[Row]]:
        self._prepare(sql)
        with self._working():
            frame = self._frame(sql)
            return list(frame.columns), [_plain(row) for row in frame.collect()]

    def value(self, sql: str) -> Any:
        self._prepare(sql)
        with self._working():
            found = self._frame(sql).limit(1).collect()
        return _plain(found[0])[0] if found else None

    def arrow(self, sql: str) -> Any:
        self._prepare(sql)
        with self._working():
            return self._frame(sql).toArrow()

    def json_keys(self, table: str, column: str) -> list[str]:
        with self._working():
            texts = self._frame(f"SELECT {name(column)} AS json FROM {name(table)}")
            keys = texts.selectExpr("EXPLODE(JSON_OBJECT_KEYS(json)) AS key").distinct()
            return sorted(row[0] for row in keys.collect())

    def latest(self, paths: Sequence[str], columns: Sequence[str]) -> list[Any]:
        # The files' own statistics tell; a column is read only where they do not.
        if not paths or not columns:
            return []
        known: dict[str, dt.datetime] = {}
        unknown: set[str] = set()
        try:
            for path in paths:
                _look_through(path, set(columns), known, unknown)
        except OSError:
            # This machine cannot open them; Spark can.
            known, unknown = {}, set(columns)
        found = [at for column, at in known.items() if column not in unknown]
        if unknown:
            asked = ", ".join(f"CAST(MAX({name(c)}) AS TIMESTAMP)" for c in sorted(unknown))
            files = ", ".join(quoted(path) for path in paths)
            found += self.rows(f"SELECT {asked} FROM read_parquet([{files}])")[0]
        return [at for at in found if at]

    def write(
        self, sql: str, folder: Path, *, order: str = "", partition: str = ""
    ) -> list[Written]:
        self._prepare(sql)
        folder.mkdir(parents=True, exist_ok=True)
        stem = uuid.uuid4().hex
        target = folder.absolute() / f"{stem}.parts"
        try:
            with self._working():
                ordered = f"SELECT * FROM ({sql}) ORDER BY {order}" if order else sql
                frame = self._frame(ordered)
                if partition:
                    # Spark takes the column that it divides by out of the files.
                    frame = frame.selectExpr("*", f"`{partition}` AS {_PART}")
                    frame = frame.hint("rebalance", _PART)
                elif not order:
                    # Few files of a good size, however many pieces the answer was computed in.
                    frame = frame.hint("rebalance")
                self._write(frame, target, *([_PART] if partition else []))
            found = []
            for number, path in enumerate(sorted(target.rglob("part-*.parquet"))):
                rows = pq.read_metadata(path).num_rows
                if rows:
                    final = folder / f"{stem}-{number}.parquet"
                    os.replace(path, final)
                    part = path.parent.name.partition("=")[2] if partition else None
                    found.append(Written(final, rows, final.stat().st_size, part))
        finally:
            shutil.rmtree(target, ignore_errors=True)
        return found

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            found = explained(error, self.url)
            if found.fields.get("is_gone"):
                spark_session.bury()
                self._let_go()
            raise found from error
        finally:
            for step in self._steps:
                self.drop(step)
            self._steps.clear()

    def _spark(self) -> SparkSession:
        """The session; after the one before it has died, another one."""
        if self._session is None:
            self._session = spark_session.open_session(self.url, self._options, user=id(self))
        return self._session

    def _let_go(self) -> None:
        """Forget a session that died. What was kept lies in files, and is bound anew when asked."""
        self._session = None
        self._scans.clear()
        for relation in self._relations.values():
            relation.is_bound = False

    def _frame(self, sql: str) -> DataFrame:
        """The answer of a statement, its steps computed; they go when the work is done."""
        found = translated(sql)
        for relation, step in found.steps:
            if relation not in self._relations:
                self._keep(relation, self._asked(step))
                self._steps.append(relation)
        return self._asked(found.rest or found)

    def _asked(self, found: Translated) -> DataFrame:
        self._bind(found.needs, found.scans)
        return self._spark().sql(found.sql)

    def _keep(self, relation: str, frame: DataFrame) -> None:
        folder = self.spill / uuid.uuid4().hex
        frame = _typed(frame)
        schema = _declared(frame)
        self._write(frame, folder)
        self._define(relation, _Relation(kept=folder, schema=schema))

    def _bind(self, needs: Iterable[str], scans: Iterable[Scan]) -> None:
        """Let Spark know every relation that a statement names."""
        if len(self._scans) > MOST_SCANS:
            for files in self._scans:
                self._spark().catalog.dropTempView(files)
            self._scans.clear()
        for scan in scans:
            if scan.relation not in self._scans:
                self._read(scan).createOrReplaceTempView(scan.relation)
                self._scans.add(scan.relation)
        for need in needs:
            relation = self._relations.get(need)
            if relation is None or relation.is_bound:
                continue
            if relation.kept is not None:
                reader = self._spark().read.schema(relation.schema)
                frame = reader.parquet(self._address(relation.kept))
            else:
                text = translated(relation.sql)
                frame = self._asked(text)
                relation.needs = text.needs
            frame.createOrReplaceTempView(f"`{need}`")
            relation.is_bound = True

    def _read(self, scan: Scan) -> DataFrame:
        schema = _schema_of(scan.paths[0])
        reader = self._spark().read.schema(schema) if schema else self._spark().read
        frame = reader.parquet(*map(self._address, scan.paths))
        if scan.has_places:
            places = ("_metadata.file_name AS filename", "_metadata.row_index AS file_row_number")
            frame = frame.selectExpr("*", *places)
        return frame

    def _write(self, frame: DataFrame, folder: Path, *parts: str) -> None:
        writer = frame.write.mode("overwrite")
        if parts:
            writer = writer.partitionBy(*parts)
        writer.parquet(f"{self._before_path}{folder}")

    def _address(self, path: str | Path) -> str:
        """A path as Spark's reader takes it, which looks for signs of a pattern."""
        text = str(path)
        if "://" in text:
            # Hadoop, which Spark reads with, knows S3 by another scheme.
            return re.sub("^s3://", "s3a://", text)
        for sign in "\\{}[]*?":
            text = text.replace(sign, f"\\{sign}")
        return f"{self._before_path}{text}"

    def _define(self, relation: str, found: _Relation) -> None:
        key = relation.lower()
        former = self._relations.get(key)
        self._relations[key] = found
        self._unbind(key)
        if former is not None:
            self._remove(former)

    def _unbind(self, key: str) -> None:
        """A view is bound to what its names stood for; when one changes, it is bound anew."""
        for other, relation in self._relations.items():
            if relation.is_bound and (other == key or key in relation.needs):
                relation.is_bound = False
                if other != key:
                    self._unbind(other)

    def _remove(self, relation: _Relation) -> None:
        if relation.kept is not None and relation.kept.is_dir():
            shutil.rmtree(relation.kept, ignore_errors=True)
        elif relation.kept is not None:
            relation.kept.unlink(missing_ok=True)


def _plain(row: Sequence[Any]) -> Row:
    """A row as DuckDB gives it: whole numbers of any size are Python's integers."""
    return tuple(
        int(cell) if isinstance(cell, Decimal) and cell.as_tuple().exponent == 0 else cell
        for cell in row
    )


def _typed(frame: DataFrame) -> DataFrame:
    """The same with texts where a column is NULL throughout: files have no such kind."""
    if all(field.dataType.simpleString() != "void" for field in frame.schema.fields):
        return frame
    return frame.selectExpr(
        *(
            f"CAST(`{f.name}` AS STRING) AS `{f.name}`"
            if f.dataType.simpleString() == "void"
            else f"`{f.name}`"
            for f in frame.schema.fields
        )
    )


def _declared(frame: DataFrame) -> str:
    return ", ".join(
        f"`{field.name}` {field.dataType.simpleString()}" for field in frame.schema.fields
    )


def _schema_of(path: str | Path) -> str:
    """The columns of a Parquet file as Spark declares them; empty where Spark is to look itself."""
    try:
        schema = pq.read_schema(opened(str(path)))
    except OSError:
        return ""
    kinds = []
    for field in schema:
        kind = _SPARK.get(str(field.type))
        if pa.types.is_decimal(field.type):
            kind = f"DECIMAL({field.type.precision}, {field.type.scale})"
        if kind is None:
            return ""
        kinds.append(f"`{field.name}` {kind}")
    return ", ".join(kinds)


def _look_through(
    path: str, columns: set[str], known: dict[str, dt.datetime], unknown: set[str]
) -> None:
    """Note the latest value of each column from one file's statistics, or that they do not tell."""
    footer = pq.read_metadata(opened(path))
    for group in range(footer.num_row_groups):
        rows = footer.row_group(group)
        for place in range(rows.num_columns):
            column = rows.column(place)
            if column.path_in_schema not in columns:
                continue
            told = column.statistics
            if told is not None and told.has_min_max:
                at = told.max
                if not isinstance(at, dt.datetime):
                    at = dt.datetime.combine(at, dt.time())
                at = at.replace(tzinfo=None)
                former = known.get(column.path_in_schema)
                known[column.path_in_schema] = max(at, former) if former else at
            elif told is None or told.null_count != column.num_values:
                unknown.add(column.path_in_schema)
