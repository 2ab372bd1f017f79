"""Referred accounts: whom others brought, what they pay and have paid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.acquisition.asked import question_of
from staycurve.insights.answers import (
    AccountField,
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
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
from staycurve.insights.shared.account_facts import picked_sql, shared_sql
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.metrics.context import Context
from staycurve.metrics.dimensions import FIRSTS_SQL
from staycurve.metrics.relations import RELATIONS
from staycurve.money import major
from staycurve.period import Period, periods_between
from staycurve.tables.engine import quoted

STATES = {
    "referred": N_("accounts that another customer referred"),
    "ever_paid": N_("those of them that have paid"),
    "paying": N_("those of them that pay now"),
}


@dataclass(frozen=True)
class ReferredAccount(Row):
    """One account that another customer brought."""

    account_id: AccountField
    name: NameField
    referred_by: Annotated[str, col(N_("Referred by"))]
    created_on: Annotated[dt.date | None, col(N_("Created"), Kind.DAY)]
    first_paid_on: Annotated[dt.date | None, col(N_("First paid"), Kind.DAY)]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, is_summed=True)]
    lifetime_mrr: Annotated[
        float,
        col(N_("MRR over time"), Unit.MONEY, N_("At the closes of all closed months, summed."),
            is_summed=True),
    ]
    plan: PlanField = None
    owner: OwnerField = None


@dataclass(frozen=True, kw_only=True)
class Referred(Answer):
    """The referred accounts, or those that one account brought."""

    as_of: AsOfField
    currency: CurrencyField
    rows: Annotated[tuple[ReferredAccount, ...], Table(N_("Referred accounts"), is_list=True)]
    referrer: Annotated[str | None, Hidden()] = None
    state: Annotated[str, Hidden()] = "referred"

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "state": Said(STATES[self.state]), "as_of": self.as_of, "currency": self.currency,
            "referrer": (self.referrer, Kind.TEXT),
        }
        if self.referrer:
            text = N_("%(state)s, referred by %(referrer)s, as of %(as_of)s, %(currency)s")
            return Said(text, values)
        return Said(N_("%(state)s, as of %(as_of)s, %(currency)s"), values)


@insight("acquisition referred", comes_from="/acquisition#referrals")
def referred(
    company: Reader, *,
    referrer: Annotated[
        str | None,
        Param(N_("The account that referred them; all without it."), metavar="ACCOUNT",
              is_argument=True),
    ] = None,
    state: Annotated[
        str, Param(N_("All of them, those that have paid, or those that pay now."),
                   choices=tuple(STATES))
    ] = "referred",
    where: Where = "", as_of: AsOfText = None,
) -> Referred:
    """Which accounts were referred by others, and what do they pay and have they paid?"""
    asked = question_of(company, where, as_of)
    sql = accounts_statement(asked, closed_months(company, asked), referrer=referrer or None)
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
    rows = (
        ReferredAccount(account, name, by, created, paid, major(mrr), major(lifetime))
        for account, name, by, _, _, created, paid, mrr, lifetime in answer
    )
    return Referred(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        rows=tuple(row for row in rows if _is_in(row, state)),
        referrer=referrer or None,
        state=state,
        sql=sql,
    )


def _is_in(row: ReferredAccount, state: str) -> bool:
    if state == "ever_paid":
        return row.first_paid_on is not None
    return state == "referred" or row.mrr > 0


def closed_months(company: Reader, asked: Question) -> list[Period]:
    """Every closed month from the first that has MRR."""
    seen = asked.as_of
    first = company.first_day(("mrr",))
    if first is None or first > seen.last_day:
        return []
    months = periods_between(first, seen.last_day, "month")
    return [month for month in months if not seen.is_open(month)]


def accounts_statement(
    question: Question, months: Sequence[Period], *, referrer: str | None = None
) -> str:
    """SQL of every referred account in the segments that is known as of the instant.

    Columns: account_id, name, referrer, referrer_name, is_known, created_on, first_paid_on, mrr
    (at the last day seen), lifetime (MRR at the closes of `months`, summed), both in micro-units.

    Parameters
    ----------
    question : Question
        Its segments are those of the referred accounts, as they are on the last day seen.
    months : sequence of Period
        The closed months.
    """
    seen, config = question.as_of, question.config
    today = Period("day", seen.last_day, seen.last_day + dt.timedelta(days=1))
    kept = f"AND b.root_id = {quoted(referrer)}" if referrer is not None else ""
    own = Context(config, "day", (today,), seen)
    then = Context(config, "month", tuple(months), seen)
    return f"""WITH periods AS ({_points([today])}),
