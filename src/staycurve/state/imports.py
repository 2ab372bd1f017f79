"""Imports: objects that other programs send, kept as they came, within a session.

Nothing is ever taken out: what is deleted stays with `is_deleted`, so that whoever reads by
`version` learns of it.
"""

from __future__ import annotations

import datetime as dt
import uuid as uuids
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from staycurve.state.models import ImportRow

_LOCK = int.from_bytes(b"imports.", "big", signed=True)
"""The advisory lock that PostgreSQL keeps for us: any number that others do not use."""
Strip = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_AT_ONCE = 500
"""Values in one IN (…)."""


@dataclass(frozen=True)
class Imported:
    """One object.

    Attributes
    ----------
    id : int
        A number of its own, never given again.
    kind : str
        What it is, such as `invoice`.
    uuid : str
        Its name on this server.
    source : str
        The uuid of the data source that it belongs to; empty for a data source.
    external_id : str, optional
        Its name where it comes from: of a kind, one in each source.
    owner : str
        The uuid of the object that it is a part of; empty for none.
    ref : str
        The uuid of another object that it speaks of; empty for none.
    body : mapping
        What was sent, as JSON.
    version : int
        Greater than that of every change before.
    """

    id: int
    kind: str
    uuid: str
    source: str
    external_id: str | None
    owner: str
    ref: str
    body: Mapping[str, Any]
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime
    is_deleted: bool

    @property
    def is_counted(self) -> bool:
        """Whether it was neither deleted nor disabled."""
        return not self.is_deleted and not self.body.get("disabled")


