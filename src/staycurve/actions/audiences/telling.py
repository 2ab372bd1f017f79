"""Telling programs who is in an audience: messages of the outbox, in parts."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.state import outbox
from staycurve.state.work_reading import Session

PART = 500
"""Accounts of one message: with their people it stays below the megabyte that many servers take."""

Row = Mapping[str, Any]


def tell_members(
    session: Session, channel: str, audience: str, *, rows: Sequence[Row], people: Sequence[Row],
    at: dt.datetime, now: dt.datetime, next_at: dt.datetime,
) -> int:
    """Put the whole of an audience in the outbox, with the people who may be written to; how many
    messages it takes."""
    by_account: dict[str, list[dict[str, Any]]] = {}
    for one in people:
        by_account.setdefault(one["account_id"], []).append(
            {key: one[key] for key in ("user_id", "email", "name")}
        )
    accounts = [
        {"account_id": row["account_id"], "name": row["name"],
         "people": by_account.get(row["account_id"], [])} for row in rows
    ]
    return _put(session, channel, "audience.members", audience, {"accounts": accounts}, at=at,
                now=now, next_at=next_at)


def tell_changes(
    session: Session, channel: str, audience: str, *, entered: Sequence[Row],
    left: Sequence[str], at: dt.datetime, now: dt.datetime, next_at: dt.datetime,
) -> int:
    """Put who came into an audience and who left it in the outbox; how many messages it takes."""
    if not (entered or left):
        return 0
    moved = {
        "entered": [{key: row[key] for key in ("account_id", "name")} for row in entered],
        "left": [{"account_id": one} for one in left],
    }
    return _put(session, channel, "audience.changed", audience, moved, at=at, now=now,
                next_at=next_at)


def _put(
    session: Session, channel: str, kind: str, audience: str, lists: Mapping[str, Sequence[Row]],
    *, at: dt.datetime, now: dt.datetime, next_at: dt.datetime,
) -> int:
    # It is kept with the moves that it tells of, and so once: a rule that is changed moves accounts
    # at the same instant of the data again.
    key = f"{kind}:{channel}:{uuid.uuid4().hex}"
    parts = max(1, *(-(-len(rows) // PART) for rows in lists.values()))
    for part in range(parts):
        cut = {name: list(rows[part * PART : (part + 1) * PART]) for name, rows in lists.items()}
        body = {"audience": audience, "at": at.isoformat(), "told_at": now.isoformat(),
                "part": part + 1, "parts": parts,
                "title": "", "text": "", **cut}
        outbox.put(session, key=f"{key}:{part + 1}", channel=channel, kind=kind, body=body,
                   now=now, next_at=next_at)
    return parts
