"""Who is about to enter one of the riskiest months of a subscription."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    Key,
    Kind,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.cohorts.riskiest_months import Month, riskiest_months
from staycurve.insights.risk.frames import moment_of
from staycurve.insights.shared.account_facts import customers_sql
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit

NO_MONTH = N_("no month is significantly riskier than the others: see `cohorts riskiest`")
NOBODY_ENTERS = N_("no account enters a risky month in these days")


@dataclass(frozen=True, kw_only=True)
class Entering(AccountRow):
    """One account that enters a risky month."""

    account_id: AccountField
    month: Annotated[int, col(N_("Month"), Unit.COUNT, N_("Of the subscription, from 1."))]
    enters_on: Annotated[dt.date, col(N_("Enters"), Kind.DAY)]
    days: Annotated[int, col(N_("In days"), Unit.COUNT)]
    hazard: Annotated[
        float | None, col(N_("Churn rate"), Unit.PERCENT, N_("Of accounts in that month."))
    ]
    base_rate: Annotated[
        float | None, col(N_("Other months"), Unit.PERCENT, N_("Churn rate of all other months."))
    ]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, is_summed=True)]


@dataclass(frozen=True, kw_only=True)
class EnteringMonths(Answer):
    """Accounts that enter a risky month, the next first."""

    as_of: AsOfField
    within: Annotated[int, Key(N_("Days that are looked ahead."))]
    months: Annotated[tuple[int, ...], Key(N_("The months that stand above the others."))]
    rows: Annotated[tuple[Entering, ...], Table(N_("Accounts that enter a risky month"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(
            N_("Accounts that enter a risky month within %(days)s days, as of %(as_of)s"),
            {"days": (self.within, Unit.COUNT), "as_of": self.as_of},
        )


@insight("risk months")
def entering_months(
    company: Reader, *,
    within: Annotated[
        int, Param(N_("Days to look ahead."), least=1, most=365, metavar="DAYS")
    ] = 30,
    as_of: AsOfText = None,
) -> EnteringMonths:
    """Who enters one of the riskiest subscription months soon?

    The months are those that `cohorts riskiest` names. Accounts that churned before and came back
    are left out, as they are there.
    """
    found = riskiest_months(company, as_of=as_of)
    named = {one.month for one in found.named}
    seen = company.as_of(as_of)
    rows: tuple[Entering, ...] = ()
    if named:
        with company.seeing(seen) as engine:
            day = moment_of(engine, seen, 1).day
            rows = entering(
                engine.rows(paying_sql(company.config, day)),
                [one for one in found.rows if one.month in named], day, within,
            )
    return EnteringMonths(
        as_of=seen.at.isoformat(), within=within, months=tuple(sorted(named)), rows=rows,
        why=None if rows else NOBODY_ENTERS if named else NO_MONTH,
    )


def paying_sql(config: Config, day: dt.date) -> str:
    """SQL of the accounts that pay and have never churned: (account_id, first_paid_on, mrr)."""
    own = f"DATE '{day}'"
    return f"""SELECT p.account_id, p.first_paid_on, p.mrr
FROM ({customers_sql(config, own)}) p
LEFT JOIN (
    SELECT DISTINCT account_id FROM mrr_movements
    WHERE movement = 'churned' AND day <= {own}
) c ON c.account_id = p.account_id
WHERE c.account_id IS NULL
ORDER BY p.account_id"""


def entering(
    accounts: Iterable[Sequence[Any]], months: Sequence[Month], day: dt.date, within: int
) -> tuple[Entering, ...]:
    """Accounts that enter one of the months after a day, in at most so many days."""
    found = []
    for account, first, mrr in accounts:
        for month in months:
            enters = _later(first, month.month - 1)
            days = (enters - day).days
            if 0 < days <= within:
                found.append(Entering(
                    account_id=account, month=month.month, enters_on=enters, days=days,
                    hazard=month.hazard, base_rate=month.base_rate, mrr=mrr / 1_000_000,
                ))
    return tuple(sorted(found, key=lambda row: (row.enters_on, -row.mrr, row.account_id)))


def _later(day: dt.date, months: int) -> dt.date:
    """So many months later; the 31st turns on a month's last day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
