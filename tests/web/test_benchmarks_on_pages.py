"""Benchmarks on pages: on cards, in the chart, beside the number, with colour only where sure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from tests.company import build

CHURN = "/metrics/customer_churn_rate"


def churning(accounts: int, lost: int) -> list[dict[str, Any]]:
    """Accounts that pay from January 2024 on, of which some leave in February."""
    return [
        {
            "subscription_id": f"s{n}", "account_id": f"a{n}", "starts_at": "2024-01-01",
            "ends_at": "2024-02-10" if n < lost else "", "amount": 100,
        }
        for n in range(accounts)
    ]


def pages(folder: Path, lost: int, toml: str = "") -> TestClient:
    company = build(folder / "p", {"subscriptions": churning(400, lost)}, company=toml)
    return TestClient(create_app(company))


def words(html: str) -> str:
    text = re.sub(r"<svg.*?</svg>", " ", html, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


AS_OF = "?as_of=2024-03-01"


@pytest.mark.parametrize(
    ("lost", "tone", "standing"),
    [
        # 60 of 400 are 15%, Wilson 11.8 to 18.8%: the band ends at 0.6% a month.
        (60, "bad", "above it, worse"),
        # 4 of 400 are 1%, 0.4 to 2.5%.
        (4, "neutral", "above it, not statistically significant"),
        # 2 of 400 are 0.5%.
        (2, "neutral", "within it"),
    ],
)
def test_colour_is_kept_for_what_chance_does_not_explain(
    tmp_path: Path, lost: int, tone: str, standing: str
) -> None:
    html = pages(tmp_path, lost).get(CHURN + AS_OF).text
    assert f'Feb 2024: <strong class="{tone}">{standing}</strong>' in html


def test_the_band_stands_on_the_card_in_the_chart_and_in_the_twin(tmp_path: Path) -> None:
    client = pages(tmp_path, 8, "founded = 2023")
    card = words(client.get("/" + AS_OF).text)
    assert "Benchmark: 4% to 24% a month" in card
    page = client.get(CHURN + AS_OF).text
    assert page.count('class="mark-rect role-mark benchmark_marks"') == 2
    assert "second-hand" in page
    values = next(
        one for one in client.get(f"{CHURN}.json{AS_OF}").json()["panels"]
        if one["name"] == "values"
    )
    applied = [(one["at_least"], one["stated"]["grain"]) for one in values["benchmarks"]
               if one["applies"]]
    assert applied == [(0.04, "month"), (pytest.approx(0.004265319, abs=1e-9), "year")]
    listed = client.get("/api/v1/metrics").json()["rows"]
    (row,) = (one for one in listed if one["name"] == "customer_churn_rate")
    assert row["benchmark"]["at_least"] == 0.04


def test_the_own_stands_in_its_place(tmp_path: Path) -> None:
    toml = '[benchmarks]\ncustomer_churn_rate = { at_most = "3%", source = "our board" }'
    client = pages(tmp_path, 8, toml)
    assert "Your benchmark: at most 3% a month" in words(client.get("/" + AS_OF).text)
    text = words(client.get(CHURN + AS_OF).text)
    assert "our board" in text
    assert "Bessemer" not in text
