"""Renewals: what renews in the next days, whose it is, and how each account stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.account.behind import tickets_sql
from staycurve.insights.account.facts_sql import last_active_on
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    CurrencyField,
    Key,
    Kind,
    Opens,
    Row,
    Said,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.account_facts import picked_sql, shared_sql
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.labels import only
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.renewing import due_sql, join_sql, requested_sql
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.tables.engine import FAR, AnyEngine, timestamp
from staycurve.tables.mrr_movements import rate_join, value_sql

WINDOWS = (30, 60, 90)
"""Days ahead in which renewals are summed: a quarter, by what is due in each of its months."""
MOST = 731

STATES = {
    "committed": N_("No cancellation requested"), "requested": N_("Cancellation requested"),
}
NO_DATES = N_("no renewal date is known: subscriptions have neither renews_at nor a term")
NONE_DUE = N_("nothing renews in these days")


@dataclass(frozen=True, kw_only=True)
class Renewal(AccountRow):
    """What one account renews on one day."""

    account_id: AccountField
    renews_on: Annotated[dt.date, col(N_("Renews"), Kind.DAY)]
    days: Annotated[int, col(N_("In days"), Unit.COUNT)]
    state: Annotated[str, col(N_("State"), Kind.NAME, named_by=STATES)]
    mrr: Annotated[
        float, col(N_("MRR"), Unit.MONEY, N_("Of what renews that day."), is_summed=True)
    ]
    cancel_requested_on: Annotated[dt.date | None, col(N_("Requested"), Kind.DAY)]
    last_active_on: Annotated[dt.date | None, col(N_("Last active"), Kind.DAY)]
    open_tickets: Annotated[int | None, col(N_("Open tickets"), Unit.COUNT)]
    nps: Annotated[
        int | None, col(N_("Last NPS"), Unit.COUNT, N_("The last answer of the account, 0 to 10."))
    ]


@dataclass(frozen=True, kw_only=True)
class Due(Row):
    """What renews within so many days; each window holds those before it."""

    days: Annotated[int, col(N_("Within days"), Unit.COUNT)]
    accounts: Annotated[
        int, col(N_("Accounts"), Unit.COUNT, opens=Opens("account renewals", {"days": "days"}))
    ]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY)]
    committed_mrr: Annotated[float, col(N_("No cancellation requested"), Unit.MONEY)]
    requested_mrr: Annotated[
        float,
        col(N_("Cancellation requested"), Unit.MONEY,
            opens=Opens("account renewals", {"days": "days"}, {"state": "requested"})),
    ]


@dataclass(frozen=True, kw_only=True)
class OfOwner(Row):
    """What renews of one owner's accounts in the asked days."""

    owner: Annotated[str | None, col(N_("Owner"), named_by={"": N_("(no owner)")})]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT)]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY)]
    requested_mrr: Annotated[float, col(N_("Cancellation requested"), Unit.MONEY)]


@dataclass(frozen=True, kw_only=True)
class Renewals(Answer):
    """What renews, the next first."""

    as_of: AsOfField
    currency: CurrencyField
    days: Annotated[int, Key(N_("How many days ahead are looked at."))]
    known_mrr: Annotated[
        float, Key(N_("MRR in force whose renewal date is known, at any time."))
    ]
    mrr: Annotated[float, Key(N_("All MRR in force."))]
    due: Annotated[tuple[Due, ...], Table(N_("Due"))]
    owners: Annotated[tuple[OfOwner, ...], Table(N_("By owner"))]
    rows: Annotated[tuple[Renewal, ...], Table(N_("Renewals"), is_main=True)]
    why: WhyField = None

    def title(self) -> Said:
        return Said(
            N_("Renewals in the next %(days)s days, as of %(as_of)s"),
            {"days": (self.days, Unit.COUNT), "as_of": self.as_of},
        )

    def said(self) -> tuple[Said, ...]:
        if not self.mrr:
            return ()
        values: dict[str, str | Value | Said] = {
            "share": (self.known_mrr / self.mrr, Unit.PERCENT),
        }
        return (Said(N_("A renewal date is known for %(share)s of MRR."), values),)


@insight("account renewals", page="/renewals")
def renewals(
    company: Reader, *,
    days: Annotated[int, Param(N_("How many days ahead."), least=1, most=MOST)] = 90,
    owner: Annotated[str | None, Param(N_("Only accounts of this owner."), metavar="WHO")] = None,
    state: Annotated[
        str | None, Param(N_("Only renewals in this state."), choices=tuple(STATES))
    ] = None,
    where: Where = "", as_of: AsOfText = None,
) -> Renewals:
    """What renews in the next days, by owner, and how is each account doing?

    A date that is stated goes before one that is counted from the term or the billing interval;
    monthly plans have none. An item whose cancellation was requested stands at its stated date, or
    else at its known end. Items without a date are in no window: how much MRR has one is told
    beside.
    """
    asked = question_on_day(company, (), where, as_of)
    last = asked.as_of.last_day
    with company.seeing(asked.as_of) as engine:
        sql = statement(asked)
        answer = engine.rows(sql)
        until = last + dt.timedelta(days=days)
        kept = [
            row for row in answer
            if row[2] is not None and last < row[2] <= until
            and (not owner or row[1] == owner)
            and (not state or (row[3] is not None) == (state == "requested"))
        ]
        known = _known(engine, company, {row[0] for row in kept}, asked)
    rows = _rows(kept, known, last)
    owners = sorted({row.owner or "" for row in rows})
    every, dated = sum(row[4] for row in answer), [row for row in answer if row[2] is not None]
    why = None if rows else NONE_DUE if dated else NO_DATES
    return Renewals(
        as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency, days=days,
        known_mrr=major(sum(row[4] for row in dated)), mrr=major(every),
        due=tuple(
            _due(window, rows) for window in sorted({*WINDOWS, days}) if window <= days
        ) if rows else (),
        owners=tuple(_of_owner(one or None, rows) for one in owners),
        rows=tuple(rows), why=why, sql=sql,
    )


