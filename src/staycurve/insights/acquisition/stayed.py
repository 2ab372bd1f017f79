"""Who of the accounts of closed cohorts still paid so many months on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.shared.account_facts import Opened
from staycurve.insights.shared.members import Question, members_sql, spells_sql
from staycurve.period import month_index, month_start

ABOUT = N_("accounts of cohorts whose month has closed, and whether they paid at its close")


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


def stayed(question: Question, answer: Iterable[Sequence[Any]], *, sql: str) -> Opened:
    """The rows of `statement`; those that are kept ÷ all of them is the retention."""
    rows = [
        {"account_id": account, "first_paid_on": str(first), "close_on": str(close),
         "is_kept": bool(kept)}
        for account, first, close, kept in answer
    ]
    total = {"retained": sum(row["is_kept"] for row in rows), "size": len(rows)}
    return Opened(ABOUT, question.as_of.at.isoformat(), rows, total, sql)
