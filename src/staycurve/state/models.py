"""The tables of app state. A change here needs a migration: a test compares the two."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from staycurve.state.cleaning import NAME, PAGE, QUERY, SOURCE, TEXT, WHO


class Instant(TypeDecorator[dt.datetime]):
    """An instant, UTC on both sides: SQLite keeps no zone, PostgreSQL answers in the session's."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: dt.datetime | None, dialect: Dialect
    ) -> dt.datetime | None:
        """What is stored."""
        return None if value is None else value.astimezone(dt.UTC)

    def process_result_value(
        self, value: dt.datetime | None, dialect: Dialect
    ) -> dt.datetime | None:
        """What is read."""
        if value is None or value.tzinfo is not None:
            return None if value is None else value.astimezone(dt.UTC)
        return value.replace(tzinfo=dt.UTC)


class Base(DeclarativeBase):
    """Every table of app state."""

    metadata = MetaData(naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    })


def _bounded(column: str, most: int, least: int = 0) -> CheckConstraint:
    """SQLite does not hold a column to its length by itself."""
    return CheckConstraint(f"length({column}) BETWEEN {least} AND {most}", name=f"{column}_length")


bounded = _bounded

# Numbers of rows that were deleted are not given again: an old link must not open another row.
_NEVER_AGAIN = {"sqlite_autoincrement": True}
never_again = _NEVER_AGAIN


class ViewRow(Base):
    """A saved view."""

    __tablename__ = "views"
    __table_args__ = (
        UniqueConstraint("name"), _bounded("name", NAME, 1), _bounded("page", PAGE, 1),
        _bounded("query", QUERY), _bounded("created_by", WHO), _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME))
    page: Mapped[str] = mapped_column(String(PAGE))
    query: Mapped[str] = mapped_column(String(QUERY))
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(WHO))


class AnnotationRow(Base):
    """A dated note."""

    __tablename__ = "annotations"
    __table_args__ = (
        _bounded("text", TEXT, 1), _bounded("author", WHO), _bounded("metric", NAME, 1),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[dt.date] = mapped_column(Date)
    text: Mapped[str] = mapped_column(String(TEXT))
    author: Mapped[str] = mapped_column(String(WHO))
    metric: Mapped[str | None] = mapped_column(String(NAME))
    created_at: Mapped[dt.datetime] = mapped_column(Instant)


class DismissalRow(Base):
    """A doubt that is not shown: about so many rows, or fewer."""

    __tablename__ = "dismissals"
    __table_args__ = (
        UniqueConstraint("doubt"), _bounded("doubt", NAME, 1), _bounded("created_by", WHO),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    doubt: Mapped[str] = mapped_column(String(NAME))
    rows: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(WHO))


class GoalRow(Base):
    """A goal. An active one has a place, and there are two."""

    __tablename__ = "goals"
    __table_args__ = (
        UniqueConstraint("place"),
        CheckConstraint("place BETWEEN 1 AND 2", name="place_of_two"),
        CheckConstraint("(status = 'active') = (place IS NOT NULL)", name="place_if_active"),
        _bounded("metric", NAME, 1), _bounded("owner", WHO, 1), _bounded("source", SOURCE, 1),
        _bounded("status", 10, 1), _bounded("note", TEXT), _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(String(NAME))
    target: Mapped[float] = mapped_column(Double)
    until_on: Mapped[dt.date] = mapped_column(Date)
    owner: Mapped[str] = mapped_column(String(WHO))
    source: Mapped[str] = mapped_column(String(SOURCE))
    start_on: Mapped[dt.date] = mapped_column(Date)
    start_value: Mapped[float] = mapped_column(Double)
    started_at: Mapped[dt.datetime] = mapped_column(Instant)
    status: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(String(TEXT))
    ended_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    end_value: Mapped[float | None] = mapped_column(Double)
    place: Mapped[int | None] = mapped_column(Integer)


class KeyRow(Base):
    """A key with which a program sends; of its text only a digest is kept."""

    __tablename__ = "keys"
    __table_args__ = (
        UniqueConstraint("prefix"), _bounded("name", NAME), _bounded("scope", NAME, 1),
        _bounded("prefix", NAME, 1), _bounded("salt", NAME, 1), _bounded("digest", NAME, 1),
        _bounded("created_by", WHO), _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME))
    scope: Mapped[str] = mapped_column(String(NAME))
    prefix: Mapped[str] = mapped_column(String(NAME))
    salt: Mapped[str] = mapped_column(String(NAME))
    digest: Mapped[str] = mapped_column(String(NAME))
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(String(WHO))
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[dt.datetime | None] = mapped_column(Instant)


class ImportRow(Base):
    """An object that another program sent, as it sent it, until and after it is loaded.

    `version` grows with every change of any object: what is greater than a cursor is new to it.
    """

    __tablename__ = "imports"
    __table_args__ = (
        UniqueConstraint("uuid"), UniqueConstraint("kind", "source", "external_id"),
        Index("ix_imports_version", "version"), Index("ix_imports_owner", "owner", "kind"),
        Index("ix_imports_ref", "ref", "kind"),
        _bounded("kind", NAME, 1), _bounded("uuid", NAME, 1), _bounded("source", NAME),
        _bounded("external_id", PAGE), _bounded("owner", NAME), _bounded("ref", NAME),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(NAME))
    uuid: Mapped[str] = mapped_column(String(NAME))
    source: Mapped[str] = mapped_column(String(NAME))
    external_id: Mapped[str | None] = mapped_column(String(PAGE))
    owner: Mapped[str] = mapped_column(String(NAME))
    ref: Mapped[str] = mapped_column(String(NAME))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[dt.datetime] = mapped_column(Instant)
    updated_at: Mapped[dt.datetime] = mapped_column(Instant)
    is_deleted: Mapped[bool] = mapped_column(Boolean)


class AuditRow(Base):
    """One change."""

    __tablename__ = "audit"
    __table_args__ = (
        _bounded("who", WHO), _bounded("what", NAME, 1), _bounded("subject", PAGE, 1),
        _NEVER_AGAIN,
    )

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True
    )
    at: Mapped[dt.datetime] = mapped_column(Instant)
    who: Mapped[str] = mapped_column(String(WHO))
    what: Mapped[str] = mapped_column(String(NAME))
    subject: Mapped[str] = mapped_column(String(PAGE))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
