"""Doubts that somebody has dismissed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _length(column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_dismissals_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "dismissals",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("doubt", sa.String(80), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.UniqueConstraint("doubt", name=op.f("uq_dismissals_doubt")),
        _length("doubt", 80, 1),
        _length("created_by", 120),
        sqlite_autoincrement=True,
    )
