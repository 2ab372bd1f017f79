"""Riskiest months: in which month of their subscription accounts leave, and whether by chance.

Month 1 begins on the account's first paid day, month 2 one month later; the 31st turns on a
month's last day. An account leaves in the month that holds its last paid day, so that leaving at
the fourth renewal is leaving in month 4. Each account counts until it first stops paying; who
comes back is counted as `returned` and begins no second life here.

A month counts an account as at risk if the account paid into it and if all of the month, with the
renewal at its end, is seen. An account whose month is not over is in none of its two numbers: so
those who leave soon are not counted before those who stay. This is the risk set of Kaplan and Meier
for lives counted in whole months.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.cohorts.cohort_members import (
    FAR,
    NOBODY,
    Question,
    Segment,
    members_sql,
    segs_of,
    spells_sql,
    whole_months,
)
from staycurve.insights.statistics.proportions import (
    ALPHA,
    Share,
    adjusted,
    larger_by_chance,
    share,
)
from staycurve.money import MICRO
from staycurve.tables.engine import quoted

CLASSES = ("voluntary", "involuntary", "paused", "unknown")

MIN_AT_RISK = 30
"""Months with fewer accounts at risk are shown and not tested.

One leaver moves such a hazard by over three points; each test more also raises the bar for the
others. The rule looks at who is at risk, never at who left.
"""

TOO_FEW = N_("fewer than {count} accounts at risk")
ONE_MONTH = N_("there is no other month to compare with")
NO_LIFE = N_("no account has a whole month behind it yet")


@dataclass(frozen=True)
class Month:
    """One subscription month of one segment.

    Attributes
    ----------
    month : int
        From 1.
    hazard : Share
        Those who left in the month, of those at risk.
    others : float, optional
        The hazard of all other months together: the base rate.
    p_value : float, optional
        Chance of so large a hazard at the base rate, raised for the number of tests (Holm).
    is_named : bool
        Above the base rate beyond chance.
    classes : mapping
        End class → leavers; they sum to those who left, of any class.
    """

    segment: Mapping[str, str | None]
    month: int
    hazard: Share
    others: float | None
    p_value: float | None
    is_named: bool
    classes: Mapping[str, int]
    why: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """One row as `--format json` prints it."""
        return {
            "segment": dict(self.segment),
            "month": self.month,
            "at_risk": self.hazard.size,
            "left": self.hazard.count,
            "hazard": self.hazard.value,
            "low": self.hazard.low,
            "high": self.hazard.high,
            "base_rate": self.others,
            "p_value": self.p_value,
            "is_named": self.is_named,
            "classes": dict(self.classes),
            **({"why": self.why} if self.why else {}),
        }


@dataclass(frozen=True)
class RiskiestMonths:
    """Every subscription month, and those that are riskier than the others beyond chance.

    Attributes
    ----------
    end_class : str, optional
        The class whose leavers were counted; accounts that left otherwise are at risk until then.
    returned : int
        Leavers who paid again later.
    """

    as_of: str
    end_class: str | None
    months: tuple[Month, ...]
    returned: int
    is_additive: bool
    sql: str = field(repr=False, default="")
    why: str | None = None

    @property
    def named(self) -> tuple[Month, ...]:
        """Months above the base rate beyond chance, the highest hazard first."""
        found = [month for month in self.months if month.is_named]
        return tuple(sorted(found, key=lambda month: -(month.hazard.value or 0)))

    def as_dict(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "end_class": self.end_class,
            "alpha": ALPHA,
            "returned": self.returned,
            **({} if self.is_additive else {"additive": False}),
            **({"why": self.why} if self.why else {}),
            "named": [{"segment": dict(m.segment), "month": m.month} for m in self.named],
            "rows": [month.as_dict() for month in self.months],
        }


def statement(question: Question) -> str:
    """SQL of rows (seg…, left_month, end_class, seen_months, accounts, returned).

    `left_month` is empty for who still pays; `seen_months` are the whole months that are seen.
    """
    segs = segs_of(question)
    order = "".join(f"seg{place} NULLS FIRST, " for place in range(len(question.by)))
    return f"""WITH {_lives(question)}
