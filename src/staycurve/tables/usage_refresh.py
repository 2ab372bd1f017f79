"""Usage refresh: the usage tables of the days that changed, and of the months they lie in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.config import Config
from staycurve.tables import people
from staycurve.tables.account_roots import ACCOUNT_ROOTS
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.derived import Derived
from staycurve.tables.engine import AnyEngine, empty_sql, name, quoted
from staycurve.tables.events import EVENTS
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import Snapshot
from staycurve.tables.stale import STALE_DAYS_COLUMNS, STALE_DAYS_TABLE
from staycurve.tables.usage_days import USAGE_DAYS
from staycurve.tables.usage_months import FEATURE_MONTHS, OVER_ALL
from staycurve.tables.views import USAGE, by_person_sql, create_one, seen_sql
from staycurve.tables.writing import Writing

USAGE_VERSION = 2
"""Grows when a statement of a usage table changes its meaning: then all of it is computed."""

def full_reason(meta: Mapping[str, Any], tables: Mapping[str, int], config: Config) -> str:
    """Why all of the usage tables must be computed, or nothing."""
    if not all(table in tables for table in (*USAGE, people.NAME)):
        return "first refresh"
    if meta.get("usage", {}).get("version") != USAGE_VERSION:
        return "the definitions changed with this version"
    if meta.get("usage", {}).get("hash") != config.usage_hash:
        return "staycurve.toml changed"
    return ""


def is_due(lake: Lake, snapshot: Snapshot, config: Config) -> bool:
    """Whether a refresh of the usage tables has anything to do."""
    return bool(full_reason(snapshot.meta, snapshot.tables, config)) or (
        lake.rows(snapshot, STALE_DAYS_TABLE) > 0
    )


def refresh(
    engine: AnyEngine, config: Config, writing: Writing, *, is_full: bool
) -> dict[str, object]:
    """Compute what changed, or everything; returns what it was made of.

    account_roots is up to date when this is called.
    """
    is_all = is_full or bool(full_reason(writing.meta, writing.tables, config))
    _refresh_people(engine, writing, is_all=is_all)
    if is_all:
        _all(engine, config, writing)
    else:
        days = _stale_days(engine, writing)
        if days:
            _some(engine, config, writing, days)
    if writing.files(STALE_DAYS_TABLE) or STALE_DAYS_TABLE not in writing.tables:
        writing.write(
            engine, STALE_DAYS_TABLE, STALE_DAYS_COLUMNS, empty_sql(STALE_DAYS_COLUMNS)
        )
    return {
        "version": USAGE_VERSION,
        "hash": config.usage_hash,
        "roots": writing.tables.get("account_roots"),
        "users": writing.tables.get("users"),
        "identities": writing.tables.get("identities"),
    }


def _refresh_people(engine: AnyEngine, writing: Writing, *, is_all: bool) -> None:
    """Bring `people` up to date, and leave the ids that are another's now in `moved_ids`."""
    before = writing.meta.get("usage", {})
    rests_on = ("identities", "users")
    engine.keep("moved_ids", empty_sql((("alias", "VARCHAR"),)))
    is_same = all(
        table in before and before[table] == writing.tables.get(table) for table in rests_on
    )
    has_none = not writing.files("identities") and not writing.files(people.NAME)
    if not is_all and (is_same or (has_none and people.NAME in writing.tables)):
        return
    people.compute(engine, "new_people")
    if is_all or people.NAME not in writing.tables:
        writing.write(
            engine, people.NAME, people.COLUMNS, "SELECT * FROM new_people", order="alias"
        )
    else:
        scan = writing.scan(people.NAME, people.COLUMNS)
        engine.keep("old_people", f"SELECT * FROM ({scan}) p")
        engine.keep("moved_ids", """
            SELECT alias FROM (
                (SELECT alias, user_id FROM old_people EXCEPT SELECT alias, user_id FROM new_people)
                UNION ALL
                (SELECT alias, user_id FROM new_people EXCEPT SELECT alias, user_id FROM old_people)
            ) moved
        """)
        if engine.value("SELECT COUNT(*) FROM moved_ids"):
            writing.update(
                engine, people.NAME, people.COLUMNS, new="SELECT * FROM new_people", key="alias"
            )
        engine.drop("old_people")
    engine.drop("new_people")
    create_one(engine, people.NAME, writing.scan(people.NAME, people.COLUMNS))
    held = writing.scan(EVENTS.name, EVENTS.stored)
    create_one(engine, EVENTS.name, seen_sql(writing.lake, writing.now_seen, EVENTS.name, held))


