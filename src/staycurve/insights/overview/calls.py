"""Whom to call: paying accounts with a signal today, by what is at stake."""

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
from staycurve.insights.overview.signals import SIGNALS, items_sql, signals
from staycurve.insights.shared.account_facts import picked_sql, shared_sql
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.tables.mrr_movements import rate_join, value_sql

NOBODY = N_("no paying account has a signal")
UNKNOWN = {
    "events": N_("no events are loaded: whether use stopped is not known"),
    "tickets": N_("no tickets are loaded: open ones are not known"),
    "answers": N_("no answers are loaded: who is unhappy is not known"),
}


@dataclass(frozen=True, kw_only=True)
class Reason(Row):
    """One signal of an account."""

    signal: Annotated[str, Key(N_("Its name."))]
    since: Annotated[dt.date, Key(N_("Since when; of a renewal the day itself."))]

    def brief(self) -> Said:
        on = (str(self.since), Kind.DAY)
        return Said(N_("%(signal)s (%(day)s)"), {"signal": Said(SIGNALS[self.signal]), "day": on})


@dataclass(frozen=True, kw_only=True)
class Call(AccountRow):
    """One account, and why it is worth a call."""

    account_id: AccountField
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, is_summed=True)]
    reasons: Annotated[tuple[Reason, ...], col(N_("Why"))]


@dataclass(frozen=True, kw_only=True)
class OfSignal(Row):
    """How many paying accounts have one signal."""

    signal: Annotated[str, col(N_("Signal"), Kind.NAME, named_by=SIGNALS)]
    accounts: Annotated[
        int, col(N_("Accounts"), Unit.COUNT, opens=Opens("overview calls", {"signal": "signal"}))
    ]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY)]


@dataclass(frozen=True, kw_only=True)
class Calls(Answer):
    """Whom to call, the most at stake first."""

    as_of: AsOfField
    currency: CurrencyField
    mrr: Annotated[float, Key(N_("MRR of the accounts that have a signal."))]
    rows: Annotated[tuple[Call, ...], Table(N_("Accounts"), is_main=True)]
    signals: Annotated[tuple[OfSignal, ...], Table(N_("By signal"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Whom to call, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        return (Said(
            N_("%(accounts)s paying accounts with %(mrr)s of MRR have a signal. They stand in the "
               "order of MRR times signals; no signal is a probability."),
            {"accounts": (len(self.rows), Unit.COUNT), "mrr": (self.mrr, Unit.MONEY)},
        ),)


@insight("overview calls")
def calls(
    company: Reader, *,
    signal: Annotated[
        str | None, Param(N_("Only accounts with this signal."), choices=tuple(SIGNALS))
    ] = None,
    owner: Annotated[str | None, Param(N_("Only accounts of this owner."), metavar="WHO")] = None,
    where: Where = "", as_of: AsOfText = None,
) -> Calls:
    """Whom should we call today, and why?

    Paying accounts whose payment is failing, who asked to cancel, who renew within 30 days, who
    stopped using the product two weeks ago, whose ticket of the last 90 days is open for over a
    week, or whose last answer of these days was unhappy.
    """
    asked = question_on_day(company, (), where, as_of)
    loaded = {
        table for table in ("subscriptions", *UNKNOWN)
        if company.lake.rows(company.snapshot, table)
    }
    sql = statement(asked, loaded)
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql) if sql else []
    rows = [
        one for one in _rows(answer, owner)
        if signal is None or signal in (reason.signal for reason in one.reasons)
    ]
    return Calls(
        as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency,
        mrr=_sum(rows), rows=tuple(rows), signals=tuple(_signals(rows)),
        why=None if rows else NOBODY,
        notes=tuple(text for table, text in UNKNOWN.items() if table not in loaded), sql=sql,
    )


def _sum(rows: Sequence[Call]) -> float:
    return major(sum(round(one.mrr * 1_000_000) for one in rows))


def _rows(answer: Sequence[Sequence[Any]], owner: str | None) -> list[Call]:
    found: dict[str, tuple[int, list[Reason]]] = {}
    for account, own, mrr, name, since in answer:
        if owner is None or own == owner:
            found.setdefault(account, (mrr, []))[1].append(Reason(signal=name, since=since))
    places = list(SIGNALS)
    rows = [
        Call(account_id=account, mrr=major(mrr),
             reasons=tuple(sorted(own, key=lambda one: places.index(one.signal))))
        for account, (mrr, own) in found.items()
    ]
    return sorted(rows, key=lambda one: (-one.mrr * len(one.reasons), one.account_id))


def _signals(rows: Sequence[Call]) -> list[OfSignal]:
    made = []
    for name in SIGNALS:
        own = [one for one in rows if name in (reason.signal for reason in one.reasons)]
        if own:
            made.append(OfSignal(signal=name, accounts=len(own), mrr=_sum(own)))
    return made


def statement(asked: Question, loaded: set[str]) -> str:
    """SQL of (account_id, owner, mrr in micro-units, signal, since) of paying accounts."""
    last = asked.as_of.last_day
    day = f"DATE '{last}'"
    own = [one for one in signals(asked) if one.needs in loaded]
    if not own:
        return ""
    items = items_sql(
        last, value_sql(asked.config, item="i", rate="x"),
        rate_join(item="i", day=day, rate="x"),
    )
    parts = "\n    UNION ALL\n    ".join(
        f"SELECT account_id, '{one.name}' AS signal, since FROM ({one.sql}) s{place}"
        for place, one in enumerate(own)
    )
    return f"""WITH {shared_sql(asked)}{picked_sql(asked, {last: last})},
{items},
paying AS (
    SELECT account_id, CAST(SUM(mrr) AS BIGINT) AS mrr
    FROM items GROUP BY account_id HAVING SUM(mrr) > 0
),
signs AS (
    {parts}
)
SELECT p.account_id, a.owner, p.mrr, s.signal, s.since
FROM paying p
JOIN (SELECT DISTINCT account_id FROM picked) k ON k.account_id = p.account_id
JOIN signs s ON s.account_id = p.account_id
LEFT JOIN accounts a ON a.account_id = p.account_id
ORDER BY p.account_id, s.signal, s.since"""