SELECT {segs[2:] + ", " if segs else ""}CAST(left_month AS BIGINT) AS left_month, end_class,
       CAST(seen_months AS BIGINT) AS seen_months, CAST(COUNT(*) AS BIGINT) AS accounts,
       CAST(SUM(has_returned) AS BIGINT) AS returned
FROM lives
GROUP BY {segs[2:] + ", " if segs else ""}left_month, end_class, seen_months
ORDER BY {order}left_month NULLS FIRST, end_class NULLS FIRST, seen_months"""


def _lives(question: Question) -> str:
    """The relation `lives`, one row an account and segment, and those that it rests on."""
    last = f"DATE '{question.last_whole_day}'"
    last_paid = "CAST(x.left_on - INTERVAL 1 DAY AS DATE)"
    return f"""{members_sql(question)},
{spells_sql(question)},
exits AS (
    SELECT f.account_id, MIN(s.starts_on) AS left_on
    FROM firsts f
    JOIN spells s ON s.account_id = f.account_id AND s.starts_on >= f.first_paid_on
    WHERE s.is_paying = 0 AND s.starts_on <= {last}
    GROUP BY f.account_id
),
came_back AS (
    SELECT x.account_id, MAX(1) AS has_returned
    FROM exits x
    JOIN spells s ON s.account_id = x.account_id AND s.starts_on > x.left_on
    WHERE s.is_paying = 1
    GROUP BY x.account_id
),
lives AS (
    SELECT m.account_id{segs_of(question, "m.")}, m.first_paid_on, x.left_on,
           CASE WHEN x.left_on IS NOT NULL
                THEN greatest({whole_months("m.first_paid_on", last_paid)} + 1, 1)
           END AS left_month,
           s.end_class,
           greatest({whole_months("m.first_paid_on", last)}, 0) AS seen_months,
           coalesce(r.has_returned, 0) AS has_returned
    FROM members m
    LEFT JOIN exits x ON x.account_id = m.account_id
    LEFT JOIN spells s ON s.account_id = x.account_id AND s.starts_on = x.left_on
    LEFT JOIN came_back r ON r.account_id = m.account_id
)"""


def accounts_statement(
    question: Question, *, month: int, is_leaver: bool, end_class: str | None = None
) -> str:
    """SQL of the rows of AtRisk: who was at risk in a month, or who left in it.

    Parameters
    ----------
    question : Question
        Without `by`: an account is listed once.
    """
    kept = f"coalesce(least(l.left_month, l.seen_months), l.seen_months) >= {month}"
    if is_leaver:
        kept = f"l.left_month = {month} AND l.left_month <= l.seen_months"
    if is_leaver and end_class:
        kept += f" AND coalesce(l.end_class, 'unknown') = {quoted(end_class)}"
    return f"""WITH {_lives(question)}
SELECT l.account_id, l.first_paid_on, CAST(l.left_month AS BIGINT) AS left_month, l.left_on,
       CASE WHEN l.left_on IS NOT NULL THEN coalesce(l.end_class, 'unknown') END AS end_class,
       CAST(p.mrr AS HUGEINT) AS mrr, l.has_returned = 1 AS has_returned
FROM lives l
LEFT JOIN spells p ON p.account_id = l.account_id AND p.is_paying = 1
     AND (p.ends_on = l.left_on OR (l.left_on IS NULL AND p.ends_on = {FAR}))
