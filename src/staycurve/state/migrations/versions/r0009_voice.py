"""Changes of the codebook, and notes on accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def _length(table: str, column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_{table}_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "codebook_changes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(120), nullable=False),
        sa.Column("what", sa.String(80), nullable=False),
        sa.Column("theme", sa.String(200), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.UniqueConstraint("version", name=op.f("uq_codebook_changes_version")),
        _length("codebook_changes", "who", 120),
        _length("codebook_changes", "what", 80, 1),
        _length("codebook_changes", "theme", 200),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account_id", sa.String(200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("author", sa.String(120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("mentions", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        _length("notes", "account_id", 200, 1),
        _length("notes", "kind", 80, 1),
        _length("notes", "author", 120),
        _length("notes", "text", 10_000, 1),
        _length("notes", "created_by", 120),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notes_account"), "notes", ["account_id", "day"])
