"""Name, plan and owner of accounts: what every list of accounts says of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import NamedTuple

from staycurve.tables.engine import FAR, AnyEngine, quoted

NAMED = 20_000
"""Accounts that a statement names one by one; for more it looks at all of them. Of 200,000 accounts
ten thousand by name cost half of what all of them do; fifty thousand cost more."""


class Label(NamedTuple):
    """What a list says of one account."""

    name: str | None = None
    plan: str | None = None
    owner: str | None = None


NOBODY = Label()


def labels_of(
    engine: AnyEngine, accounts: Collection[str], day: dt.date
) -> Mapping[str, Label]:
    """Account → its label, the plan as of the close of a day."""
    if not accounts:
        return {}
    accounts = frozenset(accounts)
    # The accounts are named once: ten thousand of them take a tenth of a second to be read.
    sql = f"""WITH picked AS (
    SELECT a.account_id, a.name, a.owner FROM accounts a WHERE {only(accounts, "a.account_id")}
)
SELECT p.account_id, p.name, r.plan, p.owner
FROM picked p
LEFT JOIN ({plans_sql(day, of="picked")}) r ON r.account_id = p.account_id
ORDER BY p.account_id"""
    return {line[0]: Label(*line[1:]) for line in engine.rows(sql) if line[0] in accounts}


def only(accounts: Collection[str], column: str = "account_id") -> str:
    """SQL that is true for these accounts, or for all where they are many."""
    if len(accounts) > NAMED:
        return "1 = 1"
    return f"{column} IN ({', '.join(quoted(one) for one in sorted(accounts))})"


def plans_sql(day: dt.date, *, of: str) -> str:
    """SQL of (account_id, plan): of the largest item in force on a day, or the last one before.

    An account that has churned keeps the plan that it left.

    Parameters
    ----------
    of : str
        A relation whose accounts alone are looked at.
    """
    is_over = f"CASE WHEN coalesce(i.ends_on, {FAR}) > DATE '{day}' THEN {FAR} ELSE i.ends_on END"
    return f"""SELECT account_id, plan
FROM (
    SELECT i.account_id, i.plan, row_number() OVER (PARTITION BY i.account_id
               ORDER BY {is_over} DESC, i.amount DESC, i.subscription_id,
                        coalesce(i.item_id, ''), i.starts_at DESC) AS place
    FROM mrr_items i
    JOIN {of} o ON o.account_id = i.account_id
    WHERE i.starts_on <= DATE '{day}'
) ranked WHERE place = 1"""
