"""What one user or account did on the days of an activity reading, by day and feature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.shared.account_facts import Opened
from staycurve.insights.usage.activity import Asked, counted_sql
from staycurve.insights.usage.usage_segments import Row
from staycurve.tables.engine import quoted

ABOUT = N_("what was done on the 28 days, by day and feature")


def statement(asked: Asked, entity: str) -> str:
    """SQL of rows (account_id, day, feature, uses) of one user or account.

    They are the acts that `activity.top_statement` counts.
    """
    return f"""SELECT d.account_id, d.day, d.feature, CAST(SUM(d.uses) AS BIGINT) AS uses
{counted_sql(asked)} AND d.{asked.use.who} = {quoted(entity)}
GROUP BY d.account_id, d.day, d.feature
ORDER BY d.day DESC, uses DESC, d.feature, d.account_id"""


def known_statement(asked: Asked, entity: str) -> str:
    """SQL of how many times a user or an account is known at all."""
    table = "account_roots" if asked.use.whose == "account" else "users"
    own = f"{asked.use.whose}_id = {quoted(entity)}"
    return f"""SELECT CAST(SUM(many) AS BIGINT) AS many FROM (
    SELECT COUNT(*) AS many FROM {table} WHERE {own}
    UNION ALL SELECT COUNT(*) FROM usage_days WHERE {own}
) known"""


def uses(asked: Asked, entity: str, answer: Iterable[Sequence[Any]], *, sql: str) -> Opened:
    """The rows of `statement`, with what they come to: uses, active days and features."""
    own: Row = {} if asked.use.whose == "account" else {"user_id": entity}
    rows = [
        {**own, "account_id": account, "day": str(day), "feature": feature, "uses": count}
        for account, day, feature, count in answer
    ]
    total = {
        "uses": sum(row["uses"] for row in rows),
        "active_days": len({row["day"] for row in rows}),
        "features": len({row["feature"] for row in rows}),
    }
    return Opened(ABOUT, asked.use.as_of.at.isoformat(), rows, total, sql)
