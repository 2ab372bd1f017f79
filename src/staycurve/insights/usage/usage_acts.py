"""Acts: SQL of who did what on which day or at which instant, by period as bits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from staycurve.config import Config
from staycurve.errors import UsageError
from staycurve.insights.usage.usage_question import Doing, UseQuestion
from staycurve.insights.usage.usage_windows import masks
from staycurve.metrics.told_use import tell_sql
from staycurve.period import Period
from staycurve.tables.usage_days import counted_sql, property_sql


@dataclass(frozen=True)
class Stretch:
    """A run of periods that fit into the bits of one integer.

    Attributes
    ----------
    first : int
        Where the stretch begins among all periods.
    own : int
        How many of its periods, from the first, are its own; those after belong to others too.
    """

    number: int
    first: int
    own: int
    periods: tuple[Period, ...]


BITS = 62
"""Periods that one BIGINT holds without its sign."""


def stretches(periods: Sequence[Period], own: int, after: int) -> list[Stretch]:
    """Periods cut into runs: the first `own` of all are shared out, with `after` more behind each.

    Parameters
    ----------
    periods : sequence of Period
        `own` of them and those that come after.

    Raises
    ------
    UsageError
        If `after` does not fit.
    """
    if after > BITS - 2:
        raise UsageError(
            f"{after} periods are too many to follow.", hint=f"At most {BITS - 2} are followed."
        )
    step = BITS - after
    return [
        Stretch(place, first, min(step, own - first),
                tuple(periods[first:first + min(step, own - first) + after]))
        for place, first in enumerate(range(0, own, step))
    ]


def _place_rows(question: UseQuestion, runs: Sequence[Stretch]) -> list[tuple[Stretch, int]]:
    last = question.as_of.last_day
    return [
        (run, place)
        for run in runs
        for place, period in enumerate(run.periods)
        if period.start <= last
    ]


def month_places_sql(question: UseQuestion, runs: Sequence[Stretch]) -> str:
    """Rows (month_on, mask, run, place, bit, start_on, end_on): days of month tables by period."""
    rows = []
    for run, place in _place_rows(question, runs):
        period = run.periods[place]
        end = min(period.end, question.as_of.last_day + dt.timedelta(days=1))
        rows += [
            f"(DATE '{month}', CAST({mask} AS BIGINT), {run.number}, {place}, "
            f"CAST({1 << place} AS BIGINT), DATE '{period.start}', DATE '{period.end}')"
            for month, mask in masks(period.start, end)
        ]
    return (
        f"SELECT * FROM (VALUES {', '.join(rows)}) AS v"
        "(month_on, mask, run, place, bit, start_on, end_on)"
    )


def day_places_sql(question: UseQuestion, runs: Sequence[Stretch]) -> str:
    """Rows (day, run, place, bit, start_on, end_on): each day of the periods."""
    rows = []
    for run, place in _place_rows(question, runs):
        period = run.periods[place]
        for offset in range((period.end - period.start).days):
            day = period.start + dt.timedelta(days=offset)
            if day <= question.as_of.last_day:
                rows.append(
                    f"(DATE '{day}', {run.number}, {place}, CAST({1 << place} AS BIGINT), "
                    f"DATE '{period.start}', DATE '{period.end}')"
                )
    return (
        f"SELECT * FROM (VALUES {', '.join(rows)}) AS v(day, run, place, bit, start_on, end_on)"
    )


def months_between_sql(first: dt.date, last: dt.date, column: str = "m.month_on") -> str:
    """SQL that is true for a month that holds a day from `first` to `last`."""
    return f"{column} >= DATE '{first.replace(day=1)}' AND {column} <= DATE '{last}'"


def month_table(question: UseQuestion) -> str:
    """The table that holds the active days of each user or account as bits."""
    return "user_months" if question.whose == "user" else "account_months"


def days_sql(
    question: UseQuestion, one: Doing, *, first: dt.date | None = None, last: dt.date | None = None
) -> str:
    """Rows (entity, account_id, own…, day) of who did it; a day may come several times.

    Parameters
    ----------
    first, last : date, optional
        Local days between which, ends included; up to the as-of without them.
    """
    config = question.config
    test = None if question.told else one.day_test(config)
    if test is None:
        within = [f"e.occurred_on <= DATE '{last or question.as_of.last_day}'"]
        if first:
            within.append(f"e.occurred_on >= DATE '{first}'")
        return acts_sql(
            question, columns="e.occurred_on AS day",
            where=f"{one.test(config)} AND {' AND '.join(within)}", is_told=True,
        )
    tests = [test, f"d.day <= DATE '{last or question.as_of.last_day}'",
             f"d.{question.who} IS NOT NULL"]
    if first:
        tests.append(f"d.day >= DATE '{first}'")
    return (
        f"SELECT d.{question.who} AS entity, d.account_id, d.day FROM usage_days d "
        f"WHERE {' AND '.join(tests)}"
    )


def acts_sql(
    question: UseQuestion, *, columns: str, where: str, has_accounts: bool = True,
    is_told: bool = False, has_nobody: bool = False,
) -> str:
    """Rows (entity, account_id, columns…) of events `e` that count, are seen, and are somebody's.

    `account_id` is the customer; where users are counted it is what the event says, and may be
    empty. It is left out of users' rows without `has_accounts`: many rows are long to carry.

    Parameters
    ----------
    is_told : bool
        Whether events are kept to the segments that they tell themselves, with own0, own1, … of
        those that split the answer: each segment's events are looked at by themselves.
    has_nobody : bool
        Whether events that name no user are among those of users, with an empty entity.
    """
    config = question.config
    base = f"{counted_sql(config)} AND e.occurred_at < {question.seen_sql} AND {where}"
    if is_told:
        base += "".join(
            f" AND {one.sql(tell_sql(one.dim))}"
            for one in question.filters if one.dim in question.told
        )
        columns += "".join(
            f", {question.shown_sql(dim, tell_sql(dim))} AS {own}"
            for own, dim in zip(owns(question), question.told_by, strict=True)
        )
    # A user has one value of a trait, and is looked up later; the users of an account differ.
    traits = any(dim in question.of_users for dim in question.told)
    their = " LEFT JOIN users t ON t.user_id = e.user_id" if traits else ""
    if question.whose == "user":
        account = "e.account_id, " if has_accounts else ""
        return (
            f"SELECT e.user_id AS entity, {account}{columns} FROM events e "
            f"WHERE {'' if has_nobody else 'e.user_id IS NOT NULL AND '}{base}"
            f"{_not_excluded(config)}"
        )
    # Events that name no account are few: they alone look for their user's.
    loose = (
        "SELECT u.user_id, u.account_id FROM users u WHERE u.account_id IS NOT NULL"
    )
    return f"""SELECT coalesce(r.root_id, e.account_id) AS entity,
       coalesce(r.root_id, e.account_id) AS account_id, {columns}
