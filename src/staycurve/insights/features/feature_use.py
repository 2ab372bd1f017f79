"""Statements of feature use: who was active, what they used, and whether they came back to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.base import Param
from staycurve.insights.shared.account_facts import paying_sql, picked_sql, shared_sql
from staycurve.insights.shared.params import FIRST_FEATURES
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.told_use import UseOf, use_on_day
from staycurve.insights.usage.usage_windows import (
    TRAILING_DAYS,
    Window,
    days_between_sql,
    months_sql,
    window_of,
)
from staycurve.metrics.context import Filter
from staycurve.tables.engine import FAR, AnyEngine, quoted

WindowText = Annotated[
    str | None,
    Param(N_("2024-05, 2024-Q2, 2024, or 28d for four weeks; without it the last closed month."),
          metavar="P"),
]
Only = Annotated[
    Sequence[str],
    Param(N_("Show only these features; repeatable."), name="feature", metavar="FEATURE"),
]
Months = Annotated[
    int,
    Param(N_("Months from usage to whether the account still pays."), least=1, most=60),
]
Spans = Annotated[
    int,
    Param(N_("How many spans of so many months are read; 0 leaves retention out."), least=0,
          most=60),
]

BREADTH_SQL = (
    "breadth AS (SELECT account_id, CAST(COUNT(*) AS BIGINT) AS features FROM used "
    "GROUP BY account_id)"
)
"""The relation of how many features each account used; it needs `used`."""

STATUSES = ("paying", "trial", "other")
"""What an active account is at a period's close: MRR above 0; else in a trial that touches it."""


@dataclass(frozen=True)
class FeatureQuestion:
    """What a feature report is asked for.

    Attributes
    ----------
    window : Window
    features : tuple of str
        These alone; the most used where it is empty.
    top : int
        How many are shown one by one.
    """

    question: UseOf
    window: Window
    top: int = FIRST_FEATURES
    features: tuple[str, ...] = ()

    @property
    def has_segment(self) -> bool:
        """Whether not all customers are asked for."""
        return bool(self.question.filters)


def asked_of(
    company: Reader, period: str | None, where: str | Sequence[Filter], as_of: str | None,
    *, top: int = FIRST_FEATURES, features: Sequence[str] = (),
) -> FeatureQuestion:
    """What is asked of a period; without one of the last month that has closed."""
    question = use_on_day(company, (), where, as_of)
    fiscal = company.config.company.fiscal_year_start
    window = window_of(period, question.as_of, fiscal)
    return FeatureQuestion(question, window, top, tuple(features))


def check_features(engine: AnyEngine, asked: FeatureQuestion, names: Sequence[str]) -> None:
    """Raise for a feature that was never used, as far as is seen."""
    if not names:
        return
    last = asked.question.as_of.last_day
    known = [row[0] for row in engine.rows(
        f"SELECT DISTINCT feature FROM feature_months WHERE first_day <= DATE '{last}' "
        "ORDER BY feature"
    )]
    for name in names:
        if name not in known:
            raise UnknownNameError("feature", name, known, hint="Known: staycurve features report")


def first_day_of(engine: AnyEngine) -> dt.date | None:
    """The first day of which any use is known."""
    found: dt.date | None = engine.value("SELECT MIN(first_day) FROM feature_months")
    return found


def with_sql(
    asked: FeatureQuestion, day: dt.date, *relations: str, use: Window | tuple[dt.date, dt.date]
) -> str:
    """WITH, the segment's relation as of a day where one is asked for, and `relations`.

    Parameters
    ----------
    use : Window or (date, date)
        The first and the last day of the events that are looked at.
    """
    parts = list(relations)
    if asked.has_segment:
        picked = picked_sql(asked.question, {day: day})
        parts = [f"{shared_sql(asked.question)}{picked}", *parts]
    first, last = (use.start, use.last_seen) if isinstance(use, Window) else use
    return f"WITH {asked.question.told_sql(first, last)}" + ",\n".join(parts)


def in_segment(asked: FeatureQuestion, alias: str, *, key: str = "") -> str:
    """The join that keeps rows of accounts in the asked segment."""
    if not asked.has_segment:
        return ""
    at = f" AND k.key_on = {key}" if key else ""
    return f"JOIN picked k ON k.account_id = {alias}.account_id{at}"


