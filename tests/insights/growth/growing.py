"""A company whose accounts move up when they reach a limit: small, from a seed, its rule known."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

FIRST = dt.date(2023, 1, 1)
AS_OF = "2024-09-01"
DAYS = 615
ASKED = "2024-08-05"
"""When some of those that never move up ask to leave."""
ALLOWANCE = 6
SETTINGS = f"""
[[limits]]
feature = "report"
plan = "Basic"
allowance = {ALLOWANCE}
"""


def tables(accounts: int = 130, *, seed: int = 5, is_random: bool = False) -> dict[str, Any]:
    """Accounts on Basic run a report every nine days or so; some come to run three on each such
    day, which is beyond the limit of Basic, and 70 to 120 days later they are on Pro.

    Parameters
    ----------
    is_random : bool
        Whether they move up whatever they do.
    """
    rng = random.Random(seed)
    found: dict[str, Any] = {"accounts": [], "subscriptions": [], "events": []}
    end = FIRST + dt.timedelta(days=DAYS)
    for number in range(accounts):
        account = f"a{number:03d}"
        start = FIRST + dt.timedelta(days=rng.randrange(200))
        busy = start + dt.timedelta(days=60 + rng.randrange(600)) if number % 4 else None
        moved = busy + dt.timedelta(days=70 + rng.randrange(50)) if busy else None
        if is_random:
            busy = None
        seats = rng.choice([4, 5, 6, 8])
        found["accounts"].append({
            "account_id": account, "name": f"Account {number}", "owner": "Ada",
            "industry": rng.choice(["EdTech", "Retail", "Software"]),
            "country": rng.choice(["DE", "US"]), "employees": rng.choice([5, 20, 100]),
        })
        own = {"subscription_id": f"s-{account}", "account_id": account, "quantity": seats}
        before = {**own, "plan": "Basic", "unit_amount": 20, "starts_at": str(start)}
        if moved is None or moved > end:
            asked = ASKED if number % 16 == 0 else ""
            found["subscriptions"].append({**before, "cancel_requested_at": asked})
        else:
            found["subscriptions"] += [
                {**before, "ends_at": str(moved)},
                {**own, "plan": "Pro", "unit_amount": 35, "starts_at": str(moved)},
            ]
        day = start
        while day < end:
            is_busy, user = busy is not None and day >= busy, f"u-{account}-{rng.randrange(3)}"
            found["events"] += [
                {
                    "event_id": f"{account}-{day}-{place}", "account_id": account,
                    "user_id": user,
                    "event": "report" if rng.random() < 0.9 else "board",
                    "occurred_at": f"{day}T09:00:00",
                }
                for place in range(3 if is_busy else 1)
            ]
            day += dt.timedelta(days=rng.randrange(7, 12))
    return found