def _sum(rows: Sequence[Renewal]) -> float:
    return sum(round(one.mrr * 1_000_000) for one in rows) / 1_000_000


def _due(days: int, rows: Sequence[Renewal]) -> Due:
    own = [one for one in rows if one.days <= days]
    requested = [one for one in own if one.state == "requested"]
    return Due(
        days=days, accounts=len({one.account_id for one in own}), mrr=_sum(own),
        committed_mrr=_sum([one for one in own if one.state == "committed"]),
        requested_mrr=_sum(requested),
    )


def _of_owner(owner: str | None, rows: Sequence[Renewal]) -> OfOwner:
    own = [one for one in rows if one.owner == owner]
    return OfOwner(
        owner=owner, accounts=len({one.account_id for one in own}), mrr=_sum(own),
        requested_mrr=_sum([one for one in own if one.state == "requested"]),
    )


@dataclass(frozen=True)
class _Known:
    """What is known of the accounts that renew; None where nothing of it is loaded."""

    active: Mapping[str, dt.date]
    tickets: Mapping[str, int] | None
    nps: Mapping[str, int]


def _rows(kept: Sequence[Sequence[Any]], known: _Known, last: dt.date) -> list[Renewal]:
    summed: dict[tuple[Any, ...], list[Any]] = {}
    for account, owner, renews, requested, mrr in kept:
        key = (renews, account, requested is not None)
        own = summed.setdefault(key, [0, requested, owner])
        own[0] += mrr
        own[1] = min(filter(None, (own[1], requested)), default=None)
    return [
        Renewal(
            account_id=account, owner=owner, renews_on=renews, days=(renews - last).days,
            state="requested" if is_requested else "committed", mrr=major(mrr),
            cancel_requested_on=requested, last_active_on=known.active.get(account),
            open_tickets=None if known.tickets is None else known.tickets.get(account, 0),
            nps=known.nps.get(account),
        )
        for (renews, account, is_requested), (mrr, requested, owner) in sorted(summed.items())
    ]


def _known(
    engine: AnyEngine, company: Reader, accounts: Collection[str], asked: Question
) -> _Known:
    last, at = asked.as_of.last_day, timestamp(asked.as_of.at)
    months: dict[str, list[Sequence[Any]]] = {}
    for account, month, days in engine.rows(
        "SELECT account_id, month_on, days FROM account_months "
        f"WHERE month_on <= DATE '{last}' AND {only(accounts)} ORDER BY account_id, month_on"
    ) if accounts else ():
        months.setdefault(account, []).append((month, days))
    active = {one: day for one, own in months.items() if (day := last_active_on(own, last))}
    tickets: dict[str, int] | None = None
    if company.lake.rows(company.snapshot, "tickets"):
        tickets = dict(engine.rows(tickets_sql(at, accounts))) if accounts else {}
    nps: dict[str, int] = dict(engine.rows(_nps_sql(at, accounts))) if accounts else {}
    return _Known(active, tickets, nps)


def _nps_sql(at: str, accounts: Collection[str]) -> str:
    return f"""SELECT root_id, score
FROM (
    SELECT r.root_id, CAST(n.score AS BIGINT) AS score, row_number() OVER (
               PARTITION BY r.root_id ORDER BY n.answered_at DESC, n.answer_id) AS place
    FROM answers n
    JOIN account_roots r ON r.account_id = n.account_id
    WHERE n.kind = 'nps' AND n.score IS NOT NULL AND n.answered_at < {at}
      AND {only(accounts, "r.root_id")}
) ranked WHERE place = 1"""


def statement(asked: Question) -> str:
    """SQL of the items in force: (account_id, owner, renews_on, cancel_requested_on, mrr).

    `renews_on` is empty where no date is known: none is stated ahead, and no term of months.
    """
    last = asked.as_of.last_day
    day = f"DATE '{last}'"
    is_requested = requested_sql("i", day)
    return f"""WITH {shared_sql(asked)}{picked_sql(asked, {last: last})},
standing AS (
    SELECT i.account_id, a.owner,
           CASE WHEN NOT {is_requested} THEN {due_sql("s", day)}
                WHEN s.stated_on > {day} THEN s.stated_on ELSE i.ends_on END AS renews_on,
           CASE WHEN {is_requested} THEN
                CASE WHEN i.requested_on <= {day} THEN i.requested_on
                     ELSE i.own_requested_on END END AS cancel_requested_on,
           CAST({value_sql(asked.config, item="i", rate="x")} AS BIGINT) AS mrr,
           i.subscription_id, coalesce(i.item_id, '') AS item, i.starts_at
    FROM mrr_items i
    JOIN picked k ON k.account_id = i.account_id
    {rate_join(item="i", day=day, rate="x")}
    {join_sql("i", "s")}
    LEFT JOIN accounts a ON a.account_id = i.account_id
    WHERE i.starts_on <= {day} AND coalesce(i.ends_on, {FAR}) > {day}
)
SELECT account_id, owner, renews_on, cancel_requested_on, mrr
FROM standing WHERE mrr > 0
ORDER BY account_id, subscription_id, item, starts_at"""
