"""Who was forgotten, and which backups were written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def _length(table: str, column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_{table}_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "forgotten",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.UniqueConstraint("key", name=op.f("uq_forgotten_key")),
        _length("forgotten", "key", 80, 1),
        _length("forgotten", "created_by", 120),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "backups",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("path", sa.String(1000), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("path", name=op.f("uq_backups_path")),
        _length("backups", "path", 1000, 1),
        sqlite_autoincrement=True,
    )
