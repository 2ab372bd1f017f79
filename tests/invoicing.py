"""Invoice lines put straight into an engine, and the spans that are derived from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from staycurve.config import parse
from staycurve.tables.base import STORED
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import empty_sql
from staycurve.tables.invoice_spans import INVOICE_SPANS
from staycurve.tables.mrr_items import MRR_ITEMS

Line = dict[str, Any]
LINES = CONFORMED["invoice_lines"]


@contextmanager
def engine_of(folder: Path) -> Iterator[Engine]:
    """An engine in which every other table that spans rest on is empty."""
    with Engine(folder) as engine:
        for table in ("subscriptions", "plans", "payments", "accounts"):
            engine.view(table, empty_sql(CONFORMED[table].stored))
        yield engine


def line(number: object, start: str, end: str, amount: object, **other: Any) -> Line:
    """One line of one item; `other` replaces its columns."""
    return {
        "line_id": str(number), "invoice_id": f"i{start}", "account_id": "a",
        "subscription_id": "s", "plan": "Pro", "period_start": start, "period_end": end,
        "amount": str(amount), **other,
    }


def stored(row: Mapping[str, Any], zone: str = "UTC") -> tuple[Any, ...]:
    """A line as the lake keeps it."""
    found: list[Any] = []
    for column in LINES.columns:
        value = row.get(column.name)
        text = str(value) if value not in (None, "") else column.default
        if column.name == "currency":
            text = text or "USD"
        if column.kind == "instant":
            at = None if text is None else dt.datetime.fromisoformat(text)
            local = at if at is None or at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))
            found += [
                local and local.astimezone(dt.UTC).replace(tzinfo=None),
                local and local.astimezone(ZoneInfo(zone)).date(),
            ]
        elif text is None:
            found.append(None)
        elif column.kind == "money":
            found.append(int(Decimal(text) * 10**6))
        elif column.kind == "boolean":
            found.append(text.lower() == "true")
        else:
            found.append(Decimal(text) if STORED[column.kind].startswith("DEC") else text)
    return (*found, 1, 1)


def spans(engine: Engine, rows: Sequence[Mapping[str, Any]], zone: str = "UTC") -> list[Line]:
    """The derived spans, in an order of their own."""
    engine.put("invoice_lines", LINES.stored, [stored(row, zone) for row in rows])
    names = [name for name, _ in INVOICE_SPANS.columns]
    listed = ", ".join(f'"{name}"' for name in names)
    sql = (
        f"SELECT {listed} FROM ({INVOICE_SPANS.statement(parse(''))}) s "
        "ORDER BY account_id, subscription_id, item_id, starts_at"
    )
    return [dict(zip(names, row, strict=True)) for row in engine.rows(sql)]


def monthly(engine: Engine, rows: Sequence[Mapping[str, Any]], days: Sequence[dt.date],
            conventions: str = "", zone: str = "UTC") -> list[int]:
    """MRR in micro-units at the close of each day, by the ledger's own statement."""
    found = spans(engine, rows, zone)
    columns = INVOICE_SPANS.columns
    engine.put("invoice_spans", columns, [tuple(one.values()) for one in found])
    accounts = sorted({row["account_id"] for row in rows})
    engine.put(
        "account_roots",
        (("account_id", "VARCHAR"), ("root_id", "VARCHAR"), ("is_excluded", "BOOLEAN")),
        [(one, one, False) for one in accounts],
    )
    engine.keep("items", MRR_ITEMS.statement(parse(f"[conventions]\n{conventions}")))
    listed = ", ".join(f"(DATE '{day}')" for day in days)
    return [int(row[0]) for row in engine.rows(
        f"SELECT coalesce(SUM(i.amount), 0) FROM (VALUES {listed}) d(day) LEFT JOIN items i "
        "ON i.starts_on <= d.day AND i.ends_on > d.day GROUP BY d.day ORDER BY d.day"
    )]
