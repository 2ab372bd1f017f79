"""The accounts and users behind each number of the feature report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.features import feature_retention
from staycurve.insights.features.feature_retention import Compared
from staycurve.insights.features.feature_use import (
    BREADTH_SQL,
    STATUSES,
    Asked,
    active_sql,
    listed,
    repeat_sql,
    standing_sql,
    used_sql,
    with_sql,
)
from staycurve.insights.shared.account_facts import Opened

Row = dict[str, Any]
Ask = Callable[[str], Sequence[Sequence[Any]]]
"""Statement → rows."""

PARTS: Mapping[str, str] = {
    "active": N_("accounts that were active in the period, and how many features each used"),
    **{status: N_("active accounts of this status") for status in STATUSES},
    "using": N_("active accounts that used it in the period"),
    **{f"using_{status}": N_("active accounts of this status that used it") for status in STATUSES},
    "breadth": N_("active accounts by how many features they used"),
    "before": N_("accounts that used it in the 28 days before the last 28"),
    "again": N_("those of them that used it again in the last 28 days"),
    "followed": N_("accounts that used it and paid at the start of a span, once a span"),
    "kept": N_("those of them that paid at the span's end"),
    "others": N_("accounts that did not use it and paid at the start of a span, once a span"),
    "others_kept": N_("those of them that paid at the span's end"),
}

USED_COLUMNS = ("uses", "users", "errors", "seconds")

_ALL = ("active", "breadth", *STATUSES)
_RETENTION = {"followed": (1, None), "kept": (1, 1), "others": (0, None), "others_kept": (0, 1)}


def check(feature: str, part: str, known: Sequence[str]) -> None:
    """Raise for a part or a feature that is not known, or a part that needs a feature."""
    if part not in PARTS:
        raise UnknownNameError("part", part, PARTS)
    if part in _ALL:
        return
    if not feature:
        raise UsageError(
            f"The part '{part}' is that of one feature.", hint=f"Without one: {', '.join(_ALL)}"
        )
    if feature not in known:
        raise UnknownNameError("feature", feature, known, hint="Known: staycurve features report")


def opened(
    asked: Asked, beside: Compared, feature: str, part: str, ask: Ask, *,
    breadth: int | None = None,
) -> Opened:
    """The accounts behind one number.

    Parameters
    ----------
    part : str
        A key of PARTS.
    breadth : int, optional
        With the part breadth: those that used so many features.
    """
    if breadth is not None and (part != "breadth" or breadth < 1):
        raise UsageError(
            "A number of features, from 1, is asked of the part 'breadth'.",
            hint="Write: --part breadth",
        )
    if part in _RETENTION:
        if not beside.spans:
            raise NotAnsweredError(
                f"Nobody's retention is known: {beside.why or 'no span was asked for'}.",
                hint="Ask for a period that has closed, or for fewer months: --months 1",
            )
        sql = feature_retention.accounts_statement(asked, beside.spans, feature)
        is_user, kept = _RETENTION[part]
        rows = [
            {"account_id": account, "base": str(base), "is_kept": bool(own),
             "size": size, "tenure": tenure, "plan": plan, "activity": activity}
            for account, base, used, own, size, tenure, plan, activity in ask(sql)
            if used == is_user and kept in (None, own)
        ]
    elif part in ("before", "again"):
        sql = _again(asked, feature, part)
        rows = [{"account_id": row[0]} for row in ask(sql)]
    else:
        sql = _using(asked, feature, part, breadth)
        own = USED_COLUMNS if part.startswith("using") else ("features",)
        rows = [
            dict(zip(("account_id", "status", *own), row, strict=True)) for row in ask(sql)
        ]
    total: Row = {"count": len(rows), "accounts": len({row["account_id"] for row in rows})}
    if part.startswith("using"):
        for name in ("uses", "users"):
            total[name] = sum(row[name] for row in rows)
    return Opened(PARTS[part], asked.question.as_of.at.isoformat(), rows, total, sql)


def _using(asked: Asked, feature: str, part: str, breadth: int | None) -> str:
    window = asked.window
    status = part.removeprefix("using_")
    test = f"s.status = '{status}'" if status in STATUSES else "1 = 1"
    relations = [active_sql(asked, window), used_sql(asked, window), standing_sql(asked, window)]
    if part.startswith("using"):
        columns = ", ".join(
            f"CAST(u.{name} AS BIGINT) AS {name}" for name in USED_COLUMNS
        )
        join = f"JOIN used u ON u.account_id = s.account_id AND u.feature IN ({listed([feature])})"
        order = "uses DESC, "
    else:
        relations.append(BREADTH_SQL)
        columns, order = "coalesce(b.features, 0) AS features", ""
        join = "LEFT JOIN breadth b ON b.account_id = s.account_id"
        if part == "breadth":
            join, order = join.removeprefix("LEFT "), "features DESC, "
            test = "1 = 1" if breadth is None else f"b.features = {breadth}"
    return f"""{with_sql(asked, window.last_seen, *relations)}
SELECT s.account_id, s.status, {columns}
FROM standing s {join}
WHERE {test}
ORDER BY {order}s.account_id"""


def _again(asked: Asked, feature: str, part: str) -> str:
    test = "was = 1 AND is_again = 1" if part == "again" else "was = 1"
    return f"""{repeat_sql(asked)}
SELECT account_id FROM again WHERE {test} AND feature IN ({listed([feature])})
ORDER BY account_id"""


def users(asked: Asked, feature: str, ask: Ask) -> Opened:
    """The users of one feature in the period, those who used it most first.

    An account's uses by nobody that is known are a row without a user.
    """
    window = asked.window
    sql = f"""{with_sql(asked, window.last_seen, active_sql(asked, window))}
SELECT u.account_id, u.user_id, CAST(SUM(u.uses) AS BIGINT) AS uses,
       CAST(COUNT(DISTINCT u.day) AS BIGINT) AS days, MAX(u.day) AS last_on
FROM usage_days u JOIN active a ON a.account_id = u.account_id
WHERE {window.days_sql("u.day")} AND u.feature IN ({listed([feature])})
GROUP BY u.account_id, u.user_id
ORDER BY uses DESC, u.account_id, u.user_id NULLS FIRST"""
    rows = [
        {"account_id": account, "user_id": user, "uses": uses, "days": days,
         "last_on": last.isoformat() if isinstance(last, dt.date) else last}
        for account, user, uses, days, last in ask(sql)
    ]
    known = [row for row in rows if row["user_id"] is not None]
    total = {"users": len(known), "uses": sum(row["uses"] for row in rows)}
    return Opened(
        N_("users of the feature in the period"), asked.question.as_of.at.isoformat(), rows,
        total, sql,
    )


def known_features(asked: Asked) -> str:
    """SQL of rows (feature): every feature that was ever used, as far as is seen."""
    last = asked.question.as_of.last_day
    return (
        f"SELECT DISTINCT feature FROM feature_months WHERE first_day <= DATE '{last}' "
        "ORDER BY feature"
    )
