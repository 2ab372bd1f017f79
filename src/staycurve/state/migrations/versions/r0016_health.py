"""Pulses, models of health, and scores as they stood on their day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _length(table: str, column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_{table}_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "pulses",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account_id", sa.String(200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("level", sa.String(10), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("author", sa.String(120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _length("pulses", "account_id", 200, 1),
        _length("pulses", "level", 10, 1),
        _length("pulses", "note", 500),
        _length("pulses", "author", 120),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_pulses_account_id"), "pulses", ["account_id", "day"])
    _models()
    _scores()


def _models() -> None:
    op.create_table(
        "health_models",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("form", sa.String(80), nullable=False),
        sa.Column("horizon", sa.Integer(), nullable=False),
        sa.Column("fitted_for", sa.Date(), nullable=False),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data_version", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.String(80), nullable=False),
        sa.Column("trained_from", sa.Date(), nullable=False),
        sa.Column("trained_until", sa.Date(), nullable=False),
        sa.Column("trained_on", sa.BigInteger(), nullable=False),
        sa.Column("left_trained", sa.BigInteger(), nullable=False),
        sa.Column("base_rate", sa.Double(), nullable=False),
        sa.Column("beats_baseline", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.UniqueConstraint(
            "digest", "data_version", "fitted_for", name=op.f("uq_health_models_digest")
        ),
        _length("health_models", "form", 80, 1),
        _length("health_models", "digest", 80, 1),
        _length("health_models", "settings", 80, 1),
        sqlite_autoincrement=True,
    )


def _scores() -> None:
    op.create_table(
        "health_scores",
        sa.Column("id", _COUNT, primary_key=True),
        sa.Column("account_id", sa.String(200), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("band", sa.String(10), nullable=False),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("mrr", sa.BigInteger(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("why", sa.String(500), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["health_models.id"],
            name=op.f("fk_health_scores_model_id_health_models"),
        ),
        sa.UniqueConstraint("account_id", "day", name=op.f("uq_health_scores_account_id")),
        _length("health_scores", "account_id", 200, 1),
        _length("health_scores", "band", 10, 1),
        _length("health_scores", "why", 500),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_health_scores_day"), "health_scores", ["day"])
    op.create_table(
        "health_days",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("accounts", sa.BigInteger(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["health_models.id"],
            name=op.f("fk_health_days_model_id_health_models"),
        ),
        sa.UniqueConstraint("day", name=op.f("uq_health_days_day")),
        sa.CheckConstraint("accounts >= 0", name=op.f("ck_health_days_accounts_counted")),
        sqlite_autoincrement=True,
    )
