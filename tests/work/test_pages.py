"""Work over HTTP: pages that act, and the interface; legal steps only, and one of two wins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.work.conftest import RULE, playbook, rule

OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def client(company: Company) -> Iterator[TestClient]:
    """The server of a company in which one alert is open."""
    playbook(company, RULE)
    company.work.run(as_of="2024-07-01")
    with TestClient(create_app(company), base_url="http://127.0.0.1") as found:
        yield found


@pytest.mark.parametrize(
    ("address", "says"),
    [("/work", "Mid"), ("/playbooks", "Payment failing"), ("/playbooks/late", "Days to act"),
     ("/audiences", "VIP"), ("/audiences/vip", "Big"), ("/ownership", "Customer success")],
)
def test_pages_show_what_they_say(client: TestClient, address: str, says: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    assert says in answer.text
    assert client.get(f"{address}.json").json()["panels"][0]["rows"]


def test_unknown_names_are_errors(client: TestClient) -> None:
    for address in ("/playbooks/nothing", "/audiences/nothing", "/work?status=odd"):
        assert client.get(address).status_code in (404, 422), address


def test_a_form_resolves_an_alert_and_a_second_is_told(client: TestClient) -> None:
    (alert,) = client.get("/api/v1/alerts").json()["rows"]
    form = {"do": "resolve", "id": str(alert["id"]), "version": str(alert["version"]),
            "reason": "paid", "by": "Ana"}
    elsewhere = client.post("/work", data=form, headers={"sec-fetch-site": "cross-site"})
    assert elsewhere.status_code in (400, 403, 422)
    first = client.post("/work", data=form, headers=OWN, follow_redirects=False)
    assert first.status_code == 303, first.text
    second = client.post("/work", data=form | {"by": "Ben"}, headers=OWN)
    assert "was resolved already: paid, by Ana" in second.text
    assert client.get("/api/v1/alerts").json()["rows"] == []


def test_the_interface_moves_alerts_and_tasks(client: TestClient) -> None:
    (alert,) = client.get("/api/v1/alerts?type=risk").json()["rows"]
    tasks = client.get("/api/v1/tasks").json()["rows"]
    assert [one["title"] for one in tasks] == ["Write", "Call"]
    done = client.post(f"/api/v1/tasks/{tasks[0]['id']}/done", json={"by": "Ana"})
    assert done.json()["status"] == "done"
    again = client.post(f"/api/v1/tasks/{tasks[0]['id']}/done", json={"by": "Ben"})
    assert again.status_code in (409, 422)
    assert again.json()["error"]["code"] == "conflict"
    wrong = client.post(f"/api/v1/alerts/{alert['id']}/resolve",
                        json={"by": "Ana", "reason": "because"})
    assert wrong.json()["error"]["hint"] == "One of: paid, lost"
    put_off = client.post(f"/api/v1/alerts/{alert['id']}/snooze",
                          json={"by": "Ana", "reason": "away", "until": "2026-12-01"})
    assert put_off.json()["status"] == "snoozed"
    whole = client.get(f"/api/v1/alerts/{alert['id']}").json()
    assert [one["what"] for one in whole["history"]] == ["opened", "task_done", "snoozed"]


def test_alerts_come_page_by_page_where_that_is_asked_for(
    client: TestClient, company: Company
) -> None:
    playbook(company, rule("mrr", "at_least = 300", "growth"), "large")
    company.work.run(as_of="2024-07-02")
    every = [one["id"] for one in client.get("/api/v1/alerts").json()["rows"]]
    assert len(every) == 3
    pages = [client.get(f"/api/v1/alerts?limit=2&offset={n}").json()["rows"] for n in (0, 2, 4)]
    assert [[one["id"] for one in page] for page in pages] == [every[:2], every[2:], []]
    assert client.get("/api/v1/alerts?limit=0").status_code == 422


def test_members_over_http(client: TestClient) -> None:
    rows = client.get("/api/v1/audiences/vip/members").json()["rows"]
    assert [one["account_id"] for one in rows] == ["big"]
    assert client.get("/api/v1/audiences/vip/members/big").json()["is_member"] is True
    assert client.get("/api/v1/audiences/vip/members/low").json()["is_member"] is False
    assert client.get("/api/v1/audiences/vipp/members/low").status_code == 422
    assert client.get("/api/v1/playbooks/late").json()["record"]["opened"] == 1
