"""As of an instant inside a day: items cut there, and their movements netted anew."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from staycurve.config import Config
from staycurve.period import AsOf, day_start
from staycurve.tables.engine import AnyEngine, name, timestamp
from staycurve.tables.events import EVENTS
from staycurve.tables.lake import Lake
from staycurve.tables.mrr_items import MRR_ITEMS
from staycurve.tables.mrr_movements import MRR_MOVEMENTS
from staycurve.tables.pointer import Snapshot
from staycurve.tables.usage_days import USAGE_DAYS
from staycurve.tables.usage_months import (
    ACCOUNT_MONTHS,
    FEATURE_MONTHS,
    OVER_ALL,
    USER_MONTHS,
)
from staycurve.tables.views import seen_sql


def needs_cut(engine: AnyEngine, seen: AsOf, zone: ZoneInfo) -> bool:
    """Whether an item begins or ends after the instant but within its local day."""
    if seen.is_whole:
        return False
    at = timestamp(seen.at)
    midnight = timestamp(day_start(seen.last_day, zone))
    day = f"DATE '{seen.last_day}'"
    return bool(
        engine.value(
            f"SELECT COUNT(*) FROM mrr_items WHERE (starts_on = {day} AND starts_at >= {at}) "
            f"OR (ends_on = {day} AND coalesce(ends_at, {midnight}) >= {at})"
        )
    )


def cut(engine: AnyEngine, config: Config, seen: AsOf) -> None:
    """Let mrr_items and mrr_movements be what they were at the instant."""
    at = timestamp(seen.at)
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


def needs_usage_cut(engine: AnyEngine, seen: AsOf, lake: Lake, snapshot: Snapshot) -> bool:
    """Whether something was done after the instant but within its local day."""
    if seen.is_whole or not lake.files(snapshot, EVENTS.name):
        return False
    held = lake.scan_parts(snapshot, EVENTS.name, EVENTS.stored, [str(seen.last_day)])
    return bool(
        engine.value(
            f"SELECT COUNT(*) FROM ({held}) e WHERE occurred_on = DATE '{seen.last_day}' "
            f"AND occurred_at >= {timestamp(seen.at)}"
        )
    )


def cut_usage(
    engine: AnyEngine, config: Config, seen: AsOf, lake: Lake, snapshot: Snapshot
) -> None:
    """Let events and the usage tables be what they were at the instant, up to its month's end."""
    day, month = f"DATE '{seen.last_day}'", f"DATE '{seen.last_day.replace(day=1)}'"
    then = f"occurred_at < {timestamp(seen.at)}"
    held = lake.scan_parts(snapshot, EVENTS.name, EVENTS.stored, [str(seen.last_day)])
    held = seen_sql(lake, snapshot, EVENTS.name, held)
    engine.view("events", f"SELECT * FROM ({held}) e WHERE occurred_on = {day} AND {then}")
    engine.keep("usage_then", USAGE_DAYS.statement(config))
    every = lake.scan(snapshot, EVENTS.name, EVENTS.stored)
    every = seen_sql(lake, snapshot, EVENTS.name, every)
    engine.view("events", f"SELECT * FROM ({every}) e WHERE {then}")

    columns = ", ".join(name(column) for column, _ in USAGE_DAYS.columns)
    before = lake.scan(snapshot, USAGE_DAYS.name, USAGE_DAYS.columns)
    after = f"UNION ALL SELECT {columns} FROM usage_then"
    whole = f"SELECT {columns} FROM ({before}) u WHERE day < {day} {after}"
    engine.view(
        "usage_days",
        f"SELECT {columns} FROM ({before}) u WHERE day >= {month} AND day < {day} {after}",
    )
    for table in (USER_MONTHS, ACCOUNT_MONTHS, FEATURE_MONTHS):
        key, known = OVER_ALL.get(table.name, ("", {}))
        own = ", ".join(f"m.{name(c)}" for c, _ in table.columns if c not in known)
        join = ""
        if key:
            # A first day or a second account after the instant lies in days that are not asked.
            engine.keep(
                "known_then",
                f"SELECT {key}, {', '.join(f'MIN({c}) AS {c}' for c in known)} "
                f"FROM {table.name} GROUP BY {key}",
            )
            own += "".join(f", f.{column}" for column in known)
            join = f"LEFT JOIN known_then f ON f.{key} = m.{key}"
        listed = ", ".join(name(column) for column, _ in table.columns)
        engine.keep(
            f"{table.name}_then",
            f"SELECT {listed} FROM {table.name} WHERE month_on < {month} UNION ALL "
            f"SELECT {own} FROM ({table.statement(config)}) m {join}",
        )
        engine.view(table.name, f"SELECT * FROM {table.name}_then")
    engine.view("usage_days", whole)
