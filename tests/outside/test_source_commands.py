"""`sources`, `sync` and /api/v1/sources, with a kind of another package beside ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli.app import app
from staycurve.sections import SECTIONS
from staycurve.sources.base import SOURCES
from tests.outside import installed
from tests.outside.guests import GUESTS, opened, project, write


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "site").mkdir()
    with installed(tmp_path / "site", SECTIONS, SOURCES):
        yield project(tmp_path / "project")


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--project", str(folder), *words])


def rows(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(folder, "sources", "--format", "json").stdout)[
        "rows"
    ]
    assert found
    return found


def test_sync_says_what_came_and_numbers_follow(folder: Path) -> None:
    done = run(folder, "sync")
    assert (done.exit_code, done.stdout.splitlines()) == (0, [
        "guests/companies → accounts: accepted 3, replaced 0, rejected 0",
        "guests/contracts → subscriptions: accepted 2, replaced 0, rejected 0",
    ])
    shown = run(folder, "show", "mrr", "--from", "2024-01", "--to", "2024-02", "--as-of",
                "2024-03-01", "--format", "json")
    assert [row["value"] for row in json.loads(shown.stdout)["rows"]] == [100.0, 150.0]
    assert run(folder, "sync", "guests").stdout.splitlines() == [
        "guests/companies: nothing new", "guests/contracts: nothing new"
    ]


def test_sources_lists_kinds_and_how_far_the_configured_have_come(folder: Path) -> None:
    first = rows(folder)
    assert [(row["source"], row["stream"], row["cursor"], row["last_run_at"]) for row in first] == [
        ("guests", "companies", None, None), ("guests", "contracts", None, None)
    ]
    run(folder, "sync")
    companies, contracts = rows(folder)
    assert companies["lag_seconds"] in range(3600)
    assert companies["last_success_at"] == companies["last_run_at"]
    blank = dict.fromkeys(
        ("last_run_at", "last_loaded_at", "last_success_at", "lag_seconds"), ""
    )
    assert {**companies, **blank} == {
        "source": "guests", "kind": "guestbook", "stream": "companies", "tables": ["accounts"],
        "cursor": "2024-01-03T00:00:00Z cube", "kept": 0, "loads": 1, "accepted": 3,
        "replaced": 0, "rejected": 0, "last_run_at": "", "last_error": None, "last_loaded_at": "",
        "last_success_at": "", "lag_seconds": "",
    }
    assert contracts["last_run_at"] == contracts["last_loaded_at"] is not None
    text = run(folder, "sources").stdout
    for word in ("guests/companies", "2024-01-03T00:00:00Z cube", "guestbook", "files", "file"):
        assert word in text


def test_the_http_interface_lists_the_same(folder: Path) -> None:
    run(folder, "sync")
    with opened(folder) as company, TestClient(create_app(company)) as client:
        answer = client.get("/api/v1/sources")
        schema = client.get("/api/openapi.json").json()
        assert client.get("/api/v1/sources?nme=x").status_code == 422
    told, printed = answer.json(), json.loads(run(folder, "sources", "--format", "json").stdout)
    # The lag grows while the two are asked, and their clocks are not one.
    assert all(row.pop("lag_seconds") >= 0 for row in (*told["rows"], *printed["rows"]))
    assert told == printed
    kinds = {kind["kind"]: kind for kind in answer.json()["kinds"]}
    assert {"file", "files", "guestbook"} <= set(kinds)
    assert [key["key"] for key in kinds["guestbook"]["keys"]] == ["path", "token", "page"]
    assert kinds["guestbook"]["streams"][1]["tables"] == ["subscriptions"]
    assert "/api/v1/sources" in schema["paths"]


def test_a_failing_stream_is_a_line_and_status_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STAYCURVE_FAULTS", raising=False)
    write(folder, [{**GUESTS[0], "is_down": True}, *GUESTS[1:]])
    done = run(folder, "sync")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "guests/contracts → subscriptions: accepted 2, replaced 0, rejected 0"
    ]
    assert done.stderr.splitlines()[0] == (
        "guests/companies: RuntimeError: HTTP 503 from /guests?token="
    )
    assert "Traceback" not in done.output


def test_a_misspelt_name_gets_the_nearest(folder: Path) -> None:
    error = run(folder, "sync", "gests").exception
    assert str(error) == "Unknown source 'gests'. Did you mean 'guests'?"


@pytest.mark.parametrize("words", [("--dry-run",), ("--since", "2024-02-01", "--dry-run")])
def test_a_dry_run_says_that_it_was_one(words: tuple[str, ...], folder: Path) -> None:
    done = run(folder, "sync", *words)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        0, "Dry run: nothing was changed."
    )
    with opened(folder) as company:
        assert company.loads() == []


def test_without_a_source_sync_says_how_to_write_one(tmp_path: Path) -> None:
    run(tmp_path / "project", "init")
    done = run(tmp_path / "project", "sync")
    assert (done.exit_code, done.stdout) == (
        0, 'No source is configured. Write, for example: [sources.exports] kind = "files"\n'
    )
