"""The table of what people decided about accounts that may be one."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from staycurve.state.cleaning import NAME, TEXT, WHO
from staycurve.state.models import Base, Instant

ACCOUNT = 400
"""Letters of an account's id."""


def _bounded(column: str, most: int, least: int = 0) -> CheckConstraint:
    return CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=f"{column}_length")


class MatchRow(Base):
    """Two accounts that somebody merged, or kept apart."""

    __tablename__ = "account_matches"
    __table_args__ = (
        UniqueConstraint("account_id", "other_id"),
        CheckConstraint("decision IN ('merge', 'apart')", name="decision_known"),
        _bounded("account_id", ACCOUNT, 1), _bounded("other_id", ACCOUNT, 1),
        _bounded("decided_by", WHO), _bounded("reason", TEXT),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(String(ACCOUNT))
    other_id: Mapped[str] = mapped_column(String(ACCOUNT))
    decision: Mapped[str] = mapped_column(String(NAME))
    reason: Mapped[str] = mapped_column(String(TEXT), info={"person": "text"})
    decided_at: Mapped[dt.datetime] = mapped_column(Instant)
    decided_by: Mapped[str] = mapped_column(String(WHO), info={"person": "name"})
