"""Pages about usage take properties of events and traits of users as filters."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from tests.insights.usage_company import company_of

ROWS = """account user event occurred_at platform
acme ann viewed 2024-03-04T10:00:00 web
acme ben viewed 2024-03-05T10:00:00 ios
acme ben viewed 2024-03-06T10:00:00 web
bolt cid viewed 2024-03-07T10:00:00 tv"""
ACCOUNTS = "account_id created_at\nacme 2024-03-01\nbolt 2024-03-01"
USERS = "user_id account_id role\nann acme admin\nben acme member\ncid bolt admin"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("pages") / "p"
    with company_of(folder, ROWS, users=USERS, accounts=ACCOUNTS) as company:
        yield TestClient(create_app(company))


def test_the_usage_page_keeps_to_a_property(client: TestClient) -> None:
    page = client.get("/usage.json?where=property:platform=web&as_of=2024-04-01").json()
    panels = {panel["name"]: panel["rows"] for panel in page["panels"]}
    mau = next(row for row in panels["figures"] if row["figure"] == "mau")
    assert mau["value"] in (2, "2")
    assert client.get("/usage?where=role=admin&as_of=2024-04-01").status_code == 200
    wrong = client.get("/usage?where=property:platfrom=web")
    assert wrong.status_code == 422
    assert "Did you mean 'platform'?" in html.unescape(wrong.text)


@pytest.mark.parametrize(("where", "active"), [("property:platform=web", 1), ("role=admin", 2)])
def test_the_pages_of_features_and_activation_keep_to_it(
    client: TestClient, where: str, active: int
) -> None:
    asked = f"where={where}&as_of=2024-04-01"
    page = client.get(f"/features.json?{asked}").json()
    panels = {panel["name"]: panel for panel in page["panels"]}
    figures = {row["figure"]: row["value"] for row in panels["figures"]["rows"]}
    assert figures["active"] == str(active)
    # No allowance is of some events alone: the panel of limits says so, and the page stands.
    assert "about accounts" in client.get(f"/features?{asked}").text
    behind = client.get(f"/features/accounts?part=active&period=2024-03&{asked}").text
    assert ("bolt" in behind) == (active == 2)
    assert "acme" in behind
    activation = client.get(f"/activation.json?{asked}").json()
    reached = {panel["name"]: panel["rows"] for panel in activation["panels"]}["figures"]
    assert next(row for row in reached if row["figure"] == "activated")["value"] == str(active)


def test_the_others_open_into_whom_they_hold(client: TestClient) -> None:
    asked = "/usage/trends?by=property:platform&values=1&from=2024-03&as_of=2024-04-01"
    page = client.get(asked)
    assert page.status_code == 200
    links = [html.unescape(one) for one in re.findall(r'href="(/usage/trends[^"]*members[^"]*)"',
                                                      page.text)]
    others = [one for one in links if "(other)" in one or "%28other%29" in one]
    assert others
    found = client.get(others[0].partition("#")[0])
    assert found.status_code == 200
    assert "cid" in found.text
    assert "ben" in found.text
    assert "ann" not in found.text


def test_the_forms_ask_in_any_order_and_to_an_end(tmp_path: Path) -> None:
    rows = """account user event occurred_at
    acme ann b 2024-03-04T10:00:00
    acme ann a 2024-03-04T10:10:00
    acme ben a 2024-03-04T10:00:00
    acme ben c 2024-03-04T10:10:00"""
    with company_of(tmp_path / "p", rows) as company:
        client = TestClient(create_app(company))
        asked = "/usage.json?step1=a&step2=b&as_of=2024-04-01&panel=funnel"

        def counts(address: str, panel: str) -> list[int]:
            panels = {one["name"]: one for one in client.get(address).json()["panels"]}
            return [row["count"] for row in panels[panel]["rows"]]

        assert counts(asked, "funnel") == [2, 0]
        assert counts(f"{asked}&order=unordered", "funnel") == [2, 1]
        to_end = "/usage.json?after=a&as_of=2024-04-01&panel=paths"
        assert counts(to_end, "paths") == [1, 1]
        assert counts(f"{to_end}&end=c", "paths") == [1]
        assert client.get("/usage?order=sideways").status_code == 422
