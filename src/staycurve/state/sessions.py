"""Sessions: logins that hold, by a text in the browser of which only a digest is kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from staycurve.state.people_models import PersonRow, SecretRow, SessionRow
from staycurve.state.records import Login

LASTS = dt.timedelta(days=7)
"""After which one logs in anew, whatever one did meanwhile."""
LONGEST = 100
"""Letters of anything that may be a session."""
MOST = 20
"""Sessions of one person; the oldest end first."""

_LOGIN = (
    select(PersonRow.id, PersonRow.email, PersonRow.role, SessionRow.expires_at)
    .join(SessionRow, PersonRow.id == SessionRow.person_id)
    .where(SessionRow.digest == bindparam("digest"), PersonRow.disabled_at.is_(None))
)
"""Columns instead of rows of the ORM: it is asked for with each change of anything."""


def create(session: Session, person: int, *, now: dt.datetime, before: str = "") -> str:
    """Begin a session, always with a new text; the one that the browser had before ends.

    Returns
    -------
    str
        32 random bytes in URL-safe base64.
    """
    if before:
        end(session, before)
    session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
    of_one = select(SessionRow.id).where(SessionRow.person_id == person)
    old = session.scalars(of_one.order_by(SessionRow.id.desc()).offset(MOST - 1)).all()
    session.execute(delete(SessionRow).where(SessionRow.id.in_(old)))
    text = secrets.token_urlsafe(32)
    session.add(SessionRow(
        digest=digest(text), person_id=person, created_at=now, expires_at=now + LASTS
    ))
    session.get_one(PersonRow, person).last_login_at = now
    return text


def checked(session: Session, text: str) -> Login | None:
    """Whose session a text is, with the role that they have now; None for no session.

    Whether it has expired is for the caller to see, who may remember it.
    """
    if not 0 < len(text) <= LONGEST:
        return None
    found = session.connection().execute(_LOGIN, {"digest": digest(text)}).first()
    return None if found is None else Login(*found)


def end(session: Session, text: str) -> None:
    """End a session; none is no fault."""
    if 0 < len(text) <= LONGEST:
        session.execute(delete(SessionRow).where(SessionRow.digest == digest(text)))


def digest(text: str) -> str:
    """What is kept of a random text: it is too long to be guessed, so it needs no salt."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def form_token(text: str) -> str:
    """What forms of a session carry: it is made from its text, and does not tell it."""
    return hmac.new(text.encode("utf-8", "surrogatepass"), b"form", hashlib.sha256).hexdigest()


def secret(session: Session, name: str) -> str:
    """A random value that is made once; the session must be one that writes."""
    row = session.get(SecretRow, name)
    if row is None:
        row = SecretRow(name=name, value=secrets.token_urlsafe(48))
        session.add(row)
        session.flush()
    return row.value
