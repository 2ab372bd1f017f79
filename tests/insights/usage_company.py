"""Companies of which only the events matter, and what a naive reading of their rows says."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from staycurve.workspace import Company
from tests.company import build, rows_of

UTC = dt.UTC


@dataclass(frozen=True)
class Event:
    """One event as it is loaded; `account` and `user` may be empty."""

    number: int
    account: str
    user: str
    name: str
    at: dt.datetime
    platform: str = "web"
    session: str = ""


def company_of(
    folder: Path,
    events: str | Iterable[Event],
    *,
    accounts: str = "",
    users: str = "",
    timezone: str = "UTC",
    settings: str = "",
    exclude: str = "",
    subscriptions: str = "",
) -> Company:
    """A refreshed project; events as rows of text (account user event occurred_at) or Events."""
    rows = events_of(events) if isinstance(events, str) else list(events)
    named = sorted({e.account for e in rows if e.account})
    tables = {
        "accounts": accounts or "\n".join(["account_id", *(named or ["nobody"])]),
        "users": users,
        "subscriptions": subscriptions,
        "events": [
            {
                "event_id": f"e{e.number:05d}", "account_id": e.account, "user_id": e.user,
                "event": e.name, "occurred_at": e.at.isoformat(),
                "properties": f'{{"platform": "{e.platform}", "session": "{e.session}"}}',
            }
            for e in rows
        ],
    }
    return build(
        folder, {table: given for table, given in tables.items() if given},
        timezone=timezone, end_reasons=settings, company=exclude,
    )


def events_of(text: str) -> list[Event]:
    """Events from text: account user event occurred_at [platform [session]], `-` is empty."""
    found = []
    for number, row in enumerate(rows_of(text)):
        at = dt.datetime.fromisoformat(row["occurred_at"].replace(" ", "T"))
        found.append(Event(
            number, row["account"], row["user"], row["event"], at.replace(tzinfo=UTC),
            row.get("platform", "web"), row.get("session", ""),
        ))
    return found


def days(spec: str, *, event: str = "used", account: str = "acme") -> str:
    """Events of people by day: lines such as 'ann: 2020-01-11 2020-01-12'."""
    lines = ["account user event occurred_at"]
    for line in spec.strip().splitlines():
        person, _, listed = line.strip().partition(":")
        lines += [f"{account} {person} {event} {day}T12:00:00" for day in listed.split()]
    return "\n".join(lines)


def at_random(
    seed: int, *, count: int = 400, people: int = 12, start: dt.date = dt.date(2024, 1, 10),
    length: int = 75, names: Sequence[str] = ("a", "b", "c", "d"),
) -> list[Event]:
    """Events with ties, events without a user or an account, and users of two accounts."""
    made = random.Random(seed)
    found = []
    for number in range(count):
        user = min(int(made.expovariate(0.35)), people - 1)
        account = f"acc{user % 4}"
        if made.random() < 0.03:
            account = f"acc{made.randrange(4)}"
        at = dt.datetime.combine(start, dt.time(), UTC) + dt.timedelta(
            days=made.randrange(length), hours=made.choice([0, 3, 4, 5, 12, 23]),
            minutes=made.choice([0, 0, 0, 20, 40]),
        )
        name = made.choices(names, weights=range(len(names), 0, -1))[0]
        found.append(Event(
            number, account, "" if made.random() < 0.05 else f"u{user:02d}", name, at,
            made.choice(["web", "mobile"]), f"s{made.randrange(3)}-{at:%j}",
        ))
    return found


def local(event: Event, zone: str) -> dt.date:
    """The local day of an event."""
    return event.at.astimezone(ZoneInfo(zone)).date()
