"""Goals by command, over HTTP, on their page and on a metric's chart."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from staycurve.errors import StaycurveError
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import build
from tests.state.served import FROM_HERE, client_of

ROWS = """
    subscription_id account_id starts_at  ends_at    amount
    s1              acme       2024-01-01 -          300
    s2              bolt       2024-01-01 2024-03-10 100
    s3              crux       2024-04-05 -          100"""
API = "/api/v1/goals"
NEW = {"do": "add", "metric": "mrr", "target": "500", "until": "2024-05", "owner": "Ana"}


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with build(tmp_path / "p", {"subscriptions": ROWS}) as made:
        yield made


@pytest.fixture
def client(company: Company) -> TestClient:
    return client_of(company)


def test_goals_by_command(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> str:
        capsys.readouterr()
        app(["--project", str(company.folder), "goals", *words], standalone_mode=False)
        return capsys.readouterr().out

    assert "No goal yet" in run("list")
    said = run("add", "mrr", "0.5K", "--until", "2024-05", "--owner", "Ana")
    assert said == "Set goal 1: mrr from 300.00 to 500.00 until 2024-05-31, Ana; +100.00 a month\n"
    (row,) = json.loads(run("list", "--format", "json"))["rows"]
    assert {name: row[name] for name in (
        "id", "metric", "target", "until", "owner", "start_value", "value", "expected", "status",
    )} == {
        "id": 1, "metric": "mrr", "target": 500, "until": "2024-05-31", "owner": "Ana",
        "start_value": 300, "value": 300, "expected": 300, "status": "on_track",
    }
    assert dt.datetime.fromisoformat(row["started_at"]).tzinfo == dt.UTC
    assert "Goal 1 needs +100.00 a month, for 2 months." in run("list")
    run("add", "nrr", "90%", "--until", "2024-06", "--owner", "Ana")
    assert "+5.00 points a month" in run("list")
    with pytest.raises(StaycurveError, match="Which one is to be dropped"):
        run("add", "arpa", "999", "--until", "2024-06", "--owner", "Ana")
    assert run("drop", "1") == "Dropped goal 1: mrr\n"
    every = json.loads(run("list", "--all", "--format", "json"))["rows"]
    assert [(one["id"], one["status"]) for one in every] == [(2, "on_track"), (1, "dropped")]
    assert all(one.who for one in company.state.audit())


def test_goals_over_http(client: TestClient) -> None:
    sent = {"metric": "nrr", "target": 0.9, "until": "2024-06", "owner": "Ana"}
    made = client.post(API, json=sent)
    assert made.status_code == 201
    # 0.75 in March, 0.9 in June.
    assert made.json()["needed_per_month"] == pytest.approx(0.05)
    assert client.get(API).json()["rows"] == [made.json()]
    assert client.post(API, json=sent | {"metric": "nnr"}).status_code == 404
    for wrong in ({"target": 95}, {"until": "2020"}, {"owner": ""}, {"metric": "nps"},
                  {"colour": "red"}):
        answer = client.post(API, json=sent | wrong)
        assert (answer.status_code, set(answer.json())) == (422, {"error"}), wrong
    assert client.post(API, json=sent, headers={"Sec-Fetch-Site": "cross-site"}).status_code != 201
    review = client.post(f"{API}/1/review", json={"outcome": "reached"})
    assert review.status_code == 422
    assert client.delete(f"{API}/1").json()["status"] == "dropped"
    assert client.delete(f"{API}/9").status_code == 404
    assert client.get(API).json()["rows"] == []
    assert [one["status"] for one in client.get(f"{API}?all=true").json()["rows"]] == ["dropped"]


def test_the_page_sets_and_drops_without_a_script(client: TestClient) -> None:
    assert "No goal yet" in client.get("/goals").text
    sent = client.post("/goals", data=NEW, headers=FROM_HERE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/goals?done=added")
    html = client.get("/goals").text
    assert "on track" in html
    assert "+100.00 USD a month" in html
    (row,) = client.get("/goals.json").json()["panels"][0]["rows"]
    assert (row["metric"], row["status"], row["months_left"]) == ("mrr", "on_track", 2)
    gone = client.post("/goals", data={"do": "drop", "id": "1"}, headers=FROM_HERE)
    assert gone.status_code == 303
    past = client.get("/goals").text
    assert "No goal yet" in past
    assert "dropped" in past


def test_a_form_from_elsewhere_is_not_read(client: TestClient) -> None:
    answer = client.post("/goals", data=NEW, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 400
    assert client.get(API).json()["rows"] == []


def test_what_is_wrong_comes_back_with_what_was_written(client: TestClient) -> None:
    for wrong, message in (
        ({"target": "95%"}, "is a percentage"), ({"metric": "nps", "target": "40"}, "nps is empty"),
        ({"until": "2020-01"}, "has passed"),
    ):
        answer = client.post("/goals", data=NEW | wrong, headers=FROM_HERE)
        assert answer.status_code == 422
        assert message in answer.text
        assert 'value="Ana"' in answer.text


def test_a_third_goal_is_asked_for_the_one_to_drop(client: TestClient) -> None:
    client.post("/goals", data=NEW, headers=FROM_HERE)
    client.post("/goals", data=NEW | {"metric": "customers", "target": "9"}, headers=FROM_HERE)
    third = NEW | {"metric": "arpa", "target": "999"}
    refused = client.post("/goals", data=third, headers=FROM_HERE)
    assert refused.status_code == 422
    assert "Which one is to be dropped?" in refused.text
    assert '<select id="drop" name="drop">' in refused.text
    assert client.post("/goals", data=third | {"drop": "1"}, headers=FROM_HERE).status_code == 303
    assert [one["metric"] for one in client.get(API).json()["rows"]] == ["customers", "arpa"]


def test_the_plan_stands_on_the_metrics_chart(client: TestClient) -> None:
    before = client.get("/metrics/mrr").text
    assert "plan_marks" not in before
    client.post("/goals", data=NEW, headers=FROM_HERE)
    html = client.get("/metrics/mrr").text
    assert html.count("plan_marks") == 2
    words = re.findall(r"Plan for [^\"<]*", html)
    # March 300, April 400, May 500; the page reaches to April, the plan beyond it.
    assert set(words) == {
        "Plan for MRR, Mar 2024: 300.00 USD",
        "Plan for MRR, Apr 2024: 400.00 USD",
        "Plan for MRR, May 2024: 500.00 USD",
    }
    assert "Needed from here: +100.00 USD a month." in html
    for other in ("/metrics/mrr?grain=quarter", "/metrics/arpa"):
        assert "plan_marks" not in client.get(other).text
    (goal,) = next(
        one for one in client.get("/metrics/mrr.json").json()["panels"] if one["name"] == "values"
    )["goals"]
    assert goal["expected"] == 300
