"""Why a metric changed, and each segment against the rest, on the metric's page."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient

HOW = "from=2024-01&to=2024-03"


def panel(client: TestClient, address: str, name: str) -> dict[str, Any]:
    panels = client.get(address).json()["panels"]
    (found,) = [one for one in panels if one["title"] == name]
    return found


def test_drivers_sum_to_the_change_since_the_period_before(client: TestClient) -> None:
    found = panel(client, f"/metrics/mrr.json?{HOW}", "Why it changed")
    # By hand: 230 at the close of February, 210 at that of March.
    assert (found["value_from"], found["value_to"], found["change"]) == (230.0, 210.0, -20.0)
    assert len(found["rows"]) > 1
    assert sum(row["contribution"] for row in found["rows"]) == -20.0
    html = client.get(f"/metrics/mrr?{HOW}&panel=changed").text
    assert "MRR fell by 20.00 from 2024-02 to 2024-03" in html


def test_one_period_has_none_before_it(client: TestClient) -> None:
    found = panel(client, "/metrics/mrr.json?from=2024-03&to=2024-03", "Why it changed")
    assert found["rows"] == []
    assert "two closed periods" in found["why"]


def test_segments_stand_against_the_rest(client: TestClient) -> None:
    address = f"/metrics/customer_churn_rate.json?{HOW}&by=plan"
    found = panel(client, address, "Each segment compared with the rest")
    assert {row["segment"]["plan"] for row in found["rows"]} == {"Basic", "Pro"}
    assert not any(row["is_significant"] for row in found["rows"])


def test_a_sum_is_no_rate_to_be_compared(client: TestClient) -> None:
    found = panel(client, f"/metrics/mrr.json?{HOW}", "Each segment compared with the rest")
    assert found["rows"] == []
    assert found["why"]
