"""Who stands under which churn trigger now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

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
from staycurve.insights.risk.asked import NOBODY_PAYS
from staycurve.insights.risk.frames import frames, joined, moment_of
from staycurve.insights.risk.settings import RISK
from staycurve.insights.risk.trigger import TRIGGERS
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit

WEEKS = 12
"""Weeks that `since` looks back."""


@dataclass(frozen=True, kw_only=True)
class FiredRow(AccountRow):
    """One account under one trigger."""

    account_id: AccountField
    trigger: Annotated[str, Key(N_("Its name; see `risk triggers`."))]
    label: Annotated[str, col(N_("Trigger"), Kind.NAME)]
    since: Annotated[
        dt.date,
        col(N_("Since"), Kind.DAY,
            N_("Looked at week by week, over 12 weeks: it may have stood up to a week longer.")),
    ]
    evidence: Annotated[str, col(N_("Evidence"))]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY)]


@dataclass(frozen=True, kw_only=True)
class Fired(Answer):
    """Accounts under triggers, the largest MRR first."""

    as_of: AsOfField
    accounts: Annotated[int, Key(N_("Accounts under any trigger."))]
    rows: Annotated[tuple[FiredRow, ...], Table(N_("Accounts under a churn trigger"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Accounts under a churn trigger, as of %(as_of)s"), {"as_of": self.as_of})


@insight("risk fired")
def fired(
    company: Reader, *,
    trigger: Annotated[str | None, Param(N_("Only this trigger."), metavar="NAME")] = None,
    as_of: AsOfText = None,
) -> Fired:
    """Which accounts stand under which churn trigger now, since when, and on what evidence?"""
    import numpy as np

    chosen = {trigger: TRIGGERS[trigger]} if trigger else dict(TRIGGERS.items())
    seen = company.as_of(as_of)
    risk = company.config[RISK]
    with company.seeing(seen) as engine:
        day = moment_of(engine, seen, 1).day
        days = [day - dt.timedelta(weeks=week) for week in range(WEEKS + 1)]
        now = joined(list(frames(company, engine, days[:1], 1)))
        if now is None or not len(now):
            return Fired(as_of=seen.at.isoformat(), accounts=0, rows=(), why=NOBODY_PAYS)
        standing = {name: one.on(now, risk)[1] for name, one in chosen.items()}
        since = {name: {now.account_ids[place]: day for place in stands.nonzero()[0]}
                 for name, stands in standing.items()}
        running = {name: set(own) for name, own in since.items()}
        for part in frames(company, engine, days[1:], 1):
            for earlier in np.unique(part.days)[::-1]:
                one_day = part.where(part.days == earlier)
                for name, one in chosen.items():
                    stood = set(one_day.account_ids[one.on(one_day, risk)[1]])
                    running[name] &= stood
                    for account in running[name]:
                        since[name][account] = earlier.item()
    rows = [
        FiredRow(
            account_id=now.account_ids[place], trigger=name, label=chosen[name].label,
            since=since[name][now.account_ids[place]], evidence=chosen[name].told(now, int(place)),
            mrr=float(now.mrr[place]) / 1_000_000,
        )
        for name, stands in standing.items() for place in stands.nonzero()[0]
    ]
    rows.sort(key=lambda row: (-row.mrr, row.account_id, row.trigger))
    return Fired(
        as_of=seen.at.isoformat(), accounts=len({row.account_id for row in rows}),
        rows=tuple(rows),
    )
