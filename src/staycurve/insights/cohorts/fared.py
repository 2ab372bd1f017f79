"""Fared: the accounts behind a cohort's churn, each as it opened and as it closed."""

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
    Row,
    Said,
    Table,
    Value,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.cohorts.cohort_standing import (
    GROUP_NAMES,
    GROUPS,
    OVERS,
    Over,
    PerCohort,
    fared_sql,
)
from staycurve.insights.shared.asking import question_of, seeing
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.period import Period, parse_period, period_of
from staycurve.tables.engine import quoted


@dataclass(frozen=True)
class Account(Row):
    """One account behind a cohort's churn."""

    account_id: AccountField
    cohort: Annotated[dt.date, col(N_("Cohort"), Kind.MONTH, is_folded=True)]
    first_paid_on: Annotated[dt.date, col(N_("First paid"), Kind.DAY)]
    group: Annotated[str, col(N_("Fared"), Kind.NAME, named_by=GROUP_NAMES)]
    plan: Annotated[
        str | None, col(N_("Plan"), Kind.TEXT, N_("That of the largest item at the opening."))
    ]
    opening_mrr: Annotated[float, col(N_("MRR then"), Unit.MONEY, is_summed=True)]
    peak_mrr: Annotated[
        float, col(N_("Peak MRR"), Unit.MONEY, N_("Its largest up to the close."))
    ]
    closing_mrr: Annotated[float, col(N_("MRR now"), Unit.MONEY, is_summed=True)]
    left_on: Annotated[
        dt.date | None,
        col(N_("Left on"), Kind.DAY,
            N_("The first day on which it no longer paid; empty where it pays at the close.")),
    ]
    tenure_months: Annotated[
        int,
        col(N_("Tenure"), Unit.COUNT,
            N_("Whole months from its first paid day until it left, or to the close.")),
    ]
    name: NameField = None
    owner: OwnerField = None


@dataclass(frozen=True, kw_only=True)
class Fared(Answer):
    """The accounts behind churn, those who lost the most MRR first."""

    as_of: AsOfField
    currency: CurrencyField
    over: Annotated[str, Key(N_("activation, or 12m."))]
    rows: Annotated[tuple[Account, ...], Table(N_("Accounts"), is_list=True)]
    group: Annotated[str | None, Hidden()] = None
    first_paid: Annotated[Period | None, Hidden()] = None

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "group": Said(GROUPS[self.group] if self.group else N_("accounts in any group")),
            "over": Said(OVERS[self.over]),
        }
        if self.first_paid is None:
            return Said(N_("%(group)s, %(over)s"), values)
        values["from"] = (self.first_paid.start, Kind.DAY)
        values["grain"] = Said(self.first_paid.grain)
        return Said(
            N_("%(group)s, first paid in the %(grain)s from %(from)s, %(over)s"), values
        )


@insight(
    "cohorts fared", aliases=("/cohorts/churn/accounts",), page="/cohorts/accounts",
    comes_from="/cohorts#fared",
)
def churn_accounts(
    company: Reader, *, over: Over = "activation",
    cohort: Annotated[
        str | None,
        Param(N_("When they first paid: a month, or the period of a row of churn."), metavar="P"),
    ] = None,
    per: PerCohort = "month",
    group: Annotated[str | None, Param(N_("How they fared."), choices=tuple(GROUPS))] = None,
    where: Where = "", as_of: AsOfText = None,
) -> Fared:
    """Which accounts of a cohort left, shrank, stayed or grew?"""
    asked = question_of(company, (), where, as_of)
    first_paid = _first_paid(asked, cohort, per) if cohort and per != "all" else None
    sql = statement(asked, over, first_paid=first_paid, group=group)
    with seeing(company, asked) as engine:
        found = engine.rows(sql)
    return Fared(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        over=over,
        rows=tuple(
            Account(
                account, began, paid, fate, plan, major(opening), major(peak), major(closing),
                left, tenure,
            )
            for account, began, paid, fate, plan, opening, peak, closing, left, tenure in found
        ),
        group=group,
        first_paid=first_paid,
        sql=sql,
    )


def _first_paid(asked: Question, cohort: str, per: str) -> Period:
    """The period that a cohort's text names; a day names the period of `per` around it."""
    fiscal = asked.config.company.fiscal_year_start
    named = parse_period(cohort, fiscal)
    return period_of(named.start, per, fiscal) if named.grain == "day" else named


def statement(
    question: Question, over: str, *, first_paid: Period | None, group: str | None
) -> str:
    """SQL of the rows of Account, money in micro-units.

    Parameters
    ----------
    question : Question
        Without `by`: an account is listed once.
    first_paid : Period, optional
        All cohorts without it.
    """
    kept = ["1 = 1"]
    if first_paid is not None:
        kept.append(
            f"cohort_on >= DATE '{first_paid.start}' AND cohort_on < DATE '{first_paid.end}'"
        )
    if group is not None:
        kept.append(f"fate = {quoted(group)}")
    return f"""WITH {fared_sql(question, over)}
SELECT account_id, cohort_on, first_paid_on, fate, plan, CAST(opening AS HUGEINT) AS opening,
       CAST(peak AS HUGEINT) AS peak, CAST(closing AS HUGEINT) AS closing,
       CASE WHEN is_paying = 0 THEN last_on END AS left_on, CAST(tenure AS BIGINT) AS tenure
FROM fared
WHERE {" AND ".join(kept)}
ORDER BY closing - opening, account_id"""
