"""Telling channels what a run did: one message a channel and run, however many alerts opened."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from staycurve.actions.channels.settings import Channel
from staycurve.actions.playbooks.base import Playbook
from staycurve.actions.playbooks.opening import Opened
from staycurve.state import outbox
from staycurve.state.work_models import AlertRow
from staycurve.state.work_reading import Session

NAMED = 10
"""Alerts that a message names; the others are counted."""


def tell(
    session: Session, done: Opened, by_name: Mapping[str, Playbook],
    *, channels: Mapping[str, Channel], on: dt.date, now: dt.datetime, zone: ZoneInfo,
    quiet: tuple[int, int] | None, company: str,
) -> None:
    """Put what a run did in the outbox, within its transaction.

    A channel hears of the playbooks that name it; of all that name none.
    """
    if not (done.alerts or done.escalated):
        return
    at = after_quiet(now, zone, quiet)
    for channel in channels.values():
        own = [one for one in done.alerts if _hears(channel, by_name.get(one.playbook))]
        handed = [one for one in done.escalated if _hears(channel, by_name.get(one.playbook))]
        if not own and not handed:
            continue
        # What opened makes the key: the same run told again is the same message.
        first = min(one.id for one in (*own, *handed))
        outbox.put(
            session, key=f"alerts.opened:{channel.name}:{on}:{first}", channel=channel.name,
            kind="alerts.opened", body=body_of(own, handed, on=on, company=company), now=now,
            next_at=at,
        )


def resolved(
    session: Session, row: AlertRow, *, channels: Mapping[str, Channel], now: dt.datetime
) -> None:
    """Tell programs that an alert was resolved; people are not told of it one by one."""
    for channel in channels.values():
        if channel.kind == "webhook":
            outbox.put(
                session, key=f"alert.resolved:{channel.name}:{row.id}", channel=channel.name,
                kind="alert.resolved",
                body={"alert": short(row) | {"reason": row.reason}, "title": "", "text": ""},
                now=now,
            )


def _hears(channel: Channel, playbook: Playbook | None) -> bool:
    return playbook is None or not playbook.channels or channel.name in playbook.channels


def body_of(
    opened: Sequence[AlertRow], escalated: Sequence[AlertRow], *, on: dt.date, company: str
) -> dict[str, Any]:
    """A message: a title and a text for people, alerts for programs."""
    count = len(opened)
    title = f"{company}: {count:,} new alert{'' if count == 1 else 's'} on {on}"
    lines = [
        f"{one.account_name or one.account_id}: {one.playbook}, {one.owner}, MRR {one.mrr:,.2f}"
        for one in opened[:NAMED]
    ]
    if count > NAMED:
        lines.append(f"and {count - NAMED:,} more")
    if opened:
        shares = Counter(one.owner for one in opened)
        lines.append("By owner: " + ", ".join(f"{who} {n}" for who, n in sorted(shares.items())))
    if escalated:
        lines.append(f"Escalated: {len(escalated):,}")
    return {
        "title": title, "text": "\n".join(lines),
        "opened": [short(one) for one in opened], "escalated": [short(one) for one in escalated],
        "on": on.isoformat(),
    }


def short(row: AlertRow) -> dict[str, Any]:
    """What programs are told of an alert."""
    return {
        "id": row.id, "account_id": row.account_id, "type": row.type, "playbook": row.playbook,
        "owner": row.owner, "opened_on": row.opened_on.isoformat(),
        "due_on": row.due_on.isoformat(), "mrr": row.mrr, "status": row.status,
    }


def after_quiet(
    now: dt.datetime, zone: ZoneInfo, quiet: tuple[int, int] | None
) -> dt.datetime:
    """The first instant from now on that is not in the quiet hours of the local day.

    Found minute by minute: where clocks are set, a local hour comes twice or not at all.
    """
    while is_quiet(now, zone, quiet):
        now = now.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
    return now


def is_quiet(now: dt.datetime, zone: ZoneInfo, quiet: tuple[int, int] | None) -> bool:
    """Whether an instant lies in the quiet hours of the local day."""
    if quiet is None or quiet[0] == quiet[1]:
        return False
    first, last = quiet
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return first <= minute < last if first < last else minute >= first or minute < last
