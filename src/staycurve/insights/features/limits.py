"""Limits: how much of what its plan allows in a month each account has used, to date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from staycurve.behaviour import Limit
from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.features.feature_use import listed
from staycurve.insights.shared.account_facts import (
    Opened,
    described,
    paying_sql,
    picked_sql,
    plans_sql,
    shared_sql,
)
from staycurve.insights.shared.members import FAR, Question
from staycurve.insights.usage.usage_windows import Window, window_of
from staycurve.money import MICRO
from staycurve.period import AsOf, day_start, month_index, month_start, period_of
from staycurve.tables.engine import quoted

Row = dict[str, Any]
Ask = Callable[[str], Sequence[Sequence[Any]]]

NEAR = Fraction(4, 5)
"""From 80% of its allowance an account is near the ceiling: at an even pace a fifth of the month,
six days, is left to talk to it. A lower share names more accounts, earlier."""

EARLY_DAYS = 7
"""Before a week has passed, a projection rests on less than one of each weekday."""

TRACKED = 3
"""How many closed months the projection is tried on."""

STATUSES = {
    "above": N_("Above its allowance"),
    "near": N_("Near it: 80% or more"),
    "below": N_("Below 80%"),
}

ABOUT = N_(
    "Uses of the month to date / the plan's allowance. Projected: as many uses a day for the rest "
    "of the month. An account on several plans with an allowance has the largest of them."
)
USES_ABOUT = N_("uses of the feature in the month, by user and day")
NO_LIMITS = N_("staycurve.toml states no [[limits]]")

COLUMNS = described({
    "account_id": (N_("Account"), "text", ""),
    "feature": (N_("Feature"), "text", ""),
    "plan": (N_("Plan"), "text", N_("The plan whose allowance counts")),
    "mrr": (N_("MRR"), "money", N_("At the close of the last day seen")),
    "uses": (N_("Used"), "count", N_("Uses in the month, to date")),
    "allowance": (N_("Allowance"), "count", N_("Uses a month, from [[limits]]")),
    "utilisation": (N_("Utilisation"), "percent", N_("Used / allowance")),
    "projected": (N_("Projected"), "count", N_("At the month's end, at the pace so far")),
    "projected_utilisation": (N_("Projected utilisation"), "percent", N_("Projected / allowance")),
})


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
    month uses up to the same day of it, and in all of it)."""
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
holders AS (
    SELECT i.account_id, i.plan FROM mrr_items i
    WHERE i.starts_on <= DATE '{day}' AND coalesce(i.ends_on, {FAR}) > DATE '{day}'
    UNION
    SELECT r.root_id AS account_id, s.plan FROM subscriptions s
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
),
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


def uses_statement(month: Month, account: str, feature: str) -> str:
    """SQL of rows (user_id, day, uses) of one account's use of one feature in a month."""
    return f"""SELECT u.user_id, u.day, CAST(SUM(u.uses) AS BIGINT) AS uses
FROM usage_days u
WHERE u.account_id = {quoted(account)} AND u.feature = {quoted(feature)}
  AND {month.window.days_sql("u.day")}
GROUP BY u.user_id, u.day
ORDER BY u.day, u.user_id NULLS FIRST"""


def known_statement(kind: str, own: str) -> str:
    """SQL of how many times an account, or a feature, is known."""
    if kind == "account":
        return f"SELECT COUNT(*) FROM account_roots WHERE account_id = {quoted(own)}"
    return f"SELECT COUNT(*) FROM usage_days WHERE feature = {quoted(own)}"


def _days(day: str, tracked: Window, month: Month) -> str:
    size = (tracked.end - tracked.start).days
    passed = max(1, round(float(month.elapsed) * size))
    last = tracked.start + dt.timedelta(days=passed - 1)
    return f"{day} >= DATE '{tracked.start}' AND {day} <= DATE '{last}'"


@dataclass(frozen=True)
class Limits:
    """Accounts and their allowances.

    Attributes
    ----------
    every : list of dict
        One an account and limited feature, the fullest first.
    least : float
        What is handed out as `rows`: from this utilisation, or projected to pass.
    summary : list of dict
        One a feature: how many accounts of each status, and their MRR.
    record : dict
        What the projection would have said in closed months, beside what came.
    """

    as_of: str
    currency: str
    month: Month
    every: list[Row] = field(repr=False)
    summary: list[Row]
    record: Row
    least: float = 0.0
    notes: tuple[str, ...] = ()
    why: str | None = None
    sql: str = field(default="", repr=False)

    @property
    def rows(self) -> list[Row]:
        """The fullest, and those projected to pass."""
        return [
            row for row in self.every
            if row["utilisation"] >= self.least or row["is_projected_above"]
        ]

    def accounts(self, feature: str, status: str | None = None) -> Opened:
        """The accounts of one feature's limit: above, near, below, or projected (to pass it)."""
        rows = [
            row for row in self.every
            if row["feature"] == feature and (
                status is None or row["status"] == status
                or (status == "projected" and row["is_projected_above"])
            )
        ]
        total = {"accounts": len(rows), "mrr": sum(row["mrr"] for row in rows)}
        about = STATUSES.get(status or "", N_("accounts with an allowance of this feature"))
        return Opened(about, self.as_of, rows, total, self.sql, self.currency)

    def to_json(self) -> Row:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "currency": self.currency,
            "period": self.month.window.as_dict(),
            "days_passed": self.month.days_passed,
            "about": ABOUT,
            "near_from": float(NEAR),
            "columns": [column.as_dict() for column in COLUMNS],
            "statuses": STATUSES,
            "summary": self.summary,
            "record": self.record,
            "least": self.least,
            "left_out": len(self.every) - len(self.rows),
            "rows": self.rows,
            **({"notes": list(self.notes)} if self.notes else {}),
            **({"why": self.why} if self.why else {}),
        }