FROM events e LEFT JOIN account_roots r ON r.account_id = e.account_id{their}
WHERE e.account_id IS NOT NULL AND {base} AND coalesce(r.is_excluded, FALSE) = FALSE
UNION ALL
SELECT coalesce(r.root_id, l.account_id) AS entity,
       coalesce(r.root_id, l.account_id) AS account_id, {columns}
FROM events e JOIN ({loose}) l ON l.user_id = e.user_id
LEFT JOIN account_roots r ON r.account_id = l.account_id{their}
WHERE e.account_id IS NULL AND {base} AND coalesce(r.is_excluded, FALSE) = FALSE"""


def owns(question: UseQuestion) -> list[str]:
    """The columns of the dimensions that events tell and that split the answer: own0, own1, …"""
    return [f"own{place}" for place in range(len(question.told_by))]


def owned(question: UseQuestion, alias: str = "") -> str:
    """`, own0, own1, …` for a SELECT or GROUP BY; empty where events tell no segment."""
    dot = f"{alias}." if alias else ""
    return "".join(f", {dot}{own}" for own in owns(question))


def is_same(question: UseQuestion, one: str, other: str) -> str:
    """SQL that is true for two rows of one entity in one segment that its events tell."""
    same = [f"{one}.entity = {other}.entity"]
    same += [f"{one}.{own} IS NOT DISTINCT FROM {other}.{own}" for own in owns(question)]
    return " AND ".join(same)


def own_sql(question: UseQuestion) -> dict[str, str]:
    """Dimension → SQL over `b`, for `usage_segments.cut` of rows that have `owned`."""
    return {
        dim: f"b.{own}" for own, dim in zip(owns(question), question.told_by, strict=True)
    }


def _not_excluded(config: Config) -> str:
    """SQL, with AND before it, that leaves out excluded accounts' users; empty if none is."""
    if not config.company.exclude:
        return ""
    out = "SELECT account_id FROM account_roots WHERE is_excluded"
    users = f"SELECT user_id FROM users WHERE account_id IN ({out}) AND user_id IS NOT NULL"
    return (
        f" AND (e.account_id IS NULL OR e.account_id NOT IN ({out}))"
        f" AND (e.account_id IS NOT NULL OR e.user_id IS NULL OR e.user_id NOT IN ({users}))"
    )


def session_sql(config: Config) -> str:
    """SQL of the session that an event `e` names; NULL where it names none."""
    return f"nullif({property_sql('e.properties', config.behaviour.usage.session)}, '')"
