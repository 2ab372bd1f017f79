"""How long accounts stay in a stage.

A visit that still runs is censored: it lasts at least as long as it has been seen to last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    Key,
    Opens,
    Row,
    Said,
    Segment,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.lifecycle.lifecycle import (
    SMALL,
    StageLabel,
    known_of,
    question_of,
)
from staycurve.insights.shared.account_facts import shared_sql
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, By, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.survival import kaplan_meier
from staycurve.lifecycle_rules import LABELS, STAGES
from staycurve.metrics.base import Unit

NO_VISIT = N_("no account has been in this stage")
MOST_STAY = N_("more than half of the visits have not ended as far as they are seen")

OF_STAGE = {"stage": "stage"}


@dataclass(frozen=True)
class StageTime(Row):
    """Days in a stage: the Kaplan–Meier median over all visits, those that run censored."""

    segment: Segment
    stage: Annotated[str, Key()]
    label: StageLabel
    visits: Annotated[
        int, col(N_("Visits"), Unit.COUNT, is_size=True, opens=Opens("lifecycle visits", OF_STAGE))
    ]
    left: Annotated[
        int,
        col(N_("Ended"), Unit.COUNT,
            opens=Opens("lifecycle visits", OF_STAGE, {"has_ended": True})),
    ]
    still: Annotated[
        int,
        col(N_("Still in it"), Unit.COUNT,
            opens=Opens("lifecycle visits", OF_STAGE, {"has_ended": False})),
    ]
    median_days: Annotated[
        int | None, col(N_("Median days"), Unit.COUNT, ends=("low", "high"))
    ]
    low: Annotated[int | None, Key(N_("The lower end of its 95% interval."))]
    high: Annotated[
        int | None,
        Key(N_("The upper end; empty where the interval does not end in what is seen.")),
    ]
    is_small: Annotated[bool, Key(N_("Whether there are few visits."))]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class StageTimes(Answer):
    """Time in each stage."""

    as_of: AsOfField
    currency: CurrencyField
    why: WhyField = None
    rows: Annotated[tuple[StageTime, ...], Table(N_("Time in stage"))]

    def title(self) -> Said:
        return Said(N_("Time in stage, as of %(as_of)s"), {"as_of": self.as_of})


@insight("lifecycle times", comes_from="/lifecycle#times", needs="accounts")
def times(
    company: Reader, *, by: By = "", where: Where = "", as_of: AsOfText = None
) -> StageTimes:
    """How many days do accounts stay in each stage?

    The median, visits that still run censored. A segment that changes with time is read on a
    visit's first day.
    """
    asked = question_of(company, by, where, as_of)
    sql = statement(asked)
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
        known = known_of(engine, asked.config)
    rows = tuple(rows_of(asked, answer))
    return StageTimes(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        why=None if rows else known.why,
        rows=rows,
        notes=known.notes,
        sql=sql,
    )


def statement(question: Question) -> str:
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


def rows_of(question: Question, answer: Iterable[Sequence[Any]]) -> list[StageTime]:
    """Every stage in each segment."""
    found = durations(question, answer)
    rows = []
    for values in sorted(found, key=question.order):
        for stage in STAGES:
            lasted = found[values].get(stage, {})
            left = sum(ended for ended, _ in lasted.values())
            still = sum(running for _, running in lasted.values())
            half, low, high = kaplan_meier(lasted).quantile(0.5)
            rows.append(StageTime(
                question.segment(values), stage, LABELS[stage], left + still, left, still, half,
                low, high, left + still < SMALL,
                NO_VISIT if not lasted else MOST_STAY if half is None else None,
            ))
    return rows
