"""Who of the accounts of closed cohorts still paid so many months on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.acquisition.asked import question_of
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    Beside,
    Hidden,
    Key,
    Kind,
    Row,
    Said,
    Table,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.cohorts.cohort_retention import cells as cells_of
from staycurve.insights.shared.asking import first_paid_on
from staycurve.insights.shared.members import Question, members_sql, spells_sql
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.period import month_index, month_start

ABOUT = N_("accounts of cohorts whose month has closed, and whether they paid at its close")


@dataclass(frozen=True)
class Stayer(AccountRow):
    """An account of a cohort whose month has closed, and whether it paid at the close."""

    account_id: AccountField
    first_paid_on: Annotated[dt.date, col(N_("First paid"), Kind.DAY)]
    close_on: Annotated[dt.date, col(N_("Looked at on"), Kind.DAY)]
    is_kept: Annotated[bool, col(N_("Paid then"), Kind.FLAG)]


@dataclass(frozen=True)
class KeptTotal(Row):
    """Those that paid, of all."""

    retained: Annotated[int, col(N_("Paid then"), Unit.COUNT)]
    size: Annotated[int, col(N_("Of"), Unit.COUNT)]

    def brief(self) -> Said:
        return Said(
            N_("%(retained)s of %(size)s paid then"),
            {"retained": (self.retained, Unit.COUNT), "size": (self.size, Unit.COUNT)},
        )


@dataclass(frozen=True, kw_only=True)
class Stayed(Answer):
    """The accounts behind a retention, those that paid first."""

    as_of: AsOfField
    about: Annotated[str, Key(N_("Which number, in words."))]
    rows: Annotated[tuple[Stayer, ...], Table(N_("Accounts"), is_list=True)]
    total: Annotated[KeptTotal, Key(N_("Those that paid, of all, whichever are listed."))]
    age: Annotated[int, Hidden()]
    is_kept: Annotated[bool, Hidden()] = False

    def beside(self) -> tuple[Beside, ...]:
        if not self.is_kept:
            return ()
        label = Said(
            N_("all accounts whose month %(age)s has closed"), {"age": (self.age, Unit.COUNT)}
        )
        return (Beside(label, {"is_kept": None}),)

    def title(self) -> Said:
        text = N_("accounts that paid at the close of month %(age)s") if self.is_kept else N_(
            "accounts whose month %(age)s has closed")
        return Said(text, {"age": (self.age, Unit.COUNT)})


@insight("acquisition stayed", comes_from="/acquisition#quality")
def stayed(
    company: Reader, *,
    age: Annotated[
        int, Param(N_("Months after the activation month, from 1."), least=1, most=600)
    ],
    is_kept: Annotated[
        bool, Param(N_("Only those that still paid."), formerly=("whole",))
    ] = False,
    where: Where = "", as_of: AsOfText = None,
) -> Stayed:
    """Which accounts are behind the retention of channels or referrals: who paid, who did not?

    All closed cohorts together; those that paid ÷ all of them. 'referred_by!=' are the referred,
    'referred_by=' the others.
    """
    asked = question_of(company, where, as_of)
    with company.seeing(asked.as_of) as engine:
        first = first_paid_on(engine, asked)
        cells = cells_of(asked, first, (age,)) if first else []
        sql = statement(asked, cells) if cells else ""
        answer = engine.rows(sql) if cells else ()
    rows = [Stayer(*(*row[:-1], bool(row[-1]))) for row in answer]
    return Stayed(
        as_of=asked.as_of.at.isoformat(),
        about=ABOUT,
        rows=tuple(row for row in rows if row.is_kept or not is_kept),
        total=KeptTotal(sum(row.is_kept for row in rows), len(rows)),
        age=age,
        is_kept=is_kept,
        sql=sql,
    )


def statement(question: Question, cells: Sequence[tuple[dt.date, int]]) -> str:
    """SQL of rows (account_id, first_paid_on, close_on, is_kept), one an account and cell.

    The accounts are those that `cohort_retention.statement` counts.

    Parameters
    ----------
    question : Question
        Without `by`.
    cells : sequence of (date, int)
        Activation month and age; at least one.
    """
    rows = ", ".join(
        f"(DATE '{cohort}', DATE '{_close(cohort, age)}')" for cohort, age in cells
    )
    return f"""WITH {members_sql(question)},
{spells_sql(question)},
cells AS (SELECT * FROM (VALUES {rows}) AS v(cohort_on, close_on))
SELECT m.account_id, m.first_paid_on, c.close_on, coalesce(s.is_paying, 0) AS is_kept
FROM members m
JOIN cells c ON c.cohort_on = m.cohort_on
LEFT JOIN spells s ON s.account_id = m.account_id AND s.starts_on <= c.close_on
     AND s.ends_on > c.close_on
ORDER BY is_kept DESC, m.first_paid_on, m.account_id"""


def _close(cohort: dt.date, age: int) -> dt.date:
    return month_start(month_index(cohort) + age + 1) - dt.timedelta(days=1)
