"""What changed in the last days: movements of MRR, requests to cancel, tickets, unhappy answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

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
from staycurve.insights.overview.signals import unhappy_sql
from staycurve.insights.shared.account_facts import picked_sql, shared_sql
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.period import day_start
from staycurve.tables.engine import timestamp
from staycurve.tables.mrr_movements import rate_join, value_sql

WEEK = 7
MOST_DAYS = 366

KINDS = {
    "new": N_("New"), "reactivation": N_("Reactivation"), "expansion": N_("Expansion"),
    "contraction": N_("Contraction"), "churn": N_("Churn"),
    "cancellation_requested": N_("Cancellation requested"),
    "ticket_opened": N_("Ticket opened"), "unhappy_answer": N_("Unhappy answer"),
}
GAINS = ("new", "reactivation", "expansion")
MOVED = (*GAINS, "contraction", "churn")
NOTHING = N_("nothing changed in these days")


@dataclass(frozen=True, kw_only=True)
class Happening(AccountRow):
    """One thing that happened to one account."""

    account_id: AccountField
    day: Annotated[dt.date, col(N_("Day"), Kind.DAY)]
    kind: Annotated[str, col(N_("What"), Kind.NAME, named_by=KINDS)]
    mrr: Annotated[
        float | None,
        col(N_("MRR"), Unit.MONEY, N_("What it added or took away; of a request what is at stake."),
            why="", is_summed=True),
    ]


@dataclass(frozen=True, kw_only=True)
class Sum(Row):
    """How often one kind of thing happened, beside the days before."""

    kind: Annotated[str, col(N_("What"), Kind.NAME, named_by=KINDS)]
    accounts: Annotated[
        int,
        col(N_("Accounts"), Unit.COUNT,
            opens=Opens("overview changes", {"kind": "kind", "days": "days"})),
    ]
    count: Annotated[int, col(N_("How often"), Unit.COUNT)]
    count_before: Annotated[int, col(N_("Days before"), Unit.COUNT)]
    mrr: Annotated[float | None, col(N_("MRR"), Unit.MONEY, why="")]
    mrr_before: Annotated[float | None, col(N_("MRR, days before"), Unit.MONEY, why="")]


@dataclass(frozen=True, kw_only=True)
class Changes(Answer):
    """What changed, the largest first."""

    as_of: AsOfField
    currency: CurrencyField
    days: Annotated[int, Key(N_("How many days are looked at."))]
    first_day: Annotated[dt.date, Key(N_("The first of them."))]
    last_day: Annotated[dt.date, Key(N_("The last of them."))]
    net_new_mrr: Annotated[float, Key(N_("Added less taken away, without FX."))]
    kinds: Annotated[tuple[Sum, ...], Table(N_("By kind"))]
    rows: Annotated[tuple[Happening, ...], Table(N_("Accounts"), is_main=True)]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("What changed in the last %(days)s days, as of %(as_of)s"),
                    {"days": (self.days, Unit.COUNT), "as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why or not any(one.kind in MOVED for one in self.kinds):
            return ()
        text = (N_("Movements added %(sum)s of MRR in all.") if self.net_new_mrr >= 0
                else N_("Movements took %(sum)s of MRR away in all."))
        return (Said(text, {"sum": (abs(self.net_new_mrr), Unit.MONEY)}),)


@insight("overview changes")
def changes(
    company: Reader, *,
    days: Annotated[int, Param(N_("How many days back."), least=1, most=MOST_DAYS)] = WEEK,
    kind: Annotated[
        str | None, Param(N_("Only this kind of thing."), choices=tuple(KINDS))
    ] = None,
    where: Where = "", as_of: AsOfText = None,
) -> Changes:
    """What changed in the last days, and for whom?

    Movements of MRR, requests to cancel, tickets opened and unhappy answers, beside as many days
    before.
    """
    asked = question_on_day(company, (), where, as_of)
    last = asked.as_of.last_day
    first = last - dt.timedelta(days=days - 1)
    earlier = first - dt.timedelta(days=days)
    sql = statement(asked, company, earlier)
    with company.seeing(asked.as_of) as engine:
        found = [row for row in engine.rows(sql) if kind in (None, row[2])]
    now = [row for row in found if row[1] >= first]
    then = [row for row in found if row[1] < first]
    rows = [
        Happening(account_id=account, day=day, kind=own, mrr=_signed(own, mrr))
        for account, day, own, mrr in now
    ]
    rows.sort(key=lambda one: (-abs(one.mrr or 0), one.account_id, one.day, one.kind))
    net = sum(_micro(row) for row in now if row[2] in MOVED)
    return Changes(
        as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency, days=days,
        first_day=first, last_day=last, net_new_mrr=major(net),
        kinds=tuple(
            _sum(one, now, then) for one in KINDS
            if any(row[2] == one for row in found)
        ),
        rows=tuple(rows), why=None if rows else NOTHING, sql=sql,
    )


def _micro(row: Sequence[Any]) -> int:
    amount = int(row[3] or 0)
    return amount if row[2] in GAINS else -amount


def _signed(kind: str, micro: int | None) -> float | None:
    if not micro:
        return None if micro is None else 0.0
    return -major(micro) if kind in ("contraction", "churn") else major(micro)


def _sum(kind: str, now: Sequence[Sequence[Any]], then: Sequence[Sequence[Any]]) -> Sum:
    own = [row for row in now if row[2] == kind]
    old = [row for row in then if row[2] == kind]
    has_money = kind in (*MOVED, "cancellation_requested")

    def money(rows: Sequence[Sequence[Any]]) -> float | None:
        return _signed(kind, sum(int(row[3] or 0) for row in rows)) if has_money else None

    return Sum(
        kind=kind, accounts=len({row[0] for row in own}), count=len(own), count_before=len(old),
        mrr=money(own), mrr_before=money(old),
    )


def statement(asked: Question, company: Reader, since: dt.date) -> str:
    """SQL of what happened from a day on: (account_id, day, kind, mrr in micro-units)."""
    last = asked.as_of.last_day
    zone = company.config.company.zone
    begin, at = timestamp(day_start(since, zone)), timestamp(asked.as_of.at)
    is_known = "r.is_excluded IS NULL OR NOT r.is_excluded"
    return f"""WITH {shared_sql(asked)}{picked_sql(asked, {last: last})},
