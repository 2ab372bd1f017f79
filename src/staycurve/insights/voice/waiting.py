"""What waits in support: open tickets by age, and the largest customers among those who wait."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
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
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.voice.accounts_sql import Standing, standing_of
from staycurve.insights.voice.asked import VoiceAsked, voice_asked
from staycurve.insights.voice.tickets_sql import BANDS, band_of, is_open_sql, since_sql, utc
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.support_hours import SUPPORT

OLD_DAYS = 7

NOTHING_OPEN = N_("no ticket is open")
NOBODY_WAITS = N_("no paying account waits for an answer")


@dataclass(frozen=True, kw_only=True)
class Waiting(Row):
    """Open tickets of one age."""

    band: Annotated[str, col(N_("Open for"))]
    tickets: Annotated[
        int, col(N_("Tickets"), Unit.COUNT, opens=Opens("support tickets", {"band": "band"}))
    ]
    unanswered: Annotated[int, col(N_("Unanswered"), Unit.COUNT)]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT)]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, N_("Of these accounts, each once."))]


@dataclass(frozen=True, kw_only=True)
class Backlog(Answer):
    """What is open, by age."""

    as_of: AsOfField
    currency: CurrencyField
    tickets: Annotated[int, col(N_("Open tickets"), Unit.COUNT)]
    unanswered: Annotated[int, col(N_("Unanswered"), Unit.COUNT)]
    median_days: Annotated[
        float | None, col(N_("Median age, days"), Unit.RATIO, N_("Of the open tickets."))
    ]
    rows: Annotated[tuple[Waiting, ...], Table(N_("Open tickets by age"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Open tickets, as of %(as_of)s"), {"as_of": self.as_of})


@dataclass(frozen=True)
class Open:
    """An open ticket: whose it is, for how long, and whether anybody has answered."""

    ticket: str
    account: str | None
    age: dt.timedelta
    waits: dt.timedelta
    is_answered: bool
    priority: str | None
    topic: str | None


def open_tickets(company: Reader, asked: VoiceAsked) -> tuple[list[Open], Mapping[str, Standing]]:
    """Every ticket that is open, oldest first, and what accounts pay."""
    segments, joins = asked.segments(account="r.root_id", day="t.opened_on")
    sql = f"""WITH {asked.shared_sql}placed AS (
    SELECT t.ticket_id, r.root_id AS account_id, {since_sql(asked)} AS since_at, t.opened_at,
           coalesce(t.first_response_at < {asked.at}, FALSE) AS is_answered, t.priority,
           t.topic{segments}
    FROM tickets t
    LEFT JOIN account_roots r ON r.account_id = t.account_id
    {joins}
    WHERE t.opened_at < {asked.at} AND {is_open_sql(asked)}
      AND coalesce(r.is_excluded, FALSE) = FALSE
)
SELECT ticket_id, account_id, since_at, opened_at, is_answered, priority, topic
FROM placed WHERE {asked.context.where()}
ORDER BY since_at, ticket_id"""
    own, zone, at = asked.config[SUPPORT], asked.config.company.zone, asked.as_of.at
    with company.seeing(asked.as_of) as engine:
        lines = engine.rows(sql)
        standing = standing_of(engine, asked.config, asked.as_of) if lines else {}
    found = [
        Open(ticket, account, at - utc(since), own.worked(utc(since), at, zone),
             bool(answered), priority, topic)
        for ticket, account, since, _opened, answered, priority, topic in lines
    ]
    return found, standing


@insight("support backlog", comes_from="/support#backlog", needs="tickets")
def backlog(company: Reader, *, where: Where = "", as_of: AsOfText = None) -> Backlog:
    """What is open, and for how long?

    Open tickets by the days since they were opened, or opened again, with those that nobody has
    answered and the MRR behind them.
    """
    asked = voice_asked(company, where=where, as_of=as_of, relation="tickets")
    found, standing = open_tickets(company, asked)
    days = sorted(one.age.total_seconds() / 86_400 for one in found)
    middle = len(days) // 2
    median = None
    if days:
        median = days[middle] if len(days) % 2 else (days[middle - 1] + days[middle]) / 2
    return Backlog(
        as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency,
        tickets=len(found), unanswered=sum(not one.is_answered for one in found),
        median_days=median,
        rows=tuple(
            _waiting(label, [one for one in found if band_of(one.age.days) == label], standing)
            for _least, label in BANDS
        ) if found else (),
        why=None if found else NOTHING_OPEN,
    )


def _waiting(label: str, own: Sequence[Open], standing: Mapping[str, Standing]) -> Waiting:
    accounts = {one.account for one in own if one.account}
    return Waiting(
        band=label, tickets=len(own), unanswered=sum(not one.is_answered for one in own),
        accounts=len(accounts),
        mrr=major(sum(standing[one].mrr for one in accounts if one in standing)),
    )


@dataclass(frozen=True, kw_only=True)
class Largest(AccountRow):
    """One paying account that waits."""

    account_id: AccountField
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, is_summed=True)]
    open_tickets: Annotated[
        int, col(N_("Open tickets"), Unit.COUNT,
                 opens=Opens("account timeline", {"account": "account_id"}, {"kind": "ticket"}))
    ]
    unanswered: Annotated[int, col(N_("Unanswered"), Unit.COUNT)]
    oldest_days: Annotated[int, col(N_("Oldest, days"), Unit.COUNT)]
    waiting_hours: Annotated[
        float, col(N_("Waits for hours"), Unit.RATIO,
                   N_("Support hours since its oldest ticket was opened, or opened again."))
    ]
    renews_on: Annotated[dt.date | None, col(N_("Renews"), Kind.DAY)]
    priority: Annotated[str | None, Key(N_("Of the oldest ticket."))]
    topic: Annotated[str | None, col(N_("Topic"), about=N_("Of the oldest ticket."))]


@dataclass(frozen=True, kw_only=True)
class LargestWaiting(Answer):
    """The largest customers that wait, the most MRR first."""

    as_of: AsOfField
    currency: CurrencyField
    days: Annotated[int, Key(N_("From how many days on a ticket that was answered is old."))]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, N_("That wait."))]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, N_("Of all of them."))]
    rows: Annotated[tuple[Largest, ...], Table(N_("Who to call first"), is_main=True)]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Who to call first, as of %(as_of)s"), {"as_of": self.as_of})


@insight("support largest", comes_from="/support#largest", needs="tickets")
def largest(
    company: Reader, *,
    limit: Annotated[int, Param(N_("How many accounts."), least=1, most=1000)] = 20,
    days: Annotated[
        int, Param(N_("From how many days on a ticket that was answered is old."), least=0,
                   most=3650)
    ] = OLD_DAYS,
    where: Where = "", as_of: AsOfText = None,
) -> LargestWaiting:
    """Which of the largest customers wait for us, and for how long?

    Paying accounts with a ticket that nobody has answered, or with one that has been open for a
    week or longer; the most MRR first.
    """
    asked = voice_asked(company, where=where, as_of=as_of, relation="tickets")
    found, standing = open_tickets(company, asked)
    groups: dict[str, list[Open]] = {}
    for one in found:
        if one.account in standing and (not one.is_answered or one.age.days >= days):
            groups.setdefault(one.account or "", []).append(one)
    rows = sorted(
        (_largest(account, own, standing[account]) for account, own in groups.items()),
        key=lambda one: (-one.mrr, -one.oldest_days, one.account_id),
    )
    return LargestWaiting(
        as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency, days=days,
        accounts=len(rows), mrr=major(sum(standing[one].mrr for one in groups)),
        rows=tuple(rows[:limit]), why=None if rows else NOBODY_WAITS,
    )


def _largest(account: str, own: Sequence[Open], standing: Standing) -> Largest:
    oldest = max(own, key=lambda one: one.age)
    return Largest(
        account_id=account, mrr=major(standing.mrr), open_tickets=len(own),
        unanswered=sum(not one.is_answered for one in own), oldest_days=oldest.age.days,
        waiting_hours=round(oldest.waits.total_seconds() / 3600, 1),
        renews_on=standing.renews_on, priority=oldest.priority, topic=oldest.topic,
    )
