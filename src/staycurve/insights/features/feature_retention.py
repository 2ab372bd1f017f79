"""Whether accounts that use a feature stay longer than others, and what else differs in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import Key, Row, WhyField
from staycurve.insights.features.feature_use import FeatureQuestion, listed
from staycurve.insights.shared.account_facts import (
    SIZE_LABEL,
    picked_sql,
    shared_sql,
    size_sql,
    tenure_sql,
)
from staycurve.insights.shared.columns import AboutField, Named, named
from staycurve.insights.shared.members import spells_sql
from staycurve.insights.statistics.association import METHOD, Association, Stratum, associations
from staycurve.insights.usage.usage_windows import TRAILING_DAYS, masks, months_back
from staycurve.metrics.query import STILL_OPEN
from staycurve.tables.engine import FAR

MONTHS = 3
"""Months between use and outcome: use is still recent then. More months show more leavers."""

SPANS = 8
"""How many spans of so many months, one after the other, are read: two years. Fewer see less."""

CONFOUNDERS = {
    "size": SIZE_LABEL,
    "tenure": N_("time since it first paid"),
    "plan": N_("plan of its largest item"),
    "activity": N_("activity: active days of the 28"),
    "time": N_("when: the span"),
}

# One, two, three, four days a week over 28 days; a working week has five.
ACTIVITY = ((0, "0 days"), (1, "1-4 days"), (5, "5-8 days"), (9, "9-12 days"),
            (13, "13-16 days"), (17, "17+ days"))

ABOUT = N_(
    "An account counts once in each span at whose first day it paid: as a user if it used the "
    "feature in the 28 days up to it. Beside each other: the shares of both that paid on the "
    "span's last day. The spans follow one another, so that nobody's leaving counts twice. An "
    "account that left and came back within a span counts as staying."
)

TOO_SHORT = N_("the data does not reach back that many months")


@dataclass(frozen=True)
class Span(Row):
    """From the day on which accounts are told apart to the day on which they are counted."""

    base: Annotated[
        dt.date, Key(N_("At its close the account paid; its use is that of the 28 days up to it."))
    ]
    close: Annotated[dt.date, Key(N_("At its close it is asked whether the account pays."))]

    @property
    def use_from(self) -> dt.date:
        """The first of the 28 days."""
        return self.base - dt.timedelta(days=TRAILING_DAYS - 1)

    @property
    def use_end(self) -> dt.date:
        """The day after them."""
        return self.base + dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Compared(Row):
    """What the retention of users and others is read from."""

    about: AboutField = ABOUT
    method: Annotated[str, Key(N_("How the two are compared."))] = METHOD
    months: Annotated[int, Key(N_("From usage to whether the account pays."))]
    spans: Annotated[
        tuple[Span, ...], Key(N_("The latest first; it ends with the report's period."))
    ]
    confounders: Annotated[tuple[Named, ...], Key(N_("What else may differ."))] = named(CONFOUNDERS)
    why: WhyField = None


def compared(
    asked: FeatureQuestion, months: int, spans: int, first_day: dt.date | None
) -> Compared:
    """The spans that end with the report's period, as far as use is known.

    Parameters
    ----------
    first_day : date, optional
        The first day of which any use is known.
    """
    if asked.window.is_open:
        return Compared(months=months, spans=(), why=STILL_OPEN)
    close = asked.window.close
    found = [
        Span(months_back(close, months * (back + 1)), months_back(close, months * back))
        for back in range(spans)
    ]
    known = tuple(one for one in found if first_day is not None and one.use_from >= first_day)
    return Compared(months=months, spans=known, why=None if known or not spans else TOO_SHORT)


def members_sql(asked: FeatureQuestion, spans: Sequence[Span], features: Sequence[str]) -> str:
    """WITH, and `members`: accounts that paid at a span's base; and `users` of the features.

    `members` has rows (account_id, base, size, tenure, plan, activity, time, kept), one an account
    and span; `users` has rows (account_id, feature, base).
    """
    question = asked.question
    points = ", ".join(f"(DATE '{one.base}', DATE '{one.close}')" for one in spans)
    bits = ", ".join(
        f"(DATE '{one.base}', DATE '{month}', CAST({mask} AS BIGINT))"
        for one in spans
        for month, mask in masks(one.use_from, one.use_end)
    )
    touched = {month for one in spans for month, _ in masks(one.use_from, one.use_end)}
    months = ", ".join(f"DATE '{month}'" for month in sorted(touched))
    # A window within one month meets each row of a month table once.
    is_within = all(len(masks(one.use_from, one.use_end)) == 1 for one in spans)
    once = "" if is_within else "DISTINCT "
    cases = " ".join(
        f"WHEN coalesce(a.active_days, 0) >= {low} THEN '{label}'"
        for low, label in reversed(ACTIVITY)
    )
    # Segments are read when the span begins: at its end they would tell who stayed.
    in_segment = picked = ""
    if asked.has_segment:
        in_segment = "JOIN picked k ON k.account_id = s.account_id AND k.key_on = p.base"
        picked = f"{picked_sql(question, {one.base: one.base for one in spans})},\n"
    told = question.told_sql(min(s.use_from for s in spans), max(s.base for s in spans))
    return f"""WITH {told}{shared_sql(question)}{picked}{spells_sql(question)},
