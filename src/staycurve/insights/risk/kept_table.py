"""account_features: the features of every paying account at month ends and on the last day, kept.

A refresh brings the table up to date in its own unit of work (see `kept_refresh`). Whoever asks
reads the days that are kept, and computes the others: an answer is the same either way.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.config import Config
from staycurve.insights.risk.feature import Days
from staycurve.insights.risk.feature_table import blocks, features, features_sql
from staycurve.insights.risk.reads import BOOKS, Reads
from staycurve.insights.shared.reader import Reader
from staycurve.period import AsOf
from staycurve.tables import account_merges, views
from staycurve.tables.engine import AnyEngine, name
from staycurve.tables.kept_features import NAME

MONTHS = 60
"""Month ends that are kept: five years, more than any question looks back."""
PARTITION = "day"


def columns() -> list[tuple[str, str]]:
    """(name, SQL type) of every column."""
    return [
        ("account_id", "VARCHAR"), ("day", "DATE"), ("plan", "VARCHAR"), ("mrr", "BIGINT"),
        ("is_requested", "BIGINT"), ("days_unpaid", "BIGINT"),
        *((one, "DOUBLE") for one in features()),
    ]


def signature(config: Config) -> str:
    """Changes with everything in configuration and definitions that a value hangs on."""
    text = features_sql(config, [dt.date(2000, 1, 31)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def reads() -> list[Reads]:
    """The facts that features hang on, each once."""
    found = [*BOOKS, *(one for block in blocks().values() for one in block.reads)]
    return list(dict.fromkeys(found))


def reaching_all() -> set[Reads]:
    """Those of them that reach every account."""
    return {one for block in blocks().values() if block.of_all for one in block.reads} | {
        one for one in BOOKS if not one.account
    }


def undeclared(config: Config) -> set[str]:
    """Tables that the features read without saying what of them, and who accounts turned out to be.

    Where one of them changed, nobody knows which account and day it touches.
    """
    declared = {one.table for one in reads()} | {t for one in reads() for t in one.covers}
    text = features_sql(config, [dt.date(2000, 1, 31)])
    named = {table for table in views.stored_columns() if re.search(rf"\b{table}\b", text)}
    return (named - declared) | {account_merges.NAME}


def rests_on(config: Config) -> set[str]:
    """Every table that a value hangs on."""
    covered = {table for one in reads() for table in one.covers}
    known = set(views.stored_columns())
    return (undeclared(config) | {one.table for one in reads()} | covered) & known


def last_whole_day(seen: AsOf) -> dt.date:
    """The last local day that is seen to its end."""
    return seen.last_day if seen.is_whole else seen.last_day - dt.timedelta(days=1)


def wanted(engine: AnyEngine, seen: AsOf) -> list[dt.date]:
    """The days to keep, oldest first: month ends since somebody paid, and the last whole day."""
    last = last_whole_day(seen)
    first = engine.value(
        f"SELECT MIN(day) FROM mrr_movements WHERE after > 0 AND day <= DATE '{last}'"
    )
    if first is None:
        return []
    found = {last}
    day = last + dt.timedelta(days=1)
    while len(found) <= MONTHS:
        day = day.replace(day=1) - dt.timedelta(days=1)
        if day < first:
            break
        found.add(day)
    return sorted(found)


def kept_days(company: Reader) -> frozenset[dt.date]:
    """The days whose features are kept as the present snapshot has them."""
    snapshot = company.snapshot
    kept: Mapping[str, Any] = snapshot.meta.get(NAME) or {}
    if NAME not in snapshot.tables or kept.get("signature") != signature(company.config):
        return frozenset()
    # What was loaded since is not in it yet.
    if any(kept["seen"].get(t) != snapshot.tables.get(t) for t in rests_on(company.config)):
        return frozenset()
    return frozenset(dt.date.fromisoformat(day) for day in kept["days"])


def rows_sql(company: Reader, days: Days, *, accounts: str = "") -> str:
    """SQL of the features of some days, read where they are kept and computed where not.

    Its columns are those of `features_sql`, in any order of rows.

    Parameters
    ----------
    accounts : str
        A relation with `account_id`: these accounts alone.
    """
    kept = kept_days(company)
    stored = [day for day in days if day in kept]
    others = [day for day in days if day not in kept]
    listed = ", ".join(name(column) for column, _ in columns())
    parts = []
    if stored:
        held = company.lake.scan_parts(
            company.snapshot, NAME, columns(), [str(day) for day in stored]
        )
        chosen = f"AND account_id IN (SELECT account_id FROM {accounts})" if accounts else ""
        parts.append(
            f"SELECT {listed} FROM ({held}) k WHERE day IN ({days_sql(stored)}) {chosen}"
        )
    if others or not stored:
        computed = features_sql(company.config, others, accounts=accounts)
        parts.append(f"SELECT {listed} FROM ({computed}) c")
    return "\nUNION ALL\n".join(parts)


def days_sql(days: Sequence[dt.date]) -> str:
    """SQL of a list of days."""
    return ", ".join(f"DATE '{day}'" for day in days)
