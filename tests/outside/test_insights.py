"""An insight and a page that another package declares, seen wherever ours are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from staycurve.insights.catalogue import INSIGHTS
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli.app import app
from staycurve.interfaces.web.pages import PAGES
from staycurve.sections import SECTIONS
from staycurve.workspace import Company
from tests.company import build
from tests.outside import installed

GUESTS = {"subscriptions": """
    subscription_id account_id starts_at  ends_at amount
    s1              acme       2024-01-05 -       10
    s2              bolt       2024-01-20 -       20
    s3              crux       2024-03-01 -       30"""}
MONTHS = [{"month": "2024-03-01", "customers": 1}, {"month": "2024-01-01", "customers": 2}]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    place = tmp_path / "place"
    place.mkdir()
    with (
        installed(place, SECTIONS, INSIGHTS, PAGES),
        build(tmp_path / "p", GUESTS) as made,
    ):
        yield made


def run(company: Company, *words: str) -> str:
    done = CliRunner().invoke(app, ["--project", str(company.folder), *words])
    assert not done.exception, (done.output, done.exception)
    return done.stdout


def test_python_command_and_address_give_the_same(company: Company) -> None:
    asked = company.greetings.newest(as_of="2024-04-01").as_dict()
    assert asked["rows"] == MONTHS
    words = ("greetings", "newest", "--as-of", "2024-04-01")
    assert json.loads(run(company, *words, "--format", "json")) == asked
    client = TestClient(create_app(company))
    assert client.get("/api/v1/greetings/newest?as_of=2024-04-01").json() == asked
    table = run(company, *words)
    assert "New customers by month" in table
    assert "3 to welcome." in table
    assert "greetings" in run(company, "--help")
    assert "/api/v1/greetings/newest" in client.get("/api/openapi.json").json()["paths"]


def test_its_cells_open_on_a_plain_page(company: Company) -> None:
    client = TestClient(create_app(company))
    page = client.get("/greetings/newest?as_of=2024-04-01")
    assert 'href="/greetings/guests?' in page.text
    opened = client.get("/greetings/guests.json?month=2024-01-01&as_of=2024-04-01").json()
    assert [row["account_id"] for row in opened["panels"][0]["rows"]] == ["acme", "bolt"]


def test_its_page_is_listed_and_reads_the_typed_answer(company: Company) -> None:
    client = TestClient(create_app(company))
    assert 'href="/greetings"' in client.get("/usage").text
    found = client.get("/greetings.json?as_of=2024-04-01").json()["panels"][0]["rows"]
    assert found == MONTHS
    assert "/greetings/newest" in client.get("/questions").text


def test_without_the_package_there_is_no_such_question(tmp_path: Path) -> None:
    with build(tmp_path / "p", GUESTS) as company:
        client = TestClient(create_app(company))
        assert client.get("/greetings").status_code == 404
        with pytest.raises(AttributeError):
            _ = company.greetings
