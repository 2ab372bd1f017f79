"""The rows of the company of findings, drawn with a fixed seed."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

from staycurve.workspace import Company
from tests.company import build

Row = dict[str, Any]

FIRST = dt.date(2024, 1, 1)
LAST = dt.date(2024, 8, 31)
CHANNELS = ("ads", "web", "partner")
STEPS = ("signed_up", "project_created", "teammate_invited")
FEATURES = ("report_viewed", "board_viewed", "export_created")
SETTINGS = """
[end_reasons]
voluntary = ["too expensive"]
[activation]
events = ["project_created"]
checklist = ["signed_up", "project_created", "teammate_invited"]
[[limits]]
feature = "report_viewed"
plan = "Basic"
allowance = 6
"""


def made(folder: Path) -> Company:
    """The company, refreshed."""
    drawn = random.Random(11)
    tables: dict[str, list[Row]] = {
        name: [] for name in ("accounts", "users", "subscriptions", "events", "leads")
    }
    for number in range(60):
        _add_account(tables, number, drawn)
    tables["leads"] += [
        {"lead_id": f"l{number}", "created_at": str(FIRST + dt.timedelta(days=number * 2)),
         "channel": CHANNELS[number % 3],
         "lost_at": str(FIRST + dt.timedelta(days=number * 2 + 9))}
        for number in range(60, 100)
    ]
    months = [dt.date(2024, month, 1) for month in range(1, 9)]
    reach = [
        {"day": str(month), "channel": channel, "kind": "visits", "count": 200 + 10 * place}
        for month in months
        for place, channel in enumerate(CHANNELS)
    ]
    spend = [
        {"month": str(month), "purpose": "acquisition", "kind": "media", "channel": channel,
         "amount": 300, "currency": "USD"}
        for month in months
        for channel in CHANNELS
    ]
    return build(folder, {**tables, "reach": reach, "spend": spend}, end_reasons=SETTINGS)


def _add_account(tables: dict[str, list[Row]], number: int, drawn: random.Random) -> None:
    name = f"a{number:02}"
    signed = FIRST + dt.timedelta(days=number * 4 - number % 3)
    channel = CHANNELS[number % 3]
    tables["accounts"].append({
        "account_id": name, "name": f"Account {number}", "created_at": str(signed),
        "industry": "EdTech" if number % 2 else "Health", "channel": channel,
        "owner": "Ada" if number % 4 else "Ben", "employees": 5 + 20 * (number % 4),
        "referred_by": f"a{number - 5:02}" if number % 6 == 5 else "",
    })
    tables["leads"].append({
        "lead_id": f"l{number}", "created_at": str(signed), "channel": channel,
        "qualified_at": str(signed), "account_id": name,
        "trial_at": str(signed), "won_at": str(signed + dt.timedelta(days=14)),
    })
    people = [f"{name}u{place}" for place in range(1 + number % 2)]
    tables["users"] += [{"user_id": one, "account_id": name} for one in people]
    left = _add_subscription(tables["subscriptions"], name, number, signed)
    _add_events(tables["events"], name, people, signed, left, drawn)


def _add_subscription(rows: list[Row], name: str, number: int, signed: dt.date) -> dt.date:
    paid = signed + dt.timedelta(days=14)
    rows.append({
        "subscription_id": f"s{number}", "account_id": name, "plan": "Basic", "amount": 0,
        "starts_at": str(signed), "ends_at": str(paid), "status": "trialing",
        "card_on_file": "true" if number % 2 else "false",
    })
    if number % 4 == 3:
        return paid
    leaves = number % 3 == 1
    ends = paid + dt.timedelta(days=30 * (1 + number % 5))
    own = {"subscription_id": f"s{number}", "account_id": name, "status": "active"}
    if leaves and ends <= LAST:
        rows.append({**own, "plan": "Basic", "amount": 40, "starts_at": str(paid),
                     "ends_at": str(ends), "end_reason": "too expensive"})
        return ends
    grown = paid + dt.timedelta(days=45)
    if number % 5 == 0 and grown <= LAST:
        rows.append({**own, "plan": "Basic", "amount": 40, "starts_at": str(paid),
                     "ends_at": str(grown)})
        rows.append({**own, "plan": "Pro", "amount": 90, "starts_at": str(grown)})
    else:
        rows.append({**own, "plan": "Basic", "amount": 40, "starts_at": str(paid)})
    return LAST


def _add_events(
    rows: list[Row], name: str, people: list[str], signed: dt.date, left: dt.date,
    drawn: random.Random,
) -> None:
    def add(event: str, day: dt.date, user: str, hour: int = 9) -> None:
        if day <= LAST:
            rows.append({
                "event_id": f"e{len(rows)}", "account_id": name, "user_id": user, "event": event,
                "occurred_at": f"{day}T{hour:02}:00:00",
            })

    for place, step in enumerate(STEPS):
        if drawn.random() < 0.8:
            add(step, signed + dt.timedelta(days=place * drawn.randint(1, 6)), people[0],
                9 + place)
    day = signed
    while day <= min(left, LAST):
        for user in people:
            for feature in FEATURES:
                if drawn.random() < 0.25:
                    add(feature, day, user, drawn.randint(10, 20))
        day += dt.timedelta(days=3)
