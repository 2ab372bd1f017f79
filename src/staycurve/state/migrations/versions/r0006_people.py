"""Who may log in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _length(table: str, column: str, most: int, least: int = 0) -> sa.CheckConstraint:
    name = op.f(f"ck_{table}_{column}_length")
    return sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)


def _person(table: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    name = op.f(f"fk_{table}_person_id_people")
    return (
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE", name=name),
    )


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("folded", sa.String(508), nullable=False),
        sa.Column("role", sa.String(80), nullable=False),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(400), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("folded", name=op.f("uq_people_folded")),
        sa.UniqueConstraint("subject", name=op.f("uq_people_subject")),
        _length("people", "email", 254, 3),
        _length("people", "folded", 508, 3),
        _length("people", "role", 80, 1),
        _length("people", "password", 200),
        _length("people", "subject", 400, 1),
        _length("people", "created_by", 120),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("digest", sa.String(80), nullable=False),
        *_person("sessions"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("digest", name=op.f("uq_sessions_digest")),
        _length("sessions", "digest", 80, 1),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sessions_person_id"), "sessions", ["person_id"])
    op.create_table(
        "links",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("digest", sa.String(80), nullable=False),
        *_person("links"),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("digest", name=op.f("uq_links_digest")),
        _length("links", "digest", 80, 1),
        _length("links", "kind", 80, 1),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_links_person_id"), "links", ["person_id"])
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("value", sa.String(200), nullable=False),
        _length("secrets", "name", 80, 1),
        _length("secrets", "value", 200, 1),
    )
