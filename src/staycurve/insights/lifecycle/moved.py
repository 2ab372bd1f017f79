"""The accounts behind a move from stage to stage."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

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
    Value,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.lifecycle.lifecycle import (
    NEW,
    check_stage,
    day_of,
    points_sql,
    question_of,
)
from staycurve.insights.lifecycle.transitions import CAME_FROM, moves_sql
from staycurve.insights.shared.account_facts import shared_sql
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.lifecycle_rules import LABELS, STAGES
from staycurve.metrics.base import Unit
from staycurve.period import Period
from staycurve.tables.engine import quoted


@dataclass(frozen=True)
class Mover(Row):
    """One move of one account; an account that made it twice has two rows."""

    account_id: AccountField
    name: NameField
    owner: OwnerField
    day: Annotated[dt.date, col(N_("Day"), Kind.DAY)]
    before: Annotated[str | None, col(N_("From"), Kind.NAME, name="from", named_by=CAME_FROM)]
    after: Annotated[str, col(N_("To"), Kind.NAME, name="to", named_by=LABELS)]
    days: Annotated[
        int | None, col(N_("Days before"), Unit.COUNT, N_("Days in the stage before."))
    ]
    plan: PlanField = None


@dataclass(frozen=True, kw_only=True)
class Moved(Answer):
    """The moves of a period, in order."""

    as_of: AsOfField
    period: Annotated[str, Key(N_("As requested."))]
    rows: Annotated[tuple[Mover, ...], Table(N_("Moves"), is_list=True)]
    before: Annotated[str | None, Hidden()] = None
    after: Annotated[str | None, Hidden()] = None

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "period": (self.period, Kind.TEXT), "as_of": self.as_of,
            "before": _side(N_(", from %(stage)s"), self.before)
            if self.before != NEW else Said(N_(", became known")),
            "after": _side(N_(", to %(stage)s"), self.after),
        }
        return Said(N_("Moves in %(period)s%(before)s%(after)s, as of %(as_of)s"), values)


def _side(text: str, stage: str | None) -> Said:
    return Said(text, {"stage": Said(LABELS[stage])}) if stage else Said("")


@insight(
    "lifecycle moved", page="/lifecycle/moves", comes_from="/lifecycle?period#flow",
    needs="accounts",
)
def movers(
    company: Reader, *,
    period: Annotated[str, Param(N_("When."), metavar="P", examples="2024-01, 2024-Q1")],
    before: Annotated[
        str | None,
        Param(N_("The stage that they left, or 'new' for who became known; any without it."),
              metavar="STAGE", examples=", ".join((NEW, *STAGES))),
    ] = None,
    after: Annotated[
        str | None,
        Param(N_("The stage that they came to; any without it."), metavar="STAGE",
              examples=", ".join(STAGES)),
    ] = None,
    where: Where = "", as_of: AsOfText = None,
) -> Moved:
    """Which accounts moved from stage to stage in a period?"""
    # An empty stage before is none: that of who became known.
    before = NEW if before == "" else before
    check_stage(before if before != NEW else None)
    check_stage(after)
    asked = question_of(company, (), where, as_of)
    sql = statement(
        asked, day_of(asked, period), before="" if before == NEW else before, after=after or None
    )
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
    return Moved(
        as_of=asked.as_of.at.isoformat(),
        period=period,
        rows=tuple(Mover(*row) for row in answer),
        before=before,
        after=after or None,
        sql=sql,
    )


def statement(
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
