"""Visits: those of a stage, with what came after each, and those of one account in order."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    Answer,
    AsOfField,
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
    StageLabel,
    check_stage,
    of_stage,
    question_of,
)
from staycurve.insights.shared.account_facts import shared_sql
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.lifecycle_rules import LABELS, STAGES
from staycurve.metrics.base import Unit
from staycurve.tables.engine import quoted


@dataclass(frozen=True)
class StageVisit(Row):
    """One visit of a stage; without an end, and a next stage, while the account is in it."""

    account_id: AccountField
    name: NameField
    owner: OwnerField
    starts_on: Annotated[dt.date, col(N_("From"), Kind.DAY)]
    ends_on: Annotated[
        dt.date | None, col(N_("Until"), Kind.DAY, N_("The first day of the next stage."))
    ]
    days: Annotated[int, col(N_("Days"), Unit.COUNT, N_("As far as they are seen."))]
    after: Annotated[str | None, col(N_("Then"), Kind.NAME, name="to", named_by=LABELS)]
    plan: PlanField = None


@dataclass(frozen=True, kw_only=True)
class Visits(Answer):
    """The visits behind the time in a stage."""

    as_of: AsOfField
    stage: Annotated[str, Key()]
    rows: Annotated[tuple[StageVisit, ...], Table(N_("Visits"), is_list=True)]
    has_ended: Annotated[bool | None, Hidden()] = None

    def title(self) -> Said:
        text = {
            None: N_("Visits of %(stage)s, as of %(as_of)s"),
            True: N_("Visits of %(stage)s that have ended, as of %(as_of)s"),
            False: N_("Visits of %(stage)s that still run, as of %(as_of)s"),
        }[self.has_ended]
        return Said(text, {"stage": of_stage(self.stage), "as_of": self.as_of})


@insight("lifecycle visits", comes_from="/lifecycle#times", needs="accounts")
def visits(
    company: Reader, *,
    stage: Annotated[
        str,
        Param(N_("One of the eight stages."), choices=STAGES, metavar="STAGE", is_argument=True),
    ],
    has_ended: Annotated[
        bool | None,
        Param(N_("Those that ended, or those that still run; both without it."),
              formerly=("ended", "running")),
    ] = None,
    where: Where = "", as_of: AsOfText = None,
) -> Visits:
    """How long did each visit of a stage last, and what came after it?

    A segment that changes with time is read on the visit's first day, as in the times.
    """
    check_stage(stage)
    asked = question_of(company, (), where, as_of)
    sql = visits_statement(asked, stage, has_ended=has_ended)
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
    return Visits(
        as_of=asked.as_of.at.isoformat(),
        stage=stage,
        rows=tuple(
            StageVisit(account, name, owner, starts, *_end_of(asked, starts, ends),
                       after if ends <= asked.as_of.last_day else None)
            for account, name, owner, starts, ends, after in answer
        ),
        has_ended=has_ended,
        sql=sql,
    )


def _end_of(question: Question, starts: dt.date, ends: dt.date) -> tuple[dt.date | None, int]:
    """The day on which a visit ended, if it has, and how many days of it are seen."""
    last = question.as_of.last_day
    if ends > last:
        return None, (last - starts).days + 1
    return ends, (ends - starts).days


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


@dataclass(frozen=True)
class AccountVisit(Row):
    """One visit of one account; `ends_on` is empty while it lasts."""

    account_id: Annotated[str, Key()]
    stage: Annotated[str, Key()]
    label: StageLabel
    starts_on: Annotated[dt.date, col(N_("From"), Kind.DAY)]
    ends_on: Annotated[
        dt.date | None, col(N_("Until"), Kind.DAY, N_("The first day of the next stage."))
    ]
    visit: Annotated[
        int, col(N_("Visit"), Unit.COUNT, N_("Which visit to the stage this is, from 1."))
    ]
    days: Annotated[int, col(N_("Days"), Unit.COUNT)]
    reason: Annotated[str, col(N_("Why"))]


@dataclass(frozen=True, kw_only=True)
class History(Answer):
    """Every visit of one account, in order."""

    as_of: AsOfField
    account_id: Annotated[str, Key()]
    rows: Annotated[tuple[AccountVisit, ...], Table(N_("Stages"))]

    def title(self) -> Said:
        return Said(
            N_("%(account)s, as of %(as_of)s"),
            {"account": (self.account_id, Kind.TEXT), "as_of": self.as_of},
        )


@insight(
    "lifecycle history", aliases=("/lifecycle/history/{account}",),
    comes_from="/lifecycle#stages", needs="accounts",
)
def history(
    company: Reader, *,
    account: Annotated[
        str, Param(N_("Its account_id."), metavar="ACCOUNT", is_argument=True)
    ],
    as_of: AsOfText = None,
) -> History:
    """Which stages has one account been in, how long, and why?"""
    asked = question_of(company, (), (), as_of)
    sql = history_statement(asked, account)
    with company.seeing(asked.as_of) as engine:
        is_known = engine.value(known_statement(account)) > 0
        answer = engine.rows(sql)
    if not is_known:
        raise UnknownNameError(
            "account", account, (), hint="All of them: staycurve lifecycle accounts"
        )
    rows = []
    for name, stage, starts, ends, visit, rule in answer:
        ended, days = _end_of(asked, starts, ends)
        rows.append(AccountVisit(
            name, stage, LABELS[stage], starts, ended, visit, days,
            asked.config.lifecycle.rule_words(rule),
        ))
    return History(
        as_of=asked.as_of.at.isoformat(), account_id=account, rows=tuple(rows), sql=sql
    )


def known_statement(account: str) -> str:
    """SQL of how many accounts have this id."""
    return f"SELECT COUNT(*) FROM accounts WHERE account_id = {quoted(account)}"


def history_statement(question: Question, account: str) -> str:
    """SQL of every visit of one account, in order."""
    return f"""SELECT account_id, stage, starts_on, ends_on, visit, rule
FROM lifecycle_spans
WHERE account_id = {quoted(account)} AND starts_on <= DATE '{question.as_of.last_day}'
ORDER BY starts_on"""
