"""As of an instant inside a day: items cut there, and their movements netted anew."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from staycurve.config import Config
from staycurve.period import AsOf, day_start
from staycurve.tables.engine import AnyEngine
from staycurve.tables.mrr_items import MRR_ITEMS
from staycurve.tables.mrr_movements import MRR_MOVEMENTS


def needs_cut(engine: AnyEngine, seen: AsOf, zone: ZoneInfo) -> bool:
    """Whether an item begins or ends after the instant but within its local day."""
    if seen.is_whole:
        return False
    at = f"TIMESTAMP '{seen.at:%Y-%m-%d %H:%M:%S.%f}'"
    midnight = f"TIMESTAMP '{day_start(seen.last_day, zone):%Y-%m-%d %H:%M:%S.%f}'"
    day = f"DATE '{seen.last_day}'"
    return bool(
        engine.value(
            f"SELECT COUNT(*) FROM mrr_items WHERE (starts_on = {day} AND starts_at >= {at}) "
            f"OR (ends_on = {day} AND coalesce(ends_at, {midnight}) >= {at})"
        )
    )


def cut(engine: AnyEngine, config: Config, seen: AsOf) -> None:
    """Let mrr_items and mrr_movements be what they were at the instant."""
    at = f"TIMESTAMP '{seen.at:%Y-%m-%d %H:%M:%S.%f}'"
    day = f"DATE '{seen.last_day}'"
    # An end without an instant is a grace that ran out when its local day began.
    still_runs = f"(ends_on > {day} OR (ends_on = {day} AND ends_at >= {at}))"
    columns = ", ".join(
        f"CASE WHEN {still_runs} THEN NULL ELSE {column} END AS {column}"
        if column in ("ends_on", "ends_at", "end_class")
        else f'"{column}"'
        for column, _ in MRR_ITEMS.columns
    )
    engine.keep("items_then", f"SELECT {columns} FROM mrr_items WHERE starts_at < {at}")
    engine.view("mrr_items", "SELECT * FROM items_then")
    engine.keep("movements_then", MRR_MOVEMENTS.statement(config))
    engine.view("mrr_movements", "SELECT * FROM movements_then")
