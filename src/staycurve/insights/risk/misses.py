"""Misses: accounts that churned while they were called healthy, month by month."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    Hidden,
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
from staycurve.insights.risk.asked import HORIZON, Horizon
from staycurve.insights.risk.kept import Remembering
from staycurve.insights.risk.looks import UNSCORED, Departure, departures
from staycurve.insights.risk.scores import BANDS, Form
from staycurve.insights.shared.params import AsOfText
from staycurve.metrics.base import Unit
from staycurve.period import parse_period

CALLED = {**BANDS, UNSCORED: N_("Not scored")}
NOBODY_LEFT = N_("no account has churned since the first score")

_TAKE = {"month": "month", "horizon": "horizon", "form": "form"}


def _opens(band: str | None = None) -> Opens:
    return Opens("risk left", _TAKE, {"band": band} if band else {})


@dataclass(frozen=True, kw_only=True)
class OfMonth(Row):
    """One month: who churned, and what each was called the last time before."""

    month: Annotated[dt.date, col(N_("Month"), Kind.MONTH)]
    left: Annotated[int, col(N_("Churned"), Unit.COUNT, opens=_opens())]
    healthy: Annotated[
        int,
        col(N_("While healthy"), Unit.COUNT, N_("The misses."), opens=_opens("healthy")),
    ]
    watch: Annotated[int, col(N_("While on watch"), Unit.COUNT, opens=_opens("watch"))]
    at_risk: Annotated[int, col(N_("While at risk"), Unit.COUNT, opens=_opens("at_risk"))]
    unknown: Annotated[
        int,
        col(N_("While unknown"), Unit.COUNT, N_("Nothing was known of what they do or say."),
            opens=_opens("unknown")),
    ]
    unscored: Annotated[
        int,
        col(N_("Not scored"), Unit.COUNT,
            N_("They had not paid at the last look, or had requested a cancellation before it."),
            opens=_opens(UNSCORED)),
    ]


@dataclass(frozen=True, kw_only=True)
class LeftRow(AccountRow):
    """An account that churned, and what was known the last time before."""

    account_id: AccountField
    left_on: Annotated[dt.date, col(N_("Churned"), Kind.DAY)]
    band: Annotated[str, col(N_("Called"), Kind.NAME, named_by=CALLED)]
    day: Annotated[dt.date | None, col(N_("On"), Kind.DAY, N_("The last look before."))]
    probability: Annotated[float | None, col(N_("Churn probability"), Unit.PERCENT)]
    known: Annotated[str, col(N_("What was known"))]
    is_kept: Annotated[
        bool,
        col(N_("As it stood"), Kind.FLAG,
            N_("Kept on the day; else a model says it that was fitted to earlier days alone.")),
    ]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, is_summed=True)]


@dataclass(frozen=True, kw_only=True)
class Misses(Answer):
    """Who churned while healthy."""

    as_of: AsOfField
    horizon: Annotated[int, Key(N_("Days after each day in which churn counts."))]
    form: Annotated[str, Key(N_("The form that is judged."))]
    since: Annotated[dt.date | None, Key(N_("The first day with a score."))]
    left: Annotated[int, Key(N_("Accounts that churned since."))]
    missed: Annotated[int, Key(N_("Those of them that were called healthy."))]
    months: Annotated[tuple[OfMonth, ...], Table(N_("Churned, by what they were called"))] = ()
    rows: Annotated[
        tuple[LeftRow, ...], Table(N_("Churned while healthy"), is_main=True)
    ] = ()
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Accounts that churned while healthy, as of %(as_of)s"),
                    {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        return (Said(
            N_("%(missed)s of the %(left)s accounts that churned since %(since)s were called "
               "healthy the last time before."),
            {"missed": (self.missed, Unit.COUNT), "left": (self.left, Unit.COUNT),
             "since": (self.since, Kind.DAY)},
        ),)


@insight("risk misses")
def misses(
    company: Remembering, *, form: Form = "points", horizon: Horizon = HORIZON,
    as_of: AsOfText = None,
) -> Misses:
    """Which accounts churned while health called them healthy, month by month?

    Of each account that churned, the last look before counts: a score that was kept on its day
    (`health keep`), or, where none was, what a model says that was fitted to earlier days alone.
    """
    seen = company.as_of(as_of)
    found = departures(company, seen, horizon, form)
    asked: dict[str, Any] = {"as_of": seen.at.isoformat(), "horizon": horizon, "form": form}
    missed = tuple(_row(one) for one in found.rows if one.band == "healthy")
    return Misses(
        **asked, since=found.first, left=len(found.rows), missed=len(missed),
        months=_months(found.rows), rows=missed,
        why=found.why or (None if found.rows else NOBODY_LEFT),
    )


def _months(rows: Iterable[Departure]) -> tuple[OfMonth, ...]:
    counts: dict[dt.date, Counter[str]] = {}
    for one in rows:
        counts.setdefault(one.left_on.replace(day=1), Counter())[one.band] += 1
    return tuple(
        OfMonth(month=month, left=own.total(), **{band: own[band] for band in CALLED})
        for month, own in sorted(counts.items())
    )


def _row(one: Departure) -> LeftRow:
    look = one.look
    return LeftRow(
        account_id=one.account_id, left_on=one.left_on, band=one.band,
        day=look.day if look else None, probability=look.probability if look else None,
        known=look.known if look else "", is_kept=bool(look and look.is_kept), mrr=one.mrr,
    )


@dataclass(frozen=True, kw_only=True)
class LeftAccounts(Answer):
    """Who churned in a month."""

    as_of: AsOfField
    month: Annotated[str | None, Key(N_("The month; every one since the first score without it."))]
    rows: Annotated[tuple[LeftRow, ...], Table(N_("Churned accounts"), is_list=True)] = ()
    why: WhyField = None
    band: Annotated[str | None, Hidden()] = None

    def title(self) -> Said:
        if self.band:
            return Said(N_("Churned accounts that were last called: %(band)s"),
                        {"band": Said(CALLED[self.band])})
        return Said(N_("Churned accounts, and what they were called"))


@insight("risk left", comes_from="/track-record#misses")
def left_accounts(
    company: Remembering, *,
    month: Annotated[str | None, Param(N_("A month, such as 2024-05."), metavar="P")] = None,
    band: Annotated[
        str | None, Param(N_("Only those that were called so."), choices=tuple(CALLED))
    ] = None,
    form: Form = "points", horizon: Horizon = HORIZON, as_of: AsOfText = None,
) -> LeftAccounts:
    """Who churned, and what did health call each the last time before?"""
    period = parse_period(month) if month else None
    seen = company.as_of(as_of)
    found = departures(company, seen, horizon, form)
    rows = tuple(
        _row(one) for one in found.rows
        if (period is None or period.start <= one.left_on < period.end)
        and band in (None, one.band)
    )
    return LeftAccounts(
        as_of=seen.at.isoformat(), month=month, rows=rows, band=band,
        why=found.why or (None if rows else NOBODY_LEFT),
    )
