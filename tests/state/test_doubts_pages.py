"""Doubts on the overview: dismissed by a form, and back when there are more rows of the kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.workspace import Company
from tests.company import build, load
from tests.state.served import FROM_HERE, client_of

HEAD = "subscription_id account_id plan interval amount starts_at ends_at\n"
ONE = "s1 a Pro month 9.50 2024-01-01 -\ns2 b Setup - 500.25 2024-01-01 -\n"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with build(tmp_path / "project", {"subscriptions": HEAD + ONE}) as made:
        yield made


def doubts(client: TestClient, address: str) -> list[dict[str, Any]]:
    panels = client.get(address).json()["panels"]
    return next(panel["rows"] for panel in panels if panel["name"] == "doubts")


def test_it_stands_on_the_overview_until_it_is_dismissed(company: Company) -> None:
    client = client_of(company)
    (row,) = doubts(client, "/.json")
    assert (row["check"], row["count"], row["mrr"]) == ("interval_unsaid", 1, 500.25)
    page = client.get("/").text
    assert "500.25 a month" in page
    assert 'id="doubts"' in page

    form = {"do": "dismiss", "doubt": "interval_unsaid"}
    sent = client.post("/doubts", data=form, headers=FROM_HERE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/doubts?done=dismissed")
    assert doubts(client, "/.json") == []
    assert 'id="doubts"' not in client.get("/").text
    (row,) = doubts(client, "/doubts.json")
    assert row["is_dismissed"]
    assert "Show again" in client.get("/doubts").text
    assert company.state.audit()[0].what == "doubt.dismissed"

    # The same doubt about more rows is another matter.
    load(company, {"subscriptions": HEAD + ONE + "s3 c Setup - 100 2024-01-01 -\n"})
    (row,) = doubts(client, "/.json")
    assert (row["count"], row["mrr"]) == (2, 600.25)


def test_it_is_shown_again_when_asked(company: Company) -> None:
    client = client_of(company)
    for asked in ("dismiss", "restore"):
        form = {"do": asked, "doubt": "interval_unsaid"}
        assert client.post("/doubts", data=form, headers=FROM_HERE).status_code == 303
    assert len(doubts(client, "/.json")) == 1
    assert [entry.what for entry in company.state.audit()] == ["doubt.restored", "doubt.dismissed"]


@pytest.mark.parametrize("form", [{}, {"do": "dismiss", "doubt": "nothing"}, {"do": "eat"}])
def test_a_form_that_asks_for_nothing_is_refused(company: Company, form: dict[str, str]) -> None:
    sent = client_of(company).post("/doubts", data=form or {"x": "y"}, headers=FROM_HERE)
    assert sent.status_code == 422
    assert company.state.audit() == ()


def test_a_form_from_elsewhere_is_refused(company: Company) -> None:
    form = {"do": "dismiss", "doubt": "interval_unsaid"}
    sent = client_of(company).post(
        "/doubts", data=form, headers={"Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
    )
    assert sent.status_code == 400
    assert company.state.audit() == ()
