"""Stages: how many accounts stand where at each close, with how much MRR."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    HighField,
    Key,
    LowField,
    OpenField,
    Opens,
    PeriodField,
    Row,
    Said,
    Segment,
    SmallField,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.lifecycle.lifecycle import (
    SMALL,
    StageLabel,
    known_of,
    mrr_sql,
    points_sql,
    question_of,
)
from staycurve.insights.shared.account_facts import shared_sql
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, By, From, Grain, To, Where
from staycurve.insights.shared.ranges import range_of
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import share
from staycurve.lifecycle_rules import LABELS, STAGES
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.period import Period

IN_STAGE = Opens("lifecycle accounts", {"stage": "stage", "period": "period_name"})


@dataclass(frozen=True)
class StageAtClose(Row):
    """A stage of one segment at a period's close."""

    period: PeriodField
    open: OpenField
    segment: Segment
    stage: Annotated[str, Key()]
    label: StageLabel
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, opens=IN_STAGE)]
    share: Annotated[
        float | None,
        col(N_("Share"), Unit.PERCENT, N_("Of all accounts of the segment."),
            ends=("low", "high"), opens=IN_STAGE),
    ]
    low: LowField
    high: HighField
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, opens=IN_STAGE)]
    is_small: SmallField
    period_name: Annotated[str, Hidden()] = ""


@dataclass(frozen=True, kw_only=True)
class Stages(Answer):
    """How many accounts are in each stage."""

    as_of: AsOfField
    currency: CurrencyField
    why: WhyField = None
    rows: Annotated[tuple[StageAtClose, ...], Table(N_("Accounts by stage"))]

    def title(self) -> Said:
        return Said(
            N_("Accounts by stage, as of %(as_of)s, %(currency)s"),
            {"as_of": self.as_of, "currency": self.currency},
        )


@insight("lifecycle stages", comes_from="/lifecycle#stages", needs="accounts")
def stages(
    company: Reader, *, grain: Grain = "month", start: From = None, end: To = None, by: By = "",
    where: Where = "", as_of: AsOfText = None,
) -> Stages:
    """How many accounts are in each stage at the close of each period, with how much MRR?

    What changes with time, such as the owner, is read on that day. Without a range the last
    twelve periods.
    """
    asked = question_of(company, by, where, as_of)
    periods = range_of(asked, grain, start, end)
    sql = statement(asked, periods)
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
        known = known_of(engine, asked.config)
    rows = tuple(rows_of(asked, answer, periods))
    return Stages(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        why=None if rows else known.why,
        rows=rows,
        notes=known.notes,
        sql=sql,
    )


def statement(question: Question, periods: Sequence[Period]) -> str:
    """SQL of rows (start_on, seg…, stage, accounts, mrr) at each period's close."""
    segments, joins = question.context.segments(account="s.account_id", own={}, day="p.close_on")
    segs = segs_of(question)
    return f"""WITH {shared_sql(question)}periods AS ({points_sql(question, periods)}),
paid AS ({mrr_sql(question, periods[0])})
SELECT start_on{segs}, stage, CAST(COUNT(*) AS BIGINT) AS accounts,
       CAST(SUM(coalesce(mrr, 0)) AS HUGEINT) AS mrr
FROM (
    SELECT p.start_on, s.account_id, s.stage, m.mrr{segments}
    FROM periods p
    JOIN lifecycle_spans s ON s.starts_on <= p.close_on AND s.ends_on > p.close_on
    LEFT JOIN paid m ON m.account_id = s.account_id AND m.start_on = p.start_on
    {joins}
) standing
WHERE {question.context.where()}
GROUP BY start_on{segs}, stage
ORDER BY start_on{segs}, stage"""


def rows_of(
    question: Question, answer: Iterable[Sequence[Any]], periods: Sequence[Period]
) -> list[StageAtClose]:
    """Every stage of each segment at each close."""
    places = len(question.by)
    fiscal = question.config.company.fiscal_year_start
    found: dict[tuple[Any, ...], dict[str, tuple[int, int]]] = {}
    for start, *rest in answer:
        values, (stage, accounts, mrr) = tuple(rest[:places]), rest[places:]
        found.setdefault((start, values), {})[stage] = (accounts, mrr)
    by_start = {period.start: period for period in periods}
    rows = []
    for (start, values), standing in sorted(
        found.items(), key=lambda one: (one[0][0], question.order(one[0][1]))
    ):
        whole = sum(accounts for accounts, _ in standing.values())
        for stage in STAGES:
            accounts, mrr = standing.get(stage, (0, 0))
            part = share(accounts, whole)
            rows.append(StageAtClose(
                start, question.as_of.is_open(by_start[start]), question.segment(values), stage,
                LABELS[stage], accounts, part.value, part.low, part.high, major(mrr),
                whole < SMALL, by_start[start].name(fiscal),
            ))
    return rows
