"""Members of a list over time: who was in the rule of a playbook or an audience, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, or_, select, text, update
from sqlalchemy.orm import Session

from staycurve.state.work_models import ListRow, SpellRow

BATCH = 500
"""Accounts of one statement: databases bound how many values one may carry."""
_LOCK = int.from_bytes(b"staywork", "big", signed=True)


@dataclass(frozen=True)
class Followed:
    """A list and who is in it.

    Attributes
    ----------
    members : mapping
        account_id → since when.
    """

    name: str
    rule: str
    first_at: dt.datetime
    last_at: dt.datetime
    members: Mapping[str, dt.datetime]


@dataclass(frozen=True)
class Moved:
    """Who came into a list and who left it, by id."""

    entered: tuple[str, ...]
    left: tuple[str, ...]


def alone(session: Session) -> None:
    """Let no other process follow lists until this transaction ends.

    On SQLite whoever writes is alone already.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def followed(session: Session, name: str) -> Followed | None:
    """A list, or None if it has never been followed."""
    row = session.scalar(select(ListRow).where(ListRow.name == name))
    if row is None:
        return None
    spells = session.execute(
        select(SpellRow.account_id, SpellRow.entered_at)
        .where(SpellRow.list_id == row.id, SpellRow.is_open == 1)
    )
    return Followed(row.name, row.rule, row.first_at, row.last_at,
                    {account: since for account, since in spells})


def every(session: Session, prefix: str) -> tuple[Followed, ...]:
    """Every list whose name begins so."""
    names = session.scalars(
        select(ListRow.name).where(ListRow.name.startswith(prefix)).order_by(ListRow.name)
    ).all()
    return tuple(found for name in names if (found := followed(session, name)) is not None)


def follow(
    session: Session, name: str, *, rule: str, members: Collection[str], at: dt.datetime
) -> Moved:
    """Let a list hold these accounts from an instant on.

    Parameters
    ----------
    rule : str
        What the list's rule is now.
    at : datetime
        Not before the last one.
    """
    row = session.scalar(select(ListRow).where(ListRow.name == name))
    if row is None:
        row = ListRow(name=name, rule=rule, first_at=at, last_at=at)
        session.add(row)
        session.flush()
    inside = set(session.scalars(
        select(SpellRow.account_id).where(SpellRow.list_id == row.id, SpellRow.is_open == 1)
    ))
    if row.rule != rule:
        row.rule, row.first_at = rule, at
    row.last_at = at
    wanted = set(members)
    entered, left = sorted(wanted - inside), sorted(inside - wanted)
    for batch in batches(left):
        session.execute(
            update(SpellRow)
            .where(SpellRow.list_id == row.id, SpellRow.is_open == 1,
                   SpellRow.account_id.in_(batch))
            .values(is_open=None, left_at=at)
            .execution_options(synchronize_session=False)
        )
    if entered:
        session.execute(insert(SpellRow), [
            {"list_id": row.id, "account_id": one, "entered_at": at, "left_at": None, "is_open": 1}
            for one in entered
        ])
    session.flush()
    return Moved(tuple(entered), tuple(left))


def members_at(session: Session, name: str, at: dt.datetime) -> dict[str, dt.datetime]:
    """Who was in a list at an instant, and since when."""
    found = session.execute(
        select(SpellRow.account_id, SpellRow.entered_at)
        .join(ListRow, ListRow.id == SpellRow.list_id)
        .where(ListRow.name == name, SpellRow.entered_at <= at,
               or_(SpellRow.left_at.is_(None), SpellRow.left_at > at))
        .order_by(SpellRow.account_id)
    )
    return {account: since for account, since in found}


def spells_of(session: Session, account: str) -> list[tuple[str, dt.datetime, dt.datetime | None]]:
    """(list, from, to) of one account, oldest first."""
    found = session.execute(
        select(ListRow.name, SpellRow.entered_at, SpellRow.left_at)
        .join(ListRow, ListRow.id == SpellRow.list_id)
        .where(SpellRow.account_id == account).order_by(SpellRow.entered_at, SpellRow.id)
    )
    return [(name, entered, left) for name, entered, left in found]


def batches(values: Iterable[str]) -> Iterable[Sequence[str]]:
    """The values, so many at a time as one statement carries."""
    listed = list(values)
    return (listed[k : k + BATCH] for k in range(0, len(listed), BATCH))
