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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    SPREAD,
    AdditiveField,
    AlphaField,
    Answer,
    AsOfField,
    Col,
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
    Row,
    Said,
    Segment,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.asking import question_of, seeing
from staycurve.insights.shared.lived import AtRiskField, MonthField
from staycurve.insights.shared.members import (
    NOBODY,
    Question,
    Segment as Values,
    members_sql,
    spells_sql,
    whole_months,
)
from staycurve.insights.shared.params import (
    CLASS_NAMES,
    CLASSES,
    AsOfText,
    By,
    EndClass,
    Where,
)
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.saying import of_segment
from staycurve.insights.statistics.proportions import (
    ALPHA,
    Share,
    adjusted,
    larger_by_chance,
    share,
)
from staycurve.metrics.base import Unit

MIN_AT_RISK = 30
"""Months with fewer accounts at risk are shown and not tested.

One leaver moves such a hazard by over three points; each test more also raises the bar for the
others. The rule looks at who is at risk, never at who left.
"""

TOO_FEW = N_("fewer than {count} accounts at risk")
ONE_MONTH = N_("there is no other month to compare with")
NO_LIFE = N_("no account has a whole month behind it yet")


LEFT = Opens("cohorts leavers", {"month": "month", "end_class": "end_class"})


@dataclass(frozen=True)
class Month(Row):
    """One subscription month of one segment."""

    segment: Segment
    month: MonthField
    at_risk: AtRiskField
    left: Annotated[int, col(N_("Left"), Unit.COUNT, opens=LEFT)]
    hazard: Annotated[
        float | None,
        col(N_("Churn rate"), Unit.PERCENT, N_("Left in the month, of those at risk in it."),
            ends=("low", "high"), opens=LEFT),
    ]
    low: LowField
    high: HighField
    base_rate: Annotated[
        float | None,
        col(N_("Others"), Unit.PERCENT, N_("The churn rate of all other months together.")),
    ]
    p_value: Annotated[
        float | None,
        col(N_("p"), Kind.CHANCE, N_("p-value against the other months, with the Holm "
                                     "correction over all tests.")),
    ]
    is_named: Annotated[
        bool, col(N_("Above the others"), Kind.FLAG, N_("Statistically significant."))
    ]
    classes: Annotated[
        Mapping[str, int],
        Col(
            about=N_("Churn type → those who left so; of any type."), label=N_("Churn type"),
            unit=Unit.COUNT, spread=tuple(CLASS_NAMES.items()),
            opens=Opens("cohorts leavers", {"month": "month", "end_class": SPREAD}),
            is_folded=True,
        ),
    ]
    why: WhyField = None


@dataclass(frozen=True)
class Named(Row):
    """A month that stands above the others."""

    segment: Segment
    month: int


@dataclass(frozen=True, kw_only=True)
class RiskiestMonths(Answer):
    """Every subscription month, and those that are riskier than the others."""

    as_of: AsOfField
    end_class: Annotated[
        str | None,
        Key(N_("The churn type that was counted; accounts that left otherwise are at risk until "
               "then.")),
    ]
    alpha: AlphaField
    returned: Annotated[int, Key(N_("Those who left and paid again later."))]
    additive: AdditiveField = None
    why: WhyField = None
    named: Annotated[
        tuple[Named, ...], Key(N_("Months above the others, the highest churn rate first."))
    ]
    rows: Annotated[tuple[Month, ...], Table(N_("Churn rate by subscription month"))]

    def title(self) -> Said:
        end = (self.end_class, Kind.NAME) if self.end_class else N_("any churn type")
        return Said(
            N_("Churn rate by subscription month, %(end)s, as of %(as_of)s"),
            {"end": end, "as_of": self.as_of},
        )

    def said(self) -> tuple[Said, ...]:
        found = [_told(month) for month in named(self.rows)]
        if self.rows and not found:
            is_tested = any(month.p_value is not None for month in self.rows)
            none = Said(N_("No month is significantly above the others."))
            why = {"why": self.rows[0].why or ""}
            untested = Said(N_("No month could be tested: %(why)s"), why)
            found = [none if is_tested else untested]
        if self.returned:
            back = {"count": (self.returned, Unit.COUNT)}
            found.append(Said(N_("%(count)s of those who left paid again later."), back))
        return tuple(found)


def _told(month: Month) -> Said:
    values: dict[str, str | Value | Said] = {
        "month": (month.month, Unit.COUNT), "segment": of_segment(month.segment),
        "own": (month.hazard, Unit.PERCENT), "others": (month.base_rate, Unit.PERCENT),
    }
    return Said(
        N_("Month %(month)s%(segment)s: %(own)s leave, %(others)s in the other months."), values
    )


