"""Mails that are no survey's, and the tickets that alerts have at help desks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def _instant(name: str, *, is_empty: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=is_empty)


def _length(table: str, column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_{table}_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def upgrade() -> None:
    """Make the tables."""
    _mails()
    _alert_tickets()


def _mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("person_name", sa.String(200), nullable=False),
        sa.Column("account_id", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        _instant("due_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _instant("claimed_at", is_empty=True), _instant("done_at", is_empty=True),
        sa.Column("said", sa.String(200), nullable=False),
        _instant("created_at"),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.UniqueConstraint("key", name=op.f("uq_mails_key")),
        _length("mails", "key", 200, 1), _length("mails", "kind", 10, 1),
        _length("mails", "email", 320, 1), _length("mails", "person_name", 200),
        _length("mails", "account_id", 200), _length("mails", "subject", 300, 1),
        _length("mails", "state", 10, 1), _length("mails", "said", 200),
        _length("mails", "created_by", 120),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mails_state", "mails", ["state", "due_at"])
    op.create_index("ix_mails_account_id", "mails", ["account_id"])


def _alert_tickets() -> None:
    op.create_table(
        "alert_tickets",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("desk", sa.String(80), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        _instant("asked_at"), _instant("opened_at", is_empty=True),
        _instant("solved_at", is_empty=True),
        sa.Column("solved_by", sa.String(80), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_alert_tickets_alert_id_alerts")
        ),
        sa.UniqueConstraint("alert_id", "desk", name=op.f("uq_alert_tickets_alert_id")),
        _length("alert_tickets", "desk", 80, 1), _length("alert_tickets", "state", 10, 1),
        _length("alert_tickets", "reference", 200), _length("alert_tickets", "solved_by", 80),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_tickets_state", "alert_tickets", ["state"])
    op.create_index("ix_alert_tickets_reference", "alert_tickets", ["desk", "reference"])