def uses(
    asked: Question, account: str, answer: Iterable[Sequence[Any]], *, sql: str
) -> Opened:
    """The rows of `uses_statement`, with their sum."""
    rows = [
        {"account_id": account, "user_id": user, "day": str(day), "uses": count}
        for user, day, count in answer
    ]
    total = {"uses": sum(row["uses"] for row in rows)}
    return Opened(USES_ABOUT, asked.as_of.at.isoformat(), rows, total, sql)


def limits(asked: Question, month: Month, ask: Ask, *, least: float = 0.0) -> Limits:
    """Who is near or above an allowance in a month, or will be at its pace."""
    currency, at = asked.config.company.currency, asked.as_of.at.isoformat()
    if not asked.config.behaviour.limits:
        return Limits(at, currency, month, [], [], {}, why=NO_LIMITS)
    tracked = [
        window_of(f"{_month_before(month.window.start, back):%Y-%m}", asked.as_of)
        for back in range(1, TRACKED + 1)
    ]
    sql = statement(asked, month, tracked)
    answer = ask(sql)
    rows = sorted(
        (_row(row, month) for row in answer),
        key=lambda r: (-r["utilisation"], -r["mrr"], r["account_id"], r["feature"]),
    )
    notes = []
    if month.window.is_open and month.days_passed < EARLY_DAYS:
        notes.append(N_("Less than a week of the month has passed: projections are rough."))
    return Limits(
        at, currency, month, rows, _summary(rows), _record(answer, tracked, month), least,
        tuple(notes), sql=sql,
    )


def _row(row: Sequence[Any], month: Month) -> Row:
    account, name, feature, plan, allowance, own_plan, mrr, uses = row[:8]
    share = Fraction(uses, allowance)
    projected = uses / month.elapsed
    status = "above" if share > 1 else "near" if share >= NEAR else "below"
    return {
        "account_id": account,
        "name": name,
        "feature": feature,
        "plan": plan,
        "own_plan": own_plan,
        "mrr": mrr / MICRO,
        "uses": uses,
        "allowance": allowance,
        "utilisation": float(share),
        "projected": float(projected),
        "projected_utilisation": float(projected / allowance),
        "status": status,
        "status_label": STATUSES[status],
        "is_projected_above": projected > allowance,
    }


def _summary(rows: Iterable[Row]) -> list[Row]:
    found: dict[str, Row] = {}
    for row in rows:
        one = found.setdefault(row["feature"], {
            "feature": row["feature"], "accounts": 0, "using": 0, "projected_above": 0,
            "projected_above_mrr": 0.0,
            **{status: 0 for status in STATUSES},
            **{f"{status}_mrr": 0.0 for status in STATUSES},
        })
        one["accounts"] += 1
        one["using"] += row["uses"] > 0
        one[row["status"]] += 1
        one[f"{row['status']}_mrr"] += row["mrr"]
        one["projected_above"] += row["is_projected_above"]
        one["projected_above_mrr"] += row["mrr"] if row["is_projected_above"] else 0.0
    return [found[name] for name in sorted(found)]


def _record(answer: Iterable[Sequence[Any]], tracked: Sequence[Window], month: Month) -> Row:
    """Of accounts projected to pass their allowance at this point of a month, how many did."""
    counts = {"projected_and_passed": 0, "projected_only": 0, "passed_only": 0, "neither": 0}
    for row in answer:
        allowance = row[4]
        for place, one in enumerate(tracked):
            to_date, whole = row[8 + 2 * place], row[9 + 2 * place]
            size = (one.end - one.start).days
            passed = Fraction(max(1, round(float(month.elapsed) * size)), size)
            is_projected, has_passed = to_date / passed > allowance, whole > allowance
            key = (
                "projected_and_passed" if is_projected and has_passed
                else "projected_only" if is_projected
                else "passed_only" if has_passed else "neither"
            )
            counts[key] += 1
    return {
        "months": [one.name for one in reversed(tracked)],
        "about": N_("Today's allowances, tried on closed months at the same share of the month"),
        **counts,
    }


def _month_before(day: dt.date, back: int) -> dt.date:
    return month_start(month_index(day) - back)
