"""The tables of work: who was in which rule when, alerts, tasks, milestones, what is sent."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from staycurve.state.cleaning import NAME, PAGE, TEXT, WHO
from staycurve.state.models import Base, Instant, bounded, never_again

_NAME = {"person": "name"}
_TEXT = {"person": "text"}


class ListRow(Base):
    """A rule whose members are followed, and up to when they have been.

    `name` is `playbook:NAME` or `audience:NAME`; `rule` changes when the rule does.
    """

    __tablename__ = "member_lists"
    __table_args__ = (
        UniqueConstraint("name"), bounded("name", NAME, 1), bounded("rule", NAME), never_again,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME))
    rule: Mapped[str] = mapped_column(String(NAME))
    first_at: Mapped[dt.datetime] = mapped_column(Instant)
    last_at: Mapped[dt.datetime] = mapped_column(Instant)


class SpellRow(Base):
    """From when to when an account was in a list. `is_open` is 1 while it is in, else empty.

    The database holds one open spell an account and list, whoever adds it.
    """

    __tablename__ = "member_spells"
    __table_args__ = (
        UniqueConstraint("list_id", "account_id", "is_open"),
        Index("ix_member_spells_list_id", "list_id", "is_open"),
        bounded("account_id", PAGE, 1), never_again,
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True
    )
    list_id: Mapped[int] = mapped_column(ForeignKey("member_lists.id"))
    account_id: Mapped[str] = mapped_column(String(PAGE))
    entered_at: Mapped[dt.datetime] = mapped_column(Instant)
    left_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    is_open: Mapped[int | None] = mapped_column(Integer)


class AlertRow(Base):
    """An alert. One that is not resolved has `is_open` 1: one an account and type."""

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("account_id", "type", "is_open"),
        Index("ix_alerts_status", "status", "rank"),
        Index("ix_alerts_account_id", "account_id"),
        Index("ix_alerts_owner", "owner", "opened_on"),
        bounded("account_id", PAGE, 1), bounded("account_name", PAGE), bounded("type", 10, 1),
        bounded("status", 10, 1), bounded("playbook", NAME, 1), bounded("owner", WHO, 1),
        bounded("reason", NAME), bounded("note", TEXT), bounded("resolved_by", WHO),
        bounded("snooze_reason", TEXT), never_again,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(String(PAGE))
    account_name: Mapped[str] = mapped_column(String(PAGE))
    type: Mapped[str] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(10))
    is_open: Mapped[int | None] = mapped_column(Integer)
    playbook: Mapped[str] = mapped_column(String(NAME))
    owner: Mapped[str] = mapped_column(String(WHO), info=_NAME)
    opened_at: Mapped[dt.datetime] = mapped_column(Instant)
    opened_on: Mapped[dt.date] = mapped_column(Date)
    due_on: Mapped[dt.date] = mapped_column(Date)
    mrr: Mapped[float] = mapped_column(Double)
    chance: Mapped[float] = mapped_column(Double)
    can_do: Mapped[float] = mapped_column(Double)
    rank: Mapped[float] = mapped_column(Double)
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    snoozed_until: Mapped[dt.date | None] = mapped_column(Date)
    snooze_reason: Mapped[str] = mapped_column(String(TEXT), info=_TEXT)
    escalated_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    acted_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    resolved_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    resolved_by: Mapped[str] = mapped_column(String(WHO), info=_NAME)
    reason: Mapped[str] = mapped_column(String(NAME))
    note: Mapped[str] = mapped_column(String(TEXT), info=_TEXT)
    version: Mapped[int] = mapped_column(Integer)


class AlertEventRow(Base):
    """One thing that happened to an alert."""

    __tablename__ = "alert_events"
    __table_args__ = (
        Index("ix_alert_events_alert_id", "alert_id"),
        bounded("who", WHO), bounded("what", NAME, 1), never_again,
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True
    )
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"))
    at: Mapped[dt.datetime] = mapped_column(Instant)
    who: Mapped[str] = mapped_column(String(WHO), info=_NAME)
    what: Mapped[str] = mapped_column(String(NAME))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class TaskRow(Base):
    """One thing to do, of an alert or by itself; `step` says of which part of a playbook."""

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("alert_id", "step"),
        Index("ix_tasks_status", "status", "due_on"), Index("ix_tasks_account_id", "account_id"),
        bounded("account_id", PAGE, 1), bounded("step", NAME, 1), bounded("title", PAGE, 1),
        bounded("owner", WHO, 1), bounded("status", 10, 1), bounded("done_by", WHO),
        bounded("note", TEXT), never_again,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alerts.id"))
    account_id: Mapped[str] = mapped_column(String(PAGE))
    step: Mapped[str] = mapped_column(String(NAME))
    title: Mapped[str] = mapped_column(String(PAGE))
    owner: Mapped[str] = mapped_column(String(WHO), info=_NAME)
    due_on: Mapped[dt.date] = mapped_column(Date)
    message: Mapped[str] = mapped_column(Text, info=_TEXT)
    status: Mapped[str] = mapped_column(String(10))
    done_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    done_by: Mapped[str] = mapped_column(String(WHO), info=_NAME)
    note: Mapped[str] = mapped_column(String(TEXT), info=_TEXT)
    version: Mapped[int] = mapped_column(Integer)


class MilestoneRow(Base):
    """One dated step of an account's success plan."""

    __tablename__ = "milestones"
    __table_args__ = (
        Index("ix_milestones_account_id", "account_id"),
        bounded("account_id", PAGE, 1), bounded("title", PAGE, 1), bounded("owner", WHO, 1),
        bounded("done_by", WHO), never_again,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(String(PAGE))
    title: Mapped[str] = mapped_column(String(PAGE), info=_TEXT)
    owner: Mapped[str] = mapped_column(String(WHO), info=_NAME)
    due_on: Mapped[dt.date] = mapped_column(Date)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    done_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    done_by: Mapped[str] = mapped_column(String(WHO), info=_NAME)
    is_dropped: Mapped[int] = mapped_column(Integer)


class OutboxRow(Base):
    """A message on its way out. `key` is its own: what is put in twice is sent once."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("key"), Index("ix_outbox_status", "status", "next_at"),
        bounded("key", PAGE, 1), bounded("channel", NAME, 1), bounded("kind", NAME, 1),
        bounded("status", 10, 1), bounded("error", TEXT), bounded("holder", NAME), never_again,
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(PAGE))
    channel: Mapped[str] = mapped_column(String(NAME))
    kind: Mapped[str] = mapped_column(String(NAME))
    body: Mapped[dict[str, Any]] = mapped_column(JSON, info=_TEXT)
    status: Mapped[str] = mapped_column(String(10))
    tries: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    next_at: Mapped[dt.datetime] = mapped_column(Instant)
    sent_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    error: Mapped[str] = mapped_column(String(TEXT))
    holder: Mapped[str] = mapped_column(String(NAME))
