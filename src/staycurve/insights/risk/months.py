"""Who is about to enter one of the riskiest months of a subscription."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    Key,
    Kind,
    Row,
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

FACT = "is_in_riskiest_month"
"""The fact that rules of playbooks name for an account in such a month."""


@dataclass(frozen=True)
class Meeting(Row):
    """A playbook that meets accounts in a risky month.

    Attributes
    ----------
    is_on : bool
        Whether it opens alerts.
    """

    playbook: Annotated[str, Key(N_("Its name."))]
    title: Annotated[str, col(N_("Playbook"), Kind.NAME)]
    is_on: Annotated[bool, col(N_("On"), Kind.FLAG, N_("Whether it opens alerts."))]


class Guided(Reader, Protocol):
    """A company that knows which playbooks there are."""

    def playbooks_on(self, fact: str) -> tuple[Meeting, ...]:
        """The playbooks whose rule rests on a fact."""


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
    playbooks: Annotated[
        tuple[str, ...],
        Key(N_("Names of the playbooks that are on and will meet it there.")),
    ] = ()


@dataclass(frozen=True, kw_only=True)
class EnteringMonths(Answer):
    """Accounts that enter a risky month, the next first."""

    as_of: AsOfField
    within: Annotated[int, Key(N_("Days that are looked ahead."))]
    months: Annotated[tuple[int, ...], Key(N_("The months that stand above the others."))]
    mrr: Annotated[float, Key(N_("MRR of those that enter one, each counted once."))] = 0.0
    rows: Annotated[tuple[Entering, ...], Table(N_("Accounts that enter a risky month"))]
    playbooks: Annotated[tuple[Meeting, ...], Table(N_("Playbooks that meet them"))] = ()
    why: WhyField = None

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        accounts = len({row.account_id for row in self.rows})
        found = [Said(
            N_("One account with an MRR of %(mrr)s enters one within %(days)s days.")
            if accounts == 1 else
            N_("%(accounts)s accounts with an MRR of %(mrr)s enter one within %(days)s days."),
            {"accounts": (accounts, Unit.COUNT), "mrr": (self.mrr, Unit.MONEY),
             "days": (self.within, Unit.COUNT)},
        )]
        if not any(one.is_on for one in self.playbooks):
            found.append(Said(N_("No playbook that is on meets them.")))
        return tuple(found)

    def title(self) -> Said:
        return Said(
            N_("Accounts that enter a risky month within %(days)s days, as of %(as_of)s"),
            {"days": (self.within, Unit.COUNT), "as_of": self.as_of},
        )


@insight("risk months", aliases=("/risk/entering",))
def entering_months(
    company: Guided, *,
    within: Annotated[
        int, Param(N_("Days to look ahead."), least=1, most=365, metavar="DAYS")
    ] = 30,
    as_of: AsOfText = None,
) -> EnteringMonths:
    """Who enters one of the riskiest subscription months soon?

    The months are those that `cohorts riskiest` names. Accounts that churned before and came back
    are left out, as they are there. Beside them stand the playbooks whose rule looks for accounts
    in such a month.
    """
    found = riskiest_months(company, as_of=as_of)
    named = {one.month for one in found.named}
    seen = company.as_of(as_of)
    rows: tuple[Entering, ...] = ()
    playbooks = company.playbooks_on(FACT)
    if named:
        with company.seeing(seen) as engine:
            day = moment_of(engine, seen, 1).day
            rows = entering(
                engine.rows(paying_sql(company.config, day)),
                [one for one in found.rows if one.month in named], day, within,
                playbooks=tuple(one.playbook for one in playbooks if one.is_on),
            )
    return EnteringMonths(
        as_of=seen.at.isoformat(), within=within, months=tuple(sorted(named)), rows=rows,
        mrr=sum({row.account_id: row.mrr for row in rows}.values()), playbooks=playbooks,
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
    accounts: Iterable[Sequence[Any]], months: Sequence[Month], day: dt.date, within: int,
    *, playbooks: tuple[str, ...] = (),
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
                    playbooks=playbooks,
                ))
    return tuple(sorted(found, key=lambda row: (row.enters_on, -row.mrr, row.account_id)))


def _later(day: dt.date, months: int) -> dt.date:
    """So many months later; the 31st turns on a month's last day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
