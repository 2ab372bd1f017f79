"""The tables of who may log in: people, sessions, links that were sent, signing secrets."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from staycurve.state.cleaning import NAME, PAGE, WHO
from staycurve.state.models import _NEVER_AGAIN, Base, Instant, _bounded

EMAIL = 254
"""Letters of an address at most (RFC 5321, 4.5.3.1.3, less its brackets)."""


class PersonRow(Base):
    """Somebody who may log in.

    `folded` is the address as it is compared; `subject` is what an identity provider calls them.
    """

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("folded"), UniqueConstraint("subject"),
        _bounded("email", EMAIL, 3), _bounded("folded", 2 * EMAIL, 3), _bounded("role", NAME, 1),
        _bounded("password", PAGE), _bounded("subject", 2 * PAGE, 1), _bounded("created_by", WHO),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL), info={"person": "email"})
    folded: Mapped[str] = mapped_column(String(2 * EMAIL), info={"person": "email"})
    role: Mapped[str] = mapped_column(String(NAME))
    password: Mapped[str] = mapped_column(String(PAGE), info={"is_secret": True})
    subject: Mapped[str | None] = mapped_column(String(2 * PAGE), info={"person": "user_id"})
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(WHO), info={"person": "email"})
    disabled_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    last_login_at: Mapped[dt.datetime | None] = mapped_column(Instant)


class SessionRow(Base):
    """A login that holds; of the text in the browser's cookie only a digest is kept."""

    __tablename__ = "sessions"
    __table_args__ = (UniqueConstraint("digest"), _bounded("digest", NAME, 1), _NEVER_AGAIN)

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(NAME))
    person_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("people.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    expires_at: Mapped[dt.datetime] = mapped_column(Instant)


class LinkRow(Base):
    """A link that lets somebody choose a password, once."""

    __tablename__ = "links"
    __table_args__ = (
        UniqueConstraint("digest"), _bounded("digest", NAME, 1), _bounded("kind", NAME, 1),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(NAME))
    person_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("people.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(NAME))
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    expires_at: Mapped[dt.datetime] = mapped_column(Instant)
    used_at: Mapped[dt.datetime | None] = mapped_column(Instant)


class SecretRow(Base):
    """A random value that signs; it never leaves the database but in signatures."""

    __tablename__ = "secrets"
    __table_args__ = (_bounded("name", NAME, 1), _bounded("value", PAGE, 1))

    name: Mapped[str] = mapped_column(String(NAME), primary_key=True)
    value: Mapped[str] = mapped_column(String(PAGE))
