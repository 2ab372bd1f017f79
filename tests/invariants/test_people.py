"""A company whose ids are resolved by identities counts as one whose events name the person."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.company import build

USE_BY_GRAIN = {"dau": "day", "wau": "week", "mau": "month", "active_accounts": "week"}
AS_OF = "2024-03-01"


def history(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, str]]:
    """Random events by ids of every kind, links between them, and who each id is."""
    chance = random.Random(seed)
    # By construction: each person has one user id, former ids in a chain, and visitors.
    person: dict[str, str] = {}
    links: list[dict[str, Any]] = []
    for number in range(8):
        user = f"u{number}"
        chain = [user, *(f"{user}-old{n}" for n in range(chance.randrange(3)))]
        for former, became in zip(chain[1:], chain, strict=False):
            links.append({"source": "s", "alias": former, "user_id": became, "since": ""})
        for visitor in (f"{user}-web{n}" for n in range(chance.randrange(3))):
            links.append({"source": chance.choice("st"), "alias": visitor,
                          "user_id": chance.choice(chain), "since": "2024-01-02"})
            # Said again later, of somebody else: it stays whose it was first.
            links.append({"source": "z", "alias": visitor,
                          "user_id": f"u{chance.randrange(8)}", "since": "2024-01-03"})
            person[visitor] = user
        person |= dict.fromkeys(chain, user)
    chance.shuffle(links)
    events = []
    for number in range(300):
        one = chance.choice([*person, "stranger"])
        is_visitor = "web" in one or one == "stranger"
        events.append({
            "event_id": f"e{number}", "event": chance.choice("abc"),
            "user_id": "" if is_visitor else one, "anonymous_id": one if is_visitor else "",
            "occurred_at": f"2024-0{chance.randint(1, 2)}-{chance.randint(1, 28):02}"
            f"T{chance.randint(0, 23):02}:{number % 60:02}:00Z",
        })
    return events, links, person


def answers(company: Company) -> list[Any]:
    usage = company.usage
    found: list[Any] = [
        usage.funnel(steps=["a", "b", "c"], window="6d", as_of=AS_OF).as_dict(),
        usage.retention(per="week", starts="every", ages=4, as_of=AS_OF).as_dict(),
        usage.lifecycle(per="week", as_of=AS_OF).as_dict(),
        usage.paths(anchor="a", size=2, within="4d", as_of=AS_OF).as_dict(),
        usage.activity(as_of=AS_OF).as_dict(),
    ]
    for metric, grain in USE_BY_GRAIN.items():
        found.append([
            (row["period"], row["segment"], row["value"])
            for row in company.show(metric, grain=grain, as_of=AS_OF).as_dict()["rows"]
        ])
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_resolved_ids_count_as_the_person_itself(tmp_path: Path, seed: int) -> None:
    events, links, person = history(seed)
    accounts = [{"account_id": f"a{n}"} for n in range(3)]
    users = [{"user_id": f"u{n}", "account_id": f"a{n % 3}"} for n in range(8)]
    named = [
        {**event, "user_id": person.get(event["user_id"] or event["anonymous_id"], "")}
        for event in events
    ]
    with build(tmp_path / "plain", {
        "accounts": accounts, "users": users, "events": named
    }) as plain:
        wanted = answers(plain)
    assert any(value for _, _, value in wanted[-1])
    with build(tmp_path / "linked", {
        "accounts": accounts, "users": users, "events": events, "identities": links
    }) as linked:
        assert answers(linked) == wanted