happened AS (
    SELECT account_id, day, CASE WHEN movement = 'churned' THEN 'churn' ELSE movement END AS kind,
           CAST(amount AS BIGINT) AS mrr
    FROM mrr_movements
    WHERE day >= DATE '{since}' AND day <= DATE '{last}' AND amount > 0
      AND movement IN ('new', 'reactivation', 'expansion', 'contraction', 'churned')
    UNION ALL
    SELECT account_id, day, 'cancellation_requested' AS kind, CAST(SUM(mrr) AS BIGINT) AS mrr
    FROM (
        SELECT i.account_id, coalesce(i.requested_on, i.own_requested_on) AS day,
               CAST({value_sql(asked.config, item="i", rate="x")} AS BIGINT) AS mrr
        FROM mrr_items i
        {rate_join(item="i", day="coalesce(i.requested_on, i.own_requested_on)", rate="x")}
        WHERE coalesce(i.requested_on, i.own_requested_on) >= DATE '{since}'
          AND coalesce(i.requested_on, i.own_requested_on) <= DATE '{last}'
    ) requested
    WHERE mrr > 0
    GROUP BY account_id, day
    UNION ALL
    SELECT coalesce(r.root_id, t.account_id), t.opened_on, 'ticket_opened', NULL
    FROM tickets t
    LEFT JOIN account_roots r ON r.account_id = t.account_id
    WHERE t.opened_at >= {begin} AND t.opened_at < {at} AND ({is_known})
    UNION ALL
    SELECT coalesce(r.root_id, n.account_id), n.answered_on, 'unhappy_answer', NULL
    FROM answers n
    LEFT JOIN account_roots r ON r.account_id = n.account_id
    WHERE n.account_id IS NOT NULL AND {unhappy_sql("n")}
      AND n.answered_at >= {begin} AND n.answered_at < {at} AND ({is_known})
)
SELECT h.account_id, h.day, h.kind, h.mrr
FROM happened h
JOIN (SELECT DISTINCT account_id FROM picked) k ON k.account_id = h.account_id
ORDER BY h.account_id, h.day, h.kind, h.mrr"""
