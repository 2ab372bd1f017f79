"""What an operator relies on: lines of the log, /metrics, and a stop that loses nothing."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces import logs
from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from staycurve.workspace.asking import number_of
from tests.company import NOW, build

PATIENCE = 60
SUBSCRIPTIONS = """
    subscription_id account_id plan starts_at  ends_at    amount
    s1              acme       Pro  2024-01-05 -          100"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("run") / "p", {"subscriptions": SUBSCRIPTIONS}) as made:
        yield made


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged as JSON lines."""
    target = io.StringIO()
    handler = logging.StreamHandler(target)
    handler.setFormatter(logs.JsonLines())
    own = logging.getLogger("staycurve")
    before = own.level
    own.addHandler(handler)
    own.setLevel(logging.INFO)
    yield target
    own.removeHandler(handler)
    own.setLevel(before)


def test_a_request_is_one_line_without_what_was_asked(
    company: Company, lines: io.StringIO
) -> None:
    client = TestClient(create_app(company), base_url="http://127.0.0.1")
    given = {"X-Request-Id": "proxy-0001"}
    answer = client.get(
        "/api/v1/metrics/mrr?where=email%3Danna%40x.example", headers=given
    )
    assert answer.headers["x-request-id"] == "proxy-0001"
    bad = client.get("/api/v1/metrics/mrr", headers={"X-Request-Id": "a b\r\nc"})
    assert re.fullmatch("[0-9a-f]{32}", bad.headers["x-request-id"])
    client.get("/healthz")
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(one["request"], one["route"]) for one in told] == [
        ("proxy-0001", "/api/v1/metrics/{name}"),
        (bad.headers["x-request-id"], "/api/v1/metrics/{name}"),
    ]
    assert told[1]["status"] == 200
    assert told[1]["bytes"] > 0
    assert "anna" not in lines.getvalue()


def test_secrets_and_addresses_are_blanked_and_errors_tell_where(lines: io.StringIO) -> None:
    log = logging.getLogger("staycurve.test")
    log.warning(
        "anna.k@x.example used sck_0123abcd_secret and Bearer abcdefgh12 at "
        "postgresql://me:pass@db/acme"
    )
    try:
        raise ValueError("anna.k@x.example")
    except ValueError:
        log.exception("Syncing failed")
    first, second = (json.loads(line) for line in lines.getvalue().splitlines())
    assert first["message"] == (
        "(address) used (secret) and (secret) at postgresql://…@db/acme"
    )
    assert first["level"] == "warning"
    assert second["error"] == "ValueError"
    assert "test_operation.py" in second["stack"][0]
    assert "anna" not in lines.getvalue()


def test_metrics_tell_ages_and_how_long_a_refresh_took(company: Company) -> None:
    client = TestClient(create_app(company), base_url="http://127.0.0.1")
    company.refresh()
    text = client.get("/metrics").text
    values = dict(
        line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")
    )
    # The company's clock stands still, so the snapshot of just now is no second old.
    assert values["staycurve_snapshot_age_seconds"] == "0.000"
    assert float(values["staycurve_refresh_seconds"]) > 0
    assert values['staycurve_table_rows{table="subscriptions"}'] == "1"


SERVE = """
import sys, staycurve
from staycurve.interfaces.web.server import serve
serve(staycurve.open(sys.argv[1]), port=0)
print("closed", flush=True)
"""


def test_a_server_that_is_told_to_stop_keeps_what_it_took_and_ends_well(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    _key, text = company.state.create_key("ingest", name="web")
    # Nothing is drained while it runs.
    monkeypatch.setenv("STAYCURVE_DRAIN_EVERY", "3000")
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(company.folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip().removeprefix("Serving ")
        basic = base64.b64encode(f"{text}:".encode()).decode()
        answer = httpx.post(
            f"{address}/v1/track", headers={"Authorization": f"Basic {basic}"}, timeout=PATIENCE,
            json={"event": "viewed", "userId": "u1", "messageId": "m1"},
        )
        assert answer.status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
    with Company(company.folder, clock=lambda: NOW) as again:
        waiting, failed = again.events.waiting()
        assert (waiting + again.lake.rows(again.snapshot, "events"), failed) == (1, 0)
    assert number_of("STAYCURVE_DRAIN_EVERY", 1.0) == 3000


def test_a_backup_of_a_served_project_is_whole(company: Company, tmp_path: Path) -> None:
    from staycurve.workspace.backups import back_up, restore

    client = TestClient(create_app(company), base_url="http://127.0.0.1")
    before = client.get("/api/v1/metrics/mrr?from=2024-03&to=2024-03").json()["rows"]
    back_up(company, tmp_path / "served.tar")
    assert client.get("/readyz").status_code == 200
    restore(tmp_path / "served.tar", tmp_path / "moved")
    with Company(tmp_path / "moved", clock=lambda: NOW) as moved:
        there = TestClient(create_app(moved), base_url="http://127.0.0.1")
        rows = there.get("/api/v1/metrics/mrr?from=2024-03&to=2024-03").json()["rows"]
    assert rows == before
    assert rows[0]["value"] == 100.0
