"""usage_days and the month tables agree with the events, however they arrived."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from staycurve.tables.views import USAGE
from staycurve.workspace import Company
from tests.company import build, create, load

Rows = list[dict[str, Any]]
NAMES = ("view", "edit", "share", "ping")
ACCOUNTS = ("a", "b", "c", "part")
USERS = {"u1": "a", "u2": "a", "u3": "b", "u4": "c", "u5": "part"}


def tables(seed: int, count: int = 150) -> dict[str, Rows]:
    pick = random.Random(seed)
    start = dt.datetime(2024, 1, 25, tzinfo=dt.UTC)
    events = []
    for number in range(count):
        user = pick.choice([*USERS, "stranger", ""])
        account = USERS.get(user, pick.choice([*ACCOUNTS, ""]))
        if user in USERS and pick.random() < 0.3:
            account = ""
        at = start + dt.timedelta(minutes=pick.randrange(60 * 24 * 70))
        properties = f'{{"n": {pick.randrange(4)}}}' if pick.random() < 0.5 else ""
        events.append({
            "event_id": f"e{number}", "account_id": account, "user_id": user,
            "event": pick.choice(NAMES), "occurred_at": at.isoformat(), "properties": properties,
        })
    return {
        "accounts": [
            {"account_id": a, "parent_id": "a" if a == "part" else "", "name": a}
            for a in ACCOUNTS
        ],
        "users": [{"user_id": user, "account_id": a} for user, a in USERS.items()],
        "events": events,
    }


def kept(ours: Company) -> dict[str, list[tuple[Any, ...]]]:
    with ours.reading() as engine:
        return {
            name: sorted(engine.rows(f"SELECT * FROM {name}"), key=str) for name in USAGE
        }


def settings(folder: Path) -> Company:
    ours = create(folder, timezone="America/New_York")
    path = folder / "staycurve.toml"
    path.write_text(
        path.read_text().replace("[company]", 'usage = { count = "n", ignored = ["ping"], '
                                 'active = ["view", "edit"] }\n[company]')
    )
    return Company(folder, clock=ours.clock)


@pytest.mark.parametrize("seed", range(3))
def test_usage_days_are_the_events_counted_by_hand(seed: int, tmp_path: Path) -> None:
    given = tables(seed)
    with settings(tmp_path / "p") as ours:
        load(ours, given)
        found = kept(ours)
    zone = ZoneInfo("America/New_York")
    uses: dict[tuple[Any, ...], int] = defaultdict(int)
    for event in given["events"]:
        if event["event"] == "ping":
            continue
        account = event["account_id"] or USERS.get(event["user_id"])
        root = "a" if account == "part" else account
        day = dt.datetime.fromisoformat(event["occurred_at"]).astimezone(zone).date()
        n = int(event["properties"][6:-1]) if event["properties"] else 1
        key = (root or None, event["user_id"] or None, event["event"], day)
        uses[key] += n
    summed: dict[tuple[Any, ...], int] = defaultdict(int)
    for account, user, feature, day, active, _, count, *_ in found["usage_days"]:
        assert active == (feature in ("view", "edit"))
        summed[account, user, feature, day] += count
    assert summed == uses

    bits: dict[tuple[Any, ...], int] = defaultdict(int)
    firsts: dict[str, dt.date] = {}
    for (account, user, feature, day) in uses:
        if feature in ("view", "edit") and user:
            bits[account, user, day.replace(day=1)] |= 1 << (day.day - 1)
            firsts[user] = min(day, firsts.get(user, day))
    assert {
        (account, user, month): (days, first)
        for account, user, month, days, _, _, first, _ in found["user_months"]
    } == {key: (days, firsts[key[1]]) for key, days in bits.items()}


@pytest.mark.parametrize("seed", range(4))
def test_days_that_arrive_one_by_one_give_the_same_tables(seed: int, tmp_path: Path) -> None:
    given = tables(seed)
    pick = random.Random(seed)
    events = list(given["events"])
    pick.shuffle(events)
    with settings(tmp_path / "whole") as ours:
        load(ours, given)
        expected = kept(ours)
    with settings(tmp_path / "parts") as ours:
        load(ours, {"accounts": given["accounts"]})
        for place in range(0, len(events), 50):
            load(ours, {"events": events[place : place + 50]})
        # Users come last: events without an account find theirs then.
        load(ours, {"users": given["users"]})
        assert kept(ours) == expected
        load(ours, {"events": events[:40]})
        assert kept(ours) == expected


def test_a_corrected_event_moves_to_its_new_day(tmp_path: Path) -> None:
    head = "event_id account_id user_id event occurred_at\n"
    with build(tmp_path / "p", {
        "accounts": "account_id\na",
        "events": head + "e1 a u view 2024-01-05\ne2 a u view 2024-03-02",
    }) as ours:
        with ours.reading() as engine:
            assert engine.rows("SELECT month_on, first_on FROM user_months ORDER BY 1") == [
                (dt.date(2024, 1, 1), dt.date(2024, 1, 5)),
                (dt.date(2024, 3, 1), dt.date(2024, 1, 5)),
            ]
        # The first day of the user was a mistake: what was known of later months changes too.
        load(ours, {"events": head + "e1 a u view 2024-02-07"})
        with ours.reading() as engine:
            assert engine.rows("SELECT month_on, first_on FROM user_months ORDER BY 1") == [
                (dt.date(2024, 2, 1), dt.date(2024, 2, 7)),
                (dt.date(2024, 3, 1), dt.date(2024, 2, 7)),
            ]
            assert engine.value("SELECT COUNT(*) FROM usage_days") == 2


def test_an_account_that_gets_a_parent_takes_its_usage_along(tmp_path: Path) -> None:
    head = "event_id account_id user_id event occurred_at\n"
    with build(tmp_path / "p", {
        "accounts": "account_id\na\nb", "events": head + "e1 b u view 2024-01-05",
    }) as ours:
        load(ours, {"accounts": "account_id parent_id\nb a"})
        with ours.reading() as engine:
            assert engine.rows("SELECT account_id FROM usage_days") == [("a",)]
            assert engine.rows("SELECT account_id FROM account_months") == [("a",)]


def test_taking_a_load_back_takes_its_days_back(tmp_path: Path) -> None:
    head = "event_id account_id user_id event occurred_at\n"
    with build(tmp_path / "p", {
        "accounts": "account_id\na", "events": head + "e1 a u view 2024-01-05",
    }) as ours:
        before = kept(ours)
        load(ours, {"events": head + "e1 a u view 2024-01-09\ne2 a u edit 2024-01-06"})
        assert kept(ours) != before
        ours.books.undo()
        assert kept(ours) == before


def test_excluded_accounts_leave_no_usage(tmp_path: Path) -> None:
    head = "event_id account_id user_id event occurred_at\n"
    with build(tmp_path / "p", {
        "accounts": "account_id name\na Acme\nt test",
        "events": head + "e1 a u view 2024-01-05\ne2 t v view 2024-01-05",
    }, company='exclude = ["name~test"]') as ours, ours.reading() as engine:
        assert engine.rows("SELECT account_id FROM usage_days") == [("a",)]
