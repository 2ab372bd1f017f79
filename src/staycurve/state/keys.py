"""Keys with which programs send: made, checked, revoked and listed within a session."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from staycurve.errors import UnknownNameError, UsageError
from staycurve.permissions import ROLES
from staycurve.state import audit
from staycurve.state.cleaning import NAME, NUMBERS, WHO, line
from staycurve.state.models import KeyRow
from staycurve.state.records import Key

SCOPES = ("ingest", "chartmogul", *ROLES)
"""What a key opens: `ingest` takes product events and imports in, and reads back what was imported;
`chartmogul` reads metrics in ChartMogul's shapes besides; a role opens pages and the API as to
somebody who has it."""

MARK = "sck"
_PREFIX_BYTES, _SECRET_BYTES = 4, 32
LONGEST = 200
"""Letters of anything that may be a key; what is longer is none."""

USED_EVERY = dt.timedelta(minutes=1)
"""How exactly the last use is kept: a write for every request would be most of its cost."""


def listed(session: Session) -> tuple[Key, ...]:
    """Every key, oldest first, without what opens anything."""
    return tuple(map(_record, session.scalars(select(KeyRow).order_by(KeyRow.id))))


def create(
    session: Session, *, scope: str, name: str, who: str, now: dt.datetime
) -> tuple[Key, str]:
    """Make a key; with it comes its text, which is kept nowhere.

    Returns
    -------
    (Key, str)
        The text is `sck_`, 8 hexadecimal digits, `_`, and 32 random bytes in URL-safe base64.

    Raises
    ------
    UsageError
        If there is no such scope.
    """
    if scope not in SCOPES:
        raise UsageError(
            f"'{scope}' is no scope of a key.",
            hint=f"Write: --scope {' or --scope '.join(SCOPES)}",
        )
    prefix = f"{MARK}_{secrets.token_hex(_PREFIX_BYTES)}"
    secret, salt = secrets.token_urlsafe(_SECRET_BYTES), secrets.token_hex(16)
    row = KeyRow(
        name=line(name, what="The name", most=NAME, is_required=False), scope=scope,
        prefix=prefix, salt=salt, digest=_digest(salt, secret), created_at=now,
        created_by=line(who, what="The author", most=WHO, is_required=False),
    )
    session.add(row)
    session.flush()
    made = _record(row)
    _note(session, made, "key.created", who=row.created_by, now=now)
    return made, f"{prefix}_{secret}"


def revoke(session: Session, named: str, *, who: str, now: dt.datetime) -> Key:
    """Let a key open nothing any more, named by its number or its first letters.

    Raises
    ------
    UnknownNameError
        If there is no such key.
    """
    rows = session.scalars(select(KeyRow).order_by(KeyRow.id)).all()
    is_number = named.isdecimal() and int(named) in NUMBERS
    found = [row for row in rows if is_number and row.id == int(named)]
    found = found or [row for row in rows if row.prefix == named]
    if not found:
        raise UnknownNameError(
            "key", named[:LONGEST], [row.prefix for row in rows],
            hint="All keys: staycurve keys list",
        )
    if found[0].revoked_at is None:
        found[0].revoked_at = now
        session.flush()
        _note(session, _record(found[0]), "key.revoked", who=who, now=now)
    return _record(found[0])


def checked(session: Session, text: str) -> Key | None:
    """The key that `text` is, unless it was revoked or never made."""
    if len(text) > LONGEST or not text.startswith(f"{MARK}_") or text.count("_") < 2:
        return None
    mark, prefix, secret = text.split("_", 2)
    row = session.scalar(select(KeyRow).where(KeyRow.prefix == f"{mark}_{prefix}"))
    if row is None or row.revoked_at is not None:
        return None
    return _record(row) if hmac.compare_digest(_digest(row.salt, secret), row.digest) else None


def note_use(session: Session, key: int, *, now: dt.datetime) -> None:
    """Keep that a key was used."""
    row = session.get(KeyRow, key)
    if row is not None and (row.last_used_at is None or row.last_used_at < now):
        row.last_used_at = now


def _digest(salt: str, secret: str) -> str:
    return hmac.new(bytes.fromhex(salt), secret.encode(), hashlib.sha256).hexdigest()


def _note(session: Session, key: Key, what: str, *, who: str, now: dt.datetime) -> None:
    detail = {"name": key.name, "scope": key.scope, "prefix": key.prefix}
    audit.add(session, at=now, who=who, what=what, subject=f"key {key.id}", detail=detail)


def _record(row: KeyRow) -> Key:
    return Key(
        row.id, row.name, row.scope, row.prefix, row.created_at, row.created_by,
        row.revoked_at, row.last_used_at,
    )
