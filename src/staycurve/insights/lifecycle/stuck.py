"""Stuck accounts: who has been in a stage for longer than most who left it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    NameField,
    Opens,
    OwnerField,
    PlanField,
    Row,
    Said,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.lifecycle.lifecycle import (
    Stage,
    StageLabel,
    check_stage,
    known_of,
    mrr_sql,
    points_sql,
    question_of,
    today,
)
from staycurve.insights.lifecycle.stage_times import durations, statement as times_statement
from staycurve.insights.shared.account_facts import shared_sql
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.survival import Counts
from staycurve.lifecycle_rules import LABELS
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.period import Period

JUDGED = ("awareness", "consideration", "purchase", "activation", "adoption")
"""Stages that lead on to another: to stay in retention or expansion long is no harm."""

LEAST_LEFT = 20
"""Visits that ended, below which nobody is called stuck: one is five points of the share."""

TOO_FEW_LEFT = N_("ended visits: {count}, too few to say what is long")
STUCK_RULE = N_(
    "An account is stuck that has been in its stage for more days than %(percent)s%% of the visits "
    "of that stage that have ended. Visits that still run are not among them, so where a stage has "
    "not existed for long the limit is too short."
)

BEYOND = Opens("lifecycle stuck", {"stage": "stage"})


@dataclass(frozen=True)
class StuckAccount(Row):
    """An account that is in its stage for longer than `threshold_days`."""

    account_id: AccountField
    name: NameField
    owner: OwnerField
    stage: Annotated[str, Key()]
    label: StageLabel
    since: Annotated[dt.date, col(N_("Since"), Kind.DAY)]
    days: Annotated[int, col(N_("Days"), Unit.COUNT)]
    threshold_days: Annotated[int, col(N_("Stuck after (days)"), Unit.COUNT)]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, is_summed=True)]
    reason: Annotated[str, col(N_("Why it is there"))]
    plan: PlanField = None


@dataclass(frozen=True)
class StuckThreshold(Row):
    """What is long in a stage, and how many accounts are beyond it."""

    stage: Annotated[str, Key()]
    label: StageLabel
    left: Annotated[int, col(N_("Visits ended"), Unit.COUNT)]
    percent: Annotated[int, Key(N_("Of the visits that ended, those that had by then."))]
    threshold_days: Annotated[int | None, col(N_("Stuck after (days)"), Unit.COUNT)]
    stuck: Annotated[int, col(N_("Stuck"), Unit.COUNT, opens=BEYOND)]
    mrr: Annotated[float, col(N_("Their MRR"), Unit.MONEY, opens=BEYOND)]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Stuck(Answer):
    """Accounts that are in their stage longer than most who left it, most MRR first."""

    as_of: AsOfField
    currency: CurrencyField
    why: WhyField = None
    rule: Annotated[str, Key(N_("What stuck means, in words."))]
    thresholds: Annotated[tuple[StuckThreshold, ...], Table(N_("Limits by stage"))]
    rows: Annotated[tuple[StuckAccount, ...], Table(N_("Stuck accounts"), is_list=True)]
    percent: Annotated[int, Hidden()]
    stage: Annotated[str | None, Hidden()] = None

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "as_of": self.as_of, "currency": self.currency,
            "stage": Said(N_(", %(stage)s"), {"stage": Said(LABELS[self.stage])})
            if self.stage else Said(""),
        }
        return Said(N_("Stuck accounts%(stage)s, as of %(as_of)s, %(currency)s"), values)

    def said(self) -> tuple[Said, ...]:
        return (Said(STUCK_RULE, {"percent": (self.percent, Unit.COUNT)}),)


@insight("lifecycle stuck", comes_from="/lifecycle#stuck", needs="accounts")
def stuck(
    company: Reader, *, stage: Stage = None, where: Where = "", as_of: AsOfText = None
) -> Stuck:
    """Which accounts have been in their stage for longer than most that left it?

    What is long is measured over all accounts, whichever are listed.
    """
    check_stage(stage)
    asked = question_of(company, (), where, as_of)
    everybody = Question(asked.config, asked.as_of)
    with company.seeing(asked.as_of) as engine:
        limits = thresholds(everybody, engine.rows(times_statement(everybody)))
        rows: list[StuckAccount] = []
        sql = ""
        if any(days is not None for _stage, _left, days in limits):
            sql = statement(asked, today(asked), limits)
            rows = rows_of(asked, engine.rows(sql))
        known = known_of(engine, asked.config)
    percent = asked.config.lifecycle.stuck_percent
    return Stuck(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        why=known.why,
        rule=STUCK_RULE % {"percent": percent},
        thresholds=tuple(_beyond(one, rows, percent) for one in limits),
        rows=tuple(row for row in rows if not stage or row.stage == stage),
        percent=percent,
        stage=stage,
        notes=known.notes,
        sql=sql,
    )


Limit = tuple[str, int, int | None]
"""A stage, its visits that ended, and the days after which an account is stuck in it."""


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


def thresholds(question: Question, answer: Iterable[Sequence[Any]]) -> list[Limit]:
    """What is long in each judged stage. `answer` is that of the undivided question."""
    lasted = durations(question.undivided(), answer).get((), {})
    percent = question.config.lifecycle.stuck_percent
    found = []
    for stage in JUDGED:
        own = lasted.get(stage, {})
        left = sum(ended for ended, _ in own.values())
        found.append((stage, left, threshold(own, percent)))
    return found


def _beyond(limit: Limit, rows: Sequence[StuckAccount], percent: int) -> StuckThreshold:
    """A limit with how many accounts are stuck beyond it, and their MRR."""
    stage, left, days = limit
    own = [row.mrr for row in rows if row.stage == stage]
    return StuckThreshold(
        stage, LABELS[stage], left, percent, days, len(own), math.fsum(own),
        None if days is not None else TOO_FEW_LEFT.format(count=left),
    )


def statement(question: Question, day: Period, found: Sequence[Limit]) -> str:
    """SQL of the accounts that are in their stage for longer than its threshold.

    Parameters
    ----------
    day : Period
        The last day that is seen.
    found : sequence of Limit
        At least one has days.
    """
    segments, joins = question.context.segments(account="s.account_id", own={}, day="p.close_on")
    limits = ", ".join(
        f"('{stage}', {days})" for stage, _left, days in found if days is not None
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


def rows_of(question: Question, answer: Iterable[Sequence[Any]]) -> list[StuckAccount]:
    """The accounts, those with the most MRR first."""
    return [
        StuckAccount(account, name, owner, stage, LABELS[stage], since, days, limit, major(mrr),
                     question.config.lifecycle.rule_words(rule))
        for account, name, owner, stage, since, days, limit, rule, mrr in answer
    ]
