"""The accounts in a stage, at a period's close or as of now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

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
    OwnerField,
    PlanField,
    Row,
    Said,
    Table,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.lifecycle.lifecycle import (
    Stage,
    StageLabel,
    check_stage,
    day_of,
    mrr_sql,
    of_stage,
    points_sql,
    question_of,
)
from staycurve.insights.shared.account_facts import shared_sql
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.lifecycle_rules import LABELS
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.period import Period
from staycurve.tables.engine import quoted


@dataclass(frozen=True)
class StageAccount(Row):
    """One account in its stage."""

    account_id: AccountField
    name: NameField
    owner: OwnerField
    stage: Annotated[str, Key()]
    label: StageLabel
    since: Annotated[dt.date, col(N_("Since"), Kind.DAY)]
    days: Annotated[
        int,
        col(N_("Days"), Unit.COUNT, N_("From the first day of the visit, both ends included.")),
    ]
    visit: Annotated[
        int, col(N_("Visit"), Unit.COUNT, N_("Which visit to the stage this is, from 1."))
    ]
    reason: Annotated[str, col(N_("Why"))]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, is_summed=True)]
    plan: PlanField = None


@dataclass(frozen=True, kw_only=True)
class StageAccounts(Answer):
    """The accounts in a stage, those with the most MRR first."""

    as_of: AsOfField
    currency: CurrencyField
    rows: Annotated[tuple[StageAccount, ...], Table(N_("Accounts"), is_list=True)]
    stage: Annotated[str | None, Hidden()] = None
    period: Annotated[str | None, Hidden()] = None

    def title(self) -> Said:
        return Said(
            N_("Accounts, %(stage)s, %(when)s, %(currency)s"),
            {"stage": of_stage(self.stage), "when": self.period or self.as_of,
             "currency": self.currency},
        )


@insight("lifecycle accounts", comes_from="/lifecycle?period#stages", needs="accounts")
def accounts(
    company: Reader, *, stage: Stage = None,
    period: Annotated[
        str | None,
        Param(N_("At its close; as of now without it."), metavar="P", examples="2024-01, 2024-Q1"),
    ] = None,
    where: Where = "", as_of: AsOfText = None,
) -> StageAccounts:
    """Which accounts are in a stage, since when and why?"""
    check_stage(stage)
    asked = question_of(company, (), where, as_of)
    sql = statement(asked, day_of(asked, period), stage=stage)
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
    own = asked.config.lifecycle
    return StageAccounts(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        rows=tuple(
            StageAccount(account, name, owner, found, LABELS[found], since, days, visit,
                         own.rule_words(rule), major(mrr))
            for account, name, owner, found, since, days, visit, rule, mrr in answer
        ),
        stage=stage,
        period=period,
        sql=sql,
    )


def statement(
    question: Question, period: Period, *, stage: str | None = None
) -> str:
    """SQL of the accounts in a stage at a period's close: account, name, owner,
    stage, since, days, visit, rule, mrr."""
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
