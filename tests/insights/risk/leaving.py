"""A company whose silent accounts leave: small, drawn from a seed, its rule known."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

FIRST = dt.date(2023, 1, 1)
AS_OF = "2024-09-01"
MONTHS = 20


def tables(accounts: int = 90, *, seed: int = 7, is_random: bool = False) -> dict[str, Any]:
    """Accounts that use the product weekly; those that stop leave 60 days later.

    Parameters
    ----------
    is_random : bool
        Whether they leave whatever they do.
    """
    rng = random.Random(seed)
    subscriptions, events, tickets = [], [], []
    end = FIRST + dt.timedelta(days=30 * MONTHS + 8)
    for number in range(accounts):
        account = f"a{number:03d}"
        start = FIRST + dt.timedelta(days=rng.randrange(240))
        left = start + dt.timedelta(days=150 + rng.randrange(500))
        if number % 3 == 0 or left > end:
            left = None
        quiet = None if is_random or left is None else left - dt.timedelta(days=60)
        subscriptions.append({
            "subscription_id": f"s-{account}", "account_id": account,
            "plan": rng.choice(["Basic", "Pro"]), "amount": rng.choice([50, 100, 200]),
            "starts_at": start.isoformat(), "ends_at": left.isoformat() if left else "",
        })
        day = start
        while day < (quiet or left or end):
            events.append({
                "event_id": f"{account}-{day}", "account_id": account, "user_id": f"u-{account}",
                "event": rng.choice(["report", "board"]), "occurred_at": f"{day}T09:00:00",
            })
            day += dt.timedelta(days=rng.randrange(3, 8))
        for place in range(rng.randrange(4)):
            opened = start + dt.timedelta(days=rng.randrange(400))
            tickets.append({
                "ticket_id": f"t-{account}-{place}", "account_id": account,
                "opened_at": opened.isoformat(),
                "solved_at": (opened + dt.timedelta(days=rng.randrange(1, 14))).isoformat(),
            })
    return {"subscriptions": subscriptions, "events": events, "tickets": tickets}