WHERE {kept}
ORDER BY p.mrr DESC NULLS LAST, l.account_id"""


@dataclass(frozen=True)
class AtRisk:
    """One account behind a month's hazard.

    Attributes
    ----------
    left_month : int, optional
        The subscription month in which it first left; None while it pays.
    mrr : int, optional
        Micro-units: what it paid before it left, or pays now.
    has_returned : bool
        Whether it paid again after it first left.
    """

    account_id: str
    first_paid_on: dt.date
    left_month: int | None
    left_on: dt.date | None
    end_class: str | None
    mrr: int | None
    has_returned: bool

    def as_dict(self) -> dict[str, Any]:
        """One row as `--format json` prints it; money in major units."""
        return {
            "account_id": self.account_id,
            "first_paid_on": str(self.first_paid_on),
            "left_month": self.left_month,
            "left_on": self.left_on and str(self.left_on),
            "end_class": self.end_class,
            "mrr": None if self.mrr is None else self.mrr / MICRO,
            "has_returned": self.has_returned,
        }


def accounts(answer: Iterable[Sequence[Any]]) -> list[AtRisk]:
    """The accounts that `accounts_statement` finds."""
    return [AtRisk(*row) for row in answer]


def check_month(month: int) -> None:
    """Raise for what is no subscription month."""
    if month < 1:
        raise UsageError(
            f"{month} is no subscription month.", hint="They are counted from 1."
        )


@dataclass(frozen=True)
class Life:
    """`accounts` with the same history: when they left, why, and how many months are seen."""

    left_month: int | None
    end_class: str | None
    seen_months: int
    accounts: int


def check_class(end_class: str | None) -> None:
    """Raise for a class that is not known."""
    if end_class is not None and end_class not in CLASSES:
        raise UnknownNameError("end class", end_class, CLASSES)


def riskiest(
    question: Question, answer: Iterable[Sequence[Any]], *, end_class: str | None, sql: str = ""
) -> RiskiestMonths:
    """What the statement's answer says about each month.

    Months are tested all together: Holm's method over every month of every segment.
    """
    places = len(question.by)
    lives: dict[Segment, list[Life]] = {}
    returned = 0
    for row in answer:
        left_month, reason, seen_months, accounts, back = row[places:]
        lives.setdefault(tuple(row[:places]), []).append(
            Life(left_month, reason, seen_months, accounts)
        )
        returned += back
    found: list[Month] = []
    for values in sorted(lives, key=question.order):
        found += months_of(lives[values], question.segment(values), end_class)
    why = NOBODY if not lives else None if found else NO_LIFE
    return RiskiestMonths(
        as_of=question.as_of.at.isoformat(),
        end_class=end_class,
        months=tuple(compared_with_others(found)),
        returned=returned,
        is_additive=question.is_additive,
        sql=sql,
        why=why,
    )


def months_of(
    lives: Sequence[Life], segment: Mapping[str, str | None], end_class: str | None
) -> list[Month]:
    """Each month's accounts at risk and leavers, untested."""
    last = max((life.seen_months for life in lives), default=0)
    at_risk = [0] * (last + 1)
    left: list[dict[str, int]] = [dict.fromkeys(CLASSES, 0) for _ in range(last + 1)]
    for life in lives:
        stays = life.left_month is None or life.left_month > life.seen_months
        lasted = life.seen_months if stays else life.left_month or 0
        for month in range(1, lasted + 1):
            at_risk[month] += life.accounts
        if not stays:
            left[lasted][life.end_class or "unknown"] += life.accounts
    counted = [
        sum(classes.values()) if end_class is None else classes[end_class] for classes in left
    ]
    whole, leavers = sum(at_risk), sum(counted)
    found = []
    for month in range(1, last + 1):
        if not at_risk[month]:
            break
        rest = whole - at_risk[month]
        base = (leavers - counted[month]) / rest if rest else None
        found.append(
            Month(segment, month, share(counted[month], at_risk[month]), base, None, False,
                  left[month])
        )
    return found


def compared_with_others(months: Sequence[Month]) -> list[Month]:
    """The same months, each compared with the other months of its segment."""
    groups: dict[tuple[Any, ...], list[Month]] = {}
    for month in months:
        groups.setdefault(tuple(month.segment.items()), []).append(month)
    chances: dict[int, float] = {}
    reasons: dict[int, str] = {}
    for group in groups.values():
        left = sum(month.hazard.count for month in group)
        size = sum(month.hazard.size for month in group)
        for month in group:
            own = month.hazard
            others = Share(left - own.count, size - own.size, None, None, None)
            if others.size == 0:
                reasons[id(month)] = ONE_MONTH
            elif own.size < MIN_AT_RISK:
                reasons[id(month)] = TOO_FEW.format(count=MIN_AT_RISK)
            else:
                chances[id(month)] = larger_by_chance(own, others)
    raised = dict(zip(chances, adjusted(list(chances.values())), strict=True))
    return [
        Month(
            month.segment, month.month, month.hazard, month.others, raised.get(id(month)),
            raised.get(id(month), 1.0) <= ALPHA, month.classes, reasons.get(id(month)),
        )
        for month in months
    ]
