"""The accounts behind the lifecycle's numbers: who is in a stage, who moved, and one's history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from staycurve.insights.lifecycle.lifecycle import Row, moves_sql, mrr_sql, points_sql, shared_sql
from staycurve.insights.shared.members import Question
from staycurve.lifecycle_rules import LABELS, LifecycleRules
from staycurve.money import MICRO
from staycurve.period import Period
from staycurve.tables.engine import quoted


def accounts_statement(
    question: Question, period: Period, *, stage: str | None = None
) -> str:
    """SQL of the accounts in a stage at a period's close: see `account_shown` for the columns."""
    segments, joins = question.context.segments(account="s.account_id", own={}, day="p.close_on")
    kept = f"AND s.stage = {quoted(stage)}" if stage else ""
    return f"""WITH {shared_sql(question)}periods AS ({points_sql(question, [period])}),
paid AS ({mrr_sql(question, period)})
SELECT account_id, name, owner, stage, starts_on,
       CAST(close_on - starts_on AS BIGINT) + 1 AS days, visit, rule, mrr
FROM (
    SELECT s.account_id, a.name, a.owner, s.stage, s.starts_on, s.visit, s.rule, p.close_on,
           CAST(coalesce(m.mrr, 0) AS HUGEINT) AS mrr{segments}
    FROM periods p
    JOIN lifecycle_spans s ON s.starts_on <= p.close_on AND s.ends_on > p.close_on {kept}
    LEFT JOIN accounts a ON a.account_id = s.account_id
    LEFT JOIN paid m ON m.account_id = s.account_id
    {joins}
) standing
WHERE {question.context.where()}
ORDER BY mrr DESC, account_id"""


def account_shown(rules: LifecycleRules, row: Sequence[Any]) -> Row:
    """One account in its stage: `days` counts from the visit's first day, both ends included."""
    account, name, owner, stage, since, days, visit, rule, mrr = row
    return {
        "account_id": account, "name": name, "owner": owner, "stage": stage,
        "label": LABELS[stage], "since": str(since), "days": days, "visit": visit,
        "reason": rules.rule_words(rule), "mrr": mrr / MICRO,
    }


def movers_statement(
    question: Question, period: Period, *, before: str | None, after: str | None
) -> str:
    """SQL of the accounts that moved in a period: account, name, owner, day, from, to, days.

    An account that made the move twice has two rows; `days` is what the stage before lasted.
    `before` is '' for accounts that became known, None for any stage; so is `after`.
    """
    segments, joins = question.context.segments(account="m.account_id", own={}, day="m.day")
    tests = []
    if before is not None:
        tests.append(f"m.from_stage = {quoted(before)}" if before else "m.from_stage IS NULL")
    if after is not None:
        tests.append(f"m.to_stage = {quoted(after)}")
    kept = "".join(f" AND {test}" for test in tests)
    return f"""WITH {shared_sql(question)}periods AS ({points_sql(question, [period])}),
moves AS ({moves_sql()})
SELECT account_id, name, owner, day, from_stage, to_stage,
       CAST(day - since AS BIGINT) AS days
FROM (
    SELECT m.account_id, a.name, a.owner, m.day, m.from_stage, m.to_stage, m.since{segments}
    FROM periods p
    JOIN moves m ON m.day > p.open_on AND m.day <= p.close_on{kept}
    LEFT JOIN accounts a ON a.account_id = m.account_id
    {joins}
) moved
WHERE {question.context.where()}
ORDER BY day, account_id"""


def mover_shown(row: Sequence[Any]) -> Row:
    """One move of one account."""
    account, name, owner, day, before, after, days = row
    return {
        "account_id": account, "name": name, "owner": owner, "day": str(day), "from": before,
        "to": after, "days": days,
    }


def visits_statement(question: Question, stage: str, *, has_ended: bool | None = None) -> str:
    """SQL of the visits behind `stage_times`: account, name, owner, starts_on, ends_on, next stage.

    Parameters
    ----------
    has_ended : bool, optional
        Those that ended, or those that did not; both without it.
    """
    segments, joins = question.context.segments(account="s.account_id", own={}, day="s.starts_on")
    last = f"DATE '{question.as_of.last_day}'"
    sign = {True: f"AND s.ends_on <= {last}", False: f"AND s.ends_on > {last}", None: ""}
    return f"""WITH {shared_sql(question)}visits AS (
    SELECT s.account_id, a.name, a.owner, s.starts_on, s.ends_on, n.stage AS next_stage{segments}
    FROM lifecycle_spans s
    LEFT JOIN accounts a ON a.account_id = s.account_id
    LEFT JOIN lifecycle_spans n ON n.account_id = s.account_id AND n.starts_on = s.ends_on
    {joins}
    WHERE s.stage = {quoted(stage)} AND s.starts_on <= {last} {sign[has_ended]}
)
SELECT account_id, name, owner, starts_on, ends_on, next_stage
FROM visits
WHERE {question.context.where()}
ORDER BY starts_on, account_id"""


def stage_visit_shown(question: Question, row: Sequence[Any]) -> Row:
    """One visit of a stage; without an end, and a next stage, while the account is in it."""
    account, name, owner, starts, ends, after = row
    is_current = ends > question.as_of.last_day
    until = question.as_of.last_day + dt.timedelta(days=1) if is_current else ends
    return {
        "account_id": account, "name": name, "owner": owner, "starts_on": str(starts),
        "ends_on": None if is_current else str(ends), "days": (until - starts).days,
        "to": None if is_current else after,
    }


def known_statement(account: str) -> str:
    """SQL of how many accounts have this id."""
    return f"SELECT COUNT(*) FROM accounts WHERE account_id = {quoted(account)}"


def history_statement(question: Question, account: str) -> str:
    """SQL of every visit of one account, in order."""
    return f"""SELECT account_id, stage, starts_on, ends_on, visit, rule
FROM lifecycle_spans
WHERE account_id = {quoted(account)} AND starts_on <= DATE '{question.as_of.last_day}'
ORDER BY starts_on"""


def visit_shown(question: Question, row: Sequence[Any]) -> Row:
    """One visit; `ends_on` is empty while the account is in the stage."""
    account, stage, starts, ends, visit, rule = row
    last = question.as_of.last_day
    is_current = ends > last
    until = last + dt.timedelta(days=1) if is_current else ends
    return {
        "account_id": account, "stage": stage, "label": LABELS[stage], "starts_on": str(starts),
        "ends_on": None if is_current else str(ends), "visit": visit,
        "days": (until - starts).days, "reason": question.config.lifecycle.rule_words(rule),
    }
