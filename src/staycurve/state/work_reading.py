"""Alerts and tasks read within a session."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from staycurve.state.work_models import AlertEventRow, AlertRow, TaskRow

__all__ = [
    "Session", "alerts", "between", "counts", "of_playbook", "opened_on", "recently_resolved",
    "standing", "steps_of", "tasks", "tasks_of",
]


def standing(session: Session) -> list[AlertRow]:
    """Alerts that are not resolved, oldest first, for a run: whoever moves one waits for its end.

    Without that, what somebody resolves meanwhile would be open again once the run is kept.
    """
    return list(session.scalars(
        select(AlertRow).where(AlertRow.is_open == 1).order_by(AlertRow.id).with_for_update()
    ))


def recently_resolved(session: Session, playbook: str, since: dt.datetime) -> set[str]:
    """Accounts whose alert of a playbook was resolved after an instant."""
    return set(session.scalars(
        select(AlertRow.account_id).where(
            AlertRow.playbook == playbook, AlertRow.status == "resolved",
            AlertRow.resolved_at > since,
        )
    ))


def opened_on(session: Session, day: dt.date) -> dict[str, int]:
    """Owner → alerts that they got on a day."""
    found = session.execute(
        select(AlertRow.owner, func.count())
        .where(AlertRow.opened_on == day, AlertRow.status != "waiting").group_by(AlertRow.owner)
    )
    return {owner: count for owner, count in found}


def steps_of(session: Session, alert: int) -> set[str]:
    """The steps of playbooks that an alert has tasks of."""
    return set(session.scalars(select(TaskRow.step).where(TaskRow.alert_id == alert)))


def alerts(
    session: Session, *, owner: str = "", kind: str = "", status: str = "", account: str = "",
    has_resolved: bool = False, most: int | None = None, offset: int = 0,
) -> list[AlertRow]:
    """Alerts, those first of which the most can be kept."""
    query = select(AlertRow)
    for column, value in (
        (AlertRow.owner, owner), (AlertRow.type, kind), (AlertRow.status, status),
        (AlertRow.account_id, account),
    ):
        if value:
            query = query.where(column == value)
    if not has_resolved and status != "resolved":
        query = query.where(AlertRow.is_open == 1)
    query = query.order_by(AlertRow.rank.desc(), AlertRow.id)
    return list(session.scalars(query if most is None else query.limit(most).offset(offset)))


def between(
    session: Session, what: str, since: dt.datetime, until: dt.datetime
) -> list[tuple[AlertRow, dt.datetime]]:
    """Alerts that opened, or were resolved, from one instant to another, with when; the most
    valuable first.

    Parameters
    ----------
    what : str
        `opened` (for its owner: one that waited opens when they get it) or `resolved`.
    """
    happened = (
        select(AlertEventRow.alert_id, func.min(AlertEventRow.at).label("at"))
        .where(AlertEventRow.what == what, AlertEventRow.at >= since, AlertEventRow.at < until)
        .group_by(AlertEventRow.alert_id).subquery()
    )
    found = session.execute(
        select(AlertRow, happened.c.at).join(happened, happened.c.alert_id == AlertRow.id)
        .order_by(AlertRow.rank.desc(), AlertRow.id)
    )
    return [(row, at) for row, at in found]


def of_playbook(session: Session, playbook: str) -> list[AlertRow]:
    """Every alert that a playbook opened, oldest first."""
    return list(session.scalars(
        select(AlertRow).where(AlertRow.playbook == playbook).order_by(AlertRow.id)
    ))


def counts(
    session: Session, *, has_resolved: bool = False
) -> list[tuple[str, str, str, int]]:
    """(owner, type, status, alerts) of those that are not resolved, or of all."""
    query = select(AlertRow.owner, AlertRow.type, AlertRow.status, func.count())
    found = session.execute(
        (query if has_resolved else query.where(AlertRow.is_open == 1))
        .group_by(AlertRow.owner, AlertRow.type, AlertRow.status)
        .order_by(AlertRow.owner, AlertRow.type, AlertRow.status)
    )
    return [(owner, kind, status, count) for owner, kind, status, count in found]


def tasks_of(session: Session, alert: int) -> list[TaskRow]:
    """The tasks of an alert, by day."""
    return list(session.scalars(
        select(TaskRow).where(TaskRow.alert_id == alert).order_by(TaskRow.due_on, TaskRow.id)
    ))


def tasks(
    session: Session, *, owner: str = "", account: str = "", has_done: bool = False,
    most: int | None = None,
) -> list[TaskRow]:
    """Tasks, by the day on which they are due."""
    query = select(TaskRow).order_by(TaskRow.due_on, TaskRow.id)
    if owner:
        query = query.where(TaskRow.owner == owner)
    if account:
        query = query.where(TaskRow.account_id == account)
    if not has_done:
        query = query.where(TaskRow.status == "open")
    return list(session.scalars(query if most is None else query.limit(most)))
