"""What there is to tell of a week: gathered once for the company, then cut to each reader."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from staycurve import personal
from staycurve.actions.mails.digest_letter import (
    Alerted,
    Doing,
    Missed,
    Moved,
    Renewing,
    Week,
)
from staycurve.actions.playbooks.finding import About, about_of
from staycurve.errors import StaycurveError
from staycurve.period import local_day
from staycurve.state import milestones as planning, work_reading
from staycurve.state.work_models import AlertRow, MilestoneRow
from staycurve.workspace.owning import ownership_of
from staycurve.workspace.work_rows import read

T = TypeVar("T")
DAYS, AHEAD, SOON = 7, 30, 7
"""Days that a digest looks back, days in which renewals count, and in which milestones do."""


@dataclass(frozen=True)
class Gathered:
    """A week of all accounts.

    Attributes
    ----------
    owners : mapping
        account_id → who has it, by [ownership].
    """

    week: Week
    owners: Mapping[str, str]

    def of(self, names: Collection[str]) -> Week:
        """The week of the accounts and the work of these owners."""
        wanted = {one.casefold() for one in names}

        def own(rows: Sequence[Any]) -> list[Any]:
            # Work is told to who has it, whoever has the account.
            return [
                row for row in rows
                if (getattr(row, "owner", "") or self.owners.get(row.account_id, "")).casefold()
                in wanted
            ]

        week = self.week
        return replace(
            week, movements=own(week.movements), opened=own(week.opened),
            resolved=own(week.resolved), misses=own(week.misses), renewals=own(week.renewals),
            tasks=own(week.tasks), milestones=own(week.milestones),
        )


def gather(company: Any, *, until: dt.datetime) -> Gathered:
    """The seven days up to an instant: of data those up to the last that is loaded.

    Parameters
    ----------
    until : datetime
        UTC: what people did is told of the seven days before it.
    """
    seen = company.as_of()
    with company.work.moment(seen) as moment:
        about = about_of(moment, moment.accounts(), ownership_of(company, company.state))
    names = {one: own.name or one for one, own in about.items()}
    why: dict[str, str] = {}
    week = Week(
        seen.last_day - dt.timedelta(days=DAYS - 1), seen.last_day,
        company.config.company.currency,
        movements=_told(why, "movements", lambda: _movements(company, names)),
        misses=_told(why, "misses", lambda: _misses(company, names, seen.last_day)),
        renewals=_told(why, "renewals", lambda: _renewals(company, names)),
        why=why, **_work(company, about, until),
    )
    return Gathered(week, {one: own.owner.name for one, own in about.items()})


def _told(why: dict[str, str], part: str, make: Callable[[], tuple[T, ...]]) -> tuple[T, ...]:
    """What there is of a part; where that is not known the digest says so, and goes out."""
    try:
        return make()
    except StaycurveError as error:
        why[part] = error.message.rstrip(".")
        return ()


def _movements(company: Any, names: Mapping[str, str]) -> tuple[Moved, ...]:
    found = company.overview.changes(days=DAYS)
    return tuple(
        Moved(row.account_id, names.get(row.account_id, row.account_id), row.day, row.kind, row.mrr)
        for row in found.rows
    )


def _misses(company: Any, names: Mapping[str, str], last: dt.date) -> tuple[Missed, ...]:
    found = company.risk.misses()
    if found.why and found.since is None:
        # Without a score nobody was called healthy: that is no week without misses.
        raise StaycurveError(found.why)
    first = last - dt.timedelta(days=DAYS - 1)
    return tuple(
        Missed(row.account_id, names.get(row.account_id, row.account_id), row.left_on, row.mrr)
        for row in found.rows if first <= row.left_on <= last
    )


def _renewals(company: Any, names: Mapping[str, str]) -> tuple[Renewing, ...]:
    found = company.account.renewals(days=AHEAD)
    if found.why and not found.known_mrr:
        raise StaycurveError(found.why)
    return tuple(
        Renewing(row.account_id, names.get(row.account_id, row.account_id), row.renews_on, row.mrr,
                 row.state == "requested")
        for row in found.rows
    )


def _work(company: Any, about: Mapping[str, About], until: dt.datetime) -> dict[str, Any]:
    zone = company.config.company.zone
    since, today = until - dt.timedelta(days=DAYS), local_day(until, zone)

    def name(account: str, fallback: str = "") -> str:
        own = about.get(account)
        return (own.name if own else "") or fallback or account

    def alerted(row: AlertRow, at: dt.datetime) -> Alerted:
        return Alerted(
            row.account_id, name(row.account_id, row.account_name), row.owner, row.playbook,
            local_day(at, zone), row.mrr, row.reason,
        )

    with read(company.state) as session:
        if session is None:
            return {}
        opened = work_reading.between(session, "opened", since, until)
        resolved = work_reading.between(session, "resolved", since, until)
        tasks = [row for row in work_reading.tasks(session) if row.due_on < today]
        milestones = planning.near(session, since=since, until=until,
                                   due_by=today + dt.timedelta(days=SOON))
        return {
            "opened": tuple(alerted(row, at) for row, at in opened),
            "resolved": tuple(alerted(row, at) for row, at in resolved),
            "tasks": tuple(
                Doing(row.account_id, name(row.account_id), row.title, row.due_on, row.owner)
                for row in tasks
            ),
            "milestones": tuple(
                Doing(row.account_id, name(row.account_id), row.title, row.due_on, row.owner,
                      _state(row, today)) for row in milestones
            ),
        }


def _state(row: MilestoneRow, today: dt.date) -> str:
    if row.done_at is not None:
        return "reached"
    return "overdue" if row.due_on < today else "due"


def hidden(week: Week) -> Week:
    """The week for somebody whose role may not see what people wrote."""
    return replace(
        week, milestones=[replace(one, title=personal.HIDDEN) for one in week.milestones]
    )