@insight("cohorts riskiest", comes_from="/cohorts#risk")
def riskiest_months(
    company: Reader, *, end_class: EndClass = None, by: By = "", where: Where = "",
    as_of: AsOfText = None,
) -> RiskiestMonths:
    """In which month of their subscription do accounts churn?

    The hazard (monthly churn rate) by subscription month, and the months in which it is
    significantly higher than in the others.
    """
    asked = question_of(company, by, where, as_of)
    sql = statement(asked)
    with seeing(company, asked) as engine:
        answer = engine.rows(sql)
    return riskiest(asked, answer, end_class=end_class, sql=sql)


def statement(question: Question) -> str:
    """SQL of rows (seg…, left_month, end_class, seen_months, accounts, returned).

    `left_month` is empty for who still pays; `seen_months` are the whole months that are seen.
    """
    segs = segs_of(question)
    order = "".join(f"seg{place} NULLS FIRST, " for place in range(len(question.by)))
    return f"""WITH {lives_sql(question)}
SELECT {segs[2:] + ", " if segs else ""}CAST(left_month AS BIGINT) AS left_month, end_class,
       CAST(seen_months AS BIGINT) AS seen_months, CAST(COUNT(*) AS BIGINT) AS accounts,
       CAST(SUM(has_returned) AS BIGINT) AS returned
FROM lives
GROUP BY {segs[2:] + ", " if segs else ""}left_month, end_class, seen_months
ORDER BY {order}left_month NULLS FIRST, end_class NULLS FIRST, seen_months"""


def lives_sql(question: Question) -> str:
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


@dataclass(frozen=True)
class Life:
    """`accounts` with the same history: when they left, why, and how many months are seen."""

    left_month: int | None
    end_class: str | None
    seen_months: int
    accounts: int


def riskiest(
    question: Question, answer: Iterable[Sequence[Any]], *, end_class: str | None, sql: str = ""
) -> RiskiestMonths:
    """What the statement's answer says about each month.

    Months are tested all together: Holm's method over every month of every segment.
    """
    places = len(question.by)
    lives: dict[Values, list[Life]] = {}
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
    months = tuple(compared_with_others(found))
    return RiskiestMonths(
        as_of=question.as_of.at.isoformat(),
        end_class=end_class,
        alpha=ALPHA,
        returned=returned,
        additive=None if question.is_additive else False,
        why=NOBODY if not lives else None if found else NO_LIFE,
        named=tuple(Named(month.segment, month.month) for month in named(months)),
        rows=months,
        sql=sql,
    )


def named(months: Iterable[Month]) -> list[Month]:
    """Months above the others, the highest churn rate first."""
    return sorted((one for one in months if one.is_named), key=lambda one: -(one.hazard or 0))


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
            month_of(segment, month, share(counted[month], at_risk[month]), base, left[month])
        )
    return found


def month_of(
    segment: Mapping[str, str | None], month: int, hazard: Share, base: float | None,
    classes: Mapping[str, int],
) -> Month:
    """A month, untested."""
    return Month(
        segment, month, hazard.size, hazard.count, hazard.value, hazard.low, hazard.high, base,
        None, False, classes,
    )


def compared_with_others(months: Sequence[Month]) -> list[Month]:
    """The same months, each compared with the other months of its segment."""
    groups: dict[tuple[Any, ...], list[Month]] = {}
    for month in months:
        groups.setdefault(tuple(month.segment.items()), []).append(month)
    chances: dict[int, float] = {}
    reasons: dict[int, str] = {}
    for group in groups.values():
        left = sum(month.left for month in group)
        size = sum(month.at_risk for month in group)
        for month in group:
            own = Share(month.left, month.at_risk, None, None, None)
            others = Share(left - own.count, size - own.size, None, None, None)
            if others.size == 0:
                reasons[id(month)] = ONE_MONTH
            elif own.size < MIN_AT_RISK:
                reasons[id(month)] = TOO_FEW.format(count=MIN_AT_RISK)
            else:
                chances[id(month)] = larger_by_chance(own, others)
    raised = dict(zip(chances, adjusted(list(chances.values())), strict=True))
    return [
        replace(
            month, p_value=raised.get(id(month)), is_named=raised.get(id(month), 1.0) <= ALPHA,
            why=reasons.get(id(month)),
        )
        for month in months
    ]
