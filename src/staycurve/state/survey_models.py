"""The tables of surveys: what is asked, whom, by which mails, and what came back.

The database itself holds a person to one invitation a round of a survey, and to one response an
invitation, whatever is sent at the same time.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from staycurve.state.cleaning import NAME, PAGE, WHO
from staycurve.state.models import _NEVER_AGAIN, Base, Instant, _bounded

EMAIL = 320
"""Letters of an address: 64 before the @ and 255 after it."""
ID = 500
"""Letters of an id of another system."""
COMMENT = 10_000
"""Letters of a comment that are kept."""

_USER = {"person": "user_id"}
_EMAIL = {"person": "email"}
_NAME = {"person": "name"}
_TEXT = {"person": "text"}


class SigningKeyRow(Base):
    """A key that links are signed with, for one purpose."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        UniqueConstraint("purpose"), _bounded("purpose", NAME, 1), _bounded("secret", NAME, 1),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(NAME))
    secret: Mapped[str] = mapped_column(String(NAME))
    created_at: Mapped[dt.datetime] = mapped_column(Instant)


class SurveyRow(Base):
    """A survey; what it asks stands in its versions."""

    __tablename__ = "surveys"
    __table_args__ = (
        UniqueConstraint("name"), _bounded("name", NAME, 1), _bounded("kind", 10, 1),
        _bounded("created_by", WHO), _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME))
    kind: Mapped[str] = mapped_column(String(10))
    is_active: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(WHO))


class SurveyVersionRow(Base):
    """What a survey asked from one day on. It never changes."""

    __tablename__ = "survey_versions"
    __table_args__ = (
        UniqueConstraint("survey_id", "number"), _bounded("created_by", WHO), _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    survey_id: Mapped[int] = mapped_column(ForeignKey("surveys.id"))
    number: Mapped[int] = mapped_column(Integer)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(WHO))


class InvitationRow(Base):
    """One person asked once by one survey, or to be asked once a mail is due.

    `change` grows with every change of any invitation: what is greater than a cursor is new to it.
    """

    __tablename__ = "survey_invitations"
    __table_args__ = (
        UniqueConstraint("uuid"), UniqueConstraint("survey_id", "user_id", "round"),
        Index("ix_survey_invitations_change", "change"),
        Index("ix_survey_invitations_user_id", "user_id"),
        _bounded("uuid", NAME, 1), _bounded("user_id", ID, 1), _bounded("account_id", ID),
        _bounded("email", EMAIL), _bounded("person_name", PAGE), _bounded("channel", 10, 1),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(String(NAME))
    survey_id: Mapped[int] = mapped_column(ForeignKey("surveys.id"))
    version_id: Mapped[int] = mapped_column(ForeignKey("survey_versions.id"))
    user_id: Mapped[str] = mapped_column(String(ID), info=_USER)
    account_id: Mapped[str] = mapped_column(String(ID))
    email: Mapped[str] = mapped_column(String(EMAIL), info=_EMAIL)
    person_name: Mapped[str] = mapped_column(String(PAGE), info=_NAME)
    round: Mapped[int] = mapped_column(Integer)
    channel: Mapped[str] = mapped_column(String(10))
    planned_at: Mapped[dt.datetime] = mapped_column(Instant)
    asked_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    expires_at: Mapped[dt.datetime] = mapped_column(Instant)
    is_dropped: Mapped[bool] = mapped_column(Boolean)
    change: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)


class SurveyMailRow(Base):
    """A mail of an invitation, `ask` or `reminder`, and how far it has come."""

    __tablename__ = "survey_mails"
    __table_args__ = (
        UniqueConstraint("invitation_id", "kind"),
        Index("ix_survey_mails_state", "state", "due_at"),
        _bounded("kind", 10, 1), _bounded("state", 10, 1), _bounded("said", PAGE), _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    invitation_id: Mapped[int] = mapped_column(ForeignKey("survey_invitations.id"))
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    due_at: Mapped[dt.datetime] = mapped_column(Instant)
    zone: Mapped[str] = mapped_column(String(NAME))
    attempts: Mapped[int] = mapped_column(Integer)
    claimed_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    done_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    said: Mapped[str] = mapped_column(String(PAGE), info=_TEXT)


class ResponseRow(Base):
    """What came back to one invitation; `finished_at` spends its link."""

    __tablename__ = "survey_responses"
    __table_args__ = (
        UniqueConstraint("invitation_id"), Index("ix_survey_responses_change", "change"),
        _bounded("user_id", ID, 1), _bounded("comment", COMMENT), _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    invitation_id: Mapped[int] = mapped_column(ForeignKey("survey_invitations.id"))
    # Also the invitation's: by it whoever is to be forgotten is found here as well.
    user_id: Mapped[str] = mapped_column(String(ID), info=_USER)
    answered_at: Mapped[dt.datetime] = mapped_column(Instant)
    finished_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    score: Mapped[int | None] = mapped_column(Integer)
    comment: Mapped[str] = mapped_column(String(COMMENT), info=_TEXT)
    further: Mapped[list[str]] = mapped_column(JSON, info=_TEXT)
    change: Mapped[int] = mapped_column(BigInteger)


class SuppressionRow(Base):
    """An address that is not written to any more."""

    __tablename__ = "suppressions"
    __table_args__ = (
        UniqueConstraint("email"), _bounded("email", EMAIL, 1), _bounded("reason", NAME, 1),
        _bounded("created_by", WHO), _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL), info=_EMAIL)
    reason: Mapped[str] = mapped_column(String(NAME))
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(WHO))


class ReceivedAnswerRow(Base):
    """An answer that another tool sent, as it is to stand in the lake."""

    __tablename__ = "received_answers"
    __table_args__ = (
        UniqueConstraint("source", "external_id"), Index("ix_received_answers_change", "change"),
        _bounded("source", NAME, 1), _bounded("external_id", ID, 1), _bounded("user_id", ID),
        _bounded("email", EMAIL), _bounded("account_id", ID), _bounded("comment", COMMENT),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(NAME))
    external_id: Mapped[str] = mapped_column(String(ID))
    account_id: Mapped[str] = mapped_column(String(ID))
    user_id: Mapped[str] = mapped_column(String(ID), info=_USER)
    email: Mapped[str] = mapped_column(String(EMAIL), info=_EMAIL)
    comment: Mapped[str] = mapped_column(String(COMMENT), info=_TEXT)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    change: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[dt.datetime] = mapped_column(Instant)