def active_sql(asked: FeatureQuestion, window: Window) -> str:
    """The relation `active`: accounts of the segment with activity in a window."""
    if window.is_one_month:
        return f"""active AS (
    SELECT a.account_id FROM account_months a {in_segment(asked, "a")}
    WHERE a.month_on = DATE '{window.start}'
)"""
    return f"""active AS (
    SELECT DISTINCT a.account_id FROM usage_days a {in_segment(asked, "a")}
    WHERE a.is_active AND a.account_id IS NOT NULL AND {window.days_sql("a.day")}
)"""


def used_sql(asked: FeatureQuestion, window: Window) -> str:
    """The relation `used`: what each active account did with each feature in a window.

    Rows of (account_id, feature, uses, users, errors, judged, seconds, timed), one an account and
    feature; `judged` and `timed` are the uses whose errors and seconds are known.
    """
    judged = "CASE WHEN u.errors IS NOT NULL THEN u.uses END"
    timed = "CASE WHEN u.seconds IS NOT NULL THEN u.uses END"
    if window.is_one_month:
        return f"""used AS (
    SELECT u.account_id, u.feature, u.uses, u.users, u.errors, {judged} AS judged,
           u.seconds, {timed} AS timed
    FROM feature_months u JOIN active a ON a.account_id = u.account_id
    WHERE u.month_on = DATE '{window.start}'
)"""
    return f"""used AS (
    SELECT u.account_id, u.feature, SUM(u.uses) AS uses, COUNT(DISTINCT u.user_id) AS users,
           SUM(u.errors) AS errors, SUM({judged}) AS judged, SUM(u.seconds) AS seconds,
           SUM({timed}) AS timed
    FROM usage_days u JOIN active a ON a.account_id = u.account_id
    WHERE {window.days_sql("u.day")}
    GROUP BY u.account_id, u.feature
)"""


def standing_sql(asked: FeatureQuestion, window: Window) -> str:
    """The relations up to `standing`: each active account's status at the window's close."""
    close = window.last_seen
    return f"""{paying_sql("payers", close, asked.question)},
on_trial AS (
    SELECT account_id FROM trials
    WHERE started_on <= DATE '{close}' AND coalesce(ended_on, {FAR}) > DATE '{window.start}'
),
standing AS (
    SELECT a.account_id, CASE WHEN p.account_id IS NOT NULL THEN 'paying'
               WHEN t.account_id IS NOT NULL THEN 'trial' ELSE 'other' END AS status
    FROM active a
    LEFT JOIN payers p ON p.account_id = a.account_id
    LEFT JOIN on_trial t ON t.account_id = a.account_id
)"""


def features_statement(asked: FeatureQuestion) -> str:
    """SQL of rows (feature, accounts, uses, users, errors, judged, seconds, timed, paying, trial,
    other), the most used first; the last three count accounts."""
    sums = ", ".join(
        f"CAST(SUM(u.{column}) AS BIGINT) AS {column}"
        for column in ("uses", "users", "errors", "judged", "seconds", "timed")
    )
    statuses = ", ".join(
        f"CAST(SUM(CASE WHEN s.status = '{one}' THEN 1 ELSE 0 END) AS BIGINT) AS {one}"
        for one in STATUSES
    )
    window = asked.window
    relations = with_sql(
        asked, window.last_seen, active_sql(asked, window), used_sql(asked, window),
        standing_sql(asked, window), use=window,
    )
    return f"""{relations}
SELECT u.feature, CAST(COUNT(*) AS BIGINT) AS accounts, {sums}, {statuses}
FROM used u JOIN standing s ON s.account_id = u.account_id
GROUP BY u.feature
ORDER BY accounts DESC, u.feature"""


def statuses_statement(asked: FeatureQuestion) -> str:
    """SQL of rows (status, active accounts)."""
    window = asked.window
    relations = with_sql(
        asked, window.last_seen, active_sql(asked, window), standing_sql(asked, window),
        use=window,
    )
    return f"""{relations}
SELECT status, CAST(COUNT(*) AS BIGINT) AS accounts FROM standing GROUP BY status
ORDER BY status"""