months AS ({_points(months or [today])}),
{_segments(question)},
referred AS (
    SELECT a.account_id, a.name, a.created_on, coalesce(b.root_id, a.referred_by) AS referrer
    FROM accounts a
    JOIN account_roots r ON r.account_id = a.account_id
    LEFT JOIN account_roots b ON b.account_id = a.referred_by
    {_in_segment(question)}
    WHERE NOT r.is_excluded AND r.root_id = a.account_id AND a.referred_by IS NOT NULL
      AND coalesce(b.root_id, a.referred_by) <> a.account_id
      AND (a.created_at IS NULL OR a.created_at < {question.context.as_of_sql})
      {kept}
),
standing AS (
    SELECT account_id, CAST(SUM(value) AS HUGEINT) AS mrr
    FROM ({RELATIONS["closing"].rows(own)}) c GROUP BY account_id
),
lasting AS (
    SELECT account_id, CAST(SUM(value) AS HUGEINT) AS lifetime
    FROM ({RELATIONS["month_value"].rows(then)}) c
    WHERE account_id IN (SELECT account_id FROM referred) AND {"1 = 1" if months else "1 = 0"}
    GROUP BY account_id
)
SELECT r.account_id, r.name, r.referrer, n.name AS referrer_name,
       n.account_id IS NOT NULL AS is_known, r.created_on, f.first_paid_on,
       CAST(coalesce(s.mrr, 0) AS HUGEINT) AS mrr,
       CAST(coalesce(l.lifetime, 0) AS HUGEINT) AS lifetime
FROM referred r
LEFT JOIN accounts n ON n.account_id = r.referrer
LEFT JOIN standing s ON s.account_id = r.account_id
LEFT JOIN lasting l ON l.account_id = r.account_id
LEFT JOIN firsts f ON f.account_id = r.account_id AND f.first_paid_on <= DATE '{seen.last_day}'
ORDER BY lifetime DESC, r.account_id"""


def _segments(question: Question) -> str:
    """The relation `firsts`, and where segments are asked for `picked`: who is in them."""
    if not question.filters:
        return f"firsts AS ({FIRSTS_SQL})"
    last = question.as_of.last_day
    return f"{shared_sql(question)}{picked_sql(question, {last: last})}"


def _in_segment(question: Question) -> str:
    return "JOIN picked k ON k.account_id = r.root_id" if question.filters else ""


def _points(periods: Sequence[Period]) -> str:
    """SQL of rows (start_on, close_on)."""
    rows = ", ".join(
        f"(DATE '{p.start}', DATE '{p.end - dt.timedelta(days=1)}')" for p in periods
    )
    return f"SELECT * FROM (VALUES {rows}) AS v(start_on, close_on)"


def count_statement(question: Question) -> str:
    """SQL of how many customers of the segments are known as of the instant."""
    return f"""WITH {_segments(question)}
SELECT COUNT(*) FROM accounts a
JOIN account_roots r ON r.account_id = a.account_id
{_in_segment(question)}
WHERE NOT r.is_excluded AND r.root_id = a.account_id
  AND (a.created_at IS NULL OR a.created_at < {question.context.as_of_sql})"""
