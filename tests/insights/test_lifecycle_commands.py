"""The lifecycle and acquisition as commands and over HTTP: the same answers as in Python."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from staycurve.errors import StaycurveError
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import build
from tests.insights.test_lifecycle_readings import ACCOUNTS, SUBSCRIPTIONS


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("asked") / "project"
    with build(folder, {"accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS}) as made:
        yield made


@pytest.fixture(scope="module")
def client(company: Company) -> TestClient:
    return TestClient(create_app(company), raise_server_exceptions=False)


def run(company: Company, *words: str) -> str:
    done = CliRunner().invoke(app, ["--project", str(company.folder), *words])
    if done.exception:
        raise done.exception
    return done.stdout


@pytest.mark.parametrize("words", [
    ("lifecycle", "rules"), ("lifecycle", "stages"), ("lifecycle", "transitions"),
    ("lifecycle", "times"), ("lifecycle", "stuck"), ("lifecycle", "indicators"),
    ("lifecycle", "accounts"), ("lifecycle", "moved", "--period", "2024-03"),
    ("lifecycle", "history", "acme"),
    ("acquisition", "channels"), ("acquisition", "funnel"), ("acquisition", "quality"),
    ("acquisition", "leads", "--cohort", "2024-03"), ("acquisition", "referrals"),
    ("acquisition", "referred"),
], ids=lambda words: " ".join(words[:2]))
def test_commands_and_api_give_the_same_answer(
    company: Company, client: TestClient, words: tuple[str, ...]
) -> None:
    said = json.loads(run(company, *words, "--format", "json"))
    theme, reading, *rest = words
    address = f"/api/v1/{theme}/{reading}"
    if reading == "history":
        address += f"/{rest[0]}"
        rest = []
    if rest:
        address += f"?{rest[0].removeprefix('--')}={rest[1]}"
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.json() == said
    assert "rows" in said
    assert run(company, *words)
    listed = list(csv.DictReader(io.StringIO(run(company, *words, "--format", "csv"))))
    assert len(listed) == len(said["rows"])


def test_the_api_refuses_in_one_shape(client: TestClient) -> None:
    wrong = client.get("/api/v1/lifecycle/accounts?stage=lapse")
    assert wrong.status_code == 422
    assert wrong.json()["error"]["code"] == "unknown_stage"
    assert client.get("/api/v1/lifecycle/stages?gran=month").status_code == 422
    assert client.get("/api/v1/acquisition/funnel?horizon=0").status_code == 422
    schema = client.get("/api/openapi.json").json()["paths"]
    assert {"/api/v1/lifecycle/stages", "/api/v1/acquisition/channels"} <= set(schema)


def test_a_command_says_what_is_wrong(company: Company) -> None:
    with pytest.raises(StaycurveError, match="Unknown stage"):
        run(company, "lifecycle", "moved", "--period", "2024-03", "--before", "adopted")
