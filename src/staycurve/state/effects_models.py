"""The table of arms that were drawn: who takes part in an experiment, since when, in which arm."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Boolean, Date, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from staycurve.state.cleaning import NAME, PAGE
from staycurve.state.models import Base, Instant, bounded, never_again

STRATUM = 400


class ArmRow(Base):
    """One account of an experiment. Whatever becomes of it, it stays in its arm.

    `place` counts the accounts of a stratum; the database gives each out once, whoever draws at
    the same time.
    """

    __tablename__ = "experiment_arms"
    __table_args__ = (
        UniqueConstraint("experiment", "account_id"),
        UniqueConstraint("experiment", "stratum", "place",
                         name="uq_experiment_arms_experiment_stratum_place"),
        bounded("experiment", NAME, 1), bounded("account_id", PAGE, 1),
        bounded("stratum", STRATUM), never_again,
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True
    )
    experiment: Mapped[str] = mapped_column(String(NAME))
    account_id: Mapped[str] = mapped_column(String(PAGE))
    stratum: Mapped[str] = mapped_column(String(STRATUM))
    place: Mapped[int] = mapped_column(Integer)
    is_held_out: Mapped[bool] = mapped_column(Boolean)
    entered_on: Mapped[dt.date] = mapped_column(Date)
    drawn_at: Mapped[dt.datetime] = mapped_column(Instant)
