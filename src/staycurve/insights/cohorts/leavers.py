"""Leavers: the accounts behind a subscription month's churn rate."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    Said,
    Table,
    Value,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.cohorts.riskiest_months import lives_sql
from staycurve.insights.shared.asking import question_of, seeing
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import CLASS_NAMES, AsOfText, EndClass, Where
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.tables.engine import FAR, quoted


@dataclass(frozen=True)
class AtRisk(AccountRow):
    """One account that left in the month, or was at risk in it."""

    account_id: AccountField
    first_paid_on: Annotated[dt.date, col(N_("First paid"), Kind.DAY)]
    left_month: Annotated[
        int | None,
        col(N_("Left in month"), Unit.COUNT,
            N_("The subscription month in which it first left; empty while it pays.")),
    ]
    left_on: Annotated[dt.date | None, col(N_("Left on"), Kind.DAY)]
    end_class: Annotated[str | None, col(N_("Churn type"), Kind.NAME, named_by=CLASS_NAMES)]
    mrr: Annotated[
        float | None,
        col(N_("MRR"), Unit.MONEY, N_("Before it left, or now."), is_summed=True),
    ]
    has_returned: Annotated[
        bool, col(N_("Came back"), Kind.FLAG, N_("Paid again after it first left."))
    ]


@dataclass(frozen=True, kw_only=True)
class Leavers(Answer):
    """The accounts behind a month, those with the most MRR first."""

    as_of: AsOfField
    currency: CurrencyField
    month: Annotated[int, Key(N_("The subscription month, from 1."))]
    rows: Annotated[tuple[AtRisk, ...], Table(N_("Accounts"), is_list=True)]
    is_at_risk: Annotated[bool, Hidden()] = False
    end_class: Annotated[str | None, Hidden()] = None

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {"month": (self.month, Unit.COUNT)}
        if self.is_at_risk:
            return Said(N_("At risk in month %(month)s of their subscription"), values)
        if self.end_class:
            values["end"] = Said(CLASS_NAMES[self.end_class])
            return Said(N_("Left in month %(month)s of their subscription, %(end)s"), values)
        return Said(N_("Left in month %(month)s of their subscription"), values)


@insight(
    "cohorts leavers", aliases=("/cohorts/riskiest/accounts",), page="/cohorts/months",
    comes_from="/cohorts#risk",
)
def leavers(
    company: Reader, *,
    month: Annotated[int, Param(N_("The subscription month, from 1."), least=1, most=9999)],
    is_at_risk: Annotated[
        bool,
        Param(N_("All who were at risk in it, not only who left."), formerly=("left", "at_risk")),
    ] = False,
    end_class: EndClass = None, where: Where = "", as_of: AsOfText = None,
) -> Leavers:
    """Who left in a month of their subscription, or was at risk in it?"""
    if is_at_risk and end_class:
        raise UsageError(
            "A churn type chooses among those who left.", hint="Leave out is_at_risk.",
        )
    asked = question_of(company, (), where, as_of)
    sql = statement(asked, month=month, is_leaver=not is_at_risk, end_class=end_class)
    with seeing(company, asked) as engine:
        found = engine.rows(sql)
    return Leavers(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        month=month,
        rows=tuple(
            AtRisk(account, first, left_in, day, end, major(mrr), back)
            for account, first, left_in, day, end, mrr, back in found
        ),
        is_at_risk=is_at_risk,
        end_class=end_class,
        sql=sql,
    )


def statement(
    question: Question, *, month: int, is_leaver: bool, end_class: str | None = None
) -> str:
    """SQL of the rows of AtRisk, money in micro-units.

    Parameters
    ----------
    question : Question
        Without `by`: an account is listed once.
    """
    kept = f"coalesce(least(l.left_month, l.seen_months), l.seen_months) >= {month}"
    if is_leaver:
        kept = f"l.left_month = {month} AND l.left_month <= l.seen_months"
    if is_leaver and end_class:
        kept += f" AND coalesce(l.end_class, 'unknown') = {quoted(end_class)}"
    return f"""WITH {lives_sql(question)}
SELECT l.account_id, l.first_paid_on, CAST(l.left_month AS BIGINT) AS left_month, l.left_on,
       CASE WHEN l.left_on IS NOT NULL THEN coalesce(l.end_class, 'unknown') END AS end_class,
       CAST(p.mrr AS HUGEINT) AS mrr, l.has_returned = 1 AS has_returned
FROM lives l
LEFT JOIN spells p ON p.account_id = l.account_id AND p.is_paying = 1
     AND (p.ends_on = l.left_on OR (l.left_on IS NULL AND p.ends_on = {FAR}))
WHERE {kept}
ORDER BY p.mrr DESC NULLS LAST, l.account_id"""
