"""Occasions that surveys with a trigger asked about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_TABLE = "survey_occasions"


def _length(column: str, most: int) -> sa.CheckConstraint:
    name = op.f(f"ck_{_TABLE}_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN 1 AND {most}", name=name)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("survey_id", sa.Integer(), nullable=False),
        sa.Column("invitation_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(500), nullable=False),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("subject", sa.String(500), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["surveys.id"], name=op.f(f"fk_{_TABLE}_survey_id_surveys")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["survey_invitations.id"],
            name=op.f(f"fk_{_TABLE}_invitation_id_survey_invitations"),
        ),
        sa.UniqueConstraint(
            "survey_id", "user_id", "kind", "subject", name=op.f(f"uq_{_TABLE}_survey_id")
        ),
        _length("user_id", 500), _length("kind", 80), _length("subject", 500),
        sqlite_autoincrement=True,
    )
    op.create_index(f"ix_{_TABLE}_invitation_id", _TABLE, ["invitation_id"])
