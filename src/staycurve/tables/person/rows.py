"""Rows: which cells of a table's row a person's texts stand in, and what they become."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from staycurve.tables.person.terms import PERSON_COLUMNS, PERSONAL_KEYS, Terms, plain
from staycurve.tables.raw import RAW_TABLE, digest_of

JSON_COLUMNS = frozenset({
    "properties", "attributes", "body", "payload", "stored", "shown", "row_key", "details",
})
_OWN_TABLES = ("users", "identities", "traits")
"""Tables whose keys are a person's ids."""

Cells = Mapping[str, Any]


def cleaned(
    terms: Terms, table: str, row: Cells, *, is_own: bool = False
) -> dict[str, Any]:
    """The cells of a row that change, with what they become.

    Parameters
    ----------
    table : str
        The table, or the folder of it.
    row : mapping
        Column → its text; None where it is empty.
    is_own : bool
        Whether the row is known to be the person's.
    """
    is_own = is_own or _is_own(terms, table, row)
    found: dict[str, Any] = {}
    for column, value in row.items():
        if isinstance(value, str) and value:
            new = _cell(terms, table, column, value, row, is_own)
            if new != value:
                found[column] = new
    if table == RAW_TABLE and {"body", "parent"} & found.keys():
        found["digest"] = _digest(row, found)
    return found


def _digest(row: Cells, found: Cells) -> str | None:
    """Of the object as it is now: the same is known again when it is fetched again."""
    before = (str(row.get("body") or ""), str(row.get("parent") or ""))
    for is_deleted in (False, True):
        if row.get("digest") == digest_of(
            before[0].encode(), parent=before[1], is_deleted=is_deleted
        ):
            after = (str(found.get("body", before[0])), str(found.get("parent", before[1])))
            return digest_of(after[0].encode(), parent=after[1], is_deleted=is_deleted)
    return str(row.get("digest") or "")


def _is_own(terms: Terms, table: str, row: Cells) -> bool:
    if any(row.get(column) in terms.ids for column in PERSON_COLUMNS if row.get(column)):
        return True
    if row.get("table") in _OWN_TABLES and _named_by(terms, row.get("row_key")):
        return True
    if table == "users":
        return str(row.get("email") or "").lower() in terms.emails
    return table == "leads" and any(
        terms.is_named(one) for one in _object(row.get("attributes")).values()
    )


def _named_by(terms: Terms, row_key: object) -> bool:
    parts = _parsed(row_key)
    return isinstance(parts, list) and any(
        isinstance(one, str) and one in terms.ids for one in parts
    )


def _cell(
    terms: Terms, table: str, column: str, value: str, row: Cells, is_own: bool
) -> str | None:
    if column in PERSON_COLUMNS:
        return terms.id(value)
    if is_own and table == "users" and column in ("email", "name"):
        if column == "name":
            return None
        return terms.masked(value, terms.emails.get(value.lower(), ""))
    if table == "users" and column == "name":
        # Somebody else may be called the same.
        return value
    if is_own and table == "answers" and column == "comment":
        return None
    if table == "traits" and column == "value":
        return _trait(terms, str(row.get("trait") or ""), value, is_own)
    if column in JSON_COLUMNS:
        return _json(terms, table, column, value, row, is_own)
    if column == "value" and row.get("column") in PERSON_COLUMNS:
        return terms.id(value)
    if table == "accounts" and column == "name" and terms.text(value) != value:
        return terms.masked(value)
    return terms.text(value)


def _trait(terms: Terms, trait: str, value: str, is_own: bool) -> str:
    if is_own and (plain(trait) in PERSONAL_KEYS or plain(trait) == "name"):
        given = _parsed(value)
        if isinstance(given, str):
            return json.dumps(terms.masked(given, terms.emails.get(given.lower(), "")))
        return "null"
    return terms.json(value, is_own=is_own)


def _json(
    terms: Terms, table: str, column: str, value: str, row: Cells, is_own: bool
) -> str:
    of = str(row.get("table") or table)
    given = _parsed(value)
    if column in ("row_key", "shown") and of in _OWN_TABLES and isinstance(given, list):
        return json.dumps([terms.id(one) if isinstance(one, str) else one for one in given],
                          ensure_ascii=False, separators=(",", ":"))
    if column in ("payload", "stored") and isinstance(given, dict):
        changed = cleaned(terms, of, given, is_own=is_own)
        if not changed:
            return terms.json(value)
        text = json.dumps(given | changed, ensure_ascii=False, separators=(",", ":"))
        return terms.json(text)
    return terms.json(value, is_own=is_own, keeps_name=column == "properties")


def _object(text: object) -> dict[str, Any]:
    found = _parsed(text)
    return found if isinstance(found, dict) else {}


def _parsed(text: object) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
