"""A metric cut by a dimension on its own page: the parts, what they open into, and the marks."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

HOW = "from=2024-01&to=2024-03"


def panel(page: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in page["panels"] if one["name"] == name]
    return found


def segments(client: TestClient, metric: str, by: str, how: str = HOW) -> dict[str, Any]:
    return panel(client.get(f"/metrics/{metric}.json?by={by}&{how}").json(), "segments")


def values(found: dict[str, Any], by: str, period: str) -> dict[str | None, float]:
    return {
        row["segment"][by]: row["value"] for row in found["rows"] if row["period"] == period
    }


def test_the_parts_are_those_of_the_plans(client: TestClient) -> None:
    found = segments(client, "mrr", "plan")
    # By hand, at the close of March: acme 150 on Pro; crux 60 on Basic.
    assert values(found, "plan", "2024-03-01") == {"Pro": 150.0, "Basic": 60.0}
    assert values(found, "plan", "2024-02-01") == {"Pro": 100.0, "Basic": 130.0}
    assert found["additive"] is True
    assert segments(client, "customers", "plan")["additive"] is False


@pytest.mark.parametrize("by", ["plan", "industry", "tenure", "tenure_now", "lifecycle", "cohort"])
@pytest.mark.parametrize("metric", ["mrr", "customers"])
def test_every_value_opens_into_rows_that_add_up(
    client: TestClient, metric: str, by: str
) -> None:
    found = segments(client, metric, by)
    assert len(found["rows"]) >= 3
    for row in found["rows"]:
        path, _, query = row["rows_at"].partition("?")
        rows = panel(client.get(f"{path}.json?{query}").json(), "rows")
        assert rows["total"]["value"] == row["value"]
        assert sum(one["value"] for one in rows["rows"]) == row["value"]


def test_small_segments_are_marked_and_the_whole_stands_below(client: TestClient) -> None:
    found = segments(client, "nrr", "industry")
    assert found["small"] == [
        {"industry": "EdTech", "accounts": 2}, {"industry": "Health, Care", "accounts": 2},
    ]
    html = client.get(f"/metrics/nrr?by=industry&panel=segments&{HOW}").text
    assert "rates of fewer than 20 accounts" in html
    part = html[html.index('id="segments"') :]
    assert part.count('<tr class="small">') == 2
    foot = part[part.index("<tfoot>") : part.index("</tfoot>")]
    whole = panel(client.get(f"/metrics/nrr.json?{HOW}").json(), "values")["rows"][-1]["value"]
    assert f"{whole * 100:.2f}" in foot or f"{whole * 100:.1f}" in foot
    assert "churned or new" not in part


def test_what_moves_says_so(client: TestClient) -> None:
    html = client.get(f"/metrics/mrr?by=mrr_band&panel=segments&{HOW}").text
    assert "never churned or new" in html
    # Bands stand in their own order, not in that of letters.
    part = html[html.index('id="segments"') :]
    assert 0 < part.index("under 50") < part.index("50-199")


def test_bad_dimensions_are_named(client: TestClient) -> None:
    answer = client.get("/metrics/mrr?by=plam&panel=segments")
    assert answer.status_code == 422
    assert "plam" in answer.text
    assert "plan" in answer.text
