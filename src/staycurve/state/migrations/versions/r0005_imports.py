"""Objects that other programs send."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _length(column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_imports_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("uuid", sa.String(80), nullable=False),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=True),
        sa.Column("owner", sa.String(80), nullable=False),
        sa.Column("ref", sa.String(80), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("uuid", name=op.f("uq_imports_uuid")),
        sa.UniqueConstraint("kind", "source", "external_id", name=op.f("uq_imports_kind")),
        _length("kind", 80, 1),
        _length("uuid", 80, 1),
        _length("source", 80),
        _length("external_id", 200),
        _length("owner", 80),
        _length("ref", 80),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_imports_version"), "imports", ["version"])
    op.create_index(op.f("ix_imports_owner"), "imports", ["owner", "kind"])
    op.create_index(op.f("ix_imports_ref"), "imports", ["ref", "kind"])
