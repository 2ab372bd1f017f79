"""The tables of app state about forgetting: who was, under the random key, and which backups are.

A column of any table that may hold personal data says so: `info={"person": KIND}`, with KIND one of
"user_id", "email", "name" and "text" (free text that may name somebody).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from staycurve.state.cleaning import NAME, WHO
from staycurve.state.models import _NEVER_AGAIN, Base, Instant, _bounded

LONGEST_PATH = 1000


class ForgottenRow(Base):
    """One person who was forgotten, under the random key."""

    __tablename__ = "forgotten"
    __table_args__ = (
        UniqueConstraint("key"), _bounded("key", NAME, 1), _bounded("created_by", WHO),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(NAME))
    forgotten_at: Mapped[dt.datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(WHO))
    counts: Mapped[dict[str, Any]] = mapped_column(JSON)


class BackupRow(Base):
    """A backup that was written: it holds whoever was forgotten later."""

    __tablename__ = "backups"
    __table_args__ = (
        UniqueConstraint("path"), _bounded("path", LONGEST_PATH, 1),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(String(LONGEST_PATH))
    made_at: Mapped[dt.datetime] = mapped_column(Instant)
