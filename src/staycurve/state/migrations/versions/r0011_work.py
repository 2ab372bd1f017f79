"""Members of rules over time, alerts, tasks, milestones, and what is sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"


def _length(table: str, column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_{table}_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def upgrade() -> None:
    """Make the tables."""
    _member_lists()
    _member_spells()
    _alerts()
    _alert_events()
    _tasks()
    _milestones()
    _outbox()


def _member_lists() -> None:
    op.create_table(
        "member_lists",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("rule", sa.String(80), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("name", name=op.f("uq_member_lists_name")),
        _length("member_lists", "name", 80, 1),
        _length("member_lists", "rule", 80),
        sqlite_autoincrement=True,
    )


def _member_spells() -> None:
    op.create_table(
        "member_spells",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(200), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_open", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["member_lists.id"]),
        sa.UniqueConstraint(
            "list_id", "account_id", "is_open", name=op.f("uq_member_spells_list_id")
        ),
        _length("member_spells", "account_id", 200, 1),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_member_spells_list_id"), "member_spells", ["list_id", "is_open"])


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account_id", sa.String(200), nullable=False),
        sa.Column("account_name", sa.String(200), nullable=False),
        sa.Column("type", sa.String(10), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("is_open", sa.Integer(), nullable=True),
        sa.Column("playbook", sa.String(80), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("mrr", sa.Double(), nullable=False),
        sa.Column("chance", sa.Double(), nullable=False),
        sa.Column("can_do", sa.Double(), nullable=False),
        sa.Column("rank", sa.Double(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("snoozed_until", sa.Date(), nullable=True),
        sa.Column("snooze_reason", sa.String(500), nullable=False),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.String(120), nullable=False),
        sa.Column("reason", sa.String(80), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.UniqueConstraint("account_id", "type", "is_open", name=op.f("uq_alerts_account_id")),
        _length("alerts", "account_id", 200, 1),
        _length("alerts", "account_name", 200),
        _length("alerts", "note", 500),
        _length("alerts", "owner", 120, 1),
        _length("alerts", "playbook", 80, 1),
        _length("alerts", "reason", 80),
        _length("alerts", "resolved_by", 120),
        _length("alerts", "snooze_reason", 500),
        _length("alerts", "status", 10, 1),
        _length("alerts", "type", 10, 1),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_alerts_account_id"), "alerts", ["account_id"])
    op.create_index(op.f("ix_alerts_owner"), "alerts", ["owner", "opened_on"])
    op.create_index(op.f("ix_alerts_status"), "alerts", ["status", "rank"])


def _alert_events() -> None:
    op.create_table(
        "alert_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(120), nullable=False),
        sa.Column("what", sa.String(80), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"]),
        _length("alert_events", "what", 80, 1),
        _length("alert_events", "who", 120),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_alert_events_alert_id"), "alert_events", ["alert_id"])


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("alert_id", sa.Integer(), nullable=True),
        sa.Column("account_id", sa.String(200), nullable=False),
        sa.Column("step", sa.String(80), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(120), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"]),
        sa.UniqueConstraint("alert_id", "step", name=op.f("uq_tasks_alert_id")),
        _length("tasks", "account_id", 200, 1),
        _length("tasks", "done_by", 120),
        _length("tasks", "note", 500),
        _length("tasks", "owner", 120, 1),
        _length("tasks", "status", 10, 1),
        _length("tasks", "step", 80, 1),
        _length("tasks", "title", 200, 1),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_tasks_account_id"), "tasks", ["account_id"])
    op.create_index(op.f("ix_tasks_status"), "tasks", ["status", "due_on"])


def _milestones() -> None:
    op.create_table(
        "milestones",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("account_id", sa.String(200), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(120), nullable=False),
        sa.Column("is_dropped", sa.Integer(), nullable=False),
        _length("milestones", "account_id", 200, 1),
        _length("milestones", "done_by", 120),
        _length("milestones", "owner", 120, 1),
        _length("milestones", "title", 200, 1),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_milestones_account_id"), "milestones", ["account_id"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("channel", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(500), nullable=False),
        sa.Column("holder", sa.String(80), nullable=False),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        _length("outbox", "channel", 80, 1),
        _length("outbox", "error", 500),
        _length("outbox", "holder", 80),
        _length("outbox", "key", 200, 1),
        _length("outbox", "kind", 80, 1),
        _length("outbox", "status", 10, 1),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_outbox_status"), "outbox", ["status", "next_at"])
