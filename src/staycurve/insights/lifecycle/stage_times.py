"""How long accounts stay in a stage, and who has been in one for longer than most who left it.

A visit that still runs is censored: it lasts at least as long as it has been seen to last.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.lifecycle.lifecycle import (
    SMALL,
    Reading,
    Row,
    mrr_sql,
    points_sql,
    shared_sql,
)
from staycurve.insights.shared.members import Question, segs_of
from staycurve.insights.statistics.survival import Counts, kaplan_meier
from staycurve.lifecycle_rules import LABELS, STAGES
from staycurve.money import MICRO
from staycurve.period import Period

JUDGED = ("awareness", "consideration", "purchase", "activation", "adoption")
"""Stages that lead on to another: to stay in retention or expansion long is no harm."""

LEAST_LEFT = 20
"""Visits that ended, below which nobody is called stuck: one is five points of the share."""

NO_VISIT = N_("no account has been in this stage")
MOST_STAY = N_("more than half of the visits have not ended as far as they are seen")
TOO_FEW_LEFT = N_("ended visits: {count}, too few to say what is long")


@dataclass(frozen=True)
class StageTimes(Reading):
    """Time in each stage.

    Attributes
    ----------
    rows : list of dict
        segment, stage, label, visits, left, still, median_days with low and high (95%), why,
        is_small. Kaplan–Meier over all visits, those that still run censored. `high` is None where
        the interval does not end in what is seen.
    """


@dataclass(frozen=True)
class Stuck(Reading):
    """Accounts that are in their stage longer than most who left it.

    Attributes
    ----------
    rows : list of dict
        account_id, name, owner, stage, label, since, days, threshold_days, mrr, reason; those with
        the most MRR first.
    thresholds : list of dict
        stage, label, left (visits that ended), percent, threshold_days, stuck, mrr, why.
    rule : str
        The rule in words.
    """

    thresholds: list[Row] = field(default_factory=list)
    rule: str = ""

    def as_dict(self) -> Row:
        return {**super().as_dict(), "rule": self.rule, "thresholds": self.thresholds}


def times_statement(question: Question) -> str:
    """SQL of rows (seg…, stage, days, ended, running): visits by how long they lasted.

    A segment that changes with time is read on the visit's first day.
    """
    segments, joins = question.context.segments(account="s.account_id", own={}, day="s.starts_on")
    segs = segs_of(question)
    last = f"DATE '{question.as_of.last_day}'"
    return f"""WITH {shared_sql(question)}seen AS (SELECT {last} AS day)
SELECT {"".join(f"{name}, " for name in segs.split(", ")[1:])}stage,
       CAST(least(ends_on, day + 1) - starts_on AS BIGINT) AS days,
       CAST(SUM(CASE WHEN ends_on <= day THEN 1 ELSE 0 END) AS BIGINT) AS ended,
       CAST(SUM(CASE WHEN ends_on > day THEN 1 ELSE 0 END) AS BIGINT) AS running