def _stale_days(engine: AnyEngine, writing: Writing) -> list[str]:
    """Days whose events changed, or belong to another customer now."""
    stale = writing.scan(STALE_DAYS_TABLE, STALE_DAYS_COLUMNS)
    found = {str(row[0]) for row in engine.rows(f"SELECT DISTINCT occurred_on FROM ({stale})")}
    if engine.value("SELECT COUNT(*) FROM moved_ids") and writing.files(EVENTS.name):
        held = writing.scan_history(EVENTS.name, EVENTS.stored)
        found |= {str(row[0]) for row in engine.rows(
            f"SELECT DISTINCT occurred_on FROM ({held}) e "
            "WHERE coalesce(user_id, anonymous_id) IN (SELECT alias FROM moved_ids)"
        )}
    accounts, users = _moved_accounts(writing), _moved_users(writing)
    if not (accounts or users) or not writing.files(EVENTS.name):
        return sorted(found)
    engine.keep("moved_accounts", accounts or "SELECT account_id FROM accounts WHERE 1 = 0")
    engine.keep("moved_users", users or "SELECT user_id FROM users WHERE 1 = 0")
    # Accounts that were merged, or are no longer, have events under their own ids.
    held = by_person_sql(
        writing.lake, writing.now_seen, writing.scan_history(EVENTS.name, EVENTS.stored)
    )
    known = writing.scan("users", CONFORMED["users"].stored)
    # An event that names its user alone goes where the user's account goes.
    found |= {
        str(row[0])
        for row in engine.rows(f"""
            SELECT DISTINCT occurred_on FROM ({held}) e
            WHERE account_id IN (SELECT account_id FROM moved_accounts)
               OR (account_id IS NULL AND user_id IN (
                   SELECT user_id FROM moved_users
                   UNION SELECT user_id FROM ({known}) u
                   WHERE account_id IN (SELECT account_id FROM moved_accounts)))
        """)
    }
    for relation in ("moved_accounts", "moved_users"):
        engine.drop(relation)
    return sorted(found)


def _moved_accounts(writing: Writing) -> str:
    """SQL of accounts that belonged to another customer, or counted otherwise, before."""
    before = writing.meta.get("usage", {}).get("roots")
    if before == writing.tables.get(ACCOUNT_ROOTS.name):
        return ""
    gone, come = writing.lake.difference(
        before, writing.tables.get(ACCOUNT_ROOTS.name), ACCOUNT_ROOTS.name, ACCOUNT_ROOTS.columns
    )
    # What is not known stands for itself and counts: so does most of what is new.
    return f"""SELECT account_id FROM (({gone}) EXCEPT ({come})) left_as_it_was
        UNION SELECT account_id FROM (({come}) EXCEPT ({gone})) came_otherwise
        WHERE root_id <> account_id OR is_excluded"""


def _moved_users(writing: Writing) -> str:
    """SQL of users that belong to another account than before, or to one for the first time."""
    before = writing.meta.get("usage", {}).get("users")
    if before == writing.tables.get("users"):
        return ""
    stored = CONFORMED["users"].stored
    gone, come = (
        f"SELECT user_id, account_id FROM ({rows}) r"
        for rows in writing.lake.difference(before, writing.tables.get("users"), "users", stored)
    )
    return f"""SELECT user_id FROM ({gone} EXCEPT {come}) g
        UNION SELECT user_id FROM ({come} EXCEPT {gone}) c"""


def _all(engine: AnyEngine, config: Config, writing: Writing) -> None:
    for table in USAGE.values():
        sql = table.statement(config)
        if table.name in OVER_ALL:
            key, columns = OVER_ALL[table.name]
            engine.keep("month_rows", sql)
            sql = (
                f"SELECT m.*, {', '.join(f'f.{column}' for column in columns)} FROM month_rows m "
                f"JOIN (SELECT {key}, {', '.join(columns.values())} FROM month_rows "
                f"GROUP BY {key}) f ON f.{key} = m.{key}"
            )
        writing.write(
            engine, table.name, table.columns, sql, partition=table.partition, order=_order(table)
        )
        engine.drop("month_rows")
        create_one(engine, table.name, writing.scan(table.name, table.columns))


