"""The tables of health: pulses, models that were used, and scores as they stood on their day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from staycurve.state.cleaning import NAME, PAGE, TEXT, WHO
from staycurve.state.models import Base, Instant, bounded, never_again

_NAME = {"person": "name"}
_TEXT = {"person": "text"}


class PulseRow(Base):
    """What somebody thought of an account on a day."""

    __tablename__ = "pulses"
    __table_args__ = (
        Index("ix_pulses_account_id", "account_id", "day"),
        bounded("account_id", PAGE, 1), bounded("level", 10, 1), bounded("note", TEXT),
        bounded("author", WHO), never_again,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(String(PAGE))
    day: Mapped[dt.date] = mapped_column(Date)
    level: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(String(TEXT), info=_TEXT)
    author: Mapped[str] = mapped_column(String(WHO), info=_NAME)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)


class HealthModelRow(Base):
    """A model as it was fitted: its coefficients, and the data that gives them again.

    `digest` is a fingerprint of every coefficient; `data_version` is the snapshot's number.
    """

    __tablename__ = "health_models"
    __table_args__ = (
        UniqueConstraint("digest", "data_version", "fitted_for"),
        bounded("form", NAME, 1), bounded("digest", NAME, 1), bounded("settings", NAME, 1),
        never_again,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    form: Mapped[str] = mapped_column(String(NAME))
    horizon: Mapped[int] = mapped_column(Integer)
    fitted_for: Mapped[dt.date] = mapped_column(Date)
    fitted_at: Mapped[dt.datetime] = mapped_column(Instant)
    data_version: Mapped[int] = mapped_column(BigInteger)
    settings: Mapped[str] = mapped_column(String(NAME))
    trained_from: Mapped[dt.date] = mapped_column(Date)
    trained_until: Mapped[dt.date] = mapped_column(Date)
    trained_on: Mapped[int] = mapped_column(BigInteger)
    left_trained: Mapped[int] = mapped_column(BigInteger)
    base_rate: Mapped[float] = mapped_column(Double)
    beats_baseline: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(NAME))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class HealthScoreRow(Base):
    """A score as it stood from a day on; a day on which nothing moved has no row of its own.

    `band` is `churned` from the day on which the account no longer paid: what stood before stays.
    """

    __tablename__ = "health_scores"
    __table_args__ = (
        UniqueConstraint("account_id", "day"), Index("ix_health_scores_day", "day"),
        bounded("account_id", PAGE, 1), bounded("band", 10, 1), bounded("why", TEXT), never_again,
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True
    )
    account_id: Mapped[str] = mapped_column(String(PAGE))
    day: Mapped[dt.date] = mapped_column(Date)
    model_id: Mapped[int | None] = mapped_column(ForeignKey("health_models.id"))
    band: Mapped[str] = mapped_column(String(10))
    probability: Mapped[float | None] = mapped_column(Double)
    mrr: Mapped[int] = mapped_column(BigInteger)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    why: Mapped[str] = mapped_column(String(TEXT))


class HealthDayRow(Base):
    """A day whose scores were kept; they are never changed afterwards."""

    __tablename__ = "health_days"
    __table_args__ = (
        UniqueConstraint("day"), CheckConstraint("accounts >= 0", name="accounts_counted"),
        never_again,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[dt.date] = mapped_column(Date)
    model_id: Mapped[int | None] = mapped_column(ForeignKey("health_models.id"))
    accounts: Mapped[int] = mapped_column(BigInteger)
    kept_at: Mapped[dt.datetime] = mapped_column(Instant)
