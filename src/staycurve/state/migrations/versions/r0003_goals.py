"""Goals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _length(column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_goals_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "goals",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("metric", sa.String(80), nullable=False),
        sa.Column("target", sa.Double(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("start_value", sa.Double(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_value", sa.Double(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.UniqueConstraint("place", name=op.f("uq_goals_place")),
        sa.CheckConstraint("place BETWEEN 1 AND 2", name=op.f("ck_goals_place_of_two")),
        sa.CheckConstraint(
            "(status = 'active') = (place IS NOT NULL)", name=op.f("ck_goals_place_if_active")
        ),
        _length("metric", 80, 1),
        _length("owner", 120, 1),
        _length("source", 200, 1),
        _length("status", 10, 1),
        _length("note", 500),
        sqlite_autoincrement=True,
    )
