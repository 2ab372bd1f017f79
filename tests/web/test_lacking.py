"""Pages ask for what they need alone, and say what is loaded, missing, and unlocked by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.web.pages import every_page
from staycurve.metrics.catalogue import METRICS
from staycurve.tables.conformed import CONFORMED
from tests.company import build, create

EVENTS = """
    event_id user_id event occurred_at
    e1       ann     view  2024-01-02
    e2       ann     view  2024-02-09
    e3       bob     view  2024-02-10
"""


@pytest.fixture(scope="module")
def use(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A company with events alone."""
    with build(tmp_path_factory.mktemp("use") / "project", {"events": EVENTS}) as company:
        yield TestClient(create_app(company))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A company of which nothing is loaded."""
    with create(tmp_path_factory.mktemp("bare") / "project") as company:
        yield TestClient(create_app(company))


def twin(client: TestClient, path: str) -> dict[str, Any]:
    answer = client.get(path, params={"format": "json"})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_events_alone_open_the_pages_that_need_nothing_else(use: TestClient) -> None:
    page = twin(use, "/usage")
    assert "empty" not in page
    figures = next(one for one in page["panels"] if one["name"] == "figures")
    assert figures["rows"]
    assert 'data-empty="nothing_connected"' not in use.get("/usage").text
    assert "data-page" in use.get("/metrics/mau").text
    values = next(o for o in twin(use, "/metrics/mau")["panels"] if o["name"] == "values")
    assert [(row["period"], row["value"]) for row in values["rows"]] == [
        ("2024-01-01", 1), ("2024-02-01", 2)
    ]


@pytest.mark.parametrize("path", ["/", "/cohorts", "/trials", "/reconcile", "/lifecycle"])
def test_a_page_without_its_data_says_what_is_there_and_what_is_missing(
    use: TestClient, path: str
) -> None:
    html = use.get(path).text
    assert 'data-empty="nothing_connected"' in html
    assert "Nothing is loaded yet" not in html
    page = twin(use, path)
    assert page["empty"] == "nothing_connected"
    tables = {one["table"]: one for one in page["tables"]}
    assert [name for name, one in tables.items() if one["is_loaded"]] == ["events"]
    # What is loaded leads somewhere.
    assert {"/usage", "/features"} <= set(tables["events"]["unlocks"])
    assert '<a href="/usage">' in html
    for need in page["needs"]:
        assert tables[need]["is_needed"]
        assert f"staycurve load {need}.csv" in html
        assert path in tables[need]["unlocks"]


def test_nothing_at_all_is_told_apart(bare: TestClient) -> None:
    html = bare.get("/usage").text
    assert "Nothing is loaded yet" in html
    assert "staycurve load events.csv" in html
    assert not any(one["is_loaded"] for one in twin(bare, "/usage")["tables"])


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_has_its_definition_without_data(bare: TestClient, name: str) -> None:
    page = twin(bare, f"/metrics/{name}")
    assert page["empty"] == "nothing_connected"
    assert [one["title"] for one in page["panels"]] == ["Definition"]
    assert page["panels"][0]["formula"]


def test_what_pages_need_are_tables() -> None:
    needs = {need for page in every_page() for need in page.needs}
    assert {"subscriptions", "events", "leads", "accounts"} <= needs <= set(CONFORMED)
