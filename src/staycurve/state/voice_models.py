"""The tables of what is heard: changes of the codebook, and notes on accounts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, Date, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from staycurve.state.cleaning import NAME, PAGE, WHO
from staycurve.state.models import _NEVER_AGAIN, Base, Instant, _bounded

NOTE = 10_000
"""Letters of a note at most: a call of an hour fits."""


class CodebookChangeRow(Base):
    """One change of the codebook; its version is given out once, whoever asks at the same time."""

    __tablename__ = "codebook_changes"
    __table_args__ = (
        UniqueConstraint("version"), _bounded("who", WHO), _bounded("what", NAME, 1),
        _bounded("theme", PAGE), _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    at: Mapped[dt.datetime] = mapped_column(Instant)
    who: Mapped[str] = mapped_column(String(WHO), info={"person": "name"})
    what: Mapped[str] = mapped_column(String(NAME))
    theme: Mapped[str] = mapped_column(String(PAGE))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class NoteRow(Base):
    """A note on an account: a call, a meeting or an e-mail, in somebody's words."""

    __tablename__ = "notes"
    __table_args__ = (
        Index("ix_notes_account", "account_id", "day"), _bounded("account_id", PAGE, 1),
        _bounded("kind", NAME, 1), _bounded("author", WHO), _bounded("text", NOTE, 1),
        _bounded("created_by", WHO), _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(String(PAGE))
    day: Mapped[dt.date] = mapped_column(Date)
    kind: Mapped[str] = mapped_column(String(NAME))
    author: Mapped[str] = mapped_column(String(WHO), info={"person": "name"})
    text: Mapped[str] = mapped_column(Text, info={"person": "text"})
    folded: Mapped[str] = mapped_column(Text, info={"person": "text"})
    mentions: Mapped[list[str]] = mapped_column(JSON, info={"person": "name"})
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(WHO), info={"person": "name"})
