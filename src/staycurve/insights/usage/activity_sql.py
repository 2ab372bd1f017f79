"""Whose activity is asked for, up to which day, and its SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from staycurve.errors import NotAnsweredError, UsageError
from staycurve.i18n import N_
from staycurve.insights.usage.sessions import Span
from staycurve.insights.usage.usage_acts import (
    acts_sql,
    days_sql,
    month_table,
    months_between_sql,
    own_sql,
    owned,
)
from staycurve.insights.usage.usage_question import ANY, Doing, UseQuestion
from staycurve.insights.usage.usage_segments import Cut, cut, listed_sql, order_of
from staycurve.insights.usage.usage_windows import masks
from staycurve.tables.usage_days import feature_sql, number_sql

DAYS = 28
WINDOWS = {"dau": 1, "wau": 7, "mau": 28}
"""The figures, and on how many days back from the last each counts."""
LABELS = {
    "dau": N_("active on the day"),
    "wau": N_("active on the 7 days to it"),
    "mau": N_("active on the 28 days to it"),
}

_ONE = dt.timedelta(days=1)


@dataclass(frozen=True)
class ActivityQuestion:
    """Whose activity is read, up to which local day.

    Attributes
    ----------
    day : date
        The last of the 28 days.
    top : int
        How many power users are listed.
    doing : Doing
        What is activity.
    """

    use: UseQuestion
    day: dt.date
    top: int = 20
    doing: Doing = ANY

    @property
    def is_from_months(self) -> bool:
        """Whether the month tables hold the answer: any activity, whoever tells its segment."""
        return self.doing.is_any and not self.use.told

    @property
    def first(self) -> dt.date:
        """The first of the 28 days."""
        return self.day - dt.timedelta(days=DAYS - 1)

    @property
    def is_open(self) -> bool:
        """Whether the last day is not seen whole."""
        seen = self.use.as_of
        return self.day > seen.last_day or (self.day == seen.last_day and not seen.is_whole)

    @property
    def span(self) -> Span:
        """The 28 days as sessions are read over them."""
        return Span(self.use, self.first, self.day, self.doing)


def check(asked: ActivityQuestion) -> None:
    """Raise for a day that is not seen, or a list of nobody."""
    if asked.day > asked.use.as_of.last_day:
        raise NotAnsweredError(
            f"{asked.day} lies after {asked.use.as_of.last_day}, the last day that is seen.",
            hint="Choose an earlier day, or a later --as-of.",
        )
    if asked.top < 1:
        raise UsageError("At least one power user is listed.", hint="Write for top: 20")


def statement(asked: ActivityQuestion) -> str:
    """SQL of rows (seg…, active_days, number, dau, wau, mau, dau0, wau0, mau0).

    Who was active on so many of the 28 days, and how many of them are in each window; those
    with 0 were active on the days before alone. `0` marks the same window right before.
    """
    ctes, cutting = _cut(asked)
    sums = ", ".join(
        f"CAST(SUM({name}) AS BIGINT) AS {name}" for name in windows_of(asked)
    )
    return f"""WITH {_joined((*ctes, *cutting.ctes))}
SELECT {_lead(cutting)}CAST(active_days AS BIGINT) AS active_days,
       CAST(COUNT(*) AS BIGINT) AS number, {sums}
