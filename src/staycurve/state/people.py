"""People who may log in: added, given a role, disabled, let in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError, UsageError
from staycurve.permissions import ROLES
from staycurve.state import audit, passwords
from staycurve.state.cleaning import NUMBERS, WHO, line
from staycurve.state.emails import address, folded
from staycurve.state.people_models import LinkRow, PersonRow, SessionRow
from staycurve.state.records import Person

_HINT = "All people: staycurve people list"


def listed(session: Session) -> tuple[Person, ...]:
    """Everybody, in the order in which they were added."""
    return tuple(map(record, session.scalars(select(PersonRow).order_by(PersonRow.id))))


def count(session: Session) -> int:
    """How many there are, disabled ones too."""
    return session.scalar(select(func.count()).select_from(PersonRow)) or 0


def add(
    session: Session, *, email: str, role: str, who: str, now: dt.datetime, password: str = ""
) -> Person:
    """Add somebody; without a password they choose one by a link.

    Raises
    ------
    UsageError
        If it is no address, somebody has it already, or the password is not fit.
    UnknownNameError
        If there is no such role.
    """
    shown, compared = address(email), folded(email)
    if session.scalar(select(PersonRow.id).where(PersonRow.folded == compared)) is not None:
        raise UsageError(f"{shown} is there already.", hint=_HINT)
    row = PersonRow(
        email=shown, folded=compared, role=_role(role), subject=None, created_at=now,
        password=passwords.hashed(passwords.checked(password, email=shown)) if password else "",
        created_by=line(who, what="The author", most=WHO, is_required=False),
    )
    session.add(row)
    session.flush()
    _note(session, row, "person.added", {"role": role}, who=who, now=now)
    return record(row)


def set_role(session: Session, named: str, role: str, *, who: str, now: dt.datetime) -> Person:
    """Give somebody another role; they have to log in anew.

    Raises
    ------
    UnknownNameError
        If there is no such person or role.
    UsageError
        If nobody would be left who manages people.
    """
    row, before = row_of(session, named), ""
    if row.role != _role(role):
        _keep_an_admin(session, row, is_one_still=role == "admin")
        before, row.role = row.role, role
        end_all(session, row.id)
        _note(session, row, "person.role", {"before": before, "after": role}, who=who, now=now)
    return record(row)


def disable(session: Session, named: str, *, who: str, now: dt.datetime) -> Person:
    """Let somebody in no more; their sessions and links end now.

    Raises
    ------
    UnknownNameError
        If there is no such person.
    UsageError
        If nobody would be left who manages people.
    """
    row = row_of(session, named)
    if row.disabled_at is None:
        _keep_an_admin(session, row, is_one_still=False)
        row.disabled_at = now
        end_all(session, row.id)
        session.execute(delete(LinkRow).where(LinkRow.person_id == row.id))
        _note(session, row, "person.disabled", {}, who=who, now=now)
    return record(row)


def enable(session: Session, named: str, *, who: str, now: dt.datetime) -> Person:
    """Let somebody in again who was disabled."""
    row = row_of(session, named)
    if row.disabled_at is not None:
        row.disabled_at = None
        _note(session, row, "person.enabled", {}, who=who, now=now)
    return record(row)


def set_password(
    session: Session, person: int, hashed: str, *, who: str, now: dt.datetime
) -> Person:
    """Keep the hash of a new password; every session of theirs ends."""
    row = session.get_one(PersonRow, person)
    row.password = hashed
    end_all(session, person)
    _note(session, row, "person.password", {}, who=who, now=now)
    return record(row)


def by_email(session: Session, email: str) -> PersonRow | None:
    """Who has an address; None for nobody, and for what is no address."""
    try:
        compared = folded(email)
    except UsageError:
        return None
    return session.scalar(select(PersonRow).where(PersonRow.folded == compared))


def by_subject(session: Session, subject: str, email: str) -> Person | None:
    """Whom an identity provider names, who is let in: by its own name for them, else by e-mail.

    Who is found by e-mail is known by the provider's name from then on: an address that somebody
    else gets later opens nothing.
    """
    row = session.scalar(select(PersonRow).where(PersonRow.subject == subject))
    if row is None:
        row = by_email(session, email)
        if row is None or row.subject is not None:
            return None
        if row.disabled_at is None:
            row.subject = subject
    return None if row.disabled_at is not None else record(row)


def row_of(session: Session, named: str) -> PersonRow:
    """Somebody, by e-mail address or number."""
    row = by_email(session, named)
    if row is None and named.isdecimal() and int(named) in NUMBERS:
        row = session.get(PersonRow, int(named))
    if row is None:
        known = session.scalars(select(PersonRow.email)).all()
        raise UnknownNameError("person", named[:254], known, hint=_HINT)
    return row


def end_all(session: Session, person: int) -> None:
    """End every session of somebody."""
    session.execute(delete(SessionRow).where(SessionRow.person_id == person))


def record(row: PersonRow) -> Person:
    """A row, as the floors above see it."""
    return Person(
        row.id, row.email, row.role, row.created_at, row.created_by, row.disabled_at,
        row.last_login_at, bool(row.password), row.subject is not None,
    )


def _role(role: str) -> str:
    if role not in ROLES:
        raise UnknownNameError("role", role, ROLES, hint=f"Roles: {', '.join(ROLES)}")
    return role


def _keep_an_admin(session: Session, row: PersonRow, *, is_one_still: bool) -> None:
    if row.role != "admin" or row.disabled_at is not None or is_one_still:
        return
    others = select(PersonRow.id).where(
        PersonRow.role == "admin", PersonRow.disabled_at.is_(None), PersonRow.id != row.id
    )
    if session.scalar(others.limit(1)) is None:
        raise UsageError(
            f"{row.email} is the only admin.",
            hint="Make somebody else one first: staycurve people role EMAIL admin",
        )


def _note(
    session: Session, row: PersonRow, what: str, detail: Mapping[str, Any], *, who: str,
    now: dt.datetime,
) -> None:
    audit.add(
        session, at=now, who=who, what=what, subject=f"person {row.id}",
        detail={"email": row.email, **detail},
    )
