"""Fill a project from the benchmark's Parquet files, without the loader's checks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from staycurve.money import half_even_sql
from staycurve.tables.base import Column, Table
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.engine import Engine, name, quoted
from staycurve.tables.stale import STALE_COLUMNS, STALE_TABLE
from staycurve.workspace import Company

TABLES = ("accounts", "fx_rates", "subscriptions")


def conformed_sql(table: Table, path: Path, found: Mapping[str, str], currency: str) -> str:
    """SQL of the rows of a typed Parquet file as the lake stores them; instants are UTC."""
    listed: list[str] = []
    for column in table.columns:
        listed += _stored(column, found, currency)
    if table.has_attributes:
        listed.append("CAST(NULL AS VARCHAR) AS attributes")
    listed += ["1 AS _load", "1 AS _line"]
    return f"SELECT {', '.join(listed)} FROM read_parquet({quoted(str(path))})"


def _stored(column: Column, found: Mapping[str, str], currency: str) -> list[str]:
    kinds = dict(column.stored)
    if column.name == "amount" and "amount" not in found:
        micro = "CAST({} * 1000000 AS HUGEINT)"
        product = f"({micro.format('quantity')} * {micro.format('unit_amount')})"
        return [f"{half_even_sql(product, '1000000')} AS amount"]
    if column.name not in found:
        default = currency if column.name == "currency" else column.default
        value = "NULL" if default is None else quoted(default)
        return [f"CAST({value} AS {kind}) AS {name(own)}" for own, kind in kinds.items()]
    scale = {"money": " * 1000000", "rate": " * 1000000000000"}.get(column.kind, "")
    source = f"CAST({name(column.name)} AS DECIMAL(36,12))" if scale else name(column.name)
    return [f"CAST({source}{scale} AS {kind}) AS {name(own)}" for own, kind in kinds.items()]


def fill(company: Company, folder: Path) -> None:
    """Load every file of `folder` that is named after a table into an empty project."""
    with company.lake.writing() as writing, Engine(company.folder / ".tmp") as engine:
        for table in TABLES:
            path = folder / f"{table}.parquet"
            if path.exists():
                made = CONFORMED[table]
                sql = _read(engine, made, path, company)
                writing.write(engine, table, made.stored, sql)
        if not (folder / "accounts.parquet").exists():
            bare = _bare_accounts(folder / "subscriptions.parquet")
            writing.write(engine, "accounts", CONFORMED["accounts"].stored, bare)
        writing.commit(now=company.clock())


def _bare_accounts(path: Path) -> str:
    empty = ", ".join(
        f"CAST(NULL AS {kind}) AS {name(column)}"
        for column, kind in CONFORMED["accounts"].stored
        if column not in ("account_id", "_load", "_line")
    )
    return (
        f"SELECT DISTINCT account_id, {empty}, 1 AS _load, 1 AS _line "
        f"FROM read_parquet({quoted(str(path))})"
    )


def change(company: Company, folder: Path) -> None:
    """Replace and add the spans of `folder`, and mark their accounts as stale."""
    made = CONFORMED["subscriptions"]
    with company.lake.writing() as writing, Engine(company.folder / ".tmp") as engine:
        sql = _read(engine, made, folder / "subscriptions.parquet", company)
        engine.execute(f"CREATE TEMP TABLE arriving AS {sql}")
        writing.replace(
            engine, made.name, made.stored, new="SELECT * FROM arriving", keys="arriving",
            key=made.key,
        )
        writing.append(
            engine, STALE_TABLE, STALE_COLUMNS,
            "SELECT DISTINCT account_id, 2 AS load FROM arriving",
        )
        writing.commit(now=company.clock())


def _read(engine: Engine, table: Table, path: Path, company: Company) -> str:
    described = engine.rows(f"DESCRIBE SELECT * FROM read_parquet({quoted(str(path))})")
    found = {str(row[0]): str(row[1]) for row in described}
    # An instant's local day is the UTC day: the benchmark's companies keep UTC.
    return conformed_sql(table, path, found, company.config.company.currency)
