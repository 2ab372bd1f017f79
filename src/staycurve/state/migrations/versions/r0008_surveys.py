"""Surveys: what is asked, whom, by which mails, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def _texts(table: str, lengths: Sequence[tuple[str, int, int]]) -> list[Any]:
    """Columns of text, each held to its length."""
    found: list[Any] = []
    for column, most, least in lengths:
        name = op.f(f"ck_{table}_{column}_length")
        found.append(sa.Column(column, sa.String(most), nullable=False))
        found.append(
            sa.CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=name)
        )
    return found


def _at(name: str, *, is_known: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not is_known)


def _to(table: str, column: str, other: str) -> list[Any]:
    name = op.f(f"fk_{table}_{column}_{other}")
    return [
        sa.Column(column, sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name),
    ]


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_texts("signing_keys", [("purpose", 80, 1), ("secret", 80, 1)]),
        _at("created_at"),
        sa.UniqueConstraint("purpose", name=op.f("uq_signing_keys_purpose")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "surveys",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_texts("surveys", [("name", 80, 1), ("kind", 10, 1), ("created_by", 120, 0)]),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        _at("created_at"),
        sa.UniqueConstraint("name", name=op.f("uq_surveys_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "survey_versions",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_to("survey_versions", "survey_id", "surveys"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        *_texts("survey_versions", [("created_by", 120, 0)]),
        _at("created_at"),
        sa.UniqueConstraint("survey_id", "number", name=op.f("uq_survey_versions_survey_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "survey_invitations",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_to("survey_invitations", "survey_id", "surveys"),
        *_to("survey_invitations", "version_id", "survey_versions"),
        *_texts("survey_invitations", [
            ("uuid", 80, 1), ("user_id", 500, 1), ("account_id", 500, 0), ("email", 320, 0),
            ("person_name", 200, 0), ("channel", 10, 1),
        ]),
        sa.Column("round", sa.Integer(), nullable=False),
        _at("planned_at"),
        _at("asked_at", is_known=False),
        _at("expires_at"),
        sa.Column("is_dropped", sa.Boolean(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        _at("created_at"),
        sa.UniqueConstraint("uuid", name=op.f("uq_survey_invitations_uuid")),
        sa.UniqueConstraint(
            "survey_id", "user_id", "round", name=op.f("uq_survey_invitations_survey_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_survey_invitations_change"), "survey_invitations", ["change"])
    op.create_index(op.f("ix_survey_invitations_user_id"), "survey_invitations", ["user_id"])
    op.create_table(
        "survey_mails",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_to("survey_mails", "invitation_id", "survey_invitations"),
        *_texts("survey_mails", [("kind", 10, 1), ("state", 10, 1), ("said", 200, 0)]),
        sa.Column("zone", sa.String(80), nullable=False),
        _at("due_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _at("claimed_at", is_known=False),
        _at("done_at", is_known=False),
        sa.UniqueConstraint("invitation_id", "kind", name=op.f("uq_survey_mails_invitation_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_survey_mails_state"), "survey_mails", ["state", "due_at"])
    op.create_table(
        "survey_responses",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_to("survey_responses", "invitation_id", "survey_invitations"),
        _at("answered_at"),
        _at("finished_at", is_known=False),
        sa.Column("score", sa.Integer(), nullable=True),
        *_texts("survey_responses", [("user_id", 500, 1), ("comment", 10_000, 0)]),
        sa.Column("further", sa.JSON(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("invitation_id", name=op.f("uq_survey_responses_invitation_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_survey_responses_change"), "survey_responses", ["change"])
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_texts("suppressions", [("email", 320, 1), ("reason", 80, 1), ("created_by", 120, 0)]),
        _at("created_at"),
        sa.UniqueConstraint("email", name=op.f("uq_suppressions_email")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "received_answers",
        sa.Column("id", sa.Integer(), primary_key=True),
        *_texts("received_answers", [
            ("source", 80, 1), ("external_id", 500, 1), ("account_id", 500, 0),
            ("user_id", 500, 0), ("email", 320, 0), ("comment", 10_000, 0),
        ]),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        _at("received_at"),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_received_answers_source")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_received_answers_change"), "received_answers", ["change"])
