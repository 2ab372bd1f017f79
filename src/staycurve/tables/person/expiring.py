"""Expiring: what rows say of people is blanked when it is older than it may be kept.

Rows, ids and what is counted stay, so no number changes, and none has to be said to be unknown.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import name, quoted
from staycurve.tables.lake import Lake
from staycurve.tables.person.searching import Hit, Hits, files_of
from staycurve.tables.person.terms import EXPIRED, PERSONAL_KEYS, plain
from staycurve.tables.raw import RAW_TABLE
from staycurve.tables.rejects import REJECTED, REJECTS_TABLE

_BY = {
    # key of [retention] → table, instant, columns
    "events": ("events", "occurred_at", ("properties",)),
    "answers": ("answers", "answered_at", ("comment",)),
    "leads": ("leads", "created_at", ("attributes",)),
    "raw": (RAW_TABLE, "fetched_at", ("body",)),
}
_CONTACT = frozenset({"email", "emailaddress", "phone", "phonenumber", "mobile"})


def expired(
    engine: Engine, lake: Lake, cutoffs: Mapping[str, dt.datetime]
) -> Hits:
    """The rows of every version that say of people what is too old by `cutoffs`."""
    files = files_of(lake)
    found = Hits()
    for key, before in cutoffs.items():
        table, where, columns = (
            _rejected(lake, before) if key == "rejects"
            else (_BY[key][0], f"{name(_BY[key][1])} < TIMESTAMP '{before}'", _BY[key][2])
        )
        paths = files.get(table)
        if not paths:
            continue
        listed = ", ".join(quoted(path) for path in paths)
        texts = ", ".join(name(column) for column in columns)
        for file, number, *cells in engine.rows(
            f"SELECT filename, file_row_number, {texts} FROM read_parquet([{listed}], "
            "filename=true, file_row_number=true, union_by_name=true, hive_partitioning=false) "
            f"WHERE {where}"
        ):
            row = dict(zip(columns, cells, strict=True))
            changes = {
                column: new for column, value in row.items()
                if value and (new := _blanked(column, value)) != value
            }
            if changes:
                found.files.setdefault(str(file), []).append(
                    Hit(table, str(file), int(number), row, changes)
                )
    return found


def _rejected(lake: Lake, before: dt.datetime) -> tuple[str, str, tuple[str, ...]]:
    old = [
        str(record.load) for record in lake.pointer.loads()
        if dt.datetime.fromisoformat(record.loaded_at).astimezone(dt.UTC).replace(tzinfo=None)
        < before
    ]
    # A row that waits is a good one, and joins as it is.
    where = f"state = {quoted(REJECTED)} AND load IN ({', '.join(old) or 'NULL'})"
    return REJECTS_TABLE, where, ("value", "payload")


def _blanked(column: str, value: str) -> str | None:
    if column == "comment":
        return None
    if column in ("value", "payload"):
        return EXPIRED
    try:
        given = json.loads(value)
    except (ValueError, RecursionError):
        return value
    new = _without(given, has_name=column != "properties")
    return value if new == given else json.dumps(new, ensure_ascii=False, separators=(",", ":"))


def _without(value: Any, *, has_name: bool) -> Any:
    """A value out of JSON without what describes a person."""
    if isinstance(value, list):
        return [_without(one, has_name=has_name) for one in value]
    if not isinstance(value, dict):
        return value
    is_person = has_name and any(plain(key) in _CONTACT for key in value)
    return {
        key: _gone(one) if plain(key) in PERSONAL_KEYS or (is_person and plain(key) == "name")
        else _without(one, has_name=has_name)
        for key, one in value.items()
    }


def _gone(value: Any) -> Any:
    if value is None or value == "" or isinstance(value, bool):
        return value
    return EXPIRED if isinstance(value, str) else None
