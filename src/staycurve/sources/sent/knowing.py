"""Knowing: whose an id is, and what is known of users and accounts, in whatever order it arrives.

Of one trait the latest value holds, and one that was told only for a start gives way to any other.
An anonymous id is whose it was first: two people who share a browser stay two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from staycurve.sources.batches import Unreadable

Trait = tuple[str, str, str]
"""Subject, its id, and the trait's name."""
Value = tuple[bool, str, str]
"""Whether it was told outright, since when, and its JSON: the greatest holds."""

USER_COLUMNS = {
    "email": "email", "name": "name", "role": "role", "is_champion": "is_champion",
    "created_at": "created_at", "createdAt": "created_at", "account_id": "account_id",
}
ACCOUNT_COLUMNS = {
    "name": "name", "industry": "industry", "country": "country", "employees": "employees",
    "created_at": "created_at", "createdAt": "created_at", "channel": "channel", "owner": "owner",
}
_COLUMNS = {"user": USER_COLUMNS, "account": ACCOUNT_COLUMNS}
_TABLES = {"user": ("users", "user_id"), "account": ("accounts", "account_id")}


@dataclass
class Known:
    """What the lake knows of those of whom a request tells.

    Attributes
    ----------
    links : mapping
        (source, alias) → (since, user_id); `since` is an empty text where nobody knows.
    traits : mapping
        Trait → its value.
    owned : mapping
        User → account, as the users table has it.
    """

    links: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    traits: Mapping[Trait, Value] = field(default_factory=dict)
    owned: Mapping[str, str] = field(default_factory=dict)


def settled(
    links: Sequence[Sequence[str]], known: Known
) -> tuple[list[dict[str, str]], list[Unreadable]]:
    """Rows of `identities` that are new, and what was told of an id that is another's.

    The earliest holds, so that the order in which links arrive makes no difference.
    """
    best: dict[tuple[str, str], tuple[str, str]] = {}
    for source, alias, user, since in links:
        key = (source, alias)
        best[key] = min(best.get(key, (since, user)), (since, user))
    rows: list[dict[str, str]] = []
    for key, told in best.items():
        before = known.links.get(key)
        if before is None or told < before:
            rows.append(
                {"source": key[0], "alias": key[1], "user_id": told[1], "since": told[0]}
            )
        else:
            best[key] = before
    refused: dict[str, Unreadable] = {}
    for source, alias, user, _ in links:
        since, owner = best[source, alias]
        # An id that is its own was parted by hand: what is told of it again changes nothing.
        if owner not in (user, alias):
            text = f"{alias} → {user}"
            when = f" since {since}" if since else ""
            refused[text] = Unreadable(text, f"is {owner}'s{when}: it stays theirs")
    return rows, list(refused.values())


def partial_rows(
    traits: Sequence[Sequence[Any]], known: Known
) -> dict[str, list[dict[str, Any]]]:
    """Table → what is known now of each subject that the traits tell of."""
    latest: dict[Trait, Value] = dict(known.traits)
    touched: dict[tuple[str, str], None] = {}
    for subject, subject_id, trait, value, since, is_initial in traits:
        key, told = (subject, subject_id, trait), value_of(value, since, is_initial=is_initial)
        latest[key] = max(latest.get(key, told), told)
        if subject in _TABLES:
            touched[subject, subject_id] = None
    by_subject: dict[tuple[str, str], dict[str, str]] = {}
    for (subject, subject_id, trait), (is_outright, _, value) in latest.items():
        if (subject, subject_id) not in touched:
            continue
        if trait == "account_id" and not is_outright and subject_id in known.owned:
            continue
        by_subject.setdefault((subject, subject_id), {})[trait] = value
    found: dict[str, list[dict[str, Any]]] = {table: [] for table, _ in _TABLES.values()}
    for (subject, subject_id), own in by_subject.items():
        table, key_column = _TABLES[subject]
        found[table].append({key_column: subject_id, **_row(own, _COLUMNS[subject])})
    return found


def value_of(value: str, since: str, *, is_initial: bool) -> Value:
    """A value as it compares with others of its trait.

    Of those that were told only for a start the earliest holds: its instant counts backwards.
    """
    if not is_initial:
        return (True, since, value)
    return (False, "".join(chr(0x10FFFF - ord(sign)) for sign in since), value)


def _row(traits: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for trait, text in sorted(traits.items()):
        value = orjson.loads(text)
        column = columns.get(trait)
        if trait == "account_id" and column is None:
            continue
        if column is None:
            attributes[trait] = None if value is None else _attribute(value)
        elif _fits(column, value):
            row[column] = value
    if attributes:
        row["attributes"] = orjson.dumps(attributes).decode()
    return row


def _attribute(value: Any) -> str:
    """A value as attributes of files are kept: as text."""
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _fits(column: str, value: Any) -> bool:
    """Whether a column can hold it: what does not fit stays in the history alone."""
    from staycurve.sources.sent.sound import BadEventError, instant_of

    if column == "created_at":
        try:
            return instant_of(value) is not None and isinstance(value, str)
        except BadEventError:
            return False
    if column == "is_champion":
        return isinstance(value, bool)
    if column == "employees":
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9
    return isinstance(value, str) and bool(value.strip())
