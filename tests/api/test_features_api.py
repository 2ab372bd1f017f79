"""Features, onboarding and trials: the API, the command line and Python give one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import build

SETTINGS = """
[activation]
events = ["made"]
checklist = ["signed", "made"]

[[limits]]
feature = "view"
allowance = 2
"""
TABLES = {
    "accounts": """
        account_id created_at channel
        acme       2024-01-01 ads
        bolt       2024-01-02 web
        crux       2024-02-03 web""",
    "subscriptions": """
        subscription_id account_id starts_at  ends_at    status   amount card_on_file
        s1              acme       2024-01-01 2024-01-15 trialing 0      true
        s1              acme       2024-01-15 -          active   100    -
        s2              bolt       2024-01-02 2024-01-16 trialing 0      false""",
    "events": """
        event_id account_id user_id event  occurred_at
        e1       acme       ann     signed 2024-01-01
        e2       acme       ann     made   2024-01-02
        e3       bolt       bea     signed 2024-01-02
        e4       acme       ann     view   2024-04-03
        e5       acme       bob     view   2024-04-20
        e6       bolt       bea     view   2024-05-01
        e7       acme       ann     view   2024-05-02
        e8       acme       ann     view   2024-05-03""",
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("api") / "p", TABLES, end_reasons=SETTINGS) as found:
        yield found


@pytest.fixture(scope="module")
def client(company: Company) -> TestClient:
    return TestClient(create_app(company), raise_server_exceptions=False)


ANSWERS: list[tuple[str, str, Any]] = [
    ("features?period=2024-04", "features report --period 2024-04",
     lambda c: c.features.report(period="2024-04")),
    ("features?feature=view&spans=0", "features report --feature view --spans 0",
     lambda c: c.features.report(features=["view"], spans=0)),
    ("features/adoption?months=2", "features adoption --months 2",
     lambda c: c.features.adoption(months=2)),
    ("features/accounts?feature=view&period=2024-04", "features accounts view --period 2024-04",
     lambda c: c.features.accounts(feature="view", period="2024-04")),
    ("features/users?feature=view", "features users view",
     lambda c: c.features.users(feature="view")),
    ("features/limits?least=0", "features limits --least 0",
     lambda c: c.features.limits(least=0)),
    ("onboarding?by=channel", "onboarding time --by channel",
     lambda c: c.onboarding.time_to_value(by="channel")),
    ("onboarding/accounts?part=waiting", "onboarding accounts --part waiting",
     lambda c: c.onboarding.accounts(part="waiting")),
    ("onboarding/checklist", "onboarding checklist", lambda c: c.onboarding.checklist()),
    ("onboarding/checklist/accounts?step=made", "onboarding progress made",
     lambda c: c.onboarding.step_accounts(step="made")),
    ("trials?by=channel", "trials report --by channel", lambda c: c.trials.report(by="channel")),
    ("trials/accounts?part=converted&card=with", "trials accounts --part converted --card with",
     lambda c: c.trials.accounts(part="converted", card="with")),
]


@pytest.mark.parametrize(("address", "words", "ask"), ANSWERS, ids=[a[1] for a in ANSWERS])
def test_one_answer_everywhere(
    client: TestClient, company: Company, address: str, words: str, ask: Any
) -> None:
    ours = json.loads(json.dumps(ask(company).as_dict()))
    assert ours["rows"]
    assert client.get(f"/api/v1/{address}").json() == ours
    project = ["--project", str(company.folder)]
    printed = CliRunner().invoke(app, [*project, *words.split(), "--format", "json"])
    assert json.loads(printed.output) == ours
    for output in ("table", "csv"):
        shown = CliRunner().invoke(app, [*project, *words.split(), "--format", output])
        assert shown.exit_code == 0, shown.output
        assert shown.output.strip()


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("features?period=2024-13", 422, "wrong_usage"),
        ("features?perido=2024-04", 422, "wrong_usage"),
        ("features?top=0", 422, "wrong_usage"),
        ("features/users?feature=veiw", 422, "unknown_feature"),
        ("features/accounts?feature=view&part=all", 422, "unknown_part"),
        ("features/limits?period=2024", 422, "wrong_usage"),
        ("onboarding?by=plan", 422, "not_answered"),
        ("onboarding/checklist/accounts?step=view", 422, "unknown_step"),
        ("trials/accounts?part=won", 422, "unknown_part"),
        ("trials?where=nothing", 422, "wrong_usage"),
    ],
)
def test_wrong_questions_say_what_is_wrong(
    client: TestClient, address: str, status: int, code: str
) -> None:
    answer = client.get(f"/api/v1/{address}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["message"]


def test_every_address_is_in_the_schema(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    for address in (
        "features/report", "features/limits", "onboarding/time", "onboarding/checklist",
        "trials/report",
    ):
        assert f"/api/v1/{address}" in paths
