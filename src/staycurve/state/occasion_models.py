"""The table of occasions: what each invitation of a survey with a trigger asks about.

The database itself holds a survey to one invitation an occasion and person, whichever process asks.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from staycurve.state.cleaning import NAME
from staycurve.state.models import _NEVER_AGAIN, Base, Instant, _bounded
from staycurve.state.survey_models import ID


class OccasionRow(Base):
    """One occasion that a survey asked one person about."""

    __tablename__ = "survey_occasions"
    __table_args__ = (
        UniqueConstraint("survey_id", "user_id", "kind", "subject"),
        Index("ix_survey_occasions_invitation_id", "invitation_id"),
        _bounded("user_id", ID, 1), _bounded("kind", NAME, 1), _bounded("subject", ID, 1),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    survey_id: Mapped[int] = mapped_column(ForeignKey("surveys.id"))
    invitation_id: Mapped[int] = mapped_column(ForeignKey("survey_invitations.id"))
    user_id: Mapped[str] = mapped_column(String(ID), info={"person": "user_id"})
    kind: Mapped[str] = mapped_column(String(NAME))
    subject: Mapped[str] = mapped_column(String(ID))
    occurred_at: Mapped[dt.datetime] = mapped_column(Instant)
