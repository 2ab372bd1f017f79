"""What the server says about itself, and which requests it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.responses import Response

from staycurve.faults import LOG
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.api.security import LOOPBACK
from staycurve.interfaces.web.server import hosts_of
from staycurve.workspace import Company
from tests.company import create


@pytest.mark.usefixtures("told_faults")
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


@pytest.mark.usefixtures("told_faults")
@pytest.mark.parametrize("address", ["/boom", "/boom.json", "/boom?format=csv"])
def test_a_failure_tells_nothing_of_its_inside_and_where_to_look(
    company: Company, address: str
) -> None:
    app = create_app(company)

    def boom(request: Request) -> Response:
        raise RuntimeError("secret detail")

    app.add_route("/boom", boom)
    app.add_route("/boom.json", boom)
    answer = TestClient(app, raise_server_exceptions=False).get(address)
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == "internal"
    assert "secret" not in answer.text
    entries = [json.loads(line) for line in (company.folder / LOG).read_text().splitlines()]
    own = next(entry for entry in entries if entry["id"] in error["message"])
    assert own["id"] in error["hint"]
    assert own["error"] == "RuntimeError"
    assert "secret detail" in own["traceback"]
    assert own["doing"].startswith("GET /boom")


@pytest.mark.usefixtures("told_faults")
def test_people_get_a_page_with_the_number_of_the_fault(company: Company) -> None:
    app = create_app(company)

    def boom(request: Request) -> Response:
        raise RuntimeError("secret detail")

    app.add_route("/boom", boom)
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.get("/boom", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    number = json.loads((company.folder / LOG).read_text().splitlines()[-1])["id"]
    assert number in answer.text
    assert "secret" not in answer.text


def test_tests_see_the_fault_itself(company: Company) -> None:
    app = create_app(company)

    def boom(request: Request) -> Response:
        raise RuntimeError("seen")

    app.add_route("/boom", boom)
    with pytest.raises(RuntimeError, match="seen"):
        TestClient(app).get("/boom")


@pytest.mark.parametrize(
    ("bound", "host", "status"),
    [
        ("0.0.0.0", "localhost:8765", 200),
        ("0.0.0.0", "evil.example", 421),
        ("0.0.0.0", "metrics.acme.example:8765", 200),
        ("0.0.0.0", "from-the-environment.example", 200),
        ("10.1.2.3", "10.1.2.3:8765", 200),
        ("10.1.2.3", "10.1.2.4", 421),
        ("::", "evil.example", 421),
    ],
)
def test_names_are_checked_whatever_the_server_is_bound_to(
    company: Company, bound: str, host: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAYCURVE_HOSTS", "a.example, from-the-environment.example")
    hosts = hosts_of(bound, ["Metrics.acme.example"])
    answer = TestClient(create_app(company, hosts=hosts)).get("/healthz", headers={"Host": host})
    assert answer.status_code == status
    if status != 200:
        assert "--allow-host" in answer.json()["error"]["hint"]
        assert "STAYCURVE_HOSTS" in answer.json()["error"]["hint"]


def test_the_address_that_a_request_came_in_at_is_answered(company: Company) -> None:
    app = create_app(company, hosts=hosts_of("0.0.0.0", []))
    there = TestClient(app, base_url="http://192.0.2.7:8765")
    assert there.get("/healthz").status_code == 200
    assert there.get("/healthz", headers={"Host": "192.0.2.8:8765"}).status_code == 421


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
