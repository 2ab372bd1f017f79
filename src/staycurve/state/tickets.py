"""Tickets of alerts at help desks within a session: asked for, opened, solved; each once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from staycurve.errors import UsageError
from staycurve.state import alerts as kept
from staycurve.state.cleaning import PAGE, line
from staycurve.state.mail_models import AlertTicketRow
from staycurve.state.work_models import AlertRow

ASKED, OPEN, SOLVED = "asked", "open", "solved"
REASON = "ticket_solved"
"""Why an alert ended whose ticket the help desk calls solved."""
BATCH = 400


def ask(session: Session, alert: int, desk: str, *, now: dt.datetime) -> AlertTicketRow | None:
    """Keep that a ticket is asked for; None where the alert has one at that desk already."""
    if of_alert(session, alert, desk) is not None:
        return None
    row = AlertTicketRow(
        alert_id=alert, desk=desk, state=ASKED, reference="", asked_at=now, opened_at=None,
        solved_at=None, solved_by="",
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        return None
    return row


def of_alert(session: Session, alert: int, desk: str) -> AlertTicketRow | None:
    """The ticket of an alert at a desk."""
    return session.scalar(
        select(AlertTicketRow)
        .where(AlertTicketRow.alert_id == alert, AlertTicketRow.desk == desk).with_for_update()
    )


def of_alerts(session: Session, alerts: Collection[int]) -> dict[int, list[AlertTicketRow]]:
    """Alert → its tickets, by desk."""
    found: dict[int, list[AlertTicketRow]] = {}
    asked = sorted(alerts)
    for start in range(0, len(asked), BATCH):
        for row in session.scalars(
            select(AlertTicketRow)
            .where(AlertTicketRow.alert_id.in_(asked[start:start + BATCH]))
            .order_by(AlertTicketRow.alert_id, AlertTicketRow.desk)
        ):
            found.setdefault(row.alert_id, []).append(row)
    return found


def by_reference(session: Session, desk: str, reference: str) -> list[AlertTicketRow]:
    """The tickets that a desk calls so: several where it has joined them."""
    if not reference:
        return []
    return list(session.scalars(
        select(AlertTicketRow)
        .where(AlertTicketRow.desk == desk, AlertTicketRow.reference == reference)
        .order_by(AlertTicketRow.id).with_for_update()
    ))


def listed(session: Session, *, has_solved: bool = False) -> list[AlertTicketRow]:
    """Tickets that are not solved, or all; newest first."""
    query = select(AlertTicketRow).order_by(AlertTicketRow.id.desc())
    if not has_solved:
        query = query.where(AlertTicketRow.state != SOLVED)
    return list(session.scalars(query))


def unsolved(session: Session, *, is_locked: bool = False) -> list[AlertTicketRow]:
    """Tickets whose reference is known, and that nobody has called solved."""
    query = (
        select(AlertTicketRow)
        .where(AlertTicketRow.state != SOLVED, AlertTicketRow.reference != "")
        .order_by(AlertTicketRow.id)
    )
    return list(session.scalars(query.with_for_update() if is_locked else query))


def opened(
    session: Session, row: AlertTicketRow, reference: str, *, who: str, now: dt.datetime
) -> bool:
    """Keep what the desk calls a ticket; whether that is new.

    Raises
    ------
    UsageError
        If the desk calls it something else already.
    """
    named = line(reference, what="The ticket's reference", most=PAGE)
    if row.reference == named:
        return False
    if row.reference:
        raise UsageError(
            f"The ticket of alert {row.alert_id} at {row.desk} is {row.reference} already.",
            hint="One alert has one ticket at a desk.",
        )
    row.reference, row.opened_at = named, row.opened_at or now
    if row.state == ASKED:
        row.state = OPEN
    kept.happened(session, row.alert_id, "ticket_opened", who=who, now=now, desk=row.desk,
                  reference=named)
    return True


def solved(
    session: Session, row: AlertTicketRow, *, who: str, how: str, now: dt.datetime
) -> AlertRow | None:
    """Keep that a ticket is solved, and end its alert; the alert, or None where it had ended.

    Parameters
    ----------
    how : str
        `webhook`, or `tickets` for the table of that name.
    """
    if row.state == SOLVED:
        return None
    row.state, row.solved_at, row.solved_by = SOLVED, now, how
    kept.happened(session, row.alert_id, "ticket_solved", who=who, now=now, desk=row.desk,
                  reference=row.reference)
    alert = kept.get(session, row.alert_id, is_locked=True)
    if alert.status == "resolved":
        return None
    kept.end(session, alert, reason=REASON, who=who, now=now)
    return alert