def breadth_statement(asked: FeatureQuestion) -> str:
    """SQL of rows (features, accounts): how many accounts use that many features."""
    window = asked.window
    relations = with_sql(
        asked, window.last_seen, active_sql(asked, window), used_sql(asked, window), BREADTH_SQL,
        use=window,
    )
    return f"""{relations}
SELECT features, CAST(COUNT(*) AS BIGINT) AS accounts
FROM breadth
GROUP BY features
ORDER BY features"""


def using_statement(asked: FeatureQuestion, window: Window) -> str:
    """SQL of rows (feature, accounts) of another window; feature NULL for all that were active."""
    relations = with_sql(
        asked, window.last_seen, active_sql(asked, window), used_sql(asked, window), use=window
    )
    return f"""{relations}
SELECT CAST(NULL AS VARCHAR) AS feature, CAST(COUNT(*) AS BIGINT) AS accounts FROM active
UNION ALL
SELECT feature, CAST(COUNT(*) AS BIGINT) AS accounts FROM used GROUP BY feature"""


def repeat_sql(asked: FeatureQuestion) -> str:
    """WITH and the relation `again`: (account_id, feature, was, is_again) of the last 56 days."""
    end = asked.window.last_seen + dt.timedelta(days=1)
    middle = end - dt.timedelta(days=TRAILING_DAYS)
    start = middle - dt.timedelta(days=TRAILING_DAYS)
    before, last = (
        days_between_sql(*span, bits="f.days", month="f.month_on")
        for span in ((start, middle), (middle, end))
    )
    again = f"""again AS (
    SELECT f.account_id, f.feature, MAX(CASE WHEN {before} THEN 1 ELSE 0 END) AS was,
           MAX(CASE WHEN {last} THEN 1 ELSE 0 END) AS is_again
    FROM feature_months f {in_segment(asked, "f")}
    WHERE f.month_on IN ({months_sql(start, end)})
    GROUP BY f.account_id, f.feature
)"""
    # Segments are read before it is known who came back.
    return with_sql(
        asked, middle - dt.timedelta(days=1), again, use=(start, asked.window.last_seen)
    )


def repeat_statement(asked: FeatureQuestion) -> str:
    """SQL of rows (feature, used before, used again)."""
    return f"""{repeat_sql(asked)}
SELECT feature, CAST(SUM(was) AS BIGINT) AS before, CAST(SUM(was * is_again) AS BIGINT) AS again
FROM again GROUP BY feature
ORDER BY feature"""


def adoption_statement(asked: FeatureQuestion, windows: Sequence[Window]) -> str:
    """SQL of rows (month_on, feature, accounts), and feature NULL for all that were active."""
    months = ", ".join(f"DATE '{window.start}'" for window in windows)
    # Where every event is activity, whoever uses a feature is active: nothing to join.
    active = asked.question.config.behaviour.usage.active
    is_active = (
        "JOIN account_months a ON a.account_id = f.account_id AND a.month_on = f.month_on"
        if active else ""
    )
    told = asked.question.told_sql(windows[0].start, windows[-1].last_seen).rstrip(",\n")
    parts = [told] if told else []
    if asked.has_segment:
        picked = picked_sql(asked.question, {w.start: w.last_seen for w in windows})
        parts.append(f"{shared_sql(asked.question)}{picked}")
    joined = ",\n".join(parts)
    with_ = f"WITH {joined}\n" if parts else ""
    return f"""{with_}SELECT m.month_on, CAST(NULL AS VARCHAR) AS feature,
       CAST(COUNT(*) AS BIGINT) AS accounts
FROM account_months m {in_segment(asked, "m", key="m.month_on")}
WHERE m.month_on IN ({months}) GROUP BY m.month_on
UNION ALL
SELECT f.month_on, f.feature, CAST(COUNT(*) AS BIGINT) AS accounts
FROM feature_months f {in_segment(asked, "f", key="f.month_on")} {is_active}
WHERE f.month_on IN ({months}) GROUP BY f.month_on, f.feature"""


def listed(names: Iterable[str]) -> str:
    """Names as SQL for IN."""
    return ", ".join(quoted(name) for name in names)