FROM (
    SELECT s.stage, s.starts_on, s.ends_on, d.day{segments}
    FROM lifecycle_spans s
    CROSS JOIN seen d
    {joins}
    WHERE s.starts_on <= d.day
) visits
WHERE {question.context.where()}
GROUP BY stage, least(ends_on, day + 1) - starts_on{segs}
ORDER BY stage, days{segs}"""


def durations(
    question: Question, answer: Iterable[Sequence[Any]]
) -> dict[tuple[Any, ...], dict[str, dict[int, tuple[int, int]]]]:
    """segment → stage → days → (ended, running)."""
    places = len(question.by)
    found: dict[tuple[Any, ...], dict[str, dict[int, tuple[int, int]]]] = {}
    for row in answer:
        values, (stage, days, ended, running) = tuple(row[:places]), row[places:]
        found.setdefault(values, {}).setdefault(stage, {})[days] = (ended, running)
    return found


def times_rows(question: Question, answer: Iterable[Sequence[Any]]) -> list[Row]:
    """The rows of StageTimes, every stage in each segment."""
    found = durations(question, answer)
    rows = []
    for values in sorted(found, key=question.order):
        for stage in STAGES:
            lasted = found[values].get(stage, {})
            left = sum(ended for ended, _ in lasted.values())
            still = sum(running for _, running in lasted.values())
            half, low, high = kaplan_meier(lasted).quantile(0.5)
            why = NO_VISIT if not lasted else MOST_STAY if half is None else None
            rows.append({
                "segment": question.segment(values), "stage": stage, "label": LABELS[stage],
                "visits": left + still, "left": left, "still": still, "median_days": half,
                "low": low, "high": high, "is_small": left + still < SMALL,
                **({"why": why} if why else {}),
            })
    return rows


def threshold(lasted: Counts, percent: int) -> int | None:
    """The days within which `percent` of the visits that ended had ended; None if few did."""
    left = sum(ended for ended, _ in lasted.values())
    if left < LEAST_LEFT:
        return None
    gone = 0
    for days in sorted(lasted):
        gone += lasted[days][0]
        if gone * 100 >= left * percent:
            return days
    raise AssertionError("all of them have ended by the last day")


def thresholds(question: Question, answer: Iterable[Sequence[Any]]) -> list[Row]:
    """One row a judged stage: what is long in it. `answer` is that of the undivided question."""
    lasted = durations(question.undivided(), answer).get((), {})
    percent = question.config.lifecycle.stuck_percent
    rows = []
    for stage in JUDGED:
        own = lasted.get(stage, {})
        left = sum(ended for ended, _ in own.values())
        days = threshold(own, percent)
        why = None if days is not None else TOO_FEW_LEFT.format(count=left)
        rows.append({
            "stage": stage, "label": LABELS[stage], "left": left, "percent": percent,
            "threshold_days": days, **({"why": why} if why else {}),
        })
    return rows


def stuck_statement(question: Question, day: Period, found: Sequence[Row]) -> str:
    """SQL of the accounts that are in their stage for longer than its threshold.

    Parameters
    ----------
    day : Period
        The last day that is seen.
    found : sequence of dict
        Rows of `thresholds`; at least one has days.
    """
    segments, joins = question.context.segments(account="s.account_id", own={}, day="p.close_on")
    limits = ", ".join(
        f"('{row['stage']}', {row['threshold_days']})"
        for row in found
        if row["threshold_days"] is not None
    )
    return f"""WITH {shared_sql(question)}periods AS ({points_sql(question, [day])}),
limits AS (SELECT * FROM (VALUES {limits}) AS v(stage, days)),
paid AS ({mrr_sql(question, day)})
SELECT account_id, name, owner, stage, starts_on, days, threshold_days, rule, mrr
FROM (
    SELECT s.account_id, a.name, a.owner, s.stage, s.starts_on, s.rule,
           CAST(p.close_on - s.starts_on AS BIGINT) + 1 AS days,
           CAST(l.days AS BIGINT) AS threshold_days,
           CAST(coalesce(m.mrr, 0) AS HUGEINT) AS mrr{segments}
    FROM periods p
    JOIN lifecycle_spans s ON s.starts_on <= p.close_on AND s.ends_on > p.close_on
    JOIN limits l ON l.stage = s.stage
    LEFT JOIN accounts a ON a.account_id = s.account_id
    LEFT JOIN paid m ON m.account_id = s.account_id
    {joins}
) standing
WHERE days > threshold_days AND {question.context.where()}
ORDER BY mrr DESC, days DESC, account_id"""


def stuck_rows(question: Question, answer: Iterable[Sequence[Any]]) -> list[Row]:
    """The rows of Stuck."""
    return [
        {
            "account_id": account, "name": name, "owner": owner, "stage": stage,
            "label": LABELS[stage], "since": str(since), "days": days, "threshold_days": limit,
            "mrr": mrr / MICRO, "reason": question.config.lifecycle.rule_words(rule),
        }
        for account, name, owner, stage, since, days, limit, rule, mrr in answer
    ]


def with_stuck(found: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    """The thresholds with how many accounts are stuck beyond each, and their MRR."""
    return [
        {
            **one,
            "stuck": sum(row["stage"] == one["stage"] for row in rows),
            "mrr": math.fsum(row["mrr"] for row in rows if row["stage"] == one["stage"]),
        }
        for one in found
    ]


STUCK_RULE = N_(
    "An account is stuck that has been in its stage for more days than {percent}% of the visits of "
    "that stage that have ended. Visits that still run are not among them, so where a stage has "
    "not existed for long the limit is too short."
)
