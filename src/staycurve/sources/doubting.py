"""Doubting: what only the file itself shows of what it probably means otherwise.

The doubts go with the load's record, so that `doctor` keeps saying them while the load stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from staycurve.sources.mapping import Feed
from staycurve.tables.base import Column
from staycurve.tables.conform import Conforming, texts_sql, typed_sql, value_sql
from staycurve.tables.doubts import MONTHLY, Doubt, of_rows
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import quoted
from staycurve.tables.pointer import LoadRecord, undone_by
from staycurve.tables.staging import ROW
from staycurve.tables.subscriptions import SUBSCRIPTIONS

_SAYS_UTC = re.compile(r"(?i)(?<![a-z])utc(?![a-z])")
_ORDERS = ("iso", "dmy", "mdy")
LEAST_ROWS = 5
"""Fewer amounts do not tell how they are written."""


def doubts_of(
    engine: Engine, job: Conforming, feed: Feed, columns: Sequence[str], rejected: int
) -> list[Doubt]:
    """What the rows of one file look like.

    Parameters
    ----------
    columns : sequence of str
        The file's own headers.
    rejected : int
        How many rows break a rule: a date that does not fit its order is among them.
    """
    engine.execute(f"SET TimeZone = {quoted(job.timezone)}")
    try:
        found = [*(_orders(engine, job) if rejected else ()), *_in_utc(engine, job, feed, columns)]
        if job.table is SUBSCRIPTIONS:
            found += [*_without_interval(engine, job), *_whole_amounts(engine, job, feed)]
        return found
    finally:
        engine.execute("SET TimeZone = 'UTC'")


def standing_doubts(loads: Sequence[LoadRecord]) -> list[Doubt]:
    """The doubts of the loads that stand: neither taken back nor followed by the file again."""
    undone = undone_by(loads)
    last = {
        (record.file, record.table): record for record in loads
        if record.kind in ("load", "replace") and record.load not in undone
    }
    return [Doubt.of(told) for record in last.values() for told in record.details.get("doubts", ())]


def _instants(job: Conforming) -> list[Column]:
    return [
        column for column in job.table.columns
        if column.kind in ("instant", "day") and column.name in job.texts
        and column.name != "status_seen_at"
    ]


def _orders(engine: Engine, job: Conforming) -> Iterator[Doubt]:
    """Dates that do not fit the order that is stated, and all fit another one."""
    if job.writing.dates not in _ORDERS:
        return
    stated = job.writing.dates
    others = [order for order in _ORDERS if order != stated]
    for column in _instants(job):
        source = f"t_{column.name}"
        reads = ", ".join(
            f"COUNT({value_sql(column, source, replace(job.way(column.name), dates=order))})"
            for order in (stated, *others)
        )
        total, fits, *counts = engine.rows(
            f"SELECT COUNT({source}), {reads} FROM ({texts_sql(job)})"
        )[0]
        if fits == total:
            continue
        fitting = [o for o, count in zip(others, counts, strict=True) if count == total]
        for order in fitting:
            yield Doubt(
                f"dates_{column.name}",
                f"Dates of {column.name} that do not fit {stated}: {total - fits} of {total}. All "
                f"fit {order}, so {fits} may have day and month swapped.",
                f"--dates {order}   (or dates = \"{order}\" under [options] in the mapping)",
                total, 0.0,
            )


def _in_utc(
    engine: Engine, job: Conforming, feed: Feed, columns: Sequence[str]
) -> Iterator[Doubt]:
    """Instants without an offset under a header that speaks of UTC."""
    if job.timezone == "UTC" or job.writing.timezone:
        return
    headers = {
        ours: header for header in columns if _SAYS_UTC.search(header)
        for ours in feed.columns.get(header, (header,))
    }
    for column in _instants(job):
        if column.name not in headers or column.name in job.zones:
            continue
        source = f"t_{column.name}"
        count = engine.value(
            f"SELECT COUNT(*) FROM ({texts_sql(job)}) WHERE {source} LIKE '%:%' AND NOT "
            f"regexp_matches({source}, '(Z|UTC|GMT|[+-][0-9]{{2}}:?[0-9]{{0,2}})$')"
        )
        yield from of_rows(
            f"utc_{column.name}",
            f"Instants of {column.name} without an offset: {{count}}. The header "
            f"'{headers[column.name]}' speaks of UTC, and they are read in {job.timezone}.",
            '[options] timezone = "UTC" in the mapping (--map)', count, 0,
        )


def _without_interval(engine: Engine, job: Conforming) -> Iterator[Doubt]:
    """Rows without an interval in a file that has the column: sold once, perhaps."""
    if "interval" not in job.texts:
        return
    unsaid = f"({job.raw}) r WHERE ({job.where}) AND ({job.texts['interval']}) IS NULL"
    if not engine.value(f"SELECT COUNT(*) FROM {unsaid}"):
        return
    rows = f"SELECT {ROW} FROM {unsaid}"
    count, monthly = engine.rows(
        f"SELECT COUNT(*), SUM({MONTHLY}) FROM ({typed_sql(job)}) WHERE {ROW} IN ({rows})"
    )[0]
    yield from of_rows(
        "interval_unsaid",
        "Rows without an interval in a file that has the column: {count}; they count as monthly "
        "({mrr} a month). They are probably sold once.",
        '[defaults] interval in the mapping, or leave those rows out of the file', count, monthly,
    )


def _whole_amounts(engine: Engine, job: Conforming, feed: Feed) -> Iterator[Doubt]:
    """Monthly prices that all are whole numbers, such as 14900: minor units, perhaps."""
    money = [c for c in ("amount", "unit_amount") if c in job.texts]
    if job.writing.amounts != "major" or not money:
        return
    column = money[0]
    source = f"t_{column}"
    count, whole, usual, monthly = engine.rows(
        f"SELECT COUNT(*), COUNT(*) FILTER (WHERE regexp_full_match({source}, '[0-9]{{3,}}')), "
        f"COUNT(*) FILTER (WHERE right({source}, 2) IN ('00', '50', '90', '95', '99') "
        f"AND length({source}) >= 4), SUM(TRY_CAST({source} AS DOUBLE)) "
        f"FROM ({texts_sql(job)}) WHERE {source} IS NOT NULL AND {source} NOT IN ('0', '0.00') "
        "AND t_interval = 'month'"
    )[0]
    theirs = [header for header, ours in feed.columns.items() if column in ours]
    named = any(re.search(r"(?i)cents|minor|pence", header) for header in theirs)
    if (count >= LEAST_ROWS or named) and count and whole == count and (
        named or usual >= 0.9 * count
    ):
        yield from of_rows(
            "whole_amounts",
            f"Monthly prices in {column} that are whole numbers of four digits or more: "
            "{count} ({mrr} a month). They may be in minor units: 14900 would be 149.00.",
            '[options] amounts = "minor" in the mapping (--map)', count, monthly,
        )
