"""Looking: what the rows of a staged file say themselves of how their columns are written."""

from __future__ import annotations

from dataclasses import replace

from staycurve.errors import LoadError
from staycurve.tables.base import Check, Column
from staycurve.tables.conform import Conforming, texts_sql, value_sql
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import quoted
from staycurve.tables.spelling import SIGNS

ORDERS = ("iso", "dmy", "mdy", "spreadsheet", "epoch")
_PLAUSIBLE = {
    # A number is a day or a second by its size: 45657 and 1735603200 are both the end of 2024.
    "spreadsheet": "TRY_CAST({0} AS DOUBLE) BETWEEN 20000 AND 80000",
    "epoch": "TRY_CAST({0} AS DOUBLE) >= 100000000",
}


def look(engine: Engine, job: Conforming, file: str) -> Conforming:
    """The job with what its rows say: the order of dates, and the sign beside amounts.

    Raises
    ------
    LoadError
        If the order of a column's dates is asked for (`dates = "auto"`), and none or several fit
        every row.
    """
    fed = [column for column in job.table.columns if column.name in job.texts]
    money = [column for column in fed if column.kind == "money"]
    if money:
        job = _signed(engine, job, money)
    if job.writing.dates == "auto":
        orders = {}
        for column in fed:
            if column.kind in ("instant", "day"):
                orders[column.name] = _order(engine, job, column, file)
        job = replace(job, orders=orders)
    return job


def _signed(engine: Engine, job: Conforming, money: list[Column]) -> Conforming:
    form = quoted(f"[{''.join(SIGNS)}]")
    asked = ", ".join(
        f"list_sort(list(DISTINCT nullif(regexp_extract(t_{column.name}, {form}), '')) "
        f"FILTER (WHERE regexp_matches(t_{column.name}, {form})))"
        for column in money
    )
    found = engine.rows(f"SELECT {asked} FROM ({texts_sql(job)})")
    signs: dict[str, str] = {}
    checks = list(job.checks)
    for column, held in zip(money, found[0], strict=True):
        if not held:
            continue
        source = f"t_{column.name}"
        if len(held) > 1:
            checks.append(Check(
                column.name, f"regexp_matches({source}, {form})",
                f"stands in a column with several currency signs ({' '.join(held)}); "
                "put the currency into a column of its own",
            ))
            continue
        sign = held[0]
        signs[column.name] = sign
        own = SIGNS[sign]
        if own:
            other = f"upper(t_currency) NOT IN ({', '.join(map(quoted, own))})"
        else:
            taken = sorted(code for codes in SIGNS.values() for code in codes)
            other = f"upper(t_currency) IN ({', '.join(map(quoted, taken))})"
        checks.append(Check(
            column.name, f"contains({source}, {quoted(sign)}) AND {other}",
            "has the sign of another currency than the row's; "
            "state it in a column, or in a mapping: [defaults] currency",
        ))
        checks.append(Check(
            column.name,
            f"{source} IS NOT NULL AND NOT (trim({source}, '+- ') LIKE {quoted(sign + '%')} "
            f"OR {source} LIKE {quoted('%' + sign)}) AND contains({source}, {quoted(sign)})",
            "has a currency sign that stands neither before nor after it",
        ))
    return replace(job, signs=signs, checks=tuple(checks))


def _order(engine: Engine, job: Conforming, column: Column, file: str) -> str:
    """The one order that fits every row of a column."""
    source = f"t_{column.name}"
    reads = {
        order: value_sql(column, source, replace(job.writing, dates=order)) for order in ORDERS
    }
    fits = {
        order: f"(v_{order} IS NOT NULL"
        + (f" AND {_PLAUSIBLE[order].format(source)})" if order in _PLAUSIBLE else ")")
        for order in ORDERS
    }
    layer = (
        f"SELECT {source}, {', '.join(f'{sql} AS v_{order}' for order, sql in reads.items())} "
        f"FROM ({texts_sql(replace(job, orders={column.name: 'iso'}))}) WHERE {source} IS NOT NULL"
    )
    asked = ", ".join(f"COUNT(*) FILTER (WHERE {sql})" for sql in fits.values())
    engine.execute(f"SET TimeZone = {quoted(job.timezone)}")
    try:
        total, *counts = engine.rows(f"SELECT COUNT(*), {asked} FROM ({layer})")[0]
        fitting = [order for order, count in zip(ORDERS, counts, strict=True) if count == total]
        if not total or "iso" in fitting:
            return "iso"
        if not fitting:
            best = max(counts)
            said = ", ".join(
                f"{order} fits {count}" for order, count in zip(ORDERS, counts, strict=True)
                if count
            ) or "none fits any"
            order = ORDERS[counts.index(best)]
            odd = engine.rows(f"SELECT {source} FROM ({layer}) WHERE NOT {fits[order]} LIMIT 3")
            raise LoadError(
                f"{file}: no one order of day and month fits all {total} dates of {column.name}: "
                f"{said}. Such as {', '.join(repr(row[0]) for row in odd)}.",
                hint="Correct these, or state how they are written: --dates dmy",
                file=file, column=column.name,
            )
        first, *others = fitting
        for other in others:
            apart = engine.rows(
                f"SELECT {source}, strftime(v_{first}, '%Y-%m-%d'), "
                f"strftime(v_{other}, '%Y-%m-%d') FROM ({layer}) "
                f"WHERE v_{first} <> v_{other} LIMIT 1"
            )
            if apart:
                text, one, two = apart[0]
                raise LoadError(
                    f"{file}: two orders fit every date of {column.name}: {text} is {one} as "
                    f"{first}, and {two} as {other}.",
                    hint=f"State which it is: --dates {first}   (or --dates {other})",
                    file=file, column=column.name,
                )
        return first
    finally:
        engine.execute("SET TimeZone = 'UTC'")
