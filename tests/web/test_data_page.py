"""Where data comes from: sources, completeness, rejected rows, what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import NOW, build, write_csv

SUBSCRIPTIONS = """
    subscription_id account_id starts_at  amount
    s1              acme       2024-01-05 100
    s2              bolt       2024-02-01 -5"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A company with a folder that was synced once, and a row that was rejected."""
    folder: Path = tmp_path_factory.mktemp("data") / "project"
    build(folder, {"subscriptions": SUBSCRIPTIONS}).close()
    exports = folder / "exports"
    exports.mkdir()
    write_csv(exports / "accounts.csv", [{"account_id": "crux", "name": "Crux"}])
    with (folder / "staycurve.toml").open("a", encoding="utf-8") as file:
        file.write('\n[sources.exports]\nkind = "files"\nfolder = "exports"\n')
    with Company(folder, clock=lambda: NOW) as company:
        company.sources.sync()
        company.refresh()
        yield TestClient(create_app(company), raise_server_exceptions=False)


def panels(client: TestClient) -> dict[str, list[dict[str, Any]]]:
    found = client.get("/data.json")
    assert found.status_code == 200
    return {one["name"]: one["rows"] for one in found.json()["panels"]}


def test_each_source_says_when_it_ran_and_what_it_brought(client: TestClient) -> None:
    (row,) = panels(client)["sources"]
    assert (row["source"], row["kind"]) == ("exports", "files")
    assert (row["accepted"], row["rejected"]) == (1, 0)
    assert row["last_run_at"] == NOW.isoformat()
    html = client.get("/data").text
    assert "22 Nov 2026, 00:00" in html


def test_the_overview_says_how_fresh_sources_are(
    client: TestClient, tmp_path: Path
) -> None:
    found = {one["name"]: one["rows"] for one in client.get("/.json").json()["panels"]}
    assert found["fresh"] == [{
        "source": "exports", "last_run_at": NOW.isoformat(), "streams_with_errors": 0,
        "is_complete": None,
    }]
    assert 'href="/data"' in client.get("/").text
    with build(tmp_path / "project", {"subscriptions": SUBSCRIPTIONS}) as company:
        alone = TestClient(create_app(company), raise_server_exceptions=False)
        assert 'id="fresh"' not in alone.get("/").text


def test_a_sync_without_news_is_news_and_a_certificate_is_read_as_it_was_kept(
    tmp_path: Path,
) -> None:
    build(tmp_path / "project", {"subscriptions": SUBSCRIPTIONS}).close()
    (tmp_path / "project" / "exports").mkdir()
    with (tmp_path / "project" / "staycurve.toml").open("a", encoding="utf-8") as file:
        file.write('\n[sources.exports]\nkind = "files"\nfolder = "exports"\n')
    with Company(tmp_path / "project", clock=lambda: NOW) as company:
        client = TestClient(create_app(company), raise_server_exceptions=False)

        def fresh() -> dict[str, Any]:
            panels = client.get("/.json").json()["panels"]
            (row,) = next(one["rows"] for one in panels if one["name"] == "fresh")
            found: dict[str, Any] = row
            return found

        assert fresh()["last_run_at"] is None
        company.sources.sync()
        # No row came, so the snapshot is the same; the page is not.
        assert fresh()["last_run_at"] == NOW.isoformat()
        kept = tmp_path / "project" / "logs" / "certificates"
        kept.mkdir()
        for at, is_complete in (("20260101000000", True), ("20260102000000", False)):
            (kept / f"exports-{at}.json").write_text(
                json.dumps({"at": at, "rows": [{"is_complete": is_complete}]})
            )
        assert company.sources.certified() == {"exports": False}


def test_rejected_rows_are_counted_by_rule(client: TestClient) -> None:
    assert panels(client)["rejected"] == [{
        "table": "subscriptions", "rule": "is negative", "state": "set aside", "rows": 1,
    }]
    assert 'href="/rejects"' in client.get("/data").text


def test_what_is_missing_says_what_it_unlocks(client: TestClient) -> None:
    rows = {row["table"]: row for row in panels(client)["unlocks"]}
    assert rows["subscriptions"]["is_loaded"]
    assert not rows["events"]["is_loaded"]
    assert "/usage" in rows["events"]["unlocks"]


def test_without_a_source_that_lists_there_is_no_certificate(client: TestClient) -> None:
    assert panels(client)["certificate"] == []
    assert 'id="certificate"' not in client.get("/data").text
