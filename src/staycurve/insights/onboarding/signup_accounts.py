"""The accounts behind a number of onboarding, each with when it signed up and got there."""

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
    Beside,
    Hidden,
    Kind,
    Said,
    Table,
    Value,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.onboarding.signup_facts import accounts_statement
from staycurve.insights.shared.columns import AboutField, TotalField
from staycurve.insights.shared.known_use import knows_use, missing
from staycurve.insights.shared.params import AsOfText, Cohort, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.told_use import use_on_day
from staycurve.metrics.base import Unit
from staycurve.period import Period, align

PARTS = {
    "signed_up": N_("accounts that signed up"),
    "activated": N_("accounts that have reached first value"),
    "waiting": N_("accounts that have not reached first value"),
    "mature": N_("accounts whose window has passed"),
    "in_window": N_("accounts that reached first value within the window, which has passed"),
    "late": N_("accounts whose window has passed without it"),
    "unknown": N_("accounts whose sign-up is not known"),
    "before": N_("accounts that were there before they signed up: they count as day 0"),
}

KNOWN = ("signed_up", "mature", "unknown")
"""Parts that are known without any event."""

BESIDE = {"in_window": ("mature", "late"), "late": ("mature", "in_window")}
"""What a part is a share of, and what is left of it."""


@dataclass(frozen=True)
class SignedUp(AccountRow):
    """One account that signed up."""

    account_id: AccountField
    signup_on: Annotated[dt.date | None, col(N_("Signed up"), Kind.DAY)]
    activated_on: Annotated[dt.date | None, col(N_("First value"), Kind.DAY)]
    days: Annotated[
        int | None,
        col(N_("Days"), Unit.COUNT,
            N_("To first value, or those that it has been seen for without it.")),
    ]


@dataclass(frozen=True, kw_only=True)
class SignedUpAccounts(Answer):
    """The accounts behind a number of onboarding."""

    as_of: AsOfField
    about: AboutField
    rows: Annotated[tuple[SignedUp, ...], Table(N_("Accounts"), is_list=True)]
    total: TotalField
    month: Annotated[Period | None, Hidden()] = None
    days: Annotated[tuple[Said, ...], Hidden()] = ()
    part: Annotated[str, Hidden()] = ""

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {"part": Said(self.about)}
        text = N_("%(part)s")
        if self.month is not None:
            values["month"] = (self.month.start, Kind.MONTH)
            text = N_("%(part)s, signed up in %(month)s")
        found = Said(text, values)
        for one in self.days:
            found = Said(N_("%(who)s, %(days)s"), {"who": found, "days": one})
        return found

    def beside(self) -> tuple[Beside, ...]:
        return tuple(
            Beside(Said(PARTS[one]), {"part": one}) for one in BESIDE.get(self.part, ())
        )

    def stands_at(self) -> str:
        return "curve" if self.days else ""


Day = int | None


@insight(
    "onboarding accounts", page="/activation/accounts", comes_from="/activation#months",
    needs="accounts",
)
def accounts(
    company: Reader, *,
    part: Annotated[str, Param(N_("Which of its numbers."), choices=tuple(PARTS))] = "signed_up",
    cohort: Cohort = None,
    on_day: Annotated[
        Day, Param(N_("Those that activated so many days after sign-up."), least=0)
    ] = None,
    from_day: Annotated[
        Day,
        Param(N_("Those there on that day or later, or seen so long without it."), least=0),
    ] = None,
    by_day: Annotated[Day, Param(N_("Those there by that day."), least=0)] = None,
    where: Where = "", as_of: AsOfText = None,
) -> SignedUpAccounts:
    """Which accounts signed up, and how far did they get?"""
    asked = use_on_day(company, (), where, as_of, relation="signups")
    month = align(cohort, "month", is_last=False) if cohort else None
    is_known = part in KNOWN or knows_use(company)
    sql = accounts_statement(asked, part, month.start if month else None)
    with company.seeing(asked.as_of) as engine:
        rows = tuple(
            row for row in (SignedUp(*found) for found in engine.rows(sql))
            if is_known and _is_on(row.days, on_day, from_day, by_day)
        )
    told = (
        (N_("on day %(day)s"), on_day), (N_("by day %(day)s"), by_day),
        (N_("there on day %(day)s or later, or seen so long without it"), from_day),
    )
    return SignedUpAccounts(
        as_of=asked.as_of.at.isoformat(), about=PARTS[part], rows=rows,
        total={"accounts": len(rows)}, month=month,
        days=tuple(
            Said(text, {"day": (day, Unit.COUNT)}) for text, day in told if day is not None
        ),
        part=part,
        notes=() if is_known else (missing(company),),
        sql=sql,
    )


def _is_on(days: Day, on: Day, least: Day, most: Day) -> bool:
    if on is None and least is None and most is None:
        return True
    return (
        days is not None and (on is None or days == on) and (least is None or days >= least)
        and (most is None or days <= most)
    )