points AS (SELECT * FROM (VALUES {points}) AS v(base, close)),
bits AS (SELECT * FROM (VALUES {bits}) AS v(base, month_on, mask)),
payers AS (
    SELECT s.account_id, p.base, p.close, s.mrr
    FROM points p
    JOIN spells s ON s.starts_on <= p.base AND s.ends_on > p.base AND s.mrr > 0
    {in_segment}
),
stayers AS (
    SELECT s.account_id, p.base
    FROM points p
    JOIN spells s ON s.starts_on <= p.close AND s.ends_on > p.close AND s.mrr > 0
),
plans AS (
    SELECT account_id, base, plan
    FROM (
        SELECT i.account_id, p.base, i.plan, row_number() OVER (PARTITION BY i.account_id, p.base
                   ORDER BY i.amount DESC, i.subscription_id, coalesce(i.item_id, ''), i.starts_at)
                   AS place
        FROM points p
        JOIN mrr_items i ON i.starts_on <= p.base AND coalesce(i.ends_on, {FAR}) > p.base
    ) items
    WHERE place = 1
),
activity AS (
    SELECT m.account_id, b.base, SUM(CAST(bit_count(m.days & b.mask) AS BIGINT)) AS active_days
    FROM account_months m
    JOIN bits b ON b.month_on = m.month_on
    WHERE m.month_on IN ({months})
    GROUP BY m.account_id, b.base
),
members AS (
    SELECT p.account_id, p.base, {size_sql("e.employees", "p.mrr")} AS size,
           {tenure_sql("f.first_paid_on", "p.base")} AS tenure,
           coalesce(i.plan, 'none') AS plan, CASE {cases} END AS activity,
           CAST(p.base AS VARCHAR) AS time,
           CASE WHEN s.account_id IS NOT NULL THEN 1 ELSE 0 END AS kept
    FROM payers p
    LEFT JOIN stayers s ON s.account_id = p.account_id AND s.base = p.base
    LEFT JOIN accounts e ON e.account_id = p.account_id
    LEFT JOIN firsts f ON f.account_id = p.account_id
    LEFT JOIN plans i ON i.account_id = p.account_id AND i.base = p.base
    LEFT JOIN activity a ON a.account_id = p.account_id AND a.base = p.base
),
users AS (
    SELECT {once}f.account_id, f.feature, b.base
    FROM feature_months f
    JOIN bits b ON b.month_on = f.month_on
    WHERE f.month_on IN ({months}) AND (f.days & b.mask) <> 0 AND f.feature IN ({listed(features)})
)"""


_LEVELS = ", ".join(f"m.{name}" for name in CONFOUNDERS)


def statement(asked: FeatureQuestion, spans: Sequence[Span], features: Sequence[str]) -> str:
    """SQL of rows (feature, size, tenure, plan, activity, time, accounts, kept).

    Feature is NULL for all accounts that paid, whatever they used.
    """
    sums = "CAST(COUNT(*) AS BIGINT) AS accounts, CAST(SUM(m.kept) AS BIGINT) AS kept"
    # Many rows are grouped by one number instead of five texts.
    same = " AND ".join(f"s.{name} = m.{name}" for name in CONFOUNDERS)
    shown = _LEVELS.replace("m.", "s.")
    return f"""{members_sql(asked, spans, features)},
strata AS (
    SELECT {_LEVELS}, row_number() OVER (ORDER BY {_LEVELS}) AS stratum, {sums}
    FROM members m GROUP BY {_LEVELS}
),
placed AS (
    SELECT m.account_id, m.base, m.kept, s.stratum FROM members m JOIN strata s ON {same}
),
counted AS (
    SELECT u.feature, m.stratum, {sums}
    FROM placed m JOIN users u ON u.account_id = m.account_id AND u.base = m.base
    GROUP BY u.feature, m.stratum
)
SELECT CAST(NULL AS VARCHAR) AS feature, {shown}, s.accounts, s.kept FROM strata s
UNION ALL
SELECT c.feature, {shown}, c.accounts, c.kept
FROM counted c JOIN strata s ON s.stratum = c.stratum"""


def accounts_statement(asked: FeatureQuestion, spans: Sequence[Span], feature: str) -> str:
    """SQL of rows (account_id, base, is_user, kept, size, tenure, plan, activity)."""
    return f"""{members_sql(asked, spans, [feature])}
SELECT m.account_id, m.base, CASE WHEN u.account_id IS NOT NULL THEN 1 ELSE 0 END AS is_user,
       m.kept, m.size, m.tenure, m.plan, m.activity
FROM members m
LEFT JOIN users u ON u.account_id = m.account_id AND u.base = m.base
ORDER BY m.account_id, m.base"""


def retention(
    answer: Iterable[Sequence[Any]], features: Sequence[str]
) -> dict[str, Association]:
    """Each feature's association with staying.

    Parameters
    ----------
    answer : rows
        See `statement`.
    """
    whole: dict[tuple[str, ...], tuple[int, int]] = {}
    used: dict[str, dict[tuple[str, ...], tuple[int, int]]] = {name: {} for name in features}
    for feature, *rest in answer:
        levels, accounts, kept = tuple(rest[:-2]), rest[-2], rest[-1]
        cells = whole if feature is None else used[feature]
        cells[levels] = (accounts, kept)
    given = {
        name: [
            Stratum(levels, *cells.get(levels, (0, 0)),
                    n - cells.get(levels, (0, 0))[0], k - cells.get(levels, (0, 0))[1])
            for levels, (n, k) in sorted(whole.items())
        ]
        for name, cells in used.items()
    }
    return associations(given, CONFOUNDERS)
