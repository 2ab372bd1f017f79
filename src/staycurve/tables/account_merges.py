"""account_merges: accounts of one source that were found to be another's, and whose they are.

What is loaded stays as it came. Every relation that people ask reads it with the account that it
counts for, so that taking a merge back brings back what was before.
"""

from __future__ import annotations

from staycurve.tables.base import Table
from staycurve.tables.engine import name

NAME = "account_merges"
COLUMNS = (("account_id", "VARCHAR"), ("into_id", "VARCHAR"))

MOST = 8
"""Accounts that count for one: each may tell what the others do not, and all are looked through."""

_NAMING = ("account_id", "parent_id", "referred_by")
"""Columns that name an account."""


def names_accounts(table: Table) -> bool:
    """Whether rows of a conformed table name accounts."""
    return table.name == "traits" or any(column.name in _NAMING for column in table.columns)


def resolved(table: Table, rows: str, merges: str) -> str:
    """SQL of a conformed table's rows by the accounts that they count for.

    An account that counts for another is no row of `accounts`; what it tells and the other does
    not is told of the other.

    Parameters
    ----------
    rows, merges : str
        SQL of the stored rows.
    """
    if table.name == "accounts":
        return _accounts(table, rows, merges)
    listed, joins = _named(table, merges, "t")
    return f"SELECT {listed} FROM ({rows}) t {joins}"


def _named(table: Table, merges: str, alias: str) -> tuple[str, str]:
    """What a SELECT lists of a relation, and the joins that it takes."""
    columns, joins = [], []
    for column, _ in table.stored:
        own = f"{alias}.{name(column)}"
        if column in _NAMING or (table.name == "traits" and column == "subject_id"):
            joined = f"m_{column}"
            # An account is joined by its own id above; here are those that it names.
            also = f" AND {alias}.subject = 'account'" if column == "subject_id" else ""
            joins.append(f"LEFT JOIN ({merges}) {joined} ON {joined}.account_id = {own}{also}")
            columns.append(f"coalesce({joined}.into_id, {own}) AS {name(column)}")
        else:
            columns.append(own)
    return ", ".join(columns), " ".join(joins)


def _accounts(table: Table, rows: str, merges: str) -> str:
    others = [
        column for column, _ in table.stored
        if column not in ("account_id", "attributes") and not column.startswith("_")
    ]
    # The same order whatever the order of loading: by the ids of those that were merged.
    told = ", ".join(
        f"arg_min({name(c)}, nth) FILTER (WHERE {name(c)} IS NOT NULL) AS {name(c)}"
        for c in others
    )
    traits = ", ".join(
        f"MAX(CASE WHEN nth = {nth} THEN attributes END) AS traits_{nth}"
        for nth in range(1, MOST + 1)
    )
    found = "'{}'"
    for nth in range(MOST, 0, -1):
        found = f"json_merge_patch({found}, coalesce(f.traits_{nth}, '{{}}'))"
    found = f"json_merge_patch({found}, coalesce(a.attributes, '{{}}'))"
    columns = []
    for column, _ in table.stored:
        if column == "attributes":
            columns.append(
                "CASE WHEN f.into_id IS NULL THEN a.attributes "
                f"ELSE nullif(CAST({found} AS VARCHAR), '{{}}') END AS attributes"
            )
        elif column in others:
            columns.append(f"coalesce(a.{name(column)}, f.{name(column)}) AS {name(column)}")
        else:
            columns.append(f"a.{name(column)}")
    own = ", ".join(f"t.{name(column)}" for column, _ in table.stored)
    filled = (
        f"SELECT {', '.join(columns)} FROM (SELECT {own} FROM ({rows}) t "
        f"LEFT JOIN ({merges}) gone ON gone.account_id = t.account_id "
        f"WHERE gone.account_id IS NULL) a LEFT JOIN (SELECT into_id, {told}, {traits} FROM ("
        f"SELECT m.into_id, {own}, row_number() OVER (PARTITION BY m.into_id "
        f"ORDER BY m.account_id) AS nth FROM ({rows}) t JOIN ({merges}) m "
        "ON m.account_id = t.account_id) members GROUP BY into_id) f ON f.into_id = a.account_id"
    )
    columns = []
    for column, _ in table.stored:
        columns.append(
            # An account that referred, or is above, what it was merged with is none of its own.
            f"CASE WHEN coalesce(m_{column}.into_id, c.{column}) <> c.account_id "
            f"THEN coalesce(m_{column}.into_id, c.{column}) END AS {column}"
            if column in ("parent_id", "referred_by") else f"c.{name(column)}"
        )
    joins = " ".join(
        f"LEFT JOIN ({merges}) m_{column} ON m_{column}.account_id = c.{column}"
        for column in ("parent_id", "referred_by")
    )
    return f"SELECT {', '.join(columns)} FROM ({filled}) c {joins}"
