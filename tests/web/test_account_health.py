"""Health on the page of an account: its pulse by form, command and API."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import build

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    made = build(tmp_path_factory.mktemp("health") / "project", {
        "subscriptions": "subscription_id account_id amount starts_at ends_at\n"
                         "s acme 100 2024-01-01 -",
    })
    yield made
    made.close()


def test_a_pulse_is_kept_on_the_account_page(company: Company) -> None:
    client = TestClient(create_app(company))
    assert "Nobody has given a pulse yet" in client.get("/accounts/acme").text
    form = {"do": "pulse", "level": "red", "note": "No <b>sponsor</b>", "author": "Ada"}
    answer = client.post("/accounts/acme", data=form, headers=OWN, follow_redirects=False)
    assert answer.headers["location"] == "/accounts/acme?done=pulse#pulse"
    page = client.get(answer.headers["location"]).text
    assert "No &lt;b&gt;sponsor&lt;/b&gt;" in page
    assert "The pulse was kept" in page
    wrong = client.post("/accounts/acme", data={**form, "level": "orange"}, headers=OWN)
    assert wrong.text.count("Unknown level of a pulse") == 1
    found = client.get("/api/v1/risk/account?account=acme").json()
    assert (found["pulse"], found["pulse_account"]) == ("red", "acme")
    # Too little to learn from, and nothing is called healthy.
    assert found["band"] == "unknown"
    assert found["why"]


def test_a_pulse_is_given_over_http_from_own_pages_or_programs_alone(company: Company) -> None:
    client = TestClient(create_app(company))
    sent = {"account_id": "acme", "level": "green", "note": "Renewed"}
    made = client.post("/api/v1/health/pulses", json=sent)
    assert made.status_code == 201
    rows = client.get("/api/v1/health/pulses?account=acme").json()["rows"]
    assert rows[-1] == made.json()
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert client.post("/api/v1/health/pulses", json=sent, headers=foreign).status_code == 400
    bad = client.post("/api/v1/health/pulses", json={**sent, "colour": "red"})
    assert bad.status_code == 422
    assert client.get("/api/v1/health/models").json() == {"rows": []}


def test_commands_give_list_and_keep(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> str:
        capsys.readouterr()
        app(["--project", str(company.folder), *words], standalone_mode=False)
        return capsys.readouterr().out

    assert "acme is yellow until" in run("health", "pulse", "acme", "yellow", "--note", "Quiet")
    rows = json.loads(run("health", "pulses", "--account", "acme", "--format", "json"))["rows"]
    assert rows[-1]["level"] == "yellow"
    assert "1 accounts, 1 of them changed" in run("health", "keep")
    assert "kept already" in run("health", "keep")
    assert "No model" in run("health", "models")
