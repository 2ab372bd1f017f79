"""Keys with which programs send."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _length(column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_keys_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "keys",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("scope", sa.String(80), nullable=False),
        sa.Column("prefix", sa.String(80), nullable=False),
        sa.Column("salt", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("prefix", name=op.f("uq_keys_prefix")),
        _length("name", 80),
        _length("scope", 80, 1),
        _length("prefix", 80, 1),
        _length("salt", 80, 1),
        _length("digest", 80, 1),
        _length("created_by", 120),
        sqlite_autoincrement=True,
    )
