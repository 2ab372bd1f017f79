"""What cards, charts and announcements claim: no alarm by chance, no number named twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from staycurve.errors import UnknownNameError
from staycurve.insights.base import unknown_parameter
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.web import numbers
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.describe import as_text, bound_text
from tests.company import build


def churning(january: int, february: int, size: int = 141) -> list[dict[str, str]]:
    """`size` customers, of whom some leave in January and some in February."""
    rows = []
    for n in range(size):
        ends = "2024-01-15" if n < january else "2024-02-15" if n < january + february else ""
        rows.append({"account_id": f"a{n}", "subscription_id": f"s{n}", "amount": "10",
                     "starts_at": "2023-06-01", "ends_at": ends})
    return rows


def churn_card(client: TestClient) -> str:
    html = client.get("/?as_of=2024-03-01").text
    found = re.search(r'data-metric="customer_churn_rate".*?</li>', html, re.S)
    assert found
    return found[0]


@pytest.mark.parametrize(
    ("january", "february", "is_alarming"),
    # 2 of 141 against 5 of 139: Newcombe's interval of the difference is -2.0 to 6.8 points.
    # 2 of 141 against 30 of 139: 13.1 to 27.8 points.
    [(2, 5, False), (2, 30, True)],
)
def test_churn_is_red_only_where_chance_does_not_explain_it(
    tmp_path: Path, january: int, february: int, is_alarming: bool
) -> None:
    with build(tmp_path / "p", {"subscriptions": churning(january, february)}) as company:
        card = churn_card(TestClient(create_app(company)))
    assert "▲" in card
    assert ('class="bad"' in card) == is_alarming
    assert ("not statistically significant" in card) != is_alarming


def test_a_rate_of_which_nobody_knows_how_sure_it_is_has_no_colour() -> None:
    change = numbers.delta(0.9, 1.0, Unit.PERCENT, "higher")
    assert change is not None
    assert (change.arrow, change.tone) == ("▼", "neutral")
    sure = numbers.delta(0.9, 1.0, Unit.PERCENT, "higher", is_significant=True)
    assert sure is not None
    assert sure.tone == "bad"
    money = numbers.delta(90.0, 100.0, Unit.MONEY, "higher")
    assert money is not None
    assert money.tone == "bad"


@pytest.mark.parametrize(
    ("value", "other", "text"),
    [(-99.0, -398.0, "−99"), (-99.0, -12.5, "−99.00"), (-99.0, None, "−99.00"),
     (1200.0, 3.0, "1.20K"), (0.0, 398.0, "0")],
)
def test_two_amounts_side_by_side_have_the_same_digits(
    value: float, other: float | None, text: str
) -> None:
    assert numbers.compact(value, Unit.MONEY, like=other) == text


def test_benchmarks_are_in_the_unit_of_their_metric() -> None:
    assert bound_text(METRICS["nrr"], 1.0) == "100%"
    assert bound_text(METRICS["stickiness"], 0.13) == "13%"
    assert bound_text(METRICS["quick_ratio"], 4) == "4"
    assert bound_text(METRICS["cac_payback"], 12) == "12 months"
    assert "at least 100%" in as_text("nrr", METRICS["nrr"])


def test_a_benchmark_on_a_page_is_a_percentage(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"subscriptions": churning(0, 0, 3)}) as company:
        html = TestClient(create_app(company)).get("/metrics/nrr").text
    text = re.sub(r"<[^>]+>", " ", html)
    assert "at least 100%" in text
    assert "at least 1." not in text


def test_no_name_stands_twice_in_a_list_of_known_ones() -> None:
    error = UnknownNameError("dimension", "curency", ["currency", "plan", "currency"])
    assert error.hint == "Known: currency, plan"
    assert unknown_parameter("x", ["by", "where", "by"]).hint == "Known: by, where"


def test_who_listens_hears_the_period_that_the_page_shows(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"subscriptions": churning(2, 5)}) as company:
        client = TestClient(create_app(company))
        asked = {"HX-Request": "true", "HX-Target": "main"}
        heard = {
            path: re.search(r'id="status"[^>]*>(.*?)<', client.get(path, headers=asked).text)
            for path in ("/?as_of=2024-03-01", "/trials?as_of=2024-03-01")
        }
    overview, trials = (found[1] if found else "" for found in heard.values())
    assert overview == "Overview: Feb 2024, over time Jun 2023 to Feb 2024"
    # No range is chosen there, and none is told.
    assert trials == "Trials: as of 29 Feb 2024"


def test_net_new_mrr_says_that_it_leaves_fx_out(tmp_path: Path) -> None:
    rows = {
        "subscriptions": """
            account_id subscription_id starts_at  amount currency
            acme       s1              2024-01-05 100    EUR
        """,
        "fx_rates": """
            currency day        rate
            EUR      2024-01-01 1.0
            EUR      2024-02-10 1.5
        """,
    }
    plain = {"subscriptions": churning(0, 0, 3)}
    with build(tmp_path / "fx", rows) as company, build(tmp_path / "plain", plain) as other:
        with_fx = TestClient(create_app(company)).get("/?as_of=2024-03-01").text
        without = TestClient(create_app(other)).get("/?as_of=2024-03-01").text
    assert "Net new MRR, without FX impact" in with_fx
    assert "leaves it out" in with_fx
    assert "without FX impact" not in without


def test_one_page_has_one_monthly_active_users(tmp_path: Path) -> None:
    events = [
        {"event_id": f"e{day}", "user_id": f"u{day}", "event": "view",
         "occurred_at": f"2024-{month}-{day:02}"}
        for month in ("02", "03") for day in range(1, 20)
    ]
    for place, event in enumerate(events):
        event["event_id"] = f"e{place}"
    with build(tmp_path / "p", {"events": events}) as company:
        html = TestClient(create_app(company)).get("/usage?as_of=2024-03-20").text
    titles = re.findall(r"Monthly active users[^<]*", html)
    # The card of the calendar month alone is called so.
    assert titles
    assert all("Feb 2024" in title for title in titles), titles
    assert "Active in the 28 days up to it" in html
