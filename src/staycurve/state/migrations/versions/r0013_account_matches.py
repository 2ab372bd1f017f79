"""What people decided about accounts that may be one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"


def _length(column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_account_matches_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "account_matches",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account_id", sa.String(400), nullable=False),
        sa.Column("other_id", sa.String(400), nullable=False),
        sa.Column("decision", sa.String(80), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(120), nullable=False),
        sa.UniqueConstraint(
            "account_id", "other_id", name=op.f("uq_account_matches_account_id")
        ),
        sa.CheckConstraint(
            "decision IN ('merge', 'apart')", name=op.f("ck_account_matches_decision_known")
        ),
        _length("account_id", 400, 1),
        _length("other_id", 400, 1),
        _length("decided_by", 120),
        _length("reason", 500),
        sqlite_autoincrement=True,
    )
