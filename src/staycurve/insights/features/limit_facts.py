"""Statements of limits: how much of what its plan allows in a month each account has used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated
from zoneinfo import ZoneInfo

from staycurve.behaviour import Limit
from staycurve.config import Config
from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.base import Param
from staycurve.insights.features.feature_use import listed
from staycurve.insights.shared.account_facts import paying_sql, picked_sql, plans_sql, shared_sql
from staycurve.insights.shared.members import Question
from staycurve.insights.usage.usage_windows import Window, window_of
from staycurve.period import AsOf, day_start, month_index, month_start, period_of
from staycurve.tables.engine import FAR
from staycurve.tables.standing import spans_sql

MonthText = Annotated[
    str | None, Param(N_("A month, such as 2024-05; without it the as-of's."), metavar="P")
]


HALF = Fraction(1, 2)


def days_judged(tracked: Window, month: Month) -> int:
    """The first days of a closed month from which its end is projected."""
    size = (tracked.end - tracked.start).days
    return max(1, round(float(month.judged_at) * size))


@dataclass(frozen=True)
class Month:
    """A month, and how much of it has passed.

    Attributes
    ----------
    elapsed : Fraction
        Share of the month before the as-of, 0-1.
    """

    window: Window
    elapsed: Fraction

    @property
    def judged_at(self) -> Fraction:
        """The share of a closed month after which the projection is judged there.

        At most half: a projection from a month that is nearly over says what everybody sees.
        """
        return min(self.elapsed, HALF)

    @property
    def days_passed(self) -> float:
        """Days before the as-of."""
        return float(self.elapsed * (self.window.end - self.window.start).days)


def month_of(text: str | None, seen: AsOf, zone: ZoneInfo) -> Month:
    """The month that `text` names, or the one of the as-of; see `usage_windows.window_of`."""
    name = text or f"{period_of(seen.last_day, 'month').start:%Y-%m}"
    window = window_of(name, seen)
    if window.grain != "month":
        raise UsageError(
            f"{name} is not a month: an allowance is that of a month.", hint="Write: 2024-05"
        )
    begins, ends = day_start(window.start, zone), day_start(window.end, zone)
    passed = (min(seen.at, ends) - begins) / dt.timedelta(microseconds=1)
    whole = (ends - begins) / dt.timedelta(microseconds=1)
    return Month(window, Fraction(int(passed), int(whole)))


def limits_sql(limits: Iterable[Limit]) -> str:
    """The relation `allowed`: (feature, plan, allowance); plan '' is every plan."""
    rows = ", ".join(
        f"({listed([one.feature])}, {listed([one.plan])}, {one.allowance})" for one in limits
    )
    return (
        "allowed AS (SELECT feature, plan, MAX(CAST(allowance AS BIGINT)) AS allowance "
        f"FROM (VALUES {rows}) AS v(feature, plan, allowance) GROUP BY feature, plan)"
    )


def statement(asked: Question, month: Month, tracked: Sequence[Window] = ()) -> str:
    """SQL of rows (account_id, name, feature, plan, allowance, mrr, uses, and for each tracked
    month uses in its first days, see `days_judged`, and in all of it).
    """
    window = month.window
    day = window.last_seen
    features = listed(sorted({one.feature for one in asked.config.behaviour.limits}))
    months = "".join(
        f""",
       CAST(SUM(CASE WHEN {_days("u.day", one, month)} THEN u.uses ELSE 0 END) AS BIGINT) AS to{i},
       CAST(SUM(CASE WHEN {one.days_sql("u.day")} THEN u.uses ELSE 0 END) AS BIGINT) AS all{i}"""
        for i, one in enumerate(tracked)
    )
    shown = "".join(
        f", coalesce(u.to{i}, 0) AS to{i}, coalesce(u.all{i}, 0) AS all{i}"
        for i in range(len(tracked))
    )
    first = min([window.start, *(one.start for one in tracked)])
    return f"""WITH {shared_sql(asked)}{picked_sql(asked, {day: day})},
{limits_sql(asked.config.behaviour.limits)},
{paying_sql("payers", day, asked)},
{plans_sql("largest", day)},
{_ranked_sql(day)},
uses AS (
    SELECT u.account_id, u.feature,
           CAST(SUM(CASE WHEN {window.days_sql("u.day")} THEN u.uses ELSE 0 END) AS BIGINT) AS
           uses{months}
    FROM usage_days u
    WHERE u.feature IN ({features}) AND u.day >= DATE '{first}' AND u.day <= DATE '{day}'
    GROUP BY u.account_id, u.feature
)
SELECT r.account_id, e.name, r.feature, r.plan, r.allowance, l.plan AS own_plan,
       coalesce(p.mrr, 0) AS mrr, coalesce(u.uses, 0) AS uses{shown}
