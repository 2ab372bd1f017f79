"""What the server says about itself, and which requests it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import Response

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.api.security import LOOPBACK
from staycurve.workspace import Company
from tests.company import create


@pytest.mark.parametrize(
    "address", ["/", "/api/v1/metrics", "/healthz", "/nothing", "/static/staycurve.css", "/boom"]
)
def test_security_headers_stand_on_every_answer(company: Company, address: str) -> None:
    app = create_app(company)

    def boom(request: Request) -> Response:
        raise RuntimeError("secret detail")

    app.add_route("/boom", boom)
    answer = TestClient(app, raise_server_exceptions=False).get(address)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    # A page with a form lets the browser say where the form came from.
    referrer = "same-origin" if address == "/" else "no-referrer"
    assert answer.headers["referrer-policy"] == referrer


def test_a_failure_tells_nothing_of_its_inside(company: Company) -> None:
    app = create_app(company)

    def boom(request: Request) -> Response:
        raise RuntimeError("secret detail")

    app.add_route("/boom", boom)
    answer = TestClient(app, raise_server_exceptions=False).get("/boom")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8765", 200),
        ("127.0.0.1:8765", 200),
        ("[::1]:8765", 200),
        ("LOCALHOST", 200),
        ("evil.example", 421),
        ("evil.example:8765", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
def test_foreign_names_are_refused_on_a_loopback_server(
    company: Company, host: str, status: int
) -> None:
    client = TestClient(create_app(company, hosts=LOOPBACK))
    answer = client.get("/healthz", headers={"Host": host})
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"]["code"] == "foreign_host"


def test_healthz_and_readyz(client: TestClient, company: Company) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "snapshot": company.snapshot.seq}


def test_not_ready_without_a_state_database(tmp_path: Path) -> None:
    company = create(tmp_path / "project")
    client = TestClient(create_app(company))
    assert client.get("/readyz").status_code == 200
    (tmp_path / "project" / "state.db").unlink()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "no_project"
    company.close()


def test_prometheus_text(client: TestClient, company: Company) -> None:
    client.get("/api/v1/metrics/mrr")
    client.get("/metrics/mrr")
    client.get("/no/such/path")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert f"staycurve_snapshot_seq {company.snapshot.seq}" in lines
    assert 'staycurve_table_rows{table="subscriptions"} 7' in lines
    counted = [line for line in lines if line.startswith("staycurve_requests_total")]
    routes = {re.search(r'route="([^"]*)"', line)[1] for line in counted}  # type: ignore[index]
    assert {"/api/v1/metrics/{name}", "/metrics/{name}", "other"} <= routes
    assert "/no/such/path" not in routes
    value = r"[-+0-9.e]+"
    for line in lines:
        assert re.fullmatch(rf"# (HELP|TYPE) .*|\w+(\{{.*\}})? {value}", line), line


def test_histogram_counts_add_up(client: TestClient) -> None:
    client.get("/healthz")
    lines = client.get("/metrics").text.splitlines()
    name = "staycurve_request_seconds"
    last = next(x for x in lines if x.startswith(f'{name}_bucket{{route="/healthz",le="+Inf"}}'))
    total = next(x for x in lines if x.startswith(f'{name}_count{{route="/healthz"}}'))
    assert last.split()[-1] == total.split()[-1]