FROM {cutting.name}
GROUP BY {_lead(cutting)}active_days
ORDER BY {order_of(asked.use, "active_days")}"""


def top_statement(asked: ActivityQuestion) -> str:
    """SQL of rows (entity, customer, active_days, uses, features, last_on) of the most active."""
    use = asked.use
    done = f"""done AS (
    SELECT d.{use.who} AS entity, MIN(d.account_id) AS account_id,
           COUNT(DISTINCT d.day) AS active_days, SUM(d.uses) AS uses,
           COUNT(DISTINCT d.feature) AS features, MAX(d.day) AS last_on
    FROM ({uses_sql(asked)}) d
    GROUP BY d.{use.who}
)"""
    columns = ("entity", "account_id", "active_days", "uses", "features", "last_on")
    cutting = cut(use.undivided().by_account(), "done", columns, day=f"DATE '{asked.day}'")
    top = f"""top AS (
    SELECT * FROM (
        SELECT DISTINCT {", ".join(columns)} FROM {cutting.name}
    ) named ORDER BY active_days DESC, uses DESC, entity LIMIT {asked.top}
)"""
    named = "".join(
        f", CAST(b.{column} AS BIGINT) AS {column}" for column in columns[2:5]
    )
    return f"WITH {_joined((done, *cutting.ctes, top))}\n" + listed_sql(
        use, "top", f"{named}, b.last_on", "active_days DESC, uses DESC"
    )


def uses_sql(asked: ActivityQuestion) -> str:
    """Rows (user_id, account_id, day, feature, uses) of the acts of the 28 days that count."""
    use = asked.use.undivided()
    test = None if use.told else asked.doing.day_test(use.config)
    if test is not None:
        return f"""SELECT d.user_id, d.account_id, d.day, d.feature, d.uses FROM usage_days d
    WHERE {test} AND d.{use.who} IS NOT NULL AND {_days(asked)}"""
    feature, count = feature_sql(use.config), use.config.behaviour.usage.count
    acts = acts_sql(
        use, is_told=True, columns=(
            f"e.user_id, e.occurred_on AS day, {feature} AS feature, "
            f"{number_sql(count, default='1')} AS uses"
        ),
        where=(
            f"{asked.doing.test(use.config)} AND e.occurred_on >= DATE '{asked.first}' "
            f"AND e.occurred_on <= DATE '{asked.day}'"
        ),
    )
    return f"SELECT a.user_id, a.account_id, a.day, a.feature, a.uses FROM ({acts}) a"


def members_statement(
    asked: ActivityQuestion, *, least: int = 1, most: int = DAYS, figure: str = "mau"
) -> str:
    """SQL of rows (entity, customer, active_days) of who was active on so many days.

    Parameters
    ----------
    figure : str
        A key of WINDOWS: they were also active on its days.
    """
    ctes, cutting = _cut(asked)
    named = (
        f"named AS (SELECT DISTINCT entity, account_id, active_days FROM {cutting.name} "
        f"WHERE active_days >= {least} AND active_days <= {most} AND {figure} = 1)"
    )
    return f"WITH {_joined((*ctes, *cutting.ctes, named))}\n" + listed_sql(
        asked.use, "named", ", CAST(b.active_days AS BIGINT) AS active_days", "active_days DESC"
    )


def _joined(parts: Iterable[str]) -> str:
    return ",\n".join(parts)


def _lead(cutting: Cut) -> str:
    return f"{cutting.segs[2:]}, " if cutting.segs else ""


def _days(asked: ActivityQuestion) -> str:
    return f"d.day >= DATE '{asked.first}' AND d.day <= DATE '{asked.day}'"


def windows_of(asked: ActivityQuestion) -> dict[str, tuple[dt.date, dt.date]]:
    """Each window as `[start, end)`, and with a 0 behind its name the one right before."""
    end = asked.day + _ONE
    found = {}
    for name, size in WINDOWS.items():
        length = dt.timedelta(days=size)
        found[name] = (end - length, end)
        found[f"{name}0"] = (end - 2 * length, end - length)
    return found


def _cut(asked: ActivityQuestion) -> tuple[list[str], Cut]:
    """Up to one row of everybody active on the 56 days: active_days, dau, …"""
    use = asked.use
    windows = windows_of(asked)
    columns = ("entity", "account_id", "active_days", *windows)
    found = _from_months(asked, windows) if asked.is_from_months else _from_days(asked, windows)
    return found, cut(
        use.by_account(), "people", columns, day=f"DATE '{asked.day}'", own=own_sql(use)
    )


Spans = dict[str, tuple[dt.date, dt.date]]


def _from_days(asked: ActivityQuestion, windows: Spans) -> list[str]:
    """The relation people from the days on which it was done, by what its events tell."""
    use = asked.use
    start, end = windows["mau"]
    flags = ", ".join(
        f"MAX(CASE WHEN day >= DATE '{low}' AND day < DATE '{high}' THEN 1 ELSE 0 END) AS {name}"
        for name, (low, high) in windows.items()
    )
    within = f"day >= DATE '{start}' AND day < DATE '{end}'"
    days = days_sql(use, asked.doing, first=windows["mau0"][0], last=asked.day)
    return [f"""people AS (
    SELECT * FROM (
        SELECT entity{owned(use)}, MIN(account_id) AS account_id,
               COUNT(DISTINCT CASE WHEN {within} THEN day END) AS active_days, {flags}
        FROM ({days}) d GROUP BY entity{owned(use)}
    ) whole WHERE mau = 1 OR mau0 = 1
)"""]


def _from_months(asked: ActivityQuestion, windows: Spans) -> list[str]:
    """The relation people from the bits of the month tables."""
    use = asked.use
    first = windows["mau0"][0]
    cases = " ".join(
        f"WHEN month_on = DATE '{month}' THEN bit_count(days & CAST({mask} AS BIGINT))"
        for month, mask in masks(*windows["mau"])
    )
    flags = ", ".join(
        "MAX(CASE WHEN " + " OR ".join(
            f"(month_on = DATE '{month}' AND (days & CAST({mask} AS BIGINT)) <> 0)"
            for month, mask in masks(*window)
        ) + f" THEN 1 ELSE 0 END) AS {name}"
        for name, window in windows.items()
    )
    return [f"""months AS (
    SELECT m.{use.who} AS entity, m.month_on, MIN(m.account_id) AS account_id,
           bit_or(m.days) AS days
    FROM {month_table(use)} m
    WHERE {months_between_sql(first, asked.day)}
    GROUP BY m.{use.who}, m.month_on
)""", f"""people AS (
    SELECT * FROM (
        SELECT entity, MIN(account_id) AS account_id, SUM(CASE {cases} ELSE 0 END) AS active_days,
               {flags}
        FROM months GROUP BY entity
    ) whole WHERE mau = 1 OR mau0 = 1
)"""]