def _order(table: Derived) -> str:
    """Months lie by account: who asks for one account then reads a few of a month's rows."""
    return "day" if table is USAGE_DAYS else table.order


def _some(engine: AnyEngine, config: Config, writing: Writing, days: Sequence[str]) -> None:
    listed = ", ".join(f"DATE {quoted(day)}" for day in days)
    held = writing.lake.scan_parts(writing.now_seen, EVENTS.name, EVENTS.stored, days)
    held = seen_sql(writing.lake, writing.now_seen, EVENTS.name, held)
    create_one(engine, "events", f"SELECT * FROM ({held}) d WHERE occurred_on IN ({listed})")
    writing.write_days(
        engine, USAGE_DAYS.name, USAGE_DAYS.columns, USAGE_DAYS.statement(config),
        partition=USAGE_DAYS.partition, days=days,
    )
    months = sorted({f"{day[:7]}-01" for day in days})
    seen = writing.lake.scan_parts(
        writing.now_seen, USAGE_DAYS.name, USAGE_DAYS.columns, months
    )
    create_one(engine, USAGE_DAYS.name, seen)
    _replace(engine, writing, FEATURE_MONTHS.name, FEATURE_MONTHS.statement(config), months)
    for table in OVER_ALL:
        _replace_over_all(engine, config, writing, table, months)
    for one in USAGE.values():
        create_one(engine, one.name, writing.scan(one.name, one.columns))
    create_one(engine, EVENTS.name, writing.scan(EVENTS.name, EVENTS.stored))


def _replace(
    engine: AnyEngine, writing: Writing, table: str, sql: str, parts: Sequence[str]
) -> None:
    own = USAGE[table]
    writing.write_parts(
        engine, table, own.columns, sql, partition=own.partition, days=parts, order=_order(own)
    )


def _replace_over_all(
    engine: AnyEngine, config: Config, writing: Writing, table: str, months: Sequence[str]
) -> None:
    """Replace months whose rows know something of all months, and others in which that changed."""
    listed = ", ".join(f"DATE {quoted(month)}" for month in months)
    own = USAGE[table]
    key, columns = OVER_ALL[table]
    every = writing.scan(table, own.columns)
    engine.keep("month_rows", own.statement(config))
    engine.keep(
        "touched_keys",
        f"SELECT DISTINCT {key} FROM (SELECT {key} FROM month_rows UNION ALL "
        f"SELECT {key} FROM ({every}) m WHERE month_on IN ({listed})) k",
    )
    used = list(dict.fromkeys(("account_id", key, "first_day")))
    engine.keep(
        "others",
        f"SELECT month_on, {', '.join((*used, *columns))} FROM ({every}) m "
        f"WHERE month_on NOT IN ({listed}) AND {key} IN (SELECT {key} FROM touched_keys)",
    )
    engine.keep(
        "known_now",
        f"SELECT {key}, {', '.join(columns.values())} FROM (SELECT {', '.join(used)} "
        f"FROM month_rows UNION ALL SELECT {', '.join(used)} FROM others) a GROUP BY {key}",
    )
    differs = " OR ".join(f"f.{column} <> o.{column}" for column in columns)
    also = [
        str(row[0])
        for row in engine.rows(
            f"SELECT DISTINCT o.month_on FROM others o JOIN known_now f ON f.{key} = o.{key} "
            f"WHERE {differs}"
        )
    ]
    names = ", ".join(f"m.{name(column)}" for column, _ in own.columns if column not in columns)
    sql = (
        f"SELECT {names}, {', '.join(f'f.{column}' for column in columns)} FROM month_rows m "
        f"JOIN known_now f ON f.{key} = m.{key}"
    )
    if also:
        parts = writing.lake.scan_parts(writing.now_seen, table, own.columns, also)
        within = ", ".join(f"DATE {quoted(month)}" for month in also)
        known = ", ".join(f"coalesce(f.{column}, m.{column}) AS {column}" for column in columns)
        sql += (
            f" UNION ALL SELECT {names}, {known} FROM ({parts}) m "
            f"LEFT JOIN known_now f ON f.{key} = m.{key} WHERE m.month_on IN ({within})"
        )
    _replace(engine, writing, table, sql, [*months, *also])
    for relation in ("month_rows", "touched_keys", "others", "known_now"):
        engine.drop(relation)
