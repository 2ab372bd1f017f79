"""Name, plan and owner of accounts: what every list of accounts says of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from staycurve.tables.engine import FAR, AnyEngine, quoted

NAMED = 1000
"""Accounts that a statement names one by one; for more it looks at all of them."""


@dataclass(frozen=True)
class Label:
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
    plans: dict[str, str | None] = dict(engine.rows(plans_sql(day, only=only(accounts))))
    where = only(accounts, "a.account_id")
    return {
        account: Label(name, plans.get(account), owner)
        for account, name, owner in engine.rows(
            f"SELECT a.account_id, a.name, a.owner FROM accounts a WHERE {where} "
            "ORDER BY a.account_id"
        )
    }


def only(accounts: Collection[str], column: str = "account_id") -> str:
    """SQL that is true for these accounts, or for all where they are many."""
    if len(accounts) > NAMED:
        return "1 = 1"
    return f"{column} IN ({', '.join(quoted(one) for one in sorted(accounts))})"


def plans_sql(day: dt.date, *, only: str = "1 = 1") -> str:
    """SQL of (account_id, plan): of the largest item in force on a day, or the last one before.

    An account that has churned keeps the plan that it left.
    """
    is_over = f"CASE WHEN coalesce(ends_on, {FAR}) > DATE '{day}' THEN {FAR} ELSE ends_on END"
    return f"""SELECT account_id, plan
FROM (
    SELECT account_id, plan, row_number() OVER (PARTITION BY account_id
               ORDER BY {is_over} DESC, amount DESC, subscription_id, coalesce(item_id, ''),
                        starts_at DESC) AS place
    FROM mrr_items
    WHERE starts_on <= DATE '{day}' AND {only}
) ranked WHERE place = 1"""
