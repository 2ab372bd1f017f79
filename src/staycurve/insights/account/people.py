"""The users of one account: who they are, who speaks for us, and when each was last active."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.account import facts_sql
from staycurve.insights.account.asked import AccountId, Whose, whose
from staycurve.insights.answers import Answer, AsOfField, Key, Kind, Row, Said, Table, WhyField, col
from staycurve.insights.base import insight
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit

NO_USERS = N_("no users of this account are loaded, and no event names one")
NO_EVENTS = N_("no events are loaded")


@dataclass(frozen=True, kw_only=True)
class Person(Row):
    """One user of the account."""

    user_id: Annotated[str, col(N_("User"), is_personal=True, stands_in=True)]
    name: Annotated[str | None, col(N_("Name"), is_personal=True)]
    email: Annotated[str | None, col(N_("E-mail"), is_personal=True)]
    role: Annotated[str | None, col(N_("Role"))]
    is_champion: Annotated[bool | None, col(N_("Champion"), Kind.FLAG)]
    created_on: Annotated[dt.date | None, col(N_("Signed up"), Kind.DAY)]
    left_on: Annotated[dt.date | None, col(N_("Left"), Kind.DAY)]
    last_active_on: Annotated[dt.date | None, col(N_("Last active"), Kind.DAY)]
    active_days: Annotated[
        int | None, col(N_("Active days"), Unit.COUNT, N_("Of the last 28 days."))
    ]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class People(Answer):
    """The users of one account: champions first, then the most recently active."""

    as_of: AsOfField
    account_id: Annotated[str, Key(N_("The account."))]
    rows: Annotated[tuple[Person, ...], Table(N_("Users"))]
    active: Annotated[
        int | None, Key(N_("Users who were active in the last 28 days."))
    ] = None
    why: WhyField = None

    def title(self) -> Said:
        return Said(
            N_("%(account)s, as of %(as_of)s"),
            {"account": (self.account_id, Kind.TEXT), "as_of": self.as_of},
        )


@insight("account users", needs="accounts")
def users(company: Reader, *, account: AccountId, as_of: AsOfText = None) -> People:
    """Who uses the product at one account, who champions it, and who was active when?"""
    seen = company.as_of(as_of)
    is_tracked = company.lake.rows(company.snapshot, "events") > 0
    with company.seeing(seen) as engine:
        of = whose(engine, company, account, seen)
        known = engine.rows(users_sql(of))
        months: dict[str, list[Sequence[Any]]] = {}
        for user, month, days in engine.rows(months_sql(of)):
            months.setdefault(user, []).append((month, days))
    unnamed = sorted(set(months) - {row[0] for row in known})
    rows = [
        _person(row, months.get(row[0], ()), of.last_day, is_tracked=is_tracked)
        for row in (*known, *((user, *[None] * 6) for user in unnamed))
    ]
    rows.sort(key=_order)
    return People(
        as_of=seen.at.isoformat(), account_id=of.account_id, rows=tuple(rows),
        active=sum(bool(one.active_days) for one in rows) if is_tracked else None,
        why=None if rows else NO_USERS, notes=of.notes,
    )


def _person(
    row: Sequence[Any], months: Sequence[Sequence[Any]], last: dt.date, *, is_tracked: bool
) -> Person:
    user, name, email, role, is_champion, created, left = row
    return Person(
        user_id=user, name=name, email=email, role=role, is_champion=is_champion,
        created_on=created, left_on=left,
        last_active_on=facts_sql.last_active_on(months, last),
        active_days=facts_sql.active_days(months, last) if is_tracked else None,
        why=None if is_tracked else NO_EVENTS,
    )


def _order(one: Person) -> tuple[Any, ...]:
    day = one.last_active_on or dt.date.min
    return (one.left_on is not None, not one.is_champion, -day.toordinal(), one.user_id)


def users_sql(of: Whose) -> str:
    """SQL of (user_id, name, email, role, is_champion, created_on, left_on), the last one empty
    while the user is there."""
    return f"""SELECT user_id, name, email, role, is_champion, created_on,
       CASE WHEN left_at < {of.at} THEN left_on END AS left_on
FROM users
WHERE account_id IN ({of.listed}) AND (created_at IS NULL OR created_at < {of.at})
ORDER BY user_id"""


def months_sql(of: Whose) -> str:
    """SQL of the months in which each user was active: (user_id, month_on, days)."""
    return f"""SELECT user_id, month_on, days
FROM user_months
WHERE account_id = {of.customer} AND month_on <= DATE '{of.last_day}' AND user_id IS NOT NULL
ORDER BY user_id, month_on"""
