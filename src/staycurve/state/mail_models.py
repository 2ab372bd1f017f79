"""The tables of mails that are no survey's, and of the tickets that alerts have at a help desk."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from staycurve.state.cleaning import NAME, PAGE, WHO
from staycurve.state.models import Base, Instant, bounded, never_again
from staycurve.state.survey_models import EMAIL

SUBJECT = 300
"""Letters of a subject line that are kept."""

_TEXT = {"person": "text"}


class MailRow(Base):
    """A digest, a value recap or a ticket on its way to one address, and how far it has come.

    `key` is its own: of two who put it in at the same moment, the database lets one.
    """

    __tablename__ = "mails"
    __table_args__ = (
        UniqueConstraint("key"), Index("ix_mails_state", "state", "due_at"),
        Index("ix_mails_account_id", "account_id"),
        bounded("key", PAGE, 1), bounded("kind", 10, 1), bounded("email", EMAIL, 1),
        bounded("person_name", PAGE), bounded("account_id", PAGE), bounded("subject", SUBJECT, 1),
        bounded("state", 10, 1), bounded("said", PAGE), bounded("created_by", WHO), never_again,
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(PAGE))
    kind: Mapped[str] = mapped_column(String(10))
    email: Mapped[str] = mapped_column(String(EMAIL), info={"person": "email"})
    person_name: Mapped[str] = mapped_column(String(PAGE), info={"person": "name"})
    account_id: Mapped[str] = mapped_column(String(PAGE))
    subject: Mapped[str] = mapped_column(String(SUBJECT), info=_TEXT)
    text: Mapped[str] = mapped_column(Text, info=_TEXT)
    html: Mapped[str] = mapped_column(Text, info=_TEXT)
    state: Mapped[str] = mapped_column(String(10))
    due_at: Mapped[dt.datetime] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(Integer)
    claimed_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    done_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    said: Mapped[str] = mapped_column(String(PAGE), info=_TEXT)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(WHO))


class AlertTicketRow(Base):
    """The ticket of an alert at one help desk: the database holds one an alert and desk.

    `reference` is what the desk calls it; empty until that is known.
    """

    __tablename__ = "alert_tickets"
    __table_args__ = (
        UniqueConstraint("alert_id", "desk"), Index("ix_alert_tickets_state", "state"),
        Index("ix_alert_tickets_reference", "desk", "reference"),
        bounded("desk", NAME, 1), bounded("state", 10, 1), bounded("reference", PAGE),
        bounded("solved_by", NAME), never_again,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"))
    desk: Mapped[str] = mapped_column(String(NAME))
    state: Mapped[str] = mapped_column(String(10))
    reference: Mapped[str] = mapped_column(String(PAGE))
    asked_at: Mapped[dt.datetime] = mapped_column(Instant)
    opened_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    solved_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    solved_by: Mapped[str] = mapped_column(String(NAME))
