"""Links that let somebody choose a password: signed, for a time, and spent once."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from staycurve.errors import StaycurveError
from staycurve.state import audit, people, sessions
from staycurve.state.people_models import LinkRow, PersonRow
from staycurve.state.records import Person

if TYPE_CHECKING:
    from itsdangerous import URLSafeSerializer

LASTS: Mapping[str, dt.timedelta] = {
    "invitation": dt.timedelta(days=7), "reset": dt.timedelta(hours=4),
}
"""Kind → how long it opens."""
LONGEST = 400
_SALT = "staycurve.links"
SECRET = "links"


class LinkError(StaycurveError):
    """A link that does not open, or no more."""

    code = "bad_link"


def create(
    session: Session, named: str, kind: str, *, who: str, now: dt.datetime
) -> tuple[Person, str]:
    """Make a link for somebody; the ones made before open no more.

    Returns
    -------
    (Person, str)
        The text stands at the end of the link's address.

    Raises
    ------
    UnknownNameError
        If there is no such person.
    LinkError
        If they are disabled.
    """
    row = people.row_of(session, named)
    if row.disabled_at is not None:
        raise LinkError(
            f"{row.email} is disabled.", hint=f"First: staycurve people enable {row.email}"
        )
    session.execute(delete(LinkRow).where(LinkRow.person_id == row.id))
    nonce = secrets.token_urlsafe(24)
    session.add(LinkRow(
        digest=sessions.digest(nonce), person_id=row.id, kind=kind, created_at=now,
        expires_at=now + LASTS[kind], used_at=None,
    ))
    audit.add(
        session, at=now, who=who, what=f"{kind}.created", subject=f"person {row.id}",
        detail={"email": row.email},
    )
    return people.record(row), _signer(session).dumps(nonce)


def look(session: Session, text: str, *, now: dt.datetime) -> tuple[Person, str]:
    """Whose link a text is, and its kind; nothing is spent.

    Raises
    ------
    LinkError
        If it is forged, was spent or replaced, or its time is over.
    """
    row, person = _found(session, text, now)
    return people.record(person), row.kind


def spend(
    session: Session, text: str, hashed: str, *, now: dt.datetime
) -> Person:
    """Keep the hash of the password that was chosen, and let the link open no more.

    Raises
    ------
    LinkError
        As `look`; also for the second of two who spend it at once.
    """
    row, person = _found(session, text, now)
    # The database decides: of two who come at once, one finds it unused.
    spent = session.execute(
        update(LinkRow).where(LinkRow.id == row.id, LinkRow.used_at.is_(None))
        .values(used_at=now).returning(LinkRow.id)
    ).first()
    if spent is None:
        raise _closed()
    return people.set_password(session, person.id, hashed, who=person.email, now=now)


def _found(session: Session, text: str, now: dt.datetime) -> tuple[LinkRow, PersonRow]:
    from itsdangerous import BadSignature

    if not 0 < len(text) <= LONGEST:
        raise _closed()
    try:
        nonce = _signer(session).loads(text)
    except BadSignature:
        raise _closed() from None
    found = session.execute(
        select(LinkRow, PersonRow).join(PersonRow, PersonRow.id == LinkRow.person_id)
        .where(LinkRow.digest == sessions.digest(str(nonce)), PersonRow.disabled_at.is_(None))
    ).first()
    if found is None or found[0].used_at is not None or found[0].expires_at <= now:
        raise _closed()
    return found[0], found[1]


def _signer(session: Session) -> URLSafeSerializer:
    from itsdangerous import URLSafeSerializer

    return URLSafeSerializer(sessions.secret(session, SECRET), salt=_SALT)


def _closed() -> LinkError:
    return LinkError(
        "This link does not open, or no more: it opens once, and for a time.",
        hint="Ask an admin for a new one.",
    )
