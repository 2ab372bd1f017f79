"""Milestones of success plans within a session."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError
from staycurve.state import audit
from staycurve.state.alerts import ConflictError
from staycurve.state.cleaning import NUMBERS, PAGE, WHO, day, line
from staycurve.state.work_models import MilestoneRow


def of_account(session: Session, account: str) -> tuple[MilestoneRow, ...]:
    """The milestones of an account, by day."""
    return tuple(session.scalars(
        select(MilestoneRow)
        .where(MilestoneRow.account_id == account, MilestoneRow.is_dropped == 0)
        .order_by(MilestoneRow.due_on, MilestoneRow.id)
    ))


def add(
    session: Session, *, account: str, title: str, due_on: str, owner: str, who: str,
    now: dt.datetime,
) -> MilestoneRow:
    """Keep a milestone."""
    row = MilestoneRow(
        account_id=account, title=line(title, what="The title", most=PAGE), due_on=day(due_on),
        owner=line(owner, what="The owner", most=WHO), created_at=now, done_at=None, done_by="",
        is_dropped=0,
    )
    session.add(row)
    session.flush()
    audit.add(session, at=now, who=who, what="milestone.added", subject=f"milestone {row.id}",
              detail={"account_id": account, "due_on": row.due_on.isoformat()})
    return row


def reach(session: Session, milestone: int, *, who: str, now: dt.datetime) -> MilestoneRow:
    """Say that a milestone has been reached.

    Raises
    ------
    ConflictError
        If that has been said already.
    """
    row = _standing(session, milestone)
    if row.done_at is not None:
        raise ConflictError(f"Milestone {milestone} was reached already, says {row.done_by}.",
                            hint="Nothing is left to do.")
    row.done_at, row.done_by = now, line(who, what="Who says so", most=WHO)
    audit.add(session, at=now, who=row.done_by, what="milestone.reached",
              subject=f"milestone {row.id}", detail={"account_id": row.account_id})
    return row


def drop(session: Session, milestone: int, *, who: str, now: dt.datetime) -> MilestoneRow:
    """Take a milestone out of its plan; it is kept, and no longer listed."""
    row = _standing(session, milestone)
    row.is_dropped = 1
    audit.add(session, at=now, who=line(who, what="Who says so", most=WHO),
              what="milestone.dropped", subject=f"milestone {row.id}",
              detail={"account_id": row.account_id})
    return row


def unreached(session: Session) -> list[MilestoneRow]:
    """Every milestone that is still to be reached, oldest first."""
    return list(session.scalars(
        select(MilestoneRow)
        .where(MilestoneRow.is_dropped == 0, MilestoneRow.done_at.is_(None))
        .order_by(MilestoneRow.id)
    ))


def near(
    session: Session, *, since: dt.datetime, until: dt.datetime, due_by: dt.date
) -> list[MilestoneRow]:
    """Milestones that were reached from one instant to another, are overdue or are due by a day."""
    return list(session.scalars(
        select(MilestoneRow)
        .where(
            MilestoneRow.is_dropped == 0,
            or_(
                (MilestoneRow.done_at >= since) & (MilestoneRow.done_at < until),
                MilestoneRow.done_at.is_(None) & (MilestoneRow.due_on <= due_by),
            ),
        )
        .order_by(MilestoneRow.due_on, MilestoneRow.id)
    ))


def assign(
    session: Session, row: MilestoneRow, *, owner: str, who: str, now: dt.datetime
) -> None:
    """Give a milestone to another."""
    before, row.owner = row.owner, line(owner, what="The owner", most=WHO)
    audit.add(session, at=now, who=who, what="milestone.assigned", subject=f"milestone {row.id}",
              detail={"account_id": row.account_id, "before": before, "owner": row.owner})


def _standing(session: Session, milestone: int) -> MilestoneRow:
    row = (
        session.get(MilestoneRow, milestone, with_for_update=True) if milestone in NUMBERS else None
    )
    if row is None or row.is_dropped:
        raise UnknownNameError("milestone", str(milestone), (),
                               hint="They stand on the account's page.")
    return row


def overdue(session: Session, day_: dt.date, at: dt.datetime) -> dict[str, int]:
    """account_id → milestones whose day has passed and that had not been reached by an instant."""
    found = session.execute(
        select(MilestoneRow.account_id, func.count())
        .where(MilestoneRow.due_on < day_, MilestoneRow.is_dropped == 0,
               MilestoneRow.created_at <= at,
               or_(MilestoneRow.done_at.is_(None), MilestoneRow.done_at > at))
        .group_by(MilestoneRow.account_id).order_by(MilestoneRow.account_id)
    )
    return {account: count for account, count in found}