class Imports:
    """The objects, inside one transaction.

    Parameters
    ----------
    session : Session
        One that writes, if anything is changed.
    now : datetime
        When what is changed was changed.
    strip : callable
        Gives a body without what tells of forgotten people.
    """

    def __init__(
        self, session: Session, now: dt.datetime, *, strip: Strip = lambda body: body
    ) -> None:
        self._strip = strip
        self._session = session
        self._now = now
        self._version: int | None = None

    def add(
        self, kind: str, prefix: str, body: Mapping[str, Any], *, source: str = "",
        external_id: str | None = None, owner: str = "", ref: str = "",
    ) -> Imported:
        """Keep a new object under a name of its own that begins with `prefix`."""
        row = ImportRow(
            kind=kind, uuid=f"{prefix}{uuids.uuid4()}", source=source, external_id=external_id,
            owner=owner, ref=ref, body=dict(self._strip(body)), version=self._next(),
            created_at=self._now, updated_at=self._now, is_deleted=False,
        )
        self._session.add(row)
        self._session.flush()
        return _imported(row)

    def change(self, one: Imported, body: Mapping[str, Any], *, ref: str | None = None) -> Imported:
        """Give an object another body."""
        row = self._session.get_one(ImportRow, one.id)
        row.body, row.version, row.updated_at = dict(self._strip(body)), self._next(), self._now
        if ref is not None:
            row.ref = ref
        self._session.flush()
        return _imported(row)

    def delete(self, every: Iterable[Imported]) -> None:
        """Delete objects; their external ids are free again."""
        for one in every:
            row = self._session.get_one(ImportRow, one.id)
            row.is_deleted, row.external_id = True, None
            row.version, row.updated_at = self._next(), self._now
        self._session.flush()

    def touch(self, every: Iterable[Imported]) -> None:
        """Let objects be read again, because what they rest on has changed."""
        for part in _parts([one.id for one in every]):
            self._session.execute(
                update(ImportRow).where(ImportRow.id.in_(part)).values(version=self._next())
            )
        self._session.expire_all()

    def get(self, kind: str, uuid: str) -> Imported | None:
        """The object of this name, unless it was deleted."""
        row = self._session.scalar(select(ImportRow).where(
            ImportRow.uuid == uuid, ImportRow.kind == kind, ImportRow.is_deleted.is_(False)
        ))
        return None if row is None else _imported(row)

    def numbered(self, kind: str, number: int) -> Imported | None:
        """The object of this number, unless it was deleted."""
        row = self._session.scalar(select(ImportRow).where(
            ImportRow.id == number, ImportRow.kind == kind, ImportRow.is_deleted.is_(False)
        ))
        return None if row is None else _imported(row)

    def named(self, kind: str, source: str, external_id: str) -> Imported | None:
        """The object of a source's own name for it."""
        row = self._session.scalar(select(ImportRow).where(
            ImportRow.kind == kind, ImportRow.source == source,
            ImportRow.external_id == external_id,
        ))
        return None if row is None else _imported(row)

    def page(
        self, kind: str, *, after: int = 0, most: int = 200, source: str | None = None,
        external_id: str | None = None, owner: str | None = None, ref: str | None = None,
    ) -> list[Imported]:
        """Objects that were not deleted, in the order in which they came."""
        asked = select(ImportRow).where(
            ImportRow.kind == kind, ImportRow.is_deleted.is_(False), ImportRow.id > after
        )
        wanted = {"source": source, "external_id": external_id, "owner": owner, "ref": ref}
        for column, value in wanted.items():
            if value is not None:
                asked = asked.where(getattr(ImportRow, column) == value)
        rows = self._session.scalars(asked.order_by(ImportRow.id).limit(most))
        return [_imported(row) for row in rows]

    def all(
        self, kind: str, *, owners: Sequence[str] | None = None, refs: Sequence[str] | None = None,
        uuids: Sequence[str] | None = None, is_deleted: bool | None = False,
    ) -> list[Imported]:
        """Every object of a kind with one of these owners, refs or names, in order.

        Parameters
        ----------
        is_deleted : bool, optional
            None for those too that were deleted.
        """
        column, values = next(
            (column, values) for column, values in (
                (ImportRow.owner, owners), (ImportRow.ref, refs), (ImportRow.uuid, uuids)
            ) if values is not None
        )
        found: list[Imported] = []
        for part in _parts(sorted({value for value in values if value})):
            asked = select(ImportRow).where(ImportRow.kind == kind, column.in_(part))
            if is_deleted is not None:
                asked = asked.where(ImportRow.is_deleted.is_(is_deleted))
            found += [_imported(row) for row in self._session.scalars(asked)]
        return sorted(found, key=lambda one: one.id)

    def of_source(self, source: str) -> list[Imported]:
        """Everything that belongs to a data source and was not deleted."""
        rows = self._session.scalars(select(ImportRow).where(
            ImportRow.source == source, ImportRow.is_deleted.is_(False)
        ).order_by(ImportRow.id))
        return [_imported(row) for row in rows]

    def changed(self, kinds: Sequence[str], *, after: int, most: int) -> list[Imported]:
        """What was changed since a version, deleted or not, oldest change first.

        Of changes that share a version either all are there or none.
        """
        rows = list(self._session.scalars(select(ImportRow).where(
            ImportRow.kind.in_(kinds), ImportRow.version > after
        ).order_by(ImportRow.version, ImportRow.id).limit(most)))
        if len(rows) == most:
            rows += self._session.scalars(select(ImportRow).where(
                ImportRow.kind.in_(kinds), ImportRow.version == rows[-1].version,
                ImportRow.id > rows[-1].id,
            ).order_by(ImportRow.id))
        return [_imported(row) for row in rows]

    def latest(self) -> int:
        """The version of the last change; 0 before the first."""
        return int(self._session.scalar(select(func.max(ImportRow.version))) or 0)

    def _next(self) -> int:
        if self._version is None:
            if self._session.get_bind().dialect.name == "postgresql":
                # A version that becomes visible after a greater one would never be read.
                self._session.execute(
                    text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK}
                )
            self._version = self.latest()
        self._version += 1
        return self._version


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))


def _imported(row: ImportRow) -> Imported:
    return Imported(
        row.id, row.kind, row.uuid, row.source, row.external_id, row.owner, row.ref, row.body,
        row.version, row.created_at, row.updated_at, row.is_deleted,
    )
