"""What one user or account did on the days of an activity reading, by day and feature."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    Hidden,
    Key,
    Kind,
    Row as AnswerRow,
    Said,
    Table,
    Value,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage import members as people
from staycurve.insights.usage.activity import asked_of
from staycurve.insights.usage.activity_sql import ActivityQuestion, uses_sql
from staycurve.insights.usage.members import Person
from staycurve.insights.usage.usage_asking import Day, Event, Whose, question_of, seeing
from staycurve.insights.usage.usage_segments import cut
from staycurve.metrics.base import Unit
from staycurve.tables.engine import quoted

ABOUT = N_("what was done on the 28 days, by day and feature")


@dataclass(frozen=True)
class Use(Person):
    """What was done on one day, of one feature."""

    day: Annotated[dt.date, col(N_("Day"), Kind.DAY)]
    feature: Annotated[str | None, col(N_("Feature"))]
    uses: Annotated[int, col(N_("Uses"), Unit.COUNT, is_summed=True)]


@dataclass(frozen=True)
class UsesTotal(AnswerRow):
    """The sum of the rows."""

    uses: int
    active_days: int
    features: int

    def brief(self) -> Said:
        return Said(
            N_("uses %(uses)s, active days %(days)s, features %(features)s"),
            {"uses": (self.uses, Unit.COUNT), "days": (self.active_days, Unit.COUNT),
             "features": (self.features, Unit.COUNT)},
        )


@dataclass(frozen=True, kw_only=True)
class Uses(Answer):
    """What somebody did, by day and feature, the last day first."""

    as_of: AsOfField
    about: Annotated[str, Key(N_("What the rows are."))] = ABOUT
    rows: Annotated[
        tuple[Use, ...], Table(N_("What was done"), is_list=True, number="uses")
    ]
    total: Annotated[UsesTotal, Key(N_("The sum of the rows."))]
    who: Annotated[str, Hidden()] = ""

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "who": self.who, "days": (self.total.active_days, Unit.COUNT),
            "features": (self.total.features, Unit.COUNT), "as_of": self.as_of,
        }
        return Said(
            N_("What %(who)s did on %(days)s of the 28 days, with %(features)s features, "
               "as of %(as_of)s"),
            values,
        )


@insight("usage uses", comes_from="/usage#power", needs="events")
def uses(
    company: Reader, *,
    who: Annotated[
        str,
        Param(N_("The user's id, or the account's."), metavar="WHO", is_argument=True),
    ],
    day: Day = None, event: Event = "", whose: Whose = "user", where: Where = "",
    as_of: AsOfText = None,
) -> Uses:
    """What did one user or account do on the 28 days of the activity, by day and feature?"""
    use = question_of(company, whose, (), where, as_of)
    asked = asked_of(company, use, day, 1, event)
    sql = statement(asked, who)
    with seeing(company, use, (asked.doing,)) as engine:
        answer = engine.rows(sql)
        if not answer and not engine.value(known_statement(asked, who)):
            hint = "Who is active: staycurve usage activity"
            raise UnknownNameError(whose, who, (), hint=hint)
    return of_answer(asked, who, answer, sql=sql)


def statement(asked: ActivityQuestion, entity: str) -> str:
    """SQL of rows (account_id, day, feature, uses) of one user or account.

    They are the acts that `activity_sql.top_statement` counts: of who is in the asked segments.
    """
    who = asked.use.who
    done = f"""done AS (
    SELECT d.{who} AS entity, d.account_id AS of_account, d.day, d.feature,
           MIN(MIN(d.account_id)) OVER () AS account_id, CAST(SUM(d.uses) AS BIGINT) AS uses
    FROM ({uses_sql(asked)}) d WHERE d.{who} = {quoted(entity)}
    GROUP BY d.{who}, d.account_id, d.day, d.feature
)"""
    columns = ("entity", "account_id", "of_account", "day", "feature", "uses")
    cutting = cut(
        asked.use.undivided().by_account(), "done", columns, day=f"DATE '{asked.day}'"
    )
    ctes = ",\n".join((done, *cutting.ctes))
    return f"""WITH {ctes}
SELECT DISTINCT of_account, day, feature, uses FROM {cutting.name}
ORDER BY day DESC, uses DESC, feature, of_account"""


def known_statement(asked: ActivityQuestion, entity: str) -> str:
    """SQL of how many times a user or an account is known at all."""
    table = "account_roots" if asked.use.whose == "account" else "users"
    own = f"{asked.use.whose}_id = {quoted(entity)}"
    return f"""SELECT CAST(SUM(many) AS BIGINT) AS many FROM (
    SELECT COUNT(*) AS many FROM {table} WHERE {own}
    UNION ALL SELECT COUNT(*) FROM usage_days WHERE {own}
) known"""


def of_answer(
    asked: ActivityQuestion, entity: str, answer: Iterable[Sequence[Any]], *, sql: str
) -> Uses:
    """The rows of `statement`, with what they come to: uses, active days and features."""
    rows = tuple(
        Use(*people.ids(asked.use, entity, account), day, feature, count)
        for account, day, feature, count in answer
    )
    total = UsesTotal(
        sum(row.uses for row in rows), len({row.day for row in rows}),
        len({row.feature for row in rows}),
    )
    return Uses(
        as_of=asked.use.as_of.at.isoformat(), rows=rows, total=total, who=entity, sql=sql
    )
