"""Two people read while somebody loads: each answer is one state, before the load or after it."""

from __future__ import annotations

import threading
from pathlib import Path

from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import NOW, create, load

LOADS = 6


def rows(count: int) -> list[dict[str, str]]:
    """Accounts that pay 10 each, from January on; half of them in two items."""
    found = []
    for place in range(count):
        for item in range(1 + place % 2):
            found.append({
                "subscription_id": f"s{place}", "item_id": f"i{item}", "account_id": f"a{place}",
                "starts_at": "2024-01-01", "amount": "5" if place % 2 else "10",
            })
    return found


def test_every_answer_is_one_state(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    with create(folder) as company:
        load(company, {"subscriptions": rows(10)})
    states = {float(100 * (1 + turn)) for turn in range(LOADS + 1)}
    served = Company(folder, clock=lambda: NOW)
    client = TestClient(create_app(served))
    is_over = threading.Event()
    seen: list[tuple[float, float, int]] = []
    wrong: list[str] = []

    def read() -> None:
        while not is_over.is_set() or not seen:
            answer = client.get(
                "/api/v1/metrics/mrr,customers?from=2024-01&to=2024-01&as_of=2024-02-01"
            )
            if answer.status_code != 200:
                wrong.append(answer.text)
                return
            mrr, customers = (row["value"] for row in answer.json()["rows"])
            page = client.get("/accounts.json?metric=mrr&period=2024-01&as_of=2024-02-01").json()
            panel = page["panels"][0]
            total = sum(row["value"] for row in panel["rows"])
            if total != panel["total"]["value"] or total not in states:
                wrong.append(f"{total} of {panel['total']}")
            seen.append((mrr, customers, len(panel["rows"])))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    with Company(folder, clock=lambda: NOW) as writer:
        for turn in range(LOADS):
            load(writer, {"subscriptions": rows(10 * (2 + turn))})
    is_over.set()
    for reader in readers:
        reader.join()
    served.close()
    assert wrong == []
    assert seen
    assert {mrr for mrr, _, _ in seen} <= states
    # MRR and customers of one answer come from one state: each customer pays 10.
    assert all(mrr == 10 * customers for mrr, customers, _ in seen)