FROM ranked r
JOIN picked k ON k.account_id = r.account_id
LEFT JOIN accounts e ON e.account_id = r.account_id
LEFT JOIN payers p ON p.account_id = r.account_id
LEFT JOIN largest l ON l.account_id = r.account_id
LEFT JOIN uses u ON u.account_id = r.account_id AND u.feature = r.feature
WHERE r.place = 1
ORDER BY r.account_id, r.feature"""


def shares_sql(config: Config, window: Window, *, usage: str = "usage_days") -> str:
    """SQL of rows (account_id, feature, share): the part of each allowance that is used, from 0.

    `window` is the month, `usage` the relation that is read for usage: one with the columns of
    usage_days.
    """
    day = window.last_seen
    features = listed(sorted({one.feature for one in config.behaviour.limits}))
    return f"""WITH {limits_sql(config.behaviour.limits)},
{_ranked_sql(day)},
uses AS (
    SELECT u.account_id, u.feature, SUM(u.uses) AS uses
    FROM {usage} u
    WHERE u.feature IN ({features}) AND {window.days_sql("u.day")}
    GROUP BY u.account_id, u.feature
)
SELECT r.account_id, r.feature,
       CAST(coalesce(u.uses, 0) AS DOUBLE) / CAST(r.allowance AS DOUBLE) AS share
FROM ranked r
JOIN (SELECT DISTINCT root_id FROM account_roots WHERE NOT is_excluded) k
     ON k.root_id = r.account_id
LEFT JOIN uses u ON u.account_id = r.account_id AND u.feature = r.feature
WHERE r.place = 1
ORDER BY r.account_id, r.feature"""


def _ranked_sql(day: dt.date) -> str:
    """The relations `holders` and `ranked`: the allowances of each account, the first the one
    that counts. They need `allowed`."""
    return f"""holders AS (
    SELECT i.account_id, i.plan FROM mrr_items i
    WHERE i.starts_on <= DATE '{day}' AND coalesce(i.ends_on, {FAR}) > DATE '{day}'
    UNION
    SELECT r.root_id AS account_id, s.plan FROM {spans_sql()} s
    JOIN account_roots r ON r.account_id = s.account_id
    WHERE s.status = 'trialing' AND s.starts_on <= DATE '{day}'
      AND coalesce(s.ends_on, {FAR}) > DATE '{day}'
),
ranked AS (
    SELECT h.account_id, a.feature, h.plan, a.allowance,
           row_number() OVER (PARTITION BY h.account_id, a.feature
               ORDER BY CASE WHEN a.plan = '' THEN 1 ELSE 0 END, a.allowance DESC,
                        coalesce(h.plan, '')) AS place
    FROM holders h JOIN allowed a ON a.plan = '' OR a.plan = h.plan
)"""


def _days(day: str, tracked: Window, month: Month) -> str:
    last = tracked.start + dt.timedelta(days=days_judged(tracked, month) - 1)
    return f"{day} >= DATE '{tracked.start}' AND {day} <= DATE '{last}'"


def months_before(month: Month, count: int, seen: AsOf) -> list[Window]:
    """The months before one, the latest first."""
    first = month_index(month.window.start)
    return [
        window_of(f"{month_start(first - back):%Y-%m}", seen) for back in range(1, count + 1)
    ]
