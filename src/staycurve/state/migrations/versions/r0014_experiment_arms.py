"""Arms of experiments that were drawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def _length(column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_experiment_arms_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "experiment_arms",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("experiment", sa.String(80), nullable=False),
        sa.Column("account_id", sa.String(200), nullable=False),
        sa.Column("stratum", sa.String(400), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("is_held_out", sa.Boolean(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint(
            "experiment", "account_id", name=op.f("uq_experiment_arms_experiment")
        ),
        sa.UniqueConstraint(
            "experiment", "stratum", "place",
            name=op.f("uq_experiment_arms_experiment_stratum_place"),
        ),
        _length("experiment", 80, 1),
        _length("account_id", 200, 1),
        _length("stratum", 400),
        sqlite_autoincrement=True,
    )
